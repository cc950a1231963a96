# SPDX-License-Identifier: Apache-2.0
"""What other tools say about a path, as a list: an address for each TTL from 1 on, None for
silence. Several answers at one TTL would be an error of the test: ask with one probe.

And what they say about all paths, as ({ttl: addresses}, {(ttl, address, address of the next)}).
"""

import json
import re
import shutil
import subprocess

from tap import Skip

TRACEROUTE = "traceroute.db"  # Debian's name; others call it traceroute
# Its own adaptive timeout is off: without any delay it is some 0.3 ms, less than a busy machine
# needs to run a program.
WAIT = "-w1,0,0"
SCAMPER = "scamper"

_HOP = re.compile(r"^\s*(\d+)\s+(.*)$")
_ADDRESS = re.compile(r"(?:\d+\.){3}\d+|[0-9a-fA-F]*:[0-9a-fA-F:.]+")


def find(program, *others):
    for name in (program,) + others:
        path = shutil.which(name, path="/usr/bin:/usr/sbin:/bin:/sbin")
        if path:
            return path
    raise Skip(f"{program} is not installed")


def hop_lines(text):
    """Any traceroute's hop lines: [(ttl, line)]."""
    found = [_HOP.match(line) for line in text.splitlines()]
    return [(int(m.group(1)), m.group(2)) for m in found if m]


def parse_hops(text):
    path = []
    for ttl, line in hop_lines(text):
        m = _ADDRESS.search(line)
        path += [None] * (ttl - 1 - len(path)) + [m.group(0) if m else None]
    while path and path[-1] is None:
        path.pop()
    return path


def traceroute(ns, target, proto="udp", *extra):
    """Linux traceroute, one probe per hop, as root."""
    argv = [find(TRACEROUTE, "traceroute"), "-n", "-q1", WAIT]
    argv += {"udp": [], "icmp": ["-I"], "tcp": ["-T"]}[proto]
    res = ns.run(argv + list(extra) + [target], capture_output=True, text=True, timeout=30)
    return parse_hops(res.stdout)


def traceroute_text(ns, target, *extra):
    argv = [find(TRACEROUTE, "traceroute"), "-n", "-q1", WAIT, *extra, target]
    return ns.run(argv, capture_output=True, text=True, timeout=30).stdout


_SCAMPER_METHOD = {"udp": "udp-paris", "icmp": "icmp-paris", "tcp": "tcp"}


def scamper(ns, target, proto="udp"):
    command = f"trace -P {_SCAMPER_METHOD[proto]} -w 1 -q 1"
    res = ns.run([find(SCAMPER), "-p", "10000", "-O", "json", "-c", command, "-i", target],
                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)
    traces = [json.loads(line) for line in res.stdout.splitlines() if '"type":"trace"' in line]
    if not traces:
        raise Skip(f"scamper does not run here: {res.stderr.strip()[:80]}")
    return scamper_path(traces[0])


def scamper_path(trace):
    path = []
    for hop in trace.get("hops", []):
        path += [None] * (hop["probe_ttl"] - len(path))
        path[hop["probe_ttl"] - 1] = hop["addr"]
    return path


class Seen:
    """All paths as a tool reports them, flow by flow."""

    def __init__(self):
        self._flows = {}

    def add(self, flow, ttl, address):
        self._flows.setdefault(flow, {})[ttl] = address

    def interfaces(self):
        found = {}
        for path in self._flows.values():
            for ttl, address in path.items():
                found.setdefault(ttl, set()).add(address)
        return found

    def pairs(self):
        """Links between what answered a flow at two TTLs in a row."""
        return {(ttl, address, path[ttl + 1]) for path in self._flows.values()
                for ttl, address in path.items() if path.get(ttl + 1, address) != address}


def tracelb_argv(method="UDP-dport", port=33435, confidence=95):
    """As fast as it can: 150 ms between probes is the least that it accepts. Its source port is its
    process number."""
    command = f"tracelb -P {method} -d {port} -c {confidence} -W 15"
    return [find(SCAMPER), "-p", "10000", "-O", "json", "-c", command, "-i"]


def read_tracelb(text):
    """Of a node it keeps the set that follows, and where several follow, also the sets behind that
    one until they are one again. Each flow shows which is linked with which."""
    seen = Seen()
    for line in text.splitlines():
        if '"type":"tracelb"' in line:
            for node in json.loads(line).get("nodes", []):
                _add_tracelb_node(seen, node)
    return seen


def _add_tracelb_node(seen, node):
    for distance, link in enumerate(node.get("links", [])):
        for answer in link:
            for probe in answer["probes"] if answer["addr"] != "*" else ():
                flow = (node["addr"], probe["flowid"])
                seen.add(flow, probe["ttl"], answer["addr"])
                if distance == 0:
                    seen.add(flow, probe["ttl"] - 1, node["addr"])


def dublin_argv(folder, *options):
    """It writes trace.json where it is started."""
    return ["env", "-C", folder, find("dublin-traceroute"), *options]


def read_dublin(folder):
    seen = Seen()
    with open(f"{folder}/trace.json", encoding="utf-8") as f:
        flows = json.load(f)["flows"]
    for port, hops in flows.items():
        for hop in hops:
            if hop["received"]:
                seen.add(port, hop["sent"]["ip"]["ttl"], hop["received"]["ip"]["src"])
            if hop["is_last"]:
                break
    return seen
