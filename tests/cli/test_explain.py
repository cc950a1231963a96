# SPDX-License-Identifier: Apache-2.0
"""wend explain: of hosts and of records, good ones and bad ones."""

import json
import os
import subprocess
import sys
import tempfile

from program import FAILED, PROGRAM, REACHED, UNREACHED, UNRESOLVED, USAGE, Cases, chain, \
    environment, expect, only, run

cases = Cases()
NAT = {2: "nat source 192.0.2.7 keep-quotes", 4: "dscp 0"}
_directory = tempfile.TemporaryDirectory(prefix="wend-explain-")
os.chmod(_directory.name, 0o755)


def path(name):
    return os.path.join(_directory.name, name)


def record(name, *args):
    """A trace saved as event lines; its file."""
    res = run("--format", "jsonl", "-o", path(name), *args)
    os.chmod(path(name), 0o644)
    return path(name), res


def write(name, data):
    with open(path(name), "wb") as f:
        f.write(data)
    return path(name)


def kinds(doc):
    return [(f["kind"], f["first"]["ttl"]) for f in doc["findings"]]


def lasting(doc):
    """What two traces of one network have in common: not how many probes it took."""
    return [(f["kind"], f["certainty"], f["before"], f["first"], f["last"], f["text"])
            for f in doc["findings"]]


def sentences(text):
    """The findings without their evidence."""
    return [line for line in text.splitlines() if line[0].isdigit()]


@cases.case("a trace made now: sentences with evidence, names and the exit code of a trace")
def host():
    res = run("explain", "--sim", chain(6, router=NAT), "--dscp", "ef").exits(REACHED).silent()
    res.prints("Findings of the trace to dst.example (203.0.113.9), UDP to port 33434, 6 hops",
               "1. Address translation between hop 2 (r2.example, 198.51.100.2) and hop 3",
               "Evidence (certain): ", "2. The DSCP is rewritten from 46 to 0 between hop 4")
    if "TTL  Host" in res.out or "\x1b" in res.out:
        raise AssertionError(f"more than findings\n{res!r}")
    numeric = run("explain", "-n", "--sim", chain(6, router=NAT)).exits(REACHED)
    if "example" in numeric.out.split("\n", 2)[2]:
        raise AssertionError(f"names in spite of -n\n{numeric!r}")
    run("explain", "--sim", chain(6, router={4: "blackhole"}), "-w", "50ms").exits(UNREACHED)


@cases.case("nothing to tell")
def nothing():
    run("explain", "--sim", chain(4)).exits(REACHED).silent().prints("Nothing unusual was seen.")


@cases.case("a saved trace says the same, from a file and from standard input")
def saved():
    file, _ = record("nat.jsonl", "--sim", chain(6, router=NAT), "--dscp", "ef")
    said = run("explain", file).exits(REACHED).silent().out
    live = run("explain", "--sim", chain(6, router=NAT), "--dscp", "ef").out
    expect(sentences(said), sentences(live), "explain FILE and HOST")
    expect(len(sentences(said)), 2, "findings")
    here = subprocess.run([PROGRAM, "explain", "nat.jsonl"], cwd=_directory.name, text=True,
                          capture_output=True, env=environment(), check=True)
    expect(here.stdout, said, "explain of a file in this directory")
    with open(file, encoding="utf-8") as f:
        piped = subprocess.run([PROGRAM, "explain", "-"], stdin=f, text=True,
                               capture_output=True, env=environment(), check=True)
    expect((piped.stdout, piped.stderr), (said, ""), "explain -")


@cases.case("the record of a trace that was not reached is explained all the same")
def unreached_record():
    file, _ = record("hole.jsonl", "--sim", chain(6, router={4: "blackhole"}), "-w", "50ms")
    run("explain", file).exits(REACHED).silent().prints("Findings of the trace to")


@cases.case("-P auto: the part that got farthest")
def auto():
    file, _ = record("auto.jsonl", "--sim", chain(6, target="filtered udp filtered icmp"),
                     "-P", "auto", "-w", "50ms")
    run("explain", file).exits(REACHED).prints("TCP SYN to port 443")


@cases.case("JSON: findings alone, and the same in the document of the trace")
def as_json():
    sim = ("--sim", chain(6, router=NAT), "--dscp", "ef")
    file, _ = record("json.jsonl", *sim)
    doc = run("explain", "--format", "json", file).exits(REACHED).silent().doc
    expect(doc["schema"], "wend.findings/1")
    expect(kinds(doc), [("nat", 3), ("dscp-rewritten", 5)])
    nat = doc["findings"][0]
    expect(nat["certainty"], "certain")
    expect((nat["before"]["ttl"], nat["before"]["address"]), (2, "198.51.100.2"))
    expect((nat["figures"]["source_before"], nat["figures"]["source_after"]),
           ("192.0.2.100", "192.0.2.7"))
    expect(nat["figures"]["destination_after"], None)
    expect(len(nat["probe_ids"]), 8)
    if not nat["text"].startswith("Address translation between hop 2 (198.51.100.2)"):
        raise AssertionError(nat["text"])
    trace = run("--format", "json", *sim).exits(REACHED).doc
    expect(lasting(trace), lasting(doc), "findings of both")
    expect(sorted(trace["findings"][0]), sorted(nat), "keys of both")
    expect(lasting(run("explain", "--format", "json", *sim).exits(REACHED).doc), lasting(doc),
           "findings of a trace made now")


@cases.case("into a file")
def output():
    file, _ = record("out.jsonl", "--sim", chain(4))
    run("explain", "-o", path("out.txt"), file).exits(REACHED).silent()
    with open(path("out.txt"), encoding="utf-8") as f:
        expect("Nothing unusual" in f.read(), True)


def bad_line(number, change):
    with open(record("good.jsonl", "--sim", chain(4))[0], "rb") as f:
        lines = f.read().splitlines(keepends=True)
    lines[number - 1:number] = change(lines[number - 1])
    return b"".join(lines)


BAD = [
    ("no JSON", 3, lambda line: [b"hello\n"], ("line 3", "not JSON")),
    ("cut in the middle", 4, lambda line: [line[:50]], ("line 4", "not JSON")),
    ("a number out of range", 2,
     lambda line: [line.replace(b'"ttl":1,', b'"ttl":999,').replace(b'"ttl": 1,', b'"ttl": 999,')],
     ("line 2", "ttl", "out of range")),
    ("the same line twice", 2, lambda line: [line, line], ("line 3", "does not fit")),
    ("a second start", 1, lambda line: [line, line], ("line 2", "does not fit")),
    ("no start", 1, lambda line: [], ("line 1", "does not fit")),
    ("control characters", 3, lambda line: [b"\x1b[2J\x07\n"], ("line 3",)),
    ("too many parts", 2,
     lambda line: [line.replace(b'"trace":0', b'"trace":9').replace(b'"trace": 0', b'"trace": 9')],
     ("line 2", "parts")),
    ("a line without end", 3, lambda line: [b"x" * 600000 + b"\n"], ("line 3",)),
]


for what, number, change, words in BAD:
    @cases.case(f"a bad line is one clear line: {what}", number, change, words)
    def bad(number, change, words):
        file = write("bad.jsonl", bad_line(number, change))
        res = run("explain", file).exits(USAGE).says(file, *words)
        expect(res.out, "", "stdout")


@cases.case("a JSON document is no record, and the line says what would be")
def document():
    run("--format", "json", "-o", path("doc.json"), "--sim", chain(4))
    run("explain", path("doc.json")).exits(USAGE).says("line 1", "--format jsonl")


@cases.case("files without a trace, or that cannot be read")
def no_trace():
    run("explain", write("empty.jsonl", b"")).exits(USAGE).says("no trace")
    run("explain", path("missing.jsonl")).exits(FAILED).says("missing.jsonl", "No such file")
    run("explain", _directory.name).exits(FAILED).says(_directory.name)


@cases.case("the last line needs no newline, blank ones are passed over, an end may be missing")
def lenient():
    with open(record("whole.jsonl", "--sim", chain(4))[0], "rb") as f:
        lines = f.read().splitlines()
    run("explain", write("a.jsonl", b"\n\n".join(lines))).exits(REACHED).silent()
    res = run("explain", write("b.jsonl", b"\n".join(lines[:-2]))).exits(REACHED).silent()
    res.prints("Nothing unusual")


@cases.case("how a file is told from a host")
def file_or_host():
    # No file of this name: a host that the simulated network does not know.
    run("explain", "--sim", chain(4), "nofile").exits(UNRESOLVED).says("nofile")
    run("explain", "./nofile").exits(FAILED).says("./nofile", "No such file")
    run("explain").exits(USAGE).says("nothing to explain")
    run("explain", "a", "b").exits(USAGE).says("one operand too many")


@cases.case("what makes no sense for a record, or for findings, is refused")
def refused():
    file, _ = record("refused.jsonl", "--sim", chain(4))
    run("explain", "-P", "tcp", file).exits(USAGE).says("--protocol", file)
    run("explain", "-q", "20", file).exits(USAGE).says("--probes")
    run("explain", "--format", "jsonl", file).exits(USAGE).says("explain has two formats")
    run("explain", "--format", "classic", "--sim", "builtin").exits(USAGE).says("two formats")


@cases.case("hostile names stay harmless")
def hostile():
    with open(record("names.jsonl", "--sim", chain(4, router={2: "dscp 0"}), "--dscp", "ef")[0],
              encoding="utf-8") as f:
        events = [json.loads(line) for line in f]
    for event in events:
        if event["event"] == "name":
            event["name"] = "\x1b]0;owned\x07\u202eevil"
    file = write("hostile.jsonl", "\n".join(json.dumps(e) for e in events).encode())
    res = run("explain", file).exits(REACHED).silent()
    res.prints("evil")
    if any(c in res.out for c in "\x1b\x07\u202e"):
        raise AssertionError(repr(res))


if __name__ == "__main__":
    sys.exit(cases.main(only()))
