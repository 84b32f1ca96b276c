#!/usr/bin/env python3
"""serve_hostile.py - whom `serve` turns away, while a good sender gets in.

Raw bytes on sockets: requests that two readers would end in different places,
bodies that are too large, too deep or not text, wrong tokens, senders that
never finish and connections that never begin. Each is refused with its status
and counted, each connection in doubt is closed, and all the while one ordinary
sender is answered 202, delivery after delivery.

    serve_hostile.py --nightshift PATH
"""

import json
import select
import socket
import sys
import threading
import time

from lib import canaries
from lib.cases import Cases
from lib.engine import EVENTS, from_arguments
from lib.serving import DEADLINE_S, TOKEN, Kept, Serving, raise_files, until

HOOK = "POST /hooks/alertmanager HTTP/1.1\r\nHost: a\r\n"
AUTH = "Authorization: Bearer %s\r\n" % TOKEN
JSON = "Content-Type: application/json\r\n"
BODY_MAX = 8 << 20
REQUEST_S = 2
FIRING = (EVENTS / "firing.json").read_text()
WRONG = "token-that-nobody-was-given"
SECOND = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"

# What follows the request line and Host: every one is refused with 400, and
# what stands behind it is not read as a second request.
DOUBTFUL = {
    "a length and chunks": AUTH + "Content-Length: 2\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "chunks and a length": AUTH + "Transfer-Encoding: chunked\r\n"
        "Content-Length: 5\r\n\r\n0\r\n\r\n" + SECOND,
    "two lengths that differ": AUTH + "Content-Length: 2\r\n"
        "Content-Length: 40\r\n\r\n{}" + SECOND,
    "two lengths alike": AUTH + "Content-Length: 2\r\n"
        "Content-Length: 2\r\n\r\n{}" + SECOND,
    "a list of lengths": AUTH + "Content-Length: 2, 2\r\n\r\n{}" + SECOND,
    "a length with a sign": AUTH + "Content-Length: +2\r\n\r\n{}" + SECOND,
    "a length below zero": AUTH + "Content-Length: -2\r\n\r\n{}" + SECOND,
    "a length in hexadecimal": AUTH + "Content-Length: 0x2\r\n\r\n{}" + SECOND,
    "an encoding nobody knows": AUTH + "Transfer-Encoding: xchunked\r\n\r\n"
        "0\r\n\r\n" + SECOND,
    "two encodings": AUTH + "Transfer-Encoding: chunked\r\n"
        "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n" + SECOND,
    "an encoding behind a tab": AUTH + "Transfer-Encoding: \vchunked\r\n\r\n"
        "0\r\n\r\n" + SECOND,
    "a folded line": AUTH + "X-Long: a\r\n b\r\nContent-Length: 2\r\n\r\n{}" +
        SECOND,
    "a folded encoding": AUTH + "Transfer-Encoding:\r\n chunked\r\n\r\n"
        "0\r\n\r\n" + SECOND,
    "lines that end in LF": AUTH + "X-Bare: a\nContent-Length: 2\r\n\r\n{}" +
        SECOND,
    "a head that ends in LF LF": AUTH + "Content-Length: 2\n\n{}" + SECOND,
    "a space before the colon": AUTH + "Content-Length : 2\r\n\r\n{}" + SECOND,
    "an encoding and a space": AUTH + "Transfer-Encoding : chunked\r\n"
        "Content-Length: 2\r\n\r\n{}" + SECOND,
    "two Authorizations": AUTH + AUTH + "Content-Length: 2\r\n\r\n{}" + SECOND,
    "two different Authorizations": AUTH + "Authorization: Bearer x\r\n"
        "Content-Length: 2\r\n\r\n{}" + SECOND,
    "two Hosts": "Host: b\r\n" + AUTH + "Content-Length: 2\r\n\r\n{}" + SECOND,
    "a NUL in a field": AUTH + "X-Nul: a\0b\r\nContent-Length: 2\r\n\r\n{}" +
        SECOND,
    "a CR in a field": AUTH + "X-Cr: a\rb\r\nContent-Length: 2\r\n\r\n{}" +
        SECOND,
    "a chunk whose size is no number": AUTH + "Transfer-Encoding: chunked\r\n"
        "\r\nzz\r\n{}\r\n0\r\n\r\n" + SECOND,
}

# What libmicrohttpd refuses by itself: it writes its head twice, and closes.
BY_LIBRARY = {"a list of lengths", "a length with a sign",
              "a length below zero", "a length in hexadecimal"}

# Bodies of a sender who is known: (body, status)
BODIES = {
    "a body that is not JSON": (b"{", 400),
    "no body": (b"", 400),
    "a body too deep": (b"[" * 100 + b"]" * 100, 400),
    "a body of brackets alone": (b"[" * 1000000, 400),
    "a body that is not UTF-8": (b'{"alerts": ["\xff\xfe"]}', 400),
    "a body with half a surrogate": (b'{"a": "\\ud800"}', 400),
    "a key twice": (b'{"alerts": [], "alerts": []}', 400),
    "a number beyond all": (b'{"a": 1e999}', 400),
}


class Peer:
    """One connection, read until the other side is done with it."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port),
                                               timeout=DEADLINE_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def say(self, *pieces):
        """False: the other side hung up meanwhile, as it may."""
        try:
            for piece in pieces:
                self.socket.sendall(piece.encode("latin-1") if
                                    isinstance(piece, str) else piece)
            return True
        except OSError:
            return False

    def rest(self):
        """(all that comes until it is closed, was it closed?)"""
        text = b""
        try:
            while True:
                piece = self.socket.recv(65536)
                if not piece:
                    return text.decode("latin-1"), True
                text += piece
        except TimeoutError:
            return text.decode("latin-1"), False
        except OSError:
            return text.decode("latin-1"), True


def statuses(text):
    return [int(line.split()[1]) for line in text.split("\r\n")
            if line.startswith("HTTP/1.1 ")]


class Good:
    """An ordinary sender, who never sees any of it."""

    def __init__(self, serving):
        self.serving, self.sent, self.problems = serving, 0, []
        self.took = []      # seconds, of each
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.send_all, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def send_all(self):
        while not self.over.is_set() and len(self.problems) < 3:
            body = json.loads(FIRING)
            body["alerts"][0].update(fingerprint="good-%d" % self.sent,
                                     labels={"host": "good"})
            began = time.monotonic()
            try:
                status, text = self.serving.ask(
                    "POST", "/hooks/alertmanager", json.dumps(body))
            except OSError as error:
                self.problems.append("the good sender: %r" % error)
                continue
            self.took.append(time.monotonic() - began)
            self.sent += 1
            if status != 202:
                self.problems.append("the good sender was answered %d %s" % (
                    status, text))

    def goes_on(self):
        """Problems if it does not get in now."""
        before = self.sent
        if not until(lambda: self.sent >= before + 3):
            yield "the good sender waits"
        yield from self.problems


class Hostile:
    def __init__(self, cases, serving, good):
        self.cases, self.serving, self.good = cases, serving, good

    def refused(self, status):
        return self.serving.metrics().value("nightshift_http_refused_total",
                                            'status="%d"' % status)

    def hooks(self, result):
        return self.serving.metrics().value(
            "nightshift_deliveries_total",
            'source="alertmanager",result="%s"' % result)

    def refuse(self, name, status, *pieces, counted=None):
        """One answer, closed, and counted where it was refused."""
        counted = counted or (lambda: self.refused(status))
        before = counted()
        with Peer(self.serving.port) as peer:
            peer.say(*pieces)
            text, closed = peer.rest()
        self.cases.check(name, [
            statuses(text) != [status] * (1 + (name in BY_LIBRARY)) and
            "answered %r" % text[:300],
            not closed and "the connection stays open",
            counted() != before + 1 and "counted %d times" % (
                counted() - before), *self.good.problems])

    def doubtful(self):
        for name, rest in DOUBTFUL.items():
            self.refuse(name, 400, HOOK + rest)

    def bodies(self):
        head = HOOK + AUTH + JSON + "Connection: close\r\n"
        for name, (body, status) in BODIES.items():
            self.refuse(name, status, head + "Content-Length: %d\r\n\r\n" %
                        len(body), body,
                        counted=lambda: self.hooks("refused"))

    def too_large(self):
        self.refuse("a length beyond the cap", 413, HOOK + AUTH + JSON +
                    "Content-Length: %d\r\n\r\n" % (BODY_MAX + 1))
        piece = "100000\r\n" + "x" * (1 << 20) + "\r\n"
        self.refuse("chunks beyond the cap", 413, HOOK + AUTH + JSON +
                    "Transfer-Encoding: chunked\r\n\r\n", *[piece] * 9,
                    "0\r\n\r\n")

    def strangers(self):
        for name, line in (("a wrong token", "Authorization: Bearer %s\r\n" %
                            WRONG), ("no token", ""),
                           ("another scheme", "Authorization: Basic YTpi\r\n")):
            self.refuse(name, 401, HOOK + line + "Connection: close\r\n"
                        "Content-Length: %d\r\n\r\n" % len(FIRING), FIRING,
                        counted=lambda: self.hooks("refused"))

    def replayed(self):
        body = FIRING.replace('"team":"shop"', '"team":"replayed"')
        first, again = (self.serving.ask("POST", "/hooks/alertmanager", body)
                        for _ in range(2))
        told = [json.loads(first[1]), json.loads(again[1])]
        self.cases.check("a delivery that is replayed is the first one", [
            (first[0], again[0]) != (202, 202) and "%s %s" % (first, again),
            told[0].get("repeated") and "the first was seen before",
            told[1] != {"delivery": told[0].get("delivery"),
                        "repeated": True} and "%s" % told,
            self.hooks("duplicate") != 1 and "it is not counted"])

    def slow(self, name, head, drop):
        """A byte now and then is no request, however long it goes on."""
        before = self.refused(408)
        with Peer(self.serving.port) as peer:
            peer.say(head)
            began, open_ = time.monotonic(), True
            while open_ and time.monotonic() < began + DEADLINE_S:
                open_ = peer.say(drop) and not select.select(
                    [peer.socket], [], [], 0.1)[0]
            text, closed = peer.rest()
        self.cases.check(name, [
            statuses(text) not in ([], [408]) and "answered %r" % text[:200],
            not closed and "the connection stays open",
            not until(lambda: self.refused(408) > before) and
            "it is not counted", *self.good.goes_on()])

    def idle(self, count):
        peers = [Peer(self.serving.port) for _ in range(count)]
        self.cases.check("%d connections that say nothing" % count,
                         self.good.goes_on())
        open_ = [peer for peer in peers if not peer.rest()[1]]
        self.cases.check("all of them are closed", [
            open_ and "%d stay open" % len(open_), *self.good.goes_on()])
        for peer in peers:
            peer.__exit__()


def end_problems(serving, good):
    sent = good.sent + 1    # and the one that was replayed
    metrics, peak = serving.settled(sent), serving.peak_mb()
    code = serving.stop()
    print("%d good deliveries, peak %.0f MiB" % (good.sent, peak), flush=True)
    if code != 0:
        yield "SIGTERM: exit %s\n%s" % (code, serving.said())
    yield from good.problems
    yield from metrics.ledger_problems(sent, done=1, unmatched=good.sent)
    kept = Kept(serving.state)
    if len(kept.occurrences()) != sent:
        yield "%d occurrences are kept, not %d" % (
            len(kept.occurrences()), sent)
    yield from kept.run_problems(1)


def main():
    engine, cases = from_arguments(__doc__), Cases()
    count = 2000 if raise_files() > 3000 else 1000
    canaries.plant("WRONG_TOKEN", WRONG)
    limits = "limits = { request_seconds = %d }," % REQUEST_S
    with Serving(engine, ["checkout"], settings=limits) as serving:
        serving.start()
        with Good(serving) as good:
            hostile = Hostile(cases, serving, good)
            hostile.doubtful()
            hostile.bodies()
            hostile.too_large()
            hostile.strangers()
            hostile.replayed()
            hostile.slow("a head, byte by byte", HOOK + "X-Slow: ", "a")
            hostile.slow("a body, byte by byte", HOOK + AUTH +
                         "Content-Length: 100000\r\n\r\n", " ")
            hostile.slow("chunks, byte by byte", HOOK + AUTH +
                         "Transfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n")
            hostile.idle(count)
        cases.check("in the end only what was accepted is there",
                    end_problems(serving, good))
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
