#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab itself: other tracers see what it says, it stands fast, and nothing of it is left."""

import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
import peers  # noqa: E402
from lab import Chain  # noqa: E402
from tap import Cases, expect, only  # noqa: E402

LEAVE_RUNNING = "--leave-running"  # the part of the last case that gets killed

netns.enclose()
cases = Cases()


@cases.case("peers see the path that was built")
def _():
    with Chain(12, silent=(4,)) as lab:
        for family in (4, 6):
            for proto in ("udp", "icmp", "tcp"):
                seen = peers.traceroute(lab.src, lab.target(family), proto, "-w0.4,0,0")
                expect(seen, lab.path(family), f"IPv{family} {proto}")


@cases.case("12 hops stand in under 2 s")
def _():
    began = time.monotonic()
    with Chain(12):
        expect(time.monotonic() - began < 2, True, "time")


@cases.case("a lab whose test is killed leaves no process behind")
def _():
    """The inner test prints a line when its lab stands, and is then killed from outside."""
    inner = subprocess.Popen([sys.executable, "-B", __file__, LEAVE_RUNNING],
                             stdout=subprocess.PIPE, text=True)
    expect(inner.stdout.readline(), "standing\n", "inner test")
    inner.send_signal(signal.SIGKILL)
    # The pipe ends when the last process that holds it is gone, the one in the lab included.
    expect(inner.stdout.read(), "", "rest of the output")
    inner.wait()


if LEAVE_RUNNING in sys.argv:
    with Chain(4) as standing:
        standing.dst.popen(["tail", "-f", "/dev/null"])  # never ends by itself
        print("standing", flush=True)
        signal.pause()
sys.exit(cases.main(only()))
