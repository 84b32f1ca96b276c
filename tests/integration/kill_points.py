#!/usr/bin/env python3
"""Kill -9 at every named point of a live run, then go on, and count at the
server what was applied.

A counting run tells how often a scenario passes each point of
core/base/fault.h that stands around an effect; then one run for each passage
is killed there and resumed. (tests/torture takes the points of the store.)
What must hold afterwards depends on the class of the write alone: `set`,
`token` and `verify` are applied exactly once; `once` at most once and never
asked again, so that the run ends at the node's `on_unknown` with the question
shown; a parked wait judges each of its answers once; branches that are walked
at the same time meet once; `notify` is sent at most twice, with one key. The
same holds when the server drops its answer, or the request, or both happen
together, or the run that goes on is killed too. After each end the audit chain
is whole, each write was written down before it left (N6), and the key of the
run is free.

    kill_points.py --nightshift PATH
"""

import concurrent.futures
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from double import Double                                     # noqa: E402
from lib.cases import Cases                                   # noqa: E402
from lib.engine import (CREDENTIALS, EVENTS, FIXTURES, ROOT,  # noqa: E402
                        from_arguments)
from lib.record import Record                                 # noqa: E402

LIVE = FIXTURES / "live"
SCRIPTS = LIVE / "scripts"
VENV = ROOT / "build" / "venv" / "bin" / "python"
WORKERS = 4

UPDATE, RUN, STOP = "ecs:UpdateService", "ecs:RunTask", "ecs:StopTask"
SETTING, PAGER = "ecs:PutAccountSetting", "notify:pager"
READ = "ecs:DescribeServices"
GIT = "github:%s /repos/{owner}/{repo}/"
GITHUB_WRITES = [GIT % "POST" + "git/blobs", GIT % "POST" + "git/refs",
                 GIT % "POST" + "pulls",
                 GIT % "PATCH" + "pulls/{pull_number}"]

HEALED = ["act:changed", "verification:pass"]
HANDED_OVER = "escalation:handed_over"


class Scenario:
    """One playbook of tests/fixtures/live and what must come of it."""

    def __init__(self, name, writes, path=None, doubt=None, applied=1,
                 outcome="done"):
        self.name, self.writes, self.applied = name, writes, applied
        self.path, self.outcome = path or HEALED, outcome
        self.doubt = doubt      # the path when nobody knows


SCENARIOS = {scenario.name: scenario for scenario in [
    Scenario("set", [UPDATE]),
    Scenario("parked", [UPDATE]),
    Scenario("parallel", [UPDATE], path=["sides:seen", "rest:steady",
                                         "again:seen"] + HEALED),
    Scenario("token", [RUN]),
    Scenario("verify", [UPDATE]),
    Scenario("stop", [STOP]),
    Scenario("pull", GITHUB_WRITES),
    Scenario("once", [SETTING], doubt=["act:unclear", HANDED_OVER]),
    Scenario("once_undeclared", [SETTING], doubt=["act:error", HANDED_OVER]),
    Scenario("notify", [PAGER], path=["act:told"],
             doubt=["act:untold", HANDED_OVER]),
    Scenario("take_back", [UPDATE], applied=2, outcome="escalated",
             path=["act:changed", "verification:worse", "undo:undone",
                   HANDED_OVER]),
]}


AROUND_EFFECTS = ("run.", "gate.", "net.")

# Enough of each class for what takes many kills.
BROAD = ["set", "token", "verify", "pull", "once", "notify", "take_back"]
NARROW = ["set", "token", "verify", "once", "notify", "take_back"]


def effect_of(key):
    return key if key.startswith(("github:", "notify:")) else "aws:" + key


class Place:
    """A double and a state directory, for one case."""

    def __init__(self, engine):
        self.engine, self.config = engine, LIVE / "nightshift.lua"

    def __enter__(self):
        self.double = Double().__enter__()
        self.state = tempfile.mkdtemp(prefix="nightshift-kill-")
        self.env = {**CREDENTIALS, "DOUBLE_URL": self.double.url}
        return self

    def __exit__(self, *_):
        self.double.__exit__()
        shutil.rmtree(self.state, ignore_errors=True)

    def start(self, *arguments, fault=None):
        env = {**self.env, **({"NIGHTSHIFT_FAULT": fault} if fault else {})}
        walk = self.engine.start(
            "run", *arguments, "--live", "--state", self.state, "--config",
            self.config, env=env)
        self.double.quiet()
        return walk

    def walk(self, playbook, fault=None, scripts=SCRIPTS):
        return self.start(playbook, "--event", EVENTS / "firing.json",
                          "--scripts", scripts, "--json", fault=fault)

    def resume(self, run, fault=None, json="--json"):
        return self.start("--resume", run, *([json] if json else []),
                          fault=fault)

    def sent(self, scenario):
        """The writes that reached the server, as the journal names them."""
        return [(effect_of(key), entry["args"], entry["at"])
                for key in scenario.writes
                for entry in self.double.requests(key)]

    def written_down(self, scenario, run):
        """(N6) at any moment, and the chain."""
        record = Record(self.state, run)
        yield from record.intent_problems(self.sent(scenario))
        yield from record.chain_problems()


# --- what must have come of it ----------------------------------------------

def class_problems(place, scenario, doubt):
    for key in scenario.writes:
        asked = place.double.requests(key)
        applied = len(place.double.applied(key))
        if key == PAGER:
            if len({entry["token"] for entry in asked}) > 1:
                yield "messages with different keys"
            if len(asked) > 2 or applied + doubt < 1:
                yield "the message was sent %d times, delivered %d times" % (
                    len(asked), applied)
        elif scenario.doubt and doubt:
            if len(asked) > 1 or applied > 1:
                yield "%s was asked %d times, applied %d times" % (
                    key, len(asked), applied)
        elif applied != scenario.applied:
            yield "%s was applied %d times, asked %d times" % (
                key, applied, len(asked))


def doubt_problems(place, scenario, walk):
    """Somebody has to decide, so the question is shown: what, on what."""
    effect = effect_of(scenario.writes[0])
    step = walk.report.get("path", [{}])[0]
    why = step.get("reason") or step.get("error", {}).get("text", "")
    if effect not in why or "000000000000" not in why:
        yield "the path does not show the question: %r" % why
    plan = place.resume(walk.run, json=None).out
    for word in (effect, "containerInsights", "may or may not"):
        if word not in plan:
            yield "the plan does not show %r" % word


def in_doubt(place, scenario, run, doubt):
    """A message is only in doubt after it was sent again; a `once` write as
    soon as an intent was found open, or no answer came."""
    if scenario.name == "notify":
        record = Record(place.state, run)
        return bool(record.of_kind("again")) and any(
            result["how"] == "unknown" for result in record.of_kind("result"))
    return doubt and scenario.doubt is not None


def wait_problems(record):
    """(N7) Each poll's answer is judged once and counted once: a slot's wait
    records count up by one, whatever was killed between them."""
    counts = {}
    for wait in record.of_kind("wait"):
        counts.setdefault(wait["slot"], []).append(wait["count"])
    for slot, seen in counts.items():
        if seen != list(range(len(seen))):
            yield "the polls of %s are counted %s" % (slot, seen)


def end_problems(place, scenario, walk, doubt):
    doubt = in_doubt(place, scenario, walk.run, doubt)
    path = scenario.doubt if doubt else scenario.path
    outcome = "escalated" if doubt else scenario.outcome
    code = {"done": 0, "escalated": 3}[outcome]
    if (walk.code, walk.outcome, walk.path()) != (code, outcome, path):
        yield "ended as %s %s\n%s" % (walk.outcome, walk.path(), walk.words())
        return
    if scenario.name == "take_back":
        count = place.double.ecs.services["prod", "checkout"]["desiredCount"]
        if count != 2:
            yield "the count was left at %d" % count
    yield from class_problems(place, scenario, doubt)
    yield from place.written_down(scenario, walk.run)
    if doubt and scenario.name != "notify":
        yield from doubt_problems(place, scenario, walk)
    record = Record(place.state, walk.run)
    yield from wait_problems(record)
    if record.holds() or record.entry(walk.run)["state"] != "ended":
        yield "the run still holds its key: %s" % record.entry(walk.run)
    if len(record.of_kind("finished")) != 1:
        yield "the end is recorded %d times" % len(record.of_kind("finished"))


# --- kills -------------------------------------------------------------------

class Test:
    def __init__(self, engine):
        self.engine, self.cases = engine, Cases()
        self.pool = concurrent.futures.ThreadPoolExecutor(WORKERS)
        self.lock = threading.Lock()
        self.kills = self.resumed = 0
        self.reached, self.named = set(), set()

    def note_kill(self):
        with self.lock:
            self.kills += 1

    def ended(self, name, place, scenario, walk, doubt):
        with self.lock:
            self.resumed += 1
        self.cases.check(name, end_problems(place, scenario, walk, doubt))

    def counted(self, place, walk):
        """name:n for every passage of a counting run."""
        passages = {name: n for name, n in walk.passages().items()
                    if name.startswith(AROUND_EFFECTS)}
        with self.lock:
            self.named |= set(passages)
            self.reached |= {name for name, n in passages.items() if n}
        return ["%s:%d" % (name, n) for name, count in passages.items()
                for n in range(1, count + 1)]

    def kill(self, name, place, scenario, walk):
        """The walk was to be killed; whether an intent is open now."""
        if not walk.killed:
            self.cases.check(name, ["was not killed\n" + walk.words()])
            return None
        self.note_kill()
        problems = list(place.written_down(scenario, walk.run))
        if problems:
            self.cases.check(name + ", right after the kill", problems)
        return bool(Record(place.state, walk.run).unknown())

    def killed_and_resumed(self, scenario, point, faults=()):
        name = "%s killed at %s" % (scenario.name, point)
        name += "".join(", %s %s" % fault for fault in faults)
        with Place(self.engine) as place:
            for key, fault in faults:
                place.double.misbehave(key, fault)
            walk = place.walk(scenario.name, fault=point)
            doubt = self.kill(name, place, scenario, walk)
            if doubt is None:
                return
            doubt = doubt or lost(place, walk.run)
            again = place.resume(walk.run)
            again.run = walk.run
            # What misbehaves when the run goes on may leave doubt as well.
            doubt = doubt or lost(place, walk.run)
            self.ended(name, place, scenario, again, doubt)

    def killed_twice(self, scenario, first, second):
        name = "%s killed at %s, then at %s" % (scenario.name, first, second)
        with Place(self.engine) as place:
            walk = place.walk(scenario.name, fault=first)
            doubt = self.kill(name, place, scenario, walk)
            between = place.resume(walk.run, fault=second)
            between.run = walk.run
            more = self.kill(name, place, scenario, between)
            with self.lock:
                self.resumed += 1
            if doubt is None or more is None:
                return
            again = place.resume(walk.run)
            again.run = walk.run
            self.ended(name, place, scenario, again, doubt or more)

    def counting(self, scenario, faults=(), first=None):
        """The passages of a run, or of the run that goes on after `first`."""
        with Place(self.engine) as place:
            for key, fault in faults:
                place.double.misbehave(key, fault)
            if not first:
                return self.counted(place,
                                    place.walk(scenario.name, fault="count"))
            walk = place.walk(scenario.name, fault=first)
            return self.counted(place, place.resume(walk.run, fault="count"))

    def everywhere(self, act, scenario, points, *rest):
        return [self.pool.submit(act, scenario, point, *rest)
                for point in points]

    # --- the parts of the test -----------------------------------------------

    def each_point(self):
        """Every scenario, every point, every passage."""
        jobs = []
        for scenario in SCENARIOS.values():
            points = self.counting(scenario)
            jobs += self.everywhere(self.killed_and_resumed, scenario, points)
        finish(jobs)
        self.cases.check("every fault point is reached", [
            "%s was reached by no scenario" % name
            for name in sorted(self.named - self.reached)] or
            ([] if self.named else ["no points were counted"]))

    def with_faults(self):
        """A kill, and a server that drops its answer or the request."""
        jobs = []
        for scenario in map(SCENARIOS.get, BROAD):
            for key in scenario.writes:
                for fault in ("apply_drop", "drop"):
                    faults = ((key, fault),)
                    points = near_writes(self.counting(scenario, faults))
                    jobs += self.everywhere(self.killed_and_resumed, scenario,
                                            points, faults)
        finish(jobs)

    def twice(self):
        """The run that goes on is killed as well, wherever it comes to; the
        request of the first was never sent, or it was applied."""
        jobs = []
        for scenario in map(SCENARIOS.get, NARROW):
            for first in self.counting(scenario):
                if first.startswith(("gate.after_intent", "gate.before_re")):
                    points = near_writes(self.counting(scenario, (), first))
                    jobs += [self.pool.submit(self.killed_twice, scenario,
                                              first, point)
                             for point in points]
        finish(jobs)

    def without_kill(self):
        """The server misbehaves, the process lives: the same classes decide.
        A throttled request was surely not applied, so there is no doubt."""
        def one(scenario, key, fault):
            with Place(self.engine) as place:
                place.double.misbehave(key, fault)
                walk = place.walk(scenario.name)
                problems = end_problems(place, scenario, walk,
                                        fault != "throttle")
                self.cases.check("%s: %s of %s" % (scenario.name, fault, key),
                                 problems)

        finish([self.pool.submit(one, scenario, key, fault)
                for scenario in SCENARIOS.values() for key in scenario.writes
                for fault in ("apply_drop", "apply_500", "apply_hang", "drop",
                              "hang", "500", "throttle")])


def lost(place, run):
    """Was a write given up as unknown?"""
    return any(result.get("lost") for result in
               Record(place.state, run).of_kind("result"))


def near_writes(points):
    return [point for point in points if point.startswith(("gate.", "net."))]


def finish(jobs):
    for job in jobs:
        job.result()


# --- single stories ----------------------------------------------------------

def one_write(place, walk):
    asked = place.double.requests(UPDATE)
    if (walk.code, walk.path()) != (0, HEALED):
        yield walk.words()
    if len(asked) != 1:
        yield "%d writes at the server" % len(asked)
    yield from place.written_down(SCENARIOS["set"], walk.run)


def throttled_read(test):
    """Write, then a throttled read, three retries inside its slot."""
    with Place(test.engine) as place:
        place.double.misbehave(READ, "throttle", times=3, skip=2)
        walk = place.walk("set")
        problems = list(one_write(place, walk))
        if len(place.double.requests(READ)) != 2 + 3 + 3:
            problems.append("%d reads" % len(place.double.requests(READ)))
        test.cases.check("a write, a read throttled three times: one write",
                         problems)


def node_again(test):
    """The same beyond the read's retries: the node starts again."""
    with Place(test.engine) as place:
        place.double.misbehave(READ, "throttle", times=6, skip=2)
        walk = place.walk("rerun")
        problems = list(one_write(place, walk))
        record = Record(place.state, walk.run)
        if len(record.of_kind("rerun")) != 1:
            problems.append("%d re-runs" % len(record.of_kind("rerun")))
        test.cases.check("a node that runs again over its slots: one write",
                         problems)


def throttled_proof(test):
    """Cut off in the middle of a write, and the read that would prove it is
    throttled at first: that is no reason to give the write up."""
    for name, passage in (("set", 3), ("verify", 2), ("stop", 3)):
        reader = READ if name != "stop" else "ecs:DescribeTasks"
        with Place(test.engine) as place:
            walk = place.walk(name, fault="net.mid_request:%d" % passage)
            doubt = test.kill(name, place, SCENARIOS[name], walk)
            place.double.misbehave(reader, "throttle", times=2)
            again = place.resume(walk.run)
            again.run = walk.run
            test.ended("%s killed, then the proof is throttled twice" % name,
                       place, SCENARIOS[name], again, doubt)


def edited_scripts(test):
    """(N8) Scripts are edited while nobody runs: the run finishes on the
    bundle it began with, the next one takes the new one."""
    with Place(test.engine) as place:
        scripts = pathlib.Path(place.state) / "scripts"
        shutil.copytree(SCRIPTS, scripts)
        walk = place.walk("set", fault="run.started:1", scripts=scripts)
        test.kill("edited scripts", place, SCENARIOS["set"], walk)
        began = Record(place.state, walk.run).entry(walk.run)["bundle"]
        node = scripts / "nodes" / "set_count.lua"
        node.write_text(node.read_text().replace("desiredCount + 1",
                                                 "desiredCount + 5"))
        again = place.resume(walk.run)
        again.run = walk.run
        test.ended("a run finishes on the bundle it began with", place,
                   SCENARIOS["set"], again, False)
        count = place.double.ecs.services["prod", "checkout"]["desiredCount"]
        test.cases.check("the edited script was not used", [
            count != 3 and "the count is %d" % count,
            again.report.get("bundle") != began and "another bundle"])
        after = place.walk("set", scripts=scripts)
        count = place.double.ecs.services["prod", "checkout"]["desiredCount"]
        test.cases.check("the next run takes the edited script", [
            after.code != 0 and after.words(),
            count != 8 and "the count is %d" % count,
            after.report.get("bundle") == began and "the same bundle"])


def edited_configuration(test):
    """(N7) What questions depend on is journaled: a run that goes on under
    another region asks what it asked before; the next one does not."""
    with Place(test.engine) as place:
        walk = place.walk("set", fault="gate.after_intent:1")
        test.kill("edited configuration", place, SCENARIOS["set"], walk)
        place.config = pathlib.Path(place.state) / "edited.lua"
        place.config.write_text(
            (LIVE / "nightshift.lua").read_text().replace("eu-central-1",
                                                          "eu-north-1"))
        again = place.resume(walk.run)
        again.run = walk.run
        test.ended("a run goes on with the facts it began with", place,
                   SCENARIOS["set"], again, True)
        after = place.walk("set")
        test.cases.check("the next run takes the edited configuration", [
            after.code != 0 and after.words(),
            "eu-north-1" not in str(after.report.get("writes"))
            and after.report.get("writes")])


def held_key(test):
    """A run that was cut short keeps its key: a second one does not start."""
    with Place(test.engine) as place:
        walk = place.walk("set", fault="gate.after_intent:1")
        test.kill("held key", place, SCENARIOS["set"], walk)
        second = place.walk("set")
        test.cases.check("a run that was cut short keeps its key", [
            second.code == 0 and "a second run was walked",
            walk.run not in second.out and second.words(),
            place.double.requests(UPDATE) and "it wrote"])
        again = place.resume(walk.run)
        again.run = walk.run
        test.ended("and goes on by its name", place, SCENARIOS["set"], again,
                   True)


def parked(test):
    """Without a kill: parked three times, and no poll more than was due."""
    with Place(test.engine) as place:
        walk = place.walk("parked")
        record = Record(place.state, walk.run)
        test.cases.check("a parked run goes on when it is due", [
            *end_problems(place, SCENARIOS["parked"], walk, False),
            len(record.of_kind("parked")) != 3 and "parked %d times" % len(
                record.of_kind("parked")),
            len(record.of_kind("wait")) != 4 and "%d records of waiting" % len(
                record.of_kind("wait"))])


def ended_again(test):
    """To resume what has ended shows it, and does nothing."""
    with Place(test.engine) as place:
        walk = place.walk("set")
        before = len(place.double.log)
        again = place.resume(walk.run)
        again.run = walk.run
        problems = list(end_problems(place, SCENARIOS["set"], again, False))
        problems.append(len(place.double.log) != before and "it asked again")
        test.cases.check("resuming an ended run shows it", problems)


CLIENT = """
import boto3, sys
ecs = boto3.client("ecs", endpoint_url=sys.argv[1], region_name="eu-central-1",
                   aws_access_key_id="a", aws_secret_access_key="b")
logs = boto3.client("logs", endpoint_url=sys.argv[1], region_name="x-1",
                    aws_access_key_id="a", aws_secret_access_key="b")
one = dict(cluster="prod", service="checkout")
look = lambda: ecs.describe_services(cluster="prod", services=["checkout"])
first = look()["services"][0]["deployments"][0]["id"]
ecs.update_service(**one, desiredCount=4)
assert look()["services"][0]["desiredCount"] == 4
ecs.update_service(**one, forceNewDeployment=True)
assert look()["services"][0]["deployments"][0]["id"] != first
tasks = [ecs.run_task(cluster="prod", taskDefinition="checkout",
                      clientToken="t")["tasks"][0]["taskArn"] for _ in "12"]
assert tasks[0] == tasks[1]
ecs.stop_task(cluster="prod", task=tasks[0])
assert tasks[0] in ecs.list_tasks(cluster="prod",
                                  desiredStatus="STOPPED")["taskArns"]
ecs.put_account_setting(name="containerInsights", value="enabled")
assert logs.filter_log_events(logGroupName="g")["events"] == []
try:
    ecs.update_service(cluster="prod", service="nobody", desiredCount=1)
    raise SystemExit("a service that is not there was updated")
except ecs.exceptions.ServiceNotFoundException:
    pass
"""


def independent_client(test):
    """The double is no friend of ours: boto3 can drive it, and its counts
    agree with what boto3 did."""
    name = "boto3 drives the double"
    if not VENV.exists():
        test.cases.skip(name, "build/venv is missing")
        return
    with Double() as double:
        done = subprocess.run([VENV, "-c", CLIENT, double.url], timeout=60,
                              capture_output=True, check=False)
        applied = {key: len(double.applied(key))
                   for key in (UPDATE, RUN, STOP, SETTING)}
        test.cases.check(name, [
            done.returncode and done.stderr.decode()[-800:],
            applied != {UPDATE: 2, RUN: 1, STOP: 1, SETTING: 1} and applied])


def main():
    began = time.monotonic()
    test = Test(from_arguments(__doc__))
    for story in (independent_client, throttled_read, node_again,
                  throttled_proof, edited_scripts, edited_configuration,
                  held_key, parked, ended_again):
        story(test)
    for part in (test.each_point, test.without_kill, test.with_faults,
                 test.twice):
        before, kills = time.monotonic(), test.kills
        part()
        print("%s: %d kills, %.0f s" % (part.__name__, test.kills - kills,
                                        time.monotonic() - before))
    print("%d kills, %d resumed, %.0f s" % (test.kills, test.resumed,
                                            time.monotonic() - began))
    return test.cases.end()


if __name__ == "__main__":
    sys.exit(main())
