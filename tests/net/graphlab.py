# SPDX-License-Identifier: Apache-2.0
"""Networks with many paths: kernel routers, one namespace each, linked as a graph says.

A graph is a list of links (near, far) or (near, far, weight) that lead from S, where traces start,
to D. A router with several links onward balances over them by the 5-tuple, each router by a hash of
its own; answers go back by one way. Every link has addresses of its own, as lab.py numbers them,
and a node answers always from one: that of the first link that leads to it.

What is true is therefore known as sets: who may answer at a TTL, and which answers may follow each
other. Which flow takes which path is not known beforehand (`ip route get` is right for IPv4 only):
prober.py finds out.
"""

from itertools import product

from lab import Lab, addr, default, iface, veth
from tap import Skip

TABLE = 100  # first of the routing tables for balancing by packet


def layers(*names):
    """Every node of a layer is linked with every node of the next."""
    return [pair for near, far in zip(names, names[1:]) for pair in product(near, far)]


def group(letter, width):
    return [f"{letter}{i}" for i in range(1, width + 1)]


def fan(width):
    """S - R1 - { width } - J - D"""
    return series(width)


def series(*widths):
    """Diamonds in a row: S - R1 - { } - J1 - { } - J2 - D, the last of the J called J."""
    joins = group("J", len(widths) - 1) + ["J"]
    middle = [layer for i, (width, join) in enumerate(zip(widths, joins))
              for layer in (group("MNOPQ"[i], width), [join])]
    return layers(["S"], ["R1"], *middle, ["D"])


def unmeshed():
    """1-4-2-1: each of the four leads to one of the two."""
    return (layers(["S"], ["R1"], group("A", 4)) + layers(["A1", "A2"], ["B1"])
            + layers(["A3", "A4"], ["B2"]) + layers(["B1", "B2"], ["J"], ["D"]))


def nested():
    """Two branches, of which one divides in two and the other in three."""
    return (layers(["S"], ["R1"], ["A", "B"]) + layers(["A"], group("A", 2), ["J"])
            + layers(["B"], group("B", 3), ["J"]) + [("J", "D")])


def mesh(width=4):
    """1-4-4-1, each of the four linked with each of the next four."""
    return layers(["S"], ["R1"], group("A", width), group("B", width), ["J"], ["D"])


def unequal():
    """One branch is a router longer: J answers at TTL 3 and 4, D at 4 and 5."""
    return layers(["S"], ["R1"], ["A"], ["J"], ["D"]) + layers(["R1"], ["B1"], ["B2"], ["J"])


def weighted(*weights):
    """A fan whose branches get shares by weight."""
    return [(near, far, weights[int(far[1:]) - 1] if near == "R1" else 1)
            for near, far in fan(len(weights))]


GRAPHS = {"width 2": fan(2), "width 4": fan(4), "width 16": fan(16), "width 64": fan(64),
          "1-4-2-1": unmeshed(), "nested": nested(), "mesh": mesh(), "unequal": unequal(),
          "weights 8:4:2:1": weighted(8, 4, 2, 1), "diamonds in a row": series(3, 2, 4)}


class Link:
    def __init__(self, number, near, far, weight=1):
        self.number, self.near, self.far, self.weight = number, near, far, weight
        self.near_iface, self.far_iface = f"l{number}", f"u{number}"

    def subnet(self, family):
        return f"10.9.{self.number}.0/24" if family == 4 else f"fd09:{self.number}::/64"


class Graph:
    """The links, numbered from 1 on in their order, and what follows from them."""

    def __init__(self, edges):
        if len(edges) > 254:
            raise ValueError("a link's number is one byte of its addresses")
        self.links = [Link(i, *edge) for i, edge in enumerate(edges, 1)]
        self.names = list(dict.fromkeys(n for li in self.links for n in (li.near, li.far)))

    def down(self, name):
        return [li for li in self.links if li.near == name]

    def up(self, name):
        return [li for li in self.links if li.far == name]

    def address(self, name, family):
        """What this node answers from."""
        return addr(family, self.up(name)[0].number)

    def above(self, name):
        """The nodes from which packets may come here."""
        found = {li.near for li in self.up(name)}
        for near in list(found):
            found |= self.above(near)
        return found

    def _levels(self):
        """From TTL 1 on the nodes that a packet may have reached."""
        level = {"S"}
        while level != {"D"}:
            level = {li.far for name in level for li in self.down(name)} | (level & {"D"})
            yield level

    def interfaces(self, family):
        """{ttl: addresses that may answer}, up to where there is only the target."""
        return {ttl: {self.address(name, family) for name in level}
                for ttl, level in enumerate(self._levels(), 1)}

    def pairs(self, family):
        """{(ttl of the near end, address, address of the next)}"""
        return {(ttl, self.address(li.near, family), self.address(li.far, family))
                for ttl, level in enumerate(self._levels(), 1)
                for name in level for li in self.down(name)}


class KnownLab(Lab):
    """A lab that knows from its graph what is true."""

    graph = None

    @property
    def src(self):
        return self.ns["S"]

    @property
    def src_iface(self):
        return self.graph.down("S")[0].near_iface

    def source(self, family):
        return addr(family, 1, False)

    def target(self, family):
        return self.graph.address("D", family)

    def interfaces(self, family):
        return self.graph.interfaces(family)

    def pairs(self, family):
        return self.graph.pairs(family)


class GraphLab(KnownLab):
    """mtu: {(near, far): bytes}"""

    def __init__(self, edges, mtu=None):
        super().__init__()
        self.graph = Graph(edges)
        try:
            self._build(mtu or {})
        except BaseException:
            self.close()
            raise

    @property
    def dst(self):
        return self.ns["D"]

    def address(self, name, family):
        return self.graph.address(name, family)

    def _build(self, mtu):
        for seed, name in enumerate(self.graph.names, 1):
            self._seed(self.add(name), seed)
        self.src.ip(*[
            veth(self.ns[li.near], li.near_iface, self.ns[li.far], li.far_iface, li.number,
                 mtu.get((li.near, li.far), 1500)) for li in self.graph.links])
        self.configure({name: self._node_lines(name) for name in self.graph.names})
        for link in self.graph.down("S"):
            self.src.checksum_offload_off(link.near_iface)
        for link in self.graph.up("D"):
            self.dst.checksum_offload_off(link.far_iface)

    def _seed(self, ns, seed):
        """A hash of its own, for IPv6 too. One router that balances can do without."""
        try:
            ns.sysctl(ipv4__fib_multipath_hash_seed=seed)
        except FileNotFoundError:
            if sum(len(self.graph.down(name)) > 1 for name in self.graph.names) > 1:
                raise Skip("routers' hashes have seeds from Linux 6.11 on") from None

    def _node_lines(self, name):
        lines = []
        for i, link in enumerate(self.graph.up(name)):
            lines += iface(link.far_iface, link.number, True, spare=i > 0)
        for link in self.graph.down(name):
            lines += iface(link.near_iface, link.number, False, spare=name != "S")
        return lines + self._onward(name) + self._back(name)

    def _onward(self, name):
        links = self.graph.down(name)
        if not links:
            return default(self.graph.up(name)[0].number, False)
        if len(links) == 1:
            return default(links[0].number)
        hops = [" ".join(f"nexthop via {addr(family, li.number)} weight {li.weight}"
                         for li in links) for family in (4, 6)]
        return [f"route add default {hops[0]}", f"route add ::/0 {hops[1]}"]

    def _back(self, name):
        """A route to every link above, so that a router there may send under its own address."""
        lines = []
        uplinks = self.graph.up(name) if self.graph.down(name) else []
        over = {li.number: {li.near} | self.graph.above(li.near) for li in uplinks}
        for link in self.graph.links:
            ways = [li for li in uplinks if link.far in over[li.number]]
            for family in (4, 6) if ways else ():
                lines.append(f"route add {link.subnet(family)}"
                             f" via {addr(family, ways[0].number, False)}"
                             f" src {self.address(name, family)}")
        return lines

    def balance_by(self, name, fields):
        """What this router hashes: bits of the kernel's fib_multipath_hash_fields."""
        self.ns[name].sysctl(ipv4__fib_multipath_hash_fields=fields,
                             ipv6__fib_multipath_hash_fields=fields)

    def balance_by_packet(self, name):
        """This router takes its links in turn, whatever the packet."""
        links, ns = self.graph.down(name), self.ns[name]
        tables = [(TABLE + i, link.number) for i, link in enumerate(links)]
        ns.ip(*[f"{line} table {table}" for table, number in tables for line in default(number)])
        for family in (4, 6):
            ns.ip(*[f"rule add fwmark {table} table {table}" for table, _ in tables],
                  family=family)
        ns.nft("table inet by_packet {", "chain pre { type filter hook prerouting priority -150;",
               f'iifname "u*" meta mark set numgen inc mod {len(links)} offset {TABLE}', "}", "}")
