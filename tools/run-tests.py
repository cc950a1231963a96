#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of build directories and sums them up, subtests counted.

run-tests.py BUILD_DIR... [-- further arguments of meson test]

The last line is always `N passed, N failed, N skipped`; what failed and why something was skipped
stands before it. Exit status 0 only when nothing failed and something passed.
"""
import json
import os
import re
import subprocess
import sys

POINT = re.compile(r"^(not )?ok\b[ \t]*\d*[ \t]*-?[ \t]*(.*?)[ \t]*(?:#[ \t]*(SKIP\S*)[ \t]*(.*))?$", re.I)
PLAN = re.compile(r"^1\.\.(\d+)[ \t]*(?:#[ \t]*SKIP\S*[ \t]*(.*))?$", re.I)
NO_REASON = "no reason given"


class Totals:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], []


def tap_points(text):
    """(planned points or None, reason of a skipped plan or None, [(ok, name, skip reason or None)])."""
    planned, all_skipped, points = None, None, []
    for line in text.splitlines():
        plan, point = PLAN.match(line), POINT.match(line)
        if plan:
            planned = int(plan[1])
            if planned == 0:
                all_skipped = plan[2] or NO_REASON
        elif point:
            skip = (point[4] or NO_REASON) if point[3] else None
            points.append((not point[1], point[2] or "unnamed", skip))
    return planned, all_skipped, points


def exit_code_test(entry, name, totals):
    """A program without TAP is one test: meson's word counts."""
    if entry["result"] == "OK":
        totals.passed += 1
    elif entry["result"] == "SKIP":
        lines = (entry.get("stdout") or "").strip().splitlines()
        totals.skipped.append(f"{name}: {lines[-1] if lines else NO_REASON}")
    else:
        totals.failed.append(f"{name}: {entry['result'].lower()}")


def add_entry(entry, name, totals):
    planned, all_skipped, points = tap_points(entry.get("stdout") or "")
    failed_before = len(totals.failed)
    if planned is None and not points:
        exit_code_test(entry, name, totals)
        return
    if all_skipped and not points:
        totals.skipped.append(f"{name}: {all_skipped}")
    for ok, point, skip in points:
        if skip and ok:
            totals.skipped.append(f"{name}: {point}: {skip}")
        elif ok:
            totals.passed += 1
        else:
            totals.failed.append(f"{name}: {point}")
    # A program that dies between two points, or forgets some, must not look well.
    if len(totals.failed) > failed_before:
        return
    if planned is not None and planned != len(points):
        totals.failed.append(f"{name}: {len(points)} of {planned} points reported")
    elif entry["result"] not in ("OK", "SKIP"):
        totals.failed.append(f"{name}: {entry['result'].lower()} (exit status {entry.get('returncode')})")


def run(build, extra, totals):
    log = os.path.join(build, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.remove(log)
    status = subprocess.run(
        ["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs", *extra], check=False).returncode
    failed_before = len(totals.failed)
    if os.path.exists(log):
        with open(log, encoding="utf-8", errors="replace") as f:
            for line in f:
                entry = json.loads(line)
                add_entry(entry, f"{build}: {entry['name'].replace('wend:', '')}", totals)
    if status != 0 and len(totals.failed) == failed_before:
        totals.failed.append(f"{build}: meson test ended with status {status}")


def main(argv):
    split = argv.index("--") if "--" in argv else len(argv)
    builds, extra = argv[1:split], argv[split + 1:]
    totals = Totals()
    if not builds:
        print(__doc__, file=sys.stderr)
        return 2
    for build in builds:
        run(build, extra, totals)
    print()
    for name in totals.failed:
        print(f"FAILED  {name}")
    for name in totals.skipped:
        print(f"skipped {name}")
    print(f"{totals.passed} passed, {len(totals.failed)} failed, {len(totals.skipped)} skipped", flush=True)
    return 0 if totals.passed > 0 and not totals.failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
