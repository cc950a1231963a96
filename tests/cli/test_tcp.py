# SPDX-License-Identifier: Apache-2.0
"""TCP probes over a simulated network: what their headers say and who changes it."""

import os
import sys

from program import FAILED, REACHED, UNREACHED, Cases, chain, expect, only, run

cases = Cases()
USUAL = 15


def trace(path, *words):
    return run("--sim", path, "-P", "tcp", "-n", "-q", "1", *words).exits(REACHED)


@cases.case("a SYN has the options of any other, and they are quoted")
def usual_syn():
    for family, size, mss in (("-4", 60, 1460), ("-6", 80, 1440)):
        doc = trace(chain(3, target="open tcp 80"), family, "--format", "json").silent().doc
        expect(doc["parameters"]["size_bytes"], size)
        expect([(p["tcp_flags"], p["tcp_options"]) for p in doc["probes"][:3]], [(2, USUAL)] * 3)
        quote = doc["replies"][0]["quote"]
        expect((quote["tcp_header_seen"], quote["tcp_options"], quote["tcp_mss"]),
               (True, USUAL, mss))
        expect(quote["tcp_timestamp"], doc["probes"][0]["tcp_timestamp"])
        answer = next(r for r in doc["replies"] if r["kind"] == "syn-ack")
        expect((answer["tcp_options"], answer["tcp_mss"]), (USUAL, mss))


@cases.case("who takes options away or lowers the MSS is seen one hop later")
def changed_options():
    path = chain(5, router={2: "strip-tcp-options sack,wscale", 3: "clamp-mss 1300"},
                 target="open tcp")
    doc = trace(path, "--format", "json").doc
    quotes = [r["quote"] for r in doc["replies"] if r["quote"]]
    expect([(q["tcp_options"], q["tcp_mss"]) for q in sorted(
        quotes, key=lambda q: q["tcp_options"] * 10000 + q["tcp_mss"], reverse=True)],
        [(USUAL, 1460), (USUAL, 1460), (5, 1460), (5, 1300)])
    res = trace(path, "-v")
    expect(res.out.count("TCP options taken away: sack, wscale"), 2)
    expect(res.out.count("quoted MSS is 1300, sent was 1460"), 1)


@cases.case("a router that quotes eight bytes of TCP says nothing about options")
def short_quote():
    doc = trace(chain(2, router={1: "quote 28"}), "--format", "json").doc
    quote = doc["replies"][0]["quote"]
    expect([quote[k] for k in ("tcp_header_seen", "tcp_flags", "tcp_options", "tcp_mss")],
           [False, None, None, None])
    expect(quote["tcp_seq"], doc["probes"][0]["tcp_seq"])


@cases.case("--tcp-options chooses, and the size follows")
def chosen_options():
    doc = trace(chain(2), "--tcp-options", "mss", "--format", "json").doc
    expect((doc["parameters"]["size_bytes"], doc["probes"][0]["tcp_options"]), (44, 1))
    doc = trace(chain(2), "--tcp-options", "none", "--format", "json").doc
    expect((doc["parameters"]["size_bytes"], doc["probes"][0]["tcp_options"]), (40, None))


@cases.case("--tcp-method ack is answered with a reset, whether the port is open or not")
def acknowledgments():
    for port in ("80", "81"):
        for family in ("-4", "-6"):
            path = chain(4, target="open tcp 80")
            doc = trace(path, family, "-p", port, "--tcp-method", "ack", "--format", "json").doc
            expect(doc["parameters"]["tcp_method"], "ack")
            expect({(p["tcp_flags"], p["tcp_ack"] == p["tcp_seq"]) for p in doc["probes"]},
                   {(16, True)})
            answer = next(r for r in doc["replies"] if r["reached"])
            expect((answer["kind"], answer["text"], answer["match"]), ("rst", "reset", "strong"))
            expect(doc["counters"]["forged"], 0)
    trace(path, "--tcp-method", "ack").prints("TCP ACK to port 80", "(reset)")


@cases.case("--tcp-flags: a closed port resets what an open one ignores")
def other_flags():
    path = chain(3, target="open tcp 80")
    trace(path, "-p", "81", "--tcp-flags", "fin,psh,urg").prints(
        "TCP FIN,PSH,URG to port 81", "(port closed)")
    res = run("--sim", path, "-P", "tcp", "-q", "1", "-w", "50ms", "--tcp-flags", "fin")
    res.exits(UNREACHED).prints("does not answer TCP FIN to port 80")


@cases.case("other probes than SYN without raw sockets: one line, exit 3")
def without_raw():
    for words in (("--tcp-method", "ack"), ("--tcp-flags", "fin")):
        res = run("--backend", "errqueue", "-P", "tcp", *words, "127.0.0.1").exits(FAILED)
        expect(res.err, "wend: 127.0.0.1: TCP probes other than SYN need raw sockets, which take "
               "the capability CAP_NET_RAW; use sudo, or --tcp-method syn\n")


@cases.case("what the kernel would send otherwise is refused: one line, exit 3")
def kernel_decides():
    for words, says in ((("-P", "tcp", "--tcp-options", "mss"), "--tcp-options needs raw sockets"),
                        (("-P", "udp", "--flow", "dublin"), "by their IP-ID, which needs raw")):
        res = run("--backend", "errqueue", *words, "127.0.0.1").exits(FAILED)
        expect(res.says(says, "CAP_NET_RAW", "use sudo, or ").out, "")
    # Over IPv6 the length names the probe, which anybody may choose.
    if os.path.exists("/proc/net/if_inet6"):
        res = run("--backend", "errqueue", "--flow", "dublin", "::1", "--format", "json")
        expect(res.exits(REACHED).doc["parameters"]["flow_mode"], "dublin")


@cases.case("the record does not tell of numbers that the kernel chose")
def kernel_chose():
    doc = run("--backend", "errqueue", "127.0.0.1", "--format", "json").exits(REACHED).doc
    expect((doc["backend"]["sends_ip_id"], doc["probes"][0]["ip_id"]), (False, None))
    doc = run("--backend", "errqueue", "-P", "tcp", "127.0.0.1", "--format", "json").doc
    probe = doc["probes"][0]
    expect([probe[k] for k in ("ip_id", "tcp_seq", "tcp_options", "tcp_timestamp")], [None] * 4)
    doc = run("--sim", chain(2), "-P", "tcp", "--format", "json").doc
    if not all(doc["probes"][0][k] for k in ("ip_id", "tcp_seq", "tcp_options", "tcp_timestamp")):
        raise AssertionError(doc["probes"][0])


@cases.case("a simulated network has no connections: one line from sack, a note from prefer-sack")
def no_connections():
    path = chain(3, target="open tcp")
    res = run("--sim", path, "-P", "tcp", "--tcp-method", "sack").exits(FAILED)
    expect(res.err, "wend: dst.example: a simulated network has no connections; use --tcp-method "
           "syn or prefer-sack\n")
    doc = trace(path, "--tcp-method", "prefer-sack", "--format", "json").doc
    expect((doc["parameters"]["tcp_method"], doc["probes"][0]["tcp_flags"]), ("syn", 2))
    expect([n["text"] for n in doc["notes"]],
           ["a simulated network has no connections; SYN probes instead"])
    trace(path, "--tcp-method", "prefer-sack").prints(
        "Note: a simulated network has no connections; SYN probes instead.")
    run("--backend", "errqueue", "-P", "tcp", "--tcp-method", "sack", "127.0.0.1").exits(
        FAILED).says("SACK mode needs raw sockets; use --tcp-method syn or prefer-sack")


if __name__ == "__main__":
    sys.exit(cases.main(only()))
