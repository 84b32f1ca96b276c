#!/usr/bin/env python3
"""A real notification's playbook changes a real service object in moto.

moto (an AWS of its own, in build/venv) holds a cluster, a task definition with
the awslogs driver, a service of two tasks and a log group with errors, all made
by boto3. A real Prometheus (Debian's package) scrapes an exporter that asks
moto for the service: with fewer than four tasks it is saturated and fails
requests, with four it is well. So `self_heal --live` has to close the loop:
see the saturation, raise the count in moto, and find the health better by the
samples that Prometheus took meanwhile. Samples from before the test are
back-filled with promtool, since the baseline lies in the past.

A proxy before moto counts every operation: a dry run of the same event, and a
resolved one with --live, send it no write. boto3, which signs and speaks on its
own, looks what became of the service. Where no Prometheus is installed the
double answers scripted samples instead, and that is counted as one skipped.

    live_moto.py --nightshift PATH
"""

import datetime
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

from double import Double                                     # noqa: E402
from lib.cases import Cases                                   # noqa: E402
from lib.counting_proxy import CountingProxy                  # noqa: E402
from lib.engine import CREDENTIALS, ROOT, from_arguments      # noqa: E402
from lib.loopback import Loopback                             # noqa: E402
from lib.record import Record                                 # noqa: E402

VENV = ROOT / "build" / "venv"
REGION, CLUSTER, SERVICE = "eu-central-1", "prod", "checkout"
GROUP = "/ecs/checkout"
WRITES = ("Update", "Create", "Delete", "Put", "Run", "Stop", "Register")

CONFIG = """
return {
  settle = "200ms",
  services = {
    ["prod/checkout"] = {
      repo = "acme/checkout", branch = "main",
      health = [[max(request_error_ratio{service="checkout"})]],
      saturation = [[max(cpu_utilization_ratio{service="checkout"})]],
      max = 6, step = 2, settle = 4, sample_every = 1,
    },
  },
}
"""


def into_venv():
    """Runs again under the interpreter that has boto3 and moto."""
    python = VENV / "bin" / "python"
    if pathlib.Path(sys.prefix).resolve() == VENV.resolve():
        return
    if not (VENV / "bin" / "moto_server").exists():
        print("making build/venv with boto3 and moto", flush=True)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r",
                        HERE / "requirements.txt"], check=True, timeout=600)
    os.execv(python, [str(python), *sys.argv])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class NotReady(Exception):
    """A server that this test needs did not start."""


class Child:
    """A server that is started, awaited, and ended by its id."""

    def __init__(self, ready, *command, env=None):
        self.ready, self.command = ready, [str(part) for part in command]
        self.env = {**os.environ, **(env or {})}

    def __enter__(self):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command, env=self.env,
                                        stdout=self.log, stderr=self.log)
        await_true(self.answers, 40, "%s does not answer" % self.command[0])
        return self

    def answers(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            raise NotReady(self.log.read().decode()[-2000:])
        try:
            urllib.request.urlopen(self.ready, timeout=2).read()
            return True
        except OSError:
            return False

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def await_true(what, seconds, words):
    limit = time.monotonic() + seconds
    while not what():
        if time.monotonic() > limit:
            raise NotReady(words)
        time.sleep(0.1)


# --- what boto3 makes --------------------------------------------------------

def clients(url):
    import boto3
    credentials = {"aws_access_key_id": "other", "region_name": REGION,
                   "aws_secret_access_key": "client", "endpoint_url": url}
    return boto3.client("ecs", **credentials), boto3.client("logs",
                                                            **credentials)


def make_service(ecs, logs, start_ms):
    ecs.create_cluster(clusterName=CLUSTER)
    definition = ecs.register_task_definition(
        family=SERVICE, containerDefinitions=[{
            "name": "app", "image": "acme/checkout:7", "memory": 128,
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": GROUP, "awslogs-region": REGION,
                "awslogs-stream-prefix": "app"}}}])
    ecs.create_service(
        cluster=CLUSTER, serviceName=SERVICE, desiredCount=2,
        taskDefinition=definition["taskDefinition"]["taskDefinitionArn"])
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="app/1")
    logs.put_log_events(
        logGroupName=GROUP, logStreamName="app/1", logEvents=[
            {"timestamp": start_ms + i * 1000,
             "message": "ERROR request %d timed out in the queue" % i}
            for i in range(20)])


class Exporter(Loopback):
    """What the service says of itself, from what moto says of the service."""

    def __init__(self, ecs):
        self.ecs = ecs

    def values(self):
        service = self.ecs.describe_services(
            cluster=CLUSTER, services=[SERVICE])["services"][0]
        well = service["runningCount"] >= 4
        return {"request_error_ratio": 0.01 if well else 0.12,
                "cpu_utilization_ratio": 0.45 if well else 0.95}

    def lines(self, extra=""):
        labels = '{cluster="%s",service="%s"%s}' % (CLUSTER, SERVICE, extra)
        return ["%s%s %g" % (name, labels, value)
                for name, value in self.values().items()]

    def handler(self):
        exporter = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = "\n".join(exporter.lines() + [""]).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler


# --- who measures -------------------------------------------------------------

def back_fill(exporter, folder):
    """An hour of samples until now, of the series that will be scraped."""
    now, lines = int(time.time()), []
    for line in exporter.lines(',instance="%s",job="shop"' % exporter.address):
        lines.append("# TYPE %s gauge" % line.partition("{")[0])
        lines += ["%s %d" % (line, at) for at in range(now - 3600, now - 4, 5)]
    text = folder / "past.om"
    text.write_text("\n".join(lines + ["# EOF", ""]))
    subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics",
                    text, folder / "data"], check=True, timeout=60,
                   capture_output=True)


def prometheus(exporter, folder):
    """A real one, as a Child; its address is .url"""
    back_fill(exporter, folder)
    port = free_port()
    config = folder / "prometheus.yml"
    config.write_text(json.dumps({
        "global": {"scrape_interval": "500ms", "scrape_timeout": "400ms"},
        "scrape_configs": [{"job_name": "shop", "static_configs": [
            {"targets": [exporter.address]}]}]}))
    url = "http://127.0.0.1:%d" % port
    child = Child(url + "/-/ready", "prometheus", "--config.file", config,
                  "--storage.tsdb.path", folder / "data",
                  "--web.listen-address", "127.0.0.1:%d" % port)
    child.url = url
    return child


def measured(url, query):
    answer = json.load(urllib.request.urlopen(
        url + "/api/v1/query?" + urllib.parse.urlencode({"query": query}),
        timeout=5))
    return answer["data"]["result"]


# --- the test -----------------------------------------------------------------

def event(folder, status, start):
    labels = {"alertname": "Saturated", "cluster": CLUSTER,
              "service": SERVICE, "severity": "critical"}
    alert = {"status": status, "labels": labels, "annotations": {},
             "startsAt": start.isoformat(), "generatorURL": "",
             "endsAt": (datetime.datetime.now(datetime.timezone.utc)
                        .isoformat()), "fingerprint": "5a5a5a5a5a5a5a5a"}
    path = folder / (status + ".json")
    path.write_text(json.dumps({
        "version": "4", "status": status, "groupKey": "{}", "alerts": [alert],
        "truncatedAlerts": 0, "receiver": "nightshift", "groupLabels": {},
        "commonLabels": labels, "commonAnnotations": {}, "externalURL": ""}))
    return path


class Test:
    def __init__(self, engine, cases, ecs, proxy, github, folder):
        self.engine, self.cases, self.ecs = engine, cases, ecs
        self.proxy, self.github, self.folder = proxy, github, folder
        config = folder / "nightshift.lua"
        config.write_text(CONFIG)
        self.config, self.state = config, folder / "state"
        self.env = {**CREDENTIALS, "AWS_ENDPOINT_URL": proxy.url,
                    "GITHUB_API_URL": github.url}

    def walk(self, path, *more):
        self.proxy.taken()
        return self.engine.start(
            "run", "self_heal", "--event", path, "--scripts", ROOT / "scripts",
            "--config", self.config, "--json", *more, env=self.env,
            seconds=60)

    def count(self):
        return self.ecs.describe_services(
            cluster=CLUSTER, services=[SERVICE])["services"][0]["desiredCount"]

    def writes(self):
        return {key: n for key, n in self.proxy.taken().items()
                if key.partition(":")[2].startswith(WRITES)}

    def dry(self, path):
        walk = self.walk(path)
        sent, report = self.proxy.taken(), walk.report
        self.cases.check("a dry run sends moto no write", [
            walk.code != 0 and walk.words(),
            [key for key in sent if key.partition(":")[2].startswith(WRITES)],
            not sent["ecs:DescribeServices"] and "it read nothing: %s" % sent,
            not sent["logs:FilterLogEvents"] and "it read no logs: %s" % sent,
            self.count() != 2 and "the count is %d" % self.count()])
        self.cases.check("a dry run says what it would write", [
            [write["request"].get("desiredCount")
             for write in report.get("writes", [])] != [4] and walk.words(),
            report.get("verdict") != "assumed" and report.get("verdict"),
            self.state.exists() and "it made a state directory"])

    def live(self, path):
        walk = self.walk(path, "--live", "--state", self.state)
        writes = self.writes()
        self.cases.check("a live run scales the service up and proves it", [
            walk.code != 0 and walk.words(),
            walk.path() != ["analyst:found", "auditor:nothing",
                            "decision:scale_up", "remediation_scale_up:scaled",
                            "verification:pass"] and walk.path(),
            walk.report.get("verdict") != "pass" and walk.words()])
        self.cases.check("boto3 sees the service changed", [
            self.count() != 4 and "the count is %d" % self.count()])
        self.cases.check("moto was sent that one write", [
            writes != {"ecs:UpdateService": 1} and "writes %s" % writes])
        if walk.run:
            record = Record(self.state, walk.run)
            self.cases.check("what was done is written down", [
                *record.chain_problems(),
                len(record.of_kind("intent")) != 1 and "not one intent"])

    def resolved(self, path):
        walk = self.walk(path, "--live", "--state", self.state)
        self.cases.check("a resolved notification asks moto nothing, live", [
            walk.code != 0 and walk.words(),
            walk.outcome != "no_action" and walk.outcome,
            dict(self.proxy.taken())])


def test_all(engine, cases, folder):
    start = (datetime.datetime.now(datetime.timezone.utc) -
             datetime.timedelta(minutes=10))
    port = free_port()
    moto = Child("http://127.0.0.1:%d/moto-api/" % port,
                 VENV / "bin" / "moto_server", "-H", "127.0.0.1", "-p", port,
                 env={"MOTO_ECS_SERVICE_RUNNING": "2"})
    with moto, CountingProxy("http://127.0.0.1:%d" % port) as proxy:
        ecs, logs = clients("http://127.0.0.1:%d" % port)
        make_service(ecs, logs, int(start.timestamp() * 1000))
        with Double() as github, Exporter(ecs) as exporter:
            test = Test(engine, cases, ecs, proxy, github, folder)
            if not shutil.which("prometheus"):
                cases.skip("a real Prometheus measures",
                           "prometheus is not installed; scripted samples")
                one_of_each(test, github.url, start)
                return
            with prometheus(exporter, folder) as real:
                await_true(lambda: measured(real.url, 'up{job="shop"} == 1'),
                           20, "Prometheus scrapes nothing")
                one_of_each(test, real.url, start)


def one_of_each(test, metrics, start):
    test.env["PROMETHEUS_URL"] = metrics
    firing = event(test.folder, "firing", start)
    seen = [0.12, 0.95]             # health, saturation: when it is scripted
    test.github.samples = seen + [0.12] * 3
    test.dry(firing)
    test.github.samples = seen + [0.12] * 3 + [0.01] * 3
    test.live(firing)
    test.resolved(event(test.folder, "resolved", start))


def main():
    into_venv()
    engine, cases, began = from_arguments(__doc__), Cases(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            test_all(engine, cases, pathlib.Path(folder))
        except NotReady as why:
            cases.check("the servers start", [why])
    print("%.0f s" % (time.monotonic() - began))
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
