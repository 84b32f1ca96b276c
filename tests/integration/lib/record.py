"""record.py - reads a state directory from outside, and proves it.

Works on a copy, so that looking never checkpoints what a killed process left
behind. The hash rule is the one that core/store/audit.h states.
"""

import hashlib
import json
import pathlib
import re
import shutil
import sqlite3
import tempfile

HASH = re.compile(r'"hash":"([0-9a-f]{64})",')


class Record:
    """The journal of one run and the audit chain of its store."""

    def __init__(self, state, run=None):
        self.rows = {}
        with tempfile.TemporaryDirectory() as copy:
            for file in pathlib.Path(state).glob("nightshift.db*"):
                shutil.copy(file, copy)
            database = sqlite3.connect(pathlib.Path(copy) / "nightshift.db")
            self.rows = {key: (version, value) for key, version, value in
                         database.execute("SELECT key, version, value FROM "
                                          "records ORDER BY key")}
            database.close()
        self.journal = self.stream("main/journal/%s" % run) if run else []

    def texts(self, stream):
        return [value.decode() for key, (_, value) in self.rows.items()
                if key.startswith(stream + "/")]

    def stream(self, stream):
        return [json.loads(text) for text in self.texts(stream)]

    def of_kind(self, *kinds):
        return [record for record in self.journal if record["kind"] in kinds]

    def unknown(self):
        """Intents without a result: nobody knows how they ended."""
        ended = {record["slot"] for record in self.of_kind("result")}
        return [record for record in self.of_kind("intent")
                if record["slot"] not in ended]

    def entry(self, run):
        return json.loads(self.rows["main/run/%s" % run][1])

    def holds(self):
        return [key for key in self.rows if key.startswith("main/key/")]

    # --- what must always be true ----------------------------------------

    def chain_problems(self):
        texts, before = self.texts("main/audit"), "0" * 64
        length = self.rows.get("main/audit", (0, None))[0]
        if length != len(texts):
            yield "audit: length %d, %d records" % (length, len(texts))
        for number, text in enumerate(texts, 1):
            record, hashed = json.loads(text), HASH.sub("", text, count=1)
            if record["seq"] != number:
                yield "audit record %d says %d" % (number, record["seq"])
            if record["prev"] != before:
                yield "audit record %d names another before it" % number
            if hashlib.sha256(hashed.encode()).hexdigest() != record["hash"]:
                yield "audit record %d does not have its hash" % number
            before = record["hash"]

    def intent_problems(self, requests):
        """(N6) What reached the server was written down before, and audited;
        `requests` are the double's entries of writes: effect, args, at."""
        intents = list(self.of_kind("intent"))
        audited = {record.get("slot") for record in self.stream("main/audit")
                   if record["kind"] == "intent"}
        for effect, args, at in requests:
            found = [intent for intent in intents
                     if intent["effect"] == effect and intent["at"] <= at and
                     same_args(intent["args"], args)]
            if not found:
                yield "%s %s was sent without an intent" % (effect, args)
            elif not any(intent["slot"] in audited for intent in found):
                yield "the intent of %s is not in the audit chain" % effect
        known = {intent["slot"] for intent in intents}
        for result in self.of_kind("result"):
            if result["slot"] not in known and "how" in result:
                yield "result without an intent: %s" % result["slot"]


def same_args(asked, sent):
    """A request is the intent's arguments, and perhaps a token; what stood in
    its path came back as text."""
    sent = {name: str(value) for name, value in sent.items()
            if name != "clientToken" or name in asked}
    return sent == {name: str(value) for name, value in asked.items()}
