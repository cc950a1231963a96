#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the answers of mtr-packet's protocol say about a path: over kernel routers, and from a
network that answers as a test wants.

    test_packet_answers.py PROGRAM [CASES]      PROGRAM may be Debian's mtr-packet
"""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
import responder  # noqa: E402
from lab import (Server, block_output, filter_input, refused,  # noqa: E402
                 translate_target)
from packet import EVERYBODY, NOBODY, Packet, PacketCases, environment, open_chain  # noqa: E402
from responder import Responder, echo, exceeded, extension, labels, message  # noqa: E402
from tap import Skip, expect, only  # noqa: E402

netns.enclose()
cases = PacketCases()
PROTOS = ("icmp", "udp", "tcp")
HOPS = 7


def faulty(who, proto):
    """What the original cannot do without privileges."""
    return "no errors without privileges" if who == NOBODY and proto != "icmp" else None


def every_hop(family, proto, who):
    with open_chain(HOPS) as lab, cases.start(lab.src, who=who) as p:
        for ttl in list(range(1, HOPS + 1)) * 20:
            p.send(ttl, lab.target(family), protocol=proto, ttl=ttl)
            got = p.answer()
            word = "reply" if ttl == HOPS else "ttl-expired"
            expect((got.token, got.who(), got.family),
                   (ttl, (word, lab.path(family)[ttl - 1]), family), "one after the other")
        p.quiet()


def hops_at_once(family, proto, who):
    with open_chain(HOPS) as lab, cases.start(lab.src, who=who) as p:
        for token in range(700):
            p.send(token, lab.target(family), protocol=proto, ttl=token % HOPS + 1, timeout=3)
        for token, got in p.answers(700).items():
            expect(got.address, lab.path(family)[token % HOPS], f"answer {token}")
        p.quiet()


def open_and_closed(family, who):
    """TCP: both are replies. UDP: a server that answers is none: only what says unreachable is."""
    with open_chain(3) as lab, cases.start(lab.src, who=who) as p:
        lab.serve(Server(lab.dst, tcp=[80]))
        for port in (80, 81):
            got = p.probe(lab.target(family), protocol="tcp", port=port)
            expect(got.who(), ("reply", lab.target(family)), f"TCP port {port}")
        got = p.probe(lab.target(family), protocol="udp", port=5300)
        expect(got.who(), ("reply", lab.target(family)), "UDP")


def tcp_silent(family, who):
    with open_chain(3) as lab, cases.start(lab.src, who=who) as p:
        filter_input(lab.dst, "tcp dport 82 drop")
        began = time.monotonic()
        got = p.probe(lab.target(family), protocol="tcp", port=82, timeout=1)
        expect(got.who(), "no-reply", "filtered")
        expect(0.9 < time.monotonic() - began < 3, True, f"{time.monotonic() - began} s")


for family in (4, 6):
    for who in EVERYBODY:
        for proto in PROTOS:
            cases.case(f"every hop, IPv{family}, {proto}, {who}", family, proto, who,
                       original=faulty(who, proto))(every_hop)
            cases.case(f"700 probes at once, IPv{family}, {proto}, {who}", family, proto, who,
                       original="it loses errors" if who == NOBODY else None)(hops_at_once)
        cases.case(f"open and closed ports, IPv{family}, {who}", family, who,
                   original=faulty(who, "udp"))(open_and_closed)
        cases.case(f"a filtered TCP port, IPv{family}, {who}", family, who)(tcp_silent)


def unreachable(family, proto, who):
    """Any other ICMP unreachable is no-route, with who says so and when."""
    with open_chain(4) as lab, cases.start(lab.src, who=who) as p:
        for reject, where in (("host-unreachable", 1), ("admin-prohibited", 2)):
            kind = {"host-unreachable": {4: "icmp type host-unreachable",
                                         6: "icmpv6 type addr-unreachable"},
                    "admin-prohibited": {4: "icmp type admin-prohibited",
                                         6: "icmpv6 type admin-prohibited"}}[reject][family]
            ip = "ip" if family == 4 else "ip6"
            lab.node(where).nft(
                f"table {ip} refuse {{", "chain f { type filter hook forward priority 0;",
                f"{ip} daddr {refused(family, 'dead')} reject with {kind}", "}", "}")
            got = p.probe(refused(family, "dead"), protocol=proto)
            expect(got.who(), ("no-route", lab.path(family)[where - 1]), reject)
            lab.node(where).nft(f"delete table {ip} refuse")
        p.quiet()


for family in (4, 6):
    for who in EVERYBODY:
        for proto in PROTOS:
            cases.case(f"unreachable, IPv{family}, {proto}, {who}", family, proto, who,
                       original="wrong without privileges" if who == NOBODY else None)(unreachable)


def timeouts(family, who):
    with open_chain(3, silent=(1, 2)) as lab, cases.start(lab.src, who=who) as p:
        began = time.monotonic()
        for token, timeout in ((1, 3), (2, 1), (3, 2), (4, 0), (5, -3)):
            p.send(token, lab.target(family), ttl=1, timeout=timeout)
        ended = []
        for _ in range(5):
            got = p.answer()
            expect(got.who(), "no-reply", f"{got}")
            ended.append((got.token, time.monotonic() - began))
        expect(sorted(t for t, _ in ended[:2]), [4, 5], "timeouts of nothing or less")
        expect([t for t, _ in ended[2:]], [2, 3, 1], "order")
        for (token, after_s), want_s in zip(ended, (0, 0, 1, 2, 3)):
            expect(want_s - 0.05 < after_s < want_s + 2, True, f"{token} after {after_s} s")


for family in (4, 6):
    for who in EVERYBODY:
        cases.case(f"timeout is whole seconds of each probe, IPv{family}, {who}", family,
                   who)(timeouts)


@cases.case("of itself a probe waits 10 s")
def _():
    with open_chain(3, silent=(1,)) as lab, cases.start(lab.src) as p:
        began = time.monotonic()
        p.say(f"1 send-probe ip-4 {lab.target(4)} ttl 1")
        expect(p.answer().who(), "no-reply", "answer")
        expect(9.9 < time.monotonic() - began < 12, True, f"{time.monotonic() - began} s")


# --- what cannot be sent ---


def local_words(family, who):
    """What this machine itself refuses has no address; no probe after it suffers."""
    with open_chain(3) as lab, cases.start(lab.src, who=who) as p:
        mine = {4: "10.9.1.1", 6: "fd09:1::1"}[family]
        argument = {f"local_ip_{family}": mine}
        icmp = "icmp" if family == 4 else "icmpv6"
        block_output(lab.src, f"{icmp} type echo-request")
        got = p.probe(lab.target(family), timeout=1, **argument).who()
        # What an IPv6 ping socket cannot send, the kernel tells nobody.
        hidden = (family, who) == (6, NOBODY)
        expect(got == "permission-denied" or hidden and got == "no-reply", True, f"{got}: firewall")
        lab.src.nft("delete table inet blocked")
        expect(p.probe(lab.target(family)).word, "reply", "when it is gone")
        got = p.probe(lab.target(family), protocol="tcp",
                      **{f"local_ip_{family}": {4: "10.9.77.1", 6: "fd09:77::1"}[family]})
        expect(got.who(), "address-not-available", "an address of nobody's")
        expect(p.probe(lab.target(family), protocol="tcp").word, "reply", "after it")


for family in (4, 6):
    for who in EVERYBODY:
        cases.case(f"refused by this machine, IPv{family}, {who}", family, who)(local_words)


def no_way(family, who, with_source):
    """No route to there at all: 0.95 says invalid-argument when it looks for a source. mtr dies of
    that, so that no-route is as good."""
    with open_chain(3) as lab, cases.start(lab.src, who=who) as p:
        mine = {4: "10.9.1.1", 6: "fd09:1::1"}[family]
        argument = {f"local_ip_{family}": mine} if with_source else {}
        lab.src.ip("route del default" if family == 4 else "route del ::/0")
        got = p.probe(lab.target(family), **argument)
        expect(got.who() in ("no-route", "invalid-argument"), True, got)
        if with_source:
            expect(got.who(), "no-route", "source given")
        lab.src.ip("route add default via 10.9.1.2" if family == 4
                   else "route add ::/0 via fd09:1::2")
        expect(p.probe(lab.target(family)).word, "reply", "with a route again")


def unreachable_here(family, who, with_source):
    with open_chain(3) as lab, cases.start(lab.src, who=who) as p:
        mine = {4: "10.9.1.1", 6: "fd09:1::1"}[family]
        target = {4: "10.9.99.1", 6: "fd09:99::1"}[family]
        lab.src.ip(f"route add unreachable {target}/{32 if family == 4 else 128}")
        argument = {f"local_ip_{family}": mine} if with_source else {}
        for proto in PROTOS:
            expect(p.probe(target, protocol=proto, **argument).who(), "no-route", proto)
            expect(p.probe(lab.target(family)).word, "reply", "after it")


for family in (4, 6):
    for who in EVERYBODY:
        for given in (True, False):
            how = f"IPv{family}, {who}, {'with' if given else 'without'} local-ip"
            cases.case(f"no route, {how}", family, who, given)(no_way)
            fault = None if given else "it dies"
            if given and (family, who) == (6, NOBODY):
                fault = "UDP refused with EACCES"
            cases.case(f"an unreachable route of this machine, {how}", family, who, given,
                       original=fault)(unreachable_here)


# --- the words of newer versions ---


def newer(lab, **how):
    """mtr after 0.96 ignores no-route; 0.95 ignores what it says instead."""
    lab.node(2).nft("table ip refuse {", "chain f { type filter hook forward priority 0;",
                    f"ip daddr {refused(4, 'dead')} reject with icmp type host-unreachable",
                    "}", "}")
    lab.src.ip("route add unreachable 10.9.99.1/32")
    with Packet(lab.src, **how) as p:
        expect(p.probe(refused(4, "dead")).who(), ("no-route-host", lab.path(4)[1]), "on the way")
        expect(p.probe("10.9.99.1", local_ip_4="10.9.1.1").who(), "no-route-host", "here")
        expect(p.probe(lab.target(4)).word, "reply", "an answer like any")


@cases.case("newer words, asked for by the environment or the program's name")
def _():
    if cases.is_original:
        raise Skip("the original has but one dialect")
    named = f"{netns.PRIVATE_DIR}/mtr-packet-0.96"
    os.symlink(cases.program, named)
    asked = dict(environment(), WEND_PACKET_DIALECT="0.96")
    for how in ({"program": named}, {"program": cases.program, "env": asked}):
        with open_chain(4) as lab:
            newer(lab, **how)


# --- a network that says what a test wants ---

STACK = ((100, 0, 0, 1), (1048575, 7, 1, 255))


def mpls_of(family, answer, proto="icmp", who="root"):
    """What a probe reports whose answer is this."""
    with Responder(answer) as net, cases.start(net.ns, who=who) as p:
        got = p.probe(responder.TARGET[family], protocol=proto, size=100, ttl=5)
        expect(got.who(), ("ttl-expired", responder.ROUTER[family]), "answer")
        return got.mpls


def with_labels(*stacks, **options):
    objects = [(1, 1, labels(*stack)) for stack in stacks]
    return lambda probe: [exceeded(probe, extension(objects, **options))]


def right_labels(family, proto, who):
    for stack, want in ((STACK, "100,0,0,1,1048575,7,1,255"), (STACK[:1], "100,0,0,1"),
                        (((0, 0, 1, 0),), "0,0,1,0")):
        expect(mpls_of(family, with_labels(stack), proto, who), want, "labels")


for family in (4, 6):
    for proto in PROTOS:
        cases.case(f"MPLS labels, IPv{family}, {proto}", family, proto, "root")(right_labels)


@cases.case("MPLS: without the length of RFC 4884, as older routers send it", 4)
@cases.case("MPLS over IPv6: the same", 6)
def _(family):
    whole = extension([(1, 1, labels(*STACK))])
    got = mpls_of(family, lambda probe: [exceeded(probe, whole, length=False)])
    expect(got, "100,0,0,1,1048575,7,1,255", "labels")


@cases.case("MPLS: the first eight labels of many", 4)
@cases.case("MPLS over IPv6: the first eight of many", 6)
def _(family):
    stack = [(i, 0, i == 11, i) for i in range(12)]
    expect(mpls_of(family, with_labels(stack)), ",".join(f"{i},0,0,{i}" for i in range(8)), "")


@cases.case("MPLS behind another object", 4)
@cases.case("MPLS over IPv6 behind another object", 6)
def _(family):
    """Only the object of labels is one; that of an interface is left alone."""
    objects = [(2, 8, b"\0\0\0\7"), (1, 1, labels(*STACK))]
    got = mpls_of(family, lambda probe: [exceeded(probe, extension(objects))])
    expect(got in ("100,0,0,1,1048575,7,1,255", None), True, got)


def damaged(family, name):
    good = labels(*STACK)
    broken = {
        "no label": lambda p: exceeded(p, extension([(1, 1, b"")])),
        "half a label": lambda p: exceeded(p, extension([(1, 1, good[:3])])),
        "another version": lambda p: exceeded(p, extension([(1, 1, good)], version=1)),
        "another class": lambda p: exceeded(p, extension([(3, 1, good)])),
        "another type": lambda p: exceeded(p, extension([(1, 2, good)])),
        "a length beyond the end": lambda p: exceeded(p, _longer(extension([(1, 1, good)]))),
        "a length of nothing": lambda p: exceeded(p, _longer(extension([(1, 1, good)]), 0)),
        "only the header": lambda p: exceeded(p, extension([])),
        "half the header": lambda p: exceeded(p, extension([])[:2]),
        "no extension": exceeded,
    }[name]
    expect(mpls_of(family, lambda probe: [broken(probe)]), None, name)


def _longer(structure, length=400):
    return structure[:4] + length.to_bytes(2, "big") + structure[6:]


for family in (4, 6):
    for name in ("no label", "half a label", "another version", "another class", "another type",
                 "a length beyond the end", "a length of nothing", "only the header",
                 "half the header", "no extension"):
        cases.case(f"damaged extension is no MPLS: {name}, IPv{family}", family, name)(damaged)


def with_options(probe):
    """The quote as a router sends it that was given options: longer by four bytes or 40."""
    found = []
    for more in (4, 40):
        head = bytes([0x40 | (20 + more) // 4]) + probe.data[1:20] + b"\1" * (more - 1) + b"\0"
        found.append(exceeded(probe, quote=head + probe.payload))
    return found


def quoted_options(proto, which):
    with Responder(lambda probe: [with_options(probe)[which]]) as net, cases.start(net.ns) as p:
        got = p.probe(responder.TARGET[4], protocol=proto, ttl=5, timeout=2)
        expect(got.who(), ("ttl-expired", responder.ROUTER[4]), "answer")


for proto in PROTOS:
    for which, size in enumerate((4, 40)):
        cases.case(f"a quote with {size} bytes of IP options, {proto}", proto, which,
                   original="it takes every header for 20 bytes")(quoted_options)


def brief(family, proto):
    """Routers may quote no more than eight bytes of the transport."""
    def answer(probe):
        return [exceeded(probe, quote=probe.data[:len(probe.data) - len(probe.payload) + 8])]
    with Responder(answer) as net, cases.start(net.ns) as p:
        got = p.probe(responder.TARGET[family], protocol=proto, ttl=5, timeout=2)
        expect(got.who(), ("ttl-expired", responder.ROUTER[family]), "answer")


for family in (4, 6):
    for proto in PROTOS:
        cases.case(f"a quote of eight bytes, IPv{family}, {proto}", family, proto)(brief)


def noise(family):
    """Garbage, cut messages, answers to what nobody asked: none is an answer, none hurts."""
    kinds = (3, 11) if family == 4 else (1, 3)
    reply = 0 if family == 4 else 129

    def answer(probe):
        for kind in kinds:
            for cut in (0, 1, 8, 19, 20, 24, 27) if family == 4 else (0, 8, 20, 39, 40, 41, 47):
                yield message(probe, kind, 0, 0, probe.data[:cut])
            yield message(probe, kind, 0, 0, b"\xff" * 60)
            yield message(probe, kind, 0, 0, bytes(200))
            head = len(probe.data) - len(probe.payload)
            others = bytes(b ^ 0x55 for b in probe.payload[2:])  # somebody else's ping to there
            yield message(probe, kind, 0, 0, probe.data[:head + 2] + others)
        yield message(probe, reply, 0, 0x01020304, b"hello")
        yield message(probe, reply, 0, 0, b"")

    with Responder(answer) as net, cases.start(net.ns) as p:
        expect(p.probe(responder.TARGET[family], timeout=1).who(), "no-reply", "nothing true")
        p.quiet()


cases.case("noise is no answer, IPv4", 4)(noise)
cases.case("noise is no answer, IPv6", 6)(noise)


@cases.case("each probe is answered once, however often the network answers", 4)
@cases.case("over IPv6, too", 6)
def _(family):
    with Responder(lambda probe: [exceeded(probe)] * 3 + echo(probe)) as net, \
            cases.start(net.ns) as p:
        for token in range(50):
            expect(p.probe(responder.TARGET[family], token).word, "ttl-expired", "answer")
        p.quiet()


@cases.case("what comes after the timeout is dropped, IPv4", 4)
@cases.case("what comes after the timeout is dropped, IPv6", 6)
def _(family):
    with Responder(responder.silent) as net, cases.start(net.ns) as p:
        expect(p.probe(responder.TARGET[family], 1, timeout=1).who(), "no-reply", "answer")
        net.write(responder.echo_reply(net.seen[0]))
        expect(p.probe(responder.TARGET[family], 2, timeout=1).who(), "no-reply", "the next")
        p.quiet()


@cases.case("what this machine's queue has no room for is sent later", "icmp",
            original="it takes that for loss")
@cases.case("what this machine's queue has no room for is sent later, UDP", "udp",
            original="it takes that for loss")
def _(proto):
    """Nor is it told as an error, of which mtr would die. 1400 bytes at a time, 12 ms each."""
    with open_chain(3) as lab:
        lab.src.run(["tc", "qdisc", "add", "dev", "l1", "root", "tbf", "rate", "1mbit", "burst",
                     "1600", "limit", "1600"], check=True)
        for who in EVERYBODY:
            with cases.start(lab.src, who=who) as p:
                for token in range(20):
                    p.send(token, lab.target(4), protocol=proto, size=1400, ttl=1, timeout=3)
                words = [a.word for a in p.answers(20).values()]
                expect(words, ["ttl-expired"] * 20, f"answers, {who}")


@cases.case("a link that goes down and up again")
def _():
    with open_chain(3) as lab, cases.start(lab.src) as p:
        expect(p.probe(lab.target(4), ttl=1).word, "ttl-expired", "before")
        lab.src.ip("link set l1 down")
        for given in ({}, {"local_ip_4": "10.9.1.1"}):
            got = p.probe(lab.target(4), ttl=1, timeout=1, **given).word
            expect(got in ("no-route", "network-down", "invalid-argument"), True, f"{given} {got}")
        lab.src.ip("link set l1 up", "route replace default via 10.9.1.2")
        lab.src.wait_running()
        expect(p.probe(lab.target(4), ttl=1).word, "ttl-expired", "after")


@cases.case("a target that is translated on the way, root", "root")
@cases.case("a target that is translated on the way, nobody", NOBODY,
            original="no errors without privileges")
def _(who):
    """Who answers from there on appears as the address that was asked."""
    with open_chain(5) as lab:
        outer = "10.9.200.1"
        lab.src.ip(f"route add {outer}/32 via 10.9.1.2")
        translate_target(lab.node(2), outer, lab.target(4))
        with cases.start(lab.src, who=who) as p:
            for proto in PROTOS:
                seen = [p.probe(outer, protocol=proto, ttl=ttl).who() for ttl in (1, 2, 3, 5)]
                expect(seen, [("ttl-expired", "10.9.1.2"), ("ttl-expired", outer),
                              ("ttl-expired", outer), ("reply", outer)], proto)


@cases.case("IPv6: packet too big is no answer")
def _():
    with Responder(lambda probe: [message(probe, 2, 0, 1280, probe.data)]) as net, \
            cases.start(net.ns) as p:
        expect(p.probe(responder.TARGET[6], timeout=1).who(), "no-reply", "answer")


@cases.case("a reply is one from the target, IPv4", 4)
@cases.case("a reply is one from the target, IPv6", 6)
def _(family):
    """Echo replies are told with who sent them, and a late source of errors as well."""
    with Responder(echo) as net, cases.start(net.ns) as p:
        for last in (2, 3, 200):
            target = responder.TARGET[family][:-1] + str(last)
            expect(p.probe(target).who(), ("reply", target), "answer")


sys.exit(cases.main(only(), side_by_side=4))
