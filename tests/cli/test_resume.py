# SPDX-License-Identifier: Apache-2.0
"""How a batch goes on after its end, and how it ends when it is told to."""

import os
import signal
import subprocess
import sys

from batches import SOME_LEFT, fill, gone, in_file, listed, path, records, says, start
from program import (FAILED, LIMIT_S, PROGRAM, REACHED, USAGE, Cases, chain, environment, expect,
                     only, run, topology)
from test_signals import wait_until

cases = Cases()


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


@cases.case("lines with an error come again when their records are taken out")
def failed_again():
    text = listed("dst.example\nother.example\nother.example -Z\n")
    first = run("batch", "--sim", chain(2), text).exits(SOME_LEFT).out
    kept = [line for line in first.splitlines(True) if '"error": {"name"' not in line]
    with open(gone("again"), "w", encoding="utf-8") as f:
        f.writelines(kept)
    net = topology("source me\nhost me addr 192.0.2.1\nhost o addr 192.0.2.2 name other.example\n"
                   "link me o delay 1ms\n")
    res = run("batch", "--sim", net, "-o", path("again"), "--resume", text).exits(SOME_LEFT)
    says(res, (":3:", "unknown option -Z"))
    got = in_file("again")
    expect({n: got[n]["error"] and got[n]["error"]["name"] for n in got},
           {1: None, 2: None, 3: "usage"})


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
        with open(path("same"), "ab") as f:
            f.write(b'{"schema": "wend.batch/1", "line": 1')  # cut off
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


if __name__ == "__main__":
    sys.exit(cases.main(only()))
