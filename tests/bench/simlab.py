# SPDX-License-Identifier: Apache-2.0
"""The simulated network on a TUN device, in a namespace of its own."""

import os
import subprocess

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


class SimLab:
    """Closing it ends the program; the device goes with it."""

    iface = "sim0"
    hop_ns = HOP_MS * 1_000_000

    def __init__(self, wend, hops, silent=(), dead=False):
        self.ns = Netns("sim")
        self.target = addr(hops)
        self.path = [None if hop in silent or dead and hop == hops else addr(hop)
                     for hop in range(1, hops + 1)]
        self._file = os.path.join(PRIVATE_DIR, "topology")
        with open(self._file, "w", encoding="ascii") as f:
            f.write(topology(hops, silent, dead))
        self.ns.ip("link set lo up")
        self._proc = self.ns.popen([wend, "lab", self._file, "--tun", self.iface],
                                   stdout=subprocess.PIPE, text=True)
        ready = self._proc.stdout.readline()
        if not ready.startswith("ready"):
            self.close()
            raise RuntimeError(f"the lab did not start: {ready!r}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._proc.terminate()
        self._proc.communicate()
        self.ns.close()
