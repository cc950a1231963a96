# SPDX-License-Identifier: Apache-2.0
"""Network namespaces, held by nothing but file descriptors.

A namespace lives as long as its descriptor, its processes and its sockets do. enclose() puts the
whole test into a PID namespace of its own, so nothing is left behind on any exit, SIGKILL
included: no names, no mounts, no servers.

Only the main thread enters namespaces. A child process started, or a socket opened, inside a
`with ns:` block belongs to that namespace for good.
"""

import ctypes
import errno
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
CLONE_NEWNS = 0x00020000
NOBODY = 65534
ENCLOSED = "WEND_NET_ENCLOSED"
MODE = os.environ.pop(ENCLOSED, None)  # None outside, "root" or "rootless" inside
PRIVATE_DIR = "/run"  # a tmpfs of ours once enclosed

libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        err = ctypes.get_errno()
        raise OSError(err, f"{what}: {os.strerror(err)}")


def _own_netns():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Netns:
    """One network namespace; `with ns:` enters it, nested use included."""

    def __init__(self, name):
        self.name = name
        self._back = []
        back = _own_netns()
        try:
            _check(libc.unshare(CLONE_NEWNET), "unshare")
            self.fd = _own_netns()
        finally:
            _check(libc.setns(back, CLONE_NEWNET), "setns")
            os.close(back)

    @property
    def path(self):
        """A name under which `ip link ... netns` finds it."""
        return f"/proc/{os.getpid()}/fd/{self.fd}"

    def __enter__(self):
        self._back.append(_own_netns())
        _check(libc.setns(self.fd, CLONE_NEWNET), "setns")
        return self

    def __exit__(self, *_):
        back = self._back.pop()
        _check(libc.setns(back, CLONE_NEWNET), "setns")
        os.close(back)

    def close(self):
        os.close(self.fd)

    def popen(self, argv, **kwargs):
        with self:
            return subprocess.Popen(argv, **kwargs)

    def run(self, argv, **kwargs):
        kwargs.setdefault("stdin", subprocess.DEVNULL)
        with self:
            return subprocess.run(argv, **kwargs)

    def ip(self, *lines, family=None):
        """Runs lines of `ip -batch`; the first bad one raises. family: for what does not say it."""
        self.finish_ip(self.start_ip(*lines, family=family))

    def start_ip(self, *lines, family=None):
        argv = ["ip"] + ([f"-{family}"] if family else []) + ["-batch", "-"]
        proc = self.popen(argv, stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        proc.stdin.write("\n".join(lines) + "\n")
        proc.stdin.close()
        proc.stdin = None
        return proc

    def finish_ip(self, proc):
        _, err = proc.communicate()
        if proc.returncode != 0:
            raise RuntimeError(f"ip in {self.name}: {err.strip()}")

    def nft(self, *lines):
        res = self.run(["nft", "-f", "-"], stdin=None, input="\n".join(lines) + "\n", text=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if res.returncode != 0:
            raise RuntimeError(f"nft in {self.name}: {res.stderr.strip()}")

    def sysctl(self, **values):
        """Keys with __ for /, for example net__ipv4__ip_forward=1, below /proc/sys/net."""
        with self:
            for key, value in values.items():
                with open("/proc/sys/net/" + key.replace("__", "/"), "w", encoding="ascii") as f:
                    f.write(f"{value}\n")

    def socket(self, *args):
        with self:
            return socket.socket(*args)

    def _wait(self, groups, find_missing, deadline_s):
        """Looks again whenever rtnetlink tells of a change, until nothing is missing."""
        end = time.monotonic() + deadline_s
        with self, socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as s:
            s.bind((0, groups))  # before the first look, so that no change is missed
            while missing := find_missing():
                s.settimeout(max(end - time.monotonic(), 0.001))
                try:
                    s.recv(65536)
                except TimeoutError:
                    raise RuntimeError(f"{self.name} is not ready: {missing}") from None
                except OSError as e:
                    if e.errno != errno.ENOBUFS:  # so many changes that some were not told
                        raise

    def wait_running(self, deadline_s=5.0):
        """Until every interface that is up really sends: the kernel gives a link its queue some
        time after both ends are up, and drops what comes before without a word."""
        siocgifflags, iff_up, iff_running, rtmgrp_link = 0x8913, 1, 0x40, 1

        def find_missing():
            missing = []
            for _, name in socket.if_nameindex():
                req = fcntl.ioctl(s, siocgifflags, struct.pack("40s", name.encode()))
                flags = struct.unpack_from("H", req, 16)[0]
                if flags & iff_up and not flags & iff_running:
                    missing.append(f"{name} does not run")
            return missing

        with self.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            self._wait(rtmgrp_link, find_missing, deadline_s)

    def wait_own_addresses(self, deadline_s=5.0):
        """Until every IPv6 address is one of this node's own: the kernel adds its local route a
        little later than the address, and forwards what comes for it before."""
        rtf_local, rtmgrp_ipv6_route = 0x80000000, 0x400

        def find_missing():
            with open("/proc/thread-self/net/if_inet6", encoding="ascii") as f:
                wanted = {line.split()[0] for line in f}
            with open("/proc/thread-self/net/ipv6_route", encoding="ascii") as f:
                routes = [line.split() for line in f]
            local = {r[0] for r in routes if r[1] == "80" and int(r[8], 16) & rtf_local}
            return [f"{addr} is not its own" for addr in sorted(wanted - local)]

        self._wait(rtmgrp_ipv6_route, find_missing, deadline_s)

    def checksum_offload_off(self, iface):
        """Packets leave with finished checksums, so that quotes of them show the real ones."""
        siocethtool, stxcsum = 0x8946, 0x17
        buf = ctypes.create_string_buffer(struct.pack("II", stxcsum, 0))
        req = struct.pack("16sP", iface.encode(), ctypes.addressof(buf)).ljust(40, b"\0")
        with self.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, siocethtool, req)


def _unshare_argv():
    argv = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        argv += ["--user", "--map-root-user"]
    return argv


def enclose():
    """Starts the calling script again in namespaces of its own; returns inside of them."""
    if MODE is None:
        why = subprocess.run(_unshare_argv() + ["true"], stderr=subprocess.PIPE, text=True,
                             check=False)
        if why.returncode != 0:
            print(f"1..0 # SKIP no namespaces here: {why.stderr.strip()}")
            sys.exit(0)
        os.environ[ENCLOSED] = "rootless" if os.geteuid() != 0 else "root"
        sys.stdout.flush()
        os.execvp("unshare", _unshare_argv() + [sys.executable, "-B"] + sys.argv)
    # The first process of a PID namespace ignores what it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", PRIVATE_DIR], check=True)


def own_mounts():
    """From now on this process mounts for itself and its children alone: what use_resolver does."""
    _check(libc.unshare(CLONE_NEWNS), "unshare")


def use_resolver(address):
    """The system's own resolver configuration, as this enclosure sees it."""
    conf = os.path.join(PRIVATE_DIR, f"resolv.conf.{os.getpid()}")
    with open(conf, "w", encoding="ascii") as f:
        f.write(f"nameserver {address}\n")
    subprocess.run(["mount", "--bind", conf, "/etc/resolv.conf"], check=True)


def rootless():
    """Inside a user namespace where only one user exists."""
    return MODE == "rootless"


def publish(program):
    """A copy of a program that every user may run, wherever the build directory is. One that runs
    already, for another case, is not written over but replaced."""
    path = os.path.join(PRIVATE_DIR, os.path.basename(program))
    shutil.copy(program, f"{path}.{os.getpid()}")
    os.chmod(f"{path}.{os.getpid()}", 0o755)
    os.rename(f"{path}.{os.getpid()}", path)
    return path


def unprivileged(argv):
    """argv, run without any capability, as nobody where there is such a user."""
    who = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]
    if not rootless():
        who += [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return who + list(argv)


def unprivileged_gid():
    return 0 if rootless() else NOBODY
