# SPDX-License-Identifier: Apache-2.0
"""Runs the program under test and reads what it reports."""

import json
import os
import signal
import subprocess
import time
from collections import Counter

import netns
from tap import expect

REACHED, UNREACHED, USAGE, FAILED, UNRESOLVED = range(5)  # exit codes
PROTOS = ("udp", "icmp", "tcp")
LIMIT_S = 30


def environment():
    env = {k: v for k, v in os.environ.items() if not k.startswith("WEND_")}
    env.update(LC_ALL="C.UTF-8", NO_COLOR="1", TERM="dumb")
    # The leak checker needs to look into the process, which a process without privileges and
    # not dumpable does not allow.
    env["ASAN_OPTIONS"] = "detect_leaks=0:handle_segv=2"
    env["UBSAN_OPTIONS"] = "halt_on_error=1:print_stacktrace=1"
    return env


class Result:
    """A finished run. doc is the JSON document, None where there is none."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds
        self.doc = None
        if out.startswith("{"):
            try:
                self.doc = json.loads(out)
            except ValueError:
                pass

    def __repr__(self):
        return f"exit {self.code} after {self.seconds:.2f} s\n{self.err}{self.out[:2000]}"

    def __getitem__(self, key):
        if self.doc is None:
            raise AssertionError(f"no JSON: {self!r}")
        return self.doc[key]

    def exits(self, code):
        if self.code != code:
            raise AssertionError(f"exit {self.code}, want {code}\n{self!r}")
        return self

    def says(self, *words):
        """One clear line on stderr that holds the words."""
        lines = self.err.splitlines()
        if len(lines) != 1 or not all(w.lower() in lines[0].lower() for w in words):
            raise AssertionError(f"stderr should be one line with {words}\n{self!r}")
        return self

    def stops(self, why):
        expect(self["stop"]["reason"], why, "stop reason")
        return self

    def path(self):
        """An address for each TTL up to the last shown, None for silence, a set for several."""
        return [self._shown(ttl) for ttl in range(1, self["last_ttl"] + 1)]

    def _shown(self, ttl):
        seen = self.responders(ttl)
        return None if not seen else seen.pop() if len(seen) == 1 else seen

    def responders(self, ttl):
        return {r["address"] for hop in self["hops"] if hop["ttl"] == ttl
                for r in hop["responders"]}

    def backend(self):
        return self["backend"]["name"]

    def source(self):
        return self["parameters"]["source"]

    def states(self, ttl=None):
        """How many probes ended how, at one TTL or in all."""
        return dict(Counter(p["state"] for p in self["probes"] if ttl in (None, p["ttl"])))

    def failed(self):
        return [p for p in self["probes"] if p["state"] == "failed"]

    def _first_replies(self):
        """(TTL, reply) of every answered probe shown."""
        for probe in self["probes"]:
            if probe["reply"] is not None and probe["ttl"] <= self["last_ttl"]:
                yield probe["ttl"], self["replies"][probe["reply"]]

    def last_reply(self):
        return max(self._first_replies(), key=lambda pair: pair[0])[1]

    def marks(self):
        return {ttl: reply["mark"] for ttl, reply in self._first_replies() if reply["mark"]}

    def quoted_tos(self):
        return {ttl: reply["quote"]["tos"] for ttl, reply in self._first_replies()}


class Paths:
    """The document of `wend paths`: the one place that knows what its keys are called."""

    def __init__(self, doc):
        self._doc, graph = doc, doc["paths"]
        self._nodes, self._links, self._flows = graph["nodes"], graph["links"], graph["flows"]

    def interfaces(self):
        """{ttl: addresses}, silence left out."""
        found = {}
        for node in self._nodes:
            if node["address"]:
                found.setdefault(node["ttl"], set()).add(node["address"])
        return found

    def pairs(self):
        """{(ttl, address, address of the next)}: links that flows showed, and inferred ones."""
        ends = [(self._nodes[link["from"]], self._nodes[link["to"]]) for link in self._links]
        return {(near["ttl"], near["address"], far["address"]) for near, far in ends
                if near["address"] and far["address"]}

    def balancing(self, ttl):
        """How the nodes of a TTL balance."""
        return {node["balancing"] for node in self._nodes if node["ttl"] == ttl}

    def flows(self):
        """{source port: [address or None for each TTL from 1 on]}"""
        ports = {probe["flow"]: probe["source_port"] for probe in self._doc["probes"]}
        return {ports[flow["flow"]]: [None if i is None else self._nodes[i]["address"]
                                      for i in flow["nodes"]] for flow in self._flows}

    def counters(self):
        return self._doc["counters"]

    def probes(self):
        return len(self._doc["probes"])

    def side_probes(self):
        return len(self._doc["side_probes"])


class Wend:
    def __init__(self, program):
        self.program = netns.publish(program)

    def argv(self, args, nobody=False):
        argv = [self.program, *args]
        return netns.unprivileged(argv) if nobody else argv

    def run(self, ns, *args, nobody=False, limit_s=LIMIT_S):
        began = time.monotonic()
        res = ns.run(self.argv(args, nobody), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                     text=True, errors="replace", env=environment(), timeout=limit_s)
        return Result(res.returncode, res.stdout, res.stderr, time.monotonic() - began)

    def begin(self, ns, *args, nobody=False):
        """A run in the background, whose result is waited for with result()."""
        return Pending(ns.popen(self.argv(args, nobody), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                errors="replace", env=environment()))

    def trace(self, ns, target, *args, **kwargs):
        """A run whose result is read as JSON."""
        return self.run(ns, "-n", "--format", "json", *args, target, **kwargs)

    def start(self, ns, *args, nobody=False):
        """A run in the background that tells its events as they happen."""
        return Running(ns.popen(self.argv(["-n", "--format", "jsonl", *args], nobody),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=environment(), bufsize=0))


class Pending:
    def __init__(self, proc):
        self._proc, self._began = proc, time.monotonic()

    def result(self, limit_s=LIMIT_S):
        out, err = self._proc.communicate(timeout=limit_s)
        return Result(self._proc.returncode, out, err, time.monotonic() - self._began)


class Running:
    """A trace under way. Waiting means waiting for an event, never for time to pass."""

    def __init__(self, proc):
        self.proc, self.events = proc, []
        self._began = time.monotonic()

    def wait_for(self, kind, count=1):
        """Reads on until count more events of this kind were seen."""
        while count:
            line = self.proc.stdout.readline()
            if not line:
                raise AssertionError(f"ended before {kind!r}: {self.proc.stderr.read()!r}")
            self.events.append(json.loads(line))
            count -= self.events[-1]["event"] == kind
        return self.events[-1]

    def signal(self, number):
        self.proc.send_signal(number)

    def kill(self):
        self.proc.send_signal(signal.SIGKILL)
        self.proc.communicate()

    def finish(self, limit_s=LIMIT_S):
        out, err = self.proc.communicate(timeout=limit_s)
        self.events += [json.loads(line) for line in out.splitlines()]
        return Result(self.proc.returncode, "", err.decode(errors="replace"),
                      time.monotonic() - self._began)

    def of(self, kind):
        return [e for e in self.events if e["event"] == kind]

    def path(self):
        """As the result's: of the TTLs up to where the trace stopped."""
        ttls = {e["probe_id"]: e["probe"]["ttl"] for e in self.of("sent")}
        path = [None] * self.of("stop")[0]["ttl"]
        for event in self.of("reply"):
            ttl = ttls[event["probe_id"]]
            if ttl <= len(path):
                path[ttl - 1] = event["reply"]["from"]
        return path
