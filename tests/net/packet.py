# SPDX-License-Identifier: Apache-2.0
"""Talks to a program that speaks mtr-packet's protocol, and reads its answers strictly.

The program may be Debian's mtr-packet instead of ours: a case says with `original=` why that one
fails it, and then must fail there. So the cases are known to be sound, and the faults to be real.
"""

import fcntl
import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import time

import netns
from lab import Chain
from tap import Cases, Skip, expect

LIMIT_S = 20
PIPE_BUF = select.PIPE_BUF  # so much a pipe takes that is writable
# Who runs it: root, somebody with the right to raw sockets and nothing else, nobody.
ROOT, RAW, NOBODY = "root", "raw", "nobody"
EVERYBODY = (ROOT, RAW, NOBODY)

SANITIZER = b"runtime error:"
LABEL = r"\d+,[0-7],[01],\d+"
ANSWER = re.compile(
    r"(?P<token>-?\d+) (?:"
    r"(?P<word>reply|ttl-expired|no-route|no-route-host) (?P<family>ip-[46])"
    r" (?P<address>[0-9a-f.:]+)"
    rf" round-trip-time (?P<rtt>\d+)(?: mpls (?P<mpls>{LABEL}(?:,{LABEL}){{0,7}}))?"
    r"|(?P<bare>no-reply|no-route|no-route-host|no-route-network|network-down|permission-denied"
    r"|address-in-use"
    r"|address-not-available|probes-exhausted|unknown-command|command-parse-error"
    r"|command-buffer-overflow"
    r"|invalid-argument(?: reason (?:ip-version-not-supported|protocol-not-supported))?"
    r"|unexpected-error errno \d+|feature-support support [^ ]+))")


class Answer:
    def __init__(self, line):
        match = ANSWER.fullmatch(line)
        if not match:
            raise AssertionError(f"not a line of the protocol: {line!r}")
        found = match.groupdict()
        self.line, self.token = line, int(found["token"])
        self.word = found["word"] or found["bare"]
        self.family = found["family"] and int(found["family"][-1])
        self.address, self.mpls = found["address"], found["mpls"]
        self.rtt_us = None if found["rtt"] is None else int(found["rtt"])

    def __repr__(self):
        return self.line

    def who(self):
        """What it says about the path, in short."""
        return (self.word, self.address) if self.address else self.word


def open_chain(hops, **options):
    """Kernel routers; nobody may send pings there."""
    lab = Chain(hops, **options)
    lab.src.sysctl(ipv4__ping_group_range=f"0 {netns.unprivileged_gid()}")
    return lab


class PacketCases(Cases):
    """Cases for a program, side by side."""

    def __init__(self):
        super().__init__()
        self.program = netns.publish(sys.argv[1])
        self.is_original = os.path.basename(self.program) == "mtr-packet"
        with open(self.program, "rb") as f:
            self.is_sanitized = b"__asan_init" in f.read()

    def case(self, name, *args, original=None):
        add = super().case(name, *args)
        if not (original and self.is_original):
            return add

        def fails(function):
            add(lambda *given: _must_fail(function, given, original))
            return function
        return fails

    def start(self, ns, **options):
        return Packet(ns, self.program, **options)


def _must_fail(function, args, why):
    try:
        function(*args)
    except (AssertionError, OSError) as fault:
        raise Skip(f"the original's fault ({why}): {str(fault).splitlines()[0][:70]}") from None
    raise AssertionError(f"the original is said to fail here: {why}")


def as_whom(argv, who):
    if who == ROOT:
        return list(argv)
    if who == NOBODY:
        return netns.unprivileged(argv)
    only = "-all,+net_raw"
    become = [] if netns.rootless() else [f"--reuid={netns.NOBODY}", f"--regid={netns.NOBODY}",
                                          "--clear-groups"]
    return ["setpriv", *become, f"--inh-caps={only}", f"--ambient-caps={only}",
            f"--bounding-set={only}", *argv]


def words(**arguments):
    """size=3, ip_4="..." as "size 3 ip-4 ..."."""
    return "".join(f" {name.replace('_', '-')} {value}" for name, value in arguments.items())


def send_probe(token, target, **arguments):
    family = 6 if ":" in target else 4
    arguments.setdefault("timeout", 10)
    return f"{token} send-probe ip-{family} {target}{words(**arguments)}"


class Packet:
    """The program, running in a namespace. `with` makes sure that it ends.

    nofile     its limit of open files
    socket     its stdout is one end of a socket pair, as Node makes it, and no pipe
    pipe       so many bytes is what the pipe of its stdout holds
    """

    def __init__(self, ns, program, who=ROOT, nofile=None, socket_out=False, pipe=None, args=(),
                 env=None):
        def limits():
            if nofile:
                resource.setrlimit(resource.RLIMIT_NOFILE, (nofile, nofile))

        if socket_out:
            near, far = socket.socketpair()
            self._out, theirs = near.detach(), far.detach()
        else:
            self._out, theirs = os.pipe2(os.O_CLOEXEC)
        if pipe:
            fcntl.fcntl(self._out, fcntl.F_SETPIPE_SZ, pipe)
        self.proc = ns.popen(as_whom([program, *args], who), stdin=subprocess.PIPE, stdout=theirs,
                             stderr=subprocess.PIPE, bufsize=0, preexec_fn=limits,
                             env=environment() if env is None else env)
        os.close(theirs)
        self.reads = []  # what each read(2) gave
        self._ahead, self._rest = [], b""

    def __enter__(self):
        return self

    def __exit__(self, fault=None, *_):
        self.proc.kill()
        self.proc.wait()
        if fault is None:  # sanitizers speak there, and some let it go on
            expect(SANITIZER in self.proc.stderr.read(), False, "undefined behaviour")
        for pipe in (self.proc.stdin, self.proc.stderr):
            try:
                pipe.close()
            except BrokenPipeError:
                pass
        if self._out is not None:
            os.close(self._out)

    def say(self, *lines):
        """Lines, or bytes as they are. Where it takes no more its answers are read meanwhile."""
        data = b"".join(line if isinstance(line, bytes) else line.encode() + b"\n"
                        for line in lines)
        while data:
            ready, writable, _ = select.select([self._out], [self.proc.stdin], [], LIMIT_S)
            expect(bool(ready or writable), True, "it reads no more")
            if writable:
                data = data[self.proc.stdin.write(data[:PIPE_BUF]):]
            else:
                self._ahead.append(os.read(self._out, 4096))
                expect(self._ahead[-1] != b"", True, "it ended while it was asked")

    def send(self, token, target, **arguments):
        self.say(send_probe(token, target, **arguments))

    def close_input(self):
        self.proc.stdin.close()

    def close_output(self):
        os.close(self._out)
        self._out = None

    def read(self, limit_s=LIMIT_S, size=4096):
        """One read(2); b"" at the end."""
        if not self.readable(limit_s):
            raise AssertionError(f"no answer within {limit_s} s")
        data = self._ahead.pop(0) if self._ahead else os.read(self._out, size)
        self.reads.append(data)
        return data

    def readable(self, limit_s=0):
        return bool(self._ahead or select.select([self._out], [], [], limit_s)[0])

    def line(self, limit_s=LIMIT_S):
        while b"\n" not in self._rest:
            data = self.read(limit_s)
            if not data:
                raise AssertionError(f"it ended: {self.wait()}, {self.proc.stderr.read()[:300]!r}"
                                     f" with {self._rest!r} unfinished")
            self._rest += data
        line, self._rest = self._rest.split(b"\n", 1)
        return line.decode("ascii")

    def answer(self, limit_s=LIMIT_S):
        return Answer(self.line(limit_s))

    def answers(self, count, limit_s=LIMIT_S):
        """{token: answer} of so many answers; a token answered twice is an error."""
        found = {}
        for _ in range(count):
            answer = self.answer(limit_s)
            expect(answer.token in found, False, f"second answer: {answer}, {found}")
            found[answer.token] = answer
        return found

    def ask(self, line, limit_s=LIMIT_S):
        self.say(line)
        return self.line(limit_s)

    def ask_or_end(self, line):
        """The answer, or None where it ends instead."""
        try:
            self.say(line)
        except BrokenPipeError:
            return None
        data = self.read()
        self._rest += data
        return self.line() if data else None

    def probe(self, target, token=7, **arguments):
        """The answer to a single probe."""
        self.send(token, target, **arguments)
        answer = self.answer()
        expect(answer.token, token, f"token of {answer}")
        return answer

    def quiet(self):
        """Nothing else has come: what is asked now is answered next."""
        expect(self.ask("4242 check-support feature version").split()[0], "4242", "stray line")

    def wait(self, limit_s=LIMIT_S):
        """How it ended."""
        return self.proc.wait(limit_s)

    def finish(self, limit_s=LIMIT_S):
        """(its last lines, how it ended) after the end of its input."""
        if not self.proc.stdin.closed:
            self.close_input()
        while data := self.read(limit_s):
            self._rest += data
        lines = self._rest.decode("ascii").split("\n")
        expect(lines.pop(), "", "an unfinished line")
        return lines, self.wait(limit_s)

    def pid(self):
        """The program's own process: setpriv has become it by its first answer."""
        return self.proc.pid

    def stopped(self):
        os.kill(self.pid(), signal.SIGSTOP)
        end = time.monotonic() + LIMIT_S
        while self._stat()[0] != "T":
            expect(time.monotonic() < end, True, "it does not stop")

    def is_asleep(self):
        return self._stat()[0] == "S"

    def go_on(self):
        os.kill(self.pid(), signal.SIGCONT)

    def cpu_s(self):
        ticks = self._stat()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def _stat(self):
        """From the process state on."""
        with open(f"/proc/{self.pid()}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()

    def rss_kib(self):
        with open(f"/proc/{self.pid()}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def environment():
    env = {k: v for k, v in os.environ.items() if not k.startswith(("WEND_", "MTR_"))}
    env["ASAN_OPTIONS"] = "detect_leaks=0:handle_segv=2:verify_asan_link_order=0"
    env["UBSAN_OPTIONS"] = "halt_on_error=1:print_stacktrace=1"
    return env
