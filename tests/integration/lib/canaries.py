"""canaries.py - secrets that must be found nowhere.

Every secret that a test hands to the engine is a canary. Each process that
lib/engine.py starts is searched when it has ended: what it printed, what it
logged, and every file of its state directory, for each canary as it is, in
base64 (at all three offsets, both alphabets) and percent-encoded. What is
found fails the script at its end, so that every artefact of the whole test
run is looked at where it is made. (N11)
"""

import base64
import pathlib
import threading
import urllib.parse

# Variables that hold secrets; so does every one that begins with CANARY_.
NAMES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GITHUB_TOKEN",
         "PROMETHEUS_TOKEN", "OPENAI_API_KEY", "ANTHROPIC_API_KEY",
         "AWS_CONTAINER_AUTHORIZATION_TOKEN", "GITHUB_APP_PRIVATE_KEY")
SHORTEST = 8

_lock = threading.Lock()
_planted = {}
_looked_at = 0
_leaks = []


def _base64_forms(value):
    for offset in range(3):
        # Characters that neighbouring bytes have a hand in are cut off.
        padded = b"\0" * offset + value
        usable = len(padded) // 3 * 3
        text = base64.b64encode(padded[:usable])[4 if offset else 0:]
        if len(text) >= SHORTEST:
            yield text
            yield text.replace(b"+", b"-").replace(b"/", b"_")


def forms(value):
    raw = value.encode()
    yield raw
    yield urllib.parse.quote(value, safe="").encode()
    yield from _base64_forms(raw)


def plant(name, value):
    """From now on this value is looked for. Lines of a key are, one by one."""
    with _lock:
        for line in value.splitlines():
            if len(line) >= SHORTEST and not line.startswith("-----"):
                _planted[line] = name


def plant_environment(env):
    for name, value in env.items():
        if name in NAMES or name.startswith("CANARY_"):
            plant(name, value)


def look(where, data):
    """Searches bytes that the engine made."""
    global _looked_at
    with _lock:
        _looked_at += 1
        for value, name in _planted.items():
            for form in set(forms(value)):
                if form in data:
                    at = data.index(form)
                    _leaks.append("%s is in %s, as %r" % (
                        name, where, data[max(0, at - 60):at + 12]))


def look_at_folder(folder):
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.is_file():
            look(str(path), path.read_bytes())


def result():
    """How much was looked at, and every leak as a sentence."""
    with _lock:
        return _looked_at if _planted else 0, sorted(set(_leaks))
