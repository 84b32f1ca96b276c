#!/usr/bin/env python3
"""serve_traces.py - what a service did, as a collector of others reads it.

A real serve, the double of the world, and a collector whose parser is not
ours. The spans of a run are one tree, its requests carry its trace on, a sender
who has a trace finds the run in it, over kills and parking too; and whatever a
collector does, no run is lost and no end is late.

    serve_traces.py --nightshift PATH
"""

import http.client
import json
import signal
import sys

from lib import canaries
from lib.cases import Cases
from lib.collector import Collector, tree_problems
from lib.engine import EVENTS, from_arguments
from lib.serving import DEADLINE_S, TOKEN, Serving, until

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
AMZN = "5759e988bd862e3fe1be46a994272793"
KEY = "secret-of-a-collector-and-no-other"
LISTED = "another-secret-of-a-collector"

SETTINGS = """
  github = { url = double }, prometheus = { url = double },
  settle = "20ms", park_after = "150ms", drain = "20s",
  %s
"""
OTLP = 'otlp = { endpoint = "%s", flush = "%s", %s }, '
KEYED = 'headers = { ["x-key"] = secret("COLLECTOR_KEY") }'


class Traced(Serving):
    environment = {"COLLECTOR_KEY": KEY}

    def __init__(self, engine, collector, playbook="notify", flush="20ms",
                 more=KEYED, services=("checkout",)):
        otlp = OTLP % (collector.url, flush, more) if collector else ""
        super().__init__(engine, list(services), playbook, SETTINGS % otlp)

    def __enter__(self):
        super().__enter__()
        for name in self.services:
            self.double.ecs.add_service("prod", name, 2)
        return self.start()

    def post(self, service="checkout", **headers):
        """One alert of this service."""
        body = (EVENTS / "firing.json").read_text().replace("checkout", service)
        body = body.replace("33abd852287c601f", service)
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=DEADLINE_S)
        connection.request("POST", "/hooks/alertmanager", body, {
            "Authorization": "Bearer " + TOKEN,
            "Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def lines_with(self, word):
        return [line for line in self.lines if word in line]


def runs_of(collector, count=1):
    """The spans of so many ended runs."""
    until(lambda: len(collector.all("run ")) >= count)
    return collector.all("run ")


# --- one run -----------------------------------------------------------------


def shape_problems(spans):
    """The walk of the parked playbook, whatever its waits did."""
    wants = {"run parked": ("INTERNAL", 1), "node act": ("INTERNAL", 1),
             "node verification": ("INTERNAL", 1), "engine:sleep":
             ("INTERNAL", 1), "ecs.UpdateService": ("CLIENT", 1),
             "ecs.DescribeServices": ("CLIENT", 2)}
    for name, (kind, count) in wants.items():
        found = [span for span in spans if span.name == name]
        if len(found) != count or {span.kind for span in found} != {kind}:
            yield "%s: %r" % (name, found)
    for name in ("attempt act", "parked act", "attempt verification"):
        if not any(span.name == name for span in spans):
            yield "no " + name
    for span in spans:
        if span.failed:
            yield "failed: %r" % span
    update = next(s for s in spans if s.name == "ecs.UpdateService")
    for key, want in {
            "rpc.system": "aws-api", "rpc.service": "ecs",
            "rpc.method": "UpdateService", "http.response.status_code": 200,
            "nightshift.effect.class": "set", "cloud.region": "eu-central-1",
            "nightshift.effect.result": "answered"}.items():
        if update.said.get(key) != want:
            yield "%s is %r" % (key, update.said.get(key))


def request_problems(collector, serve, spans):
    if collector.problems:
        yield collector.problems[:3]
    path, headers = collector.requests[0]
    if path != "/v1/traces" or headers["Content-Type"] != "application/json":
        yield "%s %s" % (path, headers)
    if headers.get("x-key") != KEY:
        yield "it does not show its key"
    effects = {span.id: span for span in spans if span.kind == "CLIENT"}
    for entry in serve.double.requests("ecs:UpdateService"):
        want = "Root=1-%s-%s;Parent=" % (spans[0].trace[:8], spans[0].trace[8:])
        got = entry["x-amzn-trace-id"] or ""
        parent = got.partition("Parent=")[2].partition(";")[0]
        if not got.startswith(want) or parent not in effects or \
                effects[parent].name != "ecs.UpdateService":
            yield "AWS was told %s" % got
        if entry["traceparent"]:
            yield "AWS was told a traceparent"


def one_run(cases, engine):
    with Collector() as collector, Traced(engine, collector,
                                          "parked") as serve:
        status, text = serve.post()
        runs = runs_of(collector)
        spans = collector.all()
        cases.check("a run is a tree of nodes, attempts and effects", [
            status != 202 and text, len(runs) != 1 and serve.said(),
            *tree_problems(spans), *shape_problems(spans)])
        root = runs[0]
        cases.check("the run is its root and says how it ended", [
            root.parent and root,
            root.said.get("nightshift.outcome") != "done" and root,
            root.said.get("nightshift.verdict") != "pass" and root,
            root.resource.get("service.name") != "nightshift" and root.resource])
        cases.check("batches are shown with a key, requests carry the trace",
                    request_problems(collector, serve, spans))
        lines = serve.lines_with("run=run_")
        cases.check("every line of the run names its trace", [
            len(lines) < 4 and lines,
            *[line for line in lines if "trace_id=" + root.trace not in line]])
        sent = until(lambda: serve.metrics().value(
            "nightshift_spans_sent_total") == len(collector.all()))
        metrics = serve.metrics()
        cases.check("what was sent is counted", [
            not sent and metrics.values("nightshift_spans_sent_total"),
            sum(metrics.values("nightshift_spans_dropped_total").values()) and
            "some were dropped"])
        for body in collector.bodies:
            canaries.look("a batch", body)
        cases.check("SIGTERM ends it well", [serve.stop()])


# --- senders ---------------------------------------------------------------


def joined(cases, engine):
    names = ["one", "two", "three", "four", "five"]
    with Collector() as collector, Traced(engine, collector,
                                          services=names) as serve:
        serve.post("one", traceparent="00-%s-%s-01" % (TRACE, PARENT))
        serve.post("two", **{"X-Amzn-Trace-Id":
                             "Self=1-67891234-12456789abcdef012345678;"
                             "Root=1-%s-%s" % (AMZN[:8], AMZN[8:])})
        serve.post("three", traceparent="00-%s-%s-00" % (TRACE[::-1], PARENT))
        serve.post("four", traceparent="00-%s-%s-01'; --" % (TRACE, PARENT))
        serve.post("five", traceparent="00-%s-%s-01" % (TRACE, "0" * 16))
        serve.settled(5)
        runs_of(collector, 4)
        mine, theirs = collector.all(trace=TRACE), collector.all(trace=AMZN)
        accept = [span for span in mine if span.kind == "SERVER"]
        cases.check("a run joins the traceparent of its delivery", [
            *tree_problems(mine, [PARENT]),
            len(accept) != 1 and mine,
            accept and accept[0].parent != PARENT and accept,
            [span.parent for span in mine if span.name == "run notify"] !=
            [span.id for span in accept] and mine])
        cases.check("or its X-Amzn-Trace-Id", [
            *tree_problems(theirs),
            sum(span.name == "run notify" for span in theirs) != 1 and theirs])
        cases.check("a sender who does not sample gets no spans", [
            collector.all(trace=TRACE[::-1])])
        told = {entry["traceparent"].split("-")[1]: entry["traceparent"]
                for entry in serve.double.requests("notify:pager")}
        cases.check("but his trace is carried on, unsampled", [
            not told.get(TRACE[::-1], "").endswith("-00") and told])
        others = [run for run in collector.all("run ")
                  if run.trace not in (TRACE, AMZN)]
        cases.check("what is no traceparent is not joined", [
            len(others) != 2 and others, *[run for run in others if run.parent],
            len(mine) > 6 and mine])
        tells = {span.id for span in collector.all("notify:")}
        cases.check("the request to people carries the effect's span", [
            told[TRACE].split("-")[2] not in tells and (told, tells)])
        cases.check("it ends well", [serve.stop()])


# --- over processes ---------------------------------------------------------


def killed(cases, engine):
    with Collector() as collector, Traced(engine, collector,
                                          "parked") as serve:
        serve.double.misbehave("ecs:UpdateService", "apply_hang")
        serve.post()
        until(lambda: serve.double.requests("ecs:UpdateService") and
              collector.all("ecs.DescribeServices"))
        before = collector.all()
        serve.stop(signal.SIGKILL)
        serve.start()
        runs = runs_of(collector)
        spans = collector.all()
        updates = [span for span in spans if span.name == "ecs.UpdateService"]
        cases.check("a run goes on in the same trace after kill -9", [
            len(runs) != 1 and serve.said(), *tree_problems(spans),
            len(before) < 2 and before,
            not any(span.said.get("nightshift.attempt.end") == "interrupted"
                    for span in spans) and spans])
        cases.check("what was recorded has no second span", [
            len(updates) != 1 and updates,
            updates[0].said["nightshift.effect.result"] == "answered"
            and updates,
            len(serve.double.applied("ecs:UpdateService")) != 1 and
            "it was applied twice"])
        cases.check("it ends well", [serve.stop()])


def restarted(cases, engine):
    """Parked, ended by SIGTERM, gone on with by the next process."""
    with Collector() as collector, Traced(engine, collector, "parked",
                                          flush="5m") as serve:
        serve.post()
        until(lambda: serve.metrics().states().get("parked"))
        code = serve.stop()
        first = collector.all()
        cases.check("SIGTERM sends what waits", [
            code, not [s for s in first if s.name == "attempt act"] and first,
            [s for s in first if s.name == "run parked"] and first])
        serve.start()
        ended = serve.settled(1)
        code = serve.stop()
        cases.check("and the next process goes on in the same tree", [
            code, ended.states() != {"done": 1} and ended.states(),
            *tree_problems(collector.all()),
            *shape_problems(collector.all())])


# --- collectors that misbehave ----------------------------------------------


def bad_collectors(cases, engine):
    names = ["service-%d" % i for i in range(20)]
    for how in ("unavailable", "hang", "garbage", "drop", "refuse", "gone"):
        with Collector(how) as collector, Traced(
                engine, collector, services=names,
                more=KEYED + ', timeout = "300ms"') as serve:
            if how == "gone":
                collector.server.server_close()
            statuses = {serve.post(name)[0] for name in names}
            ended = serve.settled(len(names))
            failed = until(lambda: how == "garbage" or serve.metrics().value(
                "nightshift_span_exports_failed_total"))
            code = serve.stop()
            cases.check("nothing waits for a collector: " + how, [
                statuses != {202} and statuses,
                ended.states() != {"done": len(names)} and ended.states(),
                not failed and "no failure was counted", code,
                serve.lines_with("not everything stopped"),
                len(serve.lines_with("traces cannot be sent")) > 1 and
                "the log is full of it"])


# --- settings ----------------------------------------------------------------


class Ambient(Traced):
    """Told by the variables that every SDK knows."""

    def __init__(self, engine, collector, **more):
        super().__init__(engine, None)
        self.environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url + "/",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-key=%s,x-other=a%%20b" % LISTED,
            "OTEL_SERVICE_NAME": "pager",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
            **more}


def settings(cases, engine):
    with Collector() as collector:
        with Ambient(engine, collector) as serve:
            canaries.plant("OTLP_HEADER", LISTED)
            serve.post()
            serve.settled(1)
            code = serve.stop()
        spans = collector.all()
        cases.check("the usual variables are enough", [
            code, *tree_problems(spans),
            spans[0].resource.get("service.name") != "pager" and spans,
            spans[0].resource.get("deployment.environment.name") != "test" and
            spans[0].resource,
            collector.requests[0][1].get("x-key") != LISTED and "no key",
            collector.requests[0][1].get("x-other") != "a b" and
            collector.requests])
        with Ambient(engine, collector) as serve:
            serve.stop()
            walk = engine.start(
                "serve", "--config", serve.folder / "nightshift.lua",
                "--state", serve.state, "--scripts", serve.scripts,
                env={**serve.environment, "DOUBLE_URL": serve.double.url,
                     "INGEST_TOKEN": TOKEN, "OPERATOR_TOKEN": TOKEN,
                     "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
        cases.check("another protocol is refused in words", [
            walk.code != 78 and walk.words(),
            "OTEL_EXPORTER_OTLP_PROTOCOL" not in walk.err and walk.words(),
            "http/json" not in walk.err and walk.words()])
        count = len(collector.requests)
        with Ambient(engine, collector,
                     OTEL_TRACES_EXPORTER="none") as serve:
            serve.post()
            serve.settled(1)
            pages = serve.double.requests("notify:pager")
            code = serve.stop()
            cases.check("none is none: no span, no header, no word", [
                code, len(collector.requests) != count and "it sends",
                pages[0]["traceparent"] and pages,
                serve.lines_with("trace_id")])
        with Ambient(engine, collector, OTEL_TRACES_SAMPLER="always_off"
                     ) as serve:
            serve.post()
            serve.settled(1)
            code = serve.stop()
            cases.check("a sampler that takes nothing sends nothing", [
                code, len(collector.requests) != count and "it sends"])


def main():
    engine = from_arguments(__doc__)
    cases = Cases()
    canaries.plant("COLLECTOR_KEY", KEY)
    for scenario in (one_run, joined, killed, restarted, bad_collectors,
                     settings):
        scenario(cases, engine)
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
