"""cases.py - what passed, what failed and why, and the last line."""

import sys
import threading

from lib import canaries


class Cases:
    """Results of one script. Threads may share it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.passed = self.failed = self.skipped = 0

    def check(self, name, problems):
        """`problems` is a list of sentences; empty means passed."""
        problems = [str(problem) for problem in problems if problem]
        with self.lock:
            if not problems:
                self.passed += 1
                return True
            self.failed += 1
            print("FAIL  " + name)
            for problem in problems:
                print("      " + problem.replace("\n", "\n      "))
            sys.stdout.flush()
            return False

    def skip(self, name, why):
        with self.lock:
            self.skipped += 1
            print("SKIP  %s: %s" % (name, why), flush=True)

    def end(self):
        looked_at, leaks = canaries.result()
        if looked_at:
            self.check("no secret in %d artefacts (N11)" % looked_at, leaks)
        print("%d passed, %d failed, %d skipped" % (
            self.passed, self.failed, self.skipped), flush=True)
        return 1 if self.failed else 0
