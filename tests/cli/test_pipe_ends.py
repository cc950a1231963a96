# SPDX-License-Identifier: Apache-2.0
"""wend pipe: how it ends, what it may be connected to, and what it may do on this machine."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile

from piped import DST, SLOW, Piped, check_trace, fill, is_sanitized, of, pipe, slow, stuff
from program import FAILED, PROGRAM, REACHED, UNREACHED, USAGE, Cases, Skip, environment, expect, \
    only, run

cases = Cases()


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
    plain = environment(MALLOC_PERTURB_="0")  # else the C library touches all that is only reserved
    with pipe("--parallel", "100", hops=2, env=plain) as p:
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
        ("server", ("--resolver", "dns"), ('--resolver is "dns"', "192.0.2.53")),
        ("names of a simulation", ("--sim", "builtin", "--resolver", "::1"), ("exclude each other",)),
        ("back end", ("--backend", "fast"), ('--backend is "fast"', "errqueue")),
        ("parallel", ("--parallel", "0"), ('--parallel is "0"', "1 to 100000")),
        ("rate", ("--router-pps", "fast"), ("--router-pps is \"fast\"", "0 to 1000000")),
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
