# SPDX-License-Identifier: Apache-2.0
"""What really goes over an interface: IP packets, whole, with the kernel's stamps."""

import select
import socket
import struct

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33


class Seen:
    """One IP packet, its header read: IPv4 without options or plain IPv6 as senders make them."""

    def __init__(self, data, outgoing, at_ns):
        self.data, self.outgoing, self.at_ns = data, outgoing, at_ns
        self.family = data[0] >> 4
        if self.family == 4:
            self.tos, self.ttl, self.proto = data[1], data[8], data[9]
            self.source = socket.inet_ntop(socket.AF_INET, data[12:16])
            self.target = socket.inet_ntop(socket.AF_INET, data[16:20])
            self.payload = data[(data[0] & 15) * 4:]
        else:
            self.tos, self.ttl, self.proto = (data[0] << 4 | data[1] >> 4) & 255, data[7], data[6]
            self.source = socket.inet_ntop(socket.AF_INET6, data[8:24])
            self.target = socket.inet_ntop(socket.AF_INET6, data[24:40])
            self.payload = data[40:]

    def words(self):
        """The transport header's first eight bytes as four numbers."""
        return struct.unpack("!4H", self.payload[:8])

    def is_neighbourly(self):
        """What IPv6 says on its own account."""
        return self.proto == 0 or self.proto == 58 and 130 <= self.payload[0] <= 143

    def is_error(self):
        return (self.proto == 1 and self.payload[0] in (3, 11)
                or self.proto == 58 and self.payload[0] < 128)

    def is_echo_request(self):
        return (self.proto, self.payload[0]) in ((1, 8), (58, 128))


class Capture:
    """From the moment it is made; `with` ends it."""

    def __init__(self, ns, iface):
        self._s = ns.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self._s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self._s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._s.bind((iface, ETH_P_ALL))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._s.close()

    def next(self, limit_s=10, outgoing=True):
        """The next IP packet of that direction."""
        while select.select([self._s], [], [], limit_s)[0]:
            seen = self._read()
            if seen and seen.outgoing == outgoing:
                return seen
        raise AssertionError("nothing on the wire")

    def rest(self):
        """All that has come so far, both directions."""
        found = []
        while select.select([self._s], [], [], 0)[0]:
            found.append(self._read())
        return [seen for seen in found if seen]

    def _read(self):
        data, extra, _, where = self._s.recvmsg(65535, 64)
        stamps = [struct.unpack("qq", d) for level, kind, d in extra
                  if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS]
        if len(data) < 28 or data[0] >> 4 not in (4, 6) or not stamps:
            return None
        seconds, ns = stamps[0]
        seen = Seen(data, where[2] == PACKET_OUTGOING, seconds * 1_000_000_000 + ns)
        return None if seen.is_neighbourly() else seen


def echo_rtts(seen):
    """{sequence: us between both stamps} of echo requests that a router's error answered."""
    sent, rtts = {}, {}
    for packet in seen:
        if packet.is_echo_request() and packet.outgoing:
            sent[packet.words()[3]] = packet.at_ns
        elif packet.is_error() and not packet.outgoing:
            quoted = packet.payload[8 + (20 if packet.family == 4 else 40):]
            sequence = struct.unpack("!H", quoted[6:8])[0]
            if sequence in sent:
                rtts[sequence] = (packet.at_ns - sent[sequence]) / 1000
    return rtts
