#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TCP beyond the SYN: options that boxes change, acknowledgments, data inside a connection."""

import os
import re
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
from graphlab import GraphLab, fan  # noqa: E402
from lab import Chain, Server, filter_input, listen  # noqa: E402
from tap import Cases, expect, only  # noqa: E402
from wend import FAILED, REACHED, UNREACHED, Wend  # noqa: E402

netns.enclose()
cases = Cases()
wend = Wend(sys.argv[1])
OPEN, CLOSED, FILTERED = 80, 81, 82
USUAL = 15
SACK = ("-P", "tcp", "--tcp-method", "sack")
PREFER = ("-P", "tcp", "--tcp-method", "prefer-sack")
FEW = ("-q", "1", "--gap", "3", "-w", "300ms")


def both(name):
    def add(function):
        for family in (4, 6):
            cases.case(f"{name}, IPv{family}", family)(function)
        return function
    return add


def filter_forward(ns, *rules):
    ns.nft("table inet fw {", "chain forward { type filter hook forward priority 0;", *rules, "}",
           "}")


def firewall(ns):
    """Lets in what belongs to a connection, and what may become one: a SYN that can get far."""
    syn = "tcp flags & (fin | syn | rst | ack) == syn"
    filter_forward(ns, "ct state established,related accept", f"{syn} ip ttl > 32 accept",
                   f"{syn} ip6 hoplimit > 32 accept", "meta l4proto tcp drop")


def note(got):
    return [n["text"] for n in got["notes"] if n["note"] == "text"]


def clean(got):
    """Nothing that came back was a surprise."""
    expect({k: v for k, v in got["counters"].items() if v and k != "foreign"}, {}, "counters")
    expect({r["match"] for r in got["replies"]}, {"strong"}, "matches")


def netstat(ns, key):
    """A figure of the kernel, as nstat names it."""
    text = "".join(ns.run(["cat", "/proc/net/" + f], stdout=-1, text=True).stdout
                   for f in ("netstat", "snmp"))
    pairs = re.findall(r"^(\w+): (.*)\n\1: (.*)$", text, re.M)
    return {p + k: int(v) for p, ks, vs in pairs for k, v in zip(ks.split(), vs.split())}[key]


@both("boxes that take TCP options away or lower the MSS show in what is quoted")
def changed_options(family):
    with Chain(5) as lab:
        filter_forward(lab.node(2), "tcp flags syn tcp option maxseg size set 1300")
        filter_forward(lab.node(3), "tcp flags syn reset tcp option sack-perm")
        with listen(lab.dst, OPEN):
            got = wend.trace(lab.src, lab.target(family), "-P", "tcp", "-q", "1").exits(REACHED)
        expect(got.path(), lab.path(family), "path")
        mss = 1460 if family == 4 else 1440
        probes = {p["id"]: p["ttl"] for p in got["probes"]}
        seen = {probes[r["probe_id"]]: (r["quote"]["tcp_options"], r["quote"]["tcp_mss"])
                for r in got["replies"] if r["quote"]}
        expect(seen, {1: (USUAL, mss), 2: (USUAL, mss), 3: (USUAL, 1300), 4: (USUAL - 2, 1300)},
               "options and MSS as quoted")
        expect(got.last_reply()["tcp_mss"], 1300, "the target's MSS comes through the same box")


@both("an ACK is answered with a reset by open and closed ports, and shows every hop")
def acknowledgments(family):
    with Chain(5) as lab, listen(lab.dst, OPEN):
        for port in (OPEN, CLOSED):
            got = wend.trace(lab.src, lab.target(family), "-P", "tcp", "--tcp-method", "ack", "-p",
                             str(port)).exits(REACHED)
            expect(got.path(), lab.path(family), f"port {port}")
            expect(got.last_reply()["kind"], "rst", f"port {port}")
            clean(got)
        got = wend.trace(lab.src, lab.target(family), "-P", "tcp", "--tcp-flags", "fin,psh,urg",
                         "-p", str(CLOSED)).exits(REACHED)
        expect(got.path(), lab.path(family), "FIN,PSH,URG")
        clean(got)


@both("inside a connection every hop is right, and nothing else happens")
def sack(family):
    with Chain(6) as lab, listen(lab.dst, OPEN) as server:
        got = wend.trace(lab.src, lab.target(family), *SACK, "-q", "5").exits(REACHED)
        got.stops("reached")
        expect(got.path(), lab.path(family), "path")
        expect((got.backend(), got["parameters"]["tcp_method"]), ("tcp-sack", "sack"))
        expect(got.states().keys() - {"pending"}, {"answered"}, "states")
        expect(got.last_reply()["text"], "data acknowledged")
        clean(got)
        numbers = [p["tcp_seq"] - got["parameters"]["tcp_seq"] for p in got["probes"]]
        expect([n % 2 ** 32 for n in numbers], [1 + 2 * i for i in range(len(numbers))],
               "one byte each, each beyond a gap")
        # The application got nothing, and the connection is gone.
        taken, _ = server.accept()
        try:
            expect(taken.recv(1), "no data", "at the server")
        except ConnectionResetError:
            pass
        # This machine's kernel has sent SYN, ACK and RST, and nothing about what came for us.
        expect((netstat(lab.src, "TcpOutSegs"), netstat(lab.src, "TcpRetransSegs")), (3, 0))


@both("a firewall that drops stray SYNs: silence for SYNs, every hop inside a connection")
def through_firewall(family):
    with Chain(6) as lab, listen(lab.dst, OPEN):
        firewall(lab.node(2))
        target = lab.target(family)
        got = wend.trace(lab.src, target, "-P", "tcp", *FEW).exits(UNREACHED)
        expect(got.path(), lab.path(family, 2), "SYN")
        got = wend.trace(lab.src, target, "-P", "tcp", "--tcp-method", "ack", *FEW)
        expect(got.exits(UNREACHED).path(), lab.path(family, 2), "ACK")
        for words in (SACK, PREFER):
            got = wend.trace(lab.src, target, *words).exits(REACHED)
            expect(got.path(), lab.path(family), words[-1])
            expect(got["parameters"]["tcp_method"], "sack")
            clean(got)


@both("a closed port: one line from sack, SYNs and a note from prefer-sack")
def closed(family):
    with Chain(4) as lab:
        target = lab.target(family)
        wend.run(lab.src, *SACK, "-p", str(CLOSED), target).exits(FAILED).says(
            f"{target}: port 81 is closed: SACK mode needs an open port; use --tcp-method syn or "
            "prefer-sack")
        got = wend.trace(lab.src, target, *PREFER, "-p", str(CLOSED)).exits(REACHED)
        expect(got.path(), lab.path(family), "path")
        expect((got["parameters"]["tcp_method"], got["parameters"]["tcp_flags"],
                got["parameters"]["tcp_options"]), ("syn", 2, USUAL))
        expect(note(got), ["port 81 is closed: SACK mode needs an open port; SYN probes instead"])


@cases.case("a filtered port: one line from sack after a few seconds")
def filtered():
    with Chain(3) as lab:
        filter_input(lab.dst, f"tcp dport {FILTERED} drop")
        got = wend.run(lab.src, *SACK, "-p", str(FILTERED), lab.target(4)).exits(FAILED)
        got.says("port 82 does not answer: SACK mode needs an open port")
        if not 1 < got.seconds < 6:
            raise AssertionError(f"took {got.seconds:.2f} s")


@both("a target without SACK: one line from sack, SYNs and a note from prefer-sack")
def no_sack(family):
    with Chain(4) as lab, listen(lab.dst, OPEN):
        lab.dst.sysctl(ipv4__tcp_sack=0)
        wend.run(lab.src, *SACK, lab.target(family)).exits(FAILED).says(
            "the connection to port 80 has no SACK", "use --tcp-method syn or prefer-sack")
        got = wend.trace(lab.src, lab.target(family), *PREFER).exits(REACHED)
        expect(got.path(), lab.path(family), "path")
        expect(len(note(got)), 1, "notes")


@cases.case("a box that takes SACK away is a target without SACK")
def sack_stripped():
    with Chain(4) as lab, listen(lab.dst, OPEN):
        filter_forward(lab.node(2), "tcp flags syn reset tcp option sack-perm")
        wend.run(lab.src, *SACK, lab.target(4)).exits(FAILED).says("has no SACK")


@both("a target without time stamps")
def no_timestamps(family):
    with Chain(4) as lab, listen(lab.dst, OPEN):
        lab.dst.sysctl(ipv4__tcp_timestamps=0)
        got = wend.trace(lab.src, lab.target(family), *SACK).exits(REACHED)
        expect(got.path(), lab.path(family), "path")
        expect(got["parameters"]["tcp_options"], None, "options of each segment")
        clean(got)


@cases.case("more probes than the target's window has room for: one line")
def small_window():
    with Chain(3) as lab, listen(lab.dst, OPEN) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        wend.run(lab.src, *SACK, "-q", "64", "-m", "255", lab.target(4)).exits(FAILED).says(
            "port 80 takes", "too few for 16320 probes")


@both("the target ends the connection in mid-run: partial, and at once")
def reset_in_run(family):
    with Chain(6, silent=(3,)) as lab, listen(lab.dst, OPEN) as server:
        running = wend.start(lab.src, *SACK, "-q", "1", "-w", "20s", "--wait-min", "20s",
                             lab.target(family))
        running.wait_for("reply")
        taken, _ = server.accept()
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        taken.close()
        got = running.finish().exits(REACHED)  # it was, before that
        stop, end = running.of("stop")[0], running.of("end")[0]
        expect((stop["reason"], stop["error"], end["partial"]), ("error", "closed", True))
        if got.seconds > 5:
            raise AssertionError(repr(got))


@both("a server that speaks in mid-run does not make later probes old")
def speaks(family):
    with Chain(3) as lab, listen(lab.dst, OPEN) as server:
        running = wend.start(lab.src, *SACK, "-q", "8", "--pps", "50", lab.target(family))
        running.wait_for("reply")
        taken, _ = server.accept()
        with taken:
            taken.sendall(b"220 at your service\r\n")
            running.finish().exits(REACHED)
        expect(running.path(), lab.path(family), "path")
        expect(len(running.of("timeout")), 0, "lost")


@cases.case("a server that closes at once: partial or reached, never a hang")
def closes_at_once():
    with Chain(4) as lab:
        lab.serve(Server(lab.dst, tcp=[OPEN]))
        got = wend.trace(lab.src, lab.target(4), *SACK)
        if got["reached"]:
            expect(got.path(), lab.path(4), "path")
        else:
            got.exits(FAILED).says(
                "10.9.4.2: nothing more could be sent: the target ended the connection")
            expect((got["stop"]["error"], got["partial"]), ("closed", True))
            expect(got.path(), lab.path(4)[:len(got.path())], "path")


@both("without raw sockets: one line from sack, SYNs and a note from prefer-sack")
def nobody(family):
    with Chain(3) as lab, listen(lab.dst, OPEN):
        target = lab.target(family)
        wend.run(lab.src, *SACK, target, nobody=True).exits(FAILED).says("CAP_NET_RAW")
        got = wend.trace(lab.src, target, *PREFER, nobody=True).exits(REACHED)
        expect(got.path(), lab.path(family), "path")
        expect(got.backend(), "tcp-connect")
        expect([("CAP_NET_RAW" in n, n.endswith("SYN probes instead")) for n in note(got)],
               [(True, True)])


@both("--flow picks the port of the connection, and with it the path")
def flows(family):
    with GraphLab(fan(4)) as lab, listen(lab.dst, OPEN):
        seen = set()
        for flow in range(8):
            words = ("--source-port", "50000", "--flow", str(flow), "-q", "1")
            ways = [wend.trace(lab.src, lab.target(family), *mode, *words).exits(REACHED).path()
                    for mode in (SACK, ("-P", "tcp"))]
            expect(ways[0], ways[1], f"flow {flow}")
            seen.add(ways[0][1])
        if len(seen) < 2 or not seen <= lab.interfaces(family)[2]:
            raise AssertionError(f"hop 2 was {seen}")


if __name__ == "__main__":
    sys.exit(cases.main(only()))
