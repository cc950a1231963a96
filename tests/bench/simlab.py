# SPDX-License-Identifier: Apache-2.0
"""The simulated network on a TUN device, in a namespace of its own."""

import os
import subprocess
import time

from netns import PRIVATE_DIR, Netns

HOP_MS = 4  # there and back


def addr(hop):
    return f"10.77.{hop}.1"


def topology(hops, silent, dead):
    """A chain; hop 0 is where traces start."""
    lines = [f"node s addr {addr(0)}", "source s"]
    for hop in range(1, hops + 1):
        last = hop == hops
        options = " silent" if hop in silent else ""
        if last and dead:
            options += " silent filtered udp filtered tcp filtered icmp"
        lines.append(f"{'host' if last else 'node'} h{hop} addr {addr(hop)}{options}")
    lines.append(f"target h{hops}")
    for hop in range(1, hops + 1):
        near = "s" if hop == 1 else f"h{hop - 1}"
        lines.append(f"link {near} h{hop} delay {HOP_MS * 500}us")
    return "\n".join(lines) + "\n"
