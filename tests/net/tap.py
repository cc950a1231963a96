# SPDX-License-Identifier: Apache-2.0
"""Test Anything Protocol: each case is one function and one point."""

import sys
import time
import traceback


class Skip(Exception):
    """This machine lacks what the case needs."""


def expect(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}\n  got  {got!r}\n  want {want!r}")


class Cases:
    def __init__(self):
        self._cases = []

    def case(self, name, *args):
        """Decorator; may be stacked, each use is a case with its own arguments."""
        def add(function):
            self._cases.append((name, function, args))
            return function
        return add

    def main(self, only=None):
        """Runs every case, or those whose name contains `only`; returns the exit code."""
        cases = [c for c in self._cases if only is None or only in c[0]]
        print(f"1..{len(cases)}", flush=True)
        failed = 0
        for number, (name, function, args) in enumerate(cases, 1):
            began = time.monotonic()
            verdict, note, diag = "ok", "", ""
            try:
                function(*args)
            except Skip as why:
                note = f" # SKIP {why}"
            except AssertionError as why:
                verdict, diag = "not ok", str(why)
            except Exception:  # a broken case must not hide the others
                verdict, diag = "not ok", traceback.format_exc()
            failed += verdict != "ok"
            print(f"{verdict} {number} - {name}{note}")
            for line in diag.splitlines():
                print(f"# {line}")
            print(f"# {time.monotonic() - began:.2f} s", flush=True)
        return 1 if failed else 0


def only():
    """A case filter from the command line, after the program."""
    return sys.argv[2] if len(sys.argv) > 2 else None
