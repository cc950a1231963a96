# SPDX-License-Identifier: Apache-2.0
"""Simulated networks to be measured in: a chain of hops, and one with many paths."""

from graphlab import Graph, KnownLab
from lab import default, iface, v4, veth
from simlab import SimLab

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


class SimChain(SimLab):
    """Closing it ends the program; the device goes with it."""

    iface = TUN
    hop_ns = HOP_MS * 1_000_000

    def __init__(self, wend, hops, silent=(), dead=False):
        super().__init__(wend, topology(hops, silent, dead), tun=TUN)
        self.path = [None if hop in silent or dead and hop == hops else addr(hop)
                     for hop in range(1, hops + 1)]


class SimGraphLab(KnownLab):
    """A simulated network with many paths behind one real router, G: S - G - (TUN) - R1 - ...

    scamper's tracelb writes Ethernet frames and cannot send into a TUN device. IPv4 only.
    """

    def __init__(self, wend, edges):
        super().__init__()
        self.graph = Graph([("S", "G"), ("G", "R1")] + [e for e in edges if e[0] != "S"])
        self._sim = None
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
        self._sim = SimLab(wend, graph_topology(self.graph, "G", source), ns=gate, tun=TUN)
        # The simulator takes this machine for its source; here that is the one behind.
        gate.ip(f"addr del {source}/32 dev {TUN}", f"route replace 10.9.0.0/16 dev {TUN}")

    def close(self):
        if self._sim:
            self._sim.close()
        super().close()
