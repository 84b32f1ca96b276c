#!/usr/bin/env python3
"""nightshift call makes one effect through the same gate as a node.

Against the double: reads are asked in either mode; a write is only predicted
without --live and counted at the server as none, and with --live its intent is
in the state directory before it was sent (N6). When the answer is lost the
class decides, as it would in a run. The exit code and the object of --json say
which it was.

    call_command.py --nightshift PATH
"""

import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from double import Double                                     # noqa: E402
from lib.cases import Cases                                   # noqa: E402
from lib.engine import (CREDENTIALS, FIXTURES,                # noqa: E402
                        from_arguments)
from lib.record import Record                                 # noqa: E402

CONFIG = FIXTURES / "live" / "nightshift.lua"
SERVICE = {"cluster": "prod", "services": ["checkout"]}
COUNT = {"cluster": "prod", "service": "checkout", "desiredCount": 5}
UPDATE = "ecs:UpdateService"


class Place:
    def __init__(self, engine):
        self.engine = engine

    def __enter__(self):
        self.double = Double().__enter__()
        self.scratch = tempfile.TemporaryDirectory()
        self.state = pathlib.Path(self.scratch.name) / "state"
        return self

    def __exit__(self, *_):
        self.double.__exit__()
        self.scratch.cleanup()

    def call(self, kind, name, args, *options, live=False, stdin=None):
        mode = ["--live", "--state", self.state] if live else []
        return self.engine.start(
            "call", kind, name, args if stdin else json.dumps(args),
            "--config", CONFIG, *mode, *options, stdin=stdin,
            env={**CREDENTIALS, "DOUBLE_URL": self.double.url})

    def count(self):
        return self.double.ecs.services["prod", "checkout"]["desiredCount"]

    def journal(self):
        """Of the one call that this state directory has seen."""
        streams = {key.split("/")[2] for key in Record(self.state).rows
                   if key.startswith("main/journal/call_")}
        return Record(self.state, streams.pop())


def reads(cases, engine):
    with Place(engine) as place:
        walk = place.call("aws", "ecs:DescribeServices", SERVICE)
        cases.check("a read is asked, and its answer is data", [
            walk.code != 0 and walk.words(),
            json.loads(walk.out or "{}").get("services", [{}])[0].get(
                "serviceName") != "checkout" and walk.words(),
            place.state.exists() and "a dry call made a state directory"])
        walk = place.call("aws", "ecs:DescribeServices", "-", "--json",
                          stdin=json.dumps(SERVICE).encode())
        cases.check("arguments may come by standard input", [
            walk.report.get("schema") != "nightshift.call/1" and walk.words(),
            walk.report.get("class") != "read" and walk.words(),
            walk.report.get("assumed") and "assumed"])
        walk = place.call("prometheus", "query", {"query": "up"}, "--json")
        cases.check("Prometheus is asked", [
            not place.double.requests("prometheus:query") and walk.words()])
        walk = place.call("github", "GET /repos/{owner}/{repo}/commits",
                          {"owner": "acme", "repo": "checkout"})
        cases.check("GitHub is asked", [walk.code != 0 and walk.words()])
        walk = place.call("github", "GET /repos/{owner}/{repo}/commits",
                          {"owner": "acme", "repo": "checkout"},
                          '{"pages":true}')
        cases.check("options are what ctx takes last", [
            walk.code != 0 and walk.words(),
            "items" not in json.loads(walk.out or "{}") and walk.words()])


def dry(cases, engine):
    with Place(engine) as place:
        walk = place.call("aws", UPDATE, COUNT, "--json",
                          "--detailed-exitcode")
        cases.check("N5 a dry call sends no write", [
            place.double.requests(UPDATE) and "it was sent",
            walk.code != 4 and walk.words(),
            not walk.report.get("assumed") and walk.words(),
            walk.report.get("answer", {}).get("service", {}).get(
                "desiredCount") != 5 and walk.words()])
        walk = place.call("notify", "pager", {"text": "hello"})
        cases.check("N5 a dry call tells nobody", [
            place.double.requests("notify:pager") and "it was sent",
            "nothing was sent" not in walk.err and walk.words()])


def live(cases, engine):
    with Place(engine) as place:
        walk = place.call("aws", UPDATE, COUNT, "--json", live=True)
        sent = [("aws:" + UPDATE, entry["args"], entry["at"])
                for entry in place.double.requests(UPDATE)]
        record = place.journal()
        cases.check("N6 a live call writes once, its intent before", [
            walk.code != 0 and walk.words(),
            len(sent) != 1 and "%d were sent" % len(sent),
            place.count() != 5 and "the count is %d" % place.count(),
            *record.intent_problems(sent), *record.chain_problems()])


def lost(cases, engine):
    with Place(engine) as place:
        place.double.misbehave(UPDATE, "apply_drop")
        walk = place.call("aws", UPDATE, COUNT, live=True)
        cases.check("a `set` whose answer is lost is read back", [
            walk.code != 0 and walk.words(),
            len(place.double.requests(UPDATE)) != 1 and "sent twice"])
    with Place(engine) as place:
        setting = "ecs:PutAccountSetting"
        place.double.misbehave(setting, "apply_drop")
        walk = place.call("aws", setting, {"name": "a", "value": "b"},
                          "--json", live=True)
        cases.check("a `once` whose answer is lost is not sent again", [
            walk.code != 3 and walk.words(),
            walk.report.get("error", {}).get("code") != "unknown" and
            walk.words(),
            len(place.double.requests(setting)) != 1 and "sent again"])


def refused(cases, engine):
    with Place(engine) as place:
        for name, kind, effect, args, code, *options in [
                ("a kind that does not exist", "ftp", "x", {}, 64),
                ("a name that is none", "aws", "UpdateService", {}, 2),
                ("arguments that are no object", "aws", UPDATE, [1], 2),
                ("an option that is none", "aws", UPDATE, COUNT, 2,
                 '{"regoin":"eu-west-1"}'),
                ("options of a kind that takes none", "prometheus", "query",
                 {"query": "up"}, 64, '{"owner":"acme"}'),
                ("what returns secrets", "aws", "sts:AssumeRole", {}, 1),
                ("a host that is not allowed", "http",
                 "GET https://example.com/", {}, 1),
                ("a channel that is not there", "notify", "nobody", {}, 2)]:
            walk = place.call(kind, effect, args, *options)
            cases.check("refused: " + name, [
                walk.code != code and walk.words(),
                not walk.err.count("error ") and walk.words()])
        cases.check("nothing was asked", [
            place.double.log and str(place.double.log)])


def main():
    engine = from_arguments(__doc__)
    cases = Cases()
    for story in (reads, dry, live, lost, refused):
        story(cases, engine)
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
