#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The path MTU hop by hop, over links of real kernel routers: told by ICMP, and found by search where
routers are made to say nothing; as root and as nobody; the same that tracepath sees where it can."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
import peers  # noqa: E402
from lab import Chain, addr, hide_mtu, limit_icmp, lose  # noqa: E402
from tap import Cases, expect, only  # noqa: E402
from wend import REACHED, Wend  # noqa: E402

netns.enclose()
cases = Cases()
wend = Wend(sys.argv[1])
PING_OPEN = f"0 {netns.unprivileged_gid()}"
WAYS = [(proto, backend, nobody) for proto in ("udp", "icmp")
        for backend, nobody in (("raw", False), ("errqueue", False), ("errqueue", True))]
SEARCH_S = 60


def begin(lab, family, proto="udp", backend="auto", nobody=False):
    lab.src.sysctl(ipv4__ping_group_range=PING_OPEN)
    return wend.begin(lab.src, "-n", "--format", "json", "--mtu", "-P", proto, "--backend", backend,
                      lab.target(family), nobody=nobody)


def check(got, mtus, lowerings, what=""):
    """mtus by hop; lowerings: (behind hop, MTU, how known, by whom)."""
    got.exits(REACHED).stops("reached")
    expect([hop["mtu"] for hop in got["pmtu"]["hops"]], mtus, f"MTUs {what}")
    expect([(low["after_ttl"], low["mtu"], low["known_by"], low["address"])
            for low in got["pmtu"]["lowerings"]], lowerings, f"lowerings {what}")


def tracepath(lab, family):
    """({TTL of the probe that was too big: MTU}, MTU of the whole path)"""
    argv = [peers.find("tracepath"), "-n", lab.target(family)]
    text = lab.src.run(argv, stdout=subprocess.PIPE, text=True, timeout=60).stdout
    falls = re.findall(r"^\s*(\d+)\??:.*pmtu (\d+)", text, re.M)
    whole = re.search(r"Resume: pmtu (\d+)", text)
    return {int(hop): int(mtu) for hop, mtu in falls}, int(whole.group(1)) if whole else None


@cases.case("two routers say what fits, IPv4", 4)
@cases.case("two routers say what fits, IPv6", 6)
def told(family):
    with Chain(6, mtu={3: 1400, 5: 1300}) as lab:
        want = [(2, 1400, "icmp", addr(family, 2)), (4, 1300, "icmp", addr(family, 4))]
        for way in WAYS:
            check(begin(lab, family, *way).result(), [1500, 1500, 1400, 1400, 1300, 1300], want, way)


@cases.case("the same that tracepath sees, IPv4", 4)
@cases.case("the same that tracepath sees, IPv6", 6)
def as_tracepath(family):
    with Chain(5, mtu={1: 1480, 3: 1400, 5: 1300}) as lab:
        # It goes first: afterwards the kernel knows, which it believes and wend does not.
        falls, whole = tracepath(lab, family)
        ours = begin(lab, family).result()
        check(ours, [1480, 1480, 1400, 1400, 1300],
              [(2, 1400, "icmp", addr(family, 2)), (4, 1300, "icmp", addr(family, 4))])
        expect(ours["pmtu"]["mtu"], whole, "MTU of the path")
        expect({low["before_ttl"]: low["mtu"] for low in ours["pmtu"]["lowerings"]},
               {hop: mtu for hop, mtu in falls.items() if mtu < 1480}, "where it falls")


@cases.case("a black hole, IPv4", 4)
@cases.case("a black hole, IPv6", 6)
def hole(family):
    with Chain(6, mtu={4: 1380}) as lab:
        hide_mtu(lab.node(3))
        for way, run in [(way, begin(lab, family, *way)) for way in WAYS]:
            check(run.result(SEARCH_S), [1500] * 3 + [1380] * 3, [(3, 1380, "search", None)], way)


@cases.case("a black hole behind a router that says what fits, IPv4", 4)
@cases.case("a black hole behind a router that says what fits, IPv6", 6)
def both(family):
    with Chain(6, mtu={2: 1450, 4: 1391, 6: 1300}) as lab:
        hide_mtu(lab.node(3))
        check(begin(lab, family).result(SEARCH_S), [1500, 1450, 1450, 1391, 1391, 1300],
              [(1, 1450, "icmp", addr(family, 1)), (3, 1391, "search", None),
               (5, 1300, "icmp", addr(family, 5))])


@cases.case("the router before the bottleneck is silent, IPv4", 4)
@cases.case("the router before the bottleneck is silent, IPv6", 6)
def silent(family):
    with Chain(5, silent=(2,), mtu={3: 1400}) as lab:
        check(begin(lab, family).result(SEARCH_S), [1500, None, 1400, 1400, 1400],
              [(1, 1400, "search", None)])


@cases.case("limits of replies and loss are no black hole, IPv4", 4)
@cases.case("limits of replies and loss are no black hole, IPv6", 6)
def harmless(family):
    with Chain(4) as lab:
        limit_icmp(*(lab.node(hop) for hop in range(1, 5)))
        check(begin(lab, family).result(SEARCH_S), [1500] * 4, [], "limits")
    with Chain(4) as lab:
        lose(lab.node(2), 20)
        for run in [begin(lab, family) for _ in range(4)]:
            check(run.result(SEARCH_S), [1500] * 4, [], "where packets get lost")


@cases.case("on the loopback device there is no limit that we reach", 4)
def loopback(_family):
    with Chain(1) as lab:
        got = wend.run(lab.src, "-n", "--mtu", "127.0.0.1").exits(REACHED)
        expect("Path MTU up to hop 1: 9216 bytes or more" in got.out, True, got.out)


# They wait most of the time.
sys.exit(cases.main(only(), side_by_side=16))
