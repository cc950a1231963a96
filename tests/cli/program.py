# SPDX-License-Identifier: Apache-2.0
"""Runs the program as a user's shell does, and small networks to trace."""

import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))

from tap import Cases, Skip, expect, only  # noqa: E402,F401

REACHED, UNREACHED, USAGE, FAILED, UNRESOLVED = range(5)
PROGRAM = os.path.abspath(sys.argv[1])
LIMIT_S = 30


def environment(**more):
    env = {k: v for k, v in os.environ.items()
           if k not in ("NO_COLOR", "COLUMNS", "LINES", "LC_CTYPE", "LANG")}
    env.update(LC_ALL="C.UTF-8", TERM="xterm")
    # A process that gave up its privileges cannot be looked into by the leak checker.
    env["ASAN_OPTIONS"] = "detect_leaks=0:handle_segv=2"
    env["UBSAN_OPTIONS"] = "halt_on_error=1:print_stacktrace=1"
    env.update(more)
    return env


class Result:
    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    def __repr__(self):
        return f"exit {self.code} after {self.seconds:.2f} s\n{self.err}{self.out[:1500]}"

    def exits(self, code):
        if self.code != code:
            raise AssertionError(f"exit {self.code}, want {code}\n{self!r}")
        return self

    def says(self, *words):
        """One line on stderr, from us, with these words."""
        lines = self.err.splitlines()
        if len(lines) != 1 or not lines[0].startswith("wend: ") or \
                not all(word in lines[0] for word in words):
            raise AssertionError(f"stderr should be one line with {words}\n{self!r}")
        return self

    def silent(self):
        expect(self.err, "", "stderr")
        return self

    def prints(self, *words):
        for word in words:
            if word not in self.out:
                raise AssertionError(f"no {word!r} in\n{self!r}")
        return self

    @property
    def doc(self):
        return json.loads(self.out)

    @property
    def events(self):
        return [json.loads(line) for line in self.out.splitlines()]


def run(*args, env=None, limit_s=LIMIT_S, **popen):
    began = time.monotonic()
    popen.setdefault("stdout", subprocess.PIPE)
    popen.setdefault("stderr", subprocess.PIPE)
    res = subprocess.run([PROGRAM, *args], stdin=subprocess.DEVNULL, timeout=limit_s,
                         env=environment(**(env or {})), text=True, errors="replace", **popen)
    return Result(res.returncode, res.stdout or "", res.stderr or "", time.monotonic() - began)


class Running:
    """A run that tells its events; waiting means for an event, never for time."""

    def __init__(self, *args):
        self.proc = subprocess.Popen([PROGRAM, "--format", "jsonl", *args],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, env=environment(), bufsize=0)
        self.lines = []
        self.began = time.monotonic()

    def wait_for(self, kind):
        while True:
            line = self.proc.stdout.readline()
            if not line:
                raise AssertionError(f"ended before {kind!r}: {self.proc.stderr.read()!r}")
            self.lines.append(line.decode())
            event = json.loads(line)
            if event["event"] == kind:
                return event

    def finish(self, limit_s=LIMIT_S):
        out, err = self.proc.communicate(timeout=limit_s)
        return Result(self.proc.returncode, "".join(self.lines) + out.decode(), err.decode(),
                      time.monotonic() - self.began)


_files = []


def topology(text):
    """A file with this text; its name."""
    f = tempfile.NamedTemporaryFile("w", suffix=".topo", prefix="wend-cli-")
    f.write(text)
    f.flush()
    os.chmod(f.name, 0o644)
    _files.append(f)
    return f.name


def chain(hops, delay="1ms", target="", router=None):
    """A line of routers r1, r2, ... to a host. router: {index: options}."""
    text = ["source me", "target dst", "host me addr 192.0.2.100 addr6 2001:db8::100"]
    for i in range(1, hops):
        text.append(f"node r{i} addr 198.51.100.{i} addr6 2001:db8:1::{i} name r{i}.example "
                    + (router or {}).get(i, ""))
    text.append("host dst addr 203.0.113.9 addr6 2001:db8:9::9 name dst.example " + target)
    names = ["me"] + [f"r{i}" for i in range(1, hops)] + ["dst"]
    text += [f"link {a} {b} delay {delay}" for a, b in zip(names, names[1:])]
    return topology("\n".join(text) + "\n")
