#!/usr/bin/env python3
"""double.py - a double of the services that Nightshift acts on.

Speaks as much of ECS and CloudWatch Logs (JSON 1.1), GitHub's REST interface,
Prometheus' query interface and a webhook for people as the tests need, keeps
real state behind it, and counts, apart, what was asked and what was *applied*:
only the second is what a customer would notice twice. Each route can be told
to misbehave at the point where clients get it wrong, between applying a
request and answering it. Any client can drive it; botocore does in a test.

    double.py        prints its address, ends when its standard input closes

Tests of this folder hold one in the process: `with Double() as double`.
Others use /__control: GET gives the counts and the log, POST takes
{"faults": [{"key", "fault", "times", "skip"}], "reset": true, "samples": []}.

A request's key is "ecs:UpdateService", "prometheus:query", "notify:pager" or
"github:POST /repos/{owner}/{repo}/pulls"; what does not fit is "unknown".
"""

import hashlib
import http.server
import json
import re
import socket
import sys
import threading
import time
import urllib.parse

# What may happen to a request: (is it applied?, how does it end?)
FAULTS = {
    "apply_drop": (True, "drop"),    # applied, the connection closes
    "apply_hang": (True, "hang"),    # applied, nothing ever comes
    "apply_500": (True, "500"),      # applied, the answer is an error
    "drop": (False, "drop"),
    "hang": (False, "hang"),
    "500": (False, "500"),
    "throttle": (False, "throttle"),
}

REGION, ACCOUNT = "eu-central-1", "000000000000"
ARN = "arn:aws:ecs:%s:%s:" % (REGION, ACCOUNT)

ROUTES = [
    ("GET", "/repos/{owner}/{repo}/commits"),
    ("GET", "/repos/{owner}/{repo}/git/matching-refs/{ref}"),
    ("POST", "/repos/{owner}/{repo}/git/refs"),
    ("POST", "/repos/{owner}/{repo}/git/blobs"),
    ("GET", "/repos/{owner}/{repo}/pulls"),
    ("POST", "/repos/{owner}/{repo}/pulls"),
    ("GET", "/repos/{owner}/{repo}/pulls/{pull_number}"),
    ("PATCH", "/repos/{owner}/{repo}/pulls/{pull_number}"),
]


class Refused(Exception):
    """An answer that is an error: status, kind, text."""

    def __init__(self, status, kind, text):
        super().__init__(text)
        self.status, self.kind, self.text = status, kind, text


def route_pattern(template):
    """{ref} keeps its slashes, every other argument is one segment."""
    pattern = re.sub(r"\{(\w+)\}", lambda m: "(?P<%s>%s)" % (
        m[1], ".+" if m[1] == "ref" else "[^/]+"), template)
    return re.compile(pattern + "$")


COMPILED = [(verb, template, route_pattern(template))
            for verb, template in ROUTES]


class Ecs:
    """Services, tasks and settings. A service is steady at once."""

    def __init__(self):
        self.services, self.tasks, self.settings = {}, {}, {}
        self.tokens, self.made = {}, 0
        self.add_service("prod", "checkout", 2)

    def next_id(self):
        self.made += 1
        return "%032x" % self.made

    def add_service(self, cluster, name, count):
        self.services[cluster, name] = {
            "serviceName": name, "status": "ACTIVE",
            "serviceArn": ARN + "service/%s/%s" % (cluster, name),
            "clusterArn": ARN + "cluster/" + cluster,
            "taskDefinition": ARN + "task-definition/%s:7" % name,
            "desiredCount": count, "runningCount": count, "pendingCount": 0,
            "deployments": [], "events": [],
        }
        self.deploy(self.services[cluster, name])
        self.add_task(cluster, name)

    def deploy(self, service):
        for old in service["deployments"]:
            old["status"] = "INACTIVE"
        service["deployments"] = [{
            "id": "ecs-svc/" + self.next_id(), "status": "PRIMARY",
            "taskDefinition": service["taskDefinition"],
            "desiredCount": service["desiredCount"], "pendingCount": 0,
            "runningCount": service["desiredCount"], "failedTasks": 0,
            "rolloutState": "COMPLETED", "createdAt": time.time(),
        }] + service["deployments"][:1]

    def add_task(self, cluster, group):
        arn = ARN + "task/%s/%s" % (cluster, self.next_id())
        self.tasks[arn] = {"taskArn": arn, "group": "service:" + group,
                           "clusterArn": ARN + "cluster/" + cluster,
                           "lastStatus": "RUNNING", "desiredStatus": "RUNNING"}
        return self.tasks[arn]

    @staticmethod
    def short(name):
        return (name or "default").rsplit("/", 1)[-1]

    def service(self, args):
        key = (self.short(args.get("cluster")), self.short(args["service"]))
        if key not in self.services:
            raise Refused(400, "ServiceNotFoundException", "Service not found.")
        return self.services[key]

    def task(self, args):
        for arn, task in self.tasks.items():
            if self.short(arn) == self.short(args["task"]):
                return task
        raise Refused(400, "InvalidParameterException", "no such task")

    # Each operation: the answer, and whether something was applied.

    def DescribeServices(self, args):
        cluster = self.short(args.get("cluster"))
        found, failures = [], []
        for name in args["services"]:
            service = self.services.get((cluster, self.short(name)))
            if service:
                found.append(service)
            else:
                failures.append({"arn": name, "reason": "MISSING"})
        return {"services": found, "failures": failures}, False

    def UpdateService(self, args):
        service = self.service(args)
        if "desiredCount" in args:
            service["desiredCount"] = args["desiredCount"]
            service["runningCount"] = args["desiredCount"]
        if args.get("forceNewDeployment") or "taskDefinition" in args:
            service["taskDefinition"] = args.get("taskDefinition",
                                                 service["taskDefinition"])
            self.deploy(service)
        return {"service": service}, True

    def ListTasks(self, args):
        wanted = args.get("desiredStatus", "RUNNING")
        return {"taskArns": [arn for arn, task in self.tasks.items()
                             if task["desiredStatus"] == wanted]}, False

    def DescribeTasks(self, args):
        tasks = [self.task({"task": name}) for name in args["tasks"]]
        return {"tasks": tasks, "failures": []}, False

    def RunTask(self, args):
        """The same token within its life is the same request."""
        token = args.get("clientToken")
        if token and token in self.tokens:
            before, answer = self.tokens[token]
            if before != args:
                raise Refused(400, "ConflictException", "token was used")
            return answer, False
        task = self.add_task(self.short(args.get("cluster")), "one-off")
        answer = {"tasks": [dict(task)], "failures": []}
        if token:
            self.tokens[token] = (args, answer)
        return answer, True

    def StopTask(self, args):
        task = self.task(args)
        task["desiredStatus"] = task["lastStatus"] = "STOPPED"
        task["stoppedReason"] = args.get("reason", "")
        return {"task": task}, True

    def PutAccountSetting(self, args):
        self.settings[args["name"]] = args["value"]
        return {"setting": {"name": args["name"],
                            "value": args["value"]}}, True


class Logs:
    def __init__(self):
        self.events = []

    def FilterLogEvents(self, args):
        first, last = args.get("startTime", 0), args.get("endTime", 1 << 60)
        return {"events": [event for event in self.events
                           if first <= event["timestamp"] < last],
                "searchedLogStreams": []}, False


class GitHub:
    """Branches, blobs and pull requests of every repository alike."""

    def __init__(self):
        self.refs = {"refs/heads/main": "0" * 40}
        self.pulls, self.blobs = [], {}

    def pull(self, args):
        for pull in self.pulls:
            if str(pull["number"]) == str(args["pull_number"]):
                return pull
        raise Refused(404, "", "Not Found")

    def get_commits(self, args):
        return [], False

    def get_git_matching_refs(self, args):
        return [{"ref": name, "object": {"sha": sha, "type": "commit"}}
                for name, sha in sorted(self.refs.items())
                if name.startswith("refs/" + args["ref"])], False

    def post_git_refs(self, args):
        if args["ref"] in self.refs:
            raise Refused(422, "", "Reference already exists")
        self.refs[args["ref"]] = args["sha"]
        return {"ref": args["ref"], "object": {"sha": args["sha"]}}, True

    def post_git_blobs(self, args):
        content = args["content"].encode()
        sha = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        fresh = sha not in self.blobs
        self.blobs[sha] = content
        return {"sha": sha}, fresh

    def get_pulls(self, args):
        head = args.get("head", "").partition(":")[2]
        return [pull for pull in self.pulls
                if not head or pull["head"]["ref"] == head], False

    def post_pulls(self, args):
        if any(pull["head"]["ref"] == args["head"] and
               pull["state"] == "open" for pull in self.pulls):
            raise Refused(422, "", "A pull request already exists")
        number = len(self.pulls) + 1
        self.pulls.append({"number": number, "state": "open",
                           "title": args["title"], "merged": False,
                           "head": {"ref": args["head"]},
                           "html_url": "https://github.example/%d" % number})
        return self.pulls[-1], True

    def get_pulls_pull_number(self, args):
        return self.pull(args), False

    def patch_pulls_pull_number(self, args):
        pull = self.pull(args)
        pull["state"] = args.get("state", pull["state"])
        return pull, True


class Double:
    """One server with its state. Start it by `with`."""

    def __init__(self):
        self.lock = threading.RLock()
        self.reset()

    def reset(self):
        with self.lock:
            self.ecs, self.logs, self.github = Ecs(), Logs(), GitHub()
            self.delivered = {}     # Idempotency-Key -> message
            self.samples = []       # what Prometheus says, in turn
            self.faults, self.log = [], []

    # --- the tests' side -------------------------------------------------

    def __enter__(self):
        handler = type("Bound", (Handler,), {"double": self})
        self.server = Server(("127.0.0.1", 0), handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={"poll_interval": 0.02},
                                       daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def misbehave(self, key, fault, times=1, skip=0):
        """The next requests with this key, `skip` of them spared first."""
        if fault not in FAULTS:
            raise ValueError("no fault %r" % fault)
        with self.lock:
            self.faults.append({"key": key, "fault": fault, "times": times,
                                "skip": skip})

    def requests(self, key):
        with self.lock:
            return [entry for entry in self.log if entry["key"] == key]

    def applied(self, key):
        return [entry for entry in self.requests(key) if entry["applied"]]

    def quiet(self, seconds=5.0):
        """Waits until all that clients which are gone have sent is worked
        off: the kernel knows of connections that nobody accepted yet."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            if not connections(self.server.server_address[1]):
                return True
            time.sleep(0.002)
        return False

    # --- the server's side -----------------------------------------------

    def fault_for(self, key):
        for fault in self.faults:
            if fault["key"] != key or fault["times"] == 0:
                continue
            if fault["skip"] > 0:
                fault["skip"] -= 1
                return None
            fault["times"] -= 1
            return fault["fault"]
        return None

    def notify(self, name, args, headers):
        """A channel that knows its senders' keys delivers each once."""
        key = headers.get("Idempotency-Key")
        fresh = not key or key not in self.delivered
        if key:
            self.delivered[key] = args
        return {"ok": True}, fresh

    def query(self, args):
        value = self.samples.pop(0) if self.samples else None
        result = [] if value is None else [
            {"metric": {}, "value": [time.time(), str(value)]}]
        return {"status": "success", "data": {"resultType": "vector",
                                              "result": result}}, False

    def operation(self, key, args, headers):
        """The function that answers a key, or None."""
        kind, _, name = key.partition(":")
        if kind in ("ecs", "logs"):
            if "Credential=" not in headers.get("Authorization", ""):
                raise Refused(403, "MissingAuthenticationTokenException",
                              "the request is not signed")
            return getattr(getattr(self, kind), name, None)
        if kind == "github":
            verb, _, template = name.partition(" ")
            words = template.replace("/repos/{owner}/{repo}/", "")
            words = re.sub(r"/\{ref\}$", "", words)
            return getattr(self.github, verb.lower() + "_" +
                           re.sub(r"\W+", "_", words).strip("_"), None)
        if kind == "notify":
            return lambda args: self.notify(name, args, headers)
        return self.query if key == "prometheus:query" else None

    def serve(self, key, args, headers):
        """(how the request ends, status, body)"""
        with self.lock:
            fault = self.fault_for(key)
            applies, ends = FAULTS.get(fault, (True, "answer"))
            entry = {"key": key, "args": args, "fault": fault, "at": now_ms(),
                     "applied": False,
                     "token": headers.get("Idempotency-Key"),
                     "traceparent": headers.get("traceparent"),
                     "x-amzn-trace-id": headers.get("X-Amzn-Trace-Id")}
            self.log.append(entry)
            try:
                act = self.operation(key, args, headers)
                if act is None:
                    raise Refused(400, "UnknownOperationException", key)
                if not applies:
                    return ends, 0, None
                body, entry["applied"] = act(args)
                return ends, 200, json.dumps(body).encode()
            except Refused as refused:
                body = {"__type": refused.kind, "message": refused.text}
                return ends, refused.status, json.dumps(body).encode()

    def control(self, posted):
        with self.lock:
            if posted.get("reset"):
                self.reset()
            for fault in posted.get("faults", []):
                self.misbehave(**fault)
            self.samples += posted.get("samples", [])
            counts = {}
            for entry in self.log:
                count = counts.setdefault(entry["key"],
                                          {"requests": 0, "applied": 0})
                count["requests"] += 1
                count["applied"] += entry["applied"]
            return {"counts": counts, "log": list(self.log)}


def now_ms():
    return int(time.time() * 1000)


def connections(port):
    """How many there are to a port of ours, accepted or not."""
    count = 0
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in list(table)[1:]:
            _, local, _, state = line.split()[:4]
            count += (int(local.split(":")[1], 16) == port and
                      state in ("01", "08"))   # established, close-wait
    return count


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """A client that was killed is what these tests are about."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    double = None

    def log_message(self, *_):
        pass

    def key_and_args(self, body):
        target = self.headers.get("X-Amz-Target", "")
        path, _, query = self.path.partition("?")
        path = urllib.parse.unquote(path)
        args = json.loads(body) if body else {}
        if target:
            service = {"AmazonEC2ContainerServiceV20141113": "ecs",
                       "Logs_20140328": "logs"}
            name, _, operation = target.partition(".")
            return "%s:%s" % (service.get(name, name), operation), args
        if path.startswith("/hook/"):
            return "notify:" + path[len("/hook/"):], args
        args.update(urllib.parse.parse_qsl(query))
        if path == "/api/v1/query":
            return "prometheus:query", args
        for verb, template, pattern in COMPILED:
            match = pattern.match(path)
            if match and verb == self.command:
                return "github:%s %s" % (verb, template), {
                    **match.groupdict(), **args}
        return "unknown", args

    def send(self, status, body, headers=()):
        """In one piece, so that no two small writes wait for each other."""
        lines = ["HTTP/1.1 %d X" % status, "Content-Length: %d" % len(body),
                 "Content-Type: application/x-amz-json-1.1", *headers]
        self.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)

    def end(self, ends, status, body):
        if ends == "answer":
            self.send(status, body)
        elif ends == "500":
            self.send(500, b'{"__type":"ServerException","message":"oops"}')
        elif ends == "throttle":
            self.send(400, b'{"__type":"ThrottlingException",'
                           b'"message":"Rate exceeded"}')
        else:
            self.close_connection = True
            if ends == "hang":
                self.connection.settimeout(30)
                self.connection.recv(1)     # until the client gives up
            self.connection.shutdown(socket.SHUT_RDWR)

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True    # cut off: never a request
            return
        if self.path == "/__control":
            told = self.double.control(json.loads(body) if body else {})
            self.send(200, json.dumps(told).encode())
            return
        key, args = self.key_and_args(body)
        self.end(*self.double.serve(key, args, self.headers))

    do_GET = do_POST = do_PATCH = answer


def main():
    with Double() as double:
        print(double.url, flush=True)
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
