#!/usr/bin/env python3
"""docs/operations.md does what it says.

Its `sh` blocks are made one script in which every line stands where it stands
in the page, and bash runs that in a folder of its own: a home and a state that
are temporary, and a free port in place of 127.0.0.1:8080. A command that fails
is reported with its line; it passes when the line ends in `# exit N` and that
is how it ended. A line that announces a failure and does not fail is as wrong.

    operations_page.py --nightshift PATH
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from lib.cases import Cases                                   # noqa: E402
from lib.engine import BARE, FIXTURES, ROOT, from_arguments   # noqa: E402

PAGE = ROOT / "docs" / "operations.md"
ADDRESS = "127.0.0.1:8080"
DEADLINE_S = 90
FIRST = "trap 'echo \"$LINENO $?\" >&3' ERR; trap 'kill %% 2>&-; wait' EXIT; "


class Block:
    """Lines `begin` to `end` of the page, counted from 1; none of its fences."""

    def __init__(self, begin, heading):
        self.begin, self.end, self.heading = begin, begin, heading

    def has(self, line):
        return self.begin <= line <= self.end


def blocks_of(lines):
    found, kind, heading = [], None, ""
    for number, line in enumerate(lines, 1):
        if kind is None and line.startswith("#"):
            heading = line.lstrip("# ")
        if not line.startswith("```"):
            continue
        if kind is None:
            kind = line[3:].strip()
            if kind == "sh":
                found.append(Block(number + 1, heading))
        else:
            if kind == "sh":
                found[-1].end = number - 1
            kind = None
    return found


def announced(lines, blocks):
    """Line -> the exit code that it says it has."""
    said = {}
    for number, line in enumerate(lines, 1):
        match = re.search(r"# exit (\d+)$", line)
        if match and any(block.has(number) for block in blocks):
            said[number] = int(match[1])
    return said


def script_of(lines, blocks, address):
    kept = [line if any(block.has(number) for block in blocks) else ""
            for number, line in enumerate(lines, 1)]
    kept[0] = FIRST
    kept.append("echo 0 0 >&3")
    return "\n".join(kept).replace(ADDRESS, address) + "\n"


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % probe.getsockname()[1]


def furnish(folder, binary):
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    shutil.copytree(FIXTURES / "alertmanager",
                    folder / "tests" / "fixtures" / "alertmanager")
    (folder / "bin").mkdir()
    (folder / "bin" / "nightshift").symlink_to(binary)


def run(script, folder):
    """What was said, and [(line, exit code)] of what failed, (0, 0) at the end.
    """
    env = {**BARE, "HOME": str(folder),
           "PATH": "%s:%s" % (folder / "bin", BARE["PATH"])}
    (folder / "page.sh").write_text(script)
    with open(folder / "said", "wb") as said, \
            open(folder / "failed", "wb") as failed:
        bash = subprocess.Popen(
            ["bash", "-c", "exec 3>&%d; source ./page.sh" % failed.fileno()],
            cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=said,
            stderr=said, pass_fds=[failed.fileno()], start_new_session=True)
        try:
            bash.wait(timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            os.killpg(bash.pid, signal.SIGKILL)
            bash.wait()
    failures = [tuple(map(int, line.split()))
                for line in (folder / "failed").read_text().splitlines()]
    return (folder / "said").read_text(errors="replace"), failures


def problems_of(block, lines, said, failures):
    failed = dict(failure for failure in failures if block.has(failure[0]))
    for number in sorted(set(failed) | {n for n in said if block.has(n)}):
        is_, should = failed.get(number, 0), said.get(number, 0)
        if is_ != should:
            yield "line %d ended with %d, not %d: %s" % (
                number, is_, should, lines[number - 1])


def main():
    engine, cases = from_arguments(__doc__), Cases()
    lines = PAGE.read_text().splitlines()
    blocks = blocks_of(lines)
    said = announced(lines, blocks)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        furnish(folder, engine.binary)
        output, failures = run(script_of(lines, blocks, free_address()), folder)
    ok = cases.check("the page is run to its end", [
        None if (0, 0) in failures else "it was not: " + output[-1500:]])
    for block in blocks:
        ok &= cases.check("line %d, %s" % (block.begin, block.heading),
                          problems_of(block, lines, said, failures))
    if not ok:
        print(output[-3000:])
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
