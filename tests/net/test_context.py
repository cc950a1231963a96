#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One context of the library through real kernels: what changes between its traces, how fast it may
go, and what it asks of the kernel's queues. CONTEXT_PROBE names the program of tests/support."""

import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
import wend as wend_tool  # noqa: E402
from capture import Capture  # noqa: E402
from lab import Chain  # noqa: E402
from simlab import SimLab  # noqa: E402
from tap import Cases, expect, only  # noqa: E402

netns.enclose()
PROGRAM = netns.publish(sys.argv[1])
PROBE = netns.publish(os.environ["CONTEXT_PROBE"])
cases = Cases()


class Context:
    """A context in a namespace, for as long as it is open. prefix: what its program is run by."""

    def __init__(self, ns, *options, prefix=()):
        self._process = ns.popen([*prefix, PROBE, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 env=wend_tool.environment(), text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.communicate(timeout=10)

    def tell(self, *words):
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()

    def answer(self):
        return json.loads(self._process.stdout.readline())

    def ask(self, *words):
        self.tell(*words)
        return self.answer()

    def signal(self, number):
        self._process.send_signal(number)


def drop_from(ns, source):
    """Nothing that comes from this address gets an answer."""
    family = "ip6" if ":" in source else "ip"
    ns.nft(f"table {family} refused {{", "chain pre { type filter hook prerouting priority -300;",
           f"{family} saddr {source} drop", "}", "}")


HOPS, MANY = 5, 10000
FAR = "\n".join(["source s", "target d", "host s addr 10.0.0.1",
                 *[f"node h{i} addr 10.0.{i}.1" for i in range(1, HOPS)],
                 "host d addr 10.64.0.1 owns 10.64.0.0/16",
                 *[f"link {a} {b} delay 2ms" for a, b in zip(
                     ["s", *[f"h{i}" for i in range(1, HOPS)]],
                     [*[f"h{i}" for i in range(1, HOPS)], "d"])]]) + "\n"


@cases.case("10,000 traces at once over 20 ms: nothing is lost for want of room")
def _():
    with SimLab(PROGRAM, FAR) as lab, Context(lab.ns, "protocol=icmp", "wait=60s,1000,1000") as context:
        lab.ns.ip(f"link set {lab.device} txqueuelen 200000")  # what the wire drops is not ours
        got, stats = context.ask("many", MANY, "10.64.0.1"), context.ask("stats")
        print("#", got, stats)
        expect((got["done"], got["reached"]), (MANY, MANY), "traces")
        expect(stats["dropped"], 0, "dropped by the kernel")


# Raw sockets without the right to buffers of any size.
SMALL = ("setpriv", "--bounding-set=-all,+net_raw", "--inh-caps=-all")


@cases.case("a process that does not run while its answers come loses none")
def _():
    """The network stands still while it sends; then it does, while the network answers all."""
    with SimLab(PROGRAM, FAR) as lab, Context(
            lab.ns, "protocol=icmp", "wait=60s,1000,1000", prefix=SMALL) as context:
        lab.ns.ip(f"link set {lab.device} txqueuelen 200000")
        lab.process.send_signal(signal.SIGSTOP)
        context.tell("stand", 2000, "10.64.0.1")
        waiting = context.answer()["sent"]
        with Capture(lab.ns, lab.device) as wire:
            context.signal(signal.SIGSTOP)
            lab.process.send_signal(signal.SIGCONT)
            for _ in range(waiting):
                wire.next(outgoing=False)
        context.signal(signal.SIGCONT)
        got, stats = context.answer(), context.ask("stats")
        print("#", f"{waiting} answers;", got, stats)
        expect((got["done"], got["reached"], got["lost"]), (2000, 2000, 0), "traces")
        expect((stats["dropped"], stats["waits_room"] > 0), (0, True), "dropped, waited")


@cases.case("a router gets no more than it is to get, and nothing is lost for that", "router-pps")
@cases.case("so for all together", "all-pps")
def _(bound):
    """Each of 60 traces has three probes for the first router."""
    with SimLab(PROGRAM, FAR) as lab, Context(lab.ns, f"{bound}=400") as context:
        got, stats = context.ask("many", 60, "10.64.0.1"), context.ask("stats")
        print("#", got, stats)
        expect((got["reached"], got["lost"], stats["waits_pace"] > 60), (60, 0, True))
        expect(got["seconds"] > (180 - 24) / 400, True, "too fast")


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
