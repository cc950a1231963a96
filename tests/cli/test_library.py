#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""libwend as others get it: what it exports, headers that stand alone in C99 and C++, pkg-config, and
the examples, built against an installed copy."""

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from program import Cases, environment, expect  # noqa: E402

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


@cases.case("an example is built by pkg-config from an installed copy, and runs")
def example():
    with tempfile.TemporaryDirectory() as root:
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root)
        found = [os.path.join(where, "wend.pc") for where, _, files in os.walk(root)
                 if "wend.pc" in files]
        expect(len(found), 1)
        env = {**os.environ, "PKG_CONFIG_PATH": os.path.dirname(found[0]),
               "PKG_CONFIG_SYSROOT_DIR": root}
        flags = run("pkg-config", "--cflags", "--libs", "wend", env=env).split()
        if "libasan" in run("ldd", library()):
            flags.append("-fsanitize=address,undefined")
        program = os.path.join(root, "traces")
        run("cc", "-Wall", "-Wextra", "-Werror", "-o", program,
            os.path.join(SOURCE, "examples/poll.c"), *flags)
        lib = os.path.dirname(os.path.dirname(found[0]))
        out = run(program, "127.0.0.1", env=environment(LD_LIBRARY_PATH=lib))
        expect("127.0.0.1:  1  127.0.0.1" in out, True)
        expect("127.0.0.1: reached" in out, True)


sys.exit(cases.main(None))
