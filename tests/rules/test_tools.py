# SPDX-License-Identifier: Apache-2.0
"""The tools that judge the project, judged: a rule that nothing breaks proves little."""

import importlib.util
import os
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "net"))
sys.dont_write_bytecode = True
import tap  # noqa: E402


def tool(name):
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), os.path.join(ROOT, "tools", name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


layers_tool, tests_tool = tool("check-layers"), tool("run-tests")
rules = layers_tool.Layers(os.path.join(ROOT, "tools", "layers.txt"))
cases = tap.Cases()


def complaints_about(room, name, text):
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, "src", room))
        with open(os.path.join(root, "src", room, name), "w", encoding="utf-8") as f:
            f.write(text)
        return layers_tool.check_room(rules, root, room)


@cases.case("own room, base and known rooms are allowed",
            "io", '#include "io/io_priv.h"\n#include "base/err.h"\n#include "sim/sim.h"\n#include <sys/socket.h>\n', 0)
@cases.case("an unknown room is refused", "packet", '#include "trace/trace.h"\n', 1)
@cases.case("knowing is not inherited", "trace", '#include "sim/sim.h"\n', 1)
@cases.case("base knows nobody", "base", '#include "packet/wire.h"\n', 1)
@cases.case("cli knows everybody", "cli", '#include "trace/trace.h"\n#include "enrich/dns.h"\n', 0)
@cases.case("private headers stay at home", "io", '#include "sim/sim_priv.h"\n', 1)
@cases.case("the room is part of the name", "packet", '#include "wire.h"\n', 1)
@cases.case("system headers in a pure room",
            "sim", "#include <stdio.h>\n# include <time.h>\n#include <string.h>\n", 2)
@cases.case("the allocator is for alloc.c alone", "base", "#include <stdlib.h>\n", 1)
@cases.case("comments include nothing", "base", "/*\n#include <stdio.h>\n*/\n", 0)
@cases.case("a room that nobody planned", "attic", "int x;\n", 1)
def includes(room, text, want):
    tap.expect(len(complaints_about(room, "file.c", text)), want, "complaints")


def archive_of(folder, room, text, name="file.c"):
    source, obj = os.path.join(folder, name), os.path.join(folder, name + ".o")
    archive = os.path.join(folder, f"libwn_{room}.a")
    with open(source, "w", encoding="utf-8") as f:
        f.write(text)
    subprocess.run(["cc", "-fPIC", "-O1", "-w", "-c", source, "-o", obj], check=True)
    subprocess.run(["ar", "rcs", archive, obj], check=True)
    return archive


@cases.case("memory and strings are pure", "sim",
            "#include <string.h>\nint f(char *a, char *b) { memmove(a, b, strlen(b)); return memcmp(a, b, 9); }", [])
@cases.case("the clock is not", "sim", "#include <time.h>\nlong f(void) { return time(0); }", ["time"])
@cases.case("nor is the allocator outside of base", "sim",
            "#include <stdlib.h>\nvoid *f(void) { return malloc(9); }", ["malloc"])
@cases.case("nor is mathematics", "trace", "double sqrt(double); double f(double x) { return sqrt(x); }", ["sqrt"])
@cases.case("nor is another room's function", "packet", "int wn_sim_new(void); int f(void) { return wn_sim_new(); }",
            ["wn_sim_new"])
def symbols(room, text, want):
    with tempfile.TemporaryDirectory() as folder:
        archive = archive_of(folder, room, text)
        got = layers_tool.check_symbols(rules, archive, {room: {"f"}})
        tap.expect([line.split()[-1] for line in got], want, "needed")


@cases.case("base's allocator may allocate")
def allocator():
    with tempfile.TemporaryDirectory() as folder:
        archive = archive_of(folder, "base", "#include <stdlib.h>\nvoid *f(void) { return malloc(9); }", "alloc.c")
        tap.expect(layers_tool.check_symbols(rules, archive, {"base": set()}), [])


@cases.case("constants are no state", "static const char *const a[] = {\"x\"}; const int b = 3;\n"
            "const char *f(int i) { return a[i] + b; }", 0)
@cases.case("a counter is", "int counter; int f(void) { return counter++; }", 1)
@cases.case("a static variable of a function is", "int f(void) { static int n = 3; return n++; }", 1)
@cases.case("a thread's variable is", "_Thread_local int n; int f(void) { return n++; }", 1)
def mutable(text, want):
    with tempfile.TemporaryDirectory() as folder:
        tap.expect(len(layers_tool.check_globals(archive_of(folder, "io", text))), want, "complaints")


@cases.case("all well", "1..2\nok 1 - a\nok 2 - b\n", "OK", (2, 0, 0))
@cases.case("one failed", "1..2\nok 1 - a\nnot ok 2 - b\n", "ERROR", (1, 1, 0))
@cases.case("died between two points", "1..3\nok 1 - a\n", "ERROR", (1, 1, 0))
@cases.case("died after the last point", "1..1\nok 1 - a\n", "ERROR", (1, 1, 0))
@cases.case("forgot a point", "1..3\nok 1 - a\nok 2 - b\n", "OK", (2, 1, 0))
@cases.case("skipped a point", "1..2\nok 1 - a # SKIP no root\nok 2 - b\n", "OK", (1, 0, 1))
@cases.case("skipped as a whole", "1..0 # SKIP no namespaces\n", "SKIP", (0, 0, 1))
@cases.case("plan at the end", "ok 1 - a\nok 2\n1..2\n", "OK", (2, 0, 0))
@cases.case("bailed out", "1..3\nBail out! no corpus\n", "ERROR", (0, 1, 0))
@cases.case("took too long", None, "TIMEOUT", (0, 1, 0))
@cases.case("speaks no TAP", "fine\n", "OK", (1, 0, 0))
@cases.case("speaks no TAP and fails", "bad\n", "FAIL", (0, 1, 0))
@cases.case("speaks no TAP and skips", "needs root\n", "SKIP", (0, 0, 1))
def counting(text, result, want):
    totals = tests_tool.Totals()
    tests_tool.add_entry({"stdout": text, "result": result, "returncode": 1}, "it", totals)
    tap.expect((totals.passed, len(totals.failed), len(totals.skipped)), want, "passed, failed, skipped")


if __name__ == "__main__":
    sys.exit(cases.main())
