#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the probes of mtr-packet's protocol look like on the wire.

    test_packet_wire.py PROGRAM [CASES]      PROGRAM may be Debian's mtr-packet
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
from capture import Capture  # noqa: E402
from forger import checksum  # noqa: E402
from lab import Chain, block_output  # noqa: E402
from packet import EVERYBODY, NOBODY, RAW, ROOT, PacketCases  # noqa: E402
from tap import expect, only  # noqa: E402

netns.enclose()
cases = PacketCases()
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
NUMBER = {("icmp", 4): ICMP, ("icmp", 6): ICMP6, ("udp", 4): UDP, ("udp", 6): UDP,
          ("tcp", 4): TCP, ("tcp", 6): TCP}
SOURCE = {4: "10.9.1.1", 6: "fd09:1::1"}
HEADER = {4: 20, 6: 40}
PROOF = 10  # bytes by which answers are verified


class Wired:
    """The program over two routers, and the wire beside it."""

    def __init__(self, who=ROOT):
        self._who = who

    def __enter__(self):
        self.lab = Chain(3)
        self.lab.src.sysctl(ipv4__ping_group_range=f"0 {netns.unprivileged_gid()}")
        self.packet = cases.start(self.lab.src, who=self._who)
        self.wire = Capture(self.lab.src, "l1")
        return self

    def __exit__(self, *_):
        self.wire.__exit__()
        self.packet.__exit__()
        self.lab.close()

    def sent(self, family, **arguments):
        """Sends a probe and gives it as the wire saw it."""
        arguments.setdefault("ttl", 1)
        self.wire.rest()
        answer = self.packet.probe(self.lab.target(family), **arguments)
        seen = self.wire.next()
        expect((seen.proto, seen.source, seen.target),
               (NUMBER[arguments.get("protocol", "icmp"), family], SOURCE[family],
                self.lab.target(family)), f"{arguments} {answer}")
        return seen


def right_sum(seen):
    """Both checksums hold."""
    if seen.family == 4:
        expect(checksum(seen.data[:20]), 0, "IPv4 checksum")
    pseudo = b""
    if seen.proto != ICMP:
        addresses = seen.data[12:20] if seen.family == 4 else seen.data[8:40]
        pseudo = addresses + len(seen.payload).to_bytes(4, "big") + bytes([0, 0, 0, seen.proto])
    expect(checksum(pseudo + seen.payload), 0, "checksum of the transport")


def fields(family, proto, who):
    with Wired(who) as w:
        for ttl in (1, 2, 3, 64, 255):
            expect(w.sent(family, protocol=proto, ttl=ttl).ttl, ttl, "TTL")
        expect(w.sent(family, protocol=proto).tos, 0, "TOS unless asked for")
        for tos in (4, 184, 252, 0):
            expect(w.sent(family, protocol=proto, tos=tos).tos, tos, "TOS")
        seen = w.sent(family, protocol=proto, local_ip_4=SOURCE[4]) if family == 4 else \
            w.sent(family, protocol=proto, local_ip_6=SOURCE[6])
        right_sum(seen)
        right_sum(w.sent(family, protocol=proto, size=77, bit_pattern=165))


def ttl_default(family, proto):
    with Wired() as w:
        w.wire.rest()
        w.packet.say(f"7 send-probe ip-{family} {w.lab.target(family)} protocol {proto}")
        expect(w.packet.answer().word, "reply", "answer")
        expect(w.wire.next().ttl, 255, "TTL")


def sizes(family, proto, who):
    """The whole packet, IP header included."""
    least = HEADER[family] + (8 if proto == "icmp" else 12)
    with Wired(who) as w:
        for size, length in ((64, 64), (least, least), (least - 1, least), (0, least), (-9, least),
                             (65, 65), (100, 100), (1499, 1499), (1500, 1500)):
            expect(len(w.sent(family, protocol=proto, size=size).data), length, f"size {size}")
        expect(len(w.sent(family, protocol=proto).data), 64, "unless asked for")


def patterns(family, proto, who):
    """All of the payload is the pattern, but for 0: there its first bytes may be a proof."""
    with Wired(who) as w:
        for pattern, byte in ((1, 1), (170, 170), (255, 255), (300, 300 & 255), (-1, 255), (0, 0),
                              (256, 0)):
            body = w.sent(family, protocol=proto, size=200, bit_pattern=pattern).payload[8:]
            expect(set(body if byte else body[PROOF:]), {byte}, f"pattern {pattern}")
        body = w.sent(family, protocol=proto, size=200).payload[8:]
        expect(set(body[PROOF:]), {0}, "unless asked for")


for who, family in ((ROOT, 4), (ROOT, 6), (RAW, 4), (RAW, 6)):
    for proto in ("icmp", "udp", "tcp"):
        cases.case(f"TTL, TOS, source and checksums, IPv{family}, {proto}, {who}", family, proto,
                   who)(fields)
    for proto in ("icmp", "udp"):
        cases.case(f"size, IPv{family}, {proto}, {who}", family, proto, who)(sizes)
        cases.case(f"bit-pattern, IPv{family}, {proto}, {who}", family, proto, who)(patterns)
for family in (4, 6):
    for proto in ("icmp", "udp", "tcp"):
        cases.case(f"TTL 255 unless asked for, IPv{family}, {proto}", family, proto)(ttl_default)
        refused = "refused with EACCES" if (family, proto) == (6, "udp") else None
        cases.case(f"TTL, TOS, source and checksums, IPv{family}, {proto}, {NOBODY}", family, proto,
                   NOBODY, original=refused)(fields)
    for proto in ("icmp", "udp"):
        cases.case(f"size, IPv{family}, {proto}, {NOBODY}", family, proto, NOBODY,
                   original="without privileges it adds the headers")(sizes)
        cases.case(f"bit-pattern, IPv{family}, {proto}, {NOBODY}", family, proto, NOBODY,
                   original="a header stands in its payload" if proto == "udp" else None)(patterns)


@cases.case("ICMP: echo requests of one identifier, sequences from 33000 on", 4)
@cases.case("ICMPv6: the same", 6)
def _(family):
    with Wired() as w:
        seen = [w.sent(family) for _ in range(5)]
        kinds = {(s.payload[0], s.payload[1]) for s in seen}
        expect(kinds, {(8, 0) if family == 4 else (128, 0)}, "echo requests")
        expect([s.words()[3] for s in seen], list(range(33000, 33005)), "sequences")
        expect(len({s.words()[2] for s in seen}), 1, "identifiers")


@cases.case("ICMP sequences start again after 65535, none is used by two probes under way")
def _():
    with Chain(3) as lab, cases.start(lab.src) as p, Capture(lab.src, "l1") as wire:
        total, width, used = 33000, 100, []
        for first in range(0, total, width):
            for token in range(first, first + width):
                p.send(token, lab.target(4), ttl=1)
            p.answers(width)
            used += [s.words()[3] for s in wire.rest() if s.outgoing]
        expect(len(used), total, "probes seen")
        for i in range(0, total, width):
            expect(len(set(used[i:i + width])), width, "sequences used twice at once")
        expect((min(used), max(used)), (33000, 65535), "range")


@cases.case("UDP: port and local-port are where they belong", 4)
@cases.case("UDP over IPv6: the same", 6)
def _(family):
    with Wired() as w:
        ports = [w.sent(family, protocol="udp").words()[:2] for _ in range(5)]
        expect(len({s for s, _ in ports}), 1, f"one source port: {ports}")
        expect([d - ports[0][1] for _, d in ports], [0, 1, 2, 3, 4], "destination ports count")
        expect(w.sent(family, protocol="udp", port=53).words()[1], 53, "port")
        expect(w.sent(family, protocol="udp", local_port=4321).words()[0], 4321, "local-port")
        expect(w.sent(family, protocol="udp", port=65536 + 80).words()[1], 80, "16 bits of port")


def both_ports(family, who):
    """All probes of one flow, and still each has its own answer."""
    with Wired(who) as w:
        for ttl in (1, 2, 3, 2):
            w.wire.rest()
            got = w.packet.probe(w.lab.target(family), protocol="udp", port=7000, local_port=7001,
                                 ttl=ttl)
            expect(w.wire.next().words()[:2], (7001, 7000), "ports")
            expect(got.address, w.lab.path(family)[ttl - 1], "who answers")
        for token in range(60):
            w.packet.send(token, w.lab.target(family), protocol="udp", port=7000, local_port=7001,
                          ttl=token % 3 + 1)
        for token, answer in w.packet.answers(60).items():
            expect(answer.address, w.lab.path(family)[token % 3], "of 60 at once")


cases.case("UDP with both ports, IPv4", 4, ROOT)(both_ports)
cases.case("UDP with both ports, IPv6", 6, ROOT,
           original="IPv6 with both ports never answers")(both_ports)
cases.case("UDP with both ports, IPv4, nobody", 4, NOBODY, original="never answers")(both_ports)
cases.case("UDP with both ports, IPv6, nobody", 6, NOBODY, original="never answers")(both_ports)


def port_of_both(who):
    """A source port of IPv4 is none of IPv6: each family's probes may ask for the same."""
    with Wired(who) as w:
        for family in (4, 6, 4, 6):
            for more in ({}, {"port": 7000}):
                seen = w.sent(family, protocol="udp", local_port=2000, **more)
                expect(seen.words()[0], 2000, "local-port")
        for token in range(40):
            w.packet.send(token, w.lab.target((4, 6)[token % 2]), protocol="udp", local_port=2000,
                          port=7000, ttl=token % 3 + 1)
        for token, answer in w.packet.answers(40).items():
            expect(answer.address, w.lab.path((4, 6)[token % 2])[token % 3], "of 40 at once")


for who in EVERYBODY:
    cases.case(f"UDP of both IP versions from one local-port, {who}", who,
               original="IPv6 with both ports never answers")(port_of_both)


@cases.case("TCP: SYN to port 80 unless asked for, each from a port of its own", 4)
@cases.case("TCP over IPv6: the same", 6)
def _(family):
    with Wired() as w:
        seen = [w.sent(family, protocol="tcp") for _ in range(5)]
        expect({s.payload[13] & 0x3F for s in seen}, {2}, "SYN alone")
        expect({s.words()[1] for s in seen}, {80}, "port")
        expect(len({s.words()[0] for s in seen}), 5, "source ports")
        expect(w.sent(family, protocol="tcp", port=443).words()[1], 443, "port")
        expect(w.sent(family, protocol="tcp", port=443, local_port=5000).words()[1], 443, "port")


def source(family, proto, who):
    """A second address of ours is used where asked for, and answers come to it."""
    other = {4: "10.9.1.77", 6: "fd09:1::77"}[family]
    with Chain(3) as lab:
        lab.src.sysctl(ipv4__ping_group_range=f"0 {netns.unprivileged_gid()}")
        lab.src.ip(f"addr add {other}/{24 if family == 4 else 64} dev l1"
                   + " nodad" * (family == 6) + " preferred_lft 0" * (family == 6))
        lab.src.wait_own_addresses()
        near = {4: "10.9.1.77", 6: "fd09:1::77"}[family]
        lab.node(1).ip(f"neigh add {near} lladdr 02:00:00:00:01:01 dev u1 nud permanent")
        with cases.start(lab.src, who=who) as p, Capture(lab.src, "l1") as wire:
            argument = {f"local_ip_{family}": other}
            for want, more in ((other, argument), (SOURCE[family], {}), (other, argument)):
                wire.rest()
                got = p.probe(lab.target(family), protocol=proto, ttl=2, **more)
                expect(wire.next().source, want, "source")
                expect(got.who(), ("ttl-expired", lab.path(family)[1]), "answer")


for family in (4, 6):
    for proto in ("icmp", "udp", "tcp"):
        for who in (ROOT, RAW, NOBODY):
            cases.case(f"local-ip, IPv{family}, {proto}, {who}", family, proto, who,
                       original="it stays on the shared socket" if who == NOBODY else None)(source)


def marked(family, proto, who):
    """The right to mark is given up at the start: what asks for a mark is refused, and does not
    leave without it. Who asks for none is served as ever."""
    with Wired(who) as w:
        for mark in (77, 2**32 - 1, -1):
            w.wire.rest()
            got = w.packet.probe(w.lab.target(family), protocol=proto, mark=mark, timeout=1)
            expect(got.who(), "permission-denied", f"mark {mark}")
            expect([s.data for s in w.wire.rest() if s.outgoing], [], "sent all the same")
            w.sent(family, protocol=proto)
            w.sent(family, protocol=proto, mark=0)


for family in (4, 6):
    for proto in ("icmp", "udp", "tcp"):
        for who in EVERYBODY:
            keeps = "it keeps its capabilities; those after it do not"
            if who == NOBODY:
                keeps = "refused with another errno" if (family, proto) in (
                    (4, "icmp"), (4, "udp"), (6, "udp")) else None
            cases.case(f"mark, IPv{family}, {proto}, {who}", family, proto, who,
                       original=keeps)(marked)


@cases.case("what cannot be sent never leaves, and the next one does")
def _():
    with Wired() as w:
        block_output(w.lab.src, "icmp type echo-request")
        w.wire.rest()
        expect(w.packet.probe(w.lab.target(4)).who(), "permission-denied", "answer")
        expect(w.sent(4, protocol="udp").ttl, 1, "another")
        expect(w.wire.rest()[0].outgoing, False, "nothing else was sent")


sys.exit(cases.main(only(), side_by_side=4))
