#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The networks with many paths, without wend: every interface and every link is where the graph
says, nothing else is, and balancing, translation and faults are what they are called."""

import os
import select
import socket
import subprocess
import sys
import time
from contextlib import ExitStack

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
import peers  # noqa: E402
from graphlab import GRAPHS, GraphLab, fan, nested, series, unmeshed, weighted  # noqa: E402
from lab import hide_mtu, limit_icmp, lose, masquerade, translate_target  # noqa: E402
from prober import Prober, explore  # noqa: E402
from tap import Cases, Skip, expect, only  # noqa: E402

netns.enclose()
cases = Cases()
BY_DESTINATION, BY_LABEL = 0x03, 0x0B  # addresses; addresses and flow label
IP_MTU_DISCOVER, IP_MTU, IPV6_MTU_DISCOVER, IPV6_MTU, PMTUDISC_DO = 10, 14, 23, 24, 2


def expect_all(lab, family, interfaces, pairs):
    expect(interfaces, lab.interfaces(family), "interfaces")
    expect(pairs, lab.pairs(family), "links")


# Enough for each graph; 100 for those not named.
FLOWS = {"width 16": 200, "width 64": 700, "nested": 200, "mesh": 400, "weights 8:4:2:1": 300}


def whole(name, family):
    """Routers' hashes are seeded and the ports fixed: the same flows take the same paths always."""
    with GraphLab(GRAPHS[name]) as lab:
        expect_all(lab, family, *explore(lab, family, FLOWS.get(name, 100)))


for name in GRAPHS:
    for family in (4, 6):
        cases.case(f"{name}: every interface and link, IPv{family}", name, family)(whole)


@cases.case("weights are shares")
def _():
    with GraphLab(weighted(8, 4, 2, 1)) as lab, Prober(lab, 4) as prober:
        count = dict.fromkeys(lab.interfaces(4)[2], 0)
        for flow in range(600):
            count[prober.path(flow, 2)[1]] += 1
        shares = [count[lab.address(f"M{i}", 4)] / 600 for i in (1, 2, 3, 4)]
        for share, weight in zip(shares, (8, 4, 2, 1)):
            expect(abs(share - weight / 15) < 0.06, True, f"shares {shares}")


@cases.case("width 16 stands in under 1.5 s")
def _():
    began = time.monotonic()
    with GraphLab(fan(16)):
        expect(time.monotonic() - began < 1.5, True, "time")


@cases.case("scamper finds the same and nothing else")
def _():
    """It may miss something once in a hundred runs: three together, each in a lab of its own, and
    all at the same time, because it waits between probes."""
    kinds = [(edges, family) for edges in (fan(4), unmeshed(), nested()) for family in (4, 6)]
    with ExitStack() as stack:
        labs = [stack.enter_context(GraphLab(edges)) for edges, _ in kinds * 3]
        procs = [lab.src.popen(peers.tracelb_argv(confidence=99) + [lab.target(family)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                 for lab, (_, family) in zip(labs, kinds * 3)]
        outs = [proc.communicate(timeout=60) for proc in procs]
        if not any('"tracelb"' in out for out, _ in outs):
            raise Skip(f"scamper does not run here: {outs[0][1].strip()[:80]}")
        for i, (_, family) in enumerate(kinds):
            seen = peers.read_tracelb("".join(out for out, _ in outs[i::len(kinds)]))
            expect(seen.interfaces(), labs[i].interfaces(family), f"interfaces, IPv{family}")
            expect(seen.pairs() <= labs[i].pairs(family), True, f"links, IPv{family}")


@cases.case("dublin-traceroute finds the same and nothing else")
def _():
    netns.use_resolver("127.0.0.1")  # it asks for names, which have no place on these paths
    for edges, flows in ((fan(4), 64), (nested(), 128)):
        with GraphLab(edges) as lab:
            argv = peers.dublin_argv(netns.PRIVATE_DIR, "--sport=41000", f"--npaths={flows}",
                                     "--delay=1", f"--max-ttl={max(lab.interfaces(4)) + 1}")
            lab.src.run(argv + [lab.target(4)], capture_output=True, timeout=30)
            seen = peers.read_dublin(netns.PRIVATE_DIR)
            expect_all(lab, 4, seen.interfaces(), seen.pairs())


@cases.case("by packet: one flow takes every branch in turn, IPv4", 4)
@cases.case("by packet: one flow takes every branch in turn, IPv6", 6)
def by_packet(family):
    with GraphLab(fan(4)) as lab, Prober(lab, family) as prober:
        lab.balance_by_packet("R1")
        # Three packets each, so that the second one is in turn each of four.
        paths = [prober.path(0, 3) for _ in range(4)]
        expect({path[1] for path in paths}, lab.interfaces(family)[2], "hop 2")


@cases.case("by destination: all flows take one path, IPv4", 4)
@cases.case("by destination: all flows take one path, IPv6", 6)
def by_destination(family):
    with GraphLab(fan(4)) as lab:
        lab.balance_by("R1", BY_DESTINATION)
        interfaces, _ = explore(lab, family, 40)
        expect(len(interfaces[2]), 1, "addresses at hop 2")


@cases.case("by flow label: the ports do not matter, the label does")
def _():
    """Linux gives every socket a label of its own; without, all are 0."""
    with GraphLab(fan(2)) as lab:
        lab.balance_by("R1", BY_LABEL)
        expect(explore(lab, 6, 40)[0][2], lab.interfaces(6)[2], "hop 2 with labels")
        lab.src.sysctl(ipv6__auto_flowlabels=0)
        expect(len(explore(lab, 6, 40)[0][2]), 1, "addresses at hop 2 without")


@cases.case("a translated target: from there on all answer from its outer address, IPv4", 4)
@cases.case("a translated target: from there on all answer from its outer address, IPv6", 6)
def translated(family):
    outer = "10.9.200.77" if family == 4 else "fd09:200::77"
    with GraphLab(series(3, 2)) as lab:
        translate_target(lab.ns["J1"], outer, lab.target(family))
        interfaces, _ = explore(lab, family, 40, target=outer)
        want = lab.interfaces(family)
        want.update(dict.fromkeys((3, 4, 5, 6), {outer}))
        expect(interfaces, want, "interfaces")


@cases.case("masquerade: D sees the router, S sees all paths, IPv4", 4)
@cases.case("masquerade: D sees the router, S sees all paths, IPv6", 6)
def masqueraded(family):
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    with GraphLab(nested()) as lab:
        masquerade(lab.ns["A"])
        masquerade(lab.ns["B"])
        expect_all(lab, family, *explore(lab, family, 200))
        with lab.dst.socket(kind, socket.SOCK_DGRAM) as d, Prober(lab, family, port=5300) as p:
            d.settimeout(1)
            d.bind(("", 5300))
            p.path(0, 5)
            expect(d.recvfrom(100)[1][0] == lab.source(family), False, "D sees S itself")


@cases.case("ICMP limits left on: most probes of a burst stay unanswered, IPv4", 4)
@cases.case("ICMP limits left on: most probes of a burst stay unanswered, IPv6", 6)
def limited(family):
    with GraphLab(fan(2)) as lab, Prober(lab, family) as prober:
        limit_icmp(lab.ns["R1"])
        answers = [prober.path(flow, 1)[0] for flow in range(9)]
        expect(answers[0], lab.address("R1", family), "first")
        expect(answers.count(None) > 0, True, f"answers {answers}")


@cases.case("random loss: some probes come through and some do not")
def _():
    with GraphLab(fan(2)) as lab:
        for mid in ("M1", "M2"):
            lose(lab.ns[mid], 30)
        with Prober(lab, 4) as prober:
            paths = [prober.path(flow, 4) for flow in range(10)]
        answers = [path[2] for path in paths] + [path[3] for path in paths]
        expect(None in answers and any(answers), True, f"{answers}")
        expect({path[0] for path in paths}, lab.interfaces(4)[1], "hop 1")


def learned_mtu(lab, family, size):
    """What a socket learns from a packet that is too big; None when nobody tells."""
    kind, level, discover, option = (
        (socket.AF_INET, socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_MTU) if family == 4 else
        (socket.AF_INET6, socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_MTU))
    with lab.src.socket(kind, socket.SOCK_DGRAM) as s:
        s.setsockopt(level, discover, PMTUDISC_DO)
        s.connect((lab.target(family), 33434))
        s.send(bytes(size))
        poll = select.poll()
        poll.register(s, 0)
        return s.getsockopt(level, option) if poll.poll(300) else None


@cases.case("MTU bottleneck and black hole, IPv4", 4)
@cases.case("MTU bottleneck and black hole, IPv6", 6)
def bottleneck(family):
    with GraphLab(fan(2), mtu={("M1", "J"): 1300, ("M2", "J"): 1300}) as lab:
        expect(learned_mtu(lab, family, 1400), 1300, "MTU learned")
    with GraphLab(fan(2), mtu={("M1", "J"): 1300, ("M2", "J"): 1300}) as lab:
        for mid in ("M1", "M2"):
            hide_mtu(lab.ns[mid])
        expect(learned_mtu(lab, family, 1400), None, "MTU learned from a black hole")


sys.exit(cases.main(only(), side_by_side=4, begin=netns.own_mounts))
