#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the house to tools/layers.txt: includes, headers and symbols of pure rooms, file length.

check-layers.py SOURCE_ROOT [libwn_ROOM.a ...]     prints TAP, exits 1 when a rule is broken
"""
import os
import re
import subprocess
import sys

LINES_MAX = 600
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
PRIVATE = re.compile(r"_(priv|int)\.h$")
MEMORY = {"malloc", "calloc", "realloc", "free"}
# What compilers call by themselves, sanitizers and coverage included.
HELPERS = re.compile(
    r"^(_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__assert_fail|bcmp|_?__(asan|ubsan|tsan|sanitizer|sancov|"
    r"start___sanc|stop___sanc|llvm|gcov|odr_asan)\w*|__(u?div|u?mod)ti3|__mem\w+_chk|__str\w+_chk)$")
STRINGS = re.compile(
    r"^(mem(chr|cmp|cpy|mem|move|rchr|set|pcpy)|str(n?len|n?cmp|r?chr|chrnul|str|spn|cspn|pbrk|n?cpy|n?cat))$")
SANITIZER_DATA = re.compile(r"^(\.L|\*?\.?Lubsan|__odr_asan|___asan|__asan|__sanc|__start_|__stop_|__unnamed_)")


class Layers:
    """The rules as read from layers.txt."""

    def __init__(self, path):
        self.knows, self.pure, self.headers = {}, [], []
        with open(path, encoding="utf-8") as f:
            for line in f:
                line = line.split("#")[0].strip()
                if not line:
                    continue
                name, rest = line.split(":", 1)
                if name == "pure":
                    self.pure = rest.split()
                elif name == "pure-headers":
                    self.headers = rest.split()
                else:
                    self.knows[name] = set(rest.split())

    def may(self, room, other):
        known = self.knows.get(room, set())
        return other in (room, "base") or other in known or "*" in known


class Tap:
    """Counts points; the complaints of a failed one follow it as comments."""

    def __init__(self):
        self.points = self.failed = 0

    def point(self, name, complaints):
        self.points += 1
        print(f"{'not ok' if complaints else 'ok'} {self.points} - {name}")
        self.failed += bool(complaints)
        for text in complaints:
            print(f"#   {text}")

    def end(self):
        print(f"1..{self.points}")
        return 1 if self.failed else 0


def sources(root, *suffixes):
    for folder, dirs, names in os.walk(root):
        dirs.sort()
        for name in sorted(names):
            if name.endswith(suffixes):
                yield os.path.join(folder, name)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def check_include(layers, room, where, kind, target):
    """What is wrong with one #include, or None."""
    if kind == "<":
        alloc = where.endswith("base/alloc.c") and target == "stdlib.h"
        if room in layers.pure and target not in layers.headers and not alloc:
            return f"{where}: <{target}> has no place in a pure room"
        return None
    if "/" not in target:
        return f'{where}: "{target}" must be written as "room/file.h"'
    other = target.split("/")[0]
    if not layers.may(room, other):
        return f'{where}: {room} may not include {other} ("{target}")'
    if other != room and PRIVATE.search(target):
        return f'{where}: "{target}" belongs to {other} alone'
    return None


def check_room(layers, root, room):
    complaints = []
    if room not in layers.knows:
        return [f"src/{room} is not in tools/layers.txt"]
    for path in sources(os.path.join(root, "src", room), ".c", ".h"):
        where = os.path.relpath(path, root)
        text = re.sub(r"/\*.*?\*/", " ", read(path), flags=re.S)
        for kind, target in INCLUDE.findall(text):
            wrong = check_include(layers, room, where, kind, target)
            if wrong:
                complaints.append(wrong)
    return complaints


def room_of(archive):
    return re.sub(r"^libwn_|\.a$", "", os.path.basename(archive))


def symbols(archive):
    """(object, type, name) of every symbol of an archive."""
    out = subprocess.run(["nm", "-A", "-P", archive], check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        match = re.match(r"^.*\[(.*)\]: (\S+) (\S)", line)
        if match:
            yield os.path.basename(match[1]), match[3], match[2]


def check_symbols(layers, archive, defined):
    """Undefined symbols of a pure room's archive against what it may call."""
    room, complaints = room_of(archive), []
    theirs = set().union(*(names for other, names in defined.items() if layers.may(room, other)))
    for obj, kind, name in symbols(archive):
        if kind not in "Uw" or name in theirs or HELPERS.match(name) or STRINGS.match(name):
            continue
        if name in MEMORY and room == "base" and obj.startswith("alloc.c"):
            continue
        complaints.append(f"{room}: {obj} needs {name}")
    return complaints


def check_globals(archive):
    """State outside of any struct: two engines must be able to live in one process."""
    out = subprocess.run(["objdump", "-t", archive], check=True, capture_output=True, text=True).stdout
    complaints, obj = [], "?"
    for line in out.splitlines():
        if ":     file format" in line:
            obj = os.path.basename(line.split(":")[0])
        match = re.match(r"^[0-9a-f]+ .{7} (\S+)\t([0-9a-f]+) (?:\.hidden )?(\S+)$", line)
        if not match or int(match[2], 16) == 0 or SANITIZER_DATA.match(match[3]):
            continue
        if re.match(r"^(\.t?(data|bss)|\*COM\*)", match[1]) and not match[1].startswith(".data.rel.ro"):
            complaints.append(f"{room_of(archive)}: {obj} has the mutable global {match[3]}")
    return complaints


def check_lengths(root):
    complaints = []
    for top in ("src", "tests", "tools", "include"):
        for path in sources(os.path.join(root, top), ".c", ".h", ".py", ".sh"):
            lines = read(path).count("\n")
            if lines > LINES_MAX:
                complaints.append(f"{os.path.relpath(path, root)}: {lines} lines")
    return complaints


def main(argv):
    root, archives = argv[1], argv[2:]
    layers = Layers(os.path.join(root, "tools", "layers.txt"))
    tap = Tap()
    for room in sorted(os.listdir(os.path.join(root, "src"))):
        if os.path.isdir(os.path.join(root, "src", room)):
            tap.point(f"{room} includes only what it may know", check_room(layers, root, room))
    defined = {room_of(a): {n for _, kind, n in symbols(a) if kind not in "Uwv"} for a in archives}
    for archive in archives:
        if room_of(archive) in layers.pure:
            tap.point(f"{room_of(archive)} calls only what is pure", check_symbols(layers, archive, defined))
    for archive in archives:
        tap.point(f"{room_of(archive)} has no mutable globals", check_globals(archive))
    tap.point(f"no file is longer than {LINES_MAX} lines", check_lengths(root))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
