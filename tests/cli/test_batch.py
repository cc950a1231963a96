# SPDX-License-Identifier: Apache-2.0
"""Many targets: what is in a list, and what comes of each line."""

import datetime
import json
import os
import re
import resource
import socket
import subprocess
import sys

from batches import LONG, SOME_LEFT, fill, gone, in_file, listed, path, records, says, start
from program import (FAILED, LIMIT_S, PROGRAM, REACHED, USAGE, Cases, Skip, chain, expect, only,
                     run)
from test_names import PTR, A, Server, encode, ptr
from test_tty import Terminal

cases = Cases()


def shape(value):
    """The keys of a document, at every depth."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return None


# ---- what is in a list ----

@cases.case("each line is traced as it says, by the defaults of the command line")
def lines():
    net = chain(4)
    res = run("batch", "--sim", net, "-m", "7", "-q", "2", listed(
        "# a list\n\ndst.example\n  203.0.113.9 -P tcp -p 443 # web\r\n"
        "'dst.example' \"-P\" icmp --max-ttl=9 -q 1\n2001:db8:9::9 -n\ndst.example:99"))
    got = records(res.exits(REACHED).silent().out)
    expect(sorted(got), [3, 4, 5, 6, 7])
    want = {3: ("dst.example", "udp", 33434, 7, 2),
            4: ("203.0.113.9 -P tcp -p 443 # web", "tcp", 443, 7, 2),
            5: ("'dst.example' \"-P\" icmp --max-ttl=9 -q 1", "icmp", None, 9, 1),
            6: ("2001:db8:9::9 -n", "udp", 33434, 7, 2),
            7: ("dst.example:99", "udp", 99, 7, 2)}
    for number, (text, proto, port, last, probes) in want.items():
        rec, p = got[number], got[number]["trace"]["parameters"]
        expect(rec["input"], text)
        expect((rec["error"], rec["trace"]["reached"], rec["trace"]["last_ttl"]), (None, True, 4))
        expect((p["protocol"], p["destination_port"], p["max_ttl"], p["probes"]),
               (proto, port, last, probes), text)
    names = [r["name"] for r in got[3]["trace"]["responders"]]
    expect(sorted(names), ["dst.example", "r1.example", "r2.example", "r3.example"])
    expect({r["name"] for r in got[6]["trace"]["responders"]}, {None})


@cases.case("a record has the document of --format json")
def same_document():
    net = chain(5, router={2: "silent"})
    alone = run("--sim", net, "--format", "json").exits(REACHED).doc
    rec = records(run("batch", "--sim", net, listed("dst.example\n")).exits(REACHED).out)[1]
    doc = rec["trace"]
    expect(shape(doc), shape(alone), "document")
    same = ("schema", "generator", "reached", "last_ttl", "backend", "responders", "links")
    expect({k: doc[k] for k in same}, {k: alone[k] for k in same})


@cases.case("defaults give way to what a line says of family and port")
def defaults_give_way():
    net = chain(2)
    res = run("batch", "--sim", net, "-4", "-P", "tcp", "-p", "443", listed(
        "dst.example -6\ndst.example:80\ndst.example -P icmp\n2001:db8:9::9\n"))
    got = records(res.exits(SOME_LEFT).out)
    says(res, (":4:", "-4 contradicts"))
    expect([got[i]["trace"]["parameters"]["destination_port"] for i in (1, 2, 3)],
           [443, 80, None])
    expect(got[1]["trace"]["parameters"]["destination"], "2001:db8:9::9")


@cases.case("-P auto on a line: the best of three, and the others beside it")
def auto():
    net = chain(3)
    rec = records(run("batch", "--sim", net, listed("dst.example -P auto")).exits(REACHED).out)[1]
    expect(len(rec["trace"]["tried"]), 2)
    kinds = {t["protocol"] for t in rec["trace"]["tried"]} | {
        rec["trace"]["parameters"]["protocol"]}
    expect(kinds, {"udp", "icmp", "tcp"})


@cases.case("a byte order mark and carriage returns do not matter")
def marked():
    got = records(run("batch", "--sim", chain(2), listed(
        b"\xef\xbb\xbfdst.example\r\n\r\n# x\r\ndst.example -P icmp\r\n")).exits(REACHED).out)
    expect({n: r["input"] for n, r in got.items()}, {1: "dst.example", 4: "dst.example -P icmp"})


BAD = [
    ("dst.example --max-tll 3", "usage", ("did you mean --max-ttl?",)),
    ("dst.example -m 0", "usage", ("--max-ttl 0", "1 to 255")),
    ("dst.example 203.0.113.9", "usage", ("two targets", "203.0.113.9")),
    ("-P tcp", "usage", ("no target",)),
    ("'dst.example", "usage", ("quote ' is not closed",)),
    ("dst.example \\", "usage", ("backslash",)),
    ("1.2.3.400", "usage", ("not an IPv4 address",)),
    ("http://dst.example/", "usage", ("URL",)),
    ("dst.example -o x", "usage", ("--output", "command line")),
    ("dst.example --resume", "usage", ("--resume", "command line")),
    ("dst.example --format json", "usage", ("--format", "no option of wend batch")),
    ("-4 2001:db8:9::9", "usage", ("-4 contradicts",)),
    ("dst.example -P icmp -p 80", "usage", ("ICMP has no ports",)),
    ("nobody.example", "resolve", ("nobody.example", "no such name")),
    ("dst\0.example", "usage", ("byte 0x00 at 4",)),
    ("dst\udcff.example", "usage", ("byte 0xff at 4", "UTF-8")),
    ("dst.example\x1b[2J", "usage", ("byte 0x1b at 12",)),
    ("a" * 4097, "usage", ("longer than 4096 bytes",)),
    ("dst.example " + "-n " * 70, "usage", ("words",)),
    ("a" * 300, "usage", ("longer than any host name",)),
]


@cases.case("bad lines are named, have a record, and the others are traced")
def bad_lines():
    text = "".join(f"dst.example\n{line}\n" for line, _, _ in BAD)
    res = run("batch", "--sim", chain(2), listed(text.encode("utf-8", "surrogateescape"), "bad"))
    got = records(res.exits(SOME_LEFT).out)
    expect(sorted(got), list(range(1, 2 * len(BAD) + 1)))
    says(res, *[(f"{path('bad')}:{2 * i + 2}: ", *words) for i, (_, _, words) in enumerate(BAD)])
    for i, (_, name, words) in enumerate(BAD):
        expect(got[2 * i + 1]["error"], None)
        rec = got[2 * i + 2]
        expect((rec["trace"], rec["error"]["name"]), (None, name), rec["input"])
        for word in words:
            if word not in rec["error"]["text"]:
                raise AssertionError(f"no {word!r} in {rec['error']}")
    expect(got[30]["input"], "dst\0.example")
    expect(got[32]["input"], "dst\ufffd.example")
    expect(got[36]["input"], "a" * 4096)


@cases.case("a route that is not there is said of its line alone")
def no_route():
    res = run("batch", "-n", listed("127.0.0.2 -i wendnope0\n127.0.0.2\n127.0.0.3 -s 192.0.2.7\n"))
    got = records(res.exits(SOME_LEFT).out)
    says(res, (":1:", "wendnope0"), (":3:", "192.0.2.7"))
    expect([got[i]["error"] and got[i]["error"]["name"] for i in (1, 2, 3)],
           ["no-interface", None, "address-not-available"])


# ---- the list as a file or pipe ----

RATE, BURST = 400, 8  # N / 50


@cases.case("bounds of packets per second over all lines", "--all-pps", lambda probe: True)
@cases.case("what one router has to answer is bounded over all lines", "--router-pps",
            lambda probe: probe["ttl"] == 1)
@cases.case("what goes to one address is bounded over all lines", "--target-pps", lambda probe: True)
def paced(option, counts):
    """Of the probes that count at most N * T + B leave in any T seconds, and all of them do."""
    sent = []
    for rec in records(run("batch", "--sim", chain(3), option, str(RATE), listed("dst.example -n\n" * 12))
                       .exits(REACHED).silent().out).values():
        trace = rec["trace"]
        expect((trace["reached"], trace["hops"][0]["statistics"]["received"]), (True, 3))
        start = datetime.datetime.fromisoformat(trace["started"].replace("Z", "")[:26])
        sent += [start.timestamp() + probe["sent_ns"] / 1e9 for probe in trace["probes"] if counts(probe)]
    sent.sort()
    for i, first in enumerate(sent):
        for n, last in enumerate(sent[i:]):
            if n >= BURST + 2 + (last - first) * RATE:
                raise AssertionError(f"{n + 1} in {last - first} s")
    expect(len(sent) >= 12 * 3, True)


MISTAKES = [
    ("no list", (), USAGE, ("no list", "- for standard input")),
    ("two lists", ("a", "b"), USAGE, ("b is one operand too many",)),
    ("a list that is not there", ("/nonexistent.list",), FAILED, ("No such file",)),
    ("a host", ("example.org",), FAILED, ("no such file", "wend trace example.org")),
    ("a directory", ("/tmp",), FAILED, ("/tmp is a directory",)),
    ("--resume without -o", ("--resume", "-"), USAGE, ("--resume needs -o FILE",)),
    ("--format", ("--format", "json", "-"), USAGE, ("--format", "trace,paths,explain")),
    ("none at once", ("--parallel", "0", "-"), USAGE, ("--parallel 0", "1 to 10000")),
    ("a rate that is none", ("--router-pps", "fast", "-"), USAGE, ("--router-pps", "fast")),
    ("defaults that contradict", ("-f", "9", "-m", "8", "-"), USAGE, ("--first-ttl 9",)),
    ("an output that cannot be", ("-o", "/nonexistent/x", "-"), FAILED, ("/nonexistent/x",)),
    ("an output that cannot be resumed", ("-o", "/dev/null", "--resume", "-"), USAGE,
     ("/dev/null is no file",)),
    ("an endless line", ("/dev/zero",), USAGE, ("/dev/zero:1", "line without end")),
    ("standard input without a target", ("-",), USAGE, ("there was no target in it",)),
]
for what, args, code, words in MISTAKES:
    @cases.case(f"mistake: {what}", args, code, words)
    def mistake(args, code, words):
        res = run("batch", *args).exits(code).says(*words)
        expect(res.out, "", "stdout")


for what, text, words in (("an empty file", b"", ("no target in it",)),
                          ("comments alone", b"# x\n\n  # y\n", ("no target in it",)),
                          ("UTF-16", "a.example\n".encode("utf-16"), ("UTF-16",)),
                          ("no text", bytes(range(256)) * 64, ("is no text",))):
    @cases.case(f"mistake: {what}", text, words)
    def no_list(text, words):
        res = run("batch", listed(text, "wrong")).exits(USAGE).says(path("wrong"), *words)
        expect(res.out, "", "stdout")


@cases.case("options of batch are not those of trace")
def not_of_trace():
    run("--parallel", "3", "h").exits(USAGE).says("--parallel is no option of wend trace", "batch")
    run("trace", "--no-resume", "h").exits(USAGE).says("--no-resume")


@cases.case("a pipe is read as it comes, and each result written at once")
def streams():
    proc = start("--sim", chain(2), "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for number in (1, 2, 3):
        proc.stdin.write(b"dst.example\n")
        proc.stdin.flush()
        expect(json.loads(proc.stdout.readline())["line"], number)
    out, err = proc.communicate(b"dst.example", timeout=LIMIT_S)  # the last one without newline
    expect((list(records(out.decode())), err, proc.returncode), ([4], b"", REACHED))


@cases.case("nothing is read while as many lines as were asked for are under way")
def few_at_once():
    net = chain(3, delay="9s")
    proc = start("--sim", net, "-w", "60s", "--parallel", "2", "-", stdin=subprocess.PIPE,
                 stdout=subprocess.PIPE)
    try:
        fill(proc.stdin)
    finally:
        proc.kill()
        expect(proc.communicate()[0], b"")


@cases.case("nothing is read while the output is not taken; then it goes on")
def slow_reader():
    proc = start("--sim", chain(2, delay="1us"), "-", stdin=subprocess.PIPE,
                 stdout=subprocess.PIPE)
    try:
        taken = fill(proc.stdin)
    except AssertionError:
        proc.kill()
        raise
    os.set_blocking(proc.stdin.fileno(), True)
    lines = -(-taken // len(LONG))
    rest = LONG[taken % len(LONG):] if taken % len(LONG) else b""
    out, err = proc.communicate(rest, timeout=LIMIT_S * 3)
    expect((sorted(records(out.decode())), err), (list(range(1, lines + 1)), b""))


@cases.case("a reader that has left ends the batch without words")
def reader_gone():
    proc = start("--sim", chain(2), "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    proc.stdout.close()
    err = proc.communicate(b"dst.example\n" * 50, timeout=LIMIT_S)[1]
    expect((err, proc.returncode), (b"", FAILED))


@cases.case("memory does not grow with the list")
def bounded():
    def peak(count):
        proc = start("--sim", net, "-m", "1", "-q", "1", "-n", "-o", "/dev/null",
                     listed("dst.example\n" * count, "many"), stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(proc.pid, 0)
        proc.returncode = os.waitstatus_to_exitcode(status)
        expect(proc.returncode, REACHED, proc.stderr.read().decode())
        proc.stderr.close()
        return usage.ru_maxrss
    net = chain(1, delay="1us")
    few, many = peak(500), peak(10000)
    if "libasan" not in open(PROGRAM, "rb").read(1 << 20).decode("latin-1") and many > few + 1024:
        raise AssertionError(f"{few} KiB for 500 lines, {many} KiB for 10000")


# ---- names, addresses, rights ----

@cases.case("targets are looked up, hops are named, each address is asked for once")
def names():
    server = Server({("one.example", A): socket.inet_aton("127.0.0.2"),
                     ("two.example", A): socket.inet_aton("127.0.0.2"),
                     (ptr("127.0.0.2"), PTR): encode("router-1.example")})
    res = run("batch", "--resolver", server.address, "--parallel", "1", listed(
        "one.example\ntwo.example\nthree.example\none.example -n\n"))
    got = records(res.exits(SOME_LEFT).out)
    says(res, (":3:", "three.example does not resolve", "no such name"))
    expect([got[i]["trace"]["responders"][0]["name"] for i in (1, 2, 4)],
           ["router-1.example", "router-1.example", None])
    expect(got[3]["error"]["name"], "resolve")
    expect(server.asked.count((ptr("127.0.0.2"), PTR)), 1)


@cases.case("a dead DNS server: names are missing, and that is said once")
def dead_dns():
    server = Server({})
    server.answers = type("Silence", (dict,), {"get": lambda *_: None})()
    text = "".join(f"127.0.0.{i}\n" for i in range(2, 82))
    res = run("batch", "--resolver", server.address, "--parallel", "40", listed(text))
    got = records(res.exits(REACHED).out)
    expect(len(got), 80)
    says(res, ("no DNS server answers", "-n"))
    notes = [n["note"] for n in got[1]["trace"]["notes"]]
    expect(notes, ["dns-dead"])


def as_nobody(args, files=None):
    if os.geteuid() != 0:
        return run(*args)
    who = {"user": 65534, "group": 65534, "extra_groups": []}

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    try:
        return run(*args, preexec_fn=limit if files else None, **who)
    except PermissionError:
        raise Skip("nobody cannot read the program here") from None


@cases.case("without rights, and with few descriptors: fewer lines at once, and all of them")
def few_descriptors():
    text = "".join(f"127.0.0.{i}\n" for i in range(2, 102))
    res = as_nobody(["batch", "-n", "--parallel", "60", listed(text)], files=128)
    got = records(res.exits(REACHED).out)
    expect(len(got), 100)
    expect({r["trace"]["backend"]["name"] for r in got.values()}, {"errqueue"})
    says(res, ("lines at once instead of 60", "128", "ulimit -n"))


@cases.case("lines that need sockets of their own, after all rights are gone")
def own_sockets():
    res = run("batch", "-n", listed("127.0.0.2\n127.0.0.2 --flow 3\n127.0.0.2 --backend raw\n"
                                    "127.0.0.2 --flow 3 --backend raw\n127.0.0.3 -P icmp\n"))
    got = records(res.out)
    raw = "raw" if os.geteuid() == 0 else "errqueue"
    expect([got[i]["trace"]["backend"]["name"] for i in (1, 2)], [raw, "errqueue"])
    expect(got[4]["error"]["name"], "no-permission")
    if os.geteuid() == 0:
        expect((got[3]["trace"]["backend"]["name"], got[5]["trace"]["backend"]["name"]),
               ("raw", "raw"))


# ---- on a terminal ----

def bar_of(t):
    return [line for line in t.screen.text() if "done" in line]


@cases.case("a bar: how many of how many, rate, time")
def bar():
    t = Terminal("batch", "--sim", chain(3, delay="20ms"), "--parallel", "4", "-o", gone("bar"),
                 listed("dst.example\n" * 60))
    t.wait_until(lambda lines: any(re.search(r"\] +\d+%  \d+/60 done  ", x) for x in lines))
    expect(t.finish(), REACHED)
    last = bar_of(t)
    expect(len(last), 1, "lines of the bar")
    if not re.search(r"^\[#{24}\] 100%  60/60 done  [\d.]+/s  0:\d\d$", last[0]):
        raise AssertionError(repr(last))
    expect(sorted(in_file("bar")), list(range(1, 61)))


@cases.case("a message stands above the bar, which fits a narrow terminal")
def bar_and_message():
    t = Terminal("batch", "--sim", chain(3, delay="20ms"), "--parallel", "2", "-o", gone("bar"),
                 listed("dst.example\n" * 20 + "nobody.example\n" + "dst.example\n" * 20),
                 columns=48)
    expect(t.finish(), SOME_LEFT)
    text = "".join(t.screen.text())
    if "nobody.example: no such name" not in text:
        raise AssertionError(text)
    last = bar_of(t)
    expect(len(last), 1, "lines of the bar")
    if not last[0].startswith("[###") or len(last[0]) > 47:
        raise AssertionError(repr(last))


@cases.case("no bar where results go to the same terminal, or with TERM=dumb")
def no_bar():
    t = Terminal("batch", "--sim", chain(2), listed("dst.example\n"), columns=200)
    expect(t.finish(), REACHED)
    expect(bar_of(t), [])
    t = Terminal("batch", "--sim", chain(2), "-o", gone("bar"), listed("dst.example\n"),
                 env={"TERM": "dumb"})
    expect(t.finish(), REACHED)
    expect(bar_of(t), [])


if __name__ == "__main__":
    sys.exit(cases.main(only()))
