"""scenario.py - what is killed, how it goes on, and what must be true then.

A Scenario is one state directory on a watched disk (disk.py), with the doubles
that its process talks to. start() begins the work, or goes on with it, under
one fault, and answers when the process has ended; settle() goes on without
faults until all work is over; verify() looks from outside: at the double, at
`audit verify` and `runs list`, and at the rows of the database.
"""

import http.client
import json
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path[:0] = [str(pathlib.Path(__file__).parent),
                str(pathlib.Path(__file__).parent.parent / "integration")]

import kill_points                                            # noqa: E402
from disk import Disk, totals                                 # noqa: E402
from lib import canaries                                      # noqa: E402
from lib.engine import BARE, EVENTS, Walk                     # noqa: E402
from lib.record import Record                                 # noqa: E402
from serve_retention import row_problems                      # noqa: E402

TRIES = 6       # starts without a fault until all must be settled
DEADLINE_S = 30


class Fault:
    """NAME:N is a point of base/fault.h; KIND:N:WHAT one of the disk; "+cut"
    behind it cuts the power as well, once the process has ended."""

    def __init__(self, text):
        self.text, self.cut = text, text.endswith("+cut")
        spec = text[:-4] if self.cut else text
        self.point = spec if "." in spec or spec == "count" else None
        self.disk = None if self.point else spec

    def env(self, disk):
        env = disk.env(self.disk, self.text == "count")
        if self.point:
            env["NIGHTSHIFT_FAULT"] = self.point
        return env


class Scenario:
    """What both kinds share. The doubles and commands are kill_points' own."""

    def __init__(self, engine, shim, rng):
        self.place, self.shim, self.rng = kill_points.Place(engine), shim, rng
        self.problems, self.kills, self.doubt = [], 0, {}

    def __enter__(self):
        self.place.__enter__()
        self.scratch = tempfile.TemporaryDirectory(prefix="nightshift-disk-")
        self.disk = Disk(self.scratch.name, self.shim)
        shutil.rmtree(self.place.state)
        self.state = self.place.state = self.disk.root + "/state"
        self.env = dict(self.place.env)
        return self

    def __exit__(self, *_):
        self.place.__exit__()
        self.scratch.cleanup()

    def arm(self, fault):
        self.place.env = {**self.env, **(fault.env(self.disk) if fault
                                         else self.disk.env())}

    def ended(self, walk, fault):
        """What every end of a process must leave behind."""
        self.kills += walk.killed
        if walk.code is None or walk.code < 0 and not (fault and walk.killed):
            self.problems.append("it ended by itself: " + walk.words())
        exact = self.disk.absorb(self.rng)
        if not exact and not (fault and fault.point and walk.killed):
            self.problems.append("the disk's model is not what is there")
        if fault and fault.cut:
            self.disk.lose(self.rng)
        self.problems += self.look()

    def database(self):
        return pathlib.Path(self.state, "nightshift.db")

    def runs(self):
        """run -> its entry, of all that there are."""
        if not self.database().exists():
            return {}
        rows = Record(self.state).rows
        return {key.rpartition("/")[2]: json.loads(value)
                for key, (_, value) in rows.items()
                if key.startswith("main/run/")}

    def look(self):
        """Right after an end: each write that left was written down, and what
        nobody knows is kept in mind. (N6, N13)"""
        runs = self.runs()
        for kind in self.kinds():
            mine = [run for run, entry in runs.items()
                    if entry["playbook"] == kind.name]
            if not mine and self.place.sent(kind):
                yield "%s: writes without a run" % kind.name
            for run in mine[:1]:
                yield from self.place.written_down(kind, run)
                unknown = Record(self.state, run).unknown()
                self.doubt[kind.name] = (self.doubt.get(kind.name) or
                                         bool(unknown) or
                                         kill_points.lost(self.place, run))
            if len(mine) > 1:
                yield "%s: %d runs" % (kind.name, len(mine))

    def cut_after_all(self):
        """What ended was told, so a power cut must not take it."""
        self.disk.absorb(self.rng)
        self.disk.lose(self.rng)
        return [*self.look(), *self.state_problems()]

    def unfinished(self):
        return [run for run, entry in self.runs().items()
                if entry["state"] != "ended"]

    def listed(self):
        return len(self.kinds())

    def tell(self, *words):
        return self.place.engine.start(*words, "--state", self.state)

    def state_problems(self):
        """By the tools that an operator has."""
        chain = self.tell("audit", "verify")
        if chain.code != 0:
            yield "audit verify: " + chain.words()
        listed = self.tell("runs", "list", "--json")
        states = [run["state"] for run in listed.report.get("runs", [])]
        if states != ["ended"] * self.listed():
            yield "runs list: %s %s" % (states, listed.words())
        database = sqlite3.connect("file:%s?mode=ro" % self.database(),
                                   uri=True)
        (sound,), = database.execute("PRAGMA integrity_check(1)")
        database.close()
        if sound != "ok":
            yield "SQLite finds the database damaged: " + sound


class LiveRun(Scenario):
    """One `run --live`, and `run --live --resume` until it has ended."""

    def __init__(self, engine, shim, rng, kind):
        super().__init__(engine, shim, rng)
        self.kind, self.last = kind, None

    def kinds(self):
        return [self.kind]

    def start(self, fault=None):
        self.arm(fault)
        runs = list(self.runs())
        if runs:
            walk = self.place.resume(runs[0])
            walk.run = runs[0]
        else:
            walk = self.place.walk(self.kind.name)
        self.ended(walk, fault)
        self.last = walk
        return walk

    def settle(self):
        for _ in range(TRIES):
            self.start()
            if self.runs() and not self.unfinished():
                return
        self.problems.append("it does not settle: " + self.last.words())

    def verify(self):
        self.arm(None)
        if not self.problems:
            self.problems += kill_points.end_problems(
                self.place, self.kind, self.last,
                self.doubt.get(self.kind.name))
            self.problems += self.state_problems()
        return self.problems


# --- the service -------------------------------------------------------------

# Each writes by an operation of its own, so that the double tells them apart.
SERVED = [kill_points.SCENARIOS[name]
          for name in ("parallel", "token", "stop", "once")]
TOKEN = "token-of-a-test-and-no-other"

CONFIG = """
local double = env("DOUBLE_URL")
return {
  listen = "127.0.0.1:0",
  tokens = { test = { secret = secret("INGEST_TOKEN"), role = "operator" },
             sender = { secret = secret("INGEST_TOKEN"), role = "ingest" } },
  aws = { region = "eu-central-1", account = "000000000000",
          endpoint = double },
  github = { url = double },
  prometheus = { url = double },
  channels = { pager = { url = double .. "/hook/pager" } },
  effect_timeout = "500ms",
  settle = "20ms",
  park_after = "150ms",
  watch = false,
  services = { %s },
}
"""


class Process:
    """A `serve` that runs."""

    def __init__(self, scenario):
        self.child = subprocess.Popen(
            [scenario.place.engine.binary, "serve", "--config", scenario.config,
             "--state", scenario.state, "--scripts", scenario.scripts],
            cwd="/", env={**BARE, **scenario.place.env}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.address, self.lines = None, []
        self.listening = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.listening.wait(DEADLINE_S)

    def read(self):
        for line in self.child.stderr:
            self.lines.append(line.decode(errors="replace"))
            found = re.search(r"listening.*?(127\.0\.0\.1):(\d+)",
                              self.lines[-1])
            if found and not self.address:
                self.address = (found[1], int(found[2]))
                self.listening.set()
        self.listening.set()

    def alive(self):
        return self.child.poll() is None

    def ask(self, method, path, body=None):
        """(status, text), or (None, why) when nobody answers."""
        try:
            connection = http.client.HTTPConnection(*self.address,
                                                    timeout=10)
            connection.request(method, path, body, {
                "Authorization": "Bearer " + TOKEN,
                "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            return answer.status, text
        except (OSError, http.client.HTTPException, TypeError) as error:
            return None, str(error)

    def end(self, number=signal.SIGTERM):
        if self.alive():
            self.child.send_signal(number)
        try:
            code = self.child.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            code = None
        self.reader.join()
        out = self.child.stdout.read().decode(errors="replace")
        self.child.stdout.close()
        self.child.stderr.close()
        return Walk(code, out, "".join(self.lines))


class Service(Scenario):
    """`serve`: a notification for each playbook, sent as Alertmanager sends,
    again and again until it was accepted; then until all is settled. Whatever
    ends the process, the next start goes on. (SR1)"""

    def __enter__(self):
        super().__enter__()
        folder = pathlib.Path(self.scratch.name)
        self.config = folder / "nightshift.lua"
        self.scripts = folder / "scripts"
        shutil.copytree(kill_points.SCRIPTS, self.scripts)
        for path in (self.scripts / "playbooks").iterdir():
            text = path.read_text()
            path.write_text(text.replace(
                'cluster = "*"', 'cluster = "*", playbook = "%s"' % path.stem))
        self.config.write_text(CONFIG % ", ".join(
            '["prod/%s"] = { repo = "acme/x", branch = "main" }' % name
            for name in kill_points.SCENARIOS))
        for name in kill_points.SCENARIOS:
            self.place.double.ecs.add_service("prod", name, 2)
        self.env["INGEST_TOKEN"] = TOKEN
        canaries.plant("INGEST_TOKEN", TOKEN)
        self.accepted, self.metrics, self.last = {}, "", None
        self.edited = False
        return self

    def kinds(self):
        return SERVED

    @staticmethod
    def notification(kind):
        """The captured one, about another service."""
        posted = json.loads((EVENTS / "firing.json").read_text())
        labels = {"service": kind.name, "playbook": kind.name}
        alert = posted["alerts"][0]
        alert["labels"].update(labels)
        alert["fingerprint"] = "%016x" % sum(kind.name.encode())
        posted["groupKey"] = '{}:{service="%s"}' % kind.name
        posted["groupLabels"] = posted["commonLabels"] = alert["labels"]
        return json.dumps(posted)

    def deliver(self, process):
        """(N1) What was accepted has an id; all else is sent again, later."""
        for kind in SERVED:
            if kind.name in self.accepted:
                continue
            status, text = process.ask("POST", "/hooks/alertmanager",
                                       self.notification(kind))
            if status == 202:
                self.accepted[kind.name] = json.loads(text)["delivery"]
            elif status not in (None, 503):
                self.problems.append("a delivery was answered %s %s" % (
                    status, text[:200]))

    def await_settled(self, process):
        """All accepted, and as many runs ended."""
        until = time.monotonic() + DEADLINE_S
        while process.alive() and time.monotonic() < until:
            self.deliver(process)
            self.edit(process)
            status, text = process.ask("GET", "/metrics")
            if status == 200:
                self.metrics = text
            if len(self.accepted) == len(SERVED) and self.settled():
                return True
            if "\nnightshift_store_failed 1" in self.metrics:
                return False    # it would end by itself, 15 s later
            time.sleep(0.02)
        return False

    def edit(self, process):
        """Once, when something is on its way: a script changes. What has begun
        ends on the one that it began with. (N8)"""
        if self.edited or not self.accepted:
            return
        self.edited = True
        with open(self.scripts / "nodes" / "verification.lua", "a") as script:
            script.write("-- edited\n")
        process.ask("POST", "/-/reload")

    def values(self, name):
        return {found[0] or "": float(found[1]) for found in re.findall(
            r'^%s(?:\{state="(\w+)"\})? (\S+)$' % name, self.metrics, re.M)}

    def settled(self):
        lists = self.values("nightshift_occurrences")
        moving = ("waiting", "running", "parked", "attached")
        return (self.values("nightshift_occurrences_seen").get("", 0) >=
                len(SERVED) and not any(lists.get(name) for name in moving))

    def start(self, fault=None):
        self.arm(fault)
        self.metrics = ""
        process = Process(self)
        self.calm = self.await_settled(process)
        walk = process.end()
        self.place.double.quiet()
        canaries.look("standard error", walk.err.encode())
        canaries.look_at_folder(self.state)
        self.ended(walk, fault)
        self.last = walk
        return walk

    def settle(self):
        for _ in range(TRIES):
            walk = self.start()
            if walk.code != 0:
                self.problems.append("SIGTERM did not end it well: " +
                                     walk.words())
            if self.calm and not self.unfinished():
                return
        self.problems.append("it does not settle: %s\n%s" % (
            self.last.words(), self.metrics[:2000]))

    def ledger_problems(self):
        """(N2) Both sums."""
        lists = self.values("nightshift_occurrences")
        seen = self.values("nightshift_occurrences_seen").get("")
        kept = self.values("nightshift_deliveries_kept")
        if seen != len(SERVED) or sum(lists.values()) != seen:
            yield "%s occurrences were seen, the lists hold %s" % (seen, lists)
        if kept.get("parsed") != len(SERVED) or kept.get("unparsed"):
            yield "%d deliveries were accepted, kept are %s" % (
                len(SERVED), kept)

    def run_problems(self, kind, run):
        record = Record(self.state, run)
        doubt = kill_points.in_doubt(self.place, kind, run,
                                     self.doubt.get(kind.name))
        outcome = "escalated" if doubt else kind.outcome
        ends = [end["outcome"] for end in record.of_kind("finished")]
        if ends != [outcome]:
            yield "%s ended %s, not as %s" % (kind.name, ends, outcome)
        yield from kill_points.class_problems(self.place, kind, doubt)

    def verify(self):
        if self.problems:
            return self.problems
        self.problems += self.ledger_problems()
        for run, entry in self.runs().items():
            self.problems += self.run_problems(
                kill_points.SCENARIOS[entry["playbook"]], run)
        held = Record(self.state).holds()
        if held:
            self.problems.append("keys are held: %s" % held)
        self.problems += self.state_problems()
        return self.problems


# --- the service, with a history that is too long -----------------------------

RETENTION = "retention = { runs = { count = 1 }, deliveries = { count = 1 } },"


class Seed(Service):
    """The four runs, and a delivery whose body is a blob, of no playbook."""

    large = None

    def deliver(self, process):
        if not self.large:
            self.large = self.send(process, "large", "x" * 100000)
        super().deliver(process)

    @staticmethod
    def send(process, name, text):
        posted = json.loads((EVENTS / "firing.json").read_text())
        posted["alerts"][0].update(labels={"alertname": name}, fingerprint=name,
                                   annotations={"summary": text})
        status, text = process.ask("POST", "/hooks/alertmanager",
                                   json.dumps(posted))
        return status == 202 and text


class Retained(Seed):
    """A start that finds more than it is to keep and cuts it while a delivery
    comes in. Whatever ends the process, no half of a run is seen, nothing is
    left that nobody names, and the ledger is what the rows are."""

    seed, lock = None, threading.Lock()

    def __enter__(self):
        super().__enter__()
        self.config.write_text(self.config.read_text().replace(
            "  effect_timeout", "  %s\n  effect_timeout" % RETENTION))
        with Retained.lock:
            if not Retained.seed:
                Retained.seed = self.sow()
        shutil.copytree(Retained.seed.name, self.state)
        self.disk.snapshot()
        self.fresh = None
        return self

    def sow(self):
        folder = tempfile.TemporaryDirectory(prefix="nightshift-seed-")
        with Seed(self.place.engine, self.shim, self.rng) as seed:
            seed.settle()
            assert not seed.problems, seed.problems
            shutil.copytree(seed.state, folder.name, dirs_exist_ok=True)
        return folder

    def listed(self):
        return 1

    def look(self):
        yield from Record(self.state).chain_problems()

    def value(self, name, labels=""):
        found = re.search(r"^nightshift_%s%s (\S+)$" % (
            name, re.escape(labels)), self.metrics, re.M)
        return found and float(found[1])

    def await_settled(self, process):
        until = time.monotonic() + DEADLINE_S
        while process.alive() and time.monotonic() < until:
            if not self.fresh:
                self.fresh = self.send(process, "fresh", "it came meanwhile")
            status, text = process.ask("GET", "/metrics")
            self.metrics = text if status == 200 else ""
            if self.fresh and self.value("retention_sweeps_total") and \
                    self.value("retention_kept", '{kind="run"}') == 1 and \
                    self.value("retention_kept", '{kind="delivery"}') <= 2:
                return True
            if "\nnightshift_store_failed 1" in self.metrics:
                return False
            time.sleep(0.02)
        return False

    def verify(self):
        if not self.problems:
            lists = self.values("nightshift_occurrences")
            if sum(lists.values()) != self.values(
                    "nightshift_occurrences_seen").get(""):
                self.problems.append("the lists hold %s" % lists)
            self.problems += row_problems(self.state)
            self.problems += self.state_problems()
        return self.problems


def counted(walk):
    """Passages of points and operations of the disk, of one process."""
    return walk.passages(), totals(walk.err)
