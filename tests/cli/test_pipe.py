# SPDX-License-Identifier: Apache-2.0
"""wend pipe: the protocol of docs/pipe.md, and every way in which a client may behave."""

import json
import sys
import time

from piped import DST, DST6, LINE_BYTES, SLOW, Piped, check_trace, of, pipe, slow
from program import REACHED, Cases, expect, only, run

cases = Cases()


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


@cases.case("names, of those who answer and of an address")
def names():
    with pipe() as p:
        p.send({"id": 1, "target": DST, "numeric": False}, {"id": 2, "target": DST},
               {"id": 3, "lookup": DST6}, {"id": 4, "lookup": "192.0.2.77"})
        events, end = p.finish()
        end.exits(REACHED).silent()
        expect({e["address"]: (e["name"], e["status"]) for e in of(events, "name", id=1)},
               {f"198.51.100.{i}": (f"r{i}.example", "ok") for i in range(1, 4)} |
               {DST: ("dst.example", "ok")})
        expect(of(events, "name", id=2), [])
        for ident, name, status, error in ((3, "dst.example", "ok", None),
                                           (4, None, "not-found", "not-found")):
            told, done = (e for e in events if e["id"] == ident)
            expect((told["event"], told["name"], told["status"]), ("name", name, status))
            expect((done["event"], done["stop"], done["error"], done["address"]),
                   ("done", None, error, told["address"]))


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
    with pipe("--parallel=1", "--all-pps", "0") as p:
        p.send(*({"id": i, "target": DST} for i in range(5)), {"ping": "end"})
        events, end = p.finish()
        end.exits(REACHED).silent()
        expect(p.hello["limits"]["parallel"], 1)
        expect([e["id"] for e in events if e["event"] == "done"], [0, 1, 2, 3, 4])
        ids = [e.get("id") for e in events if e["event"] != "pong"]
        expect(ids, sorted(ids), "one after the other")
        expect([(e["ping"], e["line"], e["active"], e["started"], e["done"]) for e in events
                if e["event"] == "pong"], [("end", 6, 0, 5, 5)])


@cases.case("bounds of packets per second over all requests", "--all-pps")
@cases.case("bounds of packets per second to one address", "--target-pps")
@cases.case("bounds of packets per second for one router", "--router-pps")
def paced(option):
    """It takes at least as long as that; 30 single probes to one address, and to one router."""
    began = time.monotonic()
    with pipe(option, "100") as p:
        p.send(*({"id": i, "probe": DST, "ttl": 1} for i in range(30)))
        events, end = p.finish()
        end.exits(REACHED).silent()
        expect(len(of(events, "reply")), 30)
    expect(time.monotonic() - began > (30 - 2 * 2) / 100, True, "too fast")


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
    (b'{"id": 1}', 1, None, "usage", "lookup, cancel and ping"),
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
    (b'{"id": 1, "lookup": "dst.example"}', 1, "lookup", "usage", "address"),
    (b'{"id": 1, "lookup": "203.0.113.9", "wait": 1}', 1, "lookup", "usage", "no options"),
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


if __name__ == "__main__":
    sys.exit(cases.main(only()))
