#!/usr/bin/env python3
"""serve_retention.py - what is old goes while the service runs.

Under load with short limits the store stops growing, the ledger stays exact,
no list shows half of anything and a start finds all in order. An alert that
fires on and on has one run, however often its records were cut. A start and a
list read as little of a long history as of a short one.

    serve_retention.py --nightshift PATH
"""

import json
import pathlib
import sqlite3
import sys
import time

from lib.cases import Cases
from lib.engine import from_arguments
from lib.serving import Serving, until
from serve_storm import Sender, alert, notification

SERVICES = ["service-%03d" % i for i in range(150)]
LIMITS = """retention = {
  runs = { age = "1s", count = %d },
  deliveries = { age = "1s", count = %d },
  unparsed = { age = "1s", count = 10 },
  occurrences = { age = "%s" },
},"""
ROUND = 700         # alerts
ROUNDS = 4
LARGE = 100_000     # bytes of an annotation: the body is a blob
HISTORY, RECORDS = 4000, 12
READ_MAX = 1_000_000
# The audit chain stays; all else is less, in bytes.
AUDIT_RECORD, REST = 500, 3_000_000


class Aging(Serving):
    def give(self, settings):
        """Other settings, by a reload."""
        path = self.folder / "nightshift.lua"
        path.write_text(path.read_text().replace(self.settings, settings))
        self.settings = settings
        return self.ask("POST", "/-/reload", token=self.roles["operator"])

    def answer(self, path):
        status, text = self.ask("GET", "/api/v1/" + path,
                                token=self.roles["operator"])
        return status, json.loads(text)

    def kept(self, kind):
        return self.metrics().value("nightshift_retention_kept",
                                    'kind="%s"' % kind)

    def cut(self, kind):
        return self.metrics().value("nightshift_retention_cut_total",
                                    'kind="%s"' % kind)

    def ready(self):
        return until(lambda: self.ask("GET", "/readyz")[0] == 200)

    def bytes_read(self):
        text = pathlib.Path("/proc/%d/io" % self.child.pid).read_text()
        return int(text.split("rchar: ")[1].split()[0])

    def rest(self):
        """Bytes in use, without the audit chain."""
        metrics = self.metrics()
        return (metrics.value("nightshift_store_bytes") -
                metrics.value("nightshift_store_free_bytes") -
                metrics.value("nightshift_audit_length") * AUDIT_RECORD)

    def send(self, bodies):
        sender = Sender(self.port)
        sender.send_all(bodies)
        return sender.problems


def bodies(number):
    """One alert each, of services in turn; every 50th is large."""
    for i in range(number * ROUND, (number + 1) * ROUND):
        one = alert("%016x" % i, {"service": SERVICES[i % len(SERVICES)],
                                  "cluster": "prod"}, i)
        if i % 50 == 0:
            one["annotations"] = {"summary": chr(97 + i // 50 % 26) * LARGE}
        yield notification(one)


# --- what must be true of the rows -------------------------------------------

def row_problems(state):
    """Nothing refers to what is gone, and nothing is left that nobody names."""
    database = sqlite3.connect(pathlib.Path(state) / "nightshift.db")
    rows = dict(database.execute("SELECT key, value FROM records"))
    lengths = dict(database.execute(
        "SELECT key, version FROM records WHERE value IS NULL"))
    blobs = {hash for hash, in database.execute("SELECT hash FROM blobs")}
    (sound,), = database.execute("PRAGMA integrity_check(1)")
    database.close()

    def under(prefix):
        return {key[len(prefix):]: rows[key] for key in rows
                if key.startswith(prefix)}

    runs, entries = under("main/run/"), under("main/journal/")
    streams = {key for key in entries if "/" not in key}
    left = under("main/cut/")
    for run in runs:
        length = lengths.get("main/journal/" + run, 0)
        there = sum(key.startswith(run + "/") for key in entries)
        if length != there or not length:
            yield "run %s has %d of %d records" % (run, there, length)
    yield from ("a journal of no run: " + stream for stream in streams
                if stream not in runs and stream not in left)
    yield from ("a record of no journal: " + key for key in entries
                if key.partition("/")[0] not in streams)
    for incident, value in under("main/incident/").items():
        gone = [run for run in json.loads(value)["runs"] if run not in runs]
        if gone or not json.loads(value)["runs"]:
            yield "%s names runs that are gone: %s" % (incident, gone)
    for run, value in runs.items():
        incident = json.loads(value).get("incident", {}).get("id")
        if incident and "main/incident/" + incident not in rows:
            yield "%s is of an incident that is gone" % run
    owners = under("main/blob/")
    named = {key.partition("/")[0] for key in owners}
    if named != blobs:
        yield "%d blobs are named and %d are there" % (len(named), len(blobs))
    for owner in (key.partition("/")[2] for key in owners):
        if owner != "bundle" and "main/delivery/" + owner not in rows and \
                "main/journal/" + owner not in rows:
            yield "a blob is kept for %s, which is gone" % owner
    counts = [int(word) for word in rows["main/ledger"].split()]
    for name, kept, there in (
            ("deliveries", counts[0] - counts[17], under("main/delivery/")),
            ("runs", counts[18] - counts[19], runs)):
        if kept != len(there):
            yield "the ledger keeps %d %s and %d are there: %s" % (
                kept, name, len(there), counts)
    for hash in under("main/dedup/").values():
        if "main/delivery/" + hash.decode() not in rows:
            yield "repeats are known of %s, which is gone" % hash
    if sound != "ok":
        yield sound


# --- the cases ----------------------------------------------------------------

def list_problems(serve):
    """Everything that a list shows can be asked for, or went just now."""
    for name in ("runs?state=all&limit=200", "runs?state=open", "incidents",
                 "deliveries"):
        status, answer = serve.answer(name)
        if status != 200:
            yield "%s: %d %s" % (name, status, answer)
    for entry in serve.answer("runs?limit=20")[1]["runs"]:
        status, answer = serve.answer("runs/" + entry["run"])
        if status == 404:
            continue
        if status != 200 or entry["state"] == "ended" and \
                "report" not in answer:
            yield "%s: %d %s" % (entry["run"], status, answer)


def stands_still(serve, sent, runs, deliveries):
    """All is over and what is too much is gone."""
    serve.settled(sent)
    return until(lambda: serve.kept("run") <= runs and
                 serve.kept("delivery") <= deliveries and
                 serve.metrics().value("nightshift_store_bytes") and
                 serve.rest() < REST)


def check_load(cases, engine):
    with Aging(engine, SERVICES, settings=LIMITS % (40, 40, "3s")) as serve:
        serve.start()
        problems, sizes = [], []
        for number in range(ROUNDS):
            problems += serve.send(bodies(number))
            problems += list_problems(serve)
            if not stands_still(serve, (number + 1) * ROUND, 40, 40):
                problems.append(
                    "round %d: %d runs, %d deliveries, %d bytes stay" % (
                        number, serve.kept("run"), serve.kept("delivery"),
                        serve.rest()))
            metrics = serve.metrics()
            sizes.append([int(metrics.value("nightshift_store_" + name)) for
                          name in ("bytes", "free_bytes")])
        sent = ROUNDS * ROUND
        print("the file and what is free in it, after each round of %d runs: "
              "%s" % (ROUND, sizes))
        cases.check("what is kept stops growing, and lists are whole while "
                    "it is cut", problems)
        check_ledger(cases, serve, sent)
        cases.check("occurrences are forgotten in time", [
            not until(lambda: serve.cut("occurrence") == sent) and
            "%d of %d" % (serve.cut("occurrence"), sent)])
        cases.check("a sweep tells what it cut", [
            not any("old records cut" in line for line in serve.lines) and
            serve.said()])
        check_restart(cases, engine, serve, sent)


def check_ledger(cases, serve, sent):
    metrics = serve.metrics()
    ledger = until(lambda: (lambda now: now["runs"]["begun"] - now["runs"][
        "kept"] == serve.cut("run") and now)(serve.answer("ledger")[1])) or \
        serve.answer("ledger")[1]
    ended = sum(metrics.values("nightshift_runs_ended_total").values())
    cases.check("the ledger is exact when most of it was cut (N2)", [
        *metrics.ledger_problems(sent),
        ledger["deliveries"]["parsed"] != sent and ledger,
        ledger["runs"]["begun"] != ended and (ledger, ended),
        ledger["runs"]["begun"] - ledger["runs"]["kept"] !=
        serve.cut("run") and (ledger, serve.cut("run")),
        serve.cut("blob") == 0 and "no blob went"])


def check_restart(cases, engine, serve, sent):
    stopped = serve.stop()
    cases.check("nothing is left dangling", [
        stopped != 0 and serve.said(), *row_problems(serve.state)])
    verified = engine.start("audit", "verify", "--state", str(serve.state))
    cases.check("the audit chain stays (N13)", [
        verified.code != 0 and verified.words()])
    serve.start()
    problems = serve.send([notification(alert("ffff", {
        "service": SERVICES[0], "cluster": "prod"}))])
    metrics = serve.settled(sent + 1)
    cases.check("a start goes on with what is kept", [
        *problems, *metrics.ledger_problems(sent + 1), *list_problems(serve),
        serve.stop() != 0 and serve.said(), *row_problems(serve.state)])


def check_firing(cases, engine):
    """Sent on and on in the same bytes, as Alertmanager does."""
    with Aging(engine, SERVICES[:1], settings=LIMITS % (1, 1, "2s")) as serve:
        serve.start()
        body = notification(alert("abcd", {"service": SERVICES[0],
                                           "cluster": "prod"}))
        problems = []

        def long_enough():
            problems.extend(serve.send([body]))
            time.sleep(0.1)     # it is not sent faster
            metrics = serve.metrics()
            return serve.cut("run") and serve.cut("delivery") > 12 and metrics
        metrics = until(long_enough) or serve.metrics()
        ledger = serve.answer("ledger")[1]
        cases.check("an alert that fires on has one run (N2)", [
            *problems, ledger["runs"]["begun"] != 1 and ledger,
            ledger["runs"]["kept"] != 0 and ledger,
            serve.cut("delivery") <= 12 and metrics.text[-2000:],
            serve.cut("occurrence") and "it was forgotten",
            sum(metrics.states().values()) != metrics.seen() and
            metrics.states()])
        gone = until(lambda: serve.cut("occurrence") == 1)
        problems = serve.send([body])
        again = until(lambda: serve.answer("ledger")[1]["runs"]["begun"] == 2)
        cases.check("one that was silent for long enough is a new one", [
            *problems, not gone and "it was not forgotten",
            not again and serve.answer("ledger")[1]])


def check_reload(cases, engine):
    with Aging(engine, SERVICES[:9], settings=(LIMITS % (50, 50, "1h")).replace(
            '"1s"', '"1h"')) as serve:
        serve.start()
        serve.send(list(bodies(0))[:9])
        serve.settled(9)
        refused = serve.give('retention = { runs = { age = "0s" } },')
        cases.check("a limit that is none is refused with its key", [
            refused[0] != 409 and refused,
            "retention.runs.age" not in refused[1] and refused[1]])
        taken = serve.give(LIMITS % (2, 3, "1h"))
        fewer = until(lambda: serve.kept("run") == 2 and
                      serve.kept("delivery") == 3)
        cases.check("a reload changes what is kept", [
            taken[0] != 200 and taken,
            not fewer and (serve.kept("run"), serve.kept("delivery"))])


def make_history(state):
    """Many runs like the one that is there."""
    database = sqlite3.connect(state / "nightshift.db")
    (key, value), = database.execute(
        "SELECT key, value FROM records WHERE key GLOB 'main/run/*'")
    run, entry = key[9:], json.loads(value)
    entry["incident"]["annotations"] = {"summary": "x" * 2000}
    rows = []
    for i in range(HISTORY):
        name = run[:-5] + "%05d" % i
        rows.append(("main/run/" + name, 1,
                     json.dumps({**entry, "run": name}).encode()))
        rows.append(("main/journal/" + name, RECORDS, None))
        rows += [("main/journal/%s/%010d" % (name, n), 1,
                  json.dumps({"kind": "read", "at": entry["at"],
                              "answer": "y" * 300}).encode())
                 for n in range(1, RECORDS + 1)]
    database.executemany("INSERT OR IGNORE INTO records VALUES (?, ?, ?)",
                         rows)
    database.commit()
    database.close()
    return (state / "nightshift.db").stat().st_size


def check_start(cases, engine):
    with Aging(engine, SERVICES[:1]) as serve:
        serve.start()
        serve.send(list(bodies(0))[:1])
        serve.settled(1)
        serve.stop()
        read = []
        for _ in range(2):
            serve.start().ready()
            began = serve.bytes_read()
            status, answer = serve.answer("runs?limit=50")
            read.append((began, serve.bytes_read() - began))
            serve.stop()
            if len(read) == 1:
                size = make_history(serve.state)
        print("read at a start and for a list: %d and %d bytes of few runs, "
              "%d and %d of %d in %d" % (*read[0], *read[1], HISTORY, size))
        cases.check("a start reads no more of a long history", [
            read[1][0] - read[0][0] > READ_MAX and read])
        cases.check("a list reads what it shows", [
            status != 200 and answer, answer.get("count") != 50 and answer,
            not answer.get("more") and "it does not say that there is more",
            read[1][1] > READ_MAX and read])


def main():
    engine, cases = from_arguments(__doc__), Cases()
    check_load(cases, engine)
    check_firing(cases, engine)
    check_reload(cases, engine)
    check_start(cases, engine)
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
