# SPDX-License-Identifier: Apache-2.0
"""wend pipe: the protocol of docs/pipe.md, and every way in which a client may behave."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile

from piped import LINE_BYTES, Piped, fill, is_sanitized, of, stuff
from program import FAILED, PROGRAM, REACHED, UNREACHED, USAGE, Cases, Skip, chain, environment, \
    expect, only, run

cases = Cases()
DST, DST6 = "203.0.113.9", "2001:db8:9::9"
SLOW = {"wait": "60s", "wait-min": "60s"}


def pipe(*args, hops=4, delay="1ms", router=None, **more):
    return Piped("--sim", chain(hops, delay=delay, router=router), *args, **more)


def slow(*args, **more):
    """A network where nothing is answered while a test runs."""
    return pipe(*args, delay="20s", **more)


def check_trace(events, ident, target, hops=4):
    """One trace of a network where all answers: everything that is told of it."""
    mine = [e for e in events if e.get("id") == ident]
    done = mine.pop()
    expect((done["event"], done["stop"], done["reached"], done["ttl"], done["address"]),
           ("done", "reached", True, hops, target), done)
    expect((done["error"], done["text"]), (None, None))
    expect({e["event"] for e in mine} <= {"reply", "lost"}, True)
    router = "2001:db8:1::{}" if ":" in target else "198.51.100.{}"
    for ttl in range(1, hops):
        expect({e["address"] for e in mine if e["ttl"] == ttl}, {router.format(ttl)}, f"TTL {ttl}")
    expect(done["received"], len(of(mine, "reply")))
    expect(done["sent"] >= done["received"] >= 3 * hops, True, done)
    for reply in of(mine, "reply"):
        expect((reply["reached"], reply["late"], reply["mpls"]),
               (reply["ttl"] >= hops, False, []))
        # Links of 1 ms, there and back.
        expect(2e6 * min(reply["ttl"], hops) <= reply["rtt_ns"] <= reply["at_ns"], True, reply)


# ---- what is told ----

@cases.case("the first line says who it is and what its limits are")
def hello():
    with pipe() as p:
        events, end = p.finish()
        end.exits(REACHED).silent()
        expect(events, [])
        version = run("version").out.split()[1]
        expect(p.hello, {"event": "hello", "program": "wend", "version": version, "protocol": 1,
                         "limits": {"line_bytes": 16384, "id_bytes": 64, "parallel": 1000},
                         "backend": "sim", "privileges": {"raw_sockets": False,
                                                          "ping_sockets": False}})


for protocol in ("udp", "icmp", "tcp"):
    for target in (DST, DST6):
        @cases.case(f"a trace to {target} by {protocol}", protocol, target)
        def trace(protocol, target):
            with pipe() as p:
                events, end = p.send({"id": 1, "target": target, "protocol": protocol}).finish()
                end.exits(REACHED).silent()
                check_trace(events, 1, target)
                kind = {"udp": (1, 4) if ":" in target else (3, 3),
                        "icmp": (129, 0) if ":" in target else (0, 0), "tcp": (None, None)}
                for reply in of(events, "reply", reached=True):
                    expect((reply["icmp_type"], reply["icmp_code"]), kind[protocol])
                    expect(reply["tcp_flags"] is not None, protocol == "tcp")


@cases.case("a single probe, answered and lost")
def probe():
    with pipe(router={2: "silent"}) as p:
        p.send({"id": "a", "probe": DST, "ttl": 1}, {"id": "b", "probe": DST, "ttl": 2, "wait": 0.05},
               {"id": "c", "probe": DST6, "ttl": 60, "protocol": "icmp"})
        events, end = p.finish()
        end.exits(REACHED).silent()
        expect([(e["event"], e["ttl"]) for e in events if e["id"] == "a"],
               [("reply", 1), ("done", 1)])
        expect([(e["event"], e["ttl"]) for e in events if e["id"] == "b"],
               [("lost", 2), ("done", 2)])
        expect([(e["event"], e["ttl"], e["reached"], e["address"]) for e in events if e["id"] == "c"],
               [("reply", 60, True, DST6), ("done", 60, True, DST6)])


@cases.case("label stacks, and a name of the network")
def labels():
    with Piped("--sim", "builtin") as p:
        events, _ = p.send({"id": 1, "target": "www.example.org", "probes": 1}).finish()
        label = of(events, "reply", ttl=7)[0]["mpls"]
        expect(label, [{"label": 24001, "traffic_class": 0, "bottom": True, "ttl": 1}])
        expect(of(events, "done")[0]["ttl"], 13)


@cases.case("numbers, texts and truths are values of options")
def values():
    with pipe() as p:
        p.send({"id": 1, "target": DST, "first-ttl": 2, "max-ttl": "3", "probes": 1, "df": True,
                "wait": 0.5, "dscp": "ef"})
        events, end = p.finish()
        end.exits(REACHED)
        expect([(e["event"], e["ttl"]) for e in events], [("reply", 2), ("reply", 3), ("done", 3)])
        expect(events[-1]["stop"], "max-ttl")


@cases.case("a refusal says who and where")
def refused():
    with pipe(router={3: "unreachable admin"}) as p:
        events, _ = p.send({"id": 1, "target": DST}).finish()
        done = events[-1]
        expect((done["stop"], done["reached"], done["ttl"], done["address"]),
               ("unreachable", False, 3, "198.51.100.3"))


# ---- many ----

@cases.case("1000 at once, each told in full")
def many():
    count = 1000
    targets = (DST, DST6)
    protocols = ("udp", "icmp", "tcp")
    with pipe() as p:
        requests = b"".join(json.dumps({"id": i, "target": targets[i % 2],
                                        "protocol": protocols[i % 3]}).encode() + b"\n"
                            for i in range(count))
        os.set_blocking(p.proc.stdin.fileno(), True)
        p.send(requests[:-1])
        events, end = p.finish()
        end.exits(REACHED).silent()
        expect(len(of(events, "done")), count)
        by_id = {}
        for event in events:
            by_id.setdefault(event["id"], []).append(event)
        for i in range(count):
            check_trace(by_id[i], i, targets[i % 2])


@cases.case("as many at once as --parallel says; the others wait their turn")
def parallel():
    with pipe("--parallel", "1") as p:
        p.send(*({"id": i, "target": DST} for i in range(5)), {"ping": "end"})
        events, end = p.finish()
        end.exits(REACHED).silent()
        expect(p.hello["limits"]["parallel"], 1)
        expect([e["id"] for e in events if e["event"] == "done"], [0, 1, 2, 3, 4])
        ids = [e.get("id") for e in events if e["event"] != "pong"]
        expect(ids, sorted(ids), "one after the other")
        expect([(e["ping"], e["line"], e["active"], e["started"], e["done"]) for e in events
                if e["event"] == "pong"], [("end", 6, 0, 5, 5)])


@cases.case("an id may be used again when it is done, and 1 is not \"1\"")
def ids():
    with pipe(hops=2) as p:
        p.send({"id": 1, "target": DST}).until(event="done", id=1)
        p.send({"id": 1, "target": DST}, {"id": "1", "target": DST})
        events, end = p.finish()
        end.exits(REACHED)
        expect(sorted(repr(e["id"]) for e in of(events, "done")), ["'1'", "1"])
        expect(of(events, "error"), [])


@cases.case("an id comes back as it was given", 16 * "\U0001f600", "a\"\\\n\x7f\u202e<&>", -2**63)
def strange_ids(*names):
    with pipe(hops=2) as p:
        events, _ = p.send(*({"id": name, "target": DST, "probes": 1} for name in names)).finish()
        expect({e["id"] for e in of(events, "done")}, set(names))


# ---- cancel ----

@cases.case("a canceled trace ends at once, and others do not")
def cancel():
    with slow() as p:
        p.send({"id": 1, "target": DST, **SLOW}, {"id": "x", "probe": DST, "ttl": 1, **SLOW},
               {"id": 2, "target": DST, **SLOW}, {"cancel": 1})
        done = p.until(event="done")[-1]
        expect((done["id"], done["stop"], done["error"], done["reached"]),
               (1, "canceled", "canceled", False))
        p.send({"cancel": "x"})
        expect(p.until(event="done")[-1]["id"], "x")
        expect(p.send({"ping": 0}).until(event="pong")[-1]["active"], 1)
        p.send({"cancel": 2})
        events, end = p.finish()
        expect([e["id"] for e in of(events, "done")], [2])
        end.exits(REACHED).silent()


@cases.case("to cancel what is not there is an error, and harmless")
def cancel_nothing():
    with pipe(hops=2) as p:
        p.send({"id": 1, "target": DST}).until(event="done")
        p.send({"cancel": 1}, {"cancel": "1"}, {"cancel": 7})
        events, end = p.finish()
        expect([(e["event"], e["request"], e["id"], e["error"], e["line"]) for e in events],
               [("error", "cancel", 1, "not-found", 2), ("error", "cancel", "1", "not-found", 3),
                ("error", "cancel", 7, "not-found", 4)])
        end.exits(REACHED).silent()


@cases.case("whoever cancels in the same breath")
def cancel_at_once():
    with slow("--parallel", "50") as p:
        for i in range(500):
            p.send({"id": i, "target": DST, **SLOW}, {"cancel": i})
        events, end = p.finish()
        end.exits(REACHED)
        expect([e["event"] for e in events].count("done"), 500)
        expect(of(events, "error"), [])


# ---- errors ----

MISTAKES = [  # line, id, request, error, words
    (b"x", None, None, "parse", "not JSON at byte 1"),
    (b"[]", None, None, "parse", "object"),
    (b'{"id": 1', None, None, "parse", "not JSON"),
    (b'{"id": 1, "target": "a\x00b"}', None, None, "parse", "not JSON"),
    (b'{"id": 1, "target": "a\\u0000b"}', None, None, "parse", "not JSON"),
    (b'{"id": 1, "target": "\xff"}', None, None, "parse", "decode byte 0xff"),
    (b'\xff\xfe{', None, None, "parse", "not JSON"),
    (b"[" * 16000, None, None, "parse", "depth"),
    (b'{"id": 1, "id": 1, "target": "h"}', None, None, "parse", "duplicate"),
    (b'{"id": 1, "target": "' + b"h" * LINE_BYTES + b'"}', None, None, "out-of-range", "16384 bytes"),
    (b'{"id": 1}', 1, None, "usage", "target, probe, cancel and ping"),
    (b'{"target": "h"}', None, "trace", "usage", "id is missing"),
    (b'{"id": true, "target": "h"}', None, "trace", "usage", "id: must be"),
    (b'{"id": "' + b"i" * 65 + b'", "target": "h"}', None, "trace", "usage", "64 bytes"),
    (b'{"id": 1, "target": 7}', 1, "trace", "usage", "target: must be"),
    (b'{"id": 1, "target": ""}', 1, "trace", "usage", "target"),
    (b'{"id": 1, "target": "1.2.3.400"}', 1, "trace", "usage", "IPv4"),
    (b'{"id": 1, "target": "nobody"}', 1, "trace", "resolve", "nobody: no such name"),
    (b'{"id": 1, "target": "a", "probe": "b"}', 1, None, "usage", "two requests"),
    (b'{"id": "p", "probe": "203.0.113.9"}', "p", "probe", "usage", "ttl is missing"),
    (b'{"id": "p", "probe": "203.0.113.9", "ttl": 256}', "p", "probe", "usage", "1 to 255"),
    (b'{"id": "p", "probe": "dst", "ttl": 2}', "p", "probe", "usage", "address"),
    (b'{"id": 1, "target": "h", "ttl": 3}', 1, "trace", "usage", "max-ttl"),
    (b'{"id": 1, "target": "h", "max_ttl": 3}', 1, "trace", "usage", "did you mean max-ttl?"),
    (b'{"id": 1, "target": "h", "hops": 3}', 1, "trace", "usage", "no option hops"),
    (b'{"id": 1, "target": "h", "\\u202e": 3}', 1, "trace", "usage", "u{202e}: there is no such key"),
    (b'{"id": 1, "target": "h", "paths": true}', 1, "trace", "usage", "paths"),
    (b'{"id": 1, "target": "h", "max-ttl": 0}', 1, "trace", "usage", "max-ttl 0: must be"),
    (b'{"id": 1, "target": "h", "max-ttl": -1}', 1, "trace", "usage", "max-ttl -1: must be"),
    (b'{"id": 1, "target": "h", "max-ttl": 2.5}', 1, "trace", "usage", "max-ttl 2.5: must be"),
    (b'{"id": 1, "target": "h", "max-ttl": null}', 1, "trace", "usage", "max-ttl: must be"),
    (b'{"id": 1, "target": "h", "max-ttl": [3]}', 1, "trace", "usage", "max-ttl: must be"),
    (b'{"id": 1, "target": "h", "wait": "soon"}', 1, "trace", "usage", "wait soon: must be"),
    (b'{"id": 1, "target": "203.0.113.9", "first-ttl": 9, "max-ttl": 8}', 1, "trace", "usage",
     "first-ttl 9"),
    (b'{"cancel": 5}', 5, "cancel", "not-found", "id 5"),
    (b'{"cancel": "\\n"}', "\n", "cancel", "not-found", 'id "\n"'),
    (b'{"cancel": null}', None, "cancel", "usage", "cancel: must be"),
    (b'{"cancel": 5, "id": 6}', 5, "cancel", "usage", "stands alone"),
    (b'{"ping": 5, "target": 6}', 5, None, "usage", "two requests"),
]


@cases.case("each bad line is named, and the rest goes on")
def mistakes():
    with pipe(hops=2) as p:
        for number, (line, *_) in enumerate(MISTAKES):
            p.send(line, {"id": f"ok {number}", "target": DST, "probes": 1})
        events, end = p.finish()
        end.exits(REACHED).silent()
        errors = of(events, "error")
        for number, (line, ident, request, error, words) in enumerate(MISTAKES):
            got = errors[number]
            if request is None and error == "usage" and b'"ping"' in line:
                ident = None
            expect((got["line"], got["id"], got["request"], got["error"]),
                   (2 * number + 1, ident, request, error), got)
            if words not in got["text"] or len(got["text"]) > 255:
                raise AssertionError(f"{words!r} not in {got}")
        expect(len(errors), len(MISTAKES))
        expect({e["id"] for e in of(events, "done")}, {f"ok {i}" for i in range(len(MISTAKES))})


@cases.case("an id that is under way is not taken twice, and goes on")
def duplicate():
    with slow() as p:
        p.send({"id": 1, "target": DST, **SLOW}, {"id": 1, "target": DST, **SLOW})
        error = p.until(event="error")[-1]
        expect((error["id"], error["line"], error["error"]), (1, 2, "state"))
        p.send({"cancel": 1})
        events, end = p.finish()
        expect(len(of(events, "done", id=1)), 1)
        end.exits(REACHED)


@cases.case("blank lines and CR LF are as good as any, and are counted")
def line_ends():
    with pipe(hops=2) as p:
        p.proc.stdin.write(b'\n  \t\r\n{"id": 1, "target": "dst.example"}\r\n\r\nx')
        events, end = p.finish()
        expect([e["line"] for e in of(events, "error")], [5])
        expect(len(of(events, "done", id=1)), 1)
        end.exits(REACHED)


@cases.case("the last line needs no newline")
def unended():
    with pipe(hops=2) as p:
        p.proc.stdin.write(b'{"id": 1, "target": "dst.example"}')
        events, end = p.finish()
        check_trace(events, 1, DST, hops=2)
        end.exits(REACHED)


@cases.case("a request in single bytes")
def single_bytes():
    with pipe(hops=2) as p:
        for byte in b'{"id": 1, "target": "dst.example"}\n{"ping": 1}\n':
            p.proc.stdin.write(bytes([byte]))
            p.proc.stdin.flush()
        p.until(event="pong")
        p.finish()[1].exits(REACHED).silent()


# ---- the end ----

@cases.case("at the end of input what is under way goes on to its end")
def drain():
    with pipe(delay="50ms") as p:
        events, end = p.send({"id": 1, "target": DST}).finish()
        check = of(events, "done", id=1)[0]
        expect((check["stop"], check["ttl"]), ("reached", 4))
        end.exits(REACHED).silent()


for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    @cases.case(f"{number.name} cancels all, tells so of each and exits with 1", number)
    def interrupted(number):
        with slow() as p:
            p.send(*({"id": i, "target": DST, **SLOW} for i in range(20)), {"ping": 0})
            p.until(event="pong")
            p.send({"ping": 1}).until(event="pong")  # by now probes have left
            p.proc.send_signal(number)
            events = list(iter(p.read, None))
            done = of(events, "done", stop="canceled")
            expect(sorted(e["id"] for e in done), list(range(20)))
            expect([e["id"] for e in done if e["sent"] == 0], [], "what had been sent is told")
            p.ended().exits(UNREACHED).silent()


@cases.case("a signal ends it while it waits for requests")
def interrupted_idle():
    with pipe() as p:
        p.send({"ping": 0}).until(event="pong")
        p.proc.send_signal(signal.SIGTERM)
        expect(list(iter(p.read, None)), [])
        p.ended().exits(UNREACHED).silent()


def requests_of(count, **options):
    return b"".join(json.dumps({"id": i, "target": DST, **options}).encode() + b"\n"
                    for i in range(count))


@cases.case("a reader that does not read makes it neither grow nor lose")
def blocked_reader():
    count = 6000
    with pipe("--parallel", "100", hops=2) as p:
        left = stuff(p, requests_of(count))
        expect(len(left) > 0, True, "it took everything")
        if not is_sanitized():
            peak_kib = int(p.status("VmHWM").split()[0])
            expect(peak_kib < 20000, True, f"{peak_kib} KiB")
        done = lost = 0
        while done < count:
            left = fill(p.proc.stdin.fileno(), left) if left else left
            event = p.read()
            done += event["event"] == "done" and event["reached"]
            lost += event["event"] == "lost"
        expect(lost, 0)
        p.finish()[1].exits(REACHED).silent()


@cases.case("a signal is stronger than a reader that does not read")
def blocked_and_interrupted():
    with pipe("--parallel", "100", hops=2) as p:
        stuff(p, requests_of(6000))
        p.proc.send_signal(signal.SIGTERM)
        p.ended().exits(FAILED).says("interrupted while writing to standard output")


@cases.case("output that was closed ends it without a word")
def reader_gone():
    with slow() as p:
        p.send({"id": 1, "target": DST, **SLOW}, {"ping": 1}).until(event="pong")
        p.proc.stdout.close()
        p.ended().exits(FAILED).silent()


@cases.case("output that is closed while there is much to write")
def reader_gone_writing():
    with pipe(hops=2) as p:
        stuff(p, requests_of(6000))
        p.proc.stdout.close()
        p.ended().exits(FAILED).silent()


@cases.case("no output at all")
def no_output():
    with pipe(stdout=None, preexec_fn=lambda: os.close(1)) as p:
        p.ended().exits(FAILED).says("cannot write to standard output")


# ---- what it is connected to ----

@cases.case("requests from a file, and from nowhere")
def files():
    with tempfile.TemporaryFile() as requests:
        requests.write(b'{"id": 1, "target": "dst.example"}\n{"ping": 1}')
        requests.seek(0)
        with pipe(hops=2, stdin=requests) as p:
            events, end = p.finish()
            expect([e["event"] for e in events if e["event"] in ("done", "pong")], ["pong", "done"])
            end.exits(REACHED).silent()
    with pipe(stdin=subprocess.DEVNULL) as p:
        events, end = p.finish()
        expect(events, [])
        end.exits(REACHED).silent()


@cases.case("events into a file")
def into_file():
    with tempfile.TemporaryFile("w+") as out:
        with pipe(hops=2, stdout=out) as p:
            p.send({"id": 1, "target": DST}).proc.stdin.close()
            p.ended().exits(REACHED).silent()
        out.seek(0)
        events = [json.loads(line) for line in out]
        expect((events[0]["event"], events[-1]["event"]), ("hello", "done"))


@cases.case("input that cannot be read")
def unreadable():
    place = os.open("/", os.O_RDONLY)
    with pipe(stdin=place) as p:
        events, end = p.finish()
        expect(events, [])
        end.exits(FAILED).says("cannot read standard input")
    os.close(place)


@cases.case("one socket for both ways, closed in one of them to end")
def sockets():
    ours, theirs = socket.socketpair()
    with pipe(hops=2, stdin=theirs, stdout=theirs) as p, ours:
        theirs.close()
        ours.sendall(b'{"id": 1, "target": "dst.example"}\n')
        ours.shutdown(socket.SHUT_WR)
        with ours.makefile() as lines:
            events = [json.loads(line) for line in lines]
        expect((events[0]["event"], events[-1]["event"]), ("hello", "done"))
        p.ended().exits(REACHED).silent()


@cases.case("every write is whole lines")
def whole_lines():
    # A socket that keeps what was written at once together.
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with pipe(stdout=theirs) as p, ours:
        theirs.close()
        p.send(*({"id": i, "target": DST} for i in range(300))).proc.stdin.close()
        writes = list(iter(lambda: ours.recv(65536), b""))
        p.ended().exits(REACHED).silent()
        expect([w[-80:] for w in writes if w[-1:] != b"\n"], [])
        lines = b"".join(writes).splitlines()
        expect(sum(json.loads(line)["event"] == "done" for line in lines), 300)
        expect(len(writes) < len(lines) / 5, True, "they are not batched")


@cases.case("a socket whose other end is gone")
def socket_gone():
    ours, theirs = socket.socketpair()
    with slow(stdin=theirs, stdout=theirs) as p:
        theirs.close()
        ours.sendall(b'{"id": 1, "target": "203.0.113.9", "wait": 60, "wait-min": 60}\n'
                     b'{"ping": 1}\n')
        with ours.makefile() as lines:
            expect(json.loads(lines.readline())["event"], "hello")
            expect(json.loads(lines.readline())["event"], "pong")
        ours.close()
        p.ended().exits(FAILED).silent()


@cases.case("no environment")
def empty_environment():
    env = {} if not is_sanitized() else {"ASAN_OPTIONS": "detect_leaks=0"}
    with pipe(hops=2, env=env) as p:
        events, end = p.send({"id": 1, "target": DST}).finish()
        check_trace(events, 1, DST, hops=2)
        end.exits(REACHED).silent()


# ---- this machine ----

for backend in ("auto", "errqueue"):
    @cases.case(f"loopback for real, --backend {backend}", backend)
    def loopback(backend):
        with Piped("--backend", backend) as p:
            targets = ["127.0.0.1", "127.3.2.1", "::1"]
            events, end = p.send(*({"id": t, "target": t} for t in targets)).finish()
            if of(events, "error", error="no-route", id="::1"):  # no IPv6 here
                targets.remove("::1")
            end.exits(REACHED).silent()
            expect(sorted((e["id"], e["stop"], e["ttl"]) for e in of(events, "done")),
                   [(t, "reached", 1) for t in sorted(targets)])
            expect(p.hello["backend"] == "raw", p.hello["privileges"]["raw_sockets"])


@cases.case("few descriptors: fewer at once, and none refused")
def few_descriptors():
    limit = (112, 112)
    with Piped("--backend", "errqueue",
               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit)) as p:
        p.send(*({"id": i, "target": f"127.1.1.{i}", "protocol": ("udp", "tcp")[i % 2]}
                 for i in range(1, 60)))
        events, end = p.finish()
        end.exits(REACHED).silent()
        expect(p.hello["limits"]["parallel"], 6)
        expect(len(of(events, "done", stop="reached")), 59)


@cases.case("a name that the hosts file has")
def named():
    with Piped() as p:
        events, end = p.send({"id": 1, "target": "localhost"}).finish()
        done = of(events, "done")[0]
        expect((done["stop"], done["address"] in ("127.0.0.1", "::1")), ("reached", True), done)
        end.exits(REACHED).silent()


@cases.case("of all privileges raw sockets are kept, or nothing")
def privileges():
    if os.geteuid() != 0:
        raise Skip("not root")
    for backend, caps in (("raw", 1 << 13), ("errqueue", 0)):
        with Piped("--backend", backend) as p:
            p.send({"ping": 1}).until(event="pong")
            expect([int(p.status(name), 16) for name in ("CapEff", "CapPrm", "CapInh", "CapBnd")],
                   [caps, caps, 0, 0], backend)
            expect(set(p.status("Uid").split()), {"65534"})
            expect((p.status("NoNewPrivs"), p.hello["backend"]), ("1", backend))


@cases.case("--backend raw, where it is not allowed")
def not_allowed():
    if os.geteuid() != 0:
        raise Skip("not root")
    if not os.access(PROGRAM, os.X_OK) or os.stat(os.path.dirname(PROGRAM)).st_mode & 1 == 0:
        raise Skip("nobody cannot run the program here")
    res = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                          PROGRAM, "pipe", "--backend", "raw"], stdin=subprocess.DEVNULL,
                         capture_output=True, text=True, env=environment())
    if "ermission denied" in res.stderr and "setpriv" in res.stderr:
        raise Skip("nobody cannot run the program here")
    expect((res.returncode, res.stdout), (FAILED, ""))
    expect("CAP_NET_RAW" in res.stderr and res.stderr.count("\n") == 1, True, res.stderr)


for what, args, words in (
        ("unknown", ("--protocol", "udp"), ("unknown word --protocol", "requests")),
        ("an operand", ("192.0.2.1",), ("unknown word 192.0.2.1",)),
        ("no value", ("--sim",), ("--sim needs a value",)),
        ("back end", ("--backend", "fast"), ('--backend is "fast"', "errqueue")),
        ("parallel", ("--parallel", "0"), ('--parallel is "0"', "1 to 100000")),
        ("seed without network", ("--sim-seed", "4"), ("--sim-seed needs --sim",)),
        ("two back ends", ("--sim", "builtin", "--backend", "raw"), ("exclude each other",))):
    @cases.case(f"words: {what}", args, words)
    def words_wrong(args, words):
        run("pipe", *args).exits(USAGE).says("pipe: ", *words)


@cases.case("a topology that is none, or not there")
def topologies():
    run("pipe", "--sim", "/nonexistent").exits(FAILED).says("/nonexistent")
    with tempfile.NamedTemporaryFile("w") as f:
        f.write("source me\nnonsense\n")
        f.flush()
        run("pipe", "--sim", f.name).exits(USAGE).says(f.name, "line 2")


if __name__ == "__main__":
    sys.exit(cases.main(only()))
