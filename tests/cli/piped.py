# SPDX-License-Identifier: Apache-2.0
"""wend pipe as a client has it: requests in, events out; waiting means for an event, never for time."""

import json
import os
import subprocess
import time

from program import LIMIT_S, PROGRAM, Result, chain, environment, expect

LINE_BYTES = 16384  # no line of it is that long
DST, DST6 = "203.0.113.9", "2001:db8:9::9"
SLOW = {"wait": "60s", "wait-min": "60s"}


class Piped:
    """One run. Used as a context, it is killed and given back whatever happened."""

    def __init__(self, *args, program=(PROGRAM,), start=subprocess.Popen, env=None,
                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, **popen):
        self.began = time.monotonic()
        self.proc = start([*program, "pipe", *args], stdin=stdin, stdout=stdout,
                          stderr=subprocess.PIPE, env=environment() if env is None else env,
                          **popen)
        self.hello = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.wait()
        for stream in (self.proc.stdin, self.proc.stdout, self.proc.stderr):
            if stream:
                stream.close()

    def send(self, *requests):
        """Requests: objects, or bytes as they are."""
        for request in requests:
            line = request if isinstance(request, bytes) else json.dumps(request).encode()
            self.proc.stdin.write(line + b"\n")
        self.proc.stdin.flush()
        return self

    def read(self):
        """The next event; None at the end."""
        line = self.proc.stdout.readline()
        if not line:
            return None
        expect((len(line) < LINE_BYTES, line[-1:]), (True, b"\n"), line[:200])
        event = json.loads(line)
        if self.hello is None:
            expect(event["event"], "hello", "first line")
            self.hello = event
            return self.read()
        return event

    def until(self, **want):
        """All events up to the first with these values, it included."""
        events = []
        while True:
            event = self.read()
            if event is None:
                raise AssertionError(f"ended before {want}: {self.proc.stderr.read()!r}\n"
                                     f"{events[-5:]}")
            events.append(event)
            if all(event.get(key) == value for key, value in want.items()):
                return events

    def finish(self):
        """The events up to the end of its input's answers, and how it ended."""
        if self.proc.stdin and not self.proc.stdin.closed:
            self.proc.stdin.close()
        events = list(iter(self.read, None))
        return events, self.ended()

    def ended(self):
        code = self.proc.wait(LIMIT_S)
        err = self.proc.stderr.read().decode()
        return Result(code, "", err, time.monotonic() - self.began)

    def status(self, name):
        """A line of what the kernel tells of the process."""
        with open(f"/proc/{self.proc.pid}/status") as lines:
            for line in lines:
                if line.startswith(name + ":"):
                    return line.split(":", 1)[1].strip()
        raise AssertionError(f"no {name}")

    def is_asleep(self):
        with open(f"/proc/{self.proc.pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "S"


def stuff(p, requests):
    """Sends requests, reads nothing, until it takes no more of them. What was not sent."""
    idle = 0
    while requests and idle < 1000:
        left = fill(p.proc.stdin.fileno(), requests)
        idle = idle + 1 if len(left) == len(requests) and p.is_asleep() else 0
        requests = left
    return requests


def of(events, kind, **want):
    """Those of this kind, with these values."""
    return [e for e in events if e["event"] == kind
            and all(e.get(key) == value for key, value in want.items())]


def is_sanitized():
    """Memory and time are not those of the program then."""
    return "libasan" in subprocess.run(["ldd", PROGRAM], capture_output=True, text=True).stdout


def fill(fd, data):
    """Writes what fd takes without waiting; the rest."""
    os.set_blocking(fd, False)
    try:
        return data[os.write(fd, data):]
    except BlockingIOError:
        return data
    finally:
        os.set_blocking(fd, True)


def pipe(*args, hops=4, delay="1ms", router=None, **more):
    return Piped("--sim", chain(hops, delay=delay, router=router), *args, **more)


def slow(*args, **more):
    """A network where nothing is answered while a test runs."""
    return pipe(*args, delay="20s", **more)


def check_trace(events, ident, target, hops=4):
    """One trace of a network where all answers: everything that is told of it."""
    mine = [e for e in events if e.get("id") == ident]
    done = mine.pop()
    expect((done["event"], done["stop"], done["reached"], done["ttl"], done["address"]),
           ("done", "reached", True, hops, target), done)
    expect((done["error"], done["text"]), (None, None))
    expect({e["event"] for e in mine} <= {"reply", "lost"}, True)  # names were not asked for
    router = "2001:db8:1::{}" if ":" in target else "198.51.100.{}"
    for ttl in range(1, hops):
        expect({e["address"] for e in mine if e["ttl"] == ttl}, {router.format(ttl)}, f"TTL {ttl}")
    expect(done["received"], len(of(mine, "reply")))
    expect(done["sent"] >= done["received"] >= 3 * hops, True, done)
    for reply in of(mine, "reply"):
        expect((reply["reached"], reply["late"], reply["mpls"]),
               (reply["ttl"] >= hops, False, []))
        # Links of 1 ms, there and back.
        expect(2e6 * min(reply["ttl"], hops) <= reply["rtt_ns"] <= reply["at_ns"], True, reply)
