# SPDX-License-Identifier: Apache-2.0
"""On a terminal: the live table, its colours, sizes, signals, and the state it leaves."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

from program import (PROGRAM, REACHED, UNREACHED, Cases, chain, environment, expect, only, run,
                     topology)
from screen import Screen

cases = Cases()
SGR = re.compile(r"\x1b\[[0-9;]*m")
SHELL = ["$ first line of the shell", "$ wend dst.example"]


class Terminal:
    def __init__(self, *args, columns=100, rows=40, env=None):
        self.master, self.slave = pty.openpty()
        self.screen = Screen(columns, rows)
        self.raw = ""
        self.set_size(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        self.screen.feed("\r\n".join(SHELL) + "\r\n")
        self.proc = subprocess.Popen([PROGRAM, *args], stdin=self.slave, stdout=self.slave,
                                     stderr=self.slave, env=environment(**(env or {})),
                                     start_new_session=True, preexec_fn=self.control)

    def control(self):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def set_size(self, columns, rows):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows):
        self.read_for(0)
        self.screen.resize(columns, rows)
        self.set_size(columns, rows)

    def take(self):
        text = os.read(self.master, 65536).decode("utf-8", "replace")
        self.raw += text
        self.screen.feed(text)

    def read_for(self, seconds):
        end = time.monotonic() + seconds
        while select.select([self.master], [], [], max(0, end - time.monotonic()))[0]:
            self.take()

    def wait_until(self, seen, limit_s=20):
        """Reads until seen(screen) holds."""
        end = time.monotonic() + limit_s
        while not seen(self.screen.text()):
            if time.monotonic() > end or not select.select([self.master], [], [], limit_s)[0]:
                raise AssertionError("not seen:\n" + "\n".join(self.screen.text()))
            self.take()

    def finish(self, limit_s=30):
        end = time.monotonic() + limit_s
        while self.proc.poll() is None:
            if time.monotonic() > end:
                self.proc.kill()
                raise AssertionError("no end:\n" + "\n".join(self.screen.text()))
            self.read_for(0.02)
        self.read_for(0)
        after = termios.tcgetattr(self.slave)
        os.close(self.slave)
        os.close(self.master)
        expect(after, self.before, "terminal modes")
        return self.proc.returncode

    def body(self):
        """What stands below the lines of the shell, which must still be there."""
        text = self.screen.text()
        expect(text[:len(SHELL)], SHELL, "what was on the screen before")
        return [line for line in text[len(SHELL):] if line]


def has(*words):
    return lambda lines: all(any(word in line for line in lines) for word in words)


def hops(lines):
    """TTLs at the beginnings of lines."""
    return [int(m.group(1)) for m in (re.match(r" {0,2}(\d+)  ", line) for line in lines) if m]


@cases.case("the table fills in and stays, each line once")
def fills_in():
    t = Terminal("--sim", "builtin")
    t.wait_until(has("gateway.home.example.net"))
    if any("Reached" in line for line in t.screen.text()):
        raise AssertionError("the first sight of it was the last")
    expect(t.finish(), REACHED)
    body = t.body()
    expect(hops(body), list(range(1, 14)))
    expect(sum("Reached" in line for line in body), 1)
    expect(sum("Trace to" in line for line in body), 1)


@cases.case("no alternate screen, no hidden cursor, no other mode")
def plain_sequences():
    t = Terminal("--sim", "builtin")
    expect(t.finish(), REACHED)
    kinds = {s[-1] for s in t.screen.sequences}
    expect(kinds - set("AKJm"), set())


@cases.case("colour on a terminal")
def colour():
    t = Terminal("--sim", chain(3))
    t.finish()
    if not SGR.search(t.raw):
        raise AssertionError(repr(t.raw))


for what, args, env in (("NO_COLOR", (), {"NO_COLOR": "1"}), ("--color never",
                                                               ("--color", "never"), {})):
    @cases.case(f"no colour with {what}, but live", args, env)
    def no_colour(args, env):
        t = Terminal("--sim", "builtin", *args, env=env)
        expect(t.finish(), REACHED)
        if SGR.search(t.raw):
            raise AssertionError(repr(t.raw[:500]))
        if "\x1b[K" not in t.raw:
            raise AssertionError("not live")


@cases.case("an empty NO_COLOR means nothing")
def empty_no_colour():
    t = Terminal("--sim", chain(3), env={"NO_COLOR": ""})
    t.finish()
    if not SGR.search(t.raw):
        raise AssertionError(repr(t.raw))


@cases.case("a dumb terminal gets the table once, without sequences")
def dumb():
    t = Terminal("--sim", "builtin", env={"TERM": "dumb"})
    expect(t.finish(), REACHED)
    if "\x1b" in t.raw:
        raise AssertionError(repr(t.raw[:500]))
    expect(t.raw.count("Trace to"), 1)


@cases.case("more hops than rows: the last ones while it runs, all of them at the end")
def small_terminal():
    t = Terminal("--sim", chain(20, delay="3ms", router={19: "reply-delay 150ms"}), "-n",
                 columns=90, rows=8)
    t.wait_until(has("198.51.100.18"))
    expect(t.finish(), REACHED)
    body = t.body()
    expect(hops(body), list(range(1, 21)))
    expect(sum("Trace to" in line for line in body), 1)


@cases.case("a narrow terminal")
def narrow():
    t = Terminal("--sim", "builtin", columns=40, rows=30)
    expect(t.finish(), REACHED)
    body = t.body()
    expect(sorted(set(hops(body)) & set(range(1, 14))), list(range(1, 14)))
    expect(sum("Trace to" in line for line in body), 1)


for columns, rows in ((60, 40), (140, 40), (100, 10)):
    @cases.case(f"resized to {columns}x{rows} while it runs", columns, rows)
    def resized(columns, rows):
        t = Terminal("--sim", chain(12, delay="8ms", router={11: "reply-delay 500ms"}), "-n",
                     "-w", "2s", "--wait-min", "1s")
        t.wait_until(has("198.51.100.5"))
        t.resize(columns, rows)
        expect(t.finish(), REACHED)
        body = t.body()
        expect(hops(body)[-12:], list(range(1, 13)))
        # Lines pushed out at the top by a lower screen are beyond anybody's reach.
        if rows >= 40:
            expect(len(hops(body)), 12)
            expect(sum("Trace to" in line for line in body), 1)


@cases.case("^C prints what there is, and the terminal is as it was")
def interrupted():
    t = Terminal("--sim", chain(5, router={2: "blackhole"}), "-w", "60s", "--wait-min", "60s")
    t.wait_until(has("198.51.100.1"))
    os.write(t.master, b"\x03")
    expect(t.finish(), UNREACHED)
    body = [line for line in t.screen.text() if line]
    expect(sum("Trace to" in line for line in body), 1)
    if not any("nterrupted" in line for line in body):
        raise AssertionError("\n".join(body))


@cases.case("stopped and continued, the table goes on below")
def resumed():
    t = Terminal("--sim", chain(8, delay="20ms", router={7: "reply-delay 800ms"}), "-n", "-w",
                 "3s", "--wait-min", "2s")
    t.wait_until(has("198.51.100.3"))
    t.proc.send_signal(signal.SIGSTOP)
    t.screen.feed("\r\n[1]+  Stopped\r\n")
    t.proc.send_signal(signal.SIGCONT)
    expect(t.finish(), REACHED)
    text = t.screen.text()
    at = next(i for i, line in enumerate(text) if "Stopped" in line)
    expect(hops(text[at:]), list(range(1, 9)))


@cases.case("other formats are not live")
def not_live():
    t = Terminal("--sim", chain(3), "--format", "classic")
    expect(t.finish(), REACHED)
    if "\x1b" in t.raw:
        raise AssertionError(repr(t.raw))


@cases.case("what stands at the end is what a file gets")
def same_as_file():
    t = Terminal("--sim", "builtin", "-n", "-q", "1", columns=160)
    expect(t.finish(), REACHED)
    plain = run("--sim", "builtin", "-n", "-q", "1").out.splitlines()

    def shape(line):
        return re.sub(r"[\d.]+", "", line).split()
    expect([shape(line) for line in t.body()], [shape(line) for line in plain if line])


@cases.case("all paths say which hop they wait for, and claim nothing yet")
def waits_for():
    path = topology("""
        source me
        target dst
        host me addr 192.0.2.100
        node r addr 198.51.100.1
        node a addr 198.51.100.2
        node b addr 198.51.100.3
        node j addr 198.51.100.4 limit 20/s burst 1
        host dst addr 203.0.113.9
        link me r delay 1ms
        link r a delay 1ms
        link r b delay 1ms
        link a j delay 1ms
        link b j delay 1ms
        link j dst delay 1ms
    """)
    t = Terminal("paths", "--sim", path)
    t.wait_until(has("Waiting for hop 3, where ", "it limits its replies, loses them, "))
    lines = t.screen.text()
    if has("Model")(lines) or has("Nobody")(lines):
        raise AssertionError("\n".join(lines))
    expect(t.finish(), REACHED)
    body = t.body()
    if has("Waiting")(body) or not has("Model: ")(body):
        raise AssertionError("\n".join(body))


@cases.case("help fits the width of the terminal")
def help_width():
    t = Terminal("--help", columns=60, rows=200)
    expect(t.finish(), REACHED)
    longest = max(len(line) for line in t.raw.splitlines())
    if longest > 60:
        raise AssertionError(longest)


if __name__ == "__main__":
    sys.exit(cases.main(only()))
