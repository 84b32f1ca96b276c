#!/usr/bin/env python3
"""What `nightshift serve` can do, beside floors of the same machine and minute.

Accepts, whole incidents, memory of what waits, the time from start to the first
accept, and whether any of it grows with history. The sender, the stub that
nodes call and the floors are C programs of their own (tests/bench/serve/). CPU
is the service's alone, by thread, from the kernel's schedstat (nanoseconds);
where in the loop's thread it goes is sampled by perf when there is one, and
then told by the source file or library of each sample.

    bench_serve.py NIGHTSHIFT PROGRAMS [all | accept | incidents | memory |
                                        start | history]
"""
import collections
import contextlib
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
TOKEN = "token-of-the-bench-and-no-other"
ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "LOAD_TOKEN": TOKEN,
       "AWS_EC2_METADATA_DISABLED": "true"}
CONNECTIONS = 32
INCIDENTS = 3000
ACCEPTS, SENDERS = 20000, 64
HISTORY = 1000000
PARKED = 100000
STARTS = 9
DEADLINE_S = 120

CONFIG = """
return {
  listen = "127.0.0.1:%d",
  tokens = { ingest = { secret = secret("LOAD_TOKEN"), role = "ingest" } },
  log    = { level = "warn" },
  limits = { runs = 12000, deliveries = 20000 },
  effect_timeout = "10m",
  prometheus = { url = "http://127.0.0.1:%d" },
}
"""

NODE = """
local prometheus = require "lib.prometheus"

return {
  about    = "Asks how a service is.",
  input    = { number = "string" },
  output   = { value = "number" },
  outcomes = { "found" },
  effects  = { "prometheus:query" },
  run = function(ctx, input)
    local answer = ctx.prometheus("query", { query = "id" .. input.number })
    return "found", { value = prometheus.value(answer) }
  end,
}
"""

PLAYBOOK = """
return {
  about   = "Five looks at a service.",
  trigger = { source = "alertmanager",
              labels = { service = "*", number = "*" } },
  key     = { "$incident.labels.service" },
  limits  = { attempts = 1, deadline = "20m" },
  start   = "one",
  nodes   = {
%s    escalation = { use = "escalation" },
  },
}
"""
STEPS = ("one", "two", "three", "four", "five")
ESCALATION = (HERE.parent / "fixtures/live/scripts/nodes/escalation.lua")


def figure(name, value, unit, aim=None, floor=None):
    """floor: (what, value); the ratio is ours to the floor's."""
    said = ["aim %s" % aim] if aim else []
    if floor:
        said.append("%s %s, ratio %.2f" % (floor[0], short(floor[1]),
                                           value / floor[1]))
    print("bench %s %s %s%s" % (name, short(value), unit,
                                " (%s)" % "; ".join(said) if said else ""),
          flush=True)


def short(value):
    return "%.0f" % value if value >= 100 else "%.1f" % value \
        if value >= 10 else "%.2f" % value


def until(question, what):
    limit = time.monotonic() + DEADLINE_S
    while not question():
        if time.monotonic() > limit:
            sys.exit("bench_serve: waited too long for " + what)
        time.sleep(0.02)


def cpu_of(pid):
    """Seconds by the name of the thread."""
    spent = collections.Counter()
    for task in pathlib.Path("/proc/%d/task" % pid).iterdir():
        with contextlib.suppress(OSError):
            name = (task / "comm").read_text().strip()
            spent[name] += int((task / "schedstat").read_text()
                               .split()[0]) / 1e9
    return spent


def median(values):
    return sorted(values)[len(values) // 2]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Stub:
    """What nodes call; its output, behind its port, is for `load closed`."""

    def __init__(self, programs):
        self.child = subprocess.Popen([programs / "stub"],
                                      stdout=subprocess.PIPE, bufsize=0)
        self.port = int(self.child.stdout.readline())

    def say(self, word):
        with urllib.request.urlopen("http://127.0.0.1:%d/-/%s" % (
                self.port, word), timeout=DEADLINE_S) as answer:
            return int(answer.read())

    def close(self):
        self.child.kill()
        self.child.wait()


class Service:
    """A service with a folder of its own."""

    def __init__(self, nightshift, stub, state=None):
        self.nightshift = nightshift
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nightshift-bench-"))
        self.state = state or self.folder / "state"
        self.port = free_port()
        self.write_scripts()
        (self.folder / "nightshift.lua").write_text(
            CONFIG % (self.port, stub.port))

    def write_scripts(self):
        scripts = self.folder / "scripts"
        for name in ("nodes", "playbooks"):
            (scripts / name).mkdir(parents=True)
        for name in ("lib", "sources"):
            shutil.copytree(HERE.parents[1] / "scripts" / name, scripts / name)
        shutil.copy(ESCALATION, scripts / "nodes")
        (scripts / "nodes/look.lua").write_text(NODE)
        nodes = "".join(
            '    %s = { use = "look", with = { number = '
            '"$incident.labels.number" }, next = { found = "%s" } },\n' % pair
            for pair in zip(STEPS, STEPS[1:] + ("done",)))
        (scripts / "playbooks/heal.lua").write_text(PLAYBOOK % nodes)

    def command(self):
        return [self.nightshift, "serve", "--config",
                self.folder / "nightshift.lua", "--state", self.state,
                "--scripts", self.folder / "scripts"]

    def __enter__(self):
        self.child = subprocess.Popen(self.command(), env=ENV, cwd="/",
                                      stdout=subprocess.DEVNULL,
                                      stderr=open(self.folder / "log", "w"))
        until(lambda: self.child.poll() is not None or self.ready(),
              "the service to listen")
        if self.child.poll() is not None:
            sys.exit((self.folder / "log").read_text())
        self.threads_at_start = self.cpu()
        return self

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        shutil.rmtree(self.folder)

    def ask(self, path):
        request = urllib.request.Request(
            "http://127.0.0.1:%d%s" % (self.port, path),
            headers={"Authorization": "Bearer " + TOKEN})
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            return answer.read().decode()

    def ready(self):
        try:
            self.ask("/readyz")
            return True
        except OSError:
            return False

    def metric(self, name):
        found = re.findall(r"^%s(?:\{.*\})? (\S+)$" % name,
                           self.ask("/metrics"), re.M)
        return sum(float(value) for value in found)

    def ended(self):
        return self.metric("nightshift_runs_ended_total")

    def read(self):
        return self.metric("nightshift_occurrences_seen")

    def cpu(self):
        return cpu_of(self.child.pid)

    def resident_kib(self):
        status = pathlib.Path("/proc/%d/status" % self.child.pid).read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


class Bench:
    def __init__(self, nightshift, programs):
        self.nightshift = pathlib.Path(nightshift).resolve()
        self.programs = pathlib.Path(programs).resolve()
        self.next = 1

    def load(self, kind, port, count, connections, stub=None):
        """(a second, p50 ms, p99 ms)"""
        out = subprocess.run(
            [self.programs / "load", kind, str(port), str(count),
             str(connections), str(self.next)], env=ENV, check=True,
            stdin=stub.child.stdout if stub else subprocess.DEVNULL,
            stdout=subprocess.PIPE).stdout.split()
        self.next += count
        if int(out[3]):
            sys.exit("bench_serve: %s were not accepted" % out[3].decode())
        return count / float(out[0]), float(out[1]), float(out[2])

    def service(self, stub, state=None):
        return Service(self.nightshift, stub, state)

    # --- (a) accepts ---------------------------------------------------------

    @contextlib.contextmanager
    def program(self, *command):
        child = subprocess.Popen([self.programs / command[0], *command[1:]],
                                 env=ENV, stdout=subprocess.PIPE)
        try:
            yield int(child.stdout.readline())
        finally:
            child.kill()
            child.wait()
            child.stdout.close()

    def door(self, *command):
        with tempfile.TemporaryDirectory() as folder:
            command = [folder if word == "DIR" else word for word in command]
            with self.program(*command) as port:
                return max(self.load("accept", port, ACCEPTS, SENDERS)
                           for _ in range(3))

    def group_commits(self):
        with tempfile.TemporaryDirectory() as folder:
            return float(subprocess.run(
                [self.programs / "floor", "commit", folder,
                 str(ACCEPTS // SENDERS), str(SENDERS)], check=True,
                stdout=subprocess.PIPE).stdout)

    def accepts(self, stub):
        memory = self.door("door", "memory")
        alone = self.door("door", "sqlite", "DIR")
        bare = self.door("floor", "door", "DIR", "0")
        commits = median([self.group_commits() for _ in range(3)])
        with self.service(stub) as service:
            whole = self.load("accept", service.port, ACCEPTS, SENDERS)
            sent = self.next
            until(lambda: service.read() >= ACCEPTS, "all to be read")
        floor = min(memory[0], commits)
        print("# %d senders; whole: every delivery is read at the same time" %
              SENDERS)
        figure("accept_without_store", memory[0], "/s")
        figure("accept_sqlite_group_commit", commits, "/s")
        figure("accept_bare_door", bare[0], "/s")
        figure("accept", alone[0], "/s", ">= half of the smaller",
               ("smaller", floor))
        figure("accept_p99", alone[2], "ms", None, ("bare", bare[2]))
        figure("accept_whole", whole[0], "/s", None, ("smaller", floor))
        figure("accept_whole_p99", whole[2], "ms", None, ("bare", bare[2]))
        return sent

    # --- (b) incidents -------------------------------------------------------

    def incidents(self, service, stub, kind="closed", count=INCIDENTS):
        """({thread: us an incident}, incidents a second, p50, p99)"""
        before, had = service.cpu(), service.ended()
        rate, p50, p99 = self.load(kind, service.port, count, CONNECTIONS,
                                   stub if kind == "closed" else None)
        until(lambda: service.ended() >= had + count, "all runs to end")
        spent = service.cpu()
        spent.subtract(before)
        return ({name: seconds / count * 1e6 for name, seconds in
                 spent.items()}, rate, p50, p99)

    def bare_incidents(self, stub):
        """us of CPU an incident, of a program that does nothing else."""
        with tempfile.TemporaryDirectory() as folder:
            port = free_port()
            child = subprocess.Popen(
                [self.programs / "bare", folder, str(port), str(stub.port)],
                stdout=subprocess.PIPE)
            child.stdout.readline()
            took = []
            for count in (300, INCIDENTS, INCIDENTS, INCIDENTS):
                before = sum(cpu_of(child.pid).values())
                self.load("closed", port, count, CONNECTIONS, stub)
                took.append((sum(cpu_of(child.pid).values()) - before) /
                            count * 1e6)
            child.kill()
            child.wait()
            child.stdout.close()
        return min(took[1:])

    def whole_incidents(self, stub):
        bare = self.bare_incidents(stub)
        with self.service(stub) as service:
            self.incidents(service, stub, count=300)
            best = min((self.incidents(service, stub) for _ in range(3)),
                       key=lambda one: sum(one[0].values()))
            samples = Samples(service)
            with samples:
                self.incidents(service, stub)
            tell_incidents(best, bare)
            tell_threads(best[0], samples)

    # --- (c) memory ----------------------------------------------------------

    def waiting(self, stub, count):
        stub.say("hold")
        try:
            with self.service(stub) as service:
                stub_base = service.resident_kib()
                self.load("incidents", service.port, count, CONNECTIONS)
                until(lambda: stub.say("held") >= count, "all to wait")
                time.sleep(1.5)         # what is freed soon is not counted
                grown = service.resident_kib() - stub_base
        finally:
            stub.say("release")
        figure("waiting_%d" % count, grown / count, "KiB each",
               "<= 64, stretch 32")

    def parked(self, stub):
        grown = []
        for count in (1, PARKED):
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run([self.programs / "history", "parked", folder,
                                str(count)], check=True)
                with self.service(stub, pathlib.Path(folder)) as service:
                    until(lambda: service.metric(
                        r'nightshift_runs\{state="parked"\}') >= count,
                        "the parked runs")
                    grown.append(service.resident_kib())
        figure("parked_%d" % PARKED, (grown[1] - grown[0]) / PARKED,
               "KiB each", "<= 1")

    def memory(self, stub):
        for count in (1000, 10000):
            self.waiting(stub, count)
        self.parked(stub)

    # --- (d) start -----------------------------------------------------------

    def start_ms(self, port, command):
        return float(subprocess.run(
            [self.programs / "load", "start", str(port), *command], env=ENV,
            check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            .stdout.split()[-1])

    def starts(self, stub, state=None):
        took = []
        for _ in range(STARTS):
            service = self.service(stub, state)
            took.append(self.start_ms(service.port, service.command()))
            shutil.rmtree(service.folder)
        return median(took)

    def bare_starts(self):
        took = []
        for _ in range(STARTS):
            with tempfile.TemporaryDirectory() as folder:
                port = free_port()
                took.append(self.start_ms(port, [
                    self.programs / "floor", "door", folder, str(port)]))
        return median(took)

    def start(self, stub):
        self.empty_start = self.starts(stub)
        figure("start_to_accept", self.empty_start, "ms", "<= 20",
               ("bare", self.bare_starts()))

    # --- history -------------------------------------------------------------

    def history(self, stub):
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            subprocess.run([self.programs / "history", "ended", folder,
                            str(HISTORY)], check=True)
            size = (pathlib.Path(folder) / "nightshift.db").stat().st_size
            print("# %d finished runs, %.1f GB, written in %.0f s" % (
                HISTORY, size / 1e9, time.monotonic() - began), flush=True)
            figure("start_with_history", self.starts(
                stub, pathlib.Path(folder)), "ms", "as empty",
                ("empty", self.starts(stub)))
            empty = self.mean_cpu(stub, None)
            full = self.mean_cpu(stub, pathlib.Path(folder))
            figure("incident_cpu_with_history", full, "us", "as empty",
                   ("empty", empty))

    def mean_cpu(self, stub, state):
        with self.service(stub, state) as service:
            self.incidents(service, stub, count=300)
            return median([sum(self.incidents(service, stub, count=1500)[0]
                               .values()) for _ in range(3)])


# --- where the loop's time goes ---------------------------------------------

KINDS = ((r"core/vm/|liblua", "vm"), (r"core/store/|sqlite", "store"),
         (r"core/net/|core/effect/|core/protocol/|libcurl|libssl", "http"),
         (r"core/base/json|core/base/encode|jansson", "json"),
         (r"libc[.-]|ld-linux|\[vdso", "libc"))


def kind_of(place):
    return next((kind for pattern, kind in KINDS if re.search(pattern, place)),
                "rest")


class Samples:
    """Of the loop's thread, in user space, 2,000 a second of CPU."""

    def __init__(self, service):
        self.service, self.kinds = service, None
        self.file = service.folder / "perf.data"

    def __enter__(self):
        self.child = None
        if shutil.which("perf"):
            self.child = subprocess.Popen(
                ["perf", "record", "-q", "-e", "cpu-clock:u", "-F", "2000",
                 "-t", str(self.service.child.pid), "-o", self.file],
                stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            time.sleep(0.5)

    def __exit__(self, *_):
        if not self.child:
            return
        self.child.send_signal(signal.SIGINT)
        self.child.wait()
        out = subprocess.run(
            ["perf", "script", "-i", self.file, "-F", "ip,dso"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if out.returncode == 0:
            self.count(re.findall(r"^\s*([0-9a-f]+) \((.*)\)$", out.stdout,
                                  re.M))

    def count(self, samples):
        binary = str(self.service.nightshift)
        places = self.files(binary, {ip for ip, dso in samples
                                     if dso == binary})
        self.kinds = collections.Counter(
            kind_of(places.get(ip, dso)) for ip, dso in samples)

    def files(self, binary, addresses):
        base = int(subprocess.run(
            ["head", "-1", "/proc/%d/maps" % self.service.child.pid],
            stdout=subprocess.PIPE, text=True).stdout.split("-")[0], 16)
        order = sorted(addresses)
        out = subprocess.run(
            ["addr2line", "-e", binary], stdout=subprocess.PIPE, text=True,
            input="\n".join("%x" % (int(ip, 16) - base) for ip in order))
        return dict(zip(order, out.stdout.splitlines()))


def tell_incidents(best, bare):
    spent, rate, p50, p99 = best
    figure("incidents", rate, "/s")
    figure("incident_p50", p50, "ms")
    figure("incident_p99", p99, "ms")
    figure("incident_cpu", sum(spent.values()), "us", "<= 600, stretch 300",
           ("bare C", bare))


def tell_threads(spent, samples):
    names = {"store": "store", "MHD-worker": "door", "nightshift": "loop"}
    known = collections.Counter()
    for name, us in spent.items():
        known[names.get(name, "other")] += us
    for name in ("store", "door", "loop", "other"):
        figure("incident_cpu_" + name, known[name], "us")
    if not samples.kinds:
        print("# no perf here: the loop is not split further")
        return
    total = sum(samples.kinds.values())
    for kind, count in samples.kinds.most_common():
        figure("incident_loop_" + kind, 100 * count / total, "%")
    print("# the loop's samples are of user space; instructions are %s" %
          instructions())


def instructions():
    out = subprocess.run(["perf", "stat", "-e", "instructions:u", "true"],
                         stderr=subprocess.PIPE, text=True)
    return "not supported here" if "not supported" in out.stderr or \
        out.returncode else "countable with perf stat"


def main():
    bench = Bench(*sys.argv[1:3])
    parts = {"accept": bench.accepts, "incidents": bench.whole_incidents,
             "memory": bench.memory, "start": bench.start,
             "history": bench.history}
    wanted = sys.argv[3] if len(sys.argv) > 3 else "all"
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), most))
    for name, part in parts.items():
        if wanted not in ("all", name):
            continue
        stub = Stub(bench.programs)
        try:
            part(stub)
        finally:
            stub.close()


if __name__ == "__main__":
    main()
