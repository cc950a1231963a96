#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What wend says of paths of kernel routers that do something to packets."""

import sys

import netns
from lab import Chain
from tap import Cases, expect, only
from wend import REACHED, Wend

netns.enclose()
cases = Cases()
wend = Wend(sys.argv[1])
BOTH = (4, 6)


def found(res):
    """(kind, certainty, before, first) of each finding."""
    return [(f["kind"], f["certainty"], f["before"] and f["before"]["ttl"], f["first"]["ttl"])
            for f in res["findings"]]


def explain(lab, family, *args, target=None):
    return wend.run(lab.src, "explain", "-n", "--format", "json", "--backend", "raw", *args,
                    target or lab.target(family)).exits(REACHED)


def at_forward(node, family, rule):
    """A rule for packets that node 3 forwards to the target."""
    node.nft("table inet box {", "chain f { type filter hook forward priority 0;",
             f"{'ip' if family == 4 else 'ip6'} {rule}", "}", "}")


for fam in BOTH:
    @cases.case(f"nothing to tell of a plain path, IPv{fam}", fam)
    def plain(family):
        with Chain(6) as lab:
            expect(found(explain(lab, family, "--dscp", "ef")), [], "findings")


for fam in BOTH:
    @cases.case(f"DSCP and ECN rewritten by router 3, IPv{fam}", fam)
    def fields(family):
        with Chain(6) as lab:
            at_forward(lab.node(3), family, "dscp set cs1")
            at_forward(lab.node(4), family, "ecn set not-ect")
            expect(found(explain(lab, family, "--tos", str((46 << 2) | 2))),
                   [("dscp-rewritten", "certain", 3, 4), ("ecn-rewritten", "certain", 4, 5)],
                   "findings")


@cases.case("a TTL set anew by router 3: the target answers all that follow")
def ttl():
    with Chain(6) as lab:
        at_forward(lab.node(3), 4, "ttl set 60")
        expect(found(explain(lab, 4)), [("ttl-rewritten", "certain", 3, 4)], "findings")


@cases.case("destination NAT of Linux: routers behind it answer with the target's address")
def dnat():
    with Chain(6) as lab:
        outer = "10.9.6.77"
        lab.node(2).nft("table ip trap {",
                        "chain pre { type nat hook prerouting priority -100;",
                        f"ip daddr {outer} dnat to {lab.target(4)}", "}", "}")
        got = explain(lab, 4, target=outer)
        expect(found(got), [("nat", "certain", 1, 2)], "findings")
        expect(got["findings"][0]["figures"]["by_answers"], True, "by answers")


@cases.case("masquerading of Linux leaves no trace, and none is found")
def masquerade():
    with Chain(6) as lab:
        lab.node(2).nft("table ip hide {", "chain post { type nat hook postrouting priority 100;",
                        "oifname != lo masquerade", "}", "}")
        expect(found(explain(lab, 4)), [], "findings")


@cases.case("packets dropped at random by router 3 are a loss of the path, there")
def loss():
    with Chain(6) as lab:
        at_forward(lab.node(3), 4, "daddr " + lab.target(4) + " numgen random mod 100 < 30 drop")
        # Chance is the kernel's: what is asked for holds but for 1 in many thousand runs.
        got = explain(lab, 4, "-q", "60")
        losses = [f for f in found(got) if f[0] == "loss-path" and f[1] == "certain"]
        expect(len(losses), 1, f"losses in {found(got)}")
        expect(losses[0][2] <= 3 < losses[0][3] <= 5, True, f"place in {losses}")
        figures = next(f for f in got["findings"] if f["kind"] == "loss-path")["figures"]
        expect(figures["loss_low_ppm"] < 400000 and figures["loss_high_ppm"] > 200000, True,
               f"share in {figures}")


@cases.case("ICMP limits of Linux are found as such, with their burst, and are no loss")
def limits():
    with Chain(6) as lab:
        for i in (2, 4):
            lab.node(i).sysctl(ipv4__icmp_ratemask=6168)
        got = explain(lab, 4, "-q", "30")
        expect([f[0] for f in found(got)], ["rate-limited"] * 2, "findings")
        expect([f[3] for f in found(got)], [2, 4], "hops")
        for finding in got["findings"]:
            expect(finding["figures"]["burst"], 6, "burst")


for fam in BOTH:
    @cases.case(f"a tunnel on the way back, from pings, with and without root, IPv{fam}", fam)
    def pings(family):
        """Errors that begin with 255 and lose two more on their way than echo replies do, which
        begin with 64: as a router at the end of an invisible tunnel of two sends them."""
        errors = {4: "icmp type time-exceeded ip ttl set 253",
                  6: "icmpv6 type time-exceeded ip6 hoplimit set 253"}
        with Chain(6) as lab:
            lab.node(4).nft("table inet box {", "chain o { type filter hook output priority 0;",
                            errors[family], "}", "}")
            lab.src.sysctl(ipv4__ping_group_range="0 2147483647")
            for nobody in (False, True):
                got = wend.run(lab.src, "explain", "-n", "--format", "json", lab.target(family),
                               nobody=nobody).exits(REACHED)
                expect(found(got), [("mpls-invisible", "likely", 3, 4)], "findings")
                figures = got["findings"][0]["figures"]
                expect((figures["sign"], figures["hidden"]), ("rtla", 2), "figures")
            lab.src.sysctl(ipv4__ping_group_range="1 0")
            got = wend.run(lab.src, "trace", "-n", "--ping-hops", lab.target(family),
                           nobody=True).exits(REACHED)
            expect("routers are not pinged" in got.out, True, "a word about it")


@cases.case("without raw sockets it says what cannot be seen")
def blind():
    with Chain(4) as lab:
        got = wend.run(lab.src, "explain", "-n", lab.target(4), nobody=True).exits(REACHED)
        expect("Not seen here" in got.out, True, "a word about it")


sys.exit(cases.main(only()))
