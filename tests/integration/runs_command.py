#!/usr/bin/env python3
"""nightshift runs and audit show what a state directory holds.

A run that ended is listed with its end, and shown as it showed itself; one that
was killed is listed as unfinished, with the command that goes on with it, and
that command works. The audit chain verifies, and a record that somebody changed
with sqlite3 is named. A directory that is in use says by whom, and one that is
not there is not made.

    runs_command.py --nightshift PATH
"""

import pathlib
import shlex
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from double import Double                                     # noqa: E402
from lib.cases import Cases                                   # noqa: E402
from lib.engine import (BARE, CREDENTIALS, EVENTS, FIXTURES,  # noqa: E402
                        from_arguments)

LIVE = FIXTURES / "live"
DEADLINE_S = 20


class Place:
    def __init__(self, engine):
        self.engine = engine

    def __enter__(self):
        self.double = Double().__enter__()
        self.scratch = tempfile.TemporaryDirectory()
        self.state = pathlib.Path(self.scratch.name) / "state"
        self.env = {**CREDENTIALS, "DOUBLE_URL": self.double.url}
        return self

    def __exit__(self, *_):
        self.double.__exit__()
        self.scratch.cleanup()

    def live(self, *arguments, fault=None):
        env = {**self.env, **({"NIGHTSHIFT_FAULT": fault} if fault else {})}
        return self.engine.start(
            "run", *arguments, "--live", "--state", self.state, "--config",
            LIVE / "nightshift.lua", "--json", env=env)

    def walk(self, fault=None):
        return self.live("set", "--event", EVENTS / "firing.json",
                         "--scripts", LIVE / "scripts", fault=fault)

    def look(self, *arguments):
        return self.engine.start(*arguments, "--state", self.state)


def ended_and_killed(cases, engine):
    with Place(engine) as place:
        first = place.walk()
        killed = place.walk(fault="gate.after_intent:1")
        walk = place.look("runs", "list", "--json")
        states = [(run["run"], run["state"], run.get("outcome"),
                   run.get("verdict"))
                  for run in walk.report.get("runs", [])]
        cases.check("a list tells what ended and what did not", [
            walk.code != 0 and walk.words(),
            states != [(first.run, "ended", "done", "pass"),
                       (killed.run, "unfinished", None, None)] and states])
        shown = place.look("runs", "show", first.run, "--json").report
        cases.check("a run is shown as it showed itself", [
            [part for part in ("run", "path", "writes", "reads", "outcome",
                               "verdict", "incident")
             if shown.get(part) != first.report.get(part)]])
        walk = place.look("runs", "list")
        command = [line for line in walk.err.splitlines()
                   if line.startswith("unfinished: nightshift ")]
        cases.check("an unfinished run comes with the way to go on", [
            len(command) != 1 and walk.words(),
            "unfinished" not in walk.out and walk.words()])
        words = shlex.split(command[0].removeprefix("unfinished: nightshift "))
        again = engine.start(*words, "--config", LIVE / "nightshift.lua",
                             "--json", env=place.env)
        states = [run["state"] for run in place.look(
            "runs", "list", "--json").report["runs"]]
        cases.check("and it works", [
            again.code != 0 and again.words(),
            states != ["ended", "ended"] and states])
        walk = place.look("runs", "show", killed.run)
        cases.check("for people it reads like a plan", [
            "Writes" not in walk.out and walk.words(),
            "unfinished" in walk.err and walk.words()])


def chain(cases, engine):
    with Place(engine) as place:
        place.walk()
        walk = place.look("audit", "verify", "--json")
        count = walk.report.get("records", 0)
        cases.check("AU1 the chain of a run verifies", [
            walk.code != 0 and walk.words(), count < 4 and walk.words(),
            len(walk.report.get("hash", "")) != 64 and walk.words()])
        database = sqlite3.connect(place.state / "nightshift.db")
        with database:
            key = "main/audit/%010d" % 2
            value = database.execute("SELECT value FROM records WHERE key = ?",
                                     (key,)).fetchone()[0]
            changed = value.replace(b'"kind":"intent"', b'"kind":"result"')
            database.execute("UPDATE records SET value = ? WHERE key = ?",
                             (changed, key))
        database.close()
        walk = place.look("audit", "verify")
        cases.check("AU2 a record that somebody changed is named", [
            value == changed and "nothing was changed",
            walk.code != 1 and walk.words(),
            "2: " not in walk.err and walk.words()])


def in_use(cases, engine):
    with Place(engine) as place:
        place.walk()
        place.double.misbehave("ecs:DescribeServices", "hang", times=9)
        busy = subprocess.Popen(
            [engine.binary, "run", "set", "--event", EVENTS / "firing.json",
             "--scripts", LIVE / "scripts", "--live", "--state", place.state,
             "--config", LIVE / "nightshift.lua"], cwd="/",
            env={**BARE, **place.env}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        before = len(place.double.log)
        limit = time.monotonic() + DEADLINE_S
        while len(place.double.log) == before and time.monotonic() < limit:
            time.sleep(0.01)
        walk = place.look("runs", "list")
        busy.kill()
        busy.wait()
        cases.check("a directory in use says by whom", [
            walk.code != 5 and walk.words(),
            str(busy.pid) not in walk.err and walk.words()])


def nothing(cases, engine):
    with Place(engine) as place:
        for words in (("runs", "list"), ("runs", "show", "run_1"),
                      ("audit", "verify")):
            walk = place.look(*words)
            cases.check("%s of no directory" % " ".join(words), [
                walk.code != 2 and walk.words(),
                place.state.exists() and "it was made"])
        place.walk()
        walk = place.look("runs", "show", "run_1")
        cases.check("a run that is not there", [
            walk.code != 2 and walk.words(),
            "runs list" not in walk.err and walk.words()])
        for words in (("runs", "watch"), ("runs", "show"),
                      ("runs", "list", "x"), ("audit", "burn")):
            walk = place.look(*words)
            cases.check("usage: " + " ".join(words), [
                walk.code != 64 and walk.words()])


def main():
    engine = from_arguments(__doc__)
    cases = Cases()
    for story in (ended_and_killed, chain, in_use, nothing):
        story(cases, engine)
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
