"""sigv4_oracles.py - `nightshift sign` against two signers that others wrote.

Requests are made as structures (path segments, decoded query pairs, headers)
from a seed, written once as a URL in RFC 3986 encoding, and given to all three
signers: nightshift, botocore and @smithy/signature-v4. Canonical request,
string to sign and Authorization header must be the same bytes, and so must the
parameters of a presigned URL. Where the two
oracles differ from each other, the case carries the sentence of the AWS
documentation that decides, and nightshift must follow it.

Usage, from the venv that has botocore:
    python tests/integration/sigv4_oracles.py --nightshift PATH \
        --node-dir DIR_WITH_node_modules [--cases N] [--seed N] [--verbose]
"""

import argparse
import datetime
import json
import os
import random
import shutil
import subprocess
import sys
import types
from unittest import mock
from urllib.parse import quote

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENT = 'AWS IAM User Guide, "Create a signed AWS API request"'
COMPARED = ("canonical_request", "string_to_sign", "authorization", "url")

# --- what requests are made of ---------------------------------------------

ENVIRONMENT = {
    "access_key": "AKIDFROMENVIRONMENT0",
    "secret_key": "env/secret+key=with~marks0123456789abcdef",
    "session_token": "",
}
SERVICES = [
    ("ecs", "ecs.{region}.amazonaws.com"),
    ("dynamodb", "dynamodb.{region}.amazonaws.com"),
    ("logs", "logs.{region}.amazonaws.com"),
    ("ec2", "ec2.{region}.amazonaws.com"),
    ("sts", "sts.amazonaws.com"),
    ("lambda", "lambda.{region}.amazonaws.com"),
    ("bedrock", "bedrock-runtime.{region}.amazonaws.com"),
    ("execute-api", "a1b2c3.execute-api.{region}.amazonaws.com"),
    ("es", "search-logs.{region}.es.amazonaws.com"),
    ("ssm", "localhost:4566"),
    ("xray", "XRAY.{region}.AmazonAWS.com"),
    ("fis", "127.0.0.1:5000"),
    ("s3", "{region}.s3.amazonaws.com"),
    ("s3", "logs.s3.{region}.amazonaws.com"),
    ("s3", "localhost:9000"),
    ("s3", "{bucket}.s3.{region}.amazonaws.com"),
    ("s3", "{bucket}.s3.dualstack.{region}.amazonaws.com"),
    ("s3", "s3.{region}.amazonaws.com/{bucket}"),
    ("s3", "127.0.0.1:9000/{bucket}"),
]
BUCKETS = ["logs", "my-bucket.with.dots", "a1b2c3", "xn--caf-dma"]
REGIONS = ["us-east-1", "eu-central-1", "ap-southeast-2", "us-gov-west-1"]
METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"]
WORDS = [
    "clusters", "prod", "2015-03-31", "functions", "model", "a", "Z", "0",
    "checkout api", "größe", "日本語", "emoji-🚨", "e\u0301", "tilde~", "dot.txt",
    "under_score", "a+b", "a*b", "a%b", "100%25", "semi;colon", "a=b", "a&b",
    "q?m", "hash#", "at@x", "(brackets)", "[square]", "{curly}", "it's", '"q"',
    "back\\slash", "pi|pe", "car^et", "tick`", "<angle>", "co,mma", "do$$ar",
    "bang!", "anthropic.claude-3:0", "arn:aws:ecs:eu-west-1:1:cluster/prod",
    " lead", "trail ", "  ", "\t", "new\nline", "...", "..a", ".a", "a..",
]
SEGMENTS = WORDS + ["", "", ".", ".", "..", ".."]
KEYS = WORDS + ["Action", "Version", "prefix", "max-keys", "list-type",
                "X-Amz-Meta", "key", "KEY", "k", "k1", "k-1", "k%", "K"]
NAMES = ["X-Custom", "x-custom-2", "Accept", "Accept-Encoding", "X-Amz-Target",
         "X-Amz-Meta-Owner", "x-amz-acl", "If-Match", "Range", "Content-MD5",
         "x-a", "X-A-B", "X_Under", "x-amz-", "Amz-Sdk-Invocation-Id"]
VALUES = ["plain", "  lead", "trail  ", "in  the   middle", "\ttab\tand  space ",
          "", " ", "a,b", "a, b", '"quoted  text"', "ünïcödé", "x" * 300,
          "1;q=0.5", "bytes=0-499", "*", "%41", "=", "a:b", "short\t"]
EXPIRES = [1, 60, 900, 3600, 86400, 604800]
UNSIGNED = ["User-Agent", "Connection", "Expect", "X-Amzn-Trace-Id",
            "Transfer-Encoding", "Keep-Alive", "TE", "Trailer", "Upgrade",
            "Proxy-Authorization", "Proxy-Authenticate"]
BODIES = ["", "", "{}", '{"cluster":"prod","desiredCount":4}',
          "Action=DescribeInstances&Version=2016-11-15", "größe 日本語 🚨",
          "line\r\nline\n", "\0binary\x01", "x" * 64, "x" * 55, "y" * 9000]
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQ==" * 8


class Case:
    """One request as a structure; the URL is derived from it."""

    def __init__(self, rng):
        self.service, host = rng.choice(SERVICES)
        self.region = rng.choice(REGIONS)
        self.s3 = self.service == "s3"
        self.scheme = "http" if ":" in host else "https"
        self.host, _, bucket = host.format(
            region=self.region, bucket=rng.choice(BUCKETS)).partition("/")
        self.method = rng.choice(METHODS)
        self.segments = [bucket] * bool(bucket) + [
            rng.choice(SEGMENTS)
            for _ in range(rng.choice([0, 0, 1, 2, 3, 4, 6]))]
        self.pairs = some_pairs(rng)
        self.headers = some_headers(rng)
        self.body = rng.choice(BODIES)
        self.time = some_time(rng)
        self.from_environment = rng.random() < 0.25
        self.credentials = (dict(ENVIRONMENT) if self.from_environment
                            else some_credentials(rng))
        self.decision = None
        self.unsigned = self.scheme == "https" and rng.random() < 0.15
        self.expires = rng.choice(EXPIRES) if rng.random() < 0.3 else None
        if self.expires:
            self.make_presignable()

    def make_presignable(self):
        """botocore keeps one value of each key, moves a body into the query,
        and drops the content type of a form."""
        self.pairs = list(dict(self.pairs).items())
        self.body = ""
        self.unsigned = self.unsigned and self.s3

    @property
    def path(self):
        return "/" + "/".join(encoded(segment) for segment in self.segments)

    @property
    def url(self):
        query = "&".join(f"{encoded(k)}={encoded(v)}" for k, v in self.pairs)
        return (f"{self.scheme}://{self.host}{self.path}"
                + (f"?{query}" if query else ""))

    @property
    def signed_host(self):
        own = {"http": ":80", "https": ":443"}[self.scheme]
        return self.host.lower().removesuffix(own)


def encoded(text):
    return quote(text, safe="-_.~")


def some_pairs(rng):
    pairs = [(rng.choice(KEYS), rng.choice(WORDS + ["", ""]))
             for _ in range(rng.choice([0, 0, 1, 2, 3, 5, 8]))]
    if pairs and rng.random() < 0.4:
        pairs += [(pairs[0][0], rng.choice(WORDS + [""])) for _ in range(3)]
    if rng.random() < 0.03:
        pairs += [(f"k{i % 7}", f"v{rng.randrange(50)}") for i in range(40)]
    rng.shuffle(pairs)
    return pairs


def some_headers(rng):
    names = rng.sample(NAMES, rng.choice([0, 1, 2, 3, 6]))
    headers = [(name, [rng.choice(VALUES)
                       for _ in range(rng.choice([1, 1, 1, 2, 3]))])
               for name in names]
    if rng.random() < 0.5:
        headers.append(("Content-Type", [rng.choice(
            ["application/x-amz-json-1.1", "text/plain;  charset=utf-8"])]))
    if rng.random() < 0.3:
        headers.append((rng.choice(UNSIGNED), ["whatever"]))
    return headers


def some_credentials(rng):
    secret = "".join(rng.choice("abcXYZ0123456789/+=") for _ in range(
        rng.choice([1, 16, 40, 60, 61, 128])))
    return {"access_key": f"AKID{rng.randrange(10**12):012d}",
            "secret_key": secret,
            "session_token": TOKEN if rng.random() < 0.5 else ""}


def some_time(rng):
    if rng.random() < 0.1:
        return rng.choice(["2024-02-29T23:59:59Z", "2025-12-31T23:59:59Z",
                           "2026-01-01T00:00:00Z", "2000-02-29T00:00:00Z"])
    start = datetime.datetime(2015, 1, 1)
    moment = start + datetime.timedelta(seconds=rng.randrange(600_000_000))
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- where the oracles differ ----------------------------------------------

DECISIONS = [
    {
        "about": "a header that smithy leaves out and botocore signs",
        "headers": [("Cache-Control", ["no-cache"])],
        "follows": "smithy",
        "sentence": "For the purpose of calculating an authorization "
                    "signature, only the host and any x-amz-* headers are "
                    "required",
    },
    {
        "about": "a header that botocore leaves out and smithy signs",
        "headers": [("Traceparent", ["00-4bf92f35-00f067aa-01"])],
        "follows": "botocore",
        "sentence": "This includes all volatile transport headers that are "
                    "mutated by proxies, load balancers, and the nodes in a "
                    "distributed system",
    },
    {
        "about": "S3 with a hash of the body given: botocore computes its own",
        "headers": [("X-Amz-Content-Sha256", ["UNSIGNED-PAYLOAD"])],
        "s3": True,
        "follows": "smithy",
        "sentence": "For Amazon S3, include the literal string "
                    "UNSIGNED-PAYLOAD when constructing a canonical request, "
                    "and set the same value as the x-amz-content-sha256 header "
                    "value when sending the request",
    },
]


def make_cases(count, seed):
    rng = random.Random(seed)
    cases = [Case(rng) for _ in range(count)]
    for number in range(max(count // 100, len(DECISIONS))):
        decision = DECISIONS[number % len(DECISIONS)]
        case = Case(rng)
        while (case.s3 != decision.get("s3", case.s3) or case.unsigned
               or case.expires):
            case = Case(rng)
        case.decision = decision
        case.headers += decision["headers"]
        cases.append(case)
    return cases


# --- the three signers -----------------------------------------------------


def nightshift_line(case):
    line = {"method": case.method, "url": case.url, "body": case.body,
            "service": case.service, "region": case.region, "time": case.time,
            "headers": {name: values if len(values) > 1 else values[0]
                        for name, values in case.headers}}
    if case.unsigned:
        line["unsigned_payload"] = True
    if case.expires:
        line["presign"] = {"expires": case.expires}
    if not case.from_environment:
        line.update({k: v for k, v in case.credentials.items() if v})
    return line


def run_nightshift(path, lines):
    """Exit status and the answers to these lines (objects, or raw text)."""
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n"
                   for line in lines)
    environment = {k: v for k, v in os.environ.items()
                   if not k.startswith("AWS_")}
    environment.update(AWS_ACCESS_KEY_ID=ENVIRONMENT["access_key"],
                       AWS_SECRET_ACCESS_KEY=ENVIRONMENT["secret_key"])
    done = subprocess.run([path, "sign"], input=text.encode(),
                          stdout=subprocess.PIPE, env=environment, timeout=120)
    return done.returncode, done.stdout.decode()


def ask_nightshift(path, cases):
    _, text = run_nightshift(path, [nightshift_line(case) for case in cases])
    answers = [json.loads(line) for line in text.splitlines()]
    for answer in answers:
        answer["authorization"] = answer.get("headers", {}).get("Authorization")
        answer["url"] = sorted_url(answer.get("url"))
    return answers


def sorted_url(url):
    """Parameters of a URL have no order that means anything."""
    if not url:
        return None
    before, _, query = url.partition("?")
    return before + "?" + "&".join(sorted(query.split("&")))


def botocore_signer(case):
    credentials = Credentials(case.credentials["access_key"],
                              case.credentials["secret_key"],
                              case.credentials["session_token"] or None)
    if case.expires:
        kind = (botocore.auth.S3SigV4QueryAuth if case.s3
                else botocore.auth.SigV4QueryAuth)
        return kind(credentials, case.service, case.region, case.expires)
    kind = botocore.auth.S3SigV4Auth if case.s3 else botocore.auth.SigV4Auth
    return kind(credentials, case.service, case.region)


def ask_botocore(case):
    signer = botocore_signer(case)
    request = AWSRequest(method=case.method, url=case.url,
                         data=case.body.encode())
    for name, values in case.headers:
        for value in values:
            request.headers[name] = value
    if case.unsigned:  # S3 asks the configuration, the others the context
        request.context["payload_signing_enabled"] = False
        request.context["client_config"] = types.SimpleNamespace(
            s3={"payload_signing_enabled": False})
    moment = datetime.datetime.strptime(case.time, "%Y-%m-%dT%H:%M:%SZ")
    heard = {}

    def listen(canonical):
        def string_to_sign(request, text):
            heard["canonical_request"] = text
            heard["string_to_sign"] = canonical(request, text)
            return heard["string_to_sign"]
        return string_to_sign

    signer.string_to_sign = listen(signer.string_to_sign)
    with mock.patch("botocore.auth.get_current_datetime",
                    return_value=moment):
        signer.add_auth(request)
    heard["authorization"] = request.headers["Authorization"]
    heard["url"] = sorted_url(request.url) if case.expires else None
    return heard


def smithy_line(case):
    query = {}
    for key, value in case.pairs:
        query.setdefault(key, []).append(value)
    headers = {name: ",".join(value.strip(" \t") for value in values)
               for name, values in case.headers}
    headers["host"] = case.signed_host
    if case.unsigned and not case.expires:
        headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    return {"method": case.method, "host": case.signed_host, "path": case.path,
            "query": query, "headers": headers, "body": case.body,
            "service": case.service, "region": case.region, "time": case.time,
            "s3": case.s3, "expires": case.expires, "authority": f"{case.scheme}://{case.host}",
            **case.credentials}


def ask_smithy(node_dir, cases):
    """None when node or its modules are missing."""
    module = os.path.join(node_dir, "node_modules", "@smithy", "signature-v4")
    if not shutil.which("node") or not os.path.isdir(module):
        return None
    text = "".join(json.dumps(smithy_line(case)) + "\n" for case in cases)
    done = subprocess.run(
        ["node", os.path.join(HERE, "sigv4_smithy.mjs"), node_dir],
        input=text.encode(), stdout=subprocess.PIPE, check=True, timeout=300)
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    for answer in answers:
        answer["url"] = sorted_url(answer.get("url"))
        answer.setdefault("authorization", None)
    return answers


# --- judging ---------------------------------------------------------------


class Tally:
    def __init__(self, verbose):
        self.passed = self.failed = self.skipped = self.decided = 0
        self.verbose = verbose

    def judge(self, ok, name, detail=""):
        self.passed += bool(ok)
        self.failed += not ok
        if not ok and (self.verbose or self.failed <= 5):
            print(f"FAIL {name}\n{detail}")


def difference(name, ours, theirs):
    return "\n".join(
        f"  {key}\n    nightshift {ours.get(key)!r}\n    {name} {theirs.get(key)!r}"
        for key in COMPARED if ours.get(key) != theirs.get(key))


def same(one, other):
    return all(one.get(key) == other.get(key) for key in COMPARED)


def judge_decided(tally, number, case, ours, oracles):
    decision = case.decision
    expected = oracles.get(decision["follows"])
    if expected is None:
        tally.skipped += 1
        return
    tally.decided += 1
    if tally.decided <= len(DECISIONS) or tally.verbose:
        print(f"case {number}: {decision['about']}; follows "
              f"{decision['follows']}\n    \"{decision['sentence']}\"")
    if len(oracles) == 2:
        tally.judge(not same(*oracles.values()),
                    f"case {number}: the oracles differ")
    tally.judge(same(ours, expected), f"case {number} {case.url}",
                difference(decision["follows"], ours, expected))


def judge_cases(tally, cases, answers, smithy):
    for number, (case, ours) in enumerate(zip(cases, answers)):
        oracles = {"botocore": ask_botocore(case)}
        if smithy:
            oracles["smithy"] = smithy[number]
        if case.decision:
            judge_decided(tally, number, case, ours, oracles)
            continue
        for name, theirs in oracles.items():
            tally.judge(same(ours, theirs), f"case {number} {name} {case.url}",
                        difference(name, ours, theirs))
        tally.skipped += smithy is None


def judge_secrecy(tally, path, cases):
    _, text = run_nightshift(path, [nightshift_line(case) for case in cases])
    shown = {case.credentials["secret_key"] for case in cases
             if len(case.credentials["secret_key"]) >= 16
             and case.credentials["secret_key"] in text}
    tally.judge(not shown, "the secret is never printed")


REFUSED = [
    ("a percent sign without two hex digits", {"url": "https://x/%zz"}),
    ("a percent sign at the end", {"url": "https://x/a%2"}),
    ("a space in the URL", {"url": "https://x/a b"}),
    ("a byte past ASCII in the URL", {"url": "https://x/ü"}),
    ("a fragment", {"url": "https://x/#top"}),
    ("user information", {"url": "https://me@x/"}),
    ("a URL without a scheme", {"url": "x.amazonaws.com/"}),
    ("CR LF in the URL", {"url": "https://x/\r\nX-Evil: 1"}),
    ("CR LF in a header", {"headers": {"X-A": "1\r\nX-Evil: 1"}}),
    ("a colon in a header's name", {"headers": {"X-A:": "1"}}),
    ("CR LF in the session token", {"session_token": "a\r\nb"}),
    ("CR LF in the region", {"region": "eu\r\nx"}),
    ("a slash in the service", {"service": "s3/x"}),
    ("a method with a space", {"method": "GET /"}),
    ("no time", {"time": None}),
    ("a time that is none", {"time": "2026-02-30T00:00:00Z"}),
    ("a field nobody knows", {"normalize": True}),
    ("a presigned URL for longer than seven days",
     {"presign": {"expires": 604801}}),
    ("a presigned URL for no time", {"presign": {"expires": 0}}),
    ("a presigned URL with a field nobody knows",
     {"presign": {"expires": 60, "days": 1}}),
    ("presigning what is signed", {"url": "https://x/?X-Amz-Signature=0",
                                   "presign": {"expires": 60}}),
    ("an unsigned payload that is a number", {"unsigned_payload": 1}),
    ("half of the credentials", {"secret_key": None}),
    ("a header that is a number", {"headers": {"X-A": 1}}),
]


def refused_lines():
    sound = {"method": "GET", "url": "https://x/", "service": "ecs",
             "region": "eu-west-1", "time": "2026-03-01T00:00:00Z",
             "access_key": "AKID", "secret_key": "never-shown-0123456789"}
    for name, change in REFUSED:
        line = {**sound, **change}
        yield name, {k: v for k, v in line.items() if v is not None}
    yield "not JSON", "{"
    yield "not an object", "[1]"
    yield "a key twice", '{"method":"GET","method":"PUT"}'
    yield "a line over 1 MiB", {**sound, "body": "x" * (1 << 20)}


def judge_refusals(tally, path):
    refused = list(refused_lines())
    good = nightshift_line(make_cases(1, 1)[0])
    code, text = run_nightshift(path, [good] + [r[1] for r in refused] + [good])
    answers = [json.loads(line) for line in text.splitlines()]
    tally.judge(len(answers) == len(refused) + 2, "one answer for each line",
                f"  {len(answers)} answers")
    tally.judge(code == 2, "a bad line ends in exit 2", f"  exit {code}")
    tally.judge("headers" in answers[0] and answers[0] == answers[-1],
                "a bad line leaves the ones around it alone")
    tally.judge("never-shown" not in text, "no error shows the secret")
    for number, (name, _) in enumerate(refused):
        error = answers[number + 1].get("error", {})
        tally.judge(error.get("line") == number + 2 and error.get("code")
                    and error.get("text"), f"refused: {name}",
                    f"  {answers[number + 1]}")
    code, _ = run_nightshift(path, [good])
    tally.judge(code == 0, "good lines end in exit 0", f"  exit {code}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nightshift", required=True)
    parser.add_argument("--node-dir", required=True)
    parser.add_argument("--cases", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=20260301)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    tally = Tally(options.verbose)
    cases = make_cases(options.cases, options.seed)
    smithy = ask_smithy(options.node_dir, cases)
    answers = ask_nightshift(options.nightshift, cases)

    print(f"{len(cases)} requests: {sum(case.s3 for case in cases)} of S3, "
          f"{sum(bool(case.expires) for case in cases)} presigned, "
          f"{sum(case.unsigned for case in cases)} unsigned payloads; "
          f"deciding document: {DOCUMENT}")
    if smithy is None:
        print(f"skipped smithy: no node, or no modules in {options.node_dir}")
    tally.judge(len(answers) == len(cases), "one answer for each request",
                f"  {len(answers)} answers")
    judge_cases(tally, cases, answers, smithy)
    tally.judge(tally.decided * 50 <= len(cases),
                "the oracles differ in at most 2 % of the cases")
    judge_secrecy(tally, options.nightshift, cases)
    judge_refusals(tally, options.nightshift)
    print(f"{tally.passed} passed, {tally.failed} failed, "
          f"{tally.skipped} skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
