#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests without root: a user namespace in which the one user that exists is "root". There is nobody
to become there, which must not keep wend from dropping its capabilities.

    test_rootless.py WEND FILE CASES
"""

import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# env: setpriv itself still runs its program with the right to go anywhere.
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env"]


def reachable(python, *files):
    """Whether nobody may run this Python and read these files."""
    script = "import sys; [open(f, 'rb').close() for f in sys.argv[1:]]"
    return subprocess.run(NOBODY + [python, "-c", script, *files], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def main():
    wend, name, cases = sys.argv[1:4]
    files = [os.path.join(HERE, name), wend]
    pythons, become = [sys.executable], []
    if os.geteuid() == 0:
        become = NOBODY
        # root's own Python may live where nobody else can go.
        pythons = [p for p in (sys.executable, shutil.which("python3", path="/usr/bin"))
                   if p and reachable(p, *files)]
    if not pythons:
        print("1..0 # SKIP other users can reach neither Python nor this directory")
        return 0
    argv = become + [pythons[0], "-B", *files, cases]
    os.execvp(argv[0], argv)


sys.exit(main())
