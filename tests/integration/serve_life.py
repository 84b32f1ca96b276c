#!/usr/bin/env python3
"""serve_life.py - what happens to a service between its start and its end.

Reloads that are taken and refused; runs that end on the bundle they began
with (N8); a run in which the process died twice; a disk that fails.
"""

import argparse
import json
import pathlib
import random
import re
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "torture"))

import kill_points                                            # noqa: E402
import scenario                                               # noqa: E402
from lib.cases import Cases                                   # noqa: E402
from lib.engine import Engine                                 # noqa: E402

PARKED = kill_points.SCENARIOS["parked"]


class Life(scenario.Service):
    """The service of the kill tests, asked step by step, about one service
    more."""

    def __enter__(self):
        super().__enter__()
        text = self.config.read_text()
        self.config.write_text(text.replace("services = {", (
            'services = { ["prod/%s"] = { repo = "acme/x", branch = "main" }, '
            % PARKED.name), 1))
        self.place.double.ecs.add_service("prod", PARKED.name, 2)
        return self

    def begin(self, fault=None):
        self.arm(fault and scenario.Fault(fault))
        self.process = scenario.Process(self)
        return self.process

    def ask(self, method, path, body=None):
        status, text = self.process.ask(method, path, body)
        return status, json.loads(text) if (text or "").startswith("{") else text

    def post(self, kind=PARKED):
        return self.ask("POST", "/hooks/alertmanager", self.notification(kind))

    def await_list(self, state, count=1):
        """Until so many occurrences are in that list."""
        until = time.monotonic() + scenario.DEADLINE_S
        while time.monotonic() < until:
            self.metrics = self.process.ask("GET", "/metrics")[1] or ""
            if self.values("nightshift_occurrences").get(state) == count:
                return True
            time.sleep(0.02)
        return False

    def node(self, name):
        return self.scripts / "nodes" / (name + ".lua")

    def sleep_long(self):
        path = self.node("set_and_park")
        path.write_text(path.read_text().replace("ctx.sleep(0.2)",
                                                 "ctx.sleep(600)"))

    def run_id(self):
        return re.search(r"\brun_[0-9A-Z]{26}\b",
                         "".join(self.process.lines))[0]

    def die_in(self, run):
        self.process.end(signal.SIGKILL)
        (pathlib.Path(self.state) / "executing").write_bytes(
            run.encode().ljust(64, b"\0"))


class Lives:
    def __init__(self, given):
        self.cases, self.given = Cases(), given
        self.engine = Engine(given.nightshift)

    def life(self):
        shim = pathlib.Path(self.given.shim).resolve()
        return Life(self.engine, str(shim), random.Random(1))

    def reload(self):
        with self.life() as life:
            life.begin()
            same = life.ask("POST", "/-/reload")
            script = life.node("set_count")
            text = script.read_text()
            script.write_text("return {")
            bad, ready = life.ask("POST", "/-/reload"), life.ask("GET", "/readyz")
            script.write_text(text + "\n-- edited\n")
            good = life.ask("POST", "/-/reload")
            again = life.ask("GET", "/readyz")
            self.cases.check("nothing changed is said", [
                same[0] != 200 or same[1]["status"] != "unchanged" and same])
            self.cases.check("a broken edit is refused with file and line", [
                bad[0] != 409 and bad,
                "set_count.lua" not in json.dumps(bad[1]) and bad[1],
                bad[1]["problems"][0].get("line") != 1 and bad[1]])
            self.cases.check("and told on /readyz, where senders stay welcome", [
                ready[0] != 200 and ready,
                "reload" not in ready[1]["reasons"] and ready])
            self.cases.check("a good edit is taken", [
                good[0] != 200 or good[1]["status"] != "changed" and good,
                again[1]["reasons"] and again])
            script.write_text(text)
            life.process.child.send_signal(signal.SIGHUP)
            until = time.monotonic() + scenario.DEADLINE_S
            while time.monotonic() < until and sum(
                    "message=reloaded" in line
                    for line in life.process.lines) < 3:
                time.sleep(0.02)
            life.metrics = life.process.ask("GET", "/metrics")[1]
            self.cases.check("SIGHUP reloads, and editing back is the old one", [
                same[1]["bundle"] not in life.process.lines[-1]
                and life.process.lines[-3:],
                'nightshift_reloads_total{result="changed"} 2'
                not in life.metrics and "not counted"])
            walk = life.process.end()
            self.cases.check("told to end, it ends well (SR2)", [walk.code and walk.words()])

    def own_bundle(self):
        with self.life() as life:
            life.begin()
            life.post()
            parked = life.await_list("parked")
            script = life.node("set_and_park")
            script.write_text(script.read_text().replace(
                'return steady and "changed" or "lost"', 'return "lost"'))
            reloaded = life.ask("POST", "/-/reload")
            done = life.await_list("done")
            walk = life.process.end()
            self.cases.check("a run ends on the bundle it began with (N8)", [
                not parked and "it was never parked",
                reloaded[1]["status"] != "changed" and reloaded,
                not done and walk.words(),
                "outcome=lost" in walk.err and walk.err[-800:]])

    def quarantine(self):
        with self.life() as life:
            life.sleep_long()
            life.begin()
            life.post()
            life.await_list("parked")
            run = life.run_id()
            life.die_in(run)
            life.begin()
            once = life.await_list("parked")
            life.die_in(run)
            life.begin()
            twice = life.await_list("quarantined")
            life.process.end()
            self.cases.check("once may be chance, twice is put aside (RU4)", [
                not once and "it was put aside after one",
                not twice and life.metrics])

    def resolved(self):
        with self.life() as life:
            life.sleep_long()
            life.begin()
            life.post()
            life.await_list("parked")
            posted = json.loads(life.notification(PARKED))
            posted["status"] = posted["alerts"][0]["status"] = "resolved"
            posted["alerts"][0]["endsAt"] = "2026-11-26T03:00:00Z"
            answer = life.ask("POST", "/hooks/alertmanager", json.dumps(posted))
            recovered = life.await_list("recovered")
            walk = life.process.end()
            writes = life.place.double.applied("ecs:UpdateService")
            self.cases.check("resolved ends a parked run that has not acted "
                             "(N10)", [
                                 answer[0] != 202 and answer,
                                 not recovered and walk.words(),
                                 writes and "%s writes" % writes])

    def left_by_run(self):
        """A run of the command line that was killed is gone on with, and what
        fires on its key meanwhile is judged after it. (RU1)"""
        with self.life() as life:
            event = pathlib.Path(life.scratch.name) / "event.json"
            event.write_text(life.notification(PARKED))
            life.arm(scenario.Fault("gate.after_intent:1"))
            killed = self.engine.start(
                "run", "parked", "--live", "--event", event, "--state",
                life.state, "--config", life.config, "--scripts", life.scripts,
                env=life.place.env)
            life.begin()
            life.post()
            done = life.await_list("done")
            walk = life.process.end()
            again = self.engine.start(
                "run", "--live", "--resume", killed.run, "--state", life.state,
                "--config", life.config, "--json", env=life.place.env)
            self.cases.check("serve goes on with what run --live left", [
                not killed.killed and killed.words(),
                not done and walk.words(),
                killed.run not in walk.err and walk.err[-800:],
                again.outcome != "done" and again.words()])

    def failing_disk(self):
        with self.life() as life:
            life.begin("sync:120:EIO:on")
            answers = []
            until = time.monotonic() + scenario.DEADLINE_S
            while time.monotonic() < until and 503 not in answers:
                posted = json.loads(life.notification(PARKED))
                posted["alerts"][0]["fingerprint"] = "%016x" % len(answers)
                answers.append(life.ask("POST", "/hooks/alertmanager",
                                        json.dumps(posted))[0])
            ready = life.ask("GET", "/readyz")
            life.metrics = life.process.ask("GET", "/metrics")[1] or ""
            code = life.process.child.wait(scenario.DEADLINE_S)
            life.process.end()
            self.cases.check("a disk that fails: 503, said, and the end (SR3)", [
                set(answers) - {202, 503} and answers,
                answers[-1] != 503 and answers[-3:],
                ready[0] != 503 and ready,
                "store" not in ready[1]["reasons"] and ready,
                "nightshift_store_failed 1" not in life.metrics and
                "not among the metrics",
                code != 74 and "exit %s" % code])

    def all(self):
        for step in (self.reload, self.own_bundle, self.quarantine,
                     self.resolved, self.left_by_run, self.failing_disk):
            step()
        return self.cases.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nightshift", required=True)
    parser.add_argument("--shim", required=True)
    return Lives(parser.parse_args()).all()


if __name__ == "__main__":
    sys.exit(main())
