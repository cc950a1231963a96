# SPDX-License-Identifier: Apache-2.0
"""All the paths: what finding them costs, and how often something is missed, beside Debian's
multipath tracers on networks whose truth is known.

Runs differ by their source or destination port, so that each meets the routers' hashes anew. A tool
that takes longer than SLOW_S is timed alone once; its other runs go side by side, each in a network of
its own, because it spends its time waiting.
"""

import json
import os
import statistics
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Callable

from graphlab import GRAPHS, GraphLab
from measure import spread
from netns import PRIVATE_DIR, use_resolver
from peers import dublin_argv, read_dublin, read_tracelb, tracelb_argv
from simchain import SimGraphLab
from wend import Paths
from wire import Wire

CROWD = 10  # networks side by side
SLOW_S = 2.0
LIMIT_S = 150

KERNEL = [name for name in GRAPHS if name != "diamonds in a row"]
WEIGHTED = ("weights 8:4:2:1",)
# The kernel's hash leaves ICMP's checksum and identifier out: over it ICMP has one path.
SIM = ("width 16", "1-4-2-1")


@dataclass
class PathTool:
    name: str
    argv: Callable  # (run, folder) -> command; the target is appended
    read: Callable  # (output, folder) -> peers.Seen or the like


def wend_tool(wend, *options):
    argv = [wend, "paths", "-n", "--format", "json", *options]
    return PathTool(" ".join(["wend", *options]), lambda run, folder: argv,
                    lambda out, folder: Paths(json.loads(out)))


def wend_tools(wend, *options):
    return [wend_tool(wend, "--mode", mode, *options) for mode in ("nodes", "lite", "full")]


def scamper_tool(name, method):
    return PathTool(name, lambda run, folder: tracelb_argv(method, 33435 + 7 * run),
                    lambda out, folder: read_tracelb(out))


def dublin_tool():
    return PathTool("dublin-traceroute",
                    lambda run, folder: dublin_argv(folder, f"--sport={20000 + 7 * run}"),
                    lambda out, folder: read_dublin(folder))


def has_paths(wend):
    return subprocess.run([wend, "help", "paths"], capture_output=True).returncode == 0


@dataclass
class Run:
    """What one run found. Interfaces and links are addresses: at which TTL does not matter here."""
    probes: int
    wall_s: float  # None when others ran beside it
    found: int
    right: int
    false: int
    missed: bool  # an interface
    incomplete: bool  # a link missing or false


def addresses(interfaces):
    return set().union(*interfaces.values())


def links(pairs):
    return {(near, far) for _, near, far in pairs}


def judge(lab, tool, out, folder, probes, wall_s):
    nodes, edges = addresses(lab.interfaces(4)), links(lab.pairs(4))
    try:
        seen = tool.read(out, folder)
        got_nodes, got_edges = addresses(seen.interfaces()), links(seen.pairs())
    except (ValueError, KeyError, TypeError, OSError):
        got_nodes, got_edges = set(), set()  # it was stopped before it had written anything
    return Run(probes, wall_s, len(nodes & got_nodes), len(edges & got_edges),
               len(got_edges - edges), not nodes <= got_nodes, edges != got_edges)


def folder_for(index):
    path = os.path.join(PRIVATE_DIR, f"bench{index}")
    os.makedirs(path, exist_ok=True)
    return path


def count(wire):
    return sum(len(probes) for probes in wire.read().values())


def run_alone(lab, tool, meter, run):
    folder = folder_for(0)
    wire = Wire(lab.src, lab.src_iface)
    cost = meter.run(lab.src, tool.argv(run, folder) + [lab.target(4)], LIMIT_S)
    return judge(lab, tool, cost.out, folder, count(wire), cost.wall_s)


def run_crowd(labs, tool, runs):
    """Each in a network of its own."""
    wires = [Wire(lab.src, lab.src_iface) for lab in labs]
    procs = [lab.src.popen(["timeout", str(LIMIT_S)] + tool.argv(run, folder_for(i))
                           + [lab.target(4)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True, errors="replace")
             for i, (lab, run) in enumerate(zip(labs, runs))]
    outs = [proc.communicate()[0] for proc in procs]
    return [judge(lab, tool, out, folder_for(i), count(wire), None)
            for i, (lab, out, wire) in enumerate(zip(labs, outs, wires))]


def measure_tool(labs, tool, meter, runs):
    done = [run_alone(labs[0], tool, meter, 0)]
    if done[0].wall_s <= SLOW_S:
        return done + [run_alone(labs[0], tool, meter, run) for run in range(1, runs)]
    for first in range(1, runs, len(labs)):
        todo = range(first, min(first + len(labs), runs))
        done += run_crowd(labs[:len(todo)], tool, todo)
    return done


def record(lab, tool, runs):
    walls = [r.wall_s for r in runs if r.wall_s is not None]
    median, least, most = spread(walls)
    return {"tool": tool.name, "argv": tool.argv(0, "."), "runs": len(runs),
            "timed": len(walls), "wall_s": {"median": median, "min": least, "max": most},
            "probes": {"mean": statistics.mean(r.probes for r in runs),
                       "min": min(r.probes for r in runs), "max": max(r.probes for r in runs)},
            "interfaces": {"true": len(addresses(lab.interfaces(4))),
                           "found_mean": statistics.mean(r.found for r in runs),
                           "runs_missing": sum(r.missed for r in runs)},
            "links": {"true": len(links(lab.pairs(4))),
                      "right_mean": statistics.mean(r.right for r in runs),
                      "false": sum(r.false for r in runs),
                      "runs_not_exact": sum(r.incomplete for r in runs)}}


HEADER = ["tool", "n", "median s", "probes", "min", "max", "interfaces", "missed", "links", "false",
          "not exact"]


def line(r):
    def share(part):
        return f"{100 * part / r['runs']:.1f}%"

    nodes, edges, probes = r["interfaces"], r["links"], r["probes"]
    return [r["tool"], r["runs"], f"{r['wall_s']['median']:.3f}", f"{probes['mean']:.1f}",
            probes["min"], probes["max"], f"{nodes['found_mean']:.2f}/{nodes['true']}",
            share(nodes["runs_missing"]), f"{edges['right_mean']:.2f}/{edges['true']}",
            edges["false"], share(edges["runs_not_exact"])]


def networks(wend):
    """(name, how to make one, tools)"""
    ours = has_paths(wend)
    if not ours:
        print("This wend has no command `paths`: only the others are shown.\n")
    udp, icmp = scamper_tool("scamper UDP", "UDP-sport"), scamper_tool("scamper ICMP", "ICMP-echo")
    for name in KERNEL:
        tools = wend_tools(wend) if ours else []
        if ours and name in WEIGHTED:
            tools.append(wend_tool(wend, "--mode", "nodes", "--min-share", "6"))
        yield name, lambda n=name: GraphLab(GRAPHS[n]), tools + [udp, dublin_tool()]
    for name in SIM:
        tools = wend_tools(wend) + wend_tools(wend, "-P", "icmp") if ours else []
        yield (f"{name}, simulated", lambda n=name: SimGraphLab(wend, GRAPHS[n]),
               tools + [udp, icmp])


def compare_all(wend, meter, runs, word, report):
    """Every network in turn, tools whose names contain the word. report(header, lines) prints a
    table; the figures are returned."""
    use_resolver("127.0.0.1")  # dublin-traceroute asks for names, which would count as probes
    records = []
    for name, make, tools in networks(wend):
        tools = [tool for tool in tools if word in tool.name]
        print(f"== paths, {name}\n")
        with ExitStack() as stack:
            labs = [stack.enter_context(make()) for _ in range(min(CROWD, max(1, runs - 1)))]
            figures = [record(labs[0], tool, measure_tool(labs, tool, meter, runs))
                       for tool in tools]
        report(HEADER, [line(r) for r in figures])
        records.append({"name": name, "figures": figures})
    return records
