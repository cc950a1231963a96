# SPDX-License-Identifier: Apache-2.0
"""The plainest multipath tracer: every flow to every TTL, no cleverness. It shows which path a flow
takes, and thereby that a lab is what it says."""

import select
import socket
import struct

PORT = 33434
FIRST_SOURCE_PORT = 40000
WAIT_S = 0.3

_ERRORS = {4: (11, 3), 6: (3, 1)}  # ICMP types: time exceeded, unreachable


class Prober:
    """A flow is a source port. A probe's TTL is its UDP length, which routers quote."""

    def __init__(self, lab, family, target=None, port=PORT):
        self._ns, self._family, self._port = lab.src, family, port
        self._source, self._target = lab.source(family), target or lab.target(family)
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        icmp = socket.IPPROTO_ICMP if family == 4 else socket.IPPROTO_ICMPV6
        self._kind = kind
        self._icmp = self._ns.socket(kind, socket.SOCK_RAW, icmp)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._icmp.close()

    def path(self, flow, max_ttl):
        """Who answers this flow: an address for each TTL, None for silence."""
        source_port = FIRST_SOURCE_PORT + flow
        with self._ns.socket(self._kind, socket.SOCK_DGRAM) as s:
            s.bind((self._source, source_port))
            for ttl in range(1, max_ttl + 1):
                if self._family == 4:
                    s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
                else:
                    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
                self._send(s, ttl)
            answers = self._collect(source_port, max_ttl)
        return [answers.get(ttl) for ttl in range(1, max_ttl + 1)]

    def _send(self, s, ttl):
        try:
            s.sendto(bytes(ttl), (self._target, self._port))
        except ConnectionRefusedError:
            s.sendto(bytes(ttl), (self._target, self._port))  # that was about the one before

    def _collect(self, source_port, count):
        answers = {}
        while len(answers) < count and select.select([self._icmp], [], [], WAIT_S)[0]:
            packet, peer = self._icmp.recvfrom(65535)
            quoted = self._quoted_udp(packet)
            if quoted and quoted[0] == source_port:
                answers.setdefault(quoted[2] - 8, peer[0])
        return answers

    def _quoted_udp(self, packet):
        """(source port, destination port, length) from an ICMP error."""
        message = packet[(packet[0] & 15) * 4:] if self._family == 4 else packet
        if message[0] not in _ERRORS[self._family]:
            return None
        inner = message[8:]
        header = (inner[0] & 15) * 4 if self._family == 4 else 40
        return struct.unpack("!HHH", inner[header:header + 6])


def explore(lab, family, flows, target=None):
    """Sends so many flows: ({ttl: addresses}, {(ttl, address, address)}) that answered."""
    max_ttl = max(lab.interfaces(family))
    seen, pairs = {}, set()
    with Prober(lab, family, target) as prober:
        for flow in range(flows):
            path = prober.path(flow, max_ttl)
            for ttl, address in enumerate(path, 1):
                if address:
                    seen.setdefault(ttl, set()).add(address)
            pairs |= {(ttl, a, b) for ttl, (a, b) in enumerate(zip(path, path[1:]), 1)
                      if a and b and a != b}
    return seen, pairs
