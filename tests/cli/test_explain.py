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


def says_end(sim, *words, options=("-w", "50ms")):
    """A trace that never arrives says so and why: when it is made, when it was saved, as data."""
    res = run("explain", "--sim", sim, *options).exits(UNREACHED).silent()
    res.prints("The target was not reached.", *words)
    if "Nothing unusual" in res.out:
        raise AssertionError(f"all clear for a trace that did not arrive\n{res!r}")
    file, _ = record("end.jsonl", "--sim", sim, *options)
    run("explain", file).exits(REACHED).silent().prints("The target was not reached.", *words)
    return run("explain", "--format", "json", file).exits(REACHED).silent().doc


@cases.case("how a trace that did not arrive ended")
def ends():
    doc = says_end(chain(6, router={4: "blackhole"}), "silent hops after hop 4")
    expect((doc["reached"], doc["stop"]["reason"]), (False, "gap"))
    doc = says_end(chain(6, router={4: "reject admin"}), "Stopped at hop 5", "(!X)")
    expect((doc["stop"]["reason"], doc["stop"]["ttl"]), ("unreachable", 5))
    doc = says_end(chain(6, target="\nroute r4 via r3"), "a routing loop")
    expect(doc["stop"]["reason"], "loop")


@cases.case("notes of the run are shown")
def notes():
    with open(record("note.jsonl", "--sim", chain(4))[0], "rb") as f:
        lines = f.read().splitlines(keepends=True)
    lines.insert(3, b'{"event": "note", "trace": 0, "at_ns": 5, "note": "text", "value": 0, '
                    b'"text": "routers are not pinged: of this"}\n')
    file = write("note.jsonl", b"".join(lines))
    run("explain", file).exits(REACHED).silent().prints("Note: routers are not pinged: of this.")
    doc = run("explain", "--format", "json", file).exits(REACHED).doc
    expect([n["text"] for n in doc["notes"]], ["routers are not pinged: of this"])


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
    ("cut in the middle", 4, lambda line: [line[:50] + b"\n"], ("line 4", "not JSON")),
    ("a number out of range", 2,
     lambda line: [line.replace(b'"ttl":1,', b'"ttl":999,').replace(b'"ttl": 1,', b'"ttl": 999,')],
     ("line 2", "ttl", "out of range")),
    ("the same line twice", 2, lambda line: [line, line], ("line 3", "does not fit")),
    ("a second start", 1, lambda line: [line, line], ("line 2", "does not fit")),
    ("control characters", 3, lambda line: [b"\x1b[2J\x07\n"], ("line 3",)),
    ("too many parts", 2,
     lambda line: [line.replace(b'"trace":0', b'"trace":9').replace(b'"trace": 0', b'"trace": 9')],
     ("line 2", "parts")),
    ("a line without end", 3, lambda line: [b"x" * 600000 + b"\n"], ("line 3",)),
]


for what, number, change, words in BAD:
    @cases.case(f"a bad line is named, the rest is explained: {what}",
                number, change, words)
    def bad(number, change, words):
        file = write("bad.jsonl", bad_line(number, change))
        res = run("explain", file).exits(USAGE).prints("Findings of the trace to", "4 hops")
        lines = res.err.splitlines()
        if not all(word in lines[0] for word in (file, "left out", *words)):
            raise AssertionError(f"the first line on stderr should have {words}\n{res!r}")
        # A probe that is not known any more takes what became of it along.
        if not all("does not fit" in line for line in lines[1:]) or len(lines) > 3:
            raise AssertionError(repr(res))


@cases.case("many bad lines: some are named, the others counted")
def many_bad():
    file = write("many.jsonl", bad_line(2, lambda line: [line] + [b"hello\n"] * 9))
    res = run("explain", file).exits(USAGE).prints("Nothing unusual")
    expect([line.split(": ", 2)[2].split(":")[0] for line in res.err.splitlines()],
           ["line 3", "line 4", "line 5", "6 more lines were left out"], "stderr")
    expect(run("explain", "--format", "json", file).exits(USAGE).doc["partial"], False)


@cases.case("two records one after the other: the first is explained, and that is said")
def two():
    with open(record("one.jsonl", "--sim", chain(6, router=NAT), "--dscp", "ef")[0], "rb") as f:
        one = f.read()
    with open(record("other.jsonl", "--sim", chain(4))[0], "rb") as f:
        other = f.read()
    count = len(one.splitlines())
    for name, data, at in (("same", one + one, count), ("other", one + other, count),
                           ("killed", b"".join(one.splitlines(True)[:-1]) + other, count - 1)):
        res = run("explain", write(name, data)).exits(USAGE)
        res.says(f"line {at + 1}", "another record", "the first")
        expect(len(sentences(res.out)), 2, f"findings of {name}")


@cases.case("what is no record at all is one clear line")
def no_record():
    good = bad_line(1, lambda line: [])
    for name, data, words in (
            ("no start", good, ("line 1", "does not fit", "--format jsonl")),
            ("junk", b"\0\1\2" * 1000, ("line 1", "--format jsonl")),
            ("hellos", b"hello\n" * 5000, ("line 1", "not JSON")),
            ("endless", b"x" * 3000000, ("line 1", "too long")),
            ("cut", good.splitlines()[0][:40], ("line 1",))):
        res = run("explain", write("none.jsonl", data)).exits(USAGE)
        res.says("there is no trace in it", *words)
        expect((res.out, name), ("", name), "stdout")


@cases.case("input without end that is no record ends at once")
def endless():
    run("explain", "/dev/zero").exits(USAGE).says("no trace in it")


@cases.case("a JSON document is no record, and the line says what would be")
def document():
    run("--format", "json", "-o", path("doc.json"), "--sim", chain(4))
    run("explain", path("doc.json")).exits(USAGE).says("JSON document", "--format jsonl")
    file, _ = record("rec.jsonl", "--sim", chain(4))
    run("explain", "--format", "json", "-o", path("found.json"), file).exits(REACHED)
    run("explain", path("found.json")).exits(USAGE).says("JSON document")
    with open(path("doc.json"), encoding="utf-8") as f:
        short = json.dumps(json.load(f), separators=(",", ":"))
    run("explain", write("short.json", short.encode())).exits(USAGE).says("JSON document")


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
    file = write("b.jsonl", b"\n".join(lines[:-2]))
    run("explain", file).exits(REACHED).silent().prints("Nothing unusual", ", partial:",
                                                        "ends without its end")
    expect(run("explain", "--format", "json", file).exits(REACHED).doc["partial"], True)
    cut = write("c.jsonl", b"\n".join(lines)[:-30])
    run("explain", cut).exits(REACHED).silent().prints("ends without its end")


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
