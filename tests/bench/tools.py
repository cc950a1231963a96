# SPDX-License-Identifier: Apache-2.0
"""The tools that are compared: how each is called, and how its output is read.

A reading is {ttl: [(address or None, rtt in ms or None), ...]}, one entry per probe.
"""

import json
import re
from dataclasses import dataclass
from typing import Callable

from netns import unprivileged
from peers import find, hop_lines

_ADDRESS = re.compile(r"^(?:(?:\d+\.){3}\d+|[0-9a-fA-F]*:[0-9a-fA-F:.]+)$")


def read_text(text):
    """Any traceroute: "3  10.0.0.1  0.1 ms *  0.2 ms 10.0.0.2 0.3 ms !H"."""
    reading = {}
    for ttl, line in hop_lines(text):
        probes, address = reading.setdefault(ttl, []), None
        words = line.replace("ms", " ms ").split()
        for i, word in enumerate(words):
            if word == "*":
                probes.append((None, None))
            elif _ADDRESS.match(word):
                address = word
            elif word == "ms":
                probes.append((address, float(words[i - 1])))
    return reading


def read_mtr(text):
    start = text.find("{")
    hubs = json.loads(text[start:])["report"]["hubs"] if start >= 0 else []
    reading = {}
    for hub in hubs:
        silent = hub["host"] == "???" or hub["Loss%"] == 100.0
        reading[hub["count"]] = [(None, None) if silent else (hub["host"], hub["Last"])]
    return reading


def read_scamper(text):
    reading = {}
    for line in text.splitlines():
        if '"type":"trace"' in line:
            for hop in json.loads(line).get("hops", []):
                reading.setdefault(hop["probe_ttl"], []).append((hop["addr"], hop["rtt"]))
    return reading


def read_wend(text):
    doc = json.loads(text)
    reading = {}
    for probe in doc["probes"]:
        reply = None if probe["reply"] is None else doc["replies"][probe["reply"]]
        entry = (None, None)
        if reply:
            entry = (reply["from"], None if probe["rtt_ns"] is None else probe["rtt_ns"] / 1e6)
        reading.setdefault(probe["ttl"], []).append(entry)
    # Beyond the last line of the table nothing is shown.
    return {ttl: entries for ttl, entries in reading.items() if ttl <= doc["last_ttl"]}


@dataclass
class Tool:
    name: str
    argv: list  # the target is appended
    read: Callable = read_text

    @property
    def ours(self):
        return self.name.startswith("wend")


def wend_tools(wend):
    """Ours, as root and as nobody. The first one is what the others are compared with."""
    def tool(name, *options):
        return Tool(name, [wend, "-n", "--format", "json", *options], read_wend)

    def nobody(name, *options):
        return Tool(name, unprivileged(tool(name, "--backend", "errqueue", *options).argv),
                    read_wend)

    return [tool("wend"), tool("wend -q1", "-q1"), tool("wend -P icmp", "-P", "icmp"),
            tool("wend -P tcp", "-P", "tcp"),
            nobody("wend (nobody)"), nobody("wend -P icmp (nobody)", "-P", "icmp"),
            nobody("wend -P tcp (nobody)", "-P", "tcp")]


def peer_tools():
    traceroute = find("traceroute.db", "traceroute")
    inetutils, scamper = find("inetutils-traceroute"), find("scamper")
    fast = ["-p", "10000", "-O", "json", "-c", "trace -P udp-paris -w 1 -q 1", "-i"]
    return [
        Tool("traceroute", [traceroute, "-n"]),
        Tool("traceroute -q1", [traceroute, "-n", "-q1"]),
        Tool("traceroute -I", [traceroute, "-n", "-I"]),
        Tool("traceroute -T", [traceroute, "-n", "-T"]),
        Tool("mtr -r -c1", [find("mtr"), "-n", "-r", "-c1", "-j"], read_mtr),
        Tool("inetutils-traceroute", [inetutils]),
        Tool("tcptraceroute", [find("tcptraceroute"), "-n"]),
        Tool("scamper", [scamper, "-O", "json", "-i"], read_scamper),
        Tool("scamper 10000/s -w1", [scamper, *fast], read_scamper),
    ]
