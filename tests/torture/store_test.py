#!/usr/bin/env python3
"""The store on a disk that fails (ST1 to ST4 of core/store/store.h).

store_writer writes numbers and says which are durable. Each operation of each
kind is made to fail once, or from then on; power is cut at each operation;
afterwards the writer must have taken nothing more, a second one must find all
that was said to be durable and go on, and what it says must be there after a
power cut too. A sync that failed counts double: the pages are marked clean, so
that what the second one reads need not be on the disk.

    store_test.py --shim PATH --writer PATH [--seconds 30] [--seed 1]
"""

import argparse
import concurrent.futures
import pathlib
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path[:0] = [str(pathlib.Path(__file__).parent),
                str(pathlib.Path(__file__).parent.parent / "integration")]

from disk import Disk, totals                                 # noqa: E402
from lib.cases import Cases                                   # noqa: E402

FAILURES = {"open": ["EIO", "ENOSPC"], "read": ["EIO"],
            "write": ["EIO", "ENOSPC", "short"], "sync": ["EIO", "ENOSPC"],
            "truncate": ["EIO"], "rename": ["EIO", "ENOSPC"],
            "unlink": ["EIO"], "mkdir": ["EIO", "ENOSPC"], "close": ["EIO"]}


MOST = 60   # of one kind and scenario; of more, so many at random


class Said:
    """One writer that has ended."""

    def __init__(self, done):
        self.code, self.out = done.returncode, done.stdout
        self.err = done.stderr
        self.there = self.last("there")
        self.durable = self.last("durable") or self.there or 0

    def last(self, word):
        numbers = re.findall(r"^%s (\d+)$" % word, self.out, re.M)
        return int(numbers[-1]) if numbers else None


class Story:
    """A state directory on a watched disk, and what was promised of it."""

    def __init__(self, test, seed, start):
        self.test, self.rng = test, random.Random(seed)
        self.start, self.promised, self.problems = start, 0, []

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="nightshift-disk-")
        self.disk = Disk(self.temporary.name, self.test.shim)
        if self.start == "migrate":
            self.write(2)
            self.write(2, fault="write:4:kill")     # leaves a WAL
        elif self.start == "left":
            self.write(4, fault="write:9:kill")
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def write(self, groups=4, how="small", fault=None, count=False):
        done = subprocess.run(
            [self.test.writer, self.disk.root + "/deep/state", str(groups), how],
            env=self.disk.env(fault, count), capture_output=True, text=True,
            timeout=60, check=False)
        said = Said(done)
        if not self.disk.absorb(self.rng):
            self.problems.append("the model is not what was there")
        if said.there is not None and said.there < self.promised:
            self.problems.append("%d were promised, %d are there" % (
                self.promised, said.there))
        if "ACCEPTED" in done.stdout or said.code in (5, 1, -6, -11):
            self.problems.append(done.stdout[-600:] + done.stderr[-300:])
        self.promised = max(self.promised, said.durable)
        return said

    def must_go_on(self, how="small"):
        said = self.write(2, how)
        if said.code != 0:
            self.problems.append("it does not go on: %s%s" % (
                said.out[-500:], said.err[-300:]))
            return
        database = sqlite3.connect(self.disk.root + "/deep/state/nightshift.db")
        (sound,), = database.execute("PRAGMA integrity_check(1)")
        database.close()
        if sound != "ok":
            self.problems.append("SQLite finds it damaged: " + sound)


class Test:
    def __init__(self, given):
        self.shim = pathlib.Path(given.shim).resolve()
        self.writer = str(pathlib.Path(given.writer).resolve())
        self.given, self.cases = given, Cases()
        self.rng = random.Random(given.seed)

    def count(self, start, how):
        with Story(self, 0, start) as story:
            return totals(story.write(how=how, count=True).err)

    # --- one case ------------------------------------------------------------

    def failing(self, start, how, fault, cut):
        """One operation fails; perhaps the power does, too; then two more
        writers, and a cut between them."""
        with Story(self, fault + str(cut), start) as story:
            said = story.write(how=how, fault=fault)
            late = said.code == 4 and not re.search(
                "until nightshift is restarted", said.out)
            if late:
                story.problems.append("another failure: " + said.out[-300:])
            if cut:
                story.disk.lose(story.rng)
            story.must_go_on(how)
            story.disk.lose(story.rng)
            story.must_go_on(how)
            return story.problems

    def cut(self, start, how, nth, seed):
        """The power is cut at the nth change, and again while recovering."""
        with Story(self, "%d/%d" % (nth, seed), start) as story:
            story.write(how=how, fault="change:%d:kill" % nth)
            story.disk.lose(story.rng)
            story.write(how=how,
                        fault="change:%d:kill" % story.rng.randint(1, 30))
            story.disk.lose(story.rng)
            story.must_go_on(how)
            return story.problems

    # --- all of them ---------------------------------------------------------

    def some(self, count):
        every = range(1, count + 1)
        return self.rng.sample(every, MOST) if count > MOST else every

    def failures(self, start, how):
        passed = self.count(start, how)
        return [("%s/%s: %s%s" % (start, how, fault, ", then a cut" * cut),
                 self.failing, (start, how, fault, cut))
                for kind, codes in FAILURES.items()
                for nth in self.some(passed[kind])
                for code in codes
                for fault in ("%s:%d:%s" % (kind, nth, code),
                              "%s:%d:%s:on" % (kind, nth, code))
                for cut in (False, True)]

    def cuts(self, start, how, seeds):
        changes = self.count(start, how)["change"]
        return [("%s/%s: the power is cut at change %d, %d" % (
            start, how, nth, seed), self.cut, (start, how, nth, seed))
            for nth in (self.rng.sample(range(1, changes + 1), 5 * MOST)
                        if changes > 5 * MOST else range(1, changes + 1))
            for seed in range(seeds)]

    def run(self, name, jobs, seconds):
        """All of them, or a sample that fits the time; in random order."""
        self.rng.shuffle(jobs)
        until, ran, failed = time.monotonic() + seconds, 0, 0
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            def one(job):
                if time.monotonic() > until:
                    return None
                return job[1](*job[2])
            for job, problems in zip(jobs, pool.map(one, jobs)):
                ran += problems is not None
                if problems and failed < 5:
                    print("FAIL  %s\n      %s" % (job[0], "\n      ".join(
                        problems)), flush=True)
                failed += bool(problems)
        print("%s: %d of %d, %d failed" % (name, ran, len(jobs), failed))
        self.cases.check(name, [failed and "%d cases failed" % failed,
                                not ran and "none ran"])

    def all(self):
        seconds = self.given.seconds / 8
        for start, how in (("new", "small"), ("left", "small"),
                           ("migrate", "migrate"), ("new", "big")):
            self.run("ST3 failing operations, %s/%s" % (start, how),
                     self.failures(start, how), seconds)
            self.run("ST1 power cuts, %s/%s" % (start, how),
                     self.cuts(start, how, 4), seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shim", required=True)
    parser.add_argument("--writer", required=True)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    test = Test(parser.parse_args())
    test.all()
    return test.cases.end()


if __name__ == "__main__":
    sys.exit(main())
