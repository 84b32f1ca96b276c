#!/usr/bin/env python3
"""The shim and its model are proved on programs that are not ours.

First one property at a time: what was synced stays, what was not may go, a
sync that failed has lost its pages. Then SQLite, as Python has it: hundreds of
power cuts at random operations must not take a single transaction that was
reported committed with synchronous=FULL, and must take one with OFF, or the
shim proves nothing.

    disk_test.py --shim PATH [--rounds 500] [--seed 1]
"""

import argparse
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).parent),
                str(pathlib.Path(__file__).parent.parent / "integration")]

from disk import Disk, totals                                 # noqa: E402
from lib.cases import Cases                                   # noqa: E402

PRELUDE = """
import os, sys
os.chdir(sys.argv[1])
root = sys.argv[1]
def make(name, data, sync=False):
    fd = os.open(root + "/" + name, os.O_RDWR | os.O_CREAT, 0o600)
    put(fd, data, 0, sync)
    return fd
def put(fd, data, at, sync=False):
    os.pwrite(fd, data, at)
    if sync: os.fsync(fd)
def sync_root():
    fd = os.open(root, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)
def failing(act, *rest):
    try:
        act(*rest)
        print("it held")
    except OSError as error:
        print(error.errno)
"""

COMMITS = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/db", isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute("PRAGMA synchronous=" + sys.argv[2])
db.execute("PRAGMA wal_autocheckpoint=20")
db.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, x)")
n = db.execute("SELECT coalesce(max(n), 0) FROM t").fetchone()[0]
for n in range(n + 1, n + 21):
    db.execute("BEGIN")
    db.execute("INSERT INTO t VALUES (?, ?)", (n, "x" * (n * 37 % 3000)))
    db.execute("COMMIT")
    print(n, flush=True)
"""


class Place:
    """A watched directory, for one case."""

    def __init__(self, shim):
        self.shim = shim

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="nightshift-disk-")
        self.disk = Disk(self.temporary.name, self.shim)
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def run(self, code, *rest, fault=None):
        return subprocess.run(
            [sys.executable, "-SEc", code, self.disk.root, *rest], timeout=60,
            env={"PATH": "/usr/bin:/bin", **self.disk.env(fault, True)},
            capture_output=True, text=True, check=False)

    def content(self, name):
        path = pathlib.Path(self.disk.root, name)
        return path.read_bytes() if path.exists() else None


class Never(random.Random):
    """A disk that keeps nothing that it was not told to keep."""

    def choice(self, seq):
        return seq[0]

    def randint(self, a, b):
        return a


def properties(shim, cases):
    def case(name, code, expect, fault=None, out=None):
        with Place(shim) as place:
            done = place.run(PRELUDE + code, fault=fault)
            exact = place.disk.absorb(Never())
            place.disk.lose(Never())
            problems = ["%s is %r" % (file, place.content(file))
                        for file, content in expect.items()
                        if place.content(file) != content]
            if not exact:
                problems.append("the model is not what was there")
            if out is not None and done.stdout.split() != out:
                problems.append("it said %r\n%s" % (done.stdout, done.stderr))
            cases.check(name, problems)

    case("what was synced stays, what was written after it goes",
         'fd = make("a", b"old", True); sync_root(); put(fd, b"new", 0)\n'
         'make("b", b"kept", True); sync_root(); make("c", b"x", True)',
         {"a": b"old", "b": b"kept", "c": None})
    case("a file whose directory was synced before its bytes is empty",
         'make("a", b"bytes"); sync_root()', {"a": b""})
    case("a rename that was not synced did not take place",
         'make("a", b"one", True); make("b", b"two", True); sync_root()\n'
         'os.rename(root + "/b", root + "/a")', {"a": b"one", "b": b"two"})
    case("a rename that was synced did",
         'make("a", b"one", True); make("b", b"two", True); sync_root()\n'
         'os.rename(root + "/b", root + "/a"); sync_root()',
         {"a": b"two", "b": None})
    case("what was removed without a sync comes back",
         'make("a", b"one", True); sync_root(); os.unlink(root + "/a")',
         {"a": b"one"})
    case("a file that was cut short without a sync is whole again",
         'fd = make("a", b"whole", True); sync_root(); os.ftruncate(fd, 2)',
         {"a": b"whole"})
    case("a directory that was not synced is lost with all in it",
         'os.mkdir(root + "/d"); make("d/a", b"one", True)\n'
         'fd = os.open(root + "/d", os.O_RDONLY); os.fsync(fd)', {"d/a": None})
    case("a sync that failed has lost its pages: a later one that holds does "
         "not bring them back",
         'fd = make("a", b"....", True); sync_root()\n'
         'failing(put, fd, b"AB", 0, True); put(fd, b"CD", 2, True)\n'
         'print(os.pread(fd, 4, 0).decode())',
         {"a": b"..CD"}, fault="sync:3:EIO", out=["5", "ABCD"])
    for kind, act, code in (
            ("write", 'failing(put, fd, b"x", 0)', "EIO"),
            ("write", 'failing(put, fd, b"x", 0)', "ENOSPC"),
            ("truncate", "failing(os.ftruncate, fd, 0)", "EIO"),
            ("rename", 'failing(os.rename, root + "/a", root + "/b")', "EIO"),
            ("unlink", 'failing(os.unlink, root + "/a")', "EIO"),
            ("mkdir", 'failing(os.mkdir, root + "/d")', "EIO"),
            ("read", "failing(os.pread, fd, 1, 0)", "EIO"),
            ("close", "failing(os.close, os.dup(fd))", "EIO"),
            ("open", 'failing(os.open, root + "/b", os.O_CREAT)', "EIO")):
        number = {"EIO": "5", "ENOSPC": "28"}[code]
        nth = {"write": 2, "open": 3, "close": 2}.get(kind, 1)
        case("the nth %s fails with %s, and no other" % (kind, code),
             'fd = make("a", b"old", True); sync_root()\n' + act,
             {"a": b"old"}, fault="%s:%d:%s" % (kind, nth, code),
             out=[number])
    case("a disk that is full takes a part, then nothing",
         'fd = make("a", b"", True); sync_root()\n'
         'print(os.pwrite(fd, b"12345678", 0)); failing(os.fsync, fd)\n'
         'failing(put, fd, b"5678", 4); failing(put, fd, b"5678", 4)',
         {"a": b"1234"}, fault="write:2:short:on",
         out=["4", "it", "held", "28", "28"])
    case("the nth operation kills",
         'fd = make("a", b"old", True); sync_root(); print("here", flush=True)'
         '\nput(fd, b"x", 0); print("there")', {"a": b"old"},
         fault="write:2:kill", out=["here"])
    case("what was cut off stands in the model, too",
         'fd = make("a", b"old", True); sync_root(); put(fd, b"x", 0, True)',
         {"a": b"old"}, fault="sync:3:kill")
    with Place(shim) as place:
        done = place.run(PRELUDE + 'fd = make("a", b"x", True); put(fd, b"y", '
                         '0); make("b", b"z")')
        counted = totals(done.stderr)
        cases.check("operations are counted by kind", [
            counted.get("write") != 3 and counted,
            counted.get("sync") != 1 and counted,
            counted.get("open") != 2 and counted,
            counted.get("change") != 6 and counted])


def torn(shim, cases):
    """Of a write over many sectors each may be old or new, none half."""
    kinds = set()
    for seed in range(60):
        with Place(shim) as place:
            place.run(PRELUDE + 'fd = make("a", b"o" * 4096, True); '
                      'sync_root(); put(fd, b"n" * 4000, 50)')
            rng = random.Random(seed)
            place.disk.absorb(rng)
            place.disk.lose(rng)
            content = place.content("a")
            parts = [set(content[at:at + 512]) for at in range(512, 3584, 512)]
            if len(content) != 4096 or any(len(part) > 1 for part in parts):
                kinds.add("half a sector")
            kinds.add(frozenset(b for part in parts for b in part))
    cases.check("a write is torn at sectors", [
        "half a sector" in kinds and "half a sector",
        frozenset(b"on") not in kinds and "no write was ever torn"])


# --- SQLite ------------------------------------------------------------------

def lost_commits(place, said):
    """What a database says is missing, or that it is damaged."""
    db = sqlite3.connect(place.disk.root + "/db")
    try:
        there = [n for n, in db.execute("SELECT n FROM t ORDER BY n")]
        sound = db.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        there, sound = [], "ok" if "no such table" in str(error) else error
    db.close()
    if sound != "ok":
        yield "the database is damaged: %s" % sound
    if there != list(range(1, len(there) + 1)) or len(there) < said:
        yield "%d were committed, %d are there" % (said, len(there))


def rounds(shim, synchronous, count, rng):
    """Cut after cut on one database, begun anew now and then."""
    done, problems = 0, []
    while done < count and not problems:
        with Place(shim) as place:
            said = 0
            for _ in range(10):
                fault = "change:%d:kill" % rng.randint(1, 120)
                run = place.run(COMMITS, synchronous, fault=fault)
                said = max([said, *map(int, run.stdout.split())])
                if not place.disk.absorb(rng):
                    problems.append("the model is not what was there")
                if rng.random() < 0.7:
                    place.disk.lose(rng)
                done += 1
                if run.returncode not in (0, -9):
                    problems.append(run.stderr)
                # Only a copy of what is there may be looked at and closed.
                with Place(shim) as copy:
                    for path, content in place.disk.there().items():
                        pathlib.Path(copy.disk.root, pathlib.Path(
                            path).name).write_bytes(content)
                    problems += lost_commits(copy, said)
                if problems:
                    break
    return done, problems


def sqlite_rounds(shim, count, rng, cases):
    done, problems = rounds(shim, "FULL", count, rng)
    cases.check("SQLite with synchronous=FULL loses nothing in %d rounds"
                % done, problems)
    done, problems = rounds(shim, "OFF", count, rng)
    print("synchronous=OFF lost a commit in round %d" % done)
    cases.check("SQLite with synchronous=OFF loses a commit", [
        not problems and "it lost nothing in %d rounds" % done])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shim", required=True)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    shim, cases = pathlib.Path(given.shim).resolve(), Cases()
    properties(shim, cases)
    torn(shim, cases)
    sqlite_rounds(shim, given.rounds, random.Random(given.seed), cases)
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
