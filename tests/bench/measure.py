# SPDX-License-Identifier: Apache-2.0
"""Runs a program and says what it cost: wall and CPU time, peak memory, exit code."""

import os
import statistics
import subprocess
from dataclasses import dataclass

from netns import PRIVATE_DIR

HERE = os.path.dirname(os.path.abspath(__file__))
STOPPED = 256  # see rusage.c


@dataclass
class Cost:
    wall_s: float
    cpu_s: float
    rss_mib: float
    exit: int
    out: str

    @property
    def stopped(self):
        return self.exit == STOPPED


class Meter:
    def __init__(self):
        self._helper = os.path.join(PRIVATE_DIR, "rusage")
        self._file = os.path.join(PRIVATE_DIR, "cost")
        subprocess.run([os.environ.get("CC", "cc"), "-O1", "-o", self._helper,
                        os.path.join(HERE, "rusage.c")], check=True)

    def run(self, ns, argv, limit_s, input_text=""):
        """A program that takes longer than limit_s is stopped."""
        res = ns.run([self._helper, self._file, str(limit_s)] + argv, stdin=None,
                     input=input_text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                     text=True, errors="replace")
        if res.returncode != 0:
            raise RuntimeError(f"cannot measure {argv[0]}")
        with open(self._file, encoding="ascii") as f:
            wall, user, system, rss, code = map(int, f.read().split())
        return Cost(wall / 1e9, (user + system) / 1e6, rss / 1024, code, res.stdout)


def spread(values):
    """(median, least, most)"""
    return statistics.median(values), min(values), max(values)


def percentile(values, percent):
    """Nearest rank."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[rank - 1]
