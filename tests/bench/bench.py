#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed, cost and accuracy beside Debian's tracers, each in the same namespace.

    bench.py WEND [--runs N] [--quick] [--json FILE] [--only SCENARIO] [--tool WORD]

Tools take turns, so that whatever else the machine does meets all of them alike. One that takes
longer than 2 s is run once; with --quick it is stopped after 3 s. `paths` is about all paths at
once: see paths.py, `packet` about wend-packet: packets.py, `many` about the library: crowd.py.
"""

import argparse
import json
import os
import platform
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "net"))

import crowd  # noqa: E402
import netns  # noqa: E402
import packets  # noqa: E402
import paths  # noqa: E402
from lab import Chain  # noqa: E402
from measure import Meter, percentile, spread  # noqa: E402
from simchain import SimChain  # noqa: E402
from tools import peer_tools, wend_tools  # noqa: E402
from wire import Wire  # noqa: E402

HOPS = 10
SLOW_S = 2.0
LIMIT_S = 60
QUICK_LIMIT_S = 3
RTT_US = 1000.0  # a reading is in ms


class Scenario:
    """A network to trace through, and what is known about it."""

    def __init__(self, name, what, ns, iface, target, path, hop_ns):
        self.name, self.what = name, what
        self.ns, self.iface, self.target = ns, iface, target
        self.path = path  # the right answer for each TTL, None where nobody answers
        self.hop_ns = hop_ns  # delay of each hop, there and back


def open_scenarios(wend):
    """Yields one scenario after the other; each network stands only while its turn lasts."""
    with Chain(HOPS) as lab:
        yield Scenario("kernel", f"{HOPS} hops, kernel routers, no delay", lab.src, "l1",
                       lab.target(4), lab.path(4), 0)
    for name, what, silent, dead in (
            ("clean", f"{HOPS} hops of 4 ms, all answer", (), False),
            ("silent", f"{HOPS} hops of 4 ms, three of them silent", (3, 5, 7), False),
            ("dead", f"{HOPS} hops of 4 ms, target dead", (), True)):
        with SimChain(wend, HOPS, silent, dead) as lab:
            yield Scenario(name, what, lab.ns, lab.iface, lab.target(4), lab.path, lab.hop_ns)


def shown_path(reading, length):
    """The address shown at each TTL, None where none is; a set where there are several."""
    path = []
    for ttl in range(1, max([length, *reading]) + 1):
        seen = {address for address, _ in reading.get(ttl, []) if address}
        path.append(None if not seen else seen.pop() if len(seen) == 1 else seen)
    while len(path) > length and path[-1] is None:
        path.pop()
    return path


def judge(scenario, reading):
    """(right hops, wrong hops): silence where nobody answers is neither."""
    shown = shown_path(reading, len(scenario.path))
    right = sum(1 for want, got in zip(scenario.path, shown) if want and got == want)
    wrong = sum(1 for i, got in enumerate(shown)
                if got and (i >= len(scenario.path) or got != scenario.path[i]))
    return right, wrong


def safe_read(tool, text):
    try:
        return tool.read(text)
    except (ValueError, KeyError, IndexError):
        return {}  # it was stopped in the middle of its output


class Row:
    def __init__(self, tool):
        self.tool, self.costs = tool, []
        self.right = self.wrong = None

    @property
    def wall_s(self):
        return spread([c.wall_s for c in self.costs])[0]

    @property
    def finished(self):
        return not self.costs or (self.wall_s <= SLOW_S and not self.costs[-1].stopped)


def compare(scenario, tools, meter, runs, limit_s):
    rows = [Row(tool) for tool in tools]
    for _ in range(runs):
        for row in rows:
            if not row.finished:
                continue
            cost = meter.run(scenario.ns, row.tool.argv + [scenario.target], limit_s)
            row.costs.append(cost)
            right, wrong = judge(scenario, safe_read(row.tool, cost.out))
            row.right = right if row.right is None else min(row.right, right)
            row.wrong = max(row.wrong or 0, wrong)
    return rows


def accuracy(scenario, tool, meter, runs):
    """Errors in us: what the tool reports beyond the wire, and the wire beyond the delay."""
    own, relay, bad = [], [], 0
    for _ in range(runs):
        wire = Wire(scenario.ns, scenario.iface)
        cost = meter.run(scenario.ns, tool.argv + [scenario.target], LIMIT_S)
        truth = wire.read()
        for ttl, probes in safe_read(tool, cost.out).items():
            on_wire = truth.get(ttl, [])
            if len(on_wire) < len(probes):
                bad += len(probes)
                continue
            for (_, shown_ms), wire_ns in zip(probes, on_wire):
                if shown_ms is None or wire_ns is None:
                    continue
                own.append(shown_ms * RTT_US - wire_ns / 1000)
                relay.append((wire_ns - scenario.hop_ns * min(ttl, HOPS)) / 1000)
    return own, relay, bad


def table(header, lines):
    widths = [max(len(str(line[i])) for line in [header] + lines) for i in range(len(header))]
    for line in [header] + lines:
        cells = [str(c).ljust(w) if i == 0 else str(c).rjust(w)
                 for i, (c, w) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())
    print(flush=True)


def exit_word(costs):
    codes = sorted({c.exit for c in costs})
    return "/".join("stopped" if c == 256 else str(c) for c in codes)


def row_record(row, ours_s):
    median, least, most = spread([c.wall_s for c in row.costs])
    return {"tool": row.tool.name, "argv": row.tool.argv, "runs": len(row.costs),
            "wall_s": {"median": median, "min": least, "max": most},
            "ratio_to_wend": median / ours_s,
            "cpu_s": spread([c.cpu_s for c in row.costs])[0],
            "peak_rss_mib": max(c.rss_mib for c in row.costs),
            "hops_right": row.right, "hops_wrong": row.wrong, "exit": exit_word(row.costs)}


def report_speed(scenario, rows):
    answering = sum(1 for address in scenario.path if address)
    ours_s = rows[0].wall_s
    records = [row_record(row, ours_s) for row in rows]
    table(["tool", "n", "median s", "min", "max", "x wend", "CPU ms", "RSS MiB", "hops", "wrong",
           "exit"],
          [[r["tool"], r["runs"], f"{r['wall_s']['median']:.4f}", f"{r['wall_s']['min']:.4f}",
            f"{r['wall_s']['max']:.4f}", f"{r['ratio_to_wend']:.2f}", f"{r['cpu_s'] * 1e3:.1f}",
            f"{r['peak_rss_mib']:.1f}", f"{r['hops_right']}/{answering}", r["hops_wrong"],
            r["exit"]] for r in records])
    return records


def report_accuracy(scenario, tools, meter, runs):
    records = []
    for tool in tools:
        own, relay, bad = accuracy(scenario, tool, meter, runs)
        if own:
            records.append({"tool": tool.name, "replies": len(own), "unmatched": bad,
                            "own_us": {"median": percentile(own, 50), "p99": percentile(own, 99),
                                       "min": min(own)},
                            "relay_us": {"median": percentile(relay, 50),
                                         "p99": percentile(relay, 99)}})
    table(["RTT error in us", "replies", "own: median", "p99", "min", "network: median", "p99"],
          [[r["tool"], r["replies"], f"{r['own_us']['median']:.1f}", f"{r['own_us']['p99']:.1f}",
            f"{r['own_us']['min']:.1f}", f"{r['relay_us']['median']:.1f}",
            f"{r['relay_us']['p99']:.1f}"] for r in records])
    return records


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("wend")
    p.add_argument("--runs", type=int, help="default: 11, for paths 30, for packet and many 5")
    p.add_argument("--quick", action="store_true",
                   help="3 runs; stop slow tools after 3 s; no paths, packet, many unless --only")
    p.add_argument("--json", help="write the figures to this file, too")
    p.add_argument("--only", help="one: kernel, clean, silent, dead, paths, packet or many")
    p.add_argument("--tool", default="", help="paths: only tools whose names contain this word")
    return p.parse_args()


def bench_one_path(args, wend, meter, doc):
    runs = 3 if args.quick else args.runs or 11
    limit_s = QUICK_LIMIT_S if args.quick else LIMIT_S
    ours, peers = wend_tools(wend), peer_tools()
    doc["runs"] = runs
    for scenario in open_scenarios(wend):
        if args.only not in (None, scenario.name):
            continue
        print(f"== {scenario.name}: {scenario.what}\n")
        # Many systems let everybody send echo requests; a new namespace does not.
        scenario.ns.sysctl(ipv4__ping_group_range=f"0 {netns.unprivileged_gid()}")
        rows = compare(scenario, ours + peers, meter, runs, limit_s)
        record = {"name": scenario.name, "what": scenario.what,
                  "speed": report_speed(scenario, rows)}
        if scenario.name in ("kernel", "clean"):
            fast = [r.tool for r in rows if r.finished]
            record["accuracy"] = report_accuracy(scenario, fast, meter, runs)
        doc["scenarios"].append(record)


def wanted(args, part):
    return args.only == part or args.only is None and not args.quick


def main():
    args = arguments()
    args.wend = os.path.abspath(args.wend)
    if args.json:
        args.json = os.path.abspath(args.json)
    netns.enclose()
    meter, wend = Meter(), netns.publish(args.wend)
    doc = {"kernel": platform.release(), "cpus": os.cpu_count(), "scenarios": [], "paths": []}
    if args.only not in ("paths", "packet", "many"):
        bench_one_path(args, wend, meter, doc)
    if wanted(args, "paths"):
        runs = 3 if args.quick else args.runs or 30
        doc["paths"] = paths.compare_all(wend, meter, runs, args.tool, table)
    runs = args.runs or (3 if args.quick else 5)
    if wanted(args, "packet"):
        program = netns.publish(os.path.join(os.path.dirname(args.wend), "wend-packet"))
        doc["packet"] = packets.compare(program, runs, args.quick, table)
    if wanted(args, "many"):
        doc["many"] = crowd.compare(os.path.dirname(args.wend), meter, runs, table)
    if args.json:
        with open(args.json, "w", encoding="ascii") as f:
            json.dump(doc, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
