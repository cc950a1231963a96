# SPDX-License-Identifier: Apache-2.0
"""Test Anything Protocol: each case is one function and one point."""

import os
import sys
import tempfile
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

    def main(self, only=None, side_by_side=1, begin=None):
        """Runs every case, or those whose name contains `only`; returns the exit code.

        side_by_side: so many at once, each in a process of its own; for cases that share nothing
        and would otherwise wait one after the other. Points still come in their order. begin: what
        such a process does first."""
        cases = [c for c in self._cases if only is None or only in c[0]]
        print(f"1..{len(cases)}", flush=True)
        if side_by_side > 1:
            return 1 if sum(_run_side_by_side(cases, side_by_side, begin)) else 0
        failed = 0
        for number, case in enumerate(cases, 1):
            good, text = _run(number, case)
            failed += not good
            print(text, end="", flush=True)
        return 1 if failed else 0


def _run(number, case):
    """(whether it is ok, its point and the lines that belong to it)"""
    name, function, args = case
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
    lines = [f"{verdict} {number} - {name}{note}", *[f"# {line}" for line in diag.splitlines()],
             f"# {time.monotonic() - began:.2f} s"]
    return verdict == "ok", "\n".join(lines) + "\n"


def _start(number, case, begin):
    """(process id, file where its text will be)"""
    out = tempfile.TemporaryFile("w+")
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            if begin:
                begin()
            good, text = _run(number, case)
            out.write(text)
            out.flush()
            status = 0 if good else 1
        finally:  # whatever happens, the parent goes on and the child does not
            os._exit(status)
    return pid, out


def _run_side_by_side(cases, width, begin):
    """For each case, whether it failed; prints the points."""
    waiting, running, ended = list(enumerate(cases, 1)), {}, {}
    for shown, (name, _, _) in enumerate(cases, 1):
        while shown not in ended:
            while waiting and len(running) < width:
                number, case = waiting.pop(0)
                pid, out = _start(number, case, begin)
                running[pid] = number, out
            pid, status = os.wait()
            if pid in running:  # else an orphan: in a PID namespace they come to us
                number, out = running.pop(pid)
                ended[number] = status, out
        status, out = ended.pop(shown)
        with out:
            out.seek(0)
            text = out.read() or f"not ok {shown} - {name}\n# it died: status {status}\n"
        print(text, end="", flush=True)
        yield status != 0


def only():
    """A case filter from the command line, after the program."""
    return sys.argv[2] if len(sys.argv) > 2 else None
