#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with Debian's mtr-packet and must not with ours: deaths, hangs, answers that are
false, round trips that are too long, replies that share a read.

    test_packet_faults.py PROGRAM [CASES]      PROGRAM may be Debian's mtr-packet
"""

import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
import responder  # noqa: E402
from capture import Capture, echo_rtts  # noqa: E402
from lab import refused  # noqa: E402
from packet import (EVERYBODY, NOBODY, RAW, ROOT, Answer, PacketCases,  # noqa: E402
                    open_chain, send_probe)
from responder import Responder, echo, echo_reply, exceeded, silent  # noqa: E402
from tap import expect, only  # noqa: E402

netns.enclose()
cases = PacketCases()
PAGE = 4096


def let_pass(seconds):
    """Until another program has waited so long, a whole number, for an answer that does not come."""
    with Responder(silent) as nobody, cases.start(nobody.ns) as clock:
        clock.send(1, responder.TARGET[4], timeout=seconds)
        expect(clock.answer().word, "no-reply", "the clock")


# --- one reply for each read ---


def read_by_read(p, count):
    """Each read(2) gives one whole line, however many replies wait."""
    for _ in range(count):
        data = p.read()
        expect((data.count(b"\n"), data[-1:]), (1, b"\n"), f"one read gave {data[:200]!r}")


@cases.case("a read of a pipe is one reply, of 300 commands at once",
            original="replies share a read")
def _():
    with open_chain(3) as lab, cases.start(lab.src) as p:
        p.say(b"".join(b"%d check-support feature version\n" % i for i in range(300)))
        read_by_read(p, 300)


def pipe_of_probes(family, proto, who):
    with open_chain(7) as lab, cases.start(lab.src, who=who) as p:
        p.say(*[send_probe(i, lab.target(family), protocol=proto, ttl=i % 7 + 1)
                for i in range(420)])
        read_by_read(p, 420)
        p.quiet()


for family in (4, 6):
    for proto in ("icmp", "udp", "tcp"):
        for who in (ROOT, NOBODY):
            cases.case(f"a read of a pipe is one reply, of 420 probes, IPv{family}, {proto}, {who}",
                       family, proto, who, original="replies share a read")(pipe_of_probes)


@cases.case("a reader that reads late still gets one reply by each read",
            original="replies share a read")
def _():
    """The answers are there before the first read: they wait in the program, not in the pipe."""
    with Responder(silent) as net, cases.start(net.ns) as p:
        for token in range(100):
            p.send(token, responder.TARGET[4])
        net.wait_seen(100)
        for probe in net.seen:
            net.write(echo_reply(probe))
        expect(p.readable(10), True, "the first answer")
        let_pass(1)  # what others would write meanwhile
        read_by_read(p, 100)
        p.quiet()


@cases.case("a read of a pipe is one reply, at the end of input, too",
            original="replies share a read")
def _():
    with open_chain(3) as lab, cases.start(lab.src) as p:
        p.say(*[send_probe(i, lab.target(4)) for i in range(200)])
        p.close_input()
        read_by_read(p, 200)
        expect(p.finish(), ([], 0), "its end")


@cases.case("the pipe is a stream of bytes: a reader that takes byte by byte gets all")
def _():
    """Packet mode (O_DIRECT) would drop what a short read leaves."""
    with open_chain(3) as lab, cases.start(lab.src) as p:
        p.say(b"".join(b"%d check-support feature udp\n" % i for i in range(50)))
        want = b"".join(b"%d feature-support support ok\n" % i for i in range(50))
        got = b"".join(os.read(p._out, 1) for _ in range(len(want)))
        expect(got, want, "bytes")


@cases.case("a socket as its stdout gets whole lines", original="it tears them at 4096 bytes")
def _():
    """So many that they need more than one write, in reads that take all there is."""
    with open_chain(7) as lab, cases.start(lab.src, socket_out=True) as p:
        p.say(*[send_probe(i, lab.target(4), ttl=i % 7 + 1) for i in range(700)])
        data = b""
        while data.count(b"\n") < 700:
            data += p.read(size=1 << 20)
        expect([r[-40:] for r in p.reads if not r.endswith(b"\n")], [], "torn lines")
        got = {a.token: a for a in map(Answer, data.decode("ascii").splitlines())}
        expect([got[i].address for i in range(700)], lab.path(4) * 100, "answers")
        p.quiet()


# --- deaths and hangs ---


@cases.case("standard output or input that is closed ends it", original="it waits for ever")
def _():
    for script, code in (('exec "$0" >&-', 1), ('exec "$0" <&-', 0), ('exec "$0" <&- 2>&-', 0)):
        res = subprocess.run(["sh", "-c", script, os.path.abspath(sys.argv[1])], input=b"1 send-probe ip-4 127.0.0.1\n",
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20)
        expect((res.returncode, res.stdout), (code, b""), script)
        expect(res.stderr.count(b"closed"), code, script)


def many_tcp(family, who, count):
    """Nobody answers: more than 1016 descriptors are open at once, where there are so many."""
    with open_chain(3) as lab:
        lab.refuse(1)
        with cases.start(lab.src, who=who, nofile=4096) as p:
            p.say(*[send_probe(i, refused(family, "dead"), protocol="tcp",
                                      timeout=2) for i in range(count)])
            words = {a.who() for a in p.answers(count, 40).values()}
            expect(words, {"no-reply"}, "answers")
            expect(p.probe(lab.target(family), protocol="tcp").word, "reply", "after it")


for family in (4, 6):
    for who in (ROOT, NOBODY):
        cases.case(f"1023 silent TCP probes, IPv{family}, {who}", family, who, 1023,
                   original="descriptors above 1024 overflow its fd_set")(many_tcp)


def few_files(who):
    """What does not fit into the limit of open files waits for its turn."""
    with open_chain(3) as lab:
        lab.refuse(1)
        with cases.start(lab.src, who=who, nofile=200) as p:
            p.say(*[send_probe(i, refused(4, "dead"), protocol="tcp",
                                      timeout=1) for i in range(600)])
            words = {a.who() for a in p.answers(600).values()}
            expect(words, {"no-reply"}, "answers")


for who in (ROOT, NOBODY):
    cases.case(f"600 TCP probes with 200 files, {who}", who,
               original="invalid-argument for want of files")(few_files)


def crowd(who, count, proto):
    """More than 1024 under way are no reason to refuse any."""
    with open_chain(3) as lab:
        lab.refuse(1)
        with cases.start(lab.src, who=who) as p:
            p.say(*[send_probe(i, refused(4, "dead"), protocol=proto, ttl=9,
                                      timeout=2) for i in range(count)])
            words = {a.who() for a in p.answers(count, 60).values()}
            expect(words, {"no-reply"}, "answers")


for who, count in ((ROOT, 5000), (RAW, 3000), (NOBODY, 2500)):
    for proto in ("icmp", "udp"):
        cases.case(f"{count} probes under way, {proto}, {who}", who, count, proto,
                   original="probes-exhausted above 1024")(crowd)


# --- answers that are false ---


def held(who, count, family):
    """The network answers while the program cannot run; all the answers wait for it."""
    with Responder(silent) as net, cases.start(net.ns, who=who) as p:
        for token in range(count):
            p.send(token, responder.TARGET[family], timeout=5)
        net.wait_seen(count)
        p.stopped()
        for probe in net.seen:
            net.write(echo_reply(probe))
        p.go_on()
        words = [a.word for a in p.answers(count).values()]
        expect(words.count("no-reply"), 0, f"false no-replies of {count}")


for family in (4, 6):
    cases.case(f"900 answers while it is stopped, IPv{family}", ROOT, 900, family,
               original="its receive buffer holds 256")(held)


@cases.case("5000 answered probes at once, none lost", original="probes-exhausted")
def _():
    with Responder(echo) as net, cases.start(net.ns) as p:
        p.say(*[send_probe(i, responder.TARGET[4]) for i in range(5000)])
        words = {a.word for a in p.answers(5000).values()}
        expect(words, {"reply"}, "answers")


@cases.case("answers that nobody reads for a while are neither lost nor late",
            original="it waits for its reader and hears nothing meanwhile")
def _():
    """All probes are answered at once, and read when their timeout has passed."""
    with Responder(echo) as net, cases.start(net.ns, pipe=PAGE) as p:
        for token in range(900):
            p.send(token, responder.TARGET[4], timeout=1)
        p.readable(10)
        let_pass(2)
        got = p.answers(900)
        expect({a.word for a in got.values()}, {"reply"}, "answers")
        worst_us = max(a.rtt_us for a in got.values())
        expect(worst_us < 500_000, True, f"the longest RTT: {worst_us} us")


@cases.case("unread answers make it stop reading, not grow")
def _():
    with open_chain(3) as lab, cases.start(lab.src) as p:
        p.quiet()
        os.set_blocking(p.proc.stdin.fileno(), False)
        said, rests = 0, False
        chunk = b"1 check-support feature version\n" * 128
        while said < 64 << 20 and not rests:
            asleep = p.is_asleep()
            n = p.proc.stdin.write(chunk)
            said += n or 0
            rests = asleep and not n  # it would be awake if it waited for what fills its input
        expect(said < 64 << 20, True, "it took 64 MiB of commands unanswered")
        expect(p.rss_kib() < 40_000 or cases.is_sanitized, True, f"{p.rss_kib()} KiB")
        p.close_input()
        total, data = 0, p.read()
        while data:
            total += data.count(b"\n")
            data = p.read()
        expect(total, said // 32, "answers to whole lines")
        expect(p.wait(), 0, "its end")


def six_unreachable(proto):
    """Without privileges the original ends with an error."""
    with open_chain(4) as lab, cases.start(lab.src, who=NOBODY) as p:
        lab.node(2).nft("table ip6 refuse {", "chain f { type filter hook forward priority 0;",
                        f"ip6 daddr {lab.target(6)} reject with icmpv6 type addr-unreachable",
                        "}", "}")
        for _ in range(3):
            expect(p.probe(lab.target(6), protocol=proto, ttl=9).who(),
                   ("no-route", lab.path(6)[1]), "answer")
        expect(p.probe(lab.target(6), protocol=proto, ttl=1).who(),
               ("ttl-expired", lab.path(6)[0]), "another")


for proto in ("icmp", "udp", "tcp"):
    cases.case(f"IPv6 unreachable without privileges, {proto}", proto,
               original="it ends, or knows nothing of it")(six_unreachable)


# --- round trips ---


def excess(burst, who):
    """What it reports beyond the wire, in us: the median of so many probes at once."""
    with open_chain(3) as lab, cases.start(lab.src, who=who) as p, \
            Capture(lab.src, "l1") as wire:
        p.probe(lab.target(4), ttl=1)
        wire.rest()
        p.say(*[send_probe(i, lab.target(4), ttl=1) for i in range(burst)])
        got, rtts = p.answers(burst), echo_rtts(wire.rest())
        expect(len(rtts), burst, "round trips on the wire")
        first = min(rtts)
        beyond = [got[seq - first].rtt_us - us for seq, us in rtts.items()]
        expect(statistics.median(beyond) <= 15, True,
               f"median {statistics.median(beyond):.1f} us, most {max(beyond):.0f} us")
        expect(statistics.median(beyond) > -5, True, "less than the wire saw")


for burst in (10, 100, 900):
    cases.case(f"RTT of {burst} at once is the wire's", burst, ROOT,
               original="its own time counts")(excess)


@cases.case("time when it could not run is no part of an RTT", ROOT, 4,
            original="its own time counts")
@cases.case("time when it could not run is no part of an RTT, IPv6", ROOT, 6,
            original="its own time counts")
@cases.case("time when it could not run is no part of an RTT, nobody", NOBODY, 4,
            original="its own time counts")
def _(who, family):
    with Responder(silent) as net, cases.start(net.ns, who=who) as p:
        p.send(1, responder.TARGET[family])
        net.wait_seen(1)
        p.stopped()
        net.write(exceeded(net.seen[0]))
        let_pass(1)
        p.go_on()
        got = p.answer()
        expect(got.word, "ttl-expired", "answer")
        expect(got.rtt_us < 250_000, True, f"{got.rtt_us} us")


@cases.case("a timeout that passes while it cannot run does not hide an answer that came", ROOT)
@cases.case("nor without privileges", NOBODY)
def _(who):
    with Responder(silent) as net, cases.start(net.ns, who=who) as p:
        p.send(1, responder.TARGET[4], timeout=1)
        net.wait_seen(1)
        p.stopped()
        net.write(echo_reply(net.seen[0]))
        let_pass(2)
        p.go_on()
        expect(p.answer().word, "reply", "answer")


def memory(who):
    """With 900 probes under way; a sanitizer's memory is not the program's."""
    with open_chain(3) as lab:
        lab.refuse(1)
        with cases.start(lab.src, who=who) as p:
            p.say(*[send_probe(i, refused(4, "dead"), timeout=2) for i in range(900)])
            p.quiet()
            expect(p.rss_kib() < 24_000 or cases.is_sanitized, True, f"{p.rss_kib()} KiB")
            p.answers(900)


for who in EVERYBODY:
    cases.case(f"memory is bounded, {who}", who)(memory)


sys.exit(cases.main(only(), side_by_side=4))
