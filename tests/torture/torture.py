#!/usr/bin/env python3
"""Kill it everywhere, fail every operation, cut the power; then it must settle.

Each case takes a scenario (scenario.py) through one or two faults, lets it go
on without any until nothing is left to do, and looks from outside whether the
invariants held. The parts:

    --singles   each passage of each named point (core/base/fault.h)
    --pairs N   N random pairs: what goes on after one kill is killed, too
    --io        each operation on a file fails, by kind, once or from then on
    --power     the power is cut at each change of the disk

Without a part: all, with 200 pairs. A case is named by what it does; the name
and the same --seed run it again:

    torture.py --nightshift PATH --shim PATH --only "set | write:7:EIO"
"""

import argparse
import concurrent.futures
import pathlib
import random
import re
import sqlite3
import subprocess
import sys
import threading
import time

sys.path[:0] = [str(pathlib.Path(__file__).parent),
                str(pathlib.Path(__file__).parent.parent / "integration")]

import kill_points                                            # noqa: E402
from lib.cases import Cases                                   # noqa: E402
from lib.engine import Engine                                 # noqa: E402
from scenario import (Fault, LiveRun, Retained, Service,      # noqa: E402
                      counted)
from store_test import FAILURES                               # noqa: E402

SHOWN = 5       # violations in full
# tests/unit/test_store_fault.c comes to these; no scenario does.
ELSEWHERE = {"store.before_checkpoint", "store.after_checkpoint",
             "store.before_copy", "store.after_copy",
             "store.before_migration"}


# All kinds of writes meet the same store; these see it from all sides.
STORE_SEEN_BY = {"set", "once", "take_back", "service", "retained"}


class Job:
    def __init__(self, name, make, *faults):
        self.make, self.faults = make, faults
        self.name = " | ".join([name, *faults])


class Torture:
    def __init__(self, given):
        self.given, self.cases = given, Cases()
        self.engine = Engine(given.nightshift)
        self.shim = pathlib.Path(given.shim).resolve()
        self.lock = threading.Lock()
        self.points, self.counts = set(), {}
        self.scenarios = dict(self.all_scenarios())

    def all_scenarios(self):
        """name -> how to make one with a source of randomness."""
        for kind in kill_points.SCENARIOS.values():
            yield kind.name, lambda rng, kind=kind: LiveRun(
                self.engine, self.shim, rng, kind)
        told = subprocess.run([self.engine.binary, "help"], timeout=30,
                              capture_output=True, text=True, check=False)
        if re.search(r"^  serve\b", told.stdout, re.M):
            yield "service", lambda rng: Service(self.engine, self.shim, rng)
            yield "retained", lambda rng: Retained(self.engine, self.shim, rng)
        else:
            self.cases.skip("service", "this nightshift has no serve")
            self.cases.skip("retained", "this nightshift has no serve")

    # --- one case ------------------------------------------------------------

    def count(self, name):
        """What one undisturbed walk of a scenario comes to."""
        if name not in self.counts:
            with self.scenarios[name](random.Random(0)) as scenario:
                walk = scenario.start(Fault("count"))
                self.counts[name] = counted(walk)
                if scenario.problems or not self.counts[name][0]:
                    self.cases.check(name + ", undisturbed",
                                     scenario.problems or [walk.words()])
        return self.counts[name]

    def run(self, job):
        """(kills, problems)"""
        rng = random.Random("%s %d" % (job.name, self.given.seed))
        with job.make(rng) as scenario:
            try:
                for fault in job.faults:
                    scenario.start(Fault(fault))
                scenario.settle()
                problems = scenario.verify() or scenario.cut_after_all()
            except sqlite3.DatabaseError as error:
                problems = ["SQLite cannot read the state: %s" % error]
            return scenario.kills, problems

    def run_all(self, part, jobs, seconds, words=""):
        """In random order; a sample when the time is over."""
        if self.given.only:
            jobs = [job for job in jobs if job.name == self.given.only]
        random.Random(self.given.seed).shuffle(jobs)
        until = time.monotonic() + (seconds or 1e9)
        began, ran, kills, bad = time.monotonic(), 0, 0, 0

        def one(job):
            return None if time.monotonic() > until else self.run(job)

        with concurrent.futures.ThreadPoolExecutor(self.given.j) as pool:
            for job, result in zip(jobs, pool.map(one, jobs)):
                if not result:
                    continue
                ran, kills = ran + 1, kills + result[0]
                bad += bool(result[1])
                if result[1] and bad <= SHOWN:
                    print("VIOLATION  %s\n    %s" % (job.name, "\n".join(
                        result[1]).replace("\n", "\n    ")), flush=True)
        print("%s: %sran %d of %d, kills %d, violations %d, %.0f s" % (
            part, words, ran, len(jobs), kills, bad,
            time.monotonic() - began), flush=True)
        if not self.given.only:
            self.cases.check(part, [bad and "%d violations" % bad,
                                    not ran and "nothing ran"])
        elif ran:
            self.cases.check(self.given.only, [bad and "violated"])

    # --- the parts -----------------------------------------------------------

    def passages(self, name):
        return ["%s:%d" % (point, n)
                for point, passed in self.count(name)[0].items()
                if name in STORE_SEEN_BY or not point.startswith("store.")
                for n in range(1, passed + 1)]

    def on_disk(self):
        return [(name, make) for name, make in self.scenarios.items()
                if name in STORE_SEEN_BY]

    def singles(self, seconds):
        jobs = [Job(name, make, passage)
                for name, make in self.scenarios.items()
                for passage in self.passages(name)]
        named = set(self.count("set")[0])
        reached = {job.faults[0].partition(":")[0] for job in jobs}
        self.cases.check("every named point is reached", [
            "%s was reached by no scenario" % point
            for point in sorted(named - reached - ELSEWHERE)])
        self.run_all("singles", jobs, seconds, "points %d, passages %d, " % (
            len(reached), len(jobs)))

    def pairs(self, seconds):
        """One in three second faults is one of the disk."""
        rng, jobs = random.Random(self.given.seed), []
        for _ in range(self.given.pairs):
            name = rng.choice(list(self.scenarios))
            first, second = rng.sample(self.passages(name), 2)
            if rng.random() < 0.33:
                nth = rng.randint(1, self.count(name)[1]["change"])
                second = "change:%d:kill%s" % (nth, rng.choice(["", "+cut"]))
            jobs.append(Job(name, self.scenarios[name], first, second))
        self.run_all("pairs", jobs, seconds)

    def io(self, seconds):
        jobs = [Job(name, make, "%s:%d:%s%s" % (kind, nth, code, on))
                for name, make in self.on_disk()
                for kind, codes in FAILURES.items()
                for nth in range(1, self.count(name)[1][kind] + 1)
                for code in codes for on in ("", ":on", "+cut")]
        self.run_all("io", jobs, seconds)

    def power(self, seconds):
        jobs = [Job(name, make, "change:%d:kill+cut" % nth)
                for name, make in self.on_disk()
                for nth in range(1, self.count(name)[1]["change"] + 1)]
        self.run_all("power", jobs, seconds)

    def all(self):
        given = self.given
        parts = [part for part in ("singles", "pairs", "io", "power")
                 if getattr(given, part)]
        if not parts:
            parts, given.pairs = ["singles", "pairs", "io", "power"], 200
        until = time.monotonic() + (given.budget or 0)
        for number, part in enumerate(parts):
            share = given.budget and (until - time.monotonic()) / (
                len(parts) - number)
            if part == "singles" and len(parts) > 1 and share:
                share *= 2      # all of them, when there is time
            getattr(self, part)(share and max(share, 1))
        return self.cases.end()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--nightshift", required=True, metavar="PATH")
    parser.add_argument("--shim", required=True, metavar="PATH")
    parser.add_argument("--singles", action="store_true")
    parser.add_argument("--pairs", type=int, default=0, metavar="N")
    parser.add_argument("--io", action="store_true")
    parser.add_argument("--power", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--budget", type=float, metavar="SECONDS")
    parser.add_argument("-j", type=int, default=2, metavar="WORKERS")
    parser.add_argument("--only", metavar="CASE")
    return Torture(parser.parse_args()).all()


if __name__ == "__main__":
    sys.exit(main())
