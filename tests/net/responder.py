# SPDX-License-Identifier: Apache-2.0
"""A network that answers what a test says: a TUN device behind which everything is ours.

Probes to 10.8.0.0/16 and fd08::/16 end in a thread here, which asks the test's function what comes
back: whole packets, at once, later by release(), or never.
"""

import fcntl
import os
import select
import socket
import struct
import threading
import time

import netns
from capture import Seen
from forger import checksum, icmp4, ipv4
from tap import expect

SOURCE = {4: "10.8.0.1", 6: "fd08::1"}
TARGET = {4: "10.8.1.1", 6: "fd08:1::1"}
ROUTER = {4: "10.8.2.1", 6: "fd08:2::1"}
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
QUOTE = 128  # RFC 4884: what is quoted before extensions


def ipv6(src, dst, proto, payload):
    return (struct.pack("!IHBB", 0x60000000, len(payload), proto, 64)
            + socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst)
            + payload)


def icmp6(src, dst, kind, code, rest, body):
    msg = struct.pack("!BBHI", kind, code, 0, rest) + body
    pseudo = (socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst)
              + struct.pack("!II", len(msg), 58))
    return msg[:2] + struct.pack("!H", checksum(pseudo + msg)) + msg[4:]


def message(probe, kind, code, rest, body, sender=None):
    """An ICMP message to whom sent the probe."""
    sender = sender or ROUTER[probe.family]
    if probe.family == 4:
        return ipv4(sender, probe.source, 1, icmp4(kind, code, rest, body))
    return ipv6(sender, probe.source, 58, icmp6(sender, probe.source, kind, code, rest, body))


def echo_reply(probe):
    rest = struct.unpack("!I", probe.payload[4:8])[0]
    return message(probe, 0 if probe.family == 4 else 129, 0, rest, probe.payload[8:], probe.target)


def exceeded(probe, extensions=b"", quote=None, length=True):
    """extensions: whole, behind a quote of 128 bytes. length: with that of RFC 4884."""
    quote = probe.data if quote is None else quote
    if extensions:
        quote = quote[:QUOTE].ljust(QUOTE, b"\0")
    four = probe.family == 4
    rest = 0
    if extensions and length:
        rest = QUOTE // 4 << 16 if four else QUOTE // 8 << 24
    return message(probe, 11 if four else 3, 0, rest, quote + extensions)


def extension(objects, version=2, right_sum=True):
    """RFC 4884's structure; objects: [(class, type, bytes)]."""
    body = b"".join(struct.pack("!HBB", 4 + len(data), cls, kind) + data
                    for cls, kind, data in objects)
    head = struct.pack("!BBH", version << 4, 0, 0)
    total = checksum(head + body) ^ (0 if right_sum else 0x55)
    return head[:2] + struct.pack("!H", total) + body


def labels(*stack):
    """RFC 4950: (label, traffic class, bottom, TTL) each."""
    return b"".join(struct.pack("!I", label << 12 | tc << 9 | bottom << 8 | ttl)
                    for label, tc, bottom, ttl in stack)


class Responder:
    """answer(probe) gives the packets that come back at once."""

    def __init__(self, answer):
        self._answer, self.seen, self._changed = answer, [], threading.Condition()
        self.ns = netns.Netns("responder")
        with self.ns:
            self._tun = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            fcntl.ioctl(self._tun, TUNSETIFF,
                        struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
        self.ns.ip("link set lo up", "link set tun0 txqueuelen 20000",
                   f"addr add {SOURCE[4]}/16 dev tun0", f"addr add {SOURCE[6]}/16 dev tun0 nodad",
                   "link set tun0 up")
        self.ns.sysctl(ipv4__ping_group_range=f"0 {netns.unprivileged_gid()}")
        self.ns.wait_own_addresses()
        self._stop_r, self._stop_w = os.pipe()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.write(self._stop_w, b"x")
        self._thread.join()
        for fd in (self._tun, self._stop_r, self._stop_w):
            os.close(fd)
        self.ns.close()

    def _loop(self):
        while self._stop_r not in select.select([self._tun, self._stop_r], [], [])[0]:
            data = os.read(self._tun, 65535)
            probe = Seen(data, True, time.monotonic_ns())
            if probe.is_neighbourly():
                continue
            with self._changed:
                self.seen.append(probe)
                self._changed.notify()
            for packet in self._answer(probe):
                self.write(packet)

    def write(self, packet):
        os.write(self._tun, packet)

    def wait_seen(self, count, limit_s=20):
        """So many probes have come; they are in seen."""
        with self._changed:
            expect(self._changed.wait_for(lambda: len(self.seen) >= count, limit_s), True,
                   f"{len(self.seen)} probes of {count}")


def silent(_):
    return []


def echo(probe):
    return [echo_reply(probe)]
