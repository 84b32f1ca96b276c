#!/usr/bin/env python3
"""serve_storm.py - more at once than anybody sends on a good day.

One notification with 10,000 alerts, 10,000 notifications on 64 connections,
one alert that flaps 500 times. A sender repeats what was answered with 503 and
nothing else is ever answered but 202; afterwards the ledger is exact, and no
occurrence has two runs.

    serve_storm.py --nightshift PATH
"""

import http.client
import json
import pathlib
import sys
import threading
import time

from lib.cases import Cases
from lib.engine import EVENTS, from_arguments
from lib.serving import DEADLINE_S, TOKEN, Kept, Serving

MATCHED, LARGE = 300, 10000
SENDERS, SMALL = 64, 10000
FLAPS = 500
PEAK_MB = 256

BEGAN = "2026-11-23T01:%02d:%02d.%03dZ"
ALERT = json.loads((EVENTS / "firing.json").read_text())["alerts"][0]


def alert(key, labels, at=0, status="firing"):
    """`at` is in milliseconds, of at most an hour."""
    return {**ALERT, "fingerprint": key, "status": status,
            "startsAt": BEGAN % (at // 60000, at // 1000 % 60, at % 1000),
            "labels": {"alertname": "Storm", **labels}}


def notification(*alerts):
    return json.dumps({"version": "4", "status": "firing", "receiver": "n",
                       "alerts": alerts}).encode()


class Sender:
    """One connection, opened anew whenever it was closed."""

    def __init__(self, port):
        self.port, self.connection = port, None
        self.again, self.problems = 0, []

    def once(self, body):
        if not self.connection:
            self.connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=DEADLINE_S)
        self.connection.request("POST", "/hooks/alertmanager", body, {
            "Authorization": "Bearer " + TOKEN,
            "Content-Type": "application/json"})
        answer = self.connection.getresponse()
        answer.read()
        return answer

    def send(self, body):
        """Until it was accepted, or refused for good."""
        while True:
            answer = self.once(body)
            if answer.status == 202:
                return True
            if answer.status != 503 or not answer.getheader("Retry-After"):
                self.problems.append("answered %d" % answer.status)
                return False
            self.again += 1
            time.sleep(0.1)     # what the sender is asked for, but shorter

    def send_all(self, bodies):
        try:
            for body in bodies:
                self.send(body)
        except (OSError, http.client.HTTPException) as error:
            self.problems.append(repr(error))
        finally:
            if self.connection:
                self.connection.close()


def send_together(port, bodies, senders):
    """The bodies, dealt to as many connections."""
    all_of = [Sender(port) for _ in range(senders)]
    threads = [threading.Thread(target=sender.send_all,
                                args=(bodies[i::senders],))
               for i, sender in enumerate(all_of)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (sum(sender.again for sender in all_of),
            [problem for sender in all_of for problem in sender.problems][:5])


class Storm:
    """A service, and what was sent to it so far."""

    def __init__(self, cases, serving):
        self.cases, self.serving, self.sent = cases, serving, 0

    def send(self, name, bodies, occurrences, senders, **expected):
        began = time.monotonic()
        again, problems = send_together(self.serving.port, bodies, senders)
        told = time.monotonic()
        self.sent += occurrences
        metrics = self.serving.settled(self.sent)
        print("%s: answered after %.1f s, settled after %.1f s, %d came "
              "again, peak %.0f MiB" % (name, told - began,
                                        time.monotonic() - began, again,
                                        self.serving.peak_mb()), flush=True)
        self.cases.check(name, [
            *problems, *metrics.ledger_problems(self.sent, **expected),
            not metrics.seen() and self.serving.said()])


def large_one():
    return [notification(*(
        alert("matched-%d" % i, {"service": "s%d" % i, "cluster": "prod"})
        if i < MATCHED else alert("other-%d" % i, {"host": "h%d" % i})
        for i in range(LARGE)))]


def flapping():
    """Each time it begins it is another occurrence of the same alert."""
    for flap in range(FLAPS):
        for status in ("firing", "resolved"):
            yield notification(alert(
                "flaps", {"service": "flapping", "cluster": "prod"},
                flap * 1000, status))


def under_sanitizers(serving):
    """What is freed stays in their quarantine: memory says nothing then."""
    return b"__asan_init" in pathlib.Path(serving.engine.binary).read_bytes()


def end_problems(serving, sent):
    metrics, peak = serving.metrics(), serving.peak_mb()
    code = serving.stop()
    kept = Kept(serving.state)
    first = [one for one in kept.occurrences() if one["key"] != "flaps"]
    ended = {one["state"] for one in kept.occurrences()}
    runs = kept.runs()
    print("peak %.0f MiB, %d runs" % (peak, len(runs)), flush=True)
    if code != 0:
        yield "SIGTERM: exit %s\n%s" % (code, serving.said())
    if peak >= PEAK_MB and not under_sanitizers(serving):
        yield "%.0f MiB at most were in memory" % peak
    yield from metrics.ledger_problems(sent)
    if len(first) != LARGE + SMALL:
        yield "%d occurrences are kept" % len(first)
    if ended & {"waiting", "running", "parked", "attached"}:
        yield "occurrences are %s" % ended
    if [run["run"] for run in runs if run["state"] != "ended"]:
        yield "runs did not end"
    leads = [one["run"] for one in first if one.get("run")]
    if len(leads) != MATCHED or len(set(leads)) != MATCHED:
        yield "%d occurrences have %d runs" % (len(leads), len(set(leads)))
    if len(runs) > MATCHED + FLAPS:
        yield "%d runs" % len(runs)


def main():
    engine, cases = from_arguments(__doc__), Cases()
    services = ["s%d" % i for i in range(MATCHED)] + ["flapping"]
    with Serving(engine, services) as serving:
        storm = Storm(cases, serving.start())
        storm.send("one notification with 10,000 alerts", large_one(), LARGE,
                   1, done=MATCHED, unmatched=LARGE - MATCHED)
        storm.send("10,000 notifications on 64 connections", [
            notification(alert("small-%d" % i, {"host": "x%d" % i}))
            for i in range(SMALL)], SMALL, SENDERS,
            done=MATCHED, unmatched=LARGE - MATCHED + SMALL)
        storm.send("an alert that flaps 500 times", list(flapping()),
                   2 * FLAPS, 1)
        cases.check("the ledger is exact, and nothing has two runs",
                    end_problems(serving, storm.sent))
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
