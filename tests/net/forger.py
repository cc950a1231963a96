# SPDX-License-Identifier: Apache-2.0
"""A router that lies. It sees every probe that passes an interface and answers at once with
forged packets: right addresses, right ports and ids, everything else of the quote a guess.

It answers in the name of FORGED_V4 or FORGED_V6, addresses no real router here has, so a forged
reply that is believed shows up as a hop.
"""

import os
import random
import select
import socket
import struct
import threading

FORGED_V4 = "203.0.113.66"
FORGED_V6 = "2001:db8:66::66"
ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86DD
PACKET_OUTGOING = 4


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(src, dst, proto, payload, ttl=64):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), random.getrandbits(16), 0, ttl,
                       proto, 0, socket.inet_aton(src), socket.inet_aton(dst))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def icmp4(kind, code, rest, body):
    msg = struct.pack("!BBHI", kind, code, 0, rest) + body
    return msg[:2] + struct.pack("!H", checksum(msg)) + msg[4:]


class Forger:
    """Runs in a router's namespace on the interface that faces the source, until closed.

    The kinds of lies: "exceeded" (ICMP time exceeded), "unreachable" (port unreachable in the
    target's own name), "corrupt" (a reply whose checksum is wrong), "short" (one cut off within
    the quote).
    """

    def __init__(self, ns, iface, family, lies=("exceeded",)):
        self.family = family
        self.lies = lies
        self.told = 0
        self._rng = random.Random(1)
        self._ear = ns.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                              socket.htons(ETH_P_IP if family == 4 else ETH_P_IPV6))
        self._ear.bind((iface, ETH_P_IP if family == 4 else ETH_P_IPV6))
        if family == 4:
            self._mouth = ns.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        else:
            self._mouth = ns.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._stop_r, self._stop_w = os.pipe()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def close(self):
        os.write(self._stop_w, b"x")
        self._thread.join()
        for s in (self._ear, self._mouth):
            s.close()
        os.close(self._stop_r)
        os.close(self._stop_w)

    def _loop(self):
        while True:
            ready, _, _ = select.select([self._ear, self._stop_r], [], [])
            if self._stop_r in ready:
                return
            packet, where = self._ear.recvfrom(65535)
            if where[2] == PACKET_OUTGOING:
                continue
            answer = self._lies4 if self.family == 4 else self._lies6
            for lie in answer(packet):
                self._mouth.sendto(lie[1], (lie[0], 0))
                self.told += 1

    def _scramble(self, l4, proto):
        """The transport header as a stranger who knows only the ports would guess it."""
        guess = self._rng.randbytes(len(l4))
        keep = {socket.IPPROTO_UDP: 6, socket.IPPROTO_TCP: 4}.get(proto)
        if keep is not None:
            return l4[:keep] + guess[keep:]
        return l4[:2] + guess[2:4] + l4[4:6] + guess[6:]  # ICMP: type, code and id are known

    def _lies4(self, packet):
        ihl = (packet[0] & 15) * 4
        proto = packet[9]
        src, dst = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
        if proto == socket.IPPROTO_ICMP and packet[ihl] != 8:
            return
        quote = (packet[:4] + self._rng.randbytes(2) + packet[6:ihl]
                 + self._scramble(packet[ihl:], proto))
        for lie in self.lies:
            if lie == "unreachable":
                yield src, ipv4(dst, src, 1, icmp4(3, 3, 0, quote))
                continue
            body = quote[:24] if lie == "short" else quote
            msg = icmp4(11, 0, 0, body)
            if lie == "corrupt":
                msg = icmp4(11, 0, 0, packet)
                msg = msg[:2] + bytes([msg[2] ^ 0x55]) + msg[3:]
            yield src, ipv4(FORGED_V4, src, 1, msg)

    def _lies6(self, packet):
        proto = packet[6]
        src, dst = packet[8:24], packet[24:40]
        if proto == socket.IPPROTO_ICMPV6 and packet[40] != 128:
            return
        quote = packet[:40] + self._scramble(packet[40:], proto)
        back = socket.inet_ntop(socket.AF_INET6, src)
        for lie in self.lies:
            if lie == "unreachable":
                yield back, self._icmp6(dst, src, 1, 4, quote)
                continue
            sender = socket.inet_pton(socket.AF_INET6, FORGED_V6)
            body = {"short": quote[:44], "corrupt": packet}.get(lie, quote)
            yield back, self._icmp6(sender, src, 3, 0, body, 0x55 if lie == "corrupt" else 0)

    @staticmethod
    def _icmp6(src, dst, kind, code, body, spoil=0):
        msg = struct.pack("!BBHI", kind, code, 0, 0) + body
        pseudo = src + dst + struct.pack("!II", len(msg), socket.IPPROTO_ICMPV6)
        total = checksum(pseudo + msg) ^ spoil
        head = struct.pack("!IHBB", 0x60000000, len(msg), socket.IPPROTO_ICMPV6, 64) + src + dst
        return head + msg[:2] + struct.pack("!H", total) + msg[4:]
