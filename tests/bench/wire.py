# SPDX-License-Identifier: Apache-2.0
"""Round trips as the wire saw them: both packets stamped by the kernel at the interface.

What a tracer reports beyond that is the tracer's own error; what the wire shows beyond the delay
asked for is the simulator's.
"""

import socket
import struct

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33


def _transport(packet):
    """(family, source, destination, ttl, protocol, transport bytes) of an IP packet."""
    if packet[0] >> 4 == 4:
        ihl = (packet[0] & 15) * 4
        return 4, packet[12:16], packet[16:20], packet[8], packet[9], packet[ihl:]
    return 6, packet[8:24], packet[24:40], packet[7], packet[6], packet[40:]


def _probe_key(proto, l4):
    """What tells a probe from the others under way, and comes back in a quote or answer."""
    if proto == socket.IPPROTO_UDP:
        return ("udp", l4[:8])
    if proto == socket.IPPROTO_TCP:
        return ("tcp", l4[:8])
    if proto in (socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6) and l4[0] in (8, 128):
        return ("icmp", l4[4:8])
    return None


def _reply_key(proto, l4):
    if proto in (socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6):
        if l4[0] in (0, 129):
            return ("icmp", l4[4:8])
        _, _, _, _, inner, quoted = _transport(l4[8:])
        return _probe_key(inner, quoted)
    if proto == socket.IPPROTO_TCP:
        ack = struct.unpack("!I", l4[8:12])[0]
        return ("tcp", l4[2:4] + l4[0:2] + struct.pack("!I", (ack - 1) & 0xFFFFFFFF))
    return None


class Wire:
    """Listens on one interface of a namespace from the moment it is made until read()."""

    def __init__(self, ns, iface):
        self._s = ns.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self._s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self._s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._s.bind((iface, ETH_P_ALL))
        self._s.setblocking(False)

    def read(self):
        """Stops listening: {ttl: [rtt in ns or None, in order of sending]}."""
        sent, rtts = {}, {}
        for at_ns, outgoing, packet in self._packets():
            _, _, _, ttl, proto, l4 = _transport(packet)
            if outgoing:
                key = _probe_key(proto, l4)
                if key:
                    slot = rtts.setdefault(ttl, [])
                    sent[key] = (at_ns, slot, len(slot))
                    slot.append(None)
                continue
            key = _reply_key(proto, l4)
            if key in sent:
                tx_ns, slot, index = sent[key]
                if slot[index] is None:
                    slot[index] = at_ns - tx_ns
        return rtts

    def _packets(self):
        while True:
            try:
                packet, extra, _, where = self._s.recvmsg(65535, 64)
            except BlockingIOError:
                self._s.close()
                return
            stamp = [d for level, kind, d in extra
                     if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS]
            if stamp and len(packet) >= 28 and packet[0] >> 4 in (4, 6):
                seconds, ns = struct.unpack("qq", stamp[0])
                yield seconds * 1_000_000_000 + ns, where[2] == PACKET_OUTGOING, packet
