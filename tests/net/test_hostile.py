#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Replies that lie, replies that belong to others, and what the process may still do if one of
them should ever take it over."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
import peers  # noqa: E402
from forger import FORGED_V4, FORGED_V6, Forger  # noqa: E402
from lab import Chain, refused  # noqa: E402
from tap import Cases, expect, only  # noqa: E402
from wend import PROTOS, REACHED, Wend  # noqa: E402

netns.enclose()
cases = Cases()
wend = Wend(sys.argv[1])
BOTH = (("raw", False), ("errqueue", True))


def forged(family, proto, lie):
    """The forger sits on the first router and is believed neither where nobody answers, nor
    where the true answer comes later."""
    with Chain(6, silent=(3, 4)) as lab:
        lab.src.sysctl(ipv4__ping_group_range=f"0 {netns.unprivileged_gid()}")
        forger = lab.serve(Forger(lab.node(1), "u1", family, (lie,)))
        for backend, nobody in BOTH:
            before = forger.told
            got = wend.trace(lab.src, lab.target(family), "-P", proto, "--backend", backend,
                             nobody=nobody).exits(REACHED)
            expect(got.path(), lab.path(family), f"{backend}: path")
            expect(forger.told - before >= 12, True, f"{backend}: lies {forger.told - before}")
            if backend == "raw":
                counter = {"corrupt": "corrupt", "short": "truncated"}.get(lie, "forged")
                expect(got["counters"][counter] > 0, True, f"{counter}: {got['counters']}")


for family in (4, 6):
    for proto in PROTOS:
        for lie in ("exceeded", "unreachable", "corrupt", "short"):
            cases.case(f"forged replies ({lie}) never become hops, IPv{family}, {proto}", family,
                       proto, lie)(forged)


@cases.case("the same forger fools Linux traceroute")
def _():
    """Else the cases above would prove nothing."""
    with Chain(6, silent=(3, 4)) as lab:
        for family, lie in ((4, FORGED_V4), (6, FORGED_V6)):
            with_forger = lab.serve(Forger(lab.node(1), "u1", family))
            seen = peers.traceroute(lab.src, lab.target(family), "tcp", "-w0.3")
            expect(lie in seen, True, f"traceroute -T saw {seen}")
            expect(with_forger.told > 0, True, "lies told")


def crowd(proto, backend, nobody):
    """40 traces at once from one address: half to a live target, half to one that a router
    refuses. Each must see its own path and nothing twice."""
    other = refused(4, "dead")
    with Chain(6) as lab:
        # By nft, not by route: of such errors the kernel sends one a second.
        lab.node(3).nft("table ip refuse {", "chain f { type filter hook forward priority 0;",
                        f"ip daddr {other} reject with icmp type host-unreachable", "}", "}")
        lab.src.sysctl(ipv4__ping_group_range=f"0 {netns.unprivileged_gid()}")
        runs = [(i % 2, wend.start(lab.src, "-P", proto, "--backend", backend,
                                   other if i % 2 else lab.target(4), nobody=nobody))
                for i in range(40)]
        # It answers once for the TTL that ends there and once for the next one, which it refuses.
        refused_path = lab.path(4, 3) + lab.path(4, 3)[-1:]
        for is_refused, run in runs:
            got = run.finish()
            expect(run.path(), refused_path if is_refused else lab.path(4), "path")
            expect(got.code, 1 if is_refused else 0, f"exit, {got.err}")
            counters = run.of("end")[0]["counters"]
            wrong = ("forged", "duplicate", "unattributed")
            expect({k: counters[k] for k in wrong}, dict.fromkeys(wrong, 0), "counters")


for proto in PROTOS:
    for backend, nobody in BOTH:
        cases.case(f"40 traces at once keep apart, {proto}, {backend}", proto, backend,
                   nobody)(crowd)


def privileges(backend, nobody):
    with Chain(4) as lab:
        lab.refuse(3)
        run = wend.start(lab.src, "--backend", backend, "-w", "20s,1000,1000", "--wait-min",
                         "20s", refused(4, "dead"), nobody=nobody)
        run.wait_for("sent")
        with open(f"/proc/{run.proc.pid}/status", encoding="ascii") as f:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        run.kill()
        expect({k: int(status[k], 16) for k in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")},
               dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), 0),
               "capabilities")
        expect(status["NoNewPrivs"], "1", "NoNewPrivs")
        expect(status["Seccomp"], "2", "seccomp filter")
        if not netns.rootless():
            expect("0" in status["Uid"].split() + status["Gid"].split(), False,
                   f"ids {status['Uid']} {status['Gid']}")
            expect(status["Groups"].split(), [], "groups")


for backend, nobody in BOTH:
    cases.case(f"no privilege is left while a trace runs, {backend}", backend,
               nobody)(privileges)


sys.exit(cases.main(only(), side_by_side=4))
