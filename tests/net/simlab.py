# SPDX-License-Identifier: Apache-2.0
"""The simulated network on a TUN device, in a namespace."""

import os
import re
import select
import signal
import subprocess
import tempfile

import netns
import wend as wend_tool
from tap import expect

SILENT_S = 10


class SimLab:
    """`wend lab`, in a namespace of its own, or in ns; a device of its choice, or tun."""

    def __init__(self, program, text, ns=None, tun=None):
        self.ns, self._own = ns or netns.Netns("sim"), ns is None
        self.ns.ip("link set lo up")
        self.file = tempfile.NamedTemporaryFile("w", suffix=".topo", dir=netns.PRIVATE_DIR)
        if text == "builtin":
            self.name = text
        else:
            self.name = self.file.name
            self.file.write(text)
            self.file.flush()
            os.chmod(self.name, 0o644)
        self.process = self.ns.popen([program, "lab", *(["--tun", tun] if tun else []), self.name],
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     env=wend_tool.environment(), text=True)
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _wait(self):
        if not select.select([self.process.stdout], [], [], SILENT_S)[0]:
            raise AssertionError("the lab says nothing")
        self.ready = self.process.stdout.readline()
        m = re.fullmatch(r"ready: device (\S+), source (.*), target (.*)\n", self.ready)
        if not m:
            raise AssertionError(f"not ready: {self.ready!r} {self.process.stderr.read()!r}")
        self.device, self.sources, self.targets = m[1], m[2].split(), m[3].split()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.communicate()
        if self._own:
            self.ns.close()
        self.file.close()

    def stop(self, number):
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=SILENT_S)
        expect(err, "", "stderr")
        return self.process.returncode

    def target(self, family):
        return self.targets[0 if family == 4 else -1]
