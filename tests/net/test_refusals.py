#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""When a trace cannot run: exit 3 (4 for a name), one line on stderr that says why, and nothing on
stdout that could be taken for a result."""

import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
from lab import Chain, Lab  # noqa: E402
from tap import Cases, expect, only  # noqa: E402
from wend import FAILED, PROTOS, REACHED, UNRESOLVED, Wend, environment  # noqa: E402

netns.enclose()
cases = Cases()
wend = Wend(sys.argv[1])


def refuses(ns, code, words, *args, **kwargs):
    got = wend.run(ns, "-n", *args, **kwargs).exits(code).says(*words)
    expect(got.out, "", "stdout")


def both_ways(ns, code, words, *args):
    refuses(ns, code, words, *args)
    refuses(ns, code, words, *args, nobody=True)


@cases.case("no route, IPv4", "203.0.113.9")
@cases.case("no route, IPv6", "2001:db8::9")
def no_route(target):
    with Lab() as lab:
        empty = lab.add("S")
        empty.ip("link set lo up")
        for proto in PROTOS:
            refuses(empty, FAILED, ["no route", target], "-P", proto, target)
            if proto != "icmp":
                refuses(empty, FAILED, ["no route", target], "-P", proto, target, nobody=True)


@cases.case("a route that this machine itself refuses", "unreachable")
@cases.case("a route that this machine itself prohibits", "prohibit")
def refused_here(kind):
    with Chain(4) as lab:
        lab.src.ip(f"route add {kind} 203.0.113.0/24", f"route add {kind} 2001:db8::/32")
        for target in ("203.0.113.9", "2001:db8::9"):
            both_ways(lab.src, FAILED, [target], target)


@cases.case("raw sockets without permission")
def _():
    with Chain(4) as lab:
        for family in (4, 6):
            for proto in PROTOS:
                refuses(lab.src, FAILED, ["raw"], "--backend", "raw", "-P", proto,
                        lab.target(family), nobody=True)


@cases.case("ICMP without permission names ping_group_range")
def _():
    with Chain(4) as lab:
        lab.src.sysctl(ipv4__ping_group_range="1 0")
        for family in (4, 6):
            refuses(lab.src, FAILED, ["ping_group_range"], "-P", "icmp", lab.target(family),
                    nobody=True)


@cases.case("ICMP without permission: other protocols still go")
def _():
    with Chain(4) as lab:
        lab.src.sysctl(ipv4__ping_group_range="1 0")
        got = wend.trace(lab.src, lab.target(4), "-P", "auto", nobody=True).exits(REACHED)
        expect(got.path(), lab.path(4), "path")


@cases.case("no such interface")
def _():
    with Chain(4) as lab:
        both_ways(lab.src, FAILED, ["nope0"], "-i", "nope0", lab.target(4))


@cases.case("an interface that does not lead there, or is down")
def _():
    with Chain(4) as lab:
        lab.src.ip("link add spare type veth peer name other")
        got = wend.run(lab.src, "-n", "-i", "spare", lab.target(4)).exits(FAILED)
        expect(len(got.err.splitlines()), 1, f"lines on stderr: {got!r}")


@cases.case("a source address of somebody else")
def _():
    with Chain(4) as lab:
        for source, family in (("192.0.2.1", 4), ("2001:db8::1", 6)):
            both_ways(lab.src, FAILED, [source], "-s", source, lab.target(family))


@cases.case("a source port that is taken")
def _():
    with Chain(4) as lab, lab.src.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 4321))
        both_ways(lab.src, FAILED, ["4321"], "--source-port", "4321", lab.target(4))


@cases.case("an ICMP identifier that another ping socket has", 4)
@cases.case("the same, ICMPv6", 6)
def _(family):
    kind = (socket.AF_INET, socket.IPPROTO_ICMP) if family == 4 else \
        (socket.AF_INET6, socket.IPPROTO_ICMPV6)
    with Chain(4) as lab:
        lab.src.sysctl(ipv4__ping_group_range=f"0 {netns.unprivileged_gid()}")
        with lab.src.socket(kind[0], socket.SOCK_DGRAM, kind[1]) as taken:
            taken.bind(("", 4321))
            refuses(lab.src, FAILED, ["4321"], "-P", "icmp", "--source-port", "4321",
                    lab.target(family), nobody=True)


@cases.case("-s and -i that are right work")
def _():
    with Chain(4) as lab:
        lab.src.ip("addr add 10.9.1.9/24 dev l1")
        for nobody in (False, True):
            got = wend.trace(lab.src, lab.target(4), "-s", "10.9.1.9", "-i", "l1", nobody=nobody)
            expect(got.exits(REACHED).path(), lab.path(4), f"path, nobody={nobody}")
            expect(got.source(), "10.9.1.9", "source")


@cases.case("a mark needs permission, and routes by it where that is given")
def _():
    with Chain(4) as lab:
        refuses(lab.src, FAILED, ["mark"], "--mark", "7", lab.target(4), nobody=True)
        lab.src.ip("route add default via 10.9.1.2 table 77", "rule add fwmark 7 lookup 77",
                   "route del default via 10.9.1.2")
        refuses(lab.src, FAILED, ["no route"], lab.target(4))
        got = wend.trace(lab.src, lab.target(4), "--mark", "7").exits(REACHED)
        expect(got.path(), lab.path(4), "path")


@cases.case("a name that does not resolve: exit 4")
def _():
    with Chain(4) as lab:
        both_ways(lab.src, UNRESOLVED, ["no-such-host.invalid"], "--resolver", "10.9.4.2",
                  "no-such-host.invalid")


@cases.case("the output does not fit on the disk: exit 3, never 0", "table")
@cases.case("the output does not fit on the disk: exit 3, never 0 (json)", "json")
@cases.case("the output does not fit on the disk: exit 3, never 0 (jsonl)", "jsonl")
@cases.case("the output does not fit on the disk: exit 3, never 0 (classic)", "classic")
def full(form):
    with Chain(4) as lab:
        with open("/dev/full", "w", encoding="ascii") as out:
            res = lab.src.run(wend.argv(["-n", "--format", form, lab.target(4)]), stdout=out,
                              stderr=subprocess.PIPE, text=True, env=environment(), timeout=30)
        expect((res.returncode, len(res.stderr.splitlines())), (FAILED, 1), res.stderr)


sys.exit(cases.main(only()))
