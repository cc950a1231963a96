# SPDX-License-Identifier: Apache-2.0
"""Traces of simulated networks: exit codes, formats, -P auto, files."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import tempfile
import termios
import time

from program import FAILED, PROGRAM, REACHED, UNREACHED, Cases, Running, Skip, chain, \
    environment, expect, only, run, topology

cases = Cases()
DEAD = {4: "blackhole"}


def addresses(doc):
    return [[r["address"] for r in hop["responders"]] for hop in doc["hops"]]


@cases.case("the built-in network is reached, with names and labels")
def builtin():
    res = run("--sim", "builtin").exits(REACHED).silent()
    res.prints("gateway.home.example.net (192.0.2.1)", "www.example.org", "MPLS", "Reached")
    if "\x1b" in res.out:
        raise AssertionError("escape sequences on what is no terminal")
    run("trace", "--sim", "builtin", "-6", "www.example.org").exits(REACHED).prints(
        "2001:db8:5::200")


for proto in ("udp", "icmp", "tcp"):
    for family in ("4", "6"):
        @cases.case(f"every hop of a chain, {proto} over IPv{family}", proto, family)
        def whole_chain(proto, family):
            res = run("--sim", chain(5), "-P", proto, "-" + family, "--format", "json",
                      "dst.example").exits(REACHED).silent()
            routers = ["198.51.100.%d", "2001:db8:1::%d"][family == "6"]
            target = ["203.0.113.9", "2001:db8:9::9"][family == "6"]
            expect(addresses(res.doc),
                   [[routers % i] for i in range(1, 5)] + [[target]])
            expect(res.doc["responders"][0]["name"], "r1.example")


MTUS = """source me
target dst
host me addr 192.0.2.1
node r1 addr 198.51.100.1 mtu-blackhole
node r2 addr 198.51.100.2
host dst addr 203.0.113.9
link me r1 delay 1ms
link r1 r2 delay 1ms mtu 1400
link r2 dst delay 1ms mtu 1280
"""


@cases.case("which hop lowers the MTU, and how that is known")
def mtus():
    path = topology(MTUS)
    res = run("--sim", path, "--mtu").exits(REACHED).silent()
    res.prints("TTL  Host           MTU  Loss",
               "more than 1400 bytes are lost without a word behind hop 1 (198.51.100.1): a PMTU black",
               "MTU falls to 1280 behind hop 2 (198.51.100.2), which says so.",
               "Path MTU up to hop 3: 1280 bytes.")
    expect(re.findall(r"^ +\d  \S+ +(\d+)", res.out, re.M), ["1500", "1400", "1280"])
    path = topology(MTUS.replace(" mtu-blackhole", ""))
    doc = run("--sim", path, "--mtu", "--format", "json").exits(REACHED).silent().doc
    expect([(hop["mtu"], hop["known_by"]) for hop in doc["pmtu"]["hops"]],
           [(1500, "link"), (1400, "icmp"), (1280, "icmp")])
    expect([(low["after_ttl"], low["black_hole"], low["address"])
            for low in doc["pmtu"]["lowerings"]],
           [(1, False, "198.51.100.1"), (2, False, "198.51.100.2")])
    expect([r["address"] for hop in doc["hops"] for r in hop["responders"]],
           ["198.51.100.1", "198.51.100.2", "203.0.113.9"])


@cases.case("beyond the last answer --mtu says how long it waited, and what it can do instead")
def mtu_unreached():
    path = topology(MTUS.replace("203.0.113.9", "203.0.113.9 silent"))
    res = run("--sim", path, "--mtu").exits(UNREACHED).silent()
    text = " ".join(res.out.split())
    # In real time: at least that.
    expect(bool(re.search(r"waited 2[0-9][0-9] ms for each reply", text)), True, res.out)
    expect(("try -P icmp;" in text, "-P tcp" in text), (True, False), res.out)


@cases.case("not reached is 1, and the table says what stopped it")
def unreached():
    res = run("--sim", chain(6, router=DEAD), "-w", "50ms").exits(UNREACHED).silent()
    res.prints("198.51.100.4")
    if res.seconds > 5:
        raise AssertionError(repr(res))


@cases.case("too few hops allowed is 1")
def max_ttl():
    doc = run("--sim", chain(6), "-m", "3", "--format", "json").exits(UNREACHED).doc
    expect(doc["stop"]["reason"], "max-ttl")
    expect(doc["reached"], False)


@cases.case("a deadline ends a trace in time")
def deadline():
    res = run("--sim", chain(4, delay="400ms"), "--deadline", "300ms", "-w", "10s",
              "--format", "json").exits(UNREACHED)
    expect(res.doc["stop"]["reason"], "deadline")
    if res.seconds > 4:
        raise AssertionError(repr(res))


@cases.case("options reach the engine")
def options():
    doc = run("--sim", chain(4), "-q", "2", "-f", "2", "-m", "9", "-w", "500ms,4,5", "--gap", "3",
              "--pps", "77", "--window", "5", "--size", "99", "--dscp", "ef", "--pattern", "0xab",
              "-p", "4444", "--source-port", "5555", "--flow", "3", "--format", "json",
              ).exits(REACHED).doc
    text = repr(doc["parameters"])
    for number in (99, 184, 171, 4444, 77, 500000000, 4000, 5000):
        if str(number) not in text:
            raise AssertionError(f"no {number} in {text}")
    expect([hop["ttl"] for hop in doc["hops"]][0], 2)


@cases.case("the same seed gives the same paths, another one may not")
def seeds():
    lossy = topology("source me\ntarget dst\nhost me addr 192.0.2.100\n"
                     "node r addr 198.51.100.1\nhost dst addr 203.0.113.9\n"
                     "link me r delay 1ms\nlink r dst delay 1ms loss 30%\n")
    one, two, other = (run("--sim", lossy, "--sim-seed", seed, "-q", "20", "-w", "20ms",
                           "--wait-min", "20ms", "--window", "1", "--format", "json")
                       for seed in ("7", "7", "8"))
    states = [[p["state"] for p in r.doc["probes"] if p["ttl"] == 2] for r in (one, two, other)]
    expect(states[0], states[1], "with the same seed")
    if states[0] == states[2]:
        raise AssertionError("another seed changed nothing")


@cases.case("--flow picks another path of a simulated network, and says its port")
def flows():
    fan = ["source me", "target dst", "host me addr 192.0.2.100", "host dst addr 203.0.113.9",
           "node r addr 198.51.100.1", "node j addr 198.51.100.2", "link me r", "link j dst"]
    for i in range(10, 18):
        fan += [f"node m{i} addr 198.51.100.{i}", f"link r m{i}", f"link m{i} j"]
    path, met = topology("\n".join(fan) + "\n"), set()
    for flow in range(8):
        doc = run("-n", "--sim", path, "--flow", str(flow), "--format",
                  "json").exits(REACHED).doc
        expect(doc["probes"][0]["source_port"], doc["parameters"]["source_port"] + flow)
        met.add(doc["hops"][1]["responders"][0]["address"])
    expect(len(met) > 1, True, f"all flows met {met}")


@cases.case("auto keeps the protocol that gets farthest and says so")
def auto():
    path = chain(5, target="open tcp 443 filtered udp filtered icmp")
    res = run("--sim", path, "-P", "auto", "-w", "50ms", "-q", "1").exits(REACHED).silent()
    res.prints("-P auto kept tcp 443, which reached the target at hop 5", "udp got to hop 4",
               "icmp got to hop 4")
    doc = run("--sim", path, "-P", "auto", "-w", "50ms", "--format", "json").exits(
        REACHED).silent().doc
    expect(doc["parameters"]["protocol"], "tcp")
    expect(sorted(t["protocol"] for t in doc["tried"]), ["icmp", "udp"])


@cases.case("auto prefers UDP where all are equal")
def auto_tie():
    run("--sim", chain(3), "-P", "auto", "-q", "1").exits(REACHED).prints("-P auto kept udp,")


@cases.case("auto with the port of TCP")
def auto_port():
    path = chain(3, target="open tcp 8443 filtered udp filtered icmp")
    run("--sim", path, "-P", "auto", "-w", "50ms", "-q", "1", "dst.example:8443").exits(
        REACHED).prints("kept tcp 8443")


@cases.case("event lines begin with start and end with end, for each trace of auto")
def jsonl():
    events = run("--sim", chain(3), "-q", "2", "--format", "jsonl").exits(REACHED).silent().events
    expect((events[0]["event"], events[-1]["event"]), ("start", "end"))
    expect({e["trace"] for e in events}, {0})
    expect(sum(e["event"] == "name" for e in events), 3)
    events = run("--sim", chain(3), "-P", "auto", "--format", "jsonl").exits(REACHED).events
    for trace in range(3):
        mine = [e["event"] for e in events if e["trace"] == trace]
        expect((mine[0], mine[-1]), ("start", "end"), f"trace {trace}")


@cases.case("event lines come as they happen")
def jsonl_live():
    began = time.monotonic()
    slow = Running("--sim", chain(3, router={1: "silent"}), "-w", "3s", "--wait-min", "3s",
                   "-q", "1")
    slow.wait_for("reply")
    if time.monotonic() - began > 2.5:
        raise AssertionError("the first reply was held back")
    slow.finish().exits(REACHED)


CLASSIC = re.compile(r"^ ?\d+  (\*( \*)*|\S+ \([0-9a-f.:]+\)  \d+\.\d{3} ms.*)$")


@cases.case("classic lines are what scripts expect of traceroute")
def classic():
    res = run("--sim", chain(5, router={2: "silent"}), "-w", "100ms", "--format",
              "classic").exits(REACHED).silent()
    lines = res.out.splitlines()
    if not re.match(r"^traceroute to dst\.example \(203\.0\.113\.9\), 30 hops max, 60 byte packets$",
                    lines[0]):
        raise AssertionError(lines[0])
    expect([int(line.split()[0]) for line in lines[1:]], [1, 2, 3, 4, 5])
    for line in lines[1:]:
        if not CLASSIC.match(line):
            raise AssertionError(line)
    expect(lines[2].split(), ["2", "*", "*", "*"])


@cases.case("classic lines appear while the trace runs, in order")
def classic_live():
    # The far half waits for a silent router; the near half must be there long before.
    proc = subprocess.Popen(
        [PROGRAM, "--sim", chain(6, router={3: "silent"}), "-w", "3s", "--wait-min", "3s", "-q",
         "1", "-n", "--format", "classic"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        env=environment(), text=True, bufsize=1)
    began = time.monotonic()
    head = [proc.stdout.readline() for _ in range(3)]
    early = time.monotonic() - began
    rest, _ = proc.communicate(timeout=20)
    expect([line.split()[0] for line in head], ["traceroute", "1", "2"])
    expect([line.split()[0] for line in rest.splitlines()], ["3", "4", "5", "6"])
    if early > 2.5:
        raise AssertionError(f"the first lines took {early:.1f} s")


@cases.case("no classic line behind the router that refuses")
def classic_refused():
    for mark, what in (("!X", "admin"), ("!H", "host")):
        path = chain(9, router={3: f"reject {what} for 203.0.113.0/24"})
        res = run("--sim", path, "-n", "--format", "classic").exits(UNREACHED).silent()
        lines = res.out.splitlines()
        expect([line.split()[0] for line in lines[1:]], ["1", "2", "3", "4"], res.out)
        if mark not in lines[-1]:
            raise AssertionError(res.out)


@cases.case("a classic trace cut off by its deadline says so on standard error")
def classic_deadline():
    path = chain(5, router={2: "blackhole"})
    res = run("--sim", path, "-w", "60s", "--wait-min", "60s", "--deadline", "200ms", "--format",
              "classic").exits(UNREACHED)
    res.says("stopped by the deadline: the result is partial").prints("\n 1  ")


@cases.case("-o with a pipe that nobody reads is an error, not a wait")
def output_pipe():
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "pipe")
        os.mkfifo(path)
        run("--sim", "builtin", "-o", path, limit_s=5).exits(FAILED).says(
            "cannot open --output", path, "no reader")
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            run("--sim", "builtin", "-o", path).exits(REACHED).silent()
            if b"Reached" not in os.read(reader, 65536):
                raise AssertionError("nothing came through the pipe")
        finally:
            os.close(reader)


@cases.case("auto tells what could not be sent from what got no reply")
def auto_blocked():
    rules = "table inet wend { chain o { type filter hook output priority 0; " \
            "meta l4proto udp drop; }; }"
    own_network = ["unshare", "-Urn", "sh", "-c"]
    setup = f"ip link set lo up && nft '{rules}'"
    if subprocess.run([*own_network, setup], capture_output=True, check=False).returncode != 0:
        raise Skip("no network namespace with a firewall")
    res = subprocess.run([*own_network, f"{setup} && exec \"$0\" -P auto -n 127.0.0.1", PROGRAM],
                         capture_output=True, text=True, env=environment(), timeout=30,
                         check=False)
    if "udp could not be sent (blocked on this machine (firewall))" not in res.stdout:
        raise AssertionError(res)


@cases.case("-n shows addresses alone")
def numeric():
    res = run("--sim", chain(3), "-n").exits(REACHED)
    if "r1.example" in res.out:
        raise AssertionError(repr(res))


@cases.case("colour only where it was asked for")
def colour():
    res = run("--sim", chain(2), "--color", "always")
    if "\x1b[" not in res.out:
        raise AssertionError(repr(res))
    res = run("--sim", chain(2), "--color", "always", "--format", "json")
    if "\x1b" in res.out:
        raise AssertionError(repr(res))


@cases.case("names from the network cannot touch the terminal")
def hostile_name():
    path = topology("source me\ntarget dst\nhost me addr 192.0.2.100\n"
                    "node r addr 198.51.100.1 name \u202eevil\n"
                    "host dst addr 203.0.113.9\nlink me r\nlink r dst\n")
    for form in ("table", "classic"):
        res = run("--sim", path, "--format", form)
        if any(c in res.out for c in "\x1b\u202e\x9b"):
            raise AssertionError(repr(res))


@cases.case("-o writes the file and nothing else")
def output_file():
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "out.json")
        res = run("--sim", chain(3), "--format", "json", "-o", path).exits(REACHED).silent()
        expect(res.out, "")
        with open(path, encoding="utf-8") as f:
            if '"schema": "wend.trace/1"' not in f.read():
                raise AssertionError("not our JSON")
        run("--sim", chain(3), "-o", path).exits(REACHED)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        if "Reached" not in text or "schema" in text:
            raise AssertionError(text)


for form in ("table", "json", "jsonl", "classic"):
    @cases.case(f"a full disk is exit 3: {form} to stdout", form)
    def full_stdout(form):
        with open("/dev/full", "w") as full:
            run("--sim", chain(3), "--format", form, stdout=full).exits(FAILED).says(
                "standard output", "No space left")

    @cases.case(f"a full disk is exit 3: {form} with -o", form)
    def full_file(form):
        run("--sim", chain(3), "--format", form, "-o", "/dev/full").exits(FAILED).says(
            "/dev/full", "No space left")

    @cases.case(f"a reader that went away is a quiet exit 3: {form}", form)
    def closed_pipe(form):
        reader, writer = os.pipe()
        os.close(reader)
        res = run("--sim", chain(3), "--format", form, stdout=writer)
        os.close(writer)
        res.exits(FAILED).silent()


for words in (["--help"], ["version"], ["man"], ["completion", "fish"]):
    @cases.case(f"a full disk is exit 3: {words[-1]}", words)
    def full_text(words):
        with open("/dev/full", "w") as full:
            run(*words, stdout=full).exits(FAILED).says("No space left")


@cases.case("a closed standard output never becomes a socket")
def closed_stdout():
    res = subprocess.run(["/bin/sh", "-c", '"$0" --sim "$1" >&-', PROGRAM, chain(2)],
                         env=environment(), stderr=subprocess.PIPE, text=True, timeout=20)
    expect(res.returncode, FAILED)
    if "Bad file descriptor" not in res.stderr:
        raise AssertionError(res.stderr)


def in_pipe(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0"))[0]


def ended(proc, seconds):
    try:
        proc.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


@cases.case("a reader that does not read holds up neither the trace nor its end by a signal")
def slow_reader():
    proc = subprocess.Popen([PROGRAM, "--sim", chain(20), "-q", "64", "--pps", "0", "--window",
                             "4096", "--format", "jsonl"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    # A pipe is full when its pages are in use, though they need not be filled.
    held = fcntl.fcntl(proc.stdout, fcntl.F_GETPIPE_SZ) // 2
    while in_pipe(proc.stdout) < held:
        expect(ended(proc, 0.01), False, "exit before the pipe was full")
    # One signal ends the trace, a further one the waiting for the reader.
    proc.terminate()
    while not ended(proc, 0.05):
        proc.terminate()
    if proc.returncode not in (UNREACHED, FAILED):
        raise AssertionError(f"exit {proc.returncode}")
    proc.communicate()


if __name__ == "__main__":
    sys.exit(cases.main(only()))
