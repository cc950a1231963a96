#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every hop right: what the lab is, what traceroute and scamper report, and what wend reports as
root and as nobody must all be the same, over every protocol and both families."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
import peers  # noqa: E402
from graphlab import GraphLab, fan  # noqa: E402
from lab import Chain  # noqa: E402
from tap import Cases, Skip, expect, only  # noqa: E402
from wend import PROTOS, REACHED, Wend  # noqa: E402

netns.enclose()
cases = Cases()
wend = Wend(sys.argv[1])
PING_OPEN = f"0 {netns.unprivileged_gid()}"


SHORT_WAIT = "-w0.4,0,0"  # for traceroute, where silence has to be waited for


def ask_scamper(lab, family, proto):
    # Its TCP probes over IPv6 get no answer at all from a path that traceroute -T sees.
    if (family, proto) == (6, "tcp"):
        return None
    # It waits for silent hops in turn, a second each; once is enough.
    if lab.silent and proto != "udp":
        return None
    try:
        return peers.scamper(lab.src, lab.target(family), proto)
    except Skip:
        return None  # needs more than one user, so not without root


def same_path(lab, family, proto):
    target, want = lab.target(family), lab.path(family)
    wait = (SHORT_WAIT,) if lab.silent else ()
    expect(peers.traceroute(lab.src, target, proto, *wait), want, "traceroute")
    seen = ask_scamper(lab, family, proto)
    if seen is not None:
        expect(seen, want, "scamper")
    lab.src.sysctl(ipv4__ping_group_range=PING_OPEN)
    for backend, nobody in (("raw", False), ("errqueue", False), ("errqueue", True)):
        got = wend.trace(lab.src, target, "-P", proto, "--backend", backend, nobody=nobody)
        got.exits(REACHED).stops("reached")
        expect(got.path(), want, f"wend {backend} nobody={nobody}")


def chain(hops, family, proto, silent):
    with Chain(hops, silent=silent) as lab:
        same_path(lab, family, proto)


for hops in (4, 7, 12):
    for family in (4, 6):
        for proto in PROTOS:
            cases.case(f"{hops} hops, IPv{family}, {proto}", hops, family, proto, ())(chain)
for family in (4, 6):
    for proto in PROTOS:
        cases.case(f"8 hops, 2 and 5 silent, IPv{family}, {proto}", 8, family, proto,
                   (2, 5))(chain)


@cases.case("the back end is chosen by what is allowed")
def _():
    with Chain(4) as lab:
        for nobody, names in ((False, ("raw",)), (True, ("errqueue",))):
            got = wend.trace(lab.src, lab.target(4), nobody=nobody).exits(REACHED)
            expect(got.backend() in names, True, f"back end {got.backend()} as nobody={nobody}")


@cases.case("classic output over IPv4", 4)
@cases.case("classic output over IPv6", 6)
def classic(family):
    """Address by address, mark by mark what traceroute prints."""
    with Chain(6, silent=(3,)) as lab:
        theirs = peers.traceroute_text(lab.src, lab.target(family), SHORT_WAIT)
        ours = wend.run(lab.src, "-n", "-q1", "--format", "classic", lab.target(family))
        strip = lambda text: [[w for w in line.split() if not w.replace(".", "").isdigit()
                               and w != "ms" or "." in w and w.count(".") == 3]
                              for _, line in peers.hop_lines(text)]
        expect(strip(ours.exits(REACHED).out), strip(theirs), "hop lines")


def middles(lab, family, *args):
    """The responders that one trace saw at the balanced TTL."""
    got = wend.trace(lab.src, lab.target(family), *args).exits(REACHED)
    return got.responders(2)


@cases.case("a trace is one path where traffic is balanced, IPv4", 4)
@cases.case("a trace is one path where traffic is balanced, IPv6", 6)
def one_path(family):
    with GraphLab(fan(4)) as lab:
        for proto in PROTOS:
            seen = middles(lab, family, "-P", proto, "-q", "16")
            expect(len(seen), 1, f"{proto}: responders {seen}")
            expect(seen <= lab.interfaces(family)[2], True, f"{proto}: responders {seen}")


@cases.case("--flow picks other paths, IPv4", 4)
@cases.case("--flow picks other paths, IPv6", 6)
def other_flows(family):
    """24 flows over 4 paths: to miss one by chance has a probability of 0.4 %."""
    with GraphLab(fan(4)) as lab:
        for proto in ("udp", "tcp"):
            seen = set()
            for flow in range(24):
                seen |= middles(lab, family, "-P", proto, "-q", "1", "--flow", str(flow))
            expect(len(seen) >= 3 and seen <= lab.interfaces(family)[2], True, f"{proto}: {seen}")


@cases.case("--flow classic shows several paths in one trace, IPv4", 4)
@cases.case("--flow classic shows several paths in one trace, IPv6", 6)
def classic_flow(family):
    with GraphLab(fan(4)) as lab:
        for proto in ("udp", "tcp"):
            seen = middles(lab, family, "-P", proto, "-q", "24", "--flow", "classic")
            expect(len(seen) >= 3 and seen <= lab.interfaces(family)[2], True, f"{proto}: {seen}")


sys.exit(cases.main(only(), side_by_side=4))
