"""engine.py - starts nightshift, waits for it, reads what it said."""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess

from lib import canaries

ROOT = pathlib.Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "tests" / "fixtures"
EVENTS = FIXTURES / "alertmanager"

# Nothing of the machine's own environment reaches the process but what a
# sanitizer is told, and no credentials of the machine's own either.
BARE = {"PATH": "/usr/bin:/bin", "NO_COLOR": "1", "LC_ALL": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
        **{name: value for name, value in os.environ.items()
           if name == "TSAN_OPTIONS"}}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE000000000",
               "AWS_SECRET_ACCESS_KEY": "secret-of-a-double-and-no-other",
               "AWS_REGION": "eu-central-1",
               "GITHUB_TOKEN": "ghp_of-a-double-and-no-other"}


class Walk:
    """One process that has ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        found = re.search(r"\brun_[0-9A-Z]{26}\b", err)
        self.run = found and found[0]

    @property
    def killed(self):
        return self.code == -signal.SIGKILL

    @property
    def report(self):
        try:
            return json.loads(self.out)
        except ValueError:
            return {}

    @property
    def outcome(self):
        return self.report.get("outcome")

    def path(self):
        return ["%s:%s" % (step["node"], step["outcome"])
                for step in self.report.get("path", [])]

    def passages(self):
        """Of a run with NIGHTSHIFT_FAULT=count: name -> how often."""
        return {name: int(count) for name, count in
                re.findall(r"^fault (\S+) (\d+)$", self.err, re.M)}

    def words(self):
        return "exit %s\nstdout %s\nstderr %s" % (
            self.code, self.out[-1500:], self.err[-1500:])


class Engine:
    def __init__(self, binary):
        self.binary = str(pathlib.Path(binary).resolve())

    def is_sanitized(self):
        """With what a sanitizer keeps beside it, memory is no measure."""
        code = pathlib.Path(self.binary).read_bytes()
        return b"__tsan_init" in code or b"__asan_init" in code

    def start(self, *arguments, env=None, stdin=None, seconds=30):
        """A process that outlives its time is ended and has no exit code."""
        words = [str(word) for word in arguments]
        # The binary of the sanitizers has none beside it.
        if words[0] in ("call", "run") and not {"--scripts", "--resume"} & set(
                words):
            words += ["--scripts", str(ROOT / "scripts")]
        try:
            done = subprocess.run(
                [self.binary, *words], cwd="/",
                env={**BARE, **(env or {})}, input=stdin or b"",
                capture_output=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired as late:
            return Walk(None, "", "still running after %d s\n%s" % (
                seconds, (late.stderr or b"").decode(errors="replace")))
        self.look(done, words, env or {})
        return Walk(done.returncode, done.stdout.decode(errors="replace"),
                    done.stderr.decode(errors="replace"))

    @staticmethod
    def look(done, words, env):
        """Nothing that a process leaves behind has a secret in it."""
        canaries.plant_environment(env)
        canaries.look("standard output", done.stdout)
        canaries.look("standard error", done.stderr)
        if "--state" in words:
            canaries.look_at_folder(words[words.index("--state") + 1])


def from_arguments(about):
    parser = argparse.ArgumentParser(description=about.split("\n")[0])
    parser.add_argument("--nightshift", required=True, metavar="PATH",
                        help="the binary to test")
    return Engine(parser.parse_args().nightshift)
