# SPDX-License-Identifier: Apache-2.0
"""Many targets: what is in a list, what comes of each line, and how a batch goes on after its end."""

import json
import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile

from program import (FAILED, LIMIT_S, PROGRAM, REACHED, UNREACHED, USAGE, Cases, Skip, chain,
                     environment, expect, only, run, topology)
from test_names import PTR, A, Server, encode, ptr
from test_signals import wait_until
from test_tty import Terminal

cases = Cases()
SOME_LEFT = UNREACHED
HERE = tempfile.TemporaryDirectory(prefix="wend-batch-")
os.chmod(HERE.name, 0o755)


def path(name):
    return os.path.join(HERE.name, name)


def listed(text, name="list"):
    """A file with this list."""
    with open(path(name), "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    return f.name


def gone(name):
    if os.path.exists(path(name)):
        os.unlink(path(name))
    return path(name)


def records(text):
    """By line; each line has one record, which is whole."""
    out = {}
    for line in text.splitlines(keepends=True):
        rec = json.loads(line)
        expect(line[-1], "\n", "end of a record")
        expect(list(rec), ["schema", "line", "input", "error", "trace"], "keys")
        expect(rec["schema"], "wend.batch/1")
        if rec["line"] in out:
            raise AssertionError(f"line {rec['line']} came twice")
        out[rec["line"]] = rec
    return out


def in_file(name):
    with open(path(name), encoding="utf-8") as f:
        return records(f.read())


def start(*args, **popen):
    popen.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen([PROGRAM, "batch", *args], stderr=subprocess.PIPE, env=environment(),
                            **popen)


def says(res, *lines):
    """Lines on stderr, in any order, one for each of these tuples of words."""
    got = res.err.splitlines()
    for words in lines:
        hits = [line for line in got if all(word in line for word in words)]
        if len(hits) != 1 or not hits[0].startswith("wend: "):
            raise AssertionError(f"not one line with {words}\n{res!r}")
        got.remove(hits[0])
    expect(got, [], "other lines on stderr")


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

MISTAKES = [
    ("no list", (), USAGE, ("no list", "- for standard input")),
    ("two lists", ("a", "b"), USAGE, ("b is one operand too many",)),
    ("a list that is not there", ("/nonexistent.list",), FAILED, ("No such file",)),
    ("a host", ("example.org",), FAILED, ("no such file", "wend trace example.org")),
    ("a directory", ("/tmp",), FAILED, ("/tmp is a directory",)),
    ("--resume without -o", ("--resume", "-"), USAGE, ("--resume needs -o FILE",)),
    ("--format", ("--format", "json", "-"), USAGE, ("--format", "trace,paths,explain")),
    ("none at once", ("--parallel", "0", "-"), USAGE, ("--parallel 0", "1 to 10000")),
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


LONG = b"dst.example #" + b"x" * 3987 + b"\n"  # few of them fill what may be held of a list


def fill(pipe):
    """Writes lines until nothing is taken for half a second; how many bytes were."""
    os.set_blocking(pipe.fileno(), False)
    taken = 0
    while select.select([], [pipe], [], 0.5)[1]:
        taken += os.write(pipe.fileno(), LONG[taken % len(LONG):])
        if taken > 1 << 20:
            raise AssertionError("everything is read, whether it can be used or not")
    return taken


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


# ---- going on ----

def whole(name, count, net, *args):
    """A file with the results of so many lines; its bytes."""
    text = "".join(f"dst.example -m {2 + i % 9}\n" for i in range(count))
    res = run("batch", "--sim", net, *args, "-o", gone(name), listed(text))
    res.exits(REACHED).silent()
    with open(path(name), "rb") as f:
        return f.read()


@cases.case("--resume after an end at any byte: nothing twice, nothing lost")
def resume_anywhere():
    net = chain(2, delay="1us")
    data = whole("cut", 12, net)
    second = data.index(b"\n") + 1
    ends = [0, 1, 30, second - 2, second - 1, second, second + 40, len(data) // 2, len(data) - 1,
            len(data)]
    for end in ends:
        with open(path("cut"), "wb") as f:
            f.write(data[:end])
        res = run("batch", "--sim", net, "-o", path("cut"), "--resume", path("list"))
        res.exits(REACHED).silent()
        expect(sorted(in_file("cut")), list(range(1, 13)), f"cut at {end}")
        with open(path("cut"), "rb") as f:
            kept = data[:data.rfind(b"\n", 0, end) + 1]
            expect(f.read(len(kept)) == kept, True, f"what was whole is kept, cut at {end}")


@cases.case("--resume without a file begins")
def resume_nothing():
    res = run("batch", "--sim", chain(2), "-o", gone("new"), "--resume", listed("dst.example\n"))
    res.exits(REACHED).silent()
    expect(sorted(in_file("new")), [1])


def wait_for_records(name, count, proc):
    while True:
        with open(path(name), "rb") as f:
            if f.read().count(b"\n") >= count:
                return
        expect(proc.poll(), None, "it should still run")


@cases.case("--resume after SIGKILL")
def resume_killed():
    net, text = chain(3), listed("dst.example\n" * 400, "long")
    gone("killed")
    for _ in range(3):
        proc = start("--sim", net, "-o", path("killed"), "--resume", "--parallel", "3", text)
        before = len(in_file_so_far("killed"))
        wait_for_records_if_there("killed", before + 20, proc)
        proc.kill()
        proc.communicate()
    run("batch", "--sim", net, "-o", path("killed"), "--resume", text).exits(REACHED).silent()
    expect(sorted(in_file("killed")), list(range(1, 401)))


def in_file_so_far(name):
    if not os.path.exists(path(name)):
        return b""
    with open(path(name), "rb") as f:
        return f.read().splitlines()


def wait_for_records_if_there(name, count, proc):
    while not os.path.exists(path(name)):
        expect(proc.poll(), None, "it should still run")
    wait_for_records(name, count, proc)


@cases.case("--resume goes on with a pipe, too, and keeps what failed as it is")
def resume_pipe():
    net, text = chain(2), b"dst.example\nnobody.example\ndst.example -Z\ndst.example -m 4\n"
    with open(gone("piped"), "wb") as f:
        f.write(run("batch", "--sim", net, listed(text)).exits(SOME_LEFT).out.encode())
    res = subprocess.run([PROGRAM, "batch", "--sim", net, "-o", path("piped"), "--resume", "-"],
                         input=text + b"dst.example -m 5\n", env=environment(),
                         capture_output=True, timeout=LIMIT_S)
    expect((res.returncode, res.stderr, res.stdout), (SOME_LEFT, b"", b""))
    got = in_file("piped")
    expect(sorted(got), [1, 2, 3, 4, 5])
    expect([n for n in got if got[n]["error"]], [2, 3])


CHANGES = [
    ("another line", "dst.example\ndst.example -m 3\n", (":2:", "same list")),
    ("a line in front", "# new\ndst.example\ndst.example -m 4\n", (":2:", "same list")),
    ("fewer lines", "dst.example\n", ("1 lines", "line 2", "same list")),
]
for what, text, words in CHANGES:
    @cases.case(f"--resume with a list that is not the same: {what}", text, words)
    def changed(text, words):
        net = chain(2)
        run("batch", "--sim", net, "-o", gone("same"), listed(
            "dst.example\ndst.example -m 4\n")).exits(REACHED)
        with open(path("same"), "rb") as f:
            before = f.read()
        args = ["batch", "--sim", net, "-o", path("same"), "--resume"]
        run(*args, listed(text)).exits(USAGE).says(*words)
        with open(path("same"), "rb") as f:
            expect(f.read() == before, True, "the file is as it was")


@cases.case("blanks and line ends are no change")
def not_changed():
    net = chain(2)
    run("batch", "--sim", net, "-o", gone("same"), listed("dst.example\ndst.example -m 4\n"))
    run("batch", "--sim", net, "-o", path("same"), "--resume", listed(
        "\ufeff dst.example\r\n\tdst.example -m 4  \r\ndst.example -m 5")).exits(REACHED).silent()
    expect(sorted(in_file("same")), [1, 2, 3])


@cases.case("a file with something in it is not emptied")
def not_emptied():
    listed("my thesis\n", "thesis")
    net = chain(2)
    run("batch", "--sim", net, "-o", path("thesis"), listed("dst.example\n")).exits(USAGE).says(
        "thesis is not empty", "--resume")
    run("batch", "--sim", net, "--resume", "-o", path("thesis"), path("list")).exits(USAGE).says(
        "thesis:1 is no record")
    with open(path("thesis"), encoding="utf-8") as f:
        expect(f.read(), "my thesis\n")


@cases.case("what is cut off and no record stays")
def foreign_rest():
    net = chain(2)
    data = whole("rest", 2, net) + b"my thesis"
    with open(path("rest"), "wb") as f:
        f.write(data)
    run("batch", "--sim", net, "--resume", "-o", path("rest"), path("list")).exits(USAGE).says(
        "rest:3 is no record")
    with open(path("rest"), "rb") as f:
        expect(f.read() == data, True, "the file is as it was")


@cases.case("a record that was cut and mended is no record")
def mended():
    net = chain(2)
    data = whole("rest", 2, net)
    with open(path("rest"), "wb") as f:
        f.write(data[:data.index(b"\n") // 2] + b"\n" + data[data.index(b"\n") + 1:])
    run("batch", "--sim", net, "--resume", "-o", path("rest"), path("list")).exits(USAGE).says(
        "rest:1 is no record")


@cases.case("two batches do not write to one file")
def locked():
    net = chain(3, delay="9s")
    first = start("--sim", net, "-w", "60s", "-o", gone("locked"), "-", stdin=subprocess.PIPE)
    fill(first.stdin)
    run("batch", "--sim", net, "-o", path("locked"), listed("dst.example\n")).exits(FAILED).says(
        "another batch")
    first.kill()
    first.communicate()


# ---- signals ----

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    @cases.case(f"{number.name}: what is under way is finished, and --resume does the rest", number)
    def interrupted(number):
        net, text = chain(3, delay="5ms"), listed("dst.example\n" * 600, "long")
        proc = start("--sim", net, "-o", gone("stopped"), "--parallel", "2", text)
        wait_for_records_if_there("stopped", 5, proc)
        proc.send_signal(number)
        err = proc.communicate(timeout=LIMIT_S)[1].decode()
        done = len(in_file("stopped"))
        expect(proc.returncode, SOME_LEFT)
        expect(err, f"wend: interrupted: {done} of 600 lines are done; the same command with "
                    "--resume goes on with the rest\n")
        run("batch", "--sim", net, "-o", path("stopped"), "--resume", text).exits(REACHED).silent()
        expect(sorted(in_file("stopped")), list(range(1, 601)))


@cases.case("one trace that is under way at a signal is finished, and no other begins")
def finished():
    net = chain(3, delay="50ms")
    proc = start("--sim", net, "--parallel", "1", listed("dst.example\n" * 3),
                 stdout=subprocess.PIPE)
    wait_until(proc, "SigBlk", signal.SIGTERM)  # the first line begins before it looks for signals
    proc.send_signal(signal.SIGTERM)
    out, err = proc.communicate(timeout=LIMIT_S)
    expect(list(records(out.decode())), [1])
    expect((proc.returncode, err.decode()), (
        SOME_LEFT, "wend: interrupted: 1 of 3 lines are done; with -o FILE a batch can go on\n"))


@cases.case("what is still under way three seconds after a signal is left out")
def cut_short():
    net = chain(3, delay="9s")
    proc = start("--sim", net, "-w", "60s", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    fill(proc.stdin)
    proc.send_signal(signal.SIGINT)
    out, err = proc.communicate(timeout=LIMIT_S)
    expect((proc.returncode, out), (SOME_LEFT, b""))
    expect(err.decode(), "wend: interrupted: 0 lines are done; with -o FILE a batch can go on\n")


@cases.case("a signal ends a batch whose output nobody takes")
def blocked():
    proc = start("--sim", chain(2, delay="1us"), "-", stdin=subprocess.PIPE,
                 stdout=subprocess.PIPE)
    fill(proc.stdin)
    proc.send_signal(signal.SIGTERM)
    expect(proc.wait(timeout=LIMIT_S), FAILED)
    err = proc.stderr.read().decode()
    if "interrupted while writing to standard output" not in err:
        raise AssertionError(err)
    proc.communicate()


@cases.case("whoever interrupts twice is obeyed at once")
def twice():
    net = chain(3, delay="9s")
    proc = start("--sim", net, "-w", "60s", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    fill(proc.stdin)
    proc.send_signal(signal.SIGINT)
    proc.send_signal(signal.SIGTERM)
    proc.communicate(timeout=2)
    expect(proc.returncode, SOME_LEFT)


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
