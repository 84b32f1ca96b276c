"""serving.py - a `nightshift serve` with a folder of its own.

One playbook takes what has the labels `service` and `cluster`, and tells the
double's pager. What the service says is read as it says it; events are awaited
by until(), which looks again and again and gives up after a time.
"""

import http.client
import json
import pathlib
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time

from double import Double
from lib import canaries
from lib.engine import BARE, CREDENTIALS, FIXTURES

TOKEN = "token-of-a-sender-and-no-other"
DEADLINE_S = 30
MOVING = ("waiting", "running", "parked", "attached")

CONFIG = """
local double = env("DOUBLE_URL")
return {
  listen = "127.0.0.1:%d",
  tokens = { %s },
  aws = { region = "eu-central-1", account = "000000000000",
          endpoint = double },
  channels = { pager = { url = double .. "/hook/pager" } },
  %s
  services = { %s },
}
"""


def until(question, seconds=DEADLINE_S):
    """The first answer that is not false, or the last one."""
    limit = time.monotonic() + seconds
    while True:
        answer = question()
        if answer or time.monotonic() > limit:
            return answer
        time.sleep(0.02)


class Serving:
    environment = {}
    roles = {"ingest": TOKEN, "operator": "token-of-an-operator-and-no-other"}

    def __init__(self, engine, services, playbook="notify", settings="",
                 port=0):
        self.engine, self.services = engine, services
        self.playbook, self.settings, self.port = playbook, settings, port
        self.child = None

    def __enter__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="nightshift-serve-")
        self.folder = pathlib.Path(self.scratch.name)
        self.state, self.scripts = self.folder / "state", self.folder / "lua"
        shutil.copytree(FIXTURES / "live" / "scripts", self.scripts)
        for path in (self.scripts / "playbooks").iterdir():
            if path.stem != self.playbook:
                path.unlink()
        self.double = Double().__enter__()
        for role, token in self.roles.items():
            canaries.plant(role.upper() + "_TOKEN", token)
        return self

    def __exit__(self, *_):
        self.stop(signal.SIGKILL)
        self.double.__exit__()
        self.scratch.cleanup()

    # --- the process -----------------------------------------------------

    def start(self):
        """On the port of the first time, whenever it is started again."""
        (self.folder / "nightshift.lua").write_text(CONFIG % (
            self.port, ", ".join(
                '%s = { secret = secret("%s_TOKEN"), role = "%s" }' % (
                    role, role.upper(), role) for role in self.roles),
            self.settings, ", ".join(
                '["prod/%s"] = { repo = "acme/x", branch = "main" }' % name
                for name in self.services)))
        env = {**BARE, **CREDENTIALS, "DOUBLE_URL": self.double.url,
               **self.environment,
               **{role.upper() + "_TOKEN": token
                  for role, token in self.roles.items()}}
        self.child = subprocess.Popen(
            [self.engine.binary, "serve", "--config",
             self.folder / "nightshift.lua", "--state", self.state,
             "--scripts", self.scripts],
            cwd="/", env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.listening, self.lines = threading.Event(), []
        self.reader = threading.Thread(target=self.read,
                                       args=(self.child.stderr,), daemon=True)
        self.reader.start()
        if not self.listening.wait(DEADLINE_S) or self.child.poll() is not None:
            raise RuntimeError("it does not listen: " + self.said())
        return self

    def read(self, pipe):
        for line in pipe:
            self.lines.append(line.decode(errors="replace"))
            found = re.search(r"listening.*127\.0\.0\.1:(\d+)", self.lines[-1])
            if found:
                self.port = int(found[1])
                self.listening.set()
        self.listening.set()

    def said(self):
        return "".join(self.lines)[-2000:]

    def stop(self, number=signal.SIGTERM):
        """The exit code; None: it had to be killed."""
        if not self.child or self.child.returncode is not None:
            return self.child and self.child.returncode
        self.child.send_signal(number)
        try:
            code = self.child.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            code = None
        self.reader.join()
        self.child.stderr.close()
        canaries.look("standard error", "".join(self.lines).encode())
        canaries.look_at_folder(self.state)
        return code

    def peak_mb(self):
        status = pathlib.Path("/proc/%d/status" % self.child.pid).read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    # --- what it tells -----------------------------------------------------

    def ask(self, method, path, body=None, token=TOKEN):
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=DEADLINE_S)
        try:
            connection.request(method, path, body, {
                "Authorization": "Bearer " + token,
                "Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def metrics(self):
        return Metrics(self.ask("GET", "/metrics")[1])

    def settled(self, seen):
        """The metrics, once `seen` occurrences stand still."""
        def still():
            now = self.metrics()
            return now.seen() >= seen and not now.moving() and now
        return until(still) or self.metrics()


class Metrics:
    def __init__(self, text):
        self.text = text

    def values(self, name):
        """{labels: value} with the labels as they are written."""
        return {found[0]: float(found[1]) for found in re.findall(
            r"^%s(?:\{(.*)\})? (\S+)$" % name, self.text, re.M)}

    def value(self, name, labels=""):
        return self.values(name).get(labels, 0)

    def states(self):
        return {labels.partition('"')[2][:-1]: int(value) for labels, value in
                self.values("nightshift_occurrences").items() if value}

    def seen(self):
        return self.value("nightshift_occurrences_seen")

    def moving(self):
        states = self.states()
        return any(states.get(name) for name in MOVING) or self.value(
            "nightshift_deliveries_kept", 'state="waiting"')

    def ledger_problems(self, sent, **expected):
        states = self.states()
        if self.seen() != sent or sum(states.values()) != sent:
            yield "%d were sent, seen are %d, the states are %s" % (
                sent, self.seen(), states)
        for name, count in expected.items():
            if states.get(name, 0) != count:
                yield "%s is %d, not %d: %s" % (name, states.get(name, 0),
                                                count, states)


class Kept:
    """The records of a state directory, of a service that has ended."""

    @classmethod
    def of_running(cls, state):
        """Of a copy, since the service lets nobody else in. One that was cut
        by a write is made again: good to await something by, no proof."""
        def copied():
            with tempfile.TemporaryDirectory() as copy:
                try:
                    for file in pathlib.Path(state).glob("nightshift.db*"):
                        shutil.copy(file, copy)
                    return cls(copy)
                except (OSError, sqlite3.DatabaseError):
                    return None
        return until(copied)

    def __init__(self, state):
        database = sqlite3.connect(pathlib.Path(state) / "nightshift.db")
        try:
            self.rows = dict(database.execute("SELECT key, value FROM records"))
        finally:
            database.close()

    def under(self, prefix):
        return [json.loads(value) for key, value in self.rows.items()
                if key.startswith(prefix)]

    def keys(self, prefix):
        return [key for key in self.rows if key.startswith(prefix)]

    def occurrences(self):
        return self.under("main/occurrence/")

    def runs(self):
        return self.under("main/run/")

    def run_problems(self, count):
        runs = self.runs()
        if len(runs) != count:
            yield "%d runs, not %d" % (len(runs), count)
        for run in runs:
            if run["state"] != "ended" or run.get("outcome") != "done":
                yield "a run did not end: %s" % run
        leads = [occurrence["run"] for occurrence in self.occurrences()
                 if "run" in occurrence]
        if len(leads) != len(set(leads)):
            yield "two occurrences share a run"


def raise_files(wanted=20000):
    """How many descriptors this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(soft, most)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
