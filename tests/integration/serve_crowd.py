#!/usr/bin/env python3
"""serve_crowd.py - ten thousand connections that want nothing.

Most of them say nothing at all, some had a request answered and stay, some
send a byte now and then. While they are there a good sender gets in as before,
in memory that is bounded by their number; beyond limits.connections the one
that has owed a request for the longest time is told so and gives way; each is
closed when its time is up; and then all is as it was. They come from several
addresses of the loopback network, so that ports do not run out. How many there
are depends on how many descriptors a process may have, and is printed.

    serve_crowd.py --nightshift PATH
"""

import collections
import pathlib
import re
import select
import socket
import statistics
import sys
import time

from lib.cases import Cases
from lib.engine import from_arguments
from lib.serving import DEADLINE_S, Kept, Serving, raise_files, until
from serve_hostile import AUTH, HOOK, JSON, Good

AIM = 10000
STAYING, SLOW = 500, 200    # of them; the others say nothing
ROOM, BEYOND = 100, 300     # below the cap, and then above it
REQUEST_S, IDLE_S = 8, 3
DELIVERIES = 200            # that are measured
RATIO = 20                  # of medians: a bound, not a figure to be proud of
KIB_EACH = 12
SLOW_HEAD = HOOK + AUTH + JSON + "Content-Length: 100000\r\n\r\n"
READY = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


class Crowd:
    """Connections by kind, and what each was told when it was closed."""

    def __init__(self, port):
        self.port, self.poll = port, select.epoll()
        self.open, self.kind, self.heard = {}, {}, {}
        self.ends = collections.defaultdict(collections.Counter)

    def join(self, kind, first=b""):
        one = socket.socket()
        one.setsockopt(socket.SOL_IP, 24, 1)    # IP_BIND_ADDRESS_NO_PORT
        one.bind(("127.0.0.%d" % (2 + len(self.kind) % 8), 0))
        one.connect(("127.0.0.1", self.port))
        one.setblocking(False)
        number = one.fileno()
        self.open[number], self.kind[number] = one, kind
        self.heard[number] = b""
        self.poll.register(number, select.EPOLLIN)
        if first:
            one.send(first)
        return number

    def drip(self, kind):
        for number, one in self.open.items():
            if self.kind[number] == kind:
                try:
                    one.send(b" ")
                except OSError:
                    pass    # its end is about to be heard

    def listen(self, seconds=0.05):
        for number, _ in self.poll.poll(seconds, 4096):
            try:
                said = self.open[number].recv(65536)
            except ConnectionError:
                said = b""
            self.heard[number] += said
            if not said:
                self.end(number)

    def end(self, number):
        found = re.findall(rb"^HTTP/1.1 (\d+)|\"code\": ?\"(\w+)\"",
                           self.heard[number], re.M)
        self.ends[self.kind[number]][" ".join(
            (status or code).decode() for status, code in found)] += 1
        self.open.pop(number).close()

    def leave(self):
        for one in self.open.values():
            one.close()
        self.open.clear()

    def answered(self, kind):
        return sum(b"\r\n\r\n" in self.heard[number] for number in self.open
                   if self.kind[number] == kind)

    def here(self, kind):
        return sum(self.kind[number] == kind for number in self.open)


class Measured:
    """The service as seen from outside, at one moment."""

    def __init__(self, serving, good):
        first = len(good.took)
        until(lambda: len(good.took) >= first + DELIVERIES or good.problems)
        self.median = statistics.median(good.took[first:] or [DEADLINE_S])
        self.descriptors = self.descriptors_of(serving)
        status = pathlib.Path("/proc/%d/status" % serving.child.pid)
        self.kib = int(re.search(r"VmRSS:\s+(\d+)", status.read_text())[1])

    @staticmethod
    def descriptors_of(serving):
        return len(list(pathlib.Path(
            "/proc/%d/fd" % serving.child.pid).iterdir()))

    def __str__(self):
        return "median %.2f ms, %d descriptors, %.1f MiB" % (
            self.median * 1000, self.descriptors, self.kib / 1024)


class Stages:
    def __init__(self, cases, serving, good, count):
        self.cases, self.serving, self.good = cases, serving, good
        self.count, self.crowd = count, Crowd(serving.port)
        self.before = self.tell("before")
        self.most_kib = KIB_EACH * (20 if serving.engine.is_sanitized() else 1)

    def tell(self, when):
        now = Measured(self.serving, self.good)
        print("%s: %s" % (when, now), flush=True)
        return now

    def refused(self, status):
        return self.serving.metrics().value("nightshift_http_refused_total",
                                            'status="%d"' % status)

    def until(self, question):
        def look():
            self.crowd.listen()
            return question()
        return until(look)

    def gather(self):
        began = time.monotonic()
        for _ in range(self.count - STAYING - SLOW):
            self.crowd.join("silent")
        for _ in range(SLOW):
            self.crowd.join("slow", SLOW_HEAD.encode())
        for _ in range(STAYING):
            self.crowd.join("staying", READY)
        arrived = self.until(
            lambda: self.crowd.answered("staying") == STAYING)
        there = Measured.descriptors_of(self.serving)
        print("%d connections in %.1f s" % (
            len(self.crowd.open), time.monotonic() - began), flush=True)
        self.cases.check("%d connections are open at once" % self.count, [
            not arrived and "not all that ask are answered",
            there < self.count and "the service has %d descriptors" % there,
            *("%s: %s" % end for end in self.crowd.ends.items())])

    def good_goes_on(self):
        self.crowd.drip("slow")
        now = self.tell("with them")
        ratio = now.median / self.before.median
        each = (now.kib - self.before.kib) / self.count
        print("ratio %.2f, %.1f KiB a connection" % (ratio, each), flush=True)
        self.cases.check("a good sender gets in among them", [
            ratio > RATIO and "it takes %.1f times as long" % ratio,
            *self.good.goes_on()])
        self.cases.check("their memory is bounded by their number", [
            each > self.most_kib and "%.1f KiB for each" % each])

    def beyond(self):
        """The oldest give way; who comes is served."""
        counted, silent = self.refused(503), self.crowd.here("silent")
        for _ in range(ROOM + BEYOND):
            self.crowd.join("late", READY)
        served = self.until(
            lambda: self.crowd.answered("late") == ROOM + BEYOND)
        ends = self.crowd.ends["silent"]
        told = self.until(lambda: ends["503 too_many_connections"] >= BEYOND)
        self.cases.check("beyond the cap the longest owing gives way", [
            not told and "the silent were told %s" % dict(ends),
            set(ends) - {"503 too_many_connections", "408 too_slow"} and
            "the silent were told %s" % dict(ends),
            self.refused(503) - counted < BEYOND and "they are not counted",
            silent == self.crowd.here("silent") and "nobody gave way"])
        self.cases.check("and all who come are served", [
            not served and "%d of %d" % (self.crowd.answered("late"),
                                         ROOM + BEYOND),
            *self.good.goes_on()])

    def all_end(self):
        began = time.monotonic()

        def gone():
            self.crowd.drip("slow")
            return not self.crowd.open
        self.until(gone)
        ends = {kind: dict(end) for kind, end in self.crowd.ends.items()}
        print("closed after %.1f s: %s" % (time.monotonic() - began, ends),
              flush=True)
        self.cases.check("in the end each is closed when its time is up", [
            self.crowd.open and "%d stay open" % len(self.crowd.open),
            set(ends["silent"]) != {"503 too_many_connections",
                                    "408 too_slow"} and ends,
            set(ends["slow"]) - {"408 too_slow", ""} and ends,
            set(ends["staying"]) | set(ends["late"]) != {"200"} and ends])

    def as_before(self):
        until(lambda: Measured.descriptors_of(self.serving) <
              self.before.descriptors + 10)
        after = self.tell("after")
        ratio = after.median / self.before.median
        self.cases.check("then all is as it was", [
            after.descriptors >= self.before.descriptors + 10 and
            "%d descriptors stay" % after.descriptors,
            ratio > RATIO and "it takes %.1f times as long" % ratio,
            *self.good.goes_on()])

    def again(self):
        """Memory that the first crowd had serves the next one."""
        first, crowd = self.tell("before the next"), Crowd(self.serving.port)
        for _ in range(self.count):
            crowd.join("silent")
        until(lambda: Measured.descriptors_of(self.serving) >= self.count)
        now = self.tell("with the next")
        crowd.leave()
        self.cases.check("a second crowd takes the place of the first", [
            now.descriptors < self.count and "%d came" % now.descriptors,
            now.kib > first.kib + self.most_kib * self.count / 4 and "%d KiB, then %d" % (
                first.kib, now.kib),
            not until(lambda: Measured.descriptors_of(self.serving) <
                      self.before.descriptors + 10) and
            "those that left are still there", *self.good.goes_on()])


def end_problems(serving, good):
    serving.settled(good.sent)
    code = serving.stop()
    if code != 0:
        yield "SIGTERM: exit %s\n%s" % (code, serving.said())
    yield from good.problems
    kept = len(Kept(serving.state).occurrences())
    if kept != good.sent:
        yield "%d were accepted, %d are kept" % (good.sent, kept)


def main():
    engine, cases = from_arguments(__doc__), Cases()
    allowed = raise_files()
    count = min(AIM, allowed * 3 // 4 - 1000)
    print("%d descriptors a process, so %d connections" % (allowed, count),
          flush=True)
    settings = ("limits = { connections = %d, request_seconds = %d, "
                "idle_seconds = %d }," % (count + ROOM, REQUEST_S, IDLE_S))
    with Serving(engine, ["checkout"], settings=settings) as serving:
        serving.start()
        with Good(serving) as good:
            stages = Stages(cases, serving, good, count)
            stages.gather()
            stages.good_goes_on()
            stages.beyond()
            stages.all_end()
            stages.as_before()
            stages.again()
        cases.check("what was accepted is there, and it ends well",
                    end_problems(serving, good))
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
