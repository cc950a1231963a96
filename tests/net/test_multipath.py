#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All the paths: on networks whose truth is known, `wend paths` shows every interface and every link,
nothing that is not there, and says how each router balances.

Routers' hashes are seeded and the source ports given, so that a run meets the same paths each time and
chance decides nothing; where ports are left to chance, the case says what it allows.
"""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
from graphlab import GRAPHS, GraphLab, fan, nested, series  # noqa: E402
from lab import (filter_input, limit_icmp, lose, lose_every, lose_first,  # noqa: E402
                 masquerade, translate_target)
from prober import FIRST_SOURCE_PORT, Prober  # noqa: E402
from tap import Cases, expect, only  # noqa: E402
from wend import PROTOS, REACHED, UNREACHED, Paths, Wend  # noqa: E402

netns.enclose()
cases = Cases()
wend = Wend(sys.argv[1])
BY_DESTINATION, BY_LABEL = 0x03, 0x0B  # addresses; addresses and flow label
BY_FLOW = 0x37  # addresses, protocol, ports: what GraphLab begins with
SURE = ("--confidence", "99.9")
FIXED = ("--source-port", str(FIRST_SOURCE_PORT), *SURE)
BOTH = (("raw", False), ("errqueue", True))


def paths(lab, family, *args, target=None, nobody=False, code=REACHED):
    got = wend.run(lab.src, "paths", "-n", "--format", "json", *args,
                   target or lab.target(family), nobody=nobody)
    return Paths(got.exits(code))


def expect_all(lab, family, got, what=""):
    expect(got.interfaces(), lab.interfaces(family), f"{what} interfaces")
    expect(got.pairs(), lab.pairs(family), f"{what} links")


def expect_no_more(lab, family, got, what=""):
    """Nothing that is not there."""
    truth = lab.interfaces(family)
    for ttl, seen in got.interfaces().items():
        expect(seen - truth.get(ttl, set()), set(), f"{what} wrong interfaces at TTL {ttl}")
    expect(got.pairs() - lab.pairs(family), set(), f"{what} wrong links")


def expect_whole(lab, family, got, mode):
    if mode == "nodes":  # links are not asked for: none but what flows show
        expect(got.interfaces(), lab.interfaces(family), "interfaces")
        expect_no_more(lab, family, got)
    else:
        expect_all(lab, family, got)


def whole(name, family, mode):
    more = ("--min-share", "6") if name.startswith("weights") else ()
    with GraphLab(GRAPHS[name]) as lab:
        got = paths(lab, family, "--mode", mode, *FIXED, *more)
        expect_whole(lab, family, got, mode)


for name in GRAPHS:
    for family in (4, 6):
        for mode in ("nodes", "lite", "full"):
            cases.case(f"{name}, --mode {mode}, IPv{family}", name, family, mode)(whole)


@cases.case("each flow's path is the one that the flow takes, IPv4", 4)
@cases.case("each flow's path is the one that the flow takes, IPv6", 6)
def same_flows(family):
    with GraphLab(nested()) as lab:
        flows = paths(lab, family, *FIXED).flows()
        expect(len(flows) > 20, True, f"{len(flows)} flows")
        with Prober(lab, family) as prober:
            for port, path in flows.items():
                true = prober.path(port - FIRST_SOURCE_PORT, len(path))
                expect([t if shown else None for shown, t in zip(path, true)], path,
                       f"flow from port {port}")


def tcp(family, backend, nobody):
    with GraphLab(nested()) as lab:
        expect_all(lab, family, paths(lab, family, "-P", "tcp", "--backend", backend, *FIXED,
                                      nobody=nobody))


def as_nobody(name, family):
    with GraphLab(GRAPHS[name]) as lab:
        expect_all(lab, family, paths(lab, family, "--backend", "errqueue", *FIXED, nobody=True))


def icmp(family, backend, nobody):
    """The kernel's hash knows nothing of ICMP that could differ between flows."""
    with GraphLab(fan(4)) as lab:
        lab.src.sysctl(ipv4__ping_group_range=f"0 {netns.unprivileged_gid()}")
        got = paths(lab, family, "-P", "icmp", "--backend", backend, *SURE, nobody=nobody)
        expect_no_more(lab, family, got)
        expect([len(seen) for _, seen in sorted(got.interfaces().items())], [1, 1, 1, 1],
               "interfaces by TTL")


for family in (4, 6):
    for backend, nobody in BOTH:
        who = f"IPv{family}, {backend}"
        cases.case(f"TCP, nested, {who}", family, backend, nobody)(tcp)
        cases.case(f"ICMP has one path over kernel routers, {who}", family, backend, nobody)(icmp)
    for name in ("width 16", "nested", "mesh", "unequal"):
        cases.case(f"as nobody, {name}, IPv{family}", name, family)(as_nobody)


@cases.case("target translated behind a diamond: one address at many TTLs ends nothing, IPv4", 4)
@cases.case("target translated behind a diamond: one address at many TTLs ends nothing, IPv6", 6)
def translated(family):
    outer = "10.9.200.77" if family == 4 else "fd09:200::77"
    for backend, nobody in BOTH:
        with GraphLab(series(3, 2)) as lab:
            translate_target(lab.ns["J1"], outer, lab.target(family))
            got = paths(lab, family, "--backend", backend, *FIXED, target=outer, nobody=nobody)
            want = lab.interfaces(family)
            want.update(dict.fromkeys((3, 4, 5, 6), {outer}))
            expect(got.interfaces(), want, f"{backend}: interfaces")


@cases.case("masquerade on two branches changes nothing that is shown, IPv4", 4)
@cases.case("masquerade on two branches changes nothing that is shown, IPv6", 6)
def masqueraded(family):
    with GraphLab(nested()) as lab:
        masquerade(lab.ns["A"])
        masquerade(lab.ns["B"])
        expect_all(lab, family, paths(lab, family, *FIXED))


@cases.case("balancing by flow is named so, IPv4", 4)
@cases.case("balancing by flow is named so, IPv6", 6)
def by_flow(family):
    with GraphLab(fan(4)) as lab:
        got = paths(lab, family, *FIXED)
        expect(got.balancing(1), {"per-flow"}, "R1")
        expect(got.balancing(2), {"none"}, "the branches")


@cases.case("balancing by packet is named so and not drawn as a diamond of flows, IPv4", 4)
@cases.case("balancing by packet is named so and not drawn as a diamond of flows, IPv6", 6)
def by_packet(family):
    for backend, nobody in BOTH:
        with GraphLab(fan(4)) as lab:
            lab.balance_by_packet("R1")
            got = paths(lab, family, "--backend", backend, *FIXED, nobody=nobody)
            expect(got.balancing(1), {"per-packet"}, f"{backend}: R1")
            expect(got.interfaces()[2], lab.interfaces(family)[2], f"{backend}: hop 2")


@cases.case("balancing by destination shows one path, IPv4", 4)
@cases.case("balancing by destination shows one path, IPv6", 6)
def by_destination(family):
    with GraphLab(fan(4)) as lab:
        lab.balance_by("R1", BY_DESTINATION)
        got = paths(lab, family, *FIXED)
        expect_no_more(lab, family, got)
        expect(len(got.interfaces()[2]), 1, "interfaces at hop 2")
        expect("per-flow" in got.balancing(1), False, "R1 named per-flow")


@cases.case("balancing by destination is named so once others are asked, IPv4", 4)
@cases.case("balancing by destination is named so once others are asked, IPv6", 6)
def by_destinations(family):
    """Everybody asks the same addresses: the routers' answers are the same in each run."""
    with GraphLab(fan(4)) as lab:
        for how, name in ((BY_DESTINATION, "per-destination"), (None, "per-flow")):
            if how:
                lab.balance_by("R1", how)
            for backend, nobody in BOTH:
                got = paths(lab, family, "--destinations", "8", "--backend", backend, *SURE,
                            nobody=nobody)
                expect_no_more(lab, family, got, backend)
                expect(got.balancing(1), {name}, f"{backend}: R1")
                expect(got.side_probes() >= 8 * 3, True, f"{backend}: side probes")
            lab.balance_by("R1", BY_FLOW)


@cases.case("balancing by flow label is named so")
def _():
    with GraphLab(fan(2)) as lab:
        lab.balance_by("R1", BY_LABEL)
        got = paths(lab, 6, *FIXED)
        expect(got.balancing(1), {"per-flow-label"}, "R1")


@cases.case("kernel routers' ICMP limits: all is found and nothing wrong, IPv4", 4)
@cases.case("kernel routers' ICMP limits: all is found and nothing wrong, IPv6", 6)
def limited(family):
    with GraphLab(fan(4)) as lab:
        limit_icmp(*[lab.ns[name] for name in lab.graph.names if name not in "SD"])
        # To prove links through a router that answers once a second takes a minute.
        got = paths(lab, family, "--mode", "nodes", "--source-port", str(FIRST_SOURCE_PORT))
        expect_no_more(lab, family, got)
        expect(got.interfaces(), lab.interfaces(family), "interfaces")


def first_lost(mode, family):
    with GraphLab(fan(2)) as lab:
        lose_first(lab.ns["J"])
        got = paths(lab, family, "--mode", mode, *FIXED)
        expect_whole(lab, family, got, mode)
        expect(got.probes() < 150, True, f"{got.probes()} probes")


for mode in ("nodes", "lite", "full"):
    for family in (4, 6):
        cases.case(f"the first probe to the target is lost: it stands where it is, --mode {mode},"
                   f" IPv{family}", mode, family)(first_lost)


@cases.case("every tenth packet lost: all is found and nothing wrong, IPv4", 4)
@cases.case("every tenth packet lost: all is found and nothing wrong, IPv6", 6)
def lossy(family):
    with GraphLab(fan(4)) as lab:
        for mid in ("M1", "M2", "M3", "M4"):
            lose_every(lab.ns[mid], 10)
        got = paths(lab, family, *FIXED)
        expect_no_more(lab, family, got)
        expect(got.interfaces(), lab.interfaces(family), "interfaces")


@cases.case("random loss: nobody who is not there, and no wrong link, IPv4", 4)
@cases.case("random loss: nobody who is not there, and no wrong link, IPv6", 6)
def random_loss(family):
    """Where chance takes all that a flow sends to the target's TTL, the target stands one behind."""
    with GraphLab(fan(4)) as lab:
        for mid in ("M1", "M2", "M3", "M4"):
            lose(lab.ns[mid], 10)
        got = paths(lab, family, "--mode", "nodes")
        there = set().union(*lab.interfaces(family).values())
        expect(set().union(*got.interfaces().values()) - there, set(), "wrong interfaces")
        expect(got.pairs() - lab.pairs(family), set(), "wrong links")


@cases.case("a silent target: all paths up to it, exit 1, IPv4", 4)
@cases.case("a silent target: all paths up to it, exit 1, IPv6", 6)
def silent_target(family):
    for backend, nobody in BOTH:
        with GraphLab(nested()) as lab:
            filter_input(lab.dst, "meta l4proto udp drop")
            got = paths(lab, family, "--backend", backend, *FIXED, nobody=nobody, code=UNREACHED)
            want = lab.interfaces(family)
            del want[5]
            expect(got.interfaces(), want, f"{backend}: interfaces")


def stopped(family, backend, nobody):
    """What is known is kept, and said to be partial."""
    with GraphLab(fan(4)) as lab:
        run = wend.start(lab.src, "--paths", "--mode", "full", "--backend", backend, "--pps",
                         "100", *FIXED, lab.target(family), nobody=nobody)
        while not run.wait_for("reply")["reached"]:
            pass
        filter_input(lab.dst, "meta l4proto udp drop")
        got = run.finish().exits(REACHED)
        seen = {e["reply"]["from"] for e in run.of("reply")}
        expect(seen, set().union(*lab.interfaces(family).values()), f"interfaces, {got.err}")
        expect(run.of("end")[0]["partial"], True, "partial")
        expect("target-mute" in [e["note"] for e in run.of("note")], True, "note")


def interrupted(family, backend, nobody):
    with GraphLab(fan(16)) as lab:
        run = wend.start(lab.src, "--paths", "--backend", backend, "--pps", "100", *FIXED,
                         lab.target(family), nobody=nobody)
        run.wait_for("reply", 10)
        run.signal(signal.SIGINT)
        run.finish()
        expect(run.of("end")[0]["partial"], True, "partial")
        expect(run.of("stop")[0]["reason"], "interrupted", "reason")


for family, (backend, nobody) in zip((4, 6), BOTH):
    who = f"IPv{family}, {backend}"
    cases.case(f"the target stops answering in mid-run, {who}", family, backend, nobody)(stopped)
    cases.case(f"SIGINT in mid-run: what there is, marked partial, {who}", family, backend,
               nobody)(interrupted)


def crowd(proto, backend, nobody):
    """40 at once from one address, whose ports are left to chance. Of each it is allowed to miss
    something in one of a thousand runs; nothing wrong is allowed, ever."""
    with GraphLab(fan(4)) as lab:
        lab.src.sysctl(ipv4__ping_group_range=f"0 {netns.unprivileged_gid()}")
        procs = [wend.begin(lab.src, "paths", "-n", "--format", "json", "-P", proto, "--backend",
                            backend, *SURE, lab.target(4), nobody=nobody) for _ in range(40)]
        runs = [Paths(proc.result().exits(REACHED)) for proc in procs]
        for got in runs:
            expect_no_more(lab, 4, got)
            # Only ICMP ids cannot be held: who has another's counts its replies as forged.
            wrong = ("duplicate", "unattributed") + ("forged",) * (proto != "icmp")
            expect({k: got.counters()[k] for k in wrong}, dict.fromkeys(wrong, 0), "counters")
        if proto != "icmp":
            found = sum(got.interfaces() == lab.interfaces(4) for got in runs)
            expect(found >= 37, True, f"only {found} of 40 found all")


for proto in PROTOS:
    for backend, nobody in BOTH:
        cases.case(f"40 at once keep apart, {proto}, {backend}", proto, backend, nobody)(crowd)


sys.exit(cases.main(only(), side_by_side=4))
