# SPDX-License-Identifier: Apache-2.0
"""Words: help, completions, the manual page, and every mistake a user can make."""

import difflib
import os
import re
import shutil
import subprocess
import sys

from program import FAILED, REACHED, UNRESOLVED, USAGE, Cases, Skip, chain, expect, only, run, \
    topology

cases = Cases()
HERE = os.path.dirname(os.path.abspath(__file__))
UPDATE = "--update" in sys.argv  # writes the golden files anew

MISTAKES = [
    ("ttl 0", ("-m", "0", "h"), ("--max-ttl 0", "1 to 255")),
    ("ttl 256", ("--max-ttl=256", "h"), ("--max-ttl 256", "1 to 255")),
    ("first ttl 0", ("-f0", "h"), ("--first-ttl 0",)),
    ("no probes", ("-q", "0", "h"), ("--probes 0", "1 to 64")),
    ("bad port", ("-p", "70000", "h"), ("--port 70000", "1 to 65535")),
    ("bad port behind a colon", ("h:x",), ("port x", "1 to 65535")),
    ("two ports", ("-p", "1", "h:2"), ("contradicts --port 1",)),
    ("protocol", ("-P", "igmp", "h"), ("udp,icmp,tcp,auto",)),
    ("typing error", ("--max-tll", "3", "h"), ("did you mean --max-ttl?",)),
    ("ambiguous", ("--s", "3", "h"), ("ambiguous", "--size", "--source")),
    ("value missing", ("h", "-m"), ("--max-ttl needs a value",)),
    ("short option", ("-Z", "h"), ("unknown option -Z",)),
    ("order of TTLs", ("-f", "9", "-m", "8", "h"), ("--first-ttl 9", "--max-ttl 8")),
    ("two families", ("-46", "h"), ("--ipv4", "--ipv6")),
    ("wrong family", ("-4", "2001:db8::1"), ("-4", "IPv6")),
    ("tos and dscp", ("--tos", "1", "--dscp", "ef", "h"), ("--tos", "--dscp")),
    ("too small", ("--size", "20", "h"), ("--size 20", "38 bytes")),
    ("MTU over TCP", ("--mtu", "-P", "tcp", "h"), ("--mtu", "-P udp", "-P icmp")),
    ("MTU of all", ("--mtu", "-P", "auto", "h"), ("--mtu", "-P udp")),
    ("MTU and size", ("--mtu", "--size", "100", "h"), ("--mtu", "--size")),
    ("MTU of all paths", ("paths", "--mtu", "h"), ("--mtu", "one path")),
    ("MTU of classic flows", ("--mtu", "--flow", "classic", "h"), ("--flow classic",)),
    ("MTU in classic output", ("--mtu", "--format", "classic", "h"), ("--format classic",)),
    ("ports of ICMP", ("-P", "icmp", "h:80"), ("ICMP has no ports",)),
    ("back end of a simulation", ("--sim", "builtin", "--backend", "raw"), ("--sim", "--backend")),
    ("no target", ("-n",), ("no target",)),
    ("two targets", ("a", "b"), ("b is one operand too many",)),
    ("a command that is none", ("btach", "list"), ("list is one operand too many behind btach",
                                                   "did you mean wend batch?")),
    ("IPv4 address", ("1.2.3.400",), ("not an IPv4 address",)),
    ("IPv6 address", ("1:2:3",), ("not an IPv6 address",)),
    ("URL", ("http://example.org",), ("URL",)),
    ("empty target", ("",), ("empty",)),
    ("control characters", ("a\nb\x1b[2J",), ("\\x0a",)),
    ("unknown command to help", ("help", "tarce"), ("no command tarce",)),
    ("unknown shell", ("completion", "csh"), ("bash, zsh or fish",)),
    ("words after version", ("version", "x"), ("version takes no x",)),
]


for what, args, words in MISTAKES:
    @cases.case(f"mistake: {what}", args, words)
    def mistake(args, words):
        res = run(*args).exits(USAGE).says(*words)
        expect(res.out, "", "stdout")


@cases.case("without any word: short usage on stderr")
def nothing():
    res = run().exits(USAGE)
    if not res.err.startswith("Usage: wend "):
        raise AssertionError(repr(res))


@cases.case("a topology with an error: line and column")
def bad_topology():
    path = topology("source me\ntarget dst\nhost me addr 192.0.2.300\n")
    run("--sim", path).exits(USAGE).says(path, "line 3", "column")


@cases.case("a topology that is not there")
def no_topology():
    run("--sim", "/nonexistent.topo").exits(FAILED).says("/nonexistent.topo", "No such file")


@cases.case("a topology that is a directory")
def directory_topology():
    run("--sim", "/tmp").exits(FAILED).says("/tmp")


@cases.case("a topology without a default target")
def no_default_target():
    path = topology("source me\nhost me addr 192.0.2.1\nhost b addr 192.0.2.2\nlink me b\n")
    run("--sim", path).exits(USAGE).says("target")


@cases.case("a name that is not in the simulated network")
def sim_unresolved():
    run("--sim", chain(2), "nobody.example").exits(UNRESOLVED).says("nobody.example")


@cases.case("an interface that is not there")
def no_interface():
    run("-n", "-i", "wendnope0", "127.0.0.1").exits(FAILED).says("wendnope0")


@cases.case("a source address that is not ours")
def foreign_source():
    run("-n", "-s", "192.0.2.77", "127.0.0.1").exits(FAILED).says("192.0.2.77")


@cases.case("an output file that cannot be opened")
def unwritable():
    run("-o", "/nonexistent/x", "--sim", chain(2)).exits(FAILED).says("/nonexistent/x",
                                                                     "No such file")


@cases.case("raw sockets without permission: what to do")
def no_permission():
    who = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        res = run("-n", "--backend", "raw", "127.0.0.1", **who)
    except PermissionError:
        raise Skip("nobody cannot read the program here") from None
    res.exits(FAILED).says("CAP_NET_RAW", "--backend errqueue")


def golden(name, text):
    path = os.path.join(HERE, "golden", name)
    if UPDATE:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    with open(path, encoding="utf-8") as f:
        want = f.read()
    if text != want:
        raise AssertionError("".join(difflib.unified_diff(
            want.splitlines(True), text.splitlines(True), name, "now")))


@cases.case("wend --help is what it was")
def help_golden():
    res = run("--help").exits(REACHED).silent()
    golden("help.txt", res.out)
    expect(run("help").out, res.out, "wend help")


for command in ("trace", "explain", "batch", "pipe", "lab", "help", "version", "completion", "man"):
    @cases.case(f"wend help {command} is what it was", command)
    def help_command(command):
        golden(f"help-{command}.txt", run("help", command).exits(REACHED).silent().out)


@cases.case("wend trace --help is wend help trace")
def help_trace():
    expect(run("trace", "--help").out, run("help", "trace").out, "help")


@cases.case("--help comes before any other complaint about targets")
def help_wins():
    run("-h", "-m", "3").exits(REACHED)


@cases.case("version")
def version():
    res = run("--version").exits(REACHED).silent().prints("wend 0.", "libuv", "c-ares")
    expect(run("version").out, res.out, "wend version")
    expect(run("-V").out, res.out, "wend -V")


@cases.case("the manual page is without fault")
def manual():
    page = run("man").exits(REACHED).silent().out
    if not shutil.which("mandoc"):
        raise Skip("no mandoc")
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=page, text=True,
                          capture_output=True)
    expect(lint.stdout, "", "mandoc")
    shown = subprocess.run(["mandoc", "-T", "utf8"], input=page, text=True, capture_output=True)
    plain = re.sub(".\b", "", shown.stdout)  # bold is written by overstriking
    for word in ("--max-ttl", "EXIT STATUS", "33434"):
        if word not in plain:
            raise AssertionError(f"no {word} in the page")


@cases.case("bash completes commands, options and values")
def bash_completion():
    script = run("completion", "bash").exits(REACHED).silent().out
    ask = script + """
ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wend; echo "${COMPREPLY[*]}"; }
ask wend vers
ask wend --max
ask wend -P u
ask wend trace --format json
ask wend completion z
ask wend help la
ask wend --format =
ask wend --format = c
ask wend lab --s
ask wend lab --tun x
cd "$(mktemp -d)" || exit
touch 'a b.topo'
ask wend lab ''
ask wend --sim ''
ask wend explain 'a '
ask wend explain --max
ask wend batch 'a '
ask wend batch --par
ask wend batch --form
ask wend --par
rm 'a b.topo'
rmdir "$PWD"
"""
    res = subprocess.run(["bash", "--norc", "-c", ask], text=True, capture_output=True)
    expect((res.stdout, res.stderr), (
        "version\n--max-ttl\nudp\njson jsonl\nzsh\nlab\ntable json jsonl classic tree dot\nclassic\n"
        "--seed\n\n--tun --seed builtin a b.topo\nbuiltin a b.topo\na b.topo\n"
        "--max-ttl\na b.topo\n--parallel\n\n\n", ""))


for shell, check in (("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
    @cases.case(f"{shell} can read its completions", shell, check)
    def shell_syntax(shell, check):
        script = run("completion", shell).exits(REACHED).silent().out
        if not shutil.which(shell):
            raise Skip(f"no {shell}")
        res = subprocess.run(check, input=script, text=True, capture_output=True)
        expect((res.returncode, res.stderr), (0, ""))


if __name__ == "__main__":
    sys.exit(cases.main(None if UPDATE else only()))
