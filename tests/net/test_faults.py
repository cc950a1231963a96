#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on this machine while a trace runs. Faults strike when an event was seen, not
after some time; none of them may look like the path's fault."""

import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
from lab import Chain, block_output, refused  # noqa: E402
from tap import Cases, expect, only  # noqa: E402
from wend import FAILED, REACHED, UNREACHED, UNRESOLVED, Wend  # noqa: E402

netns.enclose()
cases = Cases()
wend = Wend(sys.argv[1])
SLOW = ("--pps", "60", "-q", "20", "-m", "6")  # long enough to strike in the middle: 2 s
PATIENT = ("-w", "20s,1000,1000", "--wait-min", "20s")
BOTH = (("raw", False), ("errqueue", True))
MS = 1_000_000


def restore_link(lab):
    """Routes and IPv6 addresses do not survive that a link is down."""
    lab.src.ip("link set l1 up", "addr replace fd09:1::1/64 dev l1 nodad",
               "route replace default via 10.9.1.2", "route replace ::/0 via fd09:1::2")


def flap(family, backend, nobody):
    with Chain(6) as lab:
        run = wend.start(lab.src, "--backend", backend, *SLOW, lab.target(family), nobody=nobody)
        run.wait_for("reply", 20)
        lab.src.ip("link set l1 down")
        run.wait_for("failed", 3)
        restore_link(lab)
        run.wait_for("reply", 20)
        got = run.finish()
        expect(got.code in (REACHED, UNREACHED), True, f"exit {got.code}: {got.err}")
        notes = [e["note"] for e in run.of("note")]
        expect("link-down" in notes and "link-up" in notes, True, f"notes {notes}")
        expect({e["error"] for e in run.of("failed")} <= {"network-down", "no-route"}, True,
               f"errors {run.of('failed')[:1]}")


for family in (4, 6):
    for backend, nobody in BOTH:
        cases.case(f"link down and up in mid-run is told and survived, IPv{family}, {backend}",
                   family, backend, nobody)(flap)


@cases.case("the source address changes in mid-run, raw", "raw", False)
@cases.case("the source address changes in mid-run, errqueue", "errqueue", True)
def address_change(backend, nobody):
    with Chain(6) as lab:
        run = wend.start(lab.src, "--backend", backend, *SLOW, lab.target(4), nobody=nobody)
        run.wait_for("reply", 20)
        lab.src.ip("addr del 10.9.1.1/24 dev l1", "addr add 10.9.1.5/24 dev l1",
                   "route replace default via 10.9.1.2")
        got = run.finish()
        expect(got.code in (REACHED, UNREACHED), True, f"exit {got.code}: {got.err}")
        expect("address-changed" in [e["note"] for e in run.of("note")], True, "notes")
        expect(len(run.of("end")), 1, "end events")


def blocked(family, backend, nobody):
    with Chain(6) as lab:
        field = "ip ttl" if family == 4 else "ip6 hoplimit"
        block_output(lab.src, f"{field} 3")
        got = wend.trace(lab.src, lab.target(family), "--backend", backend, nobody=nobody)
        got.exits(REACHED)
        want = lab.path(family)
        want[2] = None
        expect(got.path(), want, "path")
        expect(got.states(3), {"failed": 3}, "probes at TTL 3")
        expect({p["error"] for p in got.failed()}, {"blocked-here"}, "errors")
        expect(got["counters"]["blocked"], 3, "counter")


for family in (4, 6):
    for backend, nobody in BOTH:
        cases.case(f"a firewall here refuses some probes: told for each, the rest goes on,"
                   f" IPv{family}, {backend}", family, backend, nobody)(blocked)


@cases.case("a firewall here refuses some ports of --flow classic, raw", "raw", False)
@cases.case("a firewall here refuses some ports of --flow classic, errqueue", "errqueue", True)
def blocked_ports(backend, nobody):
    with Chain(6) as lab:
        block_output(lab.src, "udp dport { 33435, 33439, 33443 }")
        got = wend.trace(lab.src, lab.target(4), "--flow", "classic", "--backend", backend,
                         nobody=nobody).exits(REACHED)
        expect(got.states().get("failed"), 3, "failed probes")
        expect(got.path(), lab.path(4), "path")


@cases.case("a firewall here refuses everything: exit 3 and why, raw", "raw", False)
@cases.case("a firewall here refuses everything: exit 3 and why, errqueue", "errqueue", True)
def blocked_wholly(backend, nobody):
    with Chain(4) as lab:
        block_output(lab.src, "meta l4proto udp")
        got = wend.run(lab.src, "-n", "--backend", backend, lab.target(4), nobody=nobody)
        got.exits(FAILED).says("blocked", lab.target(4))


@cases.case("a full send queue is waited for, not taken for loss, raw", "raw", False)
@cases.case("a full send queue is waited for, not taken for loss, errqueue", "errqueue", True)
def full_queue(backend, nobody):
    with Chain(6) as lab:
        # Room for one packet of 1400 bytes at a time, 12 ms each.
        lab.src.run(["tc", "qdisc", "add", "dev", "l1", "root", "tbf", "rate", "1mbit", "burst",
                     "1600", "limit", "1600"], check=True)
        got = wend.trace(lab.src, lab.target(4), "--backend", backend, "--size", "1400", "--pps",
                         "0", nobody=nobody).exits(REACHED)
        expect(got.path(), lab.path(4), "path")
        expect(got.states().get("lost", 0), 0, "lost probes")
        expect(got["counters"]["send_retries"] > 0, True, "retries counted")


@cases.case("stopped and continued: no absurd RTT, no loss, raw", "raw", False)
@cases.case("stopped and continued: no absurd RTT, no loss, errqueue", "errqueue", True)
def stop_continue(backend, nobody):
    with Chain(6) as lab:
        lab.refuse(3)
        run = wend.start(lab.src, "--backend", backend, *SLOW, lab.target(4), nobody=nobody)
        run.wait_for("reply", 30)
        run.signal(signal.SIGSTOP)
        # For as long as another one takes to give up a probe: longer than any probe is waited for.
        lost = wend.trace(lab.src, refused(4, "dead"), "-f", "6", "-m", "6", "-q", "1", "--wait",
                          "1.5s", "--wait-min", "1.5s").exits(UNREACHED)
        run.signal(signal.SIGCONT)
        expect(lost.seconds > 1.5, True, f"stopped for {lost.seconds} s")
        got = run.finish().exits(REACHED)
        worst = max(e["rtt_ns"] for e in run.of("reply"))
        expect(worst < 100 * MS, True, f"worst RTT {worst} ns")
        expect(len(run.of("timeout")), 0, "timeouts")
        expect(got.seconds < 20, True, f"{got.seconds} s")


@cases.case("a dead DNS server delays nothing for long")
def _():
    with Chain(6) as lab:
        lab.refuse(3)
        netns.use_resolver(refused(4, "dead"))
        try:
            got = wend.run(lab.src, "--format", "json", lab.target(4)).exits(REACHED)
            expect(got.path(), lab.path(4), "path")
            # The last probe is answered at once: all that is waited for are names.
            expect(got.seconds < 3, True, f"took {got.seconds:.2f} s")
            got = wend.run(lab.src, "somewhere.example").exits(UNRESOLVED).says("somewhere")
            expect(got.seconds < 10, True, f"a name that cannot be asked for: {got.seconds:.2f} s")
        finally:
            subprocess.run(["umount", "/etc/resolv.conf"], check=True)


@cases.case("SIGINT in the middle: what there is, marked partial", signal.SIGINT)
@cases.case("SIGTERM in the middle: what there is, marked partial", signal.SIGTERM)
@cases.case("SIGHUP in the middle: what there is, marked partial", signal.SIGHUP)
def interrupt(number):
    with Chain(6) as lab:
        for backend, nobody in BOTH:
            run = wend.start(lab.src, "--backend", backend, *SLOW, lab.target(4), nobody=nobody)
            run.wait_for("reply", 10)
            run.signal(number)
            got = run.finish()
            expect(run.of("end")[0]["partial"], True, "partial")
            expect(run.of("stop")[0]["reason"], "interrupted", "reason")
            expect(got.code in (REACHED, UNREACHED), True, f"exit {got.code}")
            expect(got.seconds < 5, True, f"took {got.seconds:.2f} s")


@cases.case("SIGINT before the first answer")
def _():
    with Chain(6, silent=(1, 2, 3, 4, 5)) as lab:
        lab.refuse(3)
        run = wend.start(lab.src, *PATIENT, refused(4, "dead"))
        run.wait_for("sent", 10)
        run.signal(signal.SIGINT)
        got = run.finish()
        expect(run.of("end")[0]["partial"], True, "partial")
        expect(got.code, UNREACHED, "exit")
        expect(got.seconds < 5, True, f"took {got.seconds:.2f} s")


@cases.case("--deadline ends a trace that would go on")
def _():
    with Chain(6) as lab:
        got = wend.trace(lab.src, lab.target(4), *SLOW, "--deadline", "300ms")
        expect(got["stop"]["reason"], "deadline", "reason")
        expect(got.seconds < 3, True, f"took {got.seconds:.2f} s")


@cases.case("the reader of the output goes away")
def _():
    with Chain(6) as lab:
        run = wend.start(lab.src, *SLOW, lab.target(4))
        run.wait_for("reply", 3)
        run.proc.stdout.close()
        code = run.proc.wait(timeout=20)
        expect(code not in (REACHED, UNREACHED) and code >= 0, True, f"exit {code}")


sys.exit(cases.main(only(), side_by_side=2, begin=netns.own_mounts))
