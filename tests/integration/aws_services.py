#!/usr/bin/env python3
"""Every AWS protocol, against two clients that are not ours.

Four parts. *Facts*: each row of scripts/lib/aws/services.lua and each REST
operation in it agrees with the models that AWS publishes with botocore.
*Endpoints*: the host of each service, plain, FIPS and dual-stack, in three
partitions, is the one that boto3 would ask.
*Requests*: for a table of operations and seeded random arguments, what
`nightshift call --print-request` would send is what botocore's serializers
build: method, path, query, headers, body. *Answers*: moto (an AWS of its own)
is asked by `nightshift call`, writes with --live, and boto3 asks it the same;
the answers must mean the same, and what gives secrets must not be sent.

    aws_services.py --nightshift PATH
"""

import concurrent.futures
import datetime
import email.utils
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import urllib.parse

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

from lib.cases import Cases                                   # noqa: E402
from lib.engine import CREDENTIALS, ROOT, from_arguments      # noqa: E402
from live_moto import Child, VENV, free_port, into_venv       # noqa: E402

REGION = "eu-central-1"
SEED = 20260301
# Our row's name where botocore has another.
MODELS = {"monitoring": "cloudwatch", "elasticloadbalancing": "elbv2"}
PROTOCOLS = {"json-1.0": "json", "json-1.1": "json"}
AWAY = {**CREDENTIALS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}


def services():
    """The table itself, by a Lua that is not the engine's."""
    lua = ('local c = require "cjson"; '
           'print(c.encode(dofile("scripts/lib/aws/services.lua")))')
    return json.loads(subprocess.run(
        ["lua5.4", "-e", lua], cwd=ROOT, check=True,
        capture_output=True).stdout)


# --- facts -------------------------------------------------------------------

def row_problems(name, row, model):
    facts = model.metadata
    prefix = row.get("endpoint", name)
    protocol = PROTOCOLS.get(row["protocol"], row["protocol"])
    yield prefix != facts["endpointPrefix"] and "endpoint %s" % prefix
    yield (row.get("signing", prefix) !=
           facts.get("signingName", facts["endpointPrefix"])) and "signing"
    yield protocol not in facts.get("protocols", [facts["protocol"]]) and (
        "protocol %s, not %s" % (protocol, facts.get("protocols")))
    yield row["version"] != facts["apiVersion"] and "version"
    yield row["id"] != facts["serviceId"] and "id %s" % facts["serviceId"]
    if protocol == "json":
        yield row["target"] != facts["targetPrefix"] and "target"
        yield row["protocol"][5:] != facts["jsonVersion"] and "JSON version"


def bound(shape, place):
    return {name: member.serialization.get("name", name)
            for name, member in (shape.members if shape else {}).items()
            if member.serialization.get("location") == place}


def operation_problems(operation, known):
    http = known.http
    yield operation["method"] != http["method"] and "method"
    yield operation["uri"] != http["requestUri"] and (
        "uri, not %s" % http["requestUri"])
    yield operation.get("payload") != known.input_shape.serialization.get(
        "payload") and "payload"
    query = bound(known.input_shape, "querystring")
    headers = {**bound(known.input_shape, "header"),
               **{name: prefix + "*" for name, prefix in
                  bound(known.input_shape, "headers").items()}}
    for ours, theirs in ((operation.get("query", {}), query),
                         (operation.get("headers", {}), headers)):
        for name, wire in ours.items():
            yield (theirs.get(name, "").lower() != wire.lower()) and (
                "%s is %s, not %s" % (name, theirs.get(name), wire))


def check_facts(cases, rows, session):
    for name, row in rows.items():
        model = session.get_service_model(MODELS.get(name, name))
        cases.check("facts of %s" % name, row_problems(name, row, model))
        for called, operation in row.get("operations", {}).items():
            cases.check("route of %s:%s" % (name, called), operation_problems(
                operation, model.operation_model(called)))


# --- endpoints -----------------------------------------------------------------

# Asked of a name that AWS does not have, or that boto3 names by its old alias.
ODD = {("s3", "cn-north-1", True, True), ("iam", "cn-north-1", True, False)}


def endpoint_of(engine, name, row, region, fips, dual):
    operation, args = "ListThings", {}
    if "operations" in row:
        operation = min(row["operations"], key=lambda called: (
            row["operations"][called]["uri"].count("{"), called))
        args = {label: "x" for label in re.findall(
            r"\{(\w+)", row["operations"][operation]["uri"])}
    walk = engine.start(
        "call", "aws", "%s:%s" % (name, operation), json.dumps(args), "--json",
        "--print-request", "--region", region, env={
            **CREDENTIALS, "AWS_USE_FIPS_ENDPOINT": str(fips).lower(),
            "AWS_USE_DUALSTACK_ENDPOINT": str(dual).lower()})
    return json.loads(walk.out) if walk.code == 0 else {"url": walk.words()}


def check_endpoints(cases, engine, rows):
    import boto3
    from botocore.config import Config
    for name, row in rows.items():
        problems = []
        for region in ("eu-central-1", "us-gov-west-1", "cn-north-1"):
            for fips, dual in ((False, False), (True, False), (False, True),
                               (True, True)):
                if (name, region, fips, dual) in ODD or (
                        name == "iam" and dual and
                        (fips or region != "eu-central-1")):
                    continue
                want = boto3.client(
                    MODELS.get(name, name), region_name=region,
                    aws_access_key_id="a", aws_secret_access_key="b",
                    config=Config(use_fips_endpoint=fips,
                                  use_dualstack_endpoint=dual)
                ).meta.endpoint_url
                ours = endpoint_of(engine, name, row, region, fips, dual)
                host = urllib.parse.urlsplit(ours["url"])
                if "%s://%s" % (host.scheme, host.netloc) != want:
                    problems.append("%s fips=%s dual=%s: %s, not %s" % (
                        region, fips, dual, ours["url"], want))
        cases.check("endpoints of %s" % name, problems)


# --- requests ----------------------------------------------------------------

TEXTS = ["plain", "with space", "a+b&c=d", "ü-ñ-漢", "100%", "x/y:z", "~._-",
         "\"quoted\"", "[1]", "line\ttab", "'", "*()!"]

OPERATIONS = {
    "ecs": "ListServices DescribeServices UpdateService RunTask StopTask "
           "DescribeTasks TagResource",
    "logs": "FilterLogEvents DescribeLogGroups StartQuery PutRetentionPolicy",
    "ssm": "GetParameters SendCommand DescribeInstanceInformation",
    "events": "ListRules PutRule PutTargets",
    "dynamodb": "Query UpdateTable ListTables",
    "sqs": "SendMessage GetQueueAttributes ReceiveMessage",
    "secretsmanager": "ListSecrets",
    "cloudtrail": "LookupEvents",
    "codedeploy": "CreateDeployment ListDeployments",
    "application-autoscaling": "DescribeScalableTargets "
                               "RegisterScalableTarget",
    "monitoring": "DescribeAlarms GetMetricStatistics PutMetricAlarm "
                  "GetMetricData SetAlarmState ListMetrics",
    "autoscaling": "DescribeAutoScalingGroups UpdateAutoScalingGroup "
                   "SetDesiredCapacity CreateOrUpdateTags",
    "elasticloadbalancing": "DescribeTargetHealth ModifyTargetGroup "
                            "DescribeLoadBalancers ModifyListener",
    "sts": "GetCallerIdentity",
    "iam": "ListRoles GetRole TagRole",
    "sns": "Publish CreateTopic SetTopicAttributes",
    "ec2": "DescribeInstances DescribeVolumes RebootInstances CreateTags "
           "DescribeSecurityGroups DescribeSubnets TerminateInstances",
    "lambda": "*", "fis": "*", "xray": "*", "bedrock-runtime": "*", "s3": "*",
}

# Where the two differ, and why; each is looked at and not counted.
DIFFER = {
    "clientToken": "RunTask gets the slot's token, which botocore leaves out",
    "x-amzn-query-mode": "asks SQS for the error codes of its old protocol",
    "order of maps": "ours is sorted, and the order of a map means nothing",
    "timestamp": "only arguments that the row names in `times` are moments",
    "blob": "a script gives base64, which is what JSON carries",
    "document": "free JSON, which both send as it is",
}


class Maker:
    """Random arguments that fit a shape: ours as JSON, theirs for botocore."""

    def __init__(self, rng, row):
        self.rng, self.times = rng, row.get("times", [])
        self.maps = row.get("maps", {})
        self.query = row["protocol"] in ("query", "ec2")

    def leaf(self, shape, name):
        kind = shape.type_name
        if kind == "string":
            text = (self.rng.choice(shape.enum) if getattr(shape, "enum", None)
                    else self.rng.choice(TEXTS))
            return text, text
        if kind in ("integer", "long"):
            number = self.rng.randrange(0, 10000)
            return number, number
        if kind in ("float", "double"):
            number = self.rng.randrange(1, 1000) / 4 + 0.125
            return number, number
        if kind == "boolean":
            truth = self.rng.random() < 0.5
            return truth, truth
        if kind == "timestamp" and name in self.times:
            moment = datetime.datetime.fromtimestamp(
                self.rng.randrange(1600000000, 1800000000),
                datetime.timezone.utc)
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ"), moment
        return None

    def make(self, shape, name="", depth=0):
        """None: there is nothing that both can say. See DIFFER."""
        if depth > 4 or getattr(shape, "is_document_type", False):
            return None
        if shape.type_name == "structure":
            if getattr(shape, "is_tagged_union", False):
                chosen = self.rng.choice(list(shape.members.items()))
                members = dict([chosen])
            else:
                members = shape.members
            return self.structure(members, set(shape.required_members), depth)
        if shape.type_name == "list":
            items = [self.make(shape.member, name, depth + 1)
                     for _ in range(self.rng.choice([0, 1, 1, 2, 3]))]
            items = [item for item in items if item is not None]
            return [item[0] for item in items], [item[1] for item in items]
        if shape.type_name == "map":
            if self.query and name not in self.maps:
                return None
            ours, theirs = {}, {}
            for key in sorted(self.rng.sample(TEXTS[:6],
                                              self.rng.choice([0, 1, 2]))):
                value = self.make(shape.value, name, depth + 1)
                if value is not None:
                    ours[key], theirs[key] = value
            return ours, theirs
        return self.leaf(shape, name)

    def structure(self, members, required, depth):
        ours, theirs = {}, {}
        for name, member in members.items():
            if name not in required and self.rng.random() < 0.55:
                continue
            value = self.make(member, name, depth + 1)
            if value is not None:
                ours[name], theirs[name] = value
        return ours, theirs


def place_texts(operation, row, shape, rng):
    """REST: each argument by where the row puts it."""
    ours, theirs = {}, {}
    labels = re.findall(r"\{(\w+)\+?\}", operation["uri"])
    for name in labels:
        text = rng.choice(TEXTS[:8]) if name != "Bucket" else "bucket-one"
        ours[name] = theirs[name] = text
    maker = Maker(rng, row)
    for name in list(operation.get("query", {})) + list(
            operation.get("headers", {})):
        member = shape.members[name]
        if rng.random() < 0.4 or member.type_name == "map":
            continue
        value = maker.leaf(member, name)
        if value and name in operation.get("headers", {}):
            value = ("plain-header",) * 2 if isinstance(value[0], str) and (
                not getattr(member, "enum", None)) else value
        if value:
            ours[name], theirs[name] = value
    if "Metadata" in operation.get("headers", {}):
        ours["Metadata"] = theirs["Metadata"] = {"one": "1", "two-b": "zwei"}
    if operation.get("payload"):
        text = rng.choice(TEXTS)
        ours[operation["payload"]] = text
        theirs[operation["payload"]] = text.encode()
    elif row["protocol"] == "rest-json":
        rest = {name: member for name, member in shape.members.items()
                if not member.serialization.get("location")}
        more, others = maker.structure(rest, set(shape.required_members), 0)
        ours.update(more)
        theirs.update(others)
    return ours, theirs


def printed(engine, service, operation, args):
    walk = engine.start("call", "aws", "%s:%s" % (service, operation), "-",
                        "--print-request", "--json", env=AWAY,
                        stdin=json.dumps(args).encode())
    try:
        return json.loads(walk.out) if walk.code == 0 else walk.words()
    except ValueError:
        return walk.words()


def pairs(text):
    return sorted(urllib.parse.parse_qsl(text, keep_blank_values=True,
                                         errors="strict"))


def their_query(request):
    given = request["query_string"]
    found = []
    for name, value in (given.items() if isinstance(given, dict) else given):
        for one in value if isinstance(value, list) else [value]:
            found.append((name, one if isinstance(one, str) else str(one)))
    return found


def request_problems(ours, theirs, protocol):
    if isinstance(ours, str):
        yield ours
        return
    url = urllib.parse.urlsplit(ours["url"])
    path, _, fixed = theirs["url_path"].partition("?")
    yield ours["method"] != theirs["method"] and "method " + ours["method"]
    yield url.path != path and "path %s, not %s" % (url.path, path)
    want = sorted(pairs(fixed) + their_query(theirs))
    yield pairs(url.query) != want and "query %s, not %s" % (
        pairs(url.query), want)
    headers = {name.lower(): value for name, value in ours["headers"].items()}
    for name, value in theirs["headers"].items():
        if name.lower() == "x-amzn-query-mode":
            continue
        if name.lower() == "content-type":
            value, headers[name.lower()] = value.lower(), headers.get(
                name.lower(), "").lower()
        yield headers.get(name.lower()) != str(value) and (
            "header %s: %s, not %s" % (name, headers.get(name.lower()), value))
    extra = set(headers) - {name.lower() for name in theirs["headers"]} - {
        "content-type"}
    yield extra and "more headers: %s" % extra
    body, want = ours.get("body", ""), theirs["body"]
    if protocol in ("query", "ec2"):
        want = sorted((name, str(value)) for name, value in want.items())
        yield pairs(body) != want and "form %s, not %s" % (pairs(body), want)
        return
    want = want.decode() if isinstance(want, bytes) else want or ""
    if protocol == "json" or ours["headers"].get("Content-Type", "").endswith(
            "json"):
        try:
            body, want = (json.loads(text) if text else None
                          for text in (body, want))
        except ValueError:
            pass
    # An empty object and no body are one to a REST service.
    yield (body or None) != (want or None) and "body %s, not %s" % (body, want)


def check_requests(cases, engine, rows, session):
    from botocore.serialize import create_serializer
    jobs = []
    for service, names in OPERATIONS.items():
        row = rows[service]
        model = session.get_service_model(MODELS.get(service, service))
        protocol = PROTOCOLS.get(row["protocol"], row["protocol"])
        if names == "*":
            names = " ".join(row["operations"])
        for name in names.split():
            known = model.operation_model(name)
            rng = random.Random("%d %s %s" % (SEED, service, name))
            for turn in range(4):
                if protocol.startswith("rest"):
                    ours, theirs = place_texts(row["operations"][name], row,
                                               known.input_shape, rng)
                else:
                    ours, theirs = Maker(rng, row).make(known.input_shape)
                if (service, name) == ("ecs", "RunTask"):
                    theirs.setdefault("clientToken", "TOKEN-OF-THE-SLOT")
                if row["protocol"].startswith("json"):
                    known.metadata.update(jsonVersion=row["protocol"][5:])
                want = create_serializer(
                    protocol, include_validation=False).serialize_to_request(
                        theirs, known)
                jobs.append((service, name, turn, ours, want, protocol))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda job: printed(engine, *job[:2], job[3]), jobs)
        for job, ours in zip(jobs, answers):
            cases.check("request %s:%s #%d %s" % (*job[:3],
                                                  json.dumps(job[3])[:300]),
                        request_problems(ours, job[4], job[5]))
    return len(jobs)


# --- answers -----------------------------------------------------------------

def moment(value):
    """Seconds, from whatever form a protocol gives a moment in."""
    if isinstance(value, (int, float)):
        return int(value)
    try:
        return int(datetime.datetime.fromisoformat(
            value.replace("Z", "+00:00")).timestamp())
    except ValueError:
        return int(email.utils.parsedate_to_datetime(value).timestamp())


def differs(theirs, ours, at=""):
    """The first place where ours does not mean what boto3 read, or None."""
    if isinstance(theirs, dict):
        if not isinstance(ours, dict):
            return "%s: %r is no object" % (at, ours)
        for key, value in theirs.items():
            if key == "ResponseMetadata":
                continue
            if key not in ours:
                if value in ({}, [], "", None, False):
                    continue
                return "%s.%s is missing" % (at, key)
            found = differs(value, ours[key], "%s.%s" % (at, key))
            if found:
                return found
        more = [key for key in set(ours) - set(theirs)
                if ours[key] not in (None, "", [], {})]
        return "%s has %s as well" % (at, more) if more else None
    if isinstance(theirs, list):
        if not isinstance(ours, list) or len(ours) != len(theirs):
            return "%s: %r is not the list %r" % (at, ours, theirs)
        return next(filter(None, (differs(a, b, "%s[%d]" % (at, i)) for
                                  i, (a, b) in enumerate(zip(theirs, ours)))),
                    None)
    if isinstance(theirs, datetime.datetime):
        same = moment(ours) == int(theirs.timestamp())
    elif isinstance(theirs, bool):
        same = str(ours).lower() == str(theirs).lower()
    elif isinstance(theirs, (int, float)):
        same = float(ours) == float(theirs)
    else:
        same = ours == theirs
    return None if same else "%s: %r, not %r" % (at, ours, theirs)


# EC2's answers keep EC2's names; boto3 translates them.
EC2_NAMES = {"instanceState": "State", "reservationSet": "Reservations", "instancesSet": "Instances",
             "vpcSet": "Vpcs", "subnetSet": "Subnets"}


class Asking:
    def __init__(self, cases, engine, url, state):
        self.cases, self.engine, self.state = cases, engine, state
        self.env = {**CREDENTIALS, "AWS_ENDPOINT_URL": url,
                    "AWS_REGION": REGION}
        self.url, self.made = url, {}

    def boto(self, service):
        import boto3
        from botocore.config import Config
        if service not in self.made:
            self.made[service] = boto3.client(
                MODELS.get(service, service), region_name=REGION,
                endpoint_url=self.url, aws_access_key_id="other",
                aws_secret_access_key="client",
                config=Config(s3={"addressing_style": "path"}))
        return self.made[service]

    def call(self, service, operation, args, live=False):
        more = ["--live", "--state", self.state] if live else []
        walk = self.engine.start(
            "call", "aws", "%s:%s" % (service, operation), "-", "--json",
            *more, env=self.env, stdin=json.dumps(args).encode())
        try:
            return json.loads(walk.out)
        except ValueError:
            return {"error": {"code": "?", "text": walk.words()}}

    def same(self, service, operation, args=None, fix=None):
        """Reads: we and boto3 ask, and must have read the same."""
        import re as words
        args = args or {}
        name = words.sub(r"(?<!^)(?=[A-Z][a-z])|(?<=[a-z0-9])(?=[A-Z])", "_",
                         operation).lower()
        theirs = getattr(self.boto(service), name)(**args)
        if "Body" in theirs:
            theirs["Body"] = theirs["Body"].read().decode()
        told = self.call(service, operation, args)
        ours = told.get("answer")
        if fix and ours is not None:
            ours = fix(ours)
            theirs = fix(theirs)
        self.cases.check("answer %s:%s %s" % (service, operation,
                                              json.dumps(args)),
                         [json.dumps(told.get("error"))] if ours is None else
                         [differs(theirs, ours)])
        return ours

    def write(self, service, operation, args):
        told = self.call(service, operation, args, live=True)
        self.cases.check("write %s:%s" % (service, operation), [
            "answer" not in told and json.dumps(told)[:500],
            told.get("class") == "read" and "it is called a read"])
        return told.get("answer", {})

    def refused(self, service, operation, args, code="denied"):
        told = self.call(service, operation, args, live=True)
        self.cases.check("refused %s:%s" % (service, operation), [
            told.get("error", {}).get("code") != code and json.dumps(told),
            told.get("class") != "secret" and "class %s" % told.get("class")])

    def fails(self, service, operation, args, code, part):
        told = self.call(service, operation, args)
        error = told.get("error", {})
        self.cases.check("error %s:%s" % (service, operation), [
            error.get("code") != code and json.dumps(told),
            part not in error.get("text", "") and json.dumps(error)])


KEYS = ["plain.txt", "with space.txt", "ünï/漢字.txt", "a+b&c=d.txt",
        "double//slash///x", "/leading", "trail/", "per%cent%2F", "q?m#h",
        "tilde~!*'()", ".hidden", "x/...y/..z"]


def ask_s3(asking):
    s3 = asking.boto("s3")
    s3.create_bucket(Bucket="bucket-one", CreateBucketConfiguration={
        "LocationConstraint": REGION})
    asking.same("s3", "ListObjectsV2", {"Bucket": "bucket-one"},
                lambda answer: {k: v for k, v in answer.items()
                                if k not in ("Contents", "EncodingType")})
    for number, key in enumerate(KEYS):
        where = {"Bucket": "bucket-one", "Key": key}
        text = "body %d ü" % number
        asking.write("s3", "PutObject", {
            **where, "Body": text, "ContentType": "text/plain",
            "Metadata": {"number": str(number)}})
        held = s3.get_object(**where)
        asking.cases.check("boto3 finds %r" % key, [
            held["Body"].read().decode() != text and "another body",
            held["Metadata"] != {"number": str(number)} and held["Metadata"],
            held["ContentType"] != "text/plain" and held["ContentType"]])
        asking.same("s3", "GetObject", where, without_facts)
        asking.same("s3", "HeadObject", where, without_facts)
    asking.same("s3", "ListObjectsV2", {"Bucket": "bucket-one"}, without_extra)
    asking.same("s3", "ListObjectsV2", {
        "Bucket": "bucket-one", "Delimiter": "/", "Prefix": "x/",
        "MaxKeys": 5}, without_extra)
    asking.same("s3", "ListBuckets", fix=without_extra)
    s3.put_object(Bucket="bucket-one", Key="bytes", Body=b"\xff\x00\x01")
    told = asking.call("s3", "GetObject", {"Bucket": "bucket-one",
                                           "Key": "bytes"})
    asking.cases.check("bytes come as base64", [
        told.get("answer", {}).get("Body") != {"base64": "/wAB"} and told])
    asking.write("s3", "PutObject", {"Bucket": "bucket-one", "Key": "bytes",
                                     "Body": {"base64": "AAH+"}})
    asking.cases.check("base64 goes as bytes", [
        s3.get_object(Bucket="bucket-one", Key="bytes")["Body"].read() !=
        b"\x00\x01\xfe" and "other bytes"])
    asking.write("s3", "DeleteObject", {"Bucket": "bucket-one",
                                        "Key": "plain.txt"})
    asking.fails("s3", "GetObject", {"Bucket": "bucket-one",
                                     "Key": "plain.txt"},
                 "not_found", "NoSuchKey")
    asking.fails("s3", "HeadObject", {"Bucket": "bucket-one",
                                      "Key": "plain.txt"}, "not_found", "404")
    asking.fails("s3", "GetObject", {"Bucket": "bucket-one", "Key": "a/../b"},
                 "invalid", "leaves its place")
    asking.fails("s3", "GetObject", {"Bucket": "bucket-one/..", "Key": "b"},
                 "not_found", "404")


def without_facts(answer):
    """What is about the exchange, or that the row does not name."""
    return {key: value for key, value in answer.items()
            if key not in ("ChecksumCRC32", "ChecksumType", "AcceptRanges",
                           "ResponseMetadata")}


def without_extra(answer):
    """Owner ids that moto gives by format, and the namespace's leftovers."""
    answer = {key: value for key, value in answer.items()
              if key not in ("ResponseMetadata", "EncodingType")}
    return answer


def as_boto_names(value):
    if isinstance(value, list):
        return [as_boto_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for key, item in value.items():
        out[EC2_NAMES.get(key, key[:1].upper() + key[1:])] = as_boto_names(item)
    return out


def instance_facts(answer):
    answer = as_boto_names(answer)
    return [[(instance["InstanceId"], instance["InstanceType"],
              str(instance["State"].get("Code", "")).lower(),
              instance["State"]["Name"], instance["Placement"])
             for instance in reservation["Instances"]]
            for reservation in answer["Reservations"]]


def ask_json(asking):
    ecs, logs = asking.boto("ecs"), asking.boto("logs")
    ecs.create_cluster(clusterName="prod")
    ecs.register_task_definition(family="web", containerDefinitions=[
        {"name": "app", "image": "app:1", "memory": 64}])
    asking.write("ecs", "CreateService", {
        "cluster": "prod", "serviceName": "api", "taskDefinition": "web",
        "desiredCount": 2})
    asking.write("ecs", "UpdateService", {"cluster": "prod", "service": "api",
                                          "desiredCount": 3})
    asking.same("ecs", "DescribeServices", {"cluster": "prod",
                                            "services": ["api"]})
    asking.same("ecs", "ListClusters")
    asking.fails("ecs", "DescribeServices", {"cluster": "none",
                                             "services": ["x"]},
                 "not_found", "ClusterNotFoundException")
    logs.create_log_group(logGroupName="/app")
    asking.write("logs", "PutRetentionPolicy", {"logGroupName": "/app",
                                                "retentionInDays": 7})
    asking.same("logs", "DescribeLogGroups")
    asking.same("logs", "DescribeLogStreams", {"logGroupName": "/app"})
    asking.write("dynamodb", "CreateTable", {
        "TableName": "t", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "k",
                                  "AttributeType": "S"}]})
    asking.write("dynamodb", "PutItem", {"TableName": "t", "Item": {
        "k": {"S": "ü"}, "l": {"L": []}, "m": {"M": {}}}})
    asking.same("dynamodb", "GetItem", {"TableName": "t",
                                        "Key": {"k": {"S": "ü"}}})
    asking.same("dynamodb", "Scan", {"TableName": "t"})
    asking.same("dynamodb", "ListTables")
    asking.write("ssm", "PutParameter", {"Name": "/a/b", "Value": "v",
                                         "Type": "String"})
    asking.same("ssm", "GetParameter", {"Name": "/a/b"})
    asking.refused("ssm", "GetParameter", {"Name": "/a/b",
                                           "WithDecryption": True})
    asking.boto("secretsmanager").create_secret(Name="s", SecretString="top")
    asking.same("secretsmanager", "ListSecrets", fix=lambda answer: [
        [secret["Name"], secret["ARN"]] for secret in answer["SecretList"]])
    asking.refused("secretsmanager", "GetSecretValue", {"SecretId": "s"})
    queue = asking.write("sqs", "CreateQueue", {"QueueName": "q"})
    asking.write("sqs", "SendMessage", {"QueueUrl": queue.get("QueueUrl", ""),
                                        "MessageBody": "a&b <ü>"})
    asking.same("sqs", "GetQueueAttributes", {
        "QueueUrl": queue.get("QueueUrl", ""), "AttributeNames": ["All"]})
    asking.write("events", "PutRule", {"Name": "r",
                                       "ScheduleExpression": "rate(1 day)"})
    asking.same("events", "ListRules", fix=lambda answer: [
        [rule["Name"], rule["Arn"], rule["ScheduleExpression"]]
        for rule in answer["Rules"]])


def ask_query(asking):
    asking.same("sts", "GetCallerIdentity", fix=lambda answer: {
        "Account": answer["Account"]})
    asking.refused("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::1:role/x",
                                         "RoleSessionName": "s"})
    asking.write("monitoring", "PutMetricAlarm", {
        "AlarmName": "high ü", "MetricName": "CPU", "Namespace": "N",
        "Statistic": "Average", "Period": 60, "EvaluationPeriods": 2,
        "Threshold": 80.5, "ComparisonOperator": "GreaterThanThreshold",
        "Dimensions": [{"Name": "a", "Value": "1"}]})
    asking.same("monitoring", "DescribeAlarms", fix=lambda answer: [
        {key: str(alarm.get(key)).lower() for key in (
            "AlarmName", "MetricName", "Namespace", "Period", "Threshold",
            "StateValue", "Dimensions", "ActionsEnabled")}
        for alarm in answer["MetricAlarms"]])
    asking.write("sns", "CreateTopic", {"Name": "t"})
    topics = asking.same("sns", "ListTopics")
    arn = topics["Topics"][0]["TopicArn"] if topics else ""
    asking.write("sns", "Publish", {
        "TopicArn": arn, "Message": "héllo & <x>", "MessageAttributes": {
            "kind": {"DataType": "String", "StringValue": "v"}}})
    asking.same("sns", "GetTopicAttributes", {"TopicArn": arn})
    asking.boto("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    asking.same("iam", "ListRoles", fix=lambda answer: [
        [role["RoleName"], role["Arn"], role["RoleId"], role["Path"]]
        for role in answer["Roles"]])
    asking.same("iam", "ListUsers")
    ec2 = asking.boto("ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=2, MaxCount=2,
                             InstanceType="t2.micro")["Instances"]
    asking.same("ec2", "DescribeInstances", fix=instance_facts)
    asking.same("ec2", "DescribeInstances", {
        "InstanceIds": [made[0]["InstanceId"]],
        "Filters": [{"Name": "instance-type", "Values": ["t2.micro"]}]},
        instance_facts)
    told = asking.call("ec2", "DescribeInstances", {"Filters": [
        {"Name": "instance-type", "Values": ["x1.none"]}]})
    asking.cases.check("no instance is an empty list", [
        told.get("answer", {}).get("reservationSet") != [] and told])
    asking.write("ec2", "StopInstances", {
        "InstanceIds": [made[0]["InstanceId"]]})
    asking.fails("ec2", "DescribeInstances", {"InstanceIds": ["i-0123"]},
                 "not_found", "InvalidInstanceID.NotFound")
    asking.fails("iam", "GetRole", {"RoleName": "none"}, "not_found",
                 "NoSuchEntity")
    subnets = ec2.describe_subnets()["Subnets"][:2]
    auto = asking.boto("autoscaling")
    auto.create_launch_configuration(LaunchConfigurationName="l",
                                     ImageId=image, InstanceType="t2.micro")
    asking.write("autoscaling", "CreateAutoScalingGroup", {
        "AutoScalingGroupName": "g", "LaunchConfigurationName": "l",
        "MinSize": 0, "MaxSize": 3, "DesiredCapacity": 1,
        "AvailabilityZones": [subnets[0]["AvailabilityZone"]]})
    asking.write("autoscaling", "SetDesiredCapacity", {
        "AutoScalingGroupName": "g", "DesiredCapacity": 2})
    asking.same("autoscaling", "DescribeAutoScalingGroups", fix=lambda answer: [
        [str(group[key]) for key in ("AutoScalingGroupName", "MinSize",
                                     "DesiredCapacity", "AvailabilityZones")] +
        [instance["InstanceId"] for instance in group["Instances"]]
        for group in answer["AutoScalingGroups"]])
    asking.boto("elasticloadbalancing").create_load_balancer(
        Name="lb", Subnets=[subnet["SubnetId"] for subnet in subnets])
    asking.same("elasticloadbalancing", "DescribeLoadBalancers",
                fix=lambda answer: [
                    [one["LoadBalancerArn"], one["DNSName"], one["State"],
                     one["Type"], [zone["SubnetId"] for zone in
                                   one["AvailabilityZones"]]]
                    for one in answer["LoadBalancers"]])
    asking.same("lambda", "ListFunctions")
    asking.fails("lambda", "GetFunctionConfiguration",
                 {"FunctionName": "none"}, "not_found",
                 "ResourceNotFoundException")


def main():
    engine = from_arguments(__doc__)
    into_venv()
    import botocore.session
    cases, rows = Cases(), services()
    session = botocore.session.get_session()
    check_facts(cases, rows, session)
    check_endpoints(cases, engine, rows)
    count = check_requests(cases, engine, rows, session)
    print("%d requests compared with botocore's" % count, flush=True)
    port = free_port()
    url = "http://127.0.0.1:%d" % port
    with tempfile.TemporaryDirectory() as state, Child(
            url + "/moto-api/", VENV / "bin" / "moto_server", "-H",
            "127.0.0.1", "-p", port):
        asking = Asking(cases, engine, url, state)
        ask_json(asking)
        ask_query(asking)
        ask_s3(asking)
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
