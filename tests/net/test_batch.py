#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many targets at once over kernel routers: every path right, whoever asks, and no right is left."""

import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
from lab import Chain, silence  # noqa: E402
from tap import Cases, expect, only  # noqa: E402
from wend import PROTOS, REACHED, Result, Wend, environment  # noqa: E402

netns.enclose()
cases = Cases()
wend = Wend(sys.argv[1])
PING_OPEN = f"0 {netns.unprivileged_gid()}"


def by_line(text):
    records = [json.loads(line) for line in text.splitlines()]
    expect(len({r["line"] for r in records}), len(records), "each line once")
    return {r["line"]: r for r in records}


def path_of(record):
    res = Result(0, "", "", 0)
    res.doc = record["trace"]
    return res.path()


def batch(lab, lines, *args, nobody=False):
    with tempfile.NamedTemporaryFile("w", suffix=".list") as f:
        f.write("\n".join(lines))
        f.flush()
        os.chmod(f.name, 0o644)
        res = wend.run(lab.src, "batch", "-n", *args, f.name, nobody=nobody)
    expect(res.err, "", "stderr")
    return by_line(res.exits(REACHED).out)


def check(lab, lines, families, records, backends):
    expect(sorted(records), list(range(1, len(lines) + 1)), "lines")
    for number, record in records.items():
        expect(record["trace"]["reached"], True, record["input"])
        expect(path_of(record), lab.path(families[number - 1]), record["input"])
    expect({r["trace"]["backend"]["name"] for r in records.values()}, backends, "back ends")


for who, nobody, backends in (("raw", False, {"raw"}), ("as nobody", True,
                                                       {"errqueue", "ping", "tcp-connect"})):
    @cases.case(f"both families, three protocols, {who}", nobody, backends)
    def mixed(nobody, backends):
        lines, families = [], []
        for family in (4, 6):
            for proto in PROTOS:
                for ttl in range(8, 16):
                    lines.append(f"TARGET -P {proto} -m {ttl}")
                    families.append(family)
        with Chain(6) as lab:
            lab.src.sysctl(ipv4__ping_group_range=PING_OPEN)
            lines = [line.replace("TARGET", lab.target(family))
                     for line, family in zip(lines, families)]
            records = batch(lab, lines, nobody=nobody)
            names = {r["trace"]["backend"]["name"] for r in records.values()}
            expect(names <= backends, True, f"back ends {names}")
            check(lab, lines, families, records, names)


@cases.case("more to one target at once than share a back end")
def crowd():
    with Chain(4) as lab:
        silence(lab.dst)  # so that all of them are under way when the last begins
        lines = [lab.target(4)] * 150
        records = batch(lab, lines, "--parallel", "150", "-q", "1", "-m", "5", "--wait-min", "2s",
                        "-w", "2s")
        for record in records.values():
            expect(path_of(record), lab.path(4, upto=3), record["input"])
        used = [r["trace"]["backend"]["name"] for r in records.values()]
        expect((used.count("raw"), used.count("errqueue")), (64, 86), "back ends")


@cases.case("no right is left when the first line is read")
def no_rights():
    with Chain(3) as lab:
        proc = lab.src.popen(wend.argv(["batch", "-n", "-"]), stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        proc.stdin.write(lab.target(4).encode() + b"\n")
        proc.stdin.flush()
        first = json.loads(proc.stdout.readline())
        with open(f"/proc/{proc.pid}/status", encoding="ascii") as f:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        out, err = proc.communicate(lab.target(6).encode() + b" -P tcp\n", timeout=30)
        expect(err, b"", "stderr")
        expect([int(status[k], 16) for k in ("CapEff", "CapPrm", "CapInh", "CapAmb")], [0] * 4)
        expect(status["NoNewPrivs"], "1")
        expect((first["trace"]["reached"], first["trace"]["backend"]["name"]), (True, "raw"))
        last = by_line(out.decode())[2]  # of another kind than the first, and still raw
        expect((path_of(last), last["trace"]["backend"]["name"]), (lab.path(6), "raw"))


sys.exit(cases.main(only(), side_by_side=2))
