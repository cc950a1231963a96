#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The simulated network on a TUN device, traced by tools that know nothing of it: what they see is
what the simulator says they must see. Arguments: the program; SIM_TRUTH names tests/support's."""

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
import peers  # noqa: E402
import simlab  # noqa: E402
import wend as wend_tool  # noqa: E402
from tap import Cases, Skip, expect, only  # noqa: E402

netns.enclose()
PROGRAM = netns.publish(sys.argv[1])
TRUTH = netns.publish(os.environ["SIM_TRUTH"])
cases = Cases()


def line(hops, **options):
    """A chain h1 .. hN behind the source s; options by name of the node, `links` for each link."""
    links = options.pop("links", "delay 500us")
    text = ["seed 4", "source s", f"target h{hops}", "host s addr 10.0.0.1 addr6 fd00::1"]
    for i in range(1, hops + 1):
        kind = "host" if i == hops else "node"
        text.append(f"{kind} h{i} addr 10.0.{i}.1 addr6 fd00:{i}::1 {options.pop(f'h{i}', '')}")
        text.append(f"link {'s' if i == 1 else f'h{i - 1}'} h{i} {options.pop(f'l{i}', links)}")
    expect(options, {}, "options left over")
    return "\n".join(text) + "\n"


class SimLab(simlab.SimLab):
    """... with the program under test, and what the simulator says of itself."""

    def __init__(self, text):
        super().__init__(PROGRAM, text)

    def truth(self, target, proto="udp", sport=40000, dport=33434):
        out = subprocess.run([TRUTH, self.name, proto, target, str(sport), str(dport)],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
        return [None if a == "*" else a for a in out.split()]

    def output(self, *argv):
        return self.ns.run(list(argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           timeout=60).stdout


def mtr(lab, target, *extra):
    out = lab.output(peers.find("mtr"), "-n", "-r", "-c1", "--json", "-G", "1", *extra, target)
    hubs = json.loads(out)["report"]["hubs"]
    return [None if h["host"] == "???" else h["host"] for h in hubs]


def scamper(lab, target, proto, sport=40000):
    command = f"trace -P {proto}-paris -w 1 -q 1 -s {sport} -d 33434"
    out = lab.output(peers.find("scamper"), "-p", "10000", "-O", "json", "-c", command, "-i",
                     target)
    traces = [json.loads(x) for x in out.splitlines() if '"type":"trace"' in x]
    if not traces:
        raise Skip(f"scamper does not run here: {out[:80]}")
    return peers.scamper_path(traces[0])


@cases.case("IPv4: traceroute, mtr and scamper see the truth", 4)
@cases.case("IPv6: traceroute, mtr and scamper see the truth", 6)
def _(family):
    with SimLab(line(9, h3="silent", h5="quote 28", h6="silent tcp", h9="open tcp 80")) as lab:
        target = lab.target(family)
        for proto in ("udp", "icmp", "tcp"):
            truth = lab.truth(target, proto, dport=80 if proto == "tcp" else 33434)
            expect(len(truth), 9, f"{proto}: length of the truth")
            expect(peers.traceroute(lab.ns, target, proto), truth, f"traceroute {proto}")
        expect(mtr(lab, target), lab.truth(target, "icmp"), "mtr")
        expect(mtr(lab, target, "-u"), lab.truth(target, "udp"), "mtr -u")
        for proto in ("udp", "icmp"):
            expect(scamper(lab, target, proto), lab.truth(target, proto), f"scamper {proto}")


@cases.case("the built-in network: paths that depend on the flow")
def _():
    with SimLab("builtin") as lab:
        for family in (4, 6):
            target = lab.target(family)
            by_truth = {}  # the first port for each way across the Pacific
            for sport in range(40000, 40064):
                by_truth.setdefault(tuple(lab.truth(target, "udp", sport)), sport)
            expect(len(by_truth), 2, "ways")
            for truth, sport in by_truth.items():
                expect(len(truth), 13, "length")
                expect(scamper(lab, target, "udp", sport), list(truth),
                       f"IPv{family} from port {sport}")


@cases.case("wend sees the truth, with and without privileges")
def _():
    wend = wend_tool.Wend(sys.argv[1])
    text = line(7, h2="silent icmp", h4="quote 28", h7="open tcp 443") + "mpls implicit h4 h5 h6\n"
    with SimLab(text) as lab:
        lab.ns.sysctl(ipv4__ping_group_range=f"0 {netns.unprivileged_gid()}")
        for family in (4, 6):
            target = lab.target(family)
            for proto in wend_tool.PROTOS:
                truth = lab.truth(target, proto, dport=443)
                for backend, nobody in (("raw", False), ("errqueue", True)):
                    got = wend.trace(lab.ns, target, "-P", proto, "--backend", backend,
                                     nobody=nobody)
                    expect(got.exits(wend_tool.REACHED).path(), truth, f"{proto}, {backend}")


@cases.case("tunnels: labels where they are told, hops where they show")
def _():
    labels = re.compile(r"<MPLS:([^>]*)>")
    for kind, want in (
            ("explicit", {3: "L=500,E=5,S=1,T=1", 4: "L=600,E=5,S=1,T=1"}),
            ("implicit", {}),
            ("opaque", {3: "L=700,E=5,S=1,T=253"}),
            ("invisible", {})):
        text = line(6) + f"mpls {kind} h2 h3 h4 h5 labels 500 600 700 tc 5\n"
        with SimLab(text) as lab:
            for family in (4, 6):
                target = lab.target(family)
                out = peers.traceroute_text(lab.ns, target, "-e")
                expect(peers.parse_hops(labels.sub("", out)), lab.truth(target), kind)
                found = {ttl: labels.search(rest).group(1) for ttl, rest in peers.hop_lines(out)
                         if labels.search(rest)}
                expect(found, want, f"{kind}: labels")


@cases.case("destination NAT: the target's address from every hop behind")
def _():
    text = line(4, h2="nat dest 192.0.2.80 to 10.0.4.1") + "target 192.0.2.80\n"
    text = text.replace("target h4\n", "")
    with SimLab(text) as lab:
        truth = lab.truth("192.0.2.80")
        expect(truth, ["10.0.1.1", "10.0.2.1", "192.0.2.80", "192.0.2.80"], "truth")
        expect(peers.traceroute(lab.ns, "192.0.2.80"), truth, "traceroute")
        expect(mtr(lab, "192.0.2.80"), truth[:3], "mtr stops at the first")


@cases.case("source NAT: translated back, nobody notices; quotes kept, nobody gets through")
def _():
    for keep, want in (("", ["10.0.1.1", "10.0.2.1", "10.0.3.1", "10.0.4.1"]),
                       ("port-shift 9 keep-quotes", ["10.0.1.1", "10.0.2.1"])):
        with SimLab(line(4, h2=f"nat source 192.0.2.1 {keep}")) as lab:
            path = peers.traceroute(lab.ns, lab.target(4), "udp", "-m", "6")
            expect(path, want, keep)


@cases.case("refusals: each mark at its hop")
def _():
    for options, mark4, mark6 in (("unreachable host", "!H", "!H"), ("unreachable net", "!N", "!N"),
                                  ("unreachable admin", "!X", "!X"),
                                  ("unreachable source-route", "!S", None),
                                  ("unreachable cutoff", "!C", None)):
        with SimLab(line(5, h3=options)) as lab:
            for family, mark in ((4, mark4), (6, mark6)):
                if not mark:
                    continue
                out = peers.traceroute_text(lab.ns, lab.target(family))
                last = peers.hop_lines(out)[-1]
                expect((last[0], last[1].endswith(mark)), (3, True),
                       f"{options}, IPv{family}: {last}")


@cases.case("a filter rejects behind the TTL check: the same router twice")
def _():
    with SimLab(line(5, h3="reject admin")) as lab:
        for family in (4, 6):
            target = lab.target(family)
            truth = lab.truth(target)
            expect(truth[2], truth[3], "truth")
            expect(peers.traceroute(lab.ns, target), truth, f"IPv{family}")


@cases.case("tracepath finds the MTU, step by step")
def _():
    text = line(5, l2="delay 1ms mtu 1400", l4="delay 1ms mtu 1300", l1="delay 1ms mtu 1500")
    with SimLab(text) as lab:
        for family in (4, 6):
            out = lab.output(peers.find("tracepath"), f"-{family}", "-n", lab.target(family))
            found = re.findall(r"^\s*(\d+)[:?].*pmtu (\d+)$", out, re.M)
            expect([m for _, m in found], ["1500", "1400", "1300"], out)
            expect("reached" in out and "Resume: pmtu 1300 hops 5 back 5" in out, True, out)


@cases.case("a limited router answers its burst, then its rate")
def _():
    with SimLab(line(4, h2="limit 1/h burst 6")) as lab:
        out = lab.output(peers.find(peers.TRACEROUTE, "traceroute"), "-n", "-q10", "-w0.5", "-f2",
                         "-m2", "-I", lab.target(4))
        expect((out.count(" ms"), out.count("*")), (6, 4), out)


@cases.case("loops and zero TTL look as they do in the wild")
def _():
    with SimLab(line(5) + "route h3 via h2\n") as lab:
        target = lab.target(4)
        expect(peers.traceroute(lab.ns, target, "udp", "-m", "9"), lab.truth(target)[:9], "loop")
    with SimLab(line(5, h2="zero-ttl")) as lab:
        target = lab.target(6)
        truth = lab.truth(target)
        expect(truth[1], truth[2], "truth")
        expect(peers.traceroute(lab.ns, target), truth, "zero TTL")


@cases.case("delays are kept")
def _():
    """What the kernel, the reader and we add is small against the 2 ms of each hop."""
    with SimLab(line(8, links="delay 1ms")) as lab:
        added = []
        for _ in range(3):
            out = peers.traceroute_text(lab.ns, lab.target(4), "-I", "-N1")
            for ttl, rest in peers.hop_lines(out):
                added.append(float(re.search(r"([\d.]+) ms", rest).group(1)) - 2 * ttl)
        print(f"# added: median {statistics.median(added) * 1000:.0f} us, "
              f"least {min(added) * 1000:.0f} us")
        expect(min(added) >= 0, True, "nothing is too early")
        expect(statistics.median(added) < 1, True, f"added ms: {added}")


@cases.case("nothing is left, whatever ends it")
def _():
    for number, code in ((signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -9)):
        with SimLab(line(2)) as lab:
            expect(lab.device in lab.output("ip", "-br", "link"), True, "device")
            expect(lab.stop(number), code, "exit code")
            expect(lab.device in lab.output("ip", "-br", "link"), False, "device left")
            expect(lab.output("ip", "route").strip(), "", "routes left")


@cases.case("bad use: one clear line each")
def _():
    run = wend_tool.Wend(sys.argv[1]).run
    ns = netns.Netns("bad")
    with tempfile.NamedTemporaryFile("w", dir=netns.PRIVATE_DIR) as bad:
        bad.write("source s\nhost s addr 10.0.0.1\nlink s t delay 4\n")
        bad.flush()
        run(ns, "lab", bad.name).exits(2).says("line 3, column 8", "no node t")
    run(ns, "lab").exits(2).says("topology")
    run(ns, "lab", "--bogus", "builtin").exits(2).says("--bogus")
    run(ns, "lab", "builtin", "builtin").exits(2).says("too many")
    run(ns, "lab", "--tun").exits(2).says("value")
    run(ns, "lab", "--seed", "x", "builtin").exits(2).says("--seed")
    run(ns, "lab", "--tun", "a/b", "builtin").exits(2).says("a/b")
    run(ns, "lab", "/nowhere/at/all").exits(3).says("/nowhere/at/all")
    run(ns, "lab", "builtin", nobody=True).exits(3).says("root")
    with SimLab("builtin") as lab:
        run(lab.ns, "lab", "--tun", lab.device, "builtin").exits(3).says(lab.device, "already")
    ns.close()


sys.exit(cases.main(only(), side_by_side=4))
