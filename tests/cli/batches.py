# SPDX-License-Identifier: Apache-2.0
"""Lists, and what a batch wrote: shared by the tests of wend batch."""

import json
import os
import select
import subprocess
import tempfile

from program import PROGRAM, UNREACHED, environment, expect

SOME_LEFT = UNREACHED
HERE = tempfile.TemporaryDirectory(prefix="wend-batch-")
os.chmod(HERE.name, 0o755)


def path(name):
    return os.path.join(HERE.name, name)


def listed(text, name="list"):
    """A file with this list."""
    with open(path(name), "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    return f.name


def gone(name):
    if os.path.exists(path(name)):
        os.unlink(path(name))
    return path(name)


def records(text):
    """By line; each line has one record, which is whole."""
    out = {}
    for line in text.splitlines(keepends=True):
        rec = json.loads(line)
        expect(line[-1], "\n", "end of a record")
        expect(list(rec), ["schema", "line", "input", "error", "trace"], "keys")
        expect(rec["schema"], "wend.batch/1")
        if rec["line"] in out:
            raise AssertionError(f"line {rec['line']} came twice")
        out[rec["line"]] = rec
    return out


def in_file(name):
    with open(path(name), encoding="utf-8") as f:
        return records(f.read())


def start(*args, **popen):
    popen.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen([PROGRAM, "batch", *args], stderr=subprocess.PIPE, env=environment(),
                            **popen)


def says(res, *lines):
    """Lines on stderr, in any order, one for each of these tuples of words."""
    got = res.err.splitlines()
    for words in lines:
        hits = [line for line in got if all(word in line for word in words)]
        if len(hits) != 1 or not hits[0].startswith("wend: "):
            raise AssertionError(f"not one line with {words}\n{res!r}")
        got.remove(hits[0])
    expect(got, [], "other lines on stderr")


LONG = b"dst.example #" + b"x" * 3987 + b"\n"  # few of them fill what may be held of a list


def fill(pipe):
    """Writes lines until nothing is taken for half a second; how many bytes were."""
    os.set_blocking(pipe.fileno(), False)
    taken = 0
    while select.select([], [pipe], [], 0.5)[1]:
        taken += os.write(pipe.fileno(), LONG[taken % len(LONG):])
        if taken > 1 << 20:
            raise AssertionError("everything is read, whether it can be used or not")
    return taken
