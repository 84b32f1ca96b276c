"""systemd_unit.py - the unit file, judged by systemd itself.

`systemd-analyze verify` must have nothing to say of docs/systemd/, and its
offline score of exposure must stay below 2.0 (0 is best, 10 worst). No service
is started here.

Usage: python tests/integration/systemd_unit.py
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from lib.cases import Cases

UNIT = (pathlib.Path(__file__).resolve().parents[2] /
        "docs/systemd/nightshift.service")
MOST = 2.0


def analyze(*words):
    run = subprocess.run(["systemd-analyze", "--no-pager"] + list(words),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         timeout=60)
    return run.returncode, run.stdout.decode()


def verify(directory):
    """The program is not where the unit will find it, so another stands in."""
    text = UNIT.read_text().replace("/usr/local/bin/nightshift", "/bin/true")
    copy = pathlib.Path(directory) / UNIT.name
    copy.write_text(text)
    status, said = analyze("verify", "--man=no", str(copy))
    if status or said:
        yield "status %d: %s" % (status, said)


def exposure():
    status, said = analyze("security", "--offline=yes", str(UNIT))
    score = re.search(r"exposure level for \S+: ([0-9.]+)", said)
    if status or not score:
        yield "status %d: %s" % (status, said[-500:])
    elif float(score.group(1)) >= MOST:
        yield "its exposure is %s, not below %s" % (score.group(1), MOST)


def main():
    cases = Cases()
    if not shutil.which("systemd-analyze"):
        cases.skip("the unit file", "systemd-analyze is not installed")
        return cases.end()
    with tempfile.TemporaryDirectory() as directory:
        cases.check("verify has nothing to say", verify(directory))
    cases.check("the exposure is low", exposure())
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
