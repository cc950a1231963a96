#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How a trace ends: what counts as reached, what as refused, and what silence does."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
import peers  # noqa: E402
from lab import Chain, Server, filter_input, limit_icmp, refused, translate_target  # noqa: E402
from tap import Cases, expect, only  # noqa: E402
from wend import PROTOS, REACHED, UNREACHED, Wend  # noqa: E402

netns.enclose()
cases = Cases()
wend = Wend(sys.argv[1])
OPEN, CLOSED, FILTERED, ECHO = 80, 81, 82, 5300
FEW = ("-q", "1", "--gap", "4")
BOTH = (("raw", False), ("errqueue", True))


def over_both(lab, family, code, *args, target=None, serial=()):
    """The same trace with raw sockets and, as nobody, over the error queue. serial: options for
    connect(), which has one probe under way in a flow and waits for each in turn."""
    lab.src.sysctl(ipv4__ping_group_range=f"0 {netns.unprivileged_gid()}")
    for backend, nobody in BOTH:
        more = serial if nobody and {"tcp", "auto"} & set(args) else ()
        got = wend.trace(lab.src, target or lab.target(family), "--backend", backend, *args,
                         *more, nobody=nobody)
        yield backend, got.exits(code)


def servers(lab):
    lab.serve(Server(lab.dst, udp=[ECHO], tcp=[OPEN]))
    filter_input(lab.dst, f"tcp dport {FILTERED} drop", f"udp dport {FILTERED} drop")


def reached(family, proto, port, kind):
    with Chain(5) as lab:
        servers(lab)
        for backend, got in over_both(lab, family, REACHED, "-P", proto, "-p", str(port)):
            got.stops("reached")
            expect(got.path(), lab.path(family), backend)
            expect(got.last_reply()["kind"], kind, f"{backend}: kind of the last reply")


for family in (4, 6):
    for proto, port, kind, what in (("tcp", OPEN, "syn-ack", "SYN-ACK"),
                                    ("tcp", CLOSED, "rst", "RST"),
                                    ("udp", ECHO, "udp", "a UDP answer"),
                                    ("udp", CLOSED, "unreachable", "port unreachable")):
        cases.case(f"{what} means reached, IPv{family}", family, proto, port, kind)(reached)


@cases.case("a filtered port: hops right, target silent, exit 1, IPv4", 4)
@cases.case("a filtered port: hops right, target silent, exit 1, IPv6", 6)
def filtered(family):
    with Chain(5) as lab:
        servers(lab)
        for proto in ("udp", "tcp"):
            for backend, got in over_both(lab, family, UNREACHED, "-P", proto, "-p",
                                          str(FILTERED), serial=FEW):
                got.stops("gap")
                expect(got.path(), lab.path(family)[:-1], f"{proto} {backend}")


@cases.case("a dead target ends soon, IPv4", 4)
@cases.case("a dead target ends soon, IPv6", 6)
def dead(family):
    with Chain(6, silent=(2,)) as lab:
        lab.refuse(3)
        for proto in PROTOS:
            for backend, got in over_both(lab, family, UNREACHED, "-P", proto,
                                          target=refused(family, "dead"), serial=FEW):
                expect(got.path(), lab.path(family)[:-1], f"{proto} {backend}")
                expect(got.seconds < 2, True, f"{proto} {backend}: took {got.seconds:.2f} s")


def refusal(family, kind, mark):
    target = refused(family, kind)
    with Chain(6) as lab:
        lab.refuse(3)
        theirs = peers.traceroute_text(lab.src, target, "-N1")
        expect(theirs.split()[-1], mark, "traceroute's mark")
    for proto in PROTOS:
        for backend, nobody in BOTH:
            # A new lab each time: the kernel sends five such errors, then one a second.
            with Chain(6) as lab:
                lab.refuse(3)
                lab.src.sysctl(ipv4__ping_group_range=f"0 {netns.unprivileged_gid()}")
                got = wend.trace(lab.src, target, "-P", proto, "--backend", backend,
                                 nobody=nobody).exits(UNREACHED)
                expect(got.path(), lab.path(family, 3), f"{proto} {backend}")
                expect(got.marks(), {3: mark}, f"{proto} {backend}: marks")
                got.stops("unreachable")


for family, kind, mark in ((4, "unreachable", "!H"), (4, "prohibit", "!X"), (4, "throw", "!N"),
                           (6, "unreachable", "!N"), (6, "prohibit", "!X"), (6, "throw", "!N")):
    cases.case(f"a router's {kind} route shows as {mark} where it is, IPv{family}", family, kind,
               mark)(refusal)


@cases.case("a blackhole route is silence, IPv4", 4)
@cases.case("a blackhole route is silence, IPv6", 6)
def blackhole(family):
    with Chain(6) as lab:
        lab.refuse(3)
        for backend, got in over_both(lab, family, UNREACHED, target=refused(family, "blackhole")):
            got.stops("gap")
            expect(got.path(), lab.path(family, 2), backend)


REJECTS = ((4, "icmp type net-unreachable", "!N"), (4, "icmp type host-unreachable", "!H"),
           (4, "icmp type prot-unreachable", "!P"), (4, "icmp type net-prohibited", "!X"),
           (4, "icmp type host-prohibited", "!X"), (4, "icmp type admin-prohibited", "!X"),
           (6, "icmpv6 type no-route", "!N"), (6, "icmpv6 type admin-prohibited", "!X"),
           (6, "icmpv6 type addr-unreachable", "!H"), (6, "icmpv6 type policy-fail", "!A"),
           (6, "icmpv6 type reject-route", "!A"))


def reject(family, how, mark):
    """A host firewall's answer: the target speaks, but the port was not reached."""
    with Chain(4) as lab:
        filter_input(lab.dst, f"meta nfproto ipv{family} udp dport 33434 reject with {how}")
        for backend, got in over_both(lab, family, UNREACHED):
            got.stops("unreachable")
            expect(got.path(), lab.path(family), backend)
            expect(got.marks(), {4: mark}, backend)


for family, how, mark in REJECTS:
    cases.case(f"the target rejects with {how.split()[-1]}: {mark}, exit 1, IPv{family}", family,
               how, mark)(reject)


@cases.case("a packet too big: !F with the MTU, where it happened, IPv4", 4)
@cases.case("a packet too big: !F with the MTU, where it happened, IPv6", 6)
def too_big(family):
    with Chain(6, mtu={4: 1300}) as lab:
        for proto in ("udp", "icmp"):
            for backend, got in over_both(lab, family, UNREACHED, "-P", proto, "--size", "1400",
                                          "--df"):
                got.stops("unreachable")
                # The router's own error comes at the TTL after the one at which it expires.
                expect(got.path(), lab.path(family, 3) + lab.path(family, 3)[-1:],
                       f"{proto} {backend}")
                expect(got.marks(), {4: "!F-1300"}, f"{proto} {backend}: marks")


@cases.case("without --df a big packet passes the bottleneck in fragments")
def _():
    with Chain(6, mtu={4: 1300}) as lab:
        for backend, got in over_both(lab, 4, REACHED, "--size", "1400"):
            expect(got.path(), lab.path(4), backend)


@cases.case("max TTL before the target: exit 1, all hops up to it, IPv4", 4)
@cases.case("max TTL before the target: exit 1, all hops up to it, IPv6", 6)
def max_ttl(family):
    with Chain(6) as lab:
        for _, got in over_both(lab, family, UNREACHED, "-m", "4"):
            expect(got.stops("max-ttl").path(), lab.path(family, 4), "path")


@cases.case("first TTL beyond the first hops leaves them out")
def _():
    with Chain(6) as lab:
        for _, got in over_both(lab, 4, REACHED, "-f", "4"):
            expect(got.path(), [None] * 3 + lab.path(4)[3:], "path")


@cases.case("first TTL beyond the target still reaches it")
def _():
    with Chain(4) as lab:
        for proto in PROTOS:
            for _, got in over_both(lab, 4, REACHED, "-f", "9", "-P", proto):
                expect(got.path(), [None] * 8 + [lab.target(4)], "path")


@cases.case("one hop, and this machine itself, IPv4", 4)
@cases.case("one hop, and this machine itself, IPv6", 6)
def near(family):
    with Chain(4) as lab:
        own = "10.9.1.1" if family == 4 else "fd09:1::1"
        for target in (lab.path(family)[0], own):
            for proto in PROTOS:
                for backend, got in over_both(lab, family, REACHED, "-P", proto, target=target):
                    expect(got.path(), [target], f"{proto} {backend}")


@cases.case("target address on routers before the target (DNAT): the trace goes on, exit 0")
def _():
    """After the translation every time exceeded carries the target's address, because routers
    translate quotes back: an address alone must never end a trace."""
    with Chain(6) as lab:
        outer = "10.9.6.77"
        translate_target(lab.node(2), outer, lab.target(4))
        want = lab.path(4)[:1] + [outer] * 5
        expect(peers.traceroute(lab.src, outer), want, "traceroute")
        for backend, got in over_both(lab, 4, REACHED, target=outer):
            expect(got.path(), want, backend)


@cases.case("-P auto keeps the protocol that gets farthest, IPv4", 4)
@cases.case("-P auto keeps the protocol that gets farthest, IPv6", 6)
def auto(family):
    with Chain(6) as lab:
        filter_input(lab.dst, "meta l4proto { udp, tcp } drop")
        for backend, got in over_both(lab, family, REACHED, "-P", "auto", serial=FEW):
            expect(got["parameters"]["protocol"], "icmp", f"{backend}: protocol kept")
            expect(got.path(), lab.path(family), backend)


@cases.case("kernel routers' ICMP rate limits: the path is right, silence is loss, exit 0", 4)
@cases.case("kernel routers' ICMP rate limits over IPv6: the path is right, exit 0", 6)
def rate_limits(family):
    with Chain(6) as lab:
        limit_icmp(*[lab.node(i) for i in range(1, 6)])
        got = wend.trace(lab.src, lab.target(family), "-q", "20").exits(REACHED)
        expect(got.path(), lab.path(family), "path")
        states = got.states()
        expect(sum(states.values()), len(got["probes"]), "every probe has a state")
        expect(set(states) <= {"answered", "lost", "pending", "late"}, True, f"states {states}")
        expect(states.get("answered", 0) < len(got["probes"]), True, "something was limited")


@cases.case("a DSCP that a router rewrites is seen from the next hop on, IPv4", 4)
@cases.case("a DSCP that a router rewrites is seen from the next hop on, IPv6", 6)
def dscp(family):
    with Chain(6) as lab:
        field = "ip dscp" if family == 4 else "ip6 dscp"
        lab.node(3).nft("table inet rewrite {", "chain f { type filter hook forward priority 0;",
                        f"{field} set cs1", "}", "}")
        got = wend.trace(lab.src, lab.target(family), "--dscp", "ef", "--backend", "raw")
        got.exits(REACHED)
        # EF is 46, CS1 is 8; the two low bits of the byte are ECN.
        expect(got.quoted_tos(), {ttl: 46 << 2 if ttl <= 3 else 8 << 2 for ttl in range(1, 7)},
               "TOS quoted by hop")


sys.exit(cases.main(only(), side_by_side=4))
