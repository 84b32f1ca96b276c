#!/usr/bin/env python3
"""What is no notification is refused with a code, in words, with exit 2.

tests/fixtures/events/events.json lists the files and the code for each; its
generate.py makes the ones that are too large to keep. Each is given as a file
and on standard input, with a fixture world behind it that must not be asked.
A few more are made here: bytes that a reader in C could stumble over.

    malformed_events.py --nightshift PATH
"""

import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from lib.cases import Cases                                   # noqa: E402
from lib.engine import EVENTS, FIXTURES, ROOT, from_arguments # noqa: E402

MALFORMED = FIXTURES / "events"
WORLD = FIXTURES / "worlds" / "crash_loop"
SCRIPTS = ROOT / "scripts"


def more(raw):
    """name, code, bytes"""
    yield "nul byte in a text", "json_syntax", raw.replace(
        b"checkout", b"check\0out")
    yield "byte order mark", "json_syntax", b"\xef\xbb\xbf" + raw
    yield "UTF-16", "json_utf8", raw.decode().encode("utf-16")
    yield "lone surrogate", "json_syntax", raw.replace(
        b"checkout", rb"check\ud800out")
    yield "overlong UTF-8", "json_utf8", raw.replace(
        b"checkout", b"check\xc0\xafout")
    yield "NaN", "json_syntax", raw.replace(b'"truncatedAlerts":0',
                                            b'"truncatedAlerts":NaN')
    yield "a text without end", "json_truncated", b'{"version":"4'
    yield "10,000 objects deep", "json_depth", (
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000)
    yield "10,000 levels inside a label", "json_depth", raw.replace(
        b'"annotations":{', b'"annotations":{"deep":' + b"[" * 10_000 +
        b"]" * 10_000 + b",", 1)
    yield "a duplicate key in a label", "json_duplicate", raw.replace(
        b'"service":"checkout"', b'"service":"checkout","service":"basket"', 1)
    yield "10 MiB of blanks", "json_size", b" " * (10 << 20) + raw


def problems(walk, code):
    if walk.code != 2:
        yield "exit %s, expected 2\n%s" % (walk.code, walk.words()[:900])
        return
    error = walk.report.get("error", {})
    if walk.report.get("schema") != "nightshift.error/1":
        yield "no error object on standard output: %s" % walk.out[:300]
    if error.get("code") != code:
        yield "code %s, expected %s: %s" % (error.get("code"), code,
                                            error.get("text"))
    if len(error.get("text", "")) < 10 or len(error.get("text", "")) > 2000:
        yield "no words: %r" % error.get("text")


def plain_problems(walk, code):
    """For people: the code and the words on standard error."""
    if walk.code != 2:
        yield "exit %s, expected 2" % walk.code
    if walk.out:
        yield "something on standard output: %r" % walk.out[:200]
    if code not in walk.err:
        yield "standard error does not name %s: %r" % (code, walk.err[:300])


def try_one(engine, cases, name, code, path):
    arguments = ["run", "self_heal", "--fixtures", WORLD, "--scripts", SCRIPTS]
    walk = engine.start(*arguments, "--event", path, "--json")
    cases.check(name + " as a file", problems(walk, code))
    walk = engine.start(*arguments, "--event", "-", "--json",
                        stdin=path.read_bytes())
    cases.check(name + " on standard input", problems(walk, code))
    walk = engine.start(*arguments, "--event", path)
    cases.check(name + " for people", plain_problems(walk, code))


def main():
    engine, cases = from_arguments(__doc__), Cases()
    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder)
        subprocess.run([sys.executable, MALFORMED / "generate.py", "--into",
                        made], check=True, timeout=60)
        listed = json.loads((MALFORMED / "events.json").read_text())
        for row in listed:
            kept = MALFORMED / row["file"]
            path = made / row["file"] if row.get("generated") else kept
            try_one(engine, cases, row["file"], row["code"], path)
        for name, code, data in more((EVENTS / "firing.json").read_bytes()):
            path = made / "more.json"
            path.write_bytes(data)
            try_one(engine, cases, name, code, path)
    missing = engine.start("run", "self_heal", "--fixtures", WORLD, "--event",
                           "/nonexistent.json", "--json", "--scripts", SCRIPTS)
    cases.check("a file that is not there", [
        missing.code not in (1, 2) and missing.words(),
        not missing.report.get("error") and "no error object"])
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
