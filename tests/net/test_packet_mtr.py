#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The mtr that Debian ships, with MTR_PACKET naming the program: every way it shows a path.

    test_packet_mtr.py PROGRAM [CASES]      PROGRAM may be Debian's mtr-packet
"""

import csv
import io
import json
import os
import re
import select
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
from lab import refused  # noqa: E402
from packet import EVERYBODY, NOBODY, ROOT, PacketCases, as_whom, environment, open_chain  # noqa: E402
from peers import find  # noqa: E402
from tap import expect, only  # noqa: E402

netns.enclose()
cases = PacketCases()
MTR = find("mtr")
OPTION = {"icmp": (), "udp": ("-u",), "tcp": ("-T",)}
LIMIT_S = 40
HOPS = 5


def surroundings():
    return dict(environment(), MTR_PACKET=cases.program, TERM="xterm", LC_ALL="C.UTF-8")


def uses_ours(mtr):
    """mtr takes another mtr-packet without a word when it cannot run the one it was given."""
    end = time.monotonic() + LIMIT_S
    while mtr.poll() is None and time.monotonic() < end:
        try:
            with open(f"/proc/{mtr.pid}/task/{mtr.pid}/children", encoding="ascii") as f:
                children = f.read().split()
            found = {os.readlink(f"/proc/{child}/exe") for child in children}
        except OSError:  # one of them is just ending
            continue
        packets = {f for f in found if f != os.path.realpath(MTR)}
        if packets:
            expect(packets, {cases.program}, "what mtr has started")
            return
    raise AssertionError("mtr never started a program for packets")


def start(lab, *arguments, who=ROOT, **options):
    interval = "1" if who != ROOT else "0.1"
    argv = as_whom([MTR, "-n", "-i", interval, *arguments], who)
    return lab.src.popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=surroundings(), **options)


def run(lab, *arguments, who=ROOT, cycles=2):
    """What a run of mtr that ends shows."""
    mtr = start(lab, "-c", str(cycles), "-G", "1", *arguments, who=who, stdin=subprocess.DEVNULL)
    uses_ours(mtr)
    out, err = mtr.communicate(timeout=LIMIT_S)
    expect((mtr.returncode, err.decode()), (0, ""), "its end")
    return out.decode()


def hubs(text):
    """[(TTL, who, loss in percent)] of a JSON report."""
    return [(h["count"], h["host"], h["Loss%"]) for h in json.loads(text)["report"]["hubs"]]


def whole(lab, family):
    return [(ttl, address, 0.0) for ttl, address in enumerate(lab.path(family), 1)]


def read_report(text):
    rows = re.findall(r"^ *(\d+)\.\|-- (\S+) +([0-9.]+)% +(\d+)", text, re.M)
    return [(int(ttl), host, float(loss)) for ttl, host, loss, _ in rows]


def read_xml(text):
    return [(int(hub.get("COUNT")), hub.get("HOST"), float(hub.find("Loss").text.strip(" %")))
            for hub in ElementTree.fromstring(text).iter("HUB")]


def read_csv(text):
    rows = list(csv.reader(io.StringIO(text)))
    hop, ip, loss = (rows[0].index(name) for name in ("Hop", "Ip", "Loss%"))
    return [(int(row[hop]), row[ip], float(row[loss])) for row in rows[1:] if row]


def read_raw(text):
    """h: who; x: sent; p: answered, all by position. Asked before it is known where the target is,
    positions behind it show it, too."""
    hosts, sent, answered = {}, {}, {}
    for line in text.splitlines():
        kind, position, *rest = line.split()
        at = int(position) + 1
        if kind == "h":
            hosts[at] = rest[0]
        elif kind in "xp":
            count = sent if kind == "x" else answered
            count[at] = count.get(at, 0) + 1
    last = min(at for at in hosts if hosts[at] == hosts[max(hosts)])
    return [(at, hosts[at], 100.0 * (1 - answered[at] / sent[at])) for at in sorted(hosts)
            if at <= last]


FORMATS = {"report": ("-r", read_report), "wide report": ("-w", read_report), "JSON": ("-j", hubs),
           "XML": ("-x", read_xml), "CSV": ("-C", read_csv), "raw": ("-l", read_raw)}


def formats(option, read, family):
    with open_chain(HOPS) as lab:
        expect(read(run(lab, option, f"-{family}", lab.target(family))), whole(lab, family), "hops")


for name, (option, read) in FORMATS.items():
    for family in (4, 6):
        cases.case(f"{name}, IPv{family}", option, read, family)(formats)


def every_way(family, proto, who):
    """Without privileges it asks for one second between rounds, hence a single one."""
    with open_chain(HOPS) as lab:
        got = hubs(run(lab, "-j", *OPTION[proto], f"-{family}", lab.target(family), who=who,
                       cycles=3 if who == ROOT else 1))
        expect(got, whole(lab, family), "hops")


for family in (4, 6):
    for proto in OPTION:
        for who in EVERYBODY:
            mute = who == NOBODY and proto != "icmp"
            cases.case(f"all hops without loss, IPv{family}, {proto}, {who}", family, proto, who,
                       original="no errors without privileges" if mute else None)(every_way)


@cases.case("options of mtr: size, pattern, TOS, ports, source, first TTL", ROOT)
@cases.case("the same without privileges", NOBODY)
def _(who):
    with open_chain(HOPS) as lab:
        for more in (("-s", "200", "-B", "165", "-Q", "184"), ("-a", "10.9.1.1"), ("-s", "1400")):
            got = hubs(run(lab, "-j", "-4", *more, lab.target(4), who=who, cycles=1))
            expect(got, whole(lab, 4), f"{more}")
        got = hubs(run(lab, "-j", "-4", "-f", "3", lab.target(4), who=who, cycles=1))
        expect([hub for hub in got if hub[0] >= 3], whole(lab, 4)[2:], "from TTL 3 on")


@cases.case("UDP with its ports given", "-u", 4)
@cases.case("UDP with its ports given, IPv6", "-u", 6, original="IPv6 with both never answers")
def _(option, family):
    with open_chain(HOPS) as lab:
        for more in (("-P", "7000"), ("-L", "4000"), ("-P", "7000", "-L", "4000")):
            got = hubs(run(lab, "-j", option, f"-{family}", *more, lab.target(family)))
            expect(got, whole(lab, family), f"{more}")


@cases.case("a mark is said to be unsupported, and nothing is shown without it",
            original="it keeps the capability that marks take")
def _():
    """It was asked by check-support: mtr ends before any probe."""
    with open_chain(HOPS) as lab:
        mtr = start(lab, "-j", "-4", "-c", "1", "-M", "77", lab.target(4), stdin=subprocess.DEVNULL)
        out, err = mtr.communicate(timeout=LIMIT_S)
        expect((mtr.returncode, out), (1, b""), "its end")
        expect(b"Packet type unsupported" in err, True, err)


@cases.case("silent hops and loss are shown as such")
def _():
    with open_chain(HOPS, silent=(2,)) as lab:
        lab.node(3).nft("table ip lossy {", "chain f { type filter hook forward priority 0;",
                        "ip daddr 10.9.5.2 ip ttl 2 numgen inc mod 4 3 drop", "}", "}")
        got = hubs(run(lab, "-j", "-4", lab.target(4), cycles=20))
        expect([h[1] for h in got], ["10.9.1.2", "???", "10.9.3.2", "10.9.4.2", "10.9.5.2"], "who")
        expect([h[2] for h in got], [0.0, 100.0, 0.0, 0.0, 25.0], "loss")


@cases.case("a refusal on the way ends the path, and mtr goes on", ROOT)
@cases.case("a refusal without privileges", NOBODY)
def _(who):
    with open_chain(HOPS) as lab:
        lab.node(3).nft("table ip refuse {", "chain f { type filter hook forward priority 0;",
                        f"ip daddr {refused(4, 'dead')} reject with icmp type host-unreachable",
                        "}", "}")
        got = hubs(run(lab, "-j", "-4", refused(4, "dead"), who=who, cycles=1))
        expect(got[:3], whole(lab, 4)[:3], "hops")


@cases.case("split")
def _():
    """It ends by the key q; its lines are read as they come."""
    with open_chain(HOPS) as lab:
        mtr = lab.src.popen(["stdbuf", "-oL", MTR, "-n", "-i", "0.1", "-p", "-4", lab.target(4)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=surroundings(),
                            bufsize=0)
        uses_ours(mtr)
        shown = {}
        while set(shown.values()) != set(lab.path(4)):
            line = mtr.stdout.readline().decode()
            expect(line != "", True, f"it ended with {shown}")
            row = line.split()
            if len(row) > 2 and row[0].isdigit():
                shown[int(row[0])] = row[1]
        expect([shown[ttl] for ttl in sorted(shown)], lab.path(4), "hops")
        mtr.kill()
        mtr.communicate()


class Terminal:
    """tmux shows what a person would see. Its server belongs to this case alone."""

    def __init__(self, lab, *argv):
        self._lab = lab
        self._tmux = [find("tmux"), "-S", f"{netns.PRIVATE_DIR}/tmux.{os.getpid()}", "-f",
                      "/dev/null"]
        self._news_path = f"{netns.PRIVATE_DIR}/tmux.news.{os.getpid()}"
        os.mkfifo(self._news_path)
        self._news = os.open(self._news_path, os.O_RDWR | os.O_NONBLOCK)  # has all that is drawn
        self._run("new-session", "-d", "-x", "80", "-y", "24", *argv)
        self._run("pipe-pane", f"cat > {self._news_path}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._run("kill-server")
        os.close(self._news)
        os.unlink(self._news_path)

    def _run(self, *arguments):
        return self._lab.src.run(self._tmux + list(arguments), env=surroundings(), text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout

    def keys(self, *keys):
        self._run("send-keys", *keys)

    def lines(self):
        return self._run("capture-pane", "-p").splitlines()

    def until(self, what):
        """The screen on which what(lines) holds."""
        end = time.monotonic() + LIMIT_S
        while True:
            shown = self.lines()
            if what(shown):
                return shown
            if not select.select([self._news], [], [], max(0, end - time.monotonic()))[0]:
                break
            os.read(self._news, 1 << 16)
        raise AssertionError("never shown; last:\n" + "\n".join(shown))

    def pid(self):
        return int(self._run("display-message", "-p", "#{pane_pid}"))


def rows(shown):
    return re.findall(r"^ *(\d+)\. (\S+) +([0-9.]+)% +(\d+)", "\n".join(shown), re.M)


class Watched:
    """A process that is not our child, as uses_ours() asks about it."""

    def __init__(self, pid):
        self.pid = pid

    def poll(self):
        return None if os.path.exists(f"/proc/{self.pid}") else 0


def curses(family, proto, who):
    with open_chain(HOPS) as lab:
        argv = as_whom([MTR, "-n", *OPTION[proto], f"-{family}", lab.target(family)], who)
        with Terminal(lab, *argv) as term:
            want = lab.path(family)
            shown = term.until(lambda lines: [r[1] for r in rows(lines)] == want
                               and min(int(r[3]) for r in rows(lines)) >= 2)
            uses_ours(Watched(term.pid()))
            got = [(int(r[0]), r[1], float(r[2])) for r in rows(shown)]
            expect(got, whole(lab, family), "hops")
            term.keys("r")  # statistics from the start
            term.until(lambda lines: [r[1] for r in rows(lines)] == want)
            term.keys("q")


for family in (4, 6):
    for proto in OPTION:
        cases.case(f"curses, IPv{family}, {proto}", family, proto, ROOT)(curses)
cases.case("curses, nobody", 4, "icmp", NOBODY)(curses)


sys.exit(cases.main(only(), side_by_side=4))
