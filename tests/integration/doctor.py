#!/usr/bin/env python3
"""Each thing that `nightshift doctor` looks at is seen wrong once.

A real serve fills a state directory: a run that sleeps, one delivery that
could not be read. Then copies of it are damaged, one way each, by sqlite3, by
chmod, or byte by byte, and the doctor must name what was done and nothing
else.

    doctor.py --nightshift PATH
"""

import fcntl
import json
import os
import pathlib
import resource
import shutil
import signal
import sqlite3
import struct
import subprocess
import tempfile

from lib.cases import Cases
from lib.engine import BARE, CREDENTIALS, EVENTS, from_arguments
from lib.serving import Serving, until

SETTINGS = """
  github = { url = double }, prometheus = { url = double },
  settle = "20ms", park_after = "150ms", limits = { connections = 100 },
"""


class Patient(Serving):
    def __init__(self, engine):
        super().__init__(engine, ["checkout"], "parked", SETTINGS)

    def __enter__(self):
        super().__enter__()
        self.double.ecs.add_service("prod", "checkout", 2)
        node = self.scripts / "nodes" / "set_and_park.lua"
        node.write_text(node.read_text().replace("ctx.sleep(0.2)",
                                                 "ctx.sleep(3600)"))
        return self.start()

    def surroundings(self):
        return {**BARE, **CREDENTIALS, "DOUBLE_URL": self.double.url,
                **{role.upper() + "_TOKEN": token
                   for role, token in self.roles.items()}}

    def examine(self, *words, state=None, config=None, env=None):
        return self.engine.start(
            "doctor", "--json", "--state", state or self.state, "--scripts",
            self.scripts, "--config", config or self.folder / "nightshift.lua",
            *words, env=env or self.surroundings())


def rows(walk, *states):
    """{check: [row]} of those in one of the states."""
    found = {}
    for row in walk.report.get("checks", []):
        if row["state"] in states:
            found.setdefault(row["check"], []).append(row)
    return found


def expects(cases, name, walk, wrong, part=""):
    """Exactly these checks are wrong, and one of their rows says so."""
    bad = rows(walk, "wrong")
    said = json.dumps(list(bad.values()))
    cases.check(name, [
        set(bad) != set(wrong) and walk.words(), part not in said and said,
        walk.code != (1 if wrong else 0) and walk.words(),
        [row for found in bad.values() for row in found
         if not all(row.get(key) for key in ("what", "where", "why", "next"))]])


def under_a_serve(cases, patient):
    walk = patient.examine()
    well = rows(walk, "ok")
    cases.check("a serve that has the directory is asked", [
        walk.code and walk.words(),
        not {"state_lock", "readiness", "ledger_occurrences",
             "ledger_deliveries"} <= set(well) and walk.words(),
        not {"store_integrity", "journals_open", "audit_chain"} <= set(
            rows(walk, "skipped")) and walk.words()])
    script = patient.scripts / "nodes" / "tell_people.lua"
    text = script.read_text()
    script.write_text("return {")
    until(lambda: any("reload refused" in line for line in patient.lines))
    walk = patient.examine()
    cases.check("what it says of itself is told", [
        "tell_people" not in json.dumps(rows(walk, "warning").get(
            "readiness")) and walk.words()])
    expects(cases, "and the file that it does not want", walk,
            ["configuration"], "tell_people.lua:1")
    script.write_text(text)


# --- ways to be ill ----------------------------------------------------------------

def query(state, *statements):
    database = sqlite3.connect(state / "nightshift.db")
    with database:
        changed = [database.execute(statement).rowcount
                   for statement in statements]
    database.close()
    return changed


def dump(state):
    with tempfile.TemporaryDirectory() as copy:
        for file in state.glob("nightshift.db*"):
            shutil.copy(file, copy)
        database = sqlite3.connect(pathlib.Path(copy) / "nightshift.db")
        try:
            return list(database.execute("SELECT * FROM records")) + list(
                database.execute("SELECT * FROM blobs"))
        finally:
            database.close()


def count_up(state, place):
    """The number at this place of the ledger's text."""
    database = sqlite3.connect(state / "nightshift.db")
    with database:
        text = database.execute("SELECT value FROM records WHERE key = "
                                "'main/ledger'").fetchone()[0]
        numbers = text.decode().split(" ")
        numbers[place] = str(int(numbers[place]) + 1)
        database.execute("UPDATE records SET value = ? WHERE key = "
                         "'main/ledger'", (" ".join(numbers).encode(),))
    database.close()


def overwrite_pages(state):
    query(state)
    with open(state / "nightshift.db", "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(4096 * 2)
        file.write(b"\xff" * (size - 4096 * 3))


SICK = [
    # what was done, by whom, what must be wrong, a word of it, more options
    ("a directory that others can open", lambda s: s.chmod(0o755),
     ["state_mode"], "mode 0755", []),
    ("a file that others can open",
     lambda s: (s / "nightshift.db").chmod(0o644), ["state_mode"],
     "mode 0644", []),
    ("a file of another user",
     lambda s: os.chown(s / "nightshift.db", 12345, -1), ["state_owner"],
     "12345", []),
    ("a database that is gone", lambda s: (s / "nightshift.db").unlink(),
     ["state_directory"], "is not there", []),
    ("no database at all",
     lambda s: (s / "nightshift.db").write_bytes(b"x" * 8192),
     ["store_integrity"], "not a store", []),
    ("pages that were overwritten", overwrite_pages, ["store_integrity"], "",
     []),
    ("a newer schema", lambda s: query(
        s, "UPDATE records SET value = x'39' WHERE key = 'meta/schema'"),
     ["store_schema"], "schema 9", []),
    ("a delivery that is accepted and nowhere", lambda s: count_up(s, 0),
     ["ledger_deliveries"], "3 accepted", []),
    ("a sighting that is counted and not there", lambda s: count_up(s, 9),
     ["ledger_occurrences"], "parked", []),
    ("a ledger that is none", lambda s: query(
        s, "UPDATE records SET value = x'78' WHERE key = 'main/ledger'"),
     ["ledger_occurrences"], "not a ledger", []),
    ("an occurrence that cannot be read", lambda s: query(
        s, "UPDATE records SET value = x'78' WHERE key LIKE"
        " 'main/occurrence/%'"), ["ledger_occurrences"], "cannot be read", []),
    ("a journal with a hole", lambda s: query(
        s, "DELETE FROM records WHERE key LIKE 'main/journal/%/0000000002'"),
     ["journals_open"], "entry 2", []),
    ("scripts of an open run that are gone",
     lambda s: query(s, "DELETE FROM records WHERE key LIKE 'main/bundle/%'",
                     "DELETE FROM blobs"), ["journals_open"], "", []),
    ("a blob with other bytes", lambda s: query(
        s, "UPDATE blobs SET bytes = x'00' WHERE hash ="
        " (SELECT min(hash) FROM blobs)"), ["store_integrity"], "blob",
     ["--full"]),
    ("an audit chain that was changed", lambda s: query(
        s, "DELETE FROM records WHERE key = 'main/audit/0000000001'"),
     ["audit_chain"], "", []),
]


def sick(cases, patient, folder):
    for number, (name, harm, wrong, part, more) in enumerate(SICK):
        state = folder / ("sick%d" % number)
        shutil.copytree(patient.state, state)
        query(state)  # one file, without a WAL beside it
        for file in state.iterdir():
            file.chmod(0o600)
        try:
            harm(state)
        except PermissionError as no:
            cases.skip(name, no)
            continue
        expects(cases, name, patient.examine(*more, state=state), wrong, part)


def ahead(cases, patient, folder):
    state = folder / "ahead"
    shutil.copytree(patient.state, state)
    query(state, "UPDATE records SET value = CAST(replace(CAST(value AS TEXT),"
          " '\"at\":', '\"at\":9') AS BLOB) WHERE key LIKE 'main/audit/%'")
    walk = patient.examine(state=state)
    cases.check("a clock that is behind what was recorded", [
        "ahead of the clock" not in json.dumps(
            rows(walk, "wrong").get("clock")) and walk.words()])


def held(cases, patient, folder):
    state = folder / "held"
    shutil.copytree(patient.state, state)
    with open(state / "lock", "w+") as lock:
        lock.write("%d\n" % os.getpid())
        lock.flush()
        fcntl.fcntl(lock, fcntl.F_OFD_SETLK, struct.pack(
            "hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        walk = patient.examine(state=state)
    cases.check("a directory that another process holds", [
        "process %d" % os.getpid() not in json.dumps(
            rows(walk, "warning").get("state_lock")) and walk.words(),
        walk.code and walk.words()])


def around(cases, patient, folder):
    expects(cases, "a directory that does not exist",
            patient.examine(state=folder / "none"), ["state_directory"])
    broken = folder / "broken.lua"
    broken.write_text("return {\n  lisen = 1,\n}\n")
    expects(cases, "a key that is not known",
            patient.examine(config=broken), ["configuration"], "lisen")
    env = patient.surroundings()
    token = env.pop("OPERATOR_TOKEN")
    walk = patient.examine(env=env)
    expects(cases, "a secret that is not there", walk, ["credentials"],
            "tokens.operator.secret")
    cases.check("and no secret is told (DO3)", [token in walk.out and "it is",
                                          env["INGEST_TOKEN"] in walk.out])
    small = subprocess.run(
        [patient.engine.binary, "doctor", "--json", "--state", patient.state,
         "--scripts", patient.scripts, "--config",
         patient.folder / "nightshift.lua"], env=patient.surroundings(),
        capture_output=True, check=False, preexec_fn=lambda:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)))
    warned = [row for row in json.loads(small.stdout)["checks"]
              if row["check"] == "file_limit"]
    cases.check("fewer descriptors than the limits may need", [
        [row["state"] for row in warned] != ["warning"] and warned])


def reach(cases, patient):
    before = len(patient.double.log)
    patient.examine()
    cases.check("nobody is asked without --reach", [
        len(patient.double.log) != before and patient.double.log[before:]])
    walk = patient.examine("--reach")
    cases.check("with it each endpoint is", [
        len(rows(walk, "ok").get("endpoints", [])) != 3 and walk.words(),
        walk.code and walk.words()])
    expects(cases, "one that does not answer is told", patient.examine(
        "--reach", env={**patient.surroundings(),
                        "DOUBLE_URL": "http://127.0.0.1:1"}),
        ["endpoints"], "127.0.0.1:1")


def explained(cases, patient, walk):
    names = {row["check"] for row in walk.report["checks"]}
    cases.check("explain knows each check", [
        name for name in names if patient.engine.start("explain", name).code])
    plain = patient.engine.start(
        "doctor", "--state", patient.state, "--scripts", patient.scripts,
        "--config", patient.folder / "nightshift.lua",
        env=patient.surroundings())
    cases.check("people get it in words", [
        plain.code and plain.words(), "Next: " not in plain.out and plain.out])


def main():
    engine, cases = from_arguments(__doc__), Cases()
    with Patient(engine) as patient, tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        patient.ask("POST", "/hooks/alertmanager",
                    (EVENTS / "firing.json").read_bytes())
        patient.ask("POST", "/hooks/alertmanager", b'{"no": "alert"}')
        until(lambda: patient.metrics().states().get("parked") and
              patient.metrics().value("nightshift_deliveries_kept",
                                      'state="unparsed"'))
        under_a_serve(cases, patient)
        patient.stop(signal.SIGKILL)
        before = dump(patient.state)
        walk = patient.examine("--full")
        expects(cases, "a sound directory is, also behind a kill", walk, [])
        cases.check("what needs a look is a warning", [
            "deliveries_unparsed" not in rows(walk, "warning") and
            walk.words()])
        cases.check("and what is kept is what was kept (DO1)", [
            dump(patient.state) != before and "it was changed"])
        explained(cases, patient, walk)
        sick(cases, patient, folder)
        ahead(cases, patient, folder)
        held(cases, patient, folder)
        around(cases, patient, folder)
        reach(cases, patient)
    return cases.end()


if __name__ == "__main__":
    main()
