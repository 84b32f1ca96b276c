#!/usr/bin/env python3
"""Each fixture world leads any notification the way it should.

Nine worlds and four notifications: one captured alert, a captured group of
two services, one made here with other names and another year, each from a file
and from standard input. The way, the writes, the verdict and the exit code are
expected exactly; resolved notifications lead nowhere in any world, and of a
mixed one only what still fires is acted on.

    worlds.py --nightshift PATH
"""

import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from lib.cases import Cases                                   # noqa: E402
from lib.engine import EVENTS, FIXTURES, ROOT, from_arguments # noqa: E402

WORLDS = FIXTURES / "worlds"
SCRIPTS = ROOT / "scripts"

SEEN = "analyst:found auditor:nothing "
UPDATE = "aws:ecs:UpdateService"
GIT = "github:POST /repos/{owner}/{repo}/"
RESTART = (UPDATE, "verify", "run", {"forceNewDeployment": True})

# name: way, writes (effect, class, phase, part of the request), outcome,
# verdict, exit code
EXPECTED = {
    "crash_loop": (
        SEEN + "decision:restart remediation_restart:restarted "
        "verification:pass", [RESTART], "done", "pass", 0),
    "bad_deploy": (
        "analyst:found auditor:found decision:revert "
        "remediation_revert:merged verification:pass",
        [(GIT + "git/trees", "token", "run", {}),
         (GIT + "git/commits", "token", "run", {}),
         (GIT + "git/refs", "verify", "run", {}),
         (GIT + "pulls", "verify", "run", {"base": "main"})],
        "done", "pass", 0),
    "bad_deploy_pull": (
        "analyst:found auditor:found decision:revert "
        "remediation_revert:merged verification:pass",
        [("github:graphql:revertPullRequest", "verify", "run", {})],
        "done", "pass", 0),
    "saturated": (
        SEEN + "decision:scale_up remediation_scale_up:scaled "
        "verification:pass", [(UPDATE, "set", "run", {"desiredCount": 6})],
        "done", "pass", 0),
    "rolling": (
        SEEN + "decision:wait settle:over " + SEEN +
        "decision:settled verification:pass", [], "done", "pass", 0),
    "no_evidence": (
        "analyst:nothing escalation:handed_over", [], "escalated", None, 3),
    "no_effect": (
        SEEN + 2 * ("decision:restart remediation_restart:restarted "
                    "verification:fail ") +
        "decision:unsure escalation:handed_over",
        [RESTART, RESTART], "escalated", "fail", 3),
    "no_samples": (
        SEEN + "decision:restart remediation_restart:restarted "
        "verification:unknown escalation:handed_over", [RESTART],
        "escalated", "unknown", 3),
    "worse": (
        SEEN + "decision:scale_up remediation_scale_up:scaled "
        "verification:worse undo:undone escalation:handed_over",
        [(UPDATE, "set", "run", {"desiredCount": 6}),
         (UPDATE, "set", "undo", {"desiredCount": 4})],
        "escalated", "worse", 3),
}
FIELDS = {"schema", "run", "playbook", "bundle", "mode", "path", "outcome",
          "writes", "reads", "verdict"}


def made(service, cluster, started_at):
    """A notification of another team's Alertmanager, with another year."""
    labels = {"alertname": "Anything", "service": service, "cluster": cluster,
              "zone": "b"}
    alert = {"status": "firing", "labels": labels, "annotations": {},
             "startsAt": started_at, "endsAt": "0001-01-01T00:00:00Z",
             "generatorURL": "", "fingerprint": "00c0ffee00c0ffee"}
    return {"version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0,
            "status": "firing", "receiver": "x", "groupLabels": {},
            "commonLabels": labels, "commonAnnotations": {},
            "externalURL": "", "alerts": [alert]}


def changed(event, status):
    for alert in event["alerts"]:
        alert["status"] = status
        alert["endsAt"] = alert["startsAt"]
    return event


# --- what is expected of one report ------------------------------------------

def write_problems(world, report, service, cluster):
    wanted, found = EXPECTED[world][1], report["writes"]
    if [w[0] for w in wanted] != [w["effect"] for w in found]:
        yield "writes %s" % [write["effect"] for write in found]
        return
    for (effect, kind, phase, part), write in zip(wanted, found):
        request = write["request"]
        if (write["class"], write.get("phase", "run")) != (kind, phase):
            yield "%s: class %s, phase %s" % (effect, write["class"],
                                              write.get("phase"))
        if not part.items() <= request.items():
            yield "%s: %s lacks %s" % (effect, request, part)
        if effect == UPDATE and (request["service"], request["cluster"]) != (
                service, cluster):
            yield "it writes to %s" % request
        if effect == UPDATE and not write["target"].endswith(
                "/ecs/%s/%s" % (cluster, service)):
            yield "the target is %s" % write["target"]
        if effect == GIT + "git/refs" and request["ref"] in (
                "refs/heads/main", "refs/heads/master"):
            yield "it writes the main branch"


def report_problems(world, report, service, cluster):
    way, _, outcome, verdict, _ = EXPECTED[world]
    path = " ".join("%s:%s" % (step["node"], step["outcome"])
                    for step in report.get("path", []))
    if path != way:
        yield "the way was " + path
        return
    if (report["outcome"], report["verdict"]) != (outcome, verdict):
        yield "%s, %s" % (report["outcome"], report["verdict"])
    if not FIELDS <= set(report):
        yield "the report lacks %s" % (FIELDS - set(report))
    if (report["schema"], report["mode"], report["playbook"]) != (
            "nightshift.run/1", "fixture", "self_heal"):
        yield "%s %s %s" % (report["schema"], report["mode"],
                            report["playbook"])
    if not report["reads"]:
        yield "nothing was read"
    if outcome == "escalated" and not report.get("handover"):
        yield "nothing is handed over"
    yield from write_problems(world, report, service, cluster)


class Test:
    def __init__(self, engine):
        self.engine, self.cases = engine, Cases()

    def walk(self, world, event, *more, stdin=None):
        return self.engine.start(
            "run", "self_heal", "--fixtures", WORLDS / world, "--event", event,
            "--scripts", SCRIPTS, "--json", *more, stdin=stdin)

    def leads(self, name, world, walk, services):
        """`services` are the (service, cluster) that must be walked."""
        reports = [walk.report] + walk.report.get("also", [])
        problems = []
        if walk.code != EXPECTED[world][4]:
            problems.append(walk.words()[-1200:])
        walked = [(report["incident"]["labels"]["service"],
                   report["incident"]["labels"]["cluster"])
                  for report in reports if report.get("incident")]
        if walked != services:
            problems.append("walked %s" % walked)
        for report, (service, cluster) in zip(reports, services):
            problems += report_problems(world, report, service, cluster)
        self.cases.check("%s, %s" % (world, name), problems)

    def both_ways(self, name, world, path, services):
        self.leads(name, world, self.walk(world, path), services)
        self.leads(name + " on standard input", world,
                   self.walk(world, "-", stdin=path.read_bytes()), services)

    def nothing(self, name, world, path):
        walk = self.walk(world, path)
        report = walk.report
        self.cases.check("%s, %s" % (world, name), [
            walk.code != 0 and walk.words()[-800:],
            report.get("outcome") != "no_action" and report.get("outcome"),
            (report.get("path") or report.get("writes") or
             report.get("reads")) and "it did something"])

    def same_again(self, world):
        """The same notification has the same plan: its digest names it."""
        plans = {self.walk(world, EVENTS / "firing.json").report.get("plan")
                 for _ in "12"}
        self.cases.check("%s twice" % world, [
            len(plans) != 1 and "plans %s" % plans])

    def for_people(self, world):
        walk = self.engine.start(
            "run", "self_heal", "--fixtures", WORLDS / world, "--event",
            EVENTS / "firing.json", "--scripts", SCRIPTS)
        words = ["checkout", *[step.split(":")[0] for step in
                               EXPECTED[world][0].split()],
                 *[write[0] for write in EXPECTED[world][1]]]
        self.cases.check("%s for people" % world, [
            walk.code != EXPECTED[world][4] and "exit %s" % walk.code,
            *["the plan does not name " + word for word in words
              if word not in walk.out]])


def main():
    test = Test(from_arguments(__doc__))
    with tempfile.TemporaryDirectory() as folder:
        other = pathlib.Path(folder) / "other.json"
        other.write_text(json.dumps(
            made("orders_v2-eu", "blue-7", "2024-02-29T23:59:30.5+02:00")))
        resolved = pathlib.Path(folder) / "resolved.json"
        resolved.write_text(json.dumps(changed(
            made("orders_v2-eu", "blue-7", "2024-02-29T23:59:30Z"),
            "resolved")))
        for world in EXPECTED:
            test.both_ways("firing", world, EVENTS / "firing.json",
                           [("checkout", "prod")])
            test.both_ways("grouped", world, EVENTS / "grouped.json",
                           [("basket", "staging"), ("catalogue", "staging")])
            test.both_ways("other names", world, other,
                           [("orders_v2-eu", "blue-7")])
            test.both_ways("mixed", world, EVENTS / "mixed.json",
                           [("basket", "staging"), ("catalogue", "staging")])
            test.nothing("resolved", world, EVENTS / "resolved.json")
            test.nothing("resolved with other names", world, resolved)
            test.same_again(world)
            test.for_people(world)
        only = json.loads((EVENTS / "mixed.json").read_text())
        for alert in only["alerts"]:
            if alert["labels"]["service"] == "catalogue":
                alert["status"] = "resolved"
                alert["endsAt"] = alert["startsAt"]
        other.write_text(json.dumps(only))
        for world in EXPECTED:
            test.both_ways("one of two services resolved", world, other,
                           [("basket", "staging")])
    return test.cases.end()


if __name__ == "__main__":
    sys.exit(main())
