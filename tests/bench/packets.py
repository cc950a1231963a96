# SPDX-License-Identifier: Apache-2.0
"""wend-packet beside Debian's mtr-packet: how many probes a second, at which cost, what is lost or
late, and whether Twisted programs get through.

Both take turns. The driver (packet_load.c) is C and says what it cost itself, which shows that it
is not what is measured. It asks for a feature first, as mtr does, or not (unasked, as twisted-mtr):
then wend-packet gives one reply for each read of a pipe, which takes its reader a system call and
both of them a change of turns. What the packets alone cost (floor.c)
stands beside them: no program can do with less.
"""

import json
import os
import statistics
import subprocess
from dataclasses import dataclass, field

from capture import Capture, echo_rtts
from lab import Chain, refused
from measure import HERE, percentile
from netns import PRIVATE_DIR, Netns
from packet import Packet, send_probe
from peers import find

HOPS = 7
WINDOW = 900  # mtr-packet takes no more than 1024 at once
SOURCE = {4: "10.9.1.1", 6: "fd09:1::1"}
FIRST_SEQUENCE = 33000
ALONE = ("ICMP, TTL 1", f"ICMP, {HOPS} hops")  # of which the packets alone are measured, too
DELAY_US = 20_000
DELAYED = "10.8.1.1"
CC = os.environ.get("CC", "cc")


def build(name, *flags):
    """A C program of this folder."""
    out = os.path.join(PRIVATE_DIR, name)
    subprocess.run([CC, "-O2", "-D_GNU_SOURCE", "-o", out, os.path.join(HERE, name + ".c"), *flags],
                   check=True)
    return out


@dataclass
class Load:
    """What one run of the driver says."""
    wall_ns: int
    cpu_us: int
    rss_kib: int
    driver_us: int
    reply: int
    expired: int
    silent: int
    other: int

    @property
    def answered(self):
        return self.reply + self.expired


@dataclass
class Rows:
    """Runs of one program in one setting."""
    name: str
    argv: list
    loads: list = field(default_factory=list)

    def median(self, value):
        return statistics.median(value(load) for load in self.loads)


def packets_alone(ns, floor, address, targets, hops, count, window):
    """(wall ns, CPU us, answers)"""
    res = ns.run([floor, address, *map(str, (targets, hops, count, window))],
                 stdout=subprocess.PIPE, text=True)
    if res.returncode != 0:
        raise RuntimeError(f"floor failed: {res.returncode}")
    return tuple(map(int, res.stdout.split()))


def drive(ns, load, program, arguments, *options):
    res = ns.run([load, *options, program, arguments], stdout=subprocess.PIPE,
                 stderr=subprocess.DEVNULL, text=True)
    if res.returncode != 0:
        raise RuntimeError(f"packet_load with {program} failed: {res.returncode}")
    return Load(*map(int, res.stdout.split()))


class Bench:
    def __init__(self, wend_packet, runs, quick, table):
        self.ours, self.theirs = wend_packet, find("mtr-packet")
        self.runs, self.quick, self.table = runs, quick, table
        self.count = 20_000 if quick else 60_000
        self.load, self.delay = build("packet_load"), build("delay")
        self.floor = build("floor")

    def programs(self):
        return (("wend-packet", self.ours), ("mtr-packet", self.theirs))

    def speed(self):
        """Pipelined, as many under way as mtr-packet takes."""
        records = []
        with Chain(HOPS) as lab:
            for what, arguments, hops in settings(lab):
                rows = [Rows(name + how, [self.load, *options, program])
                        for how, options in (("", ("-f",)), (", unasked", ()),
                                             (", unasked, socket", ("-s",)))
                        for name, program in self.programs()]
                options = ["-c", str(self.count), "-w", str(WINDOW), "-t", str(hops)]
                alone = []
                for _ in range(self.runs):
                    if what in ALONE:
                        alone.append(packets_alone(lab.src, self.floor, lab.target(4), 1, hops,
                                                   self.count, WINDOW))
                    for row in rows:
                        *first, program = row.argv
                        row.loads.append(drive(lab.src, first[0], program, arguments, *options,
                                               *first[1:]))
                records += [self._speed_record(what, row, rows) for row in rows]
                if alone:
                    records.append(self._alone_record(what, alone, records[-1], records[-2]))
        self.table(["pipelined, 900 under way", "program", "probes/s", "x mtr-packet",
                    "CPU us/probe", "x mtr-packet", "driver us", "unanswered"],
                   [[r["what"], r["program"], f"{r['per_s']:.0f}", f"{r['per_s_ratio']:.2f}",
                     f"{r['cpu_us']:.2f}", f"{r['cpu_ratio']:.2f}", f"{r['driver_us']:.2f}",
                     r["unanswered"]] for r in records])
        return records

    def _speed_record(self, what, row, rows):
        """Beside mtr-packet's with the same kind of stdout."""
        def per_s(r):
            return r.median(lambda load: self.count / load.wall_ns * 1e9)

        def cpu_us(r):
            return r.median(lambda load: load.cpu_us / self.count)

        peer = next(r for r in rows if r.name == row.name.replace("wend-", "mtr-"))
        return {"what": what, "program": row.name, "per_s": per_s(row),
                "per_s_ratio": per_s(row) / per_s(peer), "cpu_us": cpu_us(row),
                "cpu_ratio": cpu_us(row) / cpu_us(peer),
                "driver_us": row.median(lambda load: load.driver_us / self.count),
                "unanswered": max(self.count - load.answered for load in row.loads)}

    def _alone_record(self, what, alone, *peers):
        per_s = statistics.median(self.count / wall * 1e9 for wall, _, _ in alone)
        cpu_us = statistics.median(cpu / self.count for _, cpu, _ in alone)
        peer = next(r for r in peers if r["program"].startswith("mtr-packet"))
        own_per_s, own_us = peer["per_s"], peer["cpu_us"]
        return {"what": what, "program": "the packets alone", "per_s": per_s,
                "per_s_ratio": per_s / own_per_s, "cpu_us": cpu_us, "cpu_ratio": cpu_us / own_us,
                "driver_us": 0, "unanswered": self.count - min(got for _, _, got in alone)}

    def flight(self):
        """Many under way at 20 ms: every no-reply is false, for all are answered."""
        records = []
        with Netns("delay") as ns:
            proc = ns.popen([self.delay, "tun0", str(DELAY_US)], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
            proc.stdout.readline()
            ns.ip("link set lo up", "link set tun0 txqueuelen 30000",
                  "addr add 10.8.0.1/16 dev tun0", "link set tun0 up")
            for window in (250, 500, 1000, 5000, 10_000):
                for name, program in self.programs():
                    count = 50_000 if window > 1000 else 20_000
                    got = drive(ns, self.load, program, f"ip-4 {DELAYED} timeout 3",
                                "-f", "-c", str(count), "-w", str(window))
                    records.append({"window": window, "program": name,
                                    "per_s": got.answered / got.wall_ns * 1e9,
                                    "ideal_per_s": window / DELAY_US * 1e6, "probes": count,
                                    "false_no_reply": got.silent, "refused": got.other,
                                    "cpu_us": got.cpu_us / count, "rss_mib": got.rss_kib / 1024})
            proc.communicate()
            ns.close()
        self.table(["under way at 20 ms", "program", "answered/s", "at most", "probes",
                    "false no-reply", "refused", "CPU us/probe", "RSS MiB"],
                   [[r["window"], r["program"], f"{r['per_s']:.0f}", f"{r['ideal_per_s']:.0f}",
                     r["probes"],
                     f"{r['false_no_reply']} ({r['false_no_reply'] / r['probes']:.2%})",
                     r["refused"], f"{r['cpu_us']:.2f}", f"{r['rss_mib']:.1f}"] for r in records])
        return records

    def excess(self):
        """RTT reported beyond the wire's, both ends stamped by the kernel at the interface."""
        records = []
        with Chain(HOPS) as lab:
            for burst, bursts in ((1, 1000), (10, 100), (100, 20), (1000, 5)):
                for name, program in self.programs():
                    beyond = []
                    for _ in range(1 if self.quick else 3):
                        beyond += self._excess_once(lab, program, burst, bursts)
                    records.append({"burst": burst, "program": name, "replies": len(beyond),
                                    "median_us": statistics.median(beyond),
                                    "p99_us": percentile(beyond, 99), "min_us": min(beyond)})
        self.table(["RTT beyond the wire's, us", "program", "replies", "median", "p99", "least"],
                   [[f"bursts of {r['burst']}" if r["burst"] > 1 else "sequential", r["program"],
                     r["replies"], f"{r['median_us']:.1f}", f"{r['p99_us']:.1f}",
                     f"{r['min_us']:.1f}"] for r in records])
        return records

    def _excess_once(self, lab, program, burst, bursts):
        rtts = os.path.join(PRIVATE_DIR, "rtts")
        with Capture(lab.src, "l1") as wire:
            drive(lab.src, self.load, program, f"ip-4 {lab.target(4)} ttl 1", "-b", "-r", rtts,
                  "-c", str(burst * bursts), "-w", str(burst))
            true_us = echo_rtts(wire.rest())
        with open(rtts, encoding="ascii") as f:
            shown = [int(line) for line in f]
        return [us - true_us[FIRST_SEQUENCE + i] for i, us in enumerate(shown)
                if us >= 0 and FIRST_SEQUENCE + i in true_us]

    def twisted(self):
        """500 traces at once over 7 hops, one reply expected of each read."""
        client = os.path.join(HERE, "..", "net", "twisted_client.py")
        limit_s, records = 10 if self.quick else 30, []
        with Chain(HOPS) as lab:
            for family in (4, 6):
                for name, program in self.programs():
                    argv = ["/usr/bin/python3", client, program, "500", str(family), "icmp",
                            SOURCE[family], lab.target(family), str(limit_s)]
                    runs = []
                    for _ in range(1 if name == "mtr-packet" else self.runs):
                        res = lab.src.run(argv, stdout=subprocess.PIPE, text=True)
                        runs.append(json.loads(res.stdout))
                    right = [sum(path == lab.path(family) for path in r["paths"]) for r in runs]
                    records.append({"family": family, "program": name, "runs": len(runs),
                                    "seconds": statistics.median(r["seconds"] for r in runs),
                                    "right": min(right)})
        self.table(["500 Twisted traces", "program", "runs", "seconds", "right"],
                   [[f"IPv{r['family']}", r["program"], r["runs"], f"{r['seconds']:.2f}",
                     f"{r['right']}/500"] for r in records])
        return records

    def memory(self):
        records = []
        with Chain(HOPS) as lab:
            lab.refuse(1)
            for name, program in self.programs():
                for count in (0, 1000) + ((10_000,) if name == "wend-packet" else ()):
                    with Packet(lab.src, program) as p:
                        p.say(*[send_probe(i, refused(4, "dead")) for i in range(count)])
                        p.quiet()
                        records.append({"program": name, "under_way": count, "kib": p.rss_kib()})
        self.table(["resident memory", "under way", "MiB"],
                   [[r["program"], r["under_way"], f"{r['kib'] / 1024:.1f}"] for r in records])
        return records


def settings(lab):
    """(what, arguments without TTL, TTLs in turn)"""
    four, six = lab.target(4), lab.target(6)
    return (("ICMP, TTL 1", f"ip-4 {four}", 1),
            ("ICMP, TTL 1, local-ip", f"ip-4 {four} local-ip-4 {SOURCE[4]}", 1),
            (f"ICMP, {HOPS} hops", f"ip-4 {four}", HOPS),
            (f"ICMP, {HOPS} hops, local-ip", f"ip-4 {four} local-ip-4 {SOURCE[4]}", HOPS),
            (f"ICMPv6, {HOPS} hops", f"ip-6 {six}", HOPS),
            (f"UDP, {HOPS} hops", f"ip-4 {four} protocol udp", HOPS),
            (f"TCP, {HOPS} hops", f"ip-4 {four} protocol tcp", HOPS))


def compare(wend_packet, runs, quick, table):
    bench = Bench(wend_packet, runs, quick, table)
    print("== packet: wend-packet beside mtr-packet\n")
    return {part.__name__: part() for part in (bench.speed, bench.flight, bench.excess,
                                               bench.twisted, bench.memory)}
