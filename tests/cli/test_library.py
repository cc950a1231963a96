#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""libwend as others get it: what it exports, and headers that stand alone in C99 and C++."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from program import Cases, expect  # noqa: E402

BUILD, SOURCE = (os.path.abspath(path) for path in sys.argv[2:4])
cases = Cases()


def run(*argv, **options):
    res = subprocess.run(argv, capture_output=True, text=True, **options)
    if res.returncode != 0:
        raise AssertionError(f"{' '.join(argv)}: {res.returncode}\n{res.stdout}{res.stderr}")
    return res.stdout


def library():
    return os.path.join(BUILD, "libwend.so.0")


@cases.case("it exports what the header declares, and nothing else")
def exported():
    with open(os.path.join(SOURCE, "include/wend/wend.h")) as header:
        declared = set(re.findall(r"^WEND_API [^;]*?\b(wend_\w+)\(", header.read(), re.M))
    names = {line.split()[-1].split("@")[0]
             for line in run("nm", "-D", "--defined-only", library()).splitlines()}
    expect(names - {"WEND_0"}, declared)


@cases.case("it has a soname, and needs no symbol that kills or prints")
def needs():
    dynamic = run("readelf", "-d", library())
    expect("Library soname: [libwend.so.0]" in dynamic, True)
    wanted = {line.split()[-1].split("@")[0]
              for line in run("nm", "-D", "--undefined-only", library()).splitlines()}
    for name in ("exit", "_exit", "printf", "puts", "signal", "sigaction", "pthread_create"):
        expect(name in wanted, False)


@cases.case("the header stands alone in C99, pedantically")
def c99():
    run("cc", "-std=c99", "-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
        "-I", os.path.join(SOURCE, "include"), "-I", os.path.join(BUILD, "include"), "-x", "c",
        "-", input="#include <wend/wend.h>\nint main(void) { return (int)wend_version(); }\n")


@cases.case("the header stands alone in C++")
def cplusplus():
    run("c++", "-std=c++11", "-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
        "-I", os.path.join(SOURCE, "include"), "-I", os.path.join(BUILD, "include"), "-x", "c++",
        "-", input="#include <wend/wend.h>\nint main() { return (int)wend_version(); }\n")


sys.exit(cases.main(None))
