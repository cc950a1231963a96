#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One context of the library through real kernels: what changes between its traces, how fast it may
go, and what it asks of the kernel's queues. CONTEXT_PROBE names the program of tests/support."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
import wend as wend_tool  # noqa: E402
from lab import Chain  # noqa: E402
from tap import Cases, expect, only  # noqa: E402

netns.enclose()
PROBE = netns.publish(os.environ["CONTEXT_PROBE"])
cases = Cases()


class Context:
    """A context in a namespace, for as long as it is open."""

    def __init__(self, ns, *options):
        self._process = ns.popen([PROBE, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 env=wend_tool.environment(), text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.communicate(timeout=10)

    def ask(self, *words):
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def drop_from(ns, source):
    """Nothing that comes from this address gets an answer."""
    family = "ip6" if ":" in source else "ip"
    ns.nft(f"table {family} refused {{", "chain pre { type filter hook prerouting priority -300;",
           f"{family} saddr {source} drop", "}", "}")


OTHER = {4: "10.9.1.77", 6: "fd09:1::77"}
OLD = {4: "10.9.1.1", 6: "fd09:1::1"}
VIA = {4: "10.9.1.2", 6: "fd09:1::2"}


@cases.case("IPv4: a route that changes between two traces counts for the second", 4, False)
@cases.case("IPv6: a route that changes between two traces counts for the second", 6, False)
@cases.case("IPv4: so does a rule", 4, True)
@cases.case("IPv6: so does a rule", 6, True)
def _(family, by_rule):
    """The router answers one source address alone, at first that of the route, then the other."""
    with Chain(2) as lab:
        target = lab.target(family)
        bits = 32 if family == 4 else 128
        lab.src.ip(f"addr add {OTHER[family]}/{bits} dev l1" + " nodad" * (family == 6))
        route = f"route replace {target} via {VIA[family]} dev l1 src"
        lab.src.ip(f"{route} {OLD[family]}")
        if by_rule:
            lab.src.ip(f"{route} {OTHER[family]} table 100", family=family)
        with Context(lab.src, "protocol=icmp", "wait=300ms,3,3", "wait-min=10ms",
                     "max-ttl=2") as context:
            for _ in range(2):
                expect(context.ask("trace", target)["reached"], 1, "from the old address")
            drop_from(lab.node(1), OLD[family])
            expect(context.ask("trace", target)["reached"], 0, "the old one is refused")
            if by_rule:
                lab.src.ip(f"rule add to {target} lookup 100", family=family)
            else:
                lab.src.ip(f"{route} {OTHER[family]}")
            expect(context.ask("trace", target)["reached"], 1, "from the new address")


sys.exit(cases.main(only(), side_by_side=4))
