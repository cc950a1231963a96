# SPDX-License-Identifier: Apache-2.0
"""The clients of wend pipe in examples/: each traces several targets at once, is told what is wrong with
one, and cancels another."""

import os
import re
import shutil
import subprocess
import sys

from program import PROGRAM, Cases, Skip, chain, environment, expect

EXAMPLES = os.path.join(os.path.abspath(sys.argv[2]), "examples")
TARGETS = ("203.0.113.9", "2001:db8:9::9", "dst.example")
cases = Cases()


def interpreter(*candidates):
    """The first that can do what is asked of it."""
    for program, probe in candidates:
        if shutil.which(program) and subprocess.run([program, *probe], capture_output=True,
                                                    check=False).returncode == 0:
            return program
    return None


CLIENTS = {
    "pipe_asyncio.py": ("Python", (("python3", ("-c", "import asyncio")),)),
    "pipe_twisted.py": ("Twisted", (("/usr/bin/python3", ("-c", "import twisted")),
                                    ("python3", ("-c", "import twisted")))),
    "pipe_node.mjs": ("Node", (("node", ("--version",)), ("nodejs", ("--version",)))),
}


def client(name, *words):
    what, candidates = CLIENTS[name]
    program = interpreter(*candidates)
    if not program:
        raise Skip(f"no {what}")
    res = subprocess.run([program, os.path.join(EXAMPLES, name), "--wend", PROGRAM, *words],
                         capture_output=True, text=True, timeout=60, env=environment(),
                         stdin=subprocess.DEVNULL, check=False)
    expect((res.returncode, res.stderr), (0, ""), res.stdout)
    return res.stdout.splitlines()


for name in CLIENTS:
    @cases.case(f"{name}: several targets at once, one refused, one canceled", name)
    def several(name):
        # The silent router keeps the trace that is canceled from ending by itself.
        lines = client(name, "--sim", chain(4, router={2: "silent"}), *TARGETS, "nobody.example")
        for target in TARGETS:
            router = "2001:db8:1::" if ":" in target else "198.51.100."
            host = TARGETS[1] if ":" in target else TARGETS[0]
            mine = [line[len(target) + 2:] for line in lines if line.startswith(target + ": ")]
            for ttl, address in ((1, f"{router}1"), (3, f"{router}3"), (4, host)):
                line = next(line for line in mine if re.match(rf" ?{ttl}  ", line))
                expect(re.match(rf" {ttl}  (\S+)  \d+\.\d\d\d ms$", line)[1], address, line)
            done = [line for line in mine if " at TTL " in line]
            expect(bool(re.match(r"reached at TTL 4, \d+ of \d+ answered$", done[0])), True, done)
        expect("no such name" in next(line for line in lines if line.startswith("nobody")), True)
        expect(lines[-1], f"{TARGETS[0]}: canceled")


sys.exit(cases.main(None))
