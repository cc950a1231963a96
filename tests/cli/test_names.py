# SPDX-License-Identifier: Apache-2.0
"""Names on the real network (loopback), against DNS servers that help, keep silent or lie."""

import socket
import struct
import sys
import threading

from program import REACHED, UNRESOLVED, Cases, Result, expect, only, run  # noqa: F401

cases = Cases()
A, PTR, AAAA = 1, 12, 28


def encode(name):
    return b"".join(bytes([len(p)]) + p.encode("latin-1") for p in name.split(".")) + b"\0"


class Server:
    """answers: {(name, type): rdata or None for silence}; everything else does not exist."""

    def __init__(self, answers):
        self.answers, self.asked = answers, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(512)
            at, labels = 12, []
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            name, kind = ".".join(labels), struct.unpack(">H", query[at + 1:at + 3])[0]
            self.asked.append((name, kind))
            rdata = self.answers.get((name, kind), b"")
            if rdata is None:
                continue
            head = struct.pack(">HHHHHH", struct.unpack(">H", query[:2])[0],
                               0x8180 if rdata else 0x8183, 1, 1 if rdata else 0, 0, 0)
            answer = head + query[12:at + 5]
            if rdata:
                answer += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(rdata)) + rdata
            self.socket.sendto(answer, peer)


def ptr(address):
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


@cases.case("a name is resolved and the answer named")
def helpful():
    server = Server({("host.example", A): socket.inet_aton("127.0.0.2"),
                     (ptr("127.0.0.2"), PTR): encode("router-1.example")})
    res = run("--resolver", server.address, "--format", "json", "host.example").exits(REACHED)
    expect(res.doc["responders"][0]["address"], "127.0.0.2")
    expect(res.doc["responders"][0]["name"], "router-1.example")
    expect(res.doc["notes"], [])
    expect(sum(kind == PTR for _, kind in server.asked), 1, "questions for one address")


@cases.case("-n asks for no name of a router")
def numeric():
    server = Server({("host.example", A): socket.inet_aton("127.0.0.2")})
    run("--resolver", server.address, "-n", "host.example").exits(REACHED)
    expect([kind for _, kind in server.asked if kind == PTR], [])


@cases.case("-4 and -6 ask for one family")
def families():
    server = Server({("host.example", A): socket.inet_aton("127.0.0.2"),
                     ("host.example", AAAA): socket.inet_pton(socket.AF_INET6, "::1")})
    run("--resolver", server.address, "-n", "-4", "host.example").exits(REACHED)
    expect({kind for _, kind in server.asked}, {A})
    server.asked.clear()
    run("--resolver", server.address, "-n", "-6", "host.example").exits(REACHED).prints("::1")
    expect({kind for _, kind in server.asked}, {AAAA})


@cases.case("an international name is asked for in ASCII")
def international():
    server = Server({("xn--bcher-kva.example", A): socket.inet_aton("127.0.0.2")})
    run("--resolver", server.address, "-n", "b\u00fccher.example:33500").exits(REACHED)


@cases.case("a name that does not exist is exit 4 with one line")
def missing():
    server = Server({})
    res = run("--resolver", server.address, "nobody.example.").exits(UNRESOLVED)
    expect(res.says("nobody.example", "no such name").out, "")


@cases.case("a name without an address of the family is exit 4")
def no_such_family():
    server = Server({("host.example", A): socket.inet_aton("127.0.0.2")})
    run("--resolver", server.address, "-6", "host.example").exits(UNRESOLVED).says(
        "host.example")


@cases.case("a dead DNS server is exit 4 in bounded time")
def dead():
    server = Server({("dead.example", A): None, ("dead.example", AAAA): None})
    res = run("--resolver", server.address, "dead.example.").exits(UNRESOLVED).says(
        "dead.example", "no DNS server answers")
    if res.seconds > 8:
        raise AssertionError(repr(res))


@cases.case("a dead DNS server delays the last line by half a second at most, and is mentioned")
def dead_reverse():
    server = Server({(ptr("127.0.0.2"), PTR): None})
    res = run("--resolver", server.address, "--format", "json", "127.0.0.2").exits(REACHED)
    expect([n["note"] for n in res.doc["notes"]], ["dns-dead"])
    expect(res.doc["partial"], False)
    late = res.doc["duration_ns"] - res.doc["stop"]["at_ns"]
    if not 400e6 < late < 900e6:
        raise AssertionError(f"waited {late / 1e6:.0f} ms")
    run("--resolver", server.address, "127.0.0.2").exits(REACHED).silent().prints("127.0.0.2")


@cases.case("names that answer quickly delay nothing")
def quick():
    server = Server({(ptr("127.0.0.2"), PTR): encode("quick.example")})
    doc = run("--resolver", server.address, "--format", "json", "127.0.0.2").exits(REACHED).doc
    if doc["duration_ns"] - doc["stop"]["at_ns"] > 300e6:
        raise AssertionError(doc["duration_ns"])


for what, rdata in (
        ("escape sequences", encode("x\x1b[2Jy.example")),
        ("a name like an address", encode("203.0.113.1")),
        ("a pointer to itself", b"\xc0\x2d"),
        ("a cut-off label", b"\x3fabc"),
        ("a label of 255 bytes", b"\xff" + b"x" * 255 + b"\0"),
        ("direction marks", encode("\xe2\x80\xae.example"))):
    @cases.case(f"a hostile name is not shown: {what}", rdata)
    def hostile(rdata):
        server = Server({(ptr("127.0.0.2"), PTR): rdata})
        res = run("--resolver", server.address, "127.0.0.2").exits(REACHED).silent()
        if any(c in res.out for c in "\x1b\u202e\x9b") or "203.0.113.1" in res.out:
            raise AssertionError(repr(res))
        res.prints("127.0.0.2")


@cases.case("the hosts file is heard without asking anybody")
def hosts():
    server = Server({})
    run("--resolver", server.address, "localhost").exits(REACHED).prints("localhost (")
    expect(server.asked, [])


if __name__ == "__main__":
    sys.exit(cases.main(only()))
