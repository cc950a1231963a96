#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wend pipe on real packets: many traces and probes at once over kernel routers, as root and as nobody, a
reader that does not read, and name servers that do not answer."""

import json
import os
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
from lab import Chain  # noqa: E402

netns.enclose()
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
from piped import Piped, fill, of, stuff  # noqa: E402
from program import PROGRAM, REACHED, UNREACHED, Cases, expect, only  # noqa: E402
from wend import PROTOS  # noqa: E402

cases = Cases()
program = netns.publish(PROGRAM)
HOPS = 6


def piped(ns, *args, nobody=False):
    argv = netns.unprivileged([program]) if nobody else [program]
    return Piped(*args, program=argv, start=ns.popen)


def path(events, ident):
    """Address by TTL, up to where the target is."""
    mine = [e for e in events if e.get("id") == ident]
    seen = {}
    for event in mine:
        if event["event"] == "reply" and event["ttl"] <= mine[-1]["ttl"]:
            seen.setdefault(event["ttl"], set()).add(event["address"])
    return [seen[ttl].pop() if len(seen[ttl]) == 1 else seen[ttl] for ttl in sorted(seen)]


for nobody in (False, True):
    @cases.case(f"90 traces at once, every hop right, {'as nobody' if nobody else 'raw'}", nobody)
    def traces(nobody):
        with Chain(HOPS) as lab:
            lab.src.sysctl(ipv4__ping_group_range=f"0 {netns.unprivileged_gid()}")
            with piped(lab.src, nobody=nobody) as p:
                asked = [(family, proto, i) for family in (4, 6) for proto in PROTOS
                         for i in range(15)]
                p.send(*({"id": str(ident), "target": lab.target(ident[0]), "protocol": ident[1]}
                         for ident in asked))
                events, end = p.finish()
                end.exits(REACHED).silent()
                expect(p.hello["backend"], "errqueue" if nobody else "raw")
                for ident in asked:
                    expect(path(events, str(ident)), lab.path(ident[0]), ident)
                expect({e["stop"] for e in of(events, "done")}, {"reached"})


@cases.case("single probes tell the same path")
def probes():
    with Chain(HOPS) as lab, piped(lab.src) as p:
        asked = [(family, proto, ttl) for family in (4, 6) for proto in PROTOS
                 for ttl in range(1, HOPS + 1)]
        p.send(*({"id": str(ident), "probe": lab.target(ident[0]), "protocol": ident[1],
                  "ttl": ident[2]} for ident in asked))
        events, end = p.finish()
        end.exits(REACHED).silent()
        for family, proto, ttl in asked:
            reply = of(events, "reply", id=str((family, proto, ttl)))
            expect([r["address"] for r in reply], [lab.path(family)[ttl - 1]], (family, proto, ttl))


@cases.case("answers to what a reader has not read are neither lost nor late")
def blocked():
    count = 4000
    with Chain(2) as lab:
        lab.src.ip("link set lo up")
        with piped(lab.src) as p:
            left = stuff(p, b"".join(
                json.dumps({"id": i, "target": f"127.1.{i // 250}.{i % 250 + 1}"}).encode() + b"\n"
                for i in range(count)))
            expect(len(left) > 0, True, "it took everything")
            events = []
            while len(of(events[-1:], "done")) == 0 or left:
                left = fill(p.proc.stdin.fileno(), left) if left else left
                events.append(p.read())
            more, end = p.finish()
            events += more
            end.exits(REACHED).silent()
            expect(len(of(events, "done", stop="reached")), count)
            expect((len(of(events, "lost")), len(of(events, "reply", late=True))), (0, 0))
            # All the time that nobody read would show here, were it not for the kernel's stamps.
            expect(max(r["rtt_ns"] for r in of(events, "reply")) < 1e9, True)


@cases.case("a signal does not wait for name servers")
def dead_names():
    netns.own_mounts()
    with Chain(2) as lab:
        lab.src.ip("link set lo up")
        netns.use_resolver("127.0.0.1")
        server = lab.src.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 53))
        with server, piped(lab.src) as p:
            p.send({"id": 1, "target": "slow.example"}, {"id": 2, "target": lab.target(4)})
            p.until(event="done", id=2)
            server.recvfrom(512)
            p.proc.send_signal(signal.SIGTERM)
            events = list(iter(p.read, None))
            expect([(e["event"], e["id"], e["stop"], e["error"]) for e in events],
                   [("done", 1, "canceled", "canceled")])
            p.ended().exits(UNREACHED).silent()


@cases.case("what cannot be sent is an error of its own, and harmless")
def refused():
    with Chain(2) as lab, piped(lab.dst) as p:
        lab.dst.ip("route flush table main")
        p.send({"id": 1, "target": "192.0.2.77"}, {"id": 2, "target": "192.0.2.77",
                                                   "interface": "none0"},
               {"id": 3, "target": "192.0.2.77", "source": "192.0.2.78"})
        events, end = p.finish()
        expect([(e["id"], e["error"]) for e in of(events, "error")],
               [(1, "no-route"), (2, "no-interface"), (3, "address-not-available")])
        end.exits(REACHED).silent()


if __name__ == "__main__":
    sys.exit(cases.main(only()))
