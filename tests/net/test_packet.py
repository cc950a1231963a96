#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mtr-packet's protocol: how lines are cut, what is refused and in which words, what a process of
it does from its start to its end.

    test_packet.py PROGRAM [CASES]      PROGRAM may be Debian's mtr-packet
"""

import os
import random
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
from lab import Chain  # noqa: E402
from packet import NOBODY, RAW, ROOT, Packet, PacketCases, environment, send_probe  # noqa: E402
from tap import Skip, expect, only  # noqa: E402

netns.enclose()
cases = PacketCases()
INVALID = "invalid-argument"
NO_VERSION = "invalid-argument reason ip-version-not-supported"
NO_PROTOCOL = "invalid-argument reason protocol-not-supported"


def alone():
    """A namespace with nothing but its loopback interface."""
    ns = netns.Netns("alone")
    ns.ip("link set lo up")
    return ns


def table(ask, rows):
    """Each row is (what is said, what must be answered)."""
    with cases.start(alone()) as p:
        for said, answer in rows:
            expect(p.ask(ask.format(said) if isinstance(said, str) else said), answer, repr(said))
        p.quiet()


@cases.case("what starts says nothing, whatever its arguments are")
def _():
    with cases.start(alone(), args=["-h", "--version", "nonsense"]) as p:
        p.quiet()
        expect(p.readable(), False, "more to read")
        expect(p.finish(), ([], 0), "its end")


@cases.case("any white space separates words, answers have single spaces")
def _():
    with cases.start(alone()) as p:
        for said in ("1 check-support feature udp", "  1   check-support\tfeature\t udp  ",
                     "\t1 check-support feature udp\r", "1\vcheck-support\ffeature udp"):
            expect(p.ask(said), "1 feature-support support ok", repr(said))


@cases.case("lines may come in pieces and together")
def _():
    with cases.start(alone()) as p:
        for i, char in enumerate(b"5 check-support feature udp\n6 check"):
            p.say(bytes([char]))
            if i == 20:
                p.quiet_pieces = not p.readable()
        expect(p.quiet_pieces, True, "nothing is said before the line has ended")
        expect(p.line(), "5 feature-support support ok", "the first")
        p.say(b"-support feature tcp\n" + b"".join(b"%d foo\n" % i for i in range(7, 107)))
        expect([p.line() for _ in range(101)],
               ["6 feature-support support ok"] + [f"{i} unknown-command" for i in range(7, 107)],
               "answers")


@cases.case("what is no command is a parse error")
def _():
    table("{}", [(said, "0 command-parse-error") for said in (
        "", "  ", "\t", "1", "send-probe", "1 foo a", "1 check-support feature",
        "1 send-probe ip-4 127.0.0.1 ttl", "9 send-probe ip-4", "1 check-support feature udp x")])


@cases.case("tokens: what a long holds, cut to 32 bits; text is 0")
def _():
    ok = " feature-support support ok"
    table("{} check-support feature udp", [(said, answer + ok) for said, answer in (
        ("1", "1"), ("+5", "5"), ("-7", "-7"), ("007", "7"), ("abc", "0"), ("12x", "12"),
        ("0x10", "0"), ("-", "0"), ("2147483647", "2147483647"), ("2147483648", "-2147483648"),
        ("4294967295", "-1"), ("4294967296", "0"), ("4294967297", "1"),
        ("9223372036854775807", "-1"), ("-9223372036854775808", "0"))] + [
            (said, "0 command-parse-error") for said in (
                "9223372036854775808", "-9223372036854775809", "9" * 400)])


@cases.case("commands are known by their exact names")
def _():
    table("3 {}", [(said, "3 unknown-command") for said in (
        "foo", "Send-Probe ip-4 127.0.0.1", "CHECK-SUPPORT feature udp", "send-prob", "send-probes",
        "check_support feature udp", "x" * 3000, "\x01\x7f", "\u00e9")])


@cases.case("up to 16 pairs are a command")
def _():
    table("1 check-support{} feature udp", [
        (" a b" * 15, "1 feature-support support ok"), (" a b" * 16, "0 command-parse-error"),
        (" a b" * 500, "0 command-parse-error")])


def padded(length, newline=True):
    """A request of so many bytes, the newline included."""
    end = b"\n" if newline else b""
    return b"1 check-support feature udp".ljust(length - len(end)) + end


@cases.case("a line of 4095 bytes is read, one byte more is too much")
def _():
    with cases.start(alone()) as p:
        p.say(padded(4095))
        expect(p.line(), "1 feature-support support ok", "4095 bytes")
        p.say(padded(4096))
        expect([p.line(), p.line()], ["0 command-buffer-overflow", "0 command-parse-error"],
               "4096 bytes: the newline is a line of its own")
        p.quiet()


@cases.case("each 4095 bytes without a newline are one overflow, the rest is a line")
def _():
    with cases.start(alone()) as p:
        for blocks in (1, 2, 5):
            p.say(b"x" * 4095 * blocks + b"9 check-support feature tcp\n")
            expect([p.line() for _ in range(blocks + 1)],
                   ["0 command-buffer-overflow"] * blocks + ["9 feature-support support ok"],
                   f"{blocks} times 4095 bytes")
        p.quiet()


@cases.case("an overflow is told at once, not when the line ends")
def _():
    with cases.start(alone()) as p:
        p.say(b"x" * 4095)
        expect(p.line(), "0 command-buffer-overflow", "without a newline")
        p.say(b"\n")
        expect(p.line(), "0 command-parse-error", "an empty rest")


def with_nul(line):
    """What stands around a NUL is no request, and what follows is one again."""
    with cases.start(alone()) as p:
        p.say(line + b"\n", "5 check-support feature udp")
        said = p.line(5)
        expect(said.split(" ", 1)[1] in ("command-parse-error", "unknown-command"), True, said)
        expect(p.line(5), "5 feature-support support ok", "the next line")
        p.quiet()


for nul in (b"\0", b"1 check\0-support feature udp", b"1 check-support feature\0 udp x",
            b"\0" * 3000, b"1 foo\0"):
    cases.case(f"a line with NUL, {nul[:12]!r}, is refused alone", nul,
               original="NUL in its input wedges it")(with_nul)


class Model:
    """The protocol's own account of what a stream of bytes is answered, probes left out."""

    FEATURES = {"ip-4", "ip-6", "send-probe", "icmp", "udp", "tcp"}

    def __init__(self):
        self._buffer, self.answers = b"", []

    def feed(self, stream):
        for byte in stream:
            if byte == 10:
                self.answers.append(self._line(self._buffer.split()))
                self._buffer = b""
                continue
            self._buffer += bytes([byte])
            if len(self._buffer) == 4095:
                self.answers.append("0 command-buffer-overflow")
                self._buffer = b""

    def _line(self, split):
        token = self._token(split[0].decode("latin-1")) if split else None
        if token is None or len(split) < 2 or len(split) % 2 or len(split) > 2 + 2 * 16:
            return "0 command-parse-error"
        name, *rest = (word.decode("latin-1") for word in split[1:])
        if name == "send-probe":
            return f"{token} {NO_VERSION}"
        if name != "check-support":
            return f"{token} unknown-command"
        feature = next((v for k, v in zip(rest[::2], rest[1::2]) if k == "feature"), None)
        if feature is None:
            return f"{token} {INVALID}"
        return f"{token} feature-support support {'ok' if feature in self.FEATURES else 'no'}"

    @staticmethod
    def _token(word):
        digits = re.match(r"[+-]?[0-9]+", word)
        value = int(digits.group()) if digits else 0
        if not -2**63 <= value < 2**63:
            return None
        return (value + 2**31) % 2**32 - 2**31


PIECES = (b"1", b"-3", b"77x", b"4294967295", b"99999999999999999999", b"check-support", b"feature",
          b"feature", b"udp", b"tcp", b"no", b"send-probe", b"foo", b"\xff\x80", b"%s%n", b";",
          b"check-support feature", b"check-support feature udp", b"a b " * 8, b"a " * 20)
SPACES = (b" ", b" ", b" ", b"\t", b"  ", b"\r", b"\v\f", b"\n", b"\n", b"\n")


def nonsense(seed):
    """Pieces of commands in any order, at times very long, in writes of any size."""
    rng, model = random.Random(seed), Model()
    stream = b"".join(rng.choice(PIECES) + rng.choice(SPACES) for _ in range(3000))
    at = rng.randrange(len(stream))
    stream = (stream[:at] + rng.choice((b"x", b"x ", b"1 ")) * rng.randrange(3000, 9000)
              + stream[at:] + b"\n")
    model.feed(stream)
    with cases.start(alone()) as p:
        while stream:
            size = rng.choice((1, 2, 7, 100, 4000))
            p.say(stream[:size])
            stream = stream[size:]
        for i, want in enumerate(model.answers):
            expect(p.line(), want, f"answer {i} of {len(model.answers)}, seed {seed}")
        p.quiet()


for seed in range(1, 13):
    cases.case(f"nonsense {seed} is answered as the protocol says", seed)(nonsense)


@cases.case("check-support: a version, ok and no")
def _():
    with cases.start(alone()) as p:
        version = p.ask("33000 check-support feature version")
        expect(bool(re.fullmatch(r"33000 feature-support support \S+", version)), True, version)
        for name in ("ip-4", "ip-6", "send-probe", "icmp", "udp", "tcp"):
            expect(p.ask(f"2 check-support feature {name}"), "2 feature-support support ok", name)
        for name in ("local-device", "Version", "ICMP", "foo", "ip-5", "check-support", "0"):
            expect(p.ask(f"2 check-support feature {name}"), "2 feature-support support no", name)
        expect(p.ask("1 check-support feature sctp") in (
            "1 feature-support support ok", "1 feature-support support no"), True, "sctp")


def marks(who):
    """What may mark is given up at the start, so no mark is promised."""
    with cases.start(alone(), who=who) as p:
        expect(p.ask("2 check-support feature mark"), "2 feature-support support no", "mark")


for who in (ROOT, RAW):
    cases.case(f"check-support: no mark, {who}", who,
               original="it keeps its capabilities; those after it do not")(marks)


@cases.case("check-support: the first feature counts, others are not looked at")
def _():
    table("1 check-support {}", [
        ("feature udp feature foo", "1 feature-support support ok"),
        ("feature foo feature udp", "1 feature-support support no"),
        ("a b feature udp", "1 feature-support support ok"),
        ("", "1 invalid-argument"), ("Feature udp", "1 invalid-argument"),
        ("features udp", "1 invalid-argument")])


@cases.case("each answer to check-support is one write")
def _():
    """mtr reads it by a single read(2)."""
    with cases.start(alone(), socket_out=True) as p:
        for i in range(200):
            p.ask(f"{i} check-support feature version")
        expect([r.count(b"\n") for r in p.reads if not r.endswith(b"\n")], [], "torn lines")


ANY = "ip-4 10.9.3.2 ttl 1 timeout 2 "
ANY6 = "ip-6 fd09:3::2 ttl 1 timeout 2 "
REFUSED = [
    ("", NO_VERSION), ("ttl 1", NO_VERSION), ("local-ip-4 10.9.1.1", NO_VERSION),
    ("protocol foo", INVALID), ("ttl x", INVALID), (ANY + "ttl x ttl 1", INVALID),
    *[(f"ip-4 {a}", INVALID) for a in (
        "localhost", "10.9.3", "10.9.3.02", "0x7f000001", "010.9.3.2", "10.9.3.2.1", "fd09:3::2",
        "256.1.1.1", "10.9.3.2/32", "10.9.3.-2")],
    *[(f"ip-6 {a}", INVALID) for a in (
        "localhost", "::1%lo", "fe80::1%1", "10.9.3.2", "fd09:::2", "[fd09:3::2]", "12345::1")],
    (ANY + "local-ip-6 ::1", INVALID), (ANY6 + "local-ip-4 10.9.1.1", INVALID),
    (ANY + "local-ip-4 x", INVALID), (ANY6 + "local-ip-6 fd09:1::1%l1", INVALID),
    *[(ANY + f"protocol {a}", INVALID) for a in ("foo", "ICMP", "ip", "17", "udplite")],
    *[(ANY + f"{name} {a}", INVALID) for name in (
        "ttl", "timeout", "size", "tos", "bit-pattern", "mark", "port", "local-port")
      for a in ("x", "0x3", "1x", "0.5", "1e2", "--1", "+", "-")],
    (ANY + "local-port 1023 protocol udp", INVALID), (ANY + "local-port 0", INVALID),
    (ANY + "local-port -5 protocol tcp", INVALID), (ANY6 + "local-port 1 protocol udp", INVALID),
    (ANY + "size 9001", INVALID), (ANY + "size 9001 protocol udp", INVALID),
    (ANY6 + "size 9041", INVALID), (ANY6 + "size 100000 protocol udp", INVALID),
    (ANY6 + "ttl 256", INVALID), (ANY6 + "ttl 1000 protocol udp", INVALID),
    (ANY + "ttl 0 protocol tcp", INVALID), (ANY + "ttl 256 protocol tcp", INVALID),
    (ANY6 + "ttl 256 protocol tcp", INVALID), (ANY6 + "tos 256", INVALID),
]


@cases.case("send-probe: what is refused, and in which words")
def _():
    with Chain(3) as lab, cases.start(lab.src) as p:
        for said, answer in REFUSED:
            expect(p.ask(f"9 send-probe {said}"), f"9 {answer}", said)
        sctp = p.ask("9 check-support feature sctp").endswith("ok")
        if not sctp:
            expect(p.ask(f"9 send-probe {ANY}protocol sctp"), f"9 {NO_PROTOCOL}", "sctp")
        p.quiet()


NEAR, NEAR6 = ("ttl-expired", "10.9.1.2"), ("ttl-expired", "fd09:1::2")
ACCEPTED = [
    (ANY, NEAR), (ANY6, NEAR6), ("ip-4 10.9.3.2", ("reply", "10.9.3.2")),
    ("ip-6 fd09:3::2", ("reply", "fd09:3::2")), ("ip-6 FD09:3:0::0:2", ("reply", "fd09:3::2")),
    (ANY + "local-ip-4 10.9.1.1", NEAR), (ANY6 + "local-ip-6 fd09:1::1", NEAR6),
    (ANY + "foo bar", NEAR), (ANY + "local-device nosuch", NEAR), (ANY6 + "flow-label 3", NEAR6),
    (ANY + "ttl 2", ("ttl-expired", "10.9.2.2")), (ANY + "ttl 2 ttl 1", NEAR),
    (ANY + "ttl +1", NEAR), (ANY + "ttl 01", NEAR), (ANY + "ttl 257", NEAR),
    (ANY + "protocol tcp protocol icmp", NEAR), (ANY + "size 9000 size 64", NEAR),
    ("ip-4 10.9.77.1 ip-4 10.9.3.2 ttl 1", NEAR),
    (ANY + "size 9001 protocol tcp", NEAR), (ANY + "size 0", NEAR), (ANY + "size -5", NEAR),
    (ANY6 + "size 0", NEAR6), (ANY + "size 1500", NEAR), (ANY6 + "size 1500", NEAR6),
    (ANY + "size 1501", "unexpected-error errno 90"),
    (ANY + "size 9000 protocol udp", "unexpected-error errno 90"),
    (ANY + "tos 255", NEAR), (ANY6 + "tos 255", NEAR6), (ANY + "bit-pattern 300", NEAR),
    (ANY + "bit-pattern -1", NEAR), (ANY + "mark 0", NEAR),
    *[(ANY + f"protocol udp port {a}", NEAR) for a in ("0", "-1", "70000", "9" * 20)],
    (ANY + "port 5", NEAR), (ANY + "protocol tcp port 65535", NEAR),
    (ANY + "protocol udp local-port 1024", NEAR), (ANY + "protocol udp local-port 65536", NEAR),
    (ANY + "protocol udp local-port 2000 port 3000", NEAR), (ANY + "local-port 1024", NEAR),
    (ANY6 + "protocol udp local-port 2000", NEAR6), (ANY6 + "protocol udp port 3000", NEAR6),
]


@cases.case("send-probe: what is taken although it looks strange")
def _():
    with Chain(3) as lab, cases.start(lab.src) as p:
        for said, answer in ACCEPTED:
            p.say(f"9 send-probe {said}")
            expect(p.answer().who(), answer, said)
        p.quiet()


@cases.case("syntax errors overtake probes, probes are answered in their own order")
def _():
    with Chain(3, silent=(1,)) as lab, cases.start(lab.src) as p:
        p.say(send_probe(1, lab.target(4), ttl=1, timeout=1), send_probe(2, lab.target(4)), "3 foo")
        expect([p.line() for _ in range(1)], ["3 unknown-command"], "first")
        expect([(a.token, a.word) for a in (p.answer(), p.answer())],
               [(2, "reply"), (1, "no-reply")], "then")


@cases.case("a token may be used many times at once")
def _():
    with Chain(3) as lab, cases.start(lab.src) as p:
        p.say(*[send_probe(5, lab.target(4), ttl=t % 3 + 1) for t in range(30)])
        got = [p.answer() for _ in range(30)]
        expect({a.token for a in got}, {5}, "tokens")
        expect(sorted(a.address for a in got), sorted(lab.path(4) * 10), "addresses")


@cases.case("after the end of its input it answers what is under way")
def _():
    with Chain(3, silent=(1,)) as lab, cases.start(lab.src) as p:
        p.say(send_probe(1, lab.target(4), ttl=1, timeout=1), send_probe(2, lab.target(4)),
              b"3 check-support feature udp")
        lines, code = p.finish()
        expect([lines[0].split()[:2], lines[1:], code],
               [["2", "reply"], ["1 no-reply"], 0], "answers; the unfinished line is none")


@cases.case("it waits for them without working", original="it spins")
def _():
    with Chain(3, silent=(1,)) as lab, cases.start(lab.src) as p:
        p.send(1, lab.target(4), ttl=1, timeout=2)
        p.quiet()
        p.close_input()
        before = p.cpu_s()
        expect(p.line(), "1 no-reply", "the last answer")
        expect(p.cpu_s() - before < 0.2, True, f"{p.cpu_s() - before} s of 2 were work")
        expect(p.finish(), ([], 0), "its end")


@cases.case("idle, it does not work either")
def _():
    with Chain(3, silent=(1,)) as lab, cases.start(lab.src) as p:
        p.send(1, lab.target(4), ttl=1, timeout=2)
        p.quiet()
        before = p.cpu_s()
        expect(p.line(), "1 no-reply", "answer")
        expect(p.cpu_s() - before < 0.2, True, "work")


for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    @cases.case(f"{number.name} ends it at once, probes under way or not", number)
    def _(number):
        with Chain(3, silent=(1,)) as lab, cases.start(lab.src) as p:
            p.send(1, lab.target(4), ttl=1)
            p.quiet()
            os.kill(p.pid(), number)
            expect(p.wait(5), -number, "its end")


@cases.case("it ends when nobody can read its answers")
def _():
    with cases.start(alone()) as p:
        p.quiet()
        p.close_output()
        try:
            p.proc.stdin.write(b"1 check-support feature udp\n")
        except BrokenPipeError:
            pass  # it has ended already
        p.wait(5)


@cases.case("without any privilege and any ping socket it says why, or goes on without ICMP")
def _():
    """The original ends. What goes on must answer UDP probes, and refuse ICMP ones."""
    with Chain(3) as lab:
        lab.src.sysctl(ipv4__ping_group_range="1 0")
        with cases.start(lab.src, who=NOBODY) as p:
            said = p.ask_or_end("1 check-support feature udp")
            if not said:
                expect((p.wait(), p.proc.stderr.read() != b""), (1, True), "its end")
                return
            for proto in ("udp", "tcp"):
                got = p.probe(lab.target(4), protocol=proto, ttl=2)
                expect(got.who(), ("ttl-expired", "10.9.2.2"), proto)
            got = p.probe(lab.target(4)).word.split()[0]
            expect(got in ("permission-denied", "invalid-argument"), True, got)


@cases.case("it needs no environment, whatever its name")
def _():
    with Chain(3) as lab, cases.start(lab.src, env={}) as p:
        expect(p.probe(lab.target(4)).who(), ("reply", lab.target(4)), "answer")


@cases.case("wend called mtr-packet is the same")
def _():
    wend = os.environ.get("WEND")
    if not wend:
        raise Skip("WEND does not say where it is")
    os.mkdir(f"{netns.PRIVATE_DIR}/named")
    os.symlink(netns.publish(wend), f"{netns.PRIVATE_DIR}/named/mtr-packet")
    with Chain(3) as lab, Packet(lab.src, f"{netns.PRIVATE_DIR}/named/mtr-packet",
                                 env=environment()) as p:
        expect(p.probe(lab.target(4), ttl=2).who(), ("ttl-expired", "10.9.2.2"), "answer")
        expect(p.finish(), ([], 0), "its end")


@cases.case("no privilege is left while it runs", original="root keeps its capabilities")
def _():
    with Chain(3) as lab, cases.start(lab.src, who=ROOT) as p:
        p.probe(lab.target(4))
        with open(f"/proc/{p.pid()}/status", encoding="ascii") as f:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        expect({k: int(status[k], 16) for k in ("CapPrm", "CapEff", "CapBnd", "CapAmb")},
               dict.fromkeys(("CapPrm", "CapEff", "CapBnd", "CapAmb"), 0), "capabilities")


sys.exit(cases.main(only(), side_by_side=4))
