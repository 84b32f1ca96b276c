#!/usr/bin/env python3
"""A whole dry run with fixtures, from process start: wall time and memory.

The floor beside it is the same binary doing nothing (`version`), so that what
the machine needs to start a process with these libraries can be told apart.
"""
import os
import subprocess
import sys
import time

ROUNDS = 15
EVENT = "tests/fixtures/alertmanager/firing.json"
WORLD = "tests/fixtures/worlds/crash_loop"


def once(command):
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = (time.perf_counter() - begun) * 1000
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command}: exit {process.returncode}")
    return wall, usage.ru_maxrss / 1024


def best(command):
    runs = [once(command) for _ in range(ROUNDS)]
    return min(wall for wall, _ in runs), max(peak for _, peak in runs)


def main():
    nightshift = sys.argv[1]
    floor, floor_peak = best([nightshift, "version"])
    wall, peak = best([nightshift, "run", "self_heal", "--event", EVENT,
                       "--fixtures", WORLD, "--json"])
    print(f"bench process_start {floor:.1f} ms")
    print(f"bench dry_run_wall {wall:.1f} ms (aim <= 30)")
    print(f"bench dry_run_peak {peak:.1f} MiB (aim <= 16)")
    print(f"bench process_peak {floor_peak:.1f} MiB")


if __name__ == "__main__":
    main()
