# SPDX-License-Identifier: Apache-2.0
"""Many traces at once: libwend's public API beside scamper at its highest rate and no limit of its
window, 1,000 targets behind 10 hops; and what 10,000 traces at once take.
"""

import os
import statistics

from lab import Chain
from packets import build, packets_alone
from peers import find

HOPS = 10
PREFIX = "10.77"
PER_NET = 250  # as in many.c
LIMIT_S = 120


def open_chain():
    """The last node is all of PREFIX."""
    lab = Chain(HOPS)
    lab.dst.ip(f"route add local {PREFIX}.0.0/16 dev lo")
    return lab


def targets(count):
    return [f"{PREFIX}.{i // PER_NET}.{i % PER_NET + 1}" for i in range(count)]


def build_many(build_dir):
    """Beside the library that was built there."""
    include = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "include")
    return build("many", f"-I{include}", f"-I{build_dir}/include", f"-L{build_dir}", "-lwend",
                 f"-Wl,-rpath,{build_dir}")


def run_many(lab, meter, program, count, *options):
    cost = meter.run(lab.src, [program, str(count), PREFIX, *options], LIMIT_S)
    if cost.exit != 0:
        raise RuntimeError(f"many ended with {cost.exit}: {cost.out}")
    wall, cpu, before, peak, ended, reached, lost = map(int, cost.out.split())
    return {"seconds": wall / 1e9, "cpu_s": cpu / 1e6, "kib_each": (peak - before) / count,
            "ended": ended, "reached": reached, "lost": lost}


def run_scamper(lab, meter, count, method):
    listed = "\n".join(targets(count)) + "\n"
    cost = meter.run(lab.src, [find("scamper"), "-p", "10000", "-w", "0", "-O", "text", "-c",
                               f"trace -P {method} -w 1 -q 1", "-f", "-"], LIMIT_S, listed)
    return {"seconds": cost.wall_s, "cpu_s": cost.cpu_s, "kib_each": cost.rss_mib * 1024 / count,
            "ended": cost.out.count("traceroute from"),
            "reached": sum(f"{HOPS}  {t} " in cost.out for t in targets(count)), "lost": "-"}


def run_alone(lab, _meter, floor, count):
    """As many packets as their paths have hops, and nothing else."""
    wall, cpu, got = packets_alone(lab.src, floor, targets(1)[0], count, HOPS, count * HOPS, count * HOPS)
    return {"seconds": wall / 1e9, "cpu_s": cpu / 1e6, "kib_each": 0, "ended": count,
            "reached": count, "lost": count * HOPS - got}


def median_of(runs):
    row = dict(runs[-1])
    for key in ("seconds", "cpu_s", "kib_each"):
        row[key] = statistics.median(r[key] for r in runs)
    row["reached"] = min(r["reached"] for r in runs)
    return row


def compare(build_dir, meter, runs, table):
    many = build_many(build_dir)
    print(f"== many: libwend's API beside scamper, {HOPS} hops\n")
    tools = []
    for proto, method in (("icmp", "icmp-paris"), ("udp", "udp-paris")):
        tools += [(f"libwend, {proto}", 1000, run_many, (many, 1000, f"protocol={proto}", "pps=0")),
                  (f"libwend, {proto}, 1 probe", 1000, run_many,
                   (many, 1000, f"protocol={proto}", "pps=0", "probes=1")),
                  (f"scamper, {proto}, 1 probe", 1000, run_scamper, (1000, method))]
    tools.append(("the packets alone, icmp", 1000, run_alone, (build("floor"), 1000)))
    records = []
    with open_chain() as lab:
        found = {name: [] for name, *_ in tools}
        for _ in range(runs):
            for name, _, run, arguments in tools:
                found[name].append(run(lab, meter, *arguments))
        for name, count, _, _ in tools:
            records.append({"tool": name, "targets": count, **median_of(found[name])})
        for proto in ("icmp", "udp"):
            got = [run_many(lab, meter, many, 10_000, f"protocol={proto}", "pps=0")
                   for _ in range(max(1, runs // 3))]
            records.append({"tool": f"libwend, {proto}", "targets": 10_000, **median_of(got)})
    for r in records:
        r["per_s"] = r["targets"] / r["seconds"]
        peer = next((p for p in records if p["tool"].startswith("scamper")
                     and p["tool"].split(",")[1] == r["tool"].split(",")[1]), None)
        r["ratio"] = r["per_s"] / (peer["targets"] / peer["seconds"])
    table(["traces at once", "targets", "seconds", "targets/s", "x scamper", "CPU s", "KiB each",
           "ended", "reached", "probes lost"],
          [[r["tool"], r["targets"], f"{r['seconds']:.3f}", f"{r['per_s']:.0f}",
            f"{r['ratio']:.1f}", f"{r['cpu_s']:.3f}", f"{r['kib_each']:.2f}", r["ended"], r["reached"], r["lost"]]
           for r in records])
    return records
