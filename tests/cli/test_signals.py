# SPDX-License-Identifier: Apache-2.0
"""Signals in every phase: what there is gets printed, marked as partial."""

import signal
import socket
import subprocess
import sys

from program import PROGRAM, REACHED, UNREACHED, Cases, Running, chain, environment, expect, only

cases = Cases()
SILENT = {1: "", 2: "blackhole"}


def fast(res, seconds=3):
    if res.seconds > seconds:
        raise AssertionError(f"took too long\n{res!r}")
    return res


def end_of(res):
    expect(res.events[-1]["event"], "end", "last line")
    return res.events[-1]


for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    @cases.case(f"{number.name} before the first reply", number)
    def before_reply(number):
        trace = Running("--sim", chain(3, delay="9s"), "-w", "60s")
        trace.wait_for("sent")
        trace.proc.send_signal(number)
        res = fast(trace.finish().exits(UNREACHED).silent())
        expect(end_of(res)["partial"], True)
        expect([e["reason"] for e in res.events if e["event"] == "stop"], ["interrupted"])

    @cases.case(f"{number.name} in the middle", number)
    def in_the_middle(number):
        trace = Running("--sim", chain(5, router=SILENT), "-w", "60s", "--wait-min", "60s")
        trace.wait_for("reply")
        trace.proc.send_signal(number)
        res = fast(trace.finish().exits(UNREACHED).silent())
        expect(end_of(res)["partial"], True)


for form, word in (("table", "198.51.100.1"), ("json", '"partial": true'), ("classic", "1  ")):
    @cases.case(f"what there is gets printed: {form}", form, word)
    def partial_result(form, word):
        # Two of one kind: the first tells when the moment has come, without a clock.
        path = chain(5, router=SILENT)
        args = ["--sim", path, "-n", "-w", "60s", "--wait-min", "60s"]
        trace = subprocess.Popen([PROGRAM, *args, "--format", form], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env=environment(), text=True)
        watch = Running(*args)
        watch.wait_for("reply")
        watch.wait_for("reply")
        watch.wait_for("reply")
        watch.proc.kill()
        watch.proc.communicate()
        trace.send_signal(signal.SIGINT)
        out, err = trace.communicate(timeout=10)
        said = "wend: interrupted: the result is partial\n" if form == "classic" else ""
        expect((trace.returncode, err), (UNREACHED, said))
        if word not in out:
            raise AssertionError(out)


def wait_until(proc, mask, number):
    """Until the program catches (SigCgt) or holds back (SigBlk) this signal, says the kernel."""
    while proc.poll() is None:
        with open(f"/proc/{proc.pid}/status") as status:
            line = next(line for line in status if line.startswith(mask))
        if int(line.split()[1], 16) >> (number - 1) & 1:
            return
    raise AssertionError(f"ended with {proc.returncode} before it knew of a signal")


@cases.case("an interrupted trace says so in the table")
def table_says_so():
    trace = subprocess.Popen([PROGRAM, "--sim", chain(3, delay="9s"), "-w", "60s", "--deadline",
                              "20s"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             env=environment(), text=True)
    wait_until(trace, "SigCgt", signal.SIGINT)
    trace.send_signal(signal.SIGINT)
    out, _ = trace.communicate(timeout=10)
    expect(trace.returncode, UNREACHED)
    if "nterrupted" not in out:
        raise AssertionError(out)


def silent_server():
    """A DNS server that never answers."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    return server, f"127.0.0.1:{server.getsockname()[1]}"


@cases.case("SIGINT while a name is looked up")
def while_resolving():
    server, address = silent_server()
    with server:
        trace = Running("--resolver", address, "slow.example")
        server.recvfrom(512)
        trace.proc.send_signal(signal.SIGINT)
        res = fast(trace.finish().exits(UNREACHED).says("interrupted while looking up",
                                                        "slow.example"))
        expect(res.out, "")


@cases.case("SIGINT while waiting for names of routers")
def while_naming():
    server, address = silent_server()
    with server:
        trace = Running("--resolver", address, "127.0.0.2")
        trace.wait_for("stop")
        trace.proc.send_signal(signal.SIGINT)
        res = fast(trace.finish().exits(REACHED).silent())
        expect(end_of(res)["partial"], False)


@cases.case("the second SIGINT ends at once")
def twice():
    trace = Running("--sim", chain(3, delay="9s"), "-w", "60s")
    trace.wait_for("sent")
    trace.proc.send_signal(signal.SIGINT)
    trace.proc.send_signal(signal.SIGINT)
    fast(trace.finish().exits(UNREACHED))


@cases.case("stopped and continued, a trace goes on")
def stopped():
    trace = Running("--sim", chain(3, delay="150ms"), "-q", "2")
    trace.wait_for("sent")
    trace.proc.send_signal(signal.SIGSTOP)
    trace.proc.send_signal(signal.SIGCONT)
    trace.finish().exits(REACHED)


if __name__ == "__main__":
    sys.exit(cases.main(only()))
