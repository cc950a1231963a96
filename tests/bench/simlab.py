# SPDX-License-Identifier: Apache-2.0
"""The simulated network on a TUN device, in a namespace of its own."""

import os
import subprocess

from graphlab import Graph, KnownLab
from lab import default, iface, v4, veth
from netns import PRIVATE_DIR, Netns

HOP_MS = 4  # there and back
TUN = "sim0"


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


def graph_topology(graph, source, source_addr):
    """A graph's nodes behind `source`, which is where packets come in."""
    lines = [f"node {source} addr {source_addr}", f"source {source}", "target D"]
    for name in graph.names:
        if source in graph.above(name):
            kind = "host" if name == "D" else "node"
            lines.append(f"{kind} {name} addr {graph.address(name, 4)}")
    for li in graph.links:
        if source in graph.above(li.far):
            lines.append(f"link {li.near} {li.far} delay {HOP_MS * 500}us weight {li.weight}")
    return "\n".join(lines) + "\n"


def start(wend, ns, topology):
    """The program that is the network; it goes with its namespace or when it is terminated."""
    path = os.path.join(PRIVATE_DIR, f"topology.{ns.fd}")
    with open(path, "w", encoding="ascii") as f:
        f.write(topology)
    ns.ip("link set lo up")
    proc = ns.popen([wend, "lab", path, "--tun", TUN], stdout=subprocess.PIPE, text=True)
    ready = proc.stdout.readline()
    if not ready.startswith("ready"):
        proc.terminate()
        proc.communicate()
        raise RuntimeError(f"the lab did not start: {ready!r}")
    return proc


class SimLab:
    """Closing it ends the program; the device goes with it."""

    iface = TUN
    hop_ns = HOP_MS * 1_000_000

    def __init__(self, wend, hops, silent=(), dead=False):
        self.ns = Netns("sim")
        self.target = addr(hops)
        self.path = [None if hop in silent or dead and hop == hops else addr(hop)
                     for hop in range(1, hops + 1)]
        try:
            self._proc = start(wend, self.ns, topology(hops, silent, dead))
        except BaseException:
            self.ns.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._proc.terminate()
        self._proc.communicate()
        self.ns.close()


class SimGraphLab(KnownLab):
    """A simulated network with many paths behind one real router, G: S - G - (TUN) - R1 - ...

    scamper's tracelb writes Ethernet frames and cannot send into a TUN device. IPv4 only.
    """

    def __init__(self, wend, edges):
        super().__init__()
        self.graph = Graph([("S", "G"), ("G", "R1")] + [e for e in edges if e[0] != "S"])
        self._proc = None
        try:
            self._build(wend)
        except BaseException:
            self.close()
            raise

    def _build(self, wend):
        link, source = self.graph.links[0], v4(1, False)
        src, gate = self.add("S"), self.add("G")
        src.ip(veth(src, link.near_iface, gate, link.far_iface, 1))
        self.configure({"S": iface(link.near_iface, 1, False) + default(1),
                        "G": iface(link.far_iface, 1, True)})
        src.checksum_offload_off(link.near_iface)
        self._proc = start(wend, gate, graph_topology(self.graph, "G", source))
        # The simulator takes this machine for its source; here that is the one behind.
        gate.ip(f"addr del {source}/32 dev {TUN}", f"route replace 10.9.0.0/16 dev {TUN}")

    def close(self):
        if self._proc:
            self._proc.terminate()
            self._proc.communicate()
        super().close()
