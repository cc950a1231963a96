# SPDX-License-Identifier: Apache-2.0
"""Topologies of real kernel routers, one namespace each.

A chain of n hops is S, routers R1 .. R(n-1), and the destination D. Link k joins node k-1 and
node k, S being node 0 and D node n:

    IPv4  10.9.k.1 (near)  10.9.k.2 (far)      IPv6  fd09:k::1  fd09:k::2

so hop k answers from the far address of link k. What the kernel does by default and would spoil
a test is switched off: ICMP rate limits, duplicate address detection, neighbour discovery (a first
question that is lost costs a second), checksum offload at the ends, and a multipath hash that
reuses what the sender's socket left in the packet. And a topology is handed out only when every
link really sends: the last step, switching offload off, waits for the kernel's lock of interfaces,
under which a link gets its queue.
"""

import os
import select
import socket
import threading

from netns import Netns

FIELDS_5TUPLE = 55


def mac(link, far=True):
    return f"02:00:00:00:{link:02x}:{2 if far else 1:02x}"


def v4(link, far=True):
    return f"10.9.{link}.{2 if far else 1}"


def v6(link, far=True):
    return f"fd09:{link}::{2 if far else 1}"


def addr(family, link, far=True):
    return v4(link, far) if family == 4 else v6(link, far)


# Targets behind the chain, where routers answer in D's place: one for each kind of refusal.
REFUSED = {"unreachable": 201, "prohibit": 202, "blackhole": 203, "throw": 204, "dead": 205}


def refused(family, kind):
    return f"10.9.{REFUSED[kind]}.1" if family == 4 else f"fd09:{REFUSED[kind]}::1"


class Lab:
    """Namespaces by name, and the servers in them. Closing it removes everything."""

    def __init__(self):
        self.ns = {}
        self._servers = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def add(self, name):
        ns = self.ns[name] = Netns(name)
        ns.sysctl(ipv4__ip_forward=1, ipv4__icmp_ratemask=0, ipv4__fib_multipath_hash_policy=3,
                  ipv4__fib_multipath_hash_fields=FIELDS_5TUPLE,
                  ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0,
                  ipv6__conf__all__forwarding=1, ipv6__conf__default__accept_dad=0,
                  ipv6__icmp__ratemask="", ipv6__fib_multipath_hash_policy=3,
                  ipv6__fib_multipath_hash_fields=FIELDS_5TUPLE)
        return ns

    def configure(self, lines_by_name):
        """Runs `ip -batch` lines in many namespaces side by side."""
        procs = [(self.ns[n], self.ns[n].start_ip(*lines)) for n, lines in lines_by_name.items()]
        for ns, proc in procs:
            ns.finish_ip(proc)
        for name in lines_by_name:
            self.ns[name].wait_running()
            self.ns[name].wait_own_addresses()

    def serve(self, server):
        self._servers.append(server)
        return server

    def close(self):
        for server in self._servers:
            server.close()
        for ns in self.ns.values():
            ns.close()
        self._servers, self.ns = [], {}


class Chain(Lab):
    """The options are dictionaries or sets keyed by hop number.

    silent    hops whose ICMP errors never leave
    mtu       {link: bytes}
    """

    def __init__(self, hops, silent=(), mtu=None):
        super().__init__()
        self.hops = hops
        self.silent = set(silent)
        try:
            self._build(mtu or {})
            for hop in silent:
                silence(self.node(hop))
        except BaseException:
            self.close()
            raise

    def name(self, index):
        return "S" if index == 0 else "D" if index == self.hops else f"R{index}"

    def node(self, hop):
        return self.ns[self.name(hop)]

    @property
    def src(self):
        return self.ns["S"]

    @property
    def dst(self):
        return self.ns["D"]

    def target(self, family):
        return addr(family, self.hops)

    def path(self, family, upto=None):
        """What a right trace shows: an address for each TTL, None for silence."""
        last = self.hops if upto is None else upto
        return [None if h in self.silent and h < self.hops else addr(family, h)
                for h in range(1, last + 1)]

    def _build(self, mtu):
        for i in range(self.hops + 1):
            self.add(self.name(i))
        self.ns["S"].ip(*[
            veth(self.node(k - 1), f"l{k}", self.node(k), f"u{k}", k, mtu.get(k, 1500))
            for k in range(1, self.hops + 1)])
        self.configure({self.name(i): self._node_lines(i) for i in range(self.hops + 1)})
        self.src.checksum_offload_off("l1")
        self.dst.checksum_offload_off(f"u{self.hops}")

    def _node_lines(self, i):
        """u<i> leads up to the source, l<i+1> down to the destination."""
        lines = []
        if i > 0:
            lines += iface(f"u{i}", i, True)
        if i < self.hops:
            lines += iface(f"l{i + 1}", i + 1, False) + default(i + 1)
        for k in range(1, i):
            lines += [f"route add 10.9.{k}.0/24 via {v4(i, False)}",
                      f"route add fd09:{k}::/64 via {v6(i, False)}"]
        return lines

    def refuse(self, hop):
        """Router hop refuses the REFUSED targets, each in its way; "dead" is D keeping silent."""
        lines = []
        for kind in REFUSED.keys() - {"dead"}:
            lines += [f"route add {kind} {refused(4, kind)}/32",
                      f"route add {kind} {refused(6, kind)}/128"]
        self.node(hop).ip(*lines)
        self.dst.ip(f"addr add {refused(4, 'dead')}/32 dev lo",
                    f"addr add {refused(6, 'dead')}/128 dev lo nodad")
        self.dst.nft("table inet dead {", "chain in { type filter hook input priority 0;",
                     f"ip daddr {refused(4, 'dead')} drop",
                     f"ip6 daddr {refused(6, 'dead')} drop", "}", "}")
        self.dst.wait_own_addresses()


def veth(near_ns, near, far_ns, far, link, mtu=1500):
    """Both ends have a number that nobody else has: where they are alike, which is usual across
    namespaces, the kernel takes its time to say that the link is up, a second at times."""
    def end(iface, ns, is_far):
        return (f"{iface} index {2 * link + 100 + is_far} mtu {mtu} address {mac(link, is_far)}"
                f" netns {ns.path}")

    return f"link add {end(near, near_ns, False)} type veth peer name {end(far, far_ns, True)}"


def iface(dev, link, far, spare=False):
    """One end of a link, which knows its neighbour from the start. spare: IPv6 errors, which newer
    kernels send from where the packet came in, are to come from another address."""
    there = f"lladdr {mac(link, not far)} dev {dev} nud permanent"
    return ["link set lo up", f"addr add {addr(4, link, far)}/24 dev {dev}",
            f"addr add {addr(6, link, far)}/64 dev {dev} nodad" + " preferred_lft 0" * spare,
            f"link set {dev} up",
            f"neigh add {addr(4, link, not far)} {there}",
            f"neigh add {addr(6, link, not far)} {there}"]


def default(link, far=True):
    return [f"route add default via {v4(link, far)}", f"route add ::/0 via {v6(link, far)}"]


def silence(ns):
    """No ICMP error leaves this node."""
    ns.nft("table inet silent {", "chain out { type filter hook output priority 0;",
           "icmp type { time-exceeded, destination-unreachable, parameter-problem } drop",
           "icmpv6 type { time-exceeded, destination-unreachable, packet-too-big,"
           " parameter-problem } drop", "}", "}")


def block_output(ns, *matches):
    """Sending what matches fails with EPERM here."""
    ns.nft("table inet blocked {", "chain out { type filter hook output priority 0;",
           *[f"{m} drop" for m in matches], "}", "}")


def filter_input(ns, *rules):
    """What the destination does before its sockets see a packet, such as "tcp dport 82 drop"."""
    ns.nft("table inet filtered {", "chain in { type filter hook input priority 0;", *rules,
           "}", "}")


def limit_icmp(*nodes):
    """The kernel's own limits again: one error a second and destination, the first six at once."""
    for ns in nodes:
        ns.sysctl(ipv4__icmp_ratemask=6168, ipv6__icmp__ratemask="0-1,3-127")


def lose(ns, percent):
    """This router loses so many of the packets that it forwards, probes and answers alike."""
    _lose_where(ns, f"numgen random mod 100 < {percent}")


def lose_every(ns, nth):
    """The same without chance: every nth packet."""
    _lose_where(ns, f"numgen inc mod {nth} {nth - 1}")


def lose_first(ns):
    """Only the first packet that it sends on towards D."""
    _lose_where(ns, 'oifname "l*" numgen inc mod 1000000 0')


def _lose_where(ns, what):
    ns.nft("table inet lossy {", "chain f { type filter hook forward priority 0;",
           f"{what} drop", "}", "}")


def hide_mtu(ns):
    """A black hole: what is too big for the next link is dropped without a word."""
    ns.nft("table inet blackhole {", "chain out { type filter hook output priority 0;",
           "icmp type destination-unreachable icmp code frag-needed drop",
           "icmpv6 type packet-too-big drop", "}", "}")


def translate_target(ns, outer, inner):
    """DNAT. All that comes back from behind, time exceeded included, then comes from outer."""
    family = "ip6" if ":" in outer else "ip"
    ns.nft(f"table {family} target_nat {{", "chain pre { type nat hook prerouting priority -100;",
           f"{family} daddr {outer} dnat to {inner}", "}", "}")


def masquerade(ns):
    """Probes leave this router under its own address; routers behind never hear of S."""
    ns.nft("table inet source_nat {", "chain post { type nat hook postrouting priority 100;",
           'oifname "l*" masquerade', "}", "}")


def listen(ns, port):
    """A TCP socket that takes connections and leaves them alone: whoever wants one accepts it."""
    return Server.listen(ns, socket.SOCK_STREAM, port)


class Server:
    """Threads that answer on sockets of a namespace until closed."""

    def __init__(self, ns, udp=(), tcp=()):
        self._stop_r, self._stop_w = os.pipe()
        self._sockets = [self.listen(ns, socket.SOCK_DGRAM, p) for p in udp]
        self._sockets += [self.listen(ns, socket.SOCK_STREAM, p) for p in tcp]
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    @staticmethod
    def listen(ns, kind, port):
        s = ns.socket(socket.AF_INET6, kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("::", port))  # IPv4 too
        if kind == socket.SOCK_STREAM:
            s.listen(64)
        return s

    def _loop(self):
        while True:
            ready, _, _ = select.select(self._sockets + [self._stop_r], [], [])
            if self._stop_r in ready:
                return
            for s in ready:
                try:
                    if s.type == socket.SOCK_DGRAM:
                        data, peer = s.recvfrom(65535)
                        s.sendto(data, peer)
                    else:
                        s.accept()[0].close()
                except OSError:
                    pass  # the peer is gone: nothing to answer

    def close(self):
        os.write(self._stop_w, b"x")
        self._thread.join()
        for s in self._sockets:
            s.close()
        os.close(self._stop_r)
        os.close(self._stop_w)
