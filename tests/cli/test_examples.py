#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The examples as others build and run them: against an installed copy, by pkg-config, each with
several traces at once through a simulated network, and to this machine."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from program import Cases, Skip, environment, expect, topology  # noqa: E402

BUILD, SOURCE = (os.path.abspath(path) for path in sys.argv[2:4])
EXAMPLES = os.path.join(SOURCE, "examples")
TARGETS = ["203.0.113.9", "fd00:9::9", "www.example.org"]
NETWORK = """source me
target dst
host me addr 192.0.2.1 addr6 fd00::1
node r1 addr 198.51.100.1 addr6 fd00:1::1 name r1.example
node r2 addr 198.51.100.2 addr6 fd00:2::1 silent
host dst addr 203.0.113.9 addr6 fd00:9::9 name www.example.org
link me r1 delay 200us
link r1 r2 delay 200us
link r2 dst delay 200us
"""
cases = Cases()


def run(*argv, code=0, **options):
    res = subprocess.run(argv, capture_output=True, text=True, timeout=30, **options)
    if res.returncode != code:
        raise AssertionError(f"{' '.join(argv)}: {res.returncode}\n{res.stdout}{res.stderr}")
    return res.stdout


class Installed:
    """A copy of the library as `meson install` makes it; removed at the end."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="wend-installed-")
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", self.root)
        found = [os.path.join(where, "wend.pc") for where, _, files in os.walk(self.root)
                 if "wend.pc" in files]
        expect(len(found), 1)
        self.pkgconfig = os.path.dirname(found[0])
        self.lib = os.path.dirname(self.pkgconfig)
        self.python = [where for where, _, files in os.walk(self.root) if "wend.py" in files][0]
        self.sanitized = "libasan" in run("ldd", os.path.join(BUILD, "libwend.so.0"))

    def flags(self, *packages):
        """Those of wend come from its copy, the others from this machine."""
        env = {**os.environ, "PKG_CONFIG_PATH": self.pkgconfig, "PKG_CONFIG_SYSROOT_DIR": self.root}
        flags = run("pkg-config", "--cflags", "--libs", "wend", env=env).split()
        if packages:
            if subprocess.run(["pkg-config", "--exists", *packages]).returncode != 0:
                raise Skip(f"no {' '.join(packages)} to build with")
            flags += run("pkg-config", "--cflags", "--libs", *packages).split()
        return flags + (["-fsanitize=address,undefined"] if self.sanitized else [])

    def compile(self, name, *packages):
        program = os.path.join(self.root, name)
        run("cc", "-Wall", "-Wextra", "-Werror", "-o", program, f"{EXAMPLES}/{name}.c",
            f"{EXAMPLES}/common.c", *self.flags(*packages))
        return program

    def env(self):
        return environment(LD_LIBRARY_PATH=self.lib)

    def env_python(self):
        env = {**self.env(), "PYTHONPATH": self.python, "PYTHONDONTWRITEBYTECODE": "1"}
        if self.sanitized:  # a library with the sanitizers must be the first that is loaded
            env["LD_PRELOAD"] = " ".join(
                run("gcc", f"-print-file-name={name}").strip()
                for name in ("libasan.so", "libubsan.so"))
        return env


def expect_lines(out, ttl, address, targets=tuple(TARGETS)):
    for target, want in zip(targets, address):
        if not re.search(rf"^{re.escape(target)}: +{ttl}  {re.escape(want)} .*[0-9]", out, re.M):
            raise AssertionError(f"no {want} at {ttl} for {target} in\n{out}")


def expect_paths(out):
    expect_lines(out, 1, ("198.51.100.1", "fd00:1::1", "198.51.100.1"))
    expect_lines(out, 3, ("203.0.113.9", "fd00:9::9", "203.0.113.9"))


for loop, packages in (("poll", ()), ("libuv", ("libuv",)), ("libevent", ("libevent",)),
                       ("glib", ("glib-2.0",))):
    @cases.case(f"{loop}: several traces at once", loop, packages)
    def in_loop(name, packages):
        program, env = installed.compile(name, *packages), installed.env()
        out = run(program, "--sim", network, *TARGETS, env=env)
        expect_paths(out)
        expect(sorted(re.findall(r"^(\S+): reached$", out, re.M)), sorted(TARGETS))
        out = run(program, "127.0.0.1", "127.0.0.2", env=env)
        expect_lines(out, 1, ("127.0.0.1", "127.0.0.2"), ("127.0.0.1", "127.0.0.2"))
        run(program, "--sim", network, "nobody.example", code=1, env=env)
        run(program, code=1, env=env)


@cases.case("sync: one call for each, with names")
def sync():
    program, env = installed.compile("sync"), installed.env()
    out = run(program, "--sim", network, *TARGETS, env=env)
    expect(out.count(" 1  198.51.100.1 (r1.example)  0.400 ms  0.400 ms  0.400 ms\n"), 2)
    expect(out.count(" 1  fd00:1::1 (r1.example)  0.400 ms  0.400 ms  0.400 ms\n"), 1)
    expect(out.count(" 2  *  *  *  *\n"), 3)
    expect(out.count(" (www.example.org)  1.200 ms  1.200 ms  1.200 ms\n"), 3)
    run(program, "--sim", network, "nobody.example", code=1, env=env)


@cases.case("binding_asyncio: several traces at once")
def in_asyncio():
    argv = [sys.executable, f"{EXAMPLES}/binding_asyncio.py", "--sim", network]
    expect_paths(run(*argv, *TARGETS, env=installed.env_python()))
    run(*argv, "nobody.example", *TARGETS, code=1, env=installed.env_python())


@cases.case("binding_twisted: several traces at once")
def in_twisted():
    usable = [python for python in (sys.executable, "/usr/bin/python3") if subprocess.run(
        [python, "-c", "import twisted"], stderr=subprocess.DEVNULL).returncode == 0]
    if not usable:
        raise Skip("no Twisted here")
    argv = [usable[0], f"{EXAMPLES}/binding_twisted.py", "--sim", network]
    expect_paths(run(*argv, *TARGETS, env=installed.env_python()))
    run(*argv, "nobody.example", *TARGETS, code=1, env=installed.env_python())


installed, network = Installed(), topology(NETWORK)
try:
    code = cases.main(None)
finally:
    shutil.rmtree(installed.root)
sys.exit(code)
