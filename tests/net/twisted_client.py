#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Traces over mtr-packet's protocol as Twisted programs do them: every read of the pipe is taken
for exactly one reply, whose words are known by their places.

    twisted_client.py PROGRAM TRACES FAMILY PROTOCOL SOURCE TARGET [SECONDS [TIMEOUT]]

prints one JSON line: how long it took, the path of every trace that ended (address or null for each
TTL), what went wrong. SECONDS: stop then, whatever has not ended. TIMEOUT: that of a probe.
"""

import json
import os
import sys
import time

from twisted.internet import defer, protocol, reactor, task

FIRST_TOKEN, SILENT_END, LAST_TTL = 1, 5, 30
PATIENCE_S = 7  # for a reply to a probe, then it counts as none


class Packets(protocol.ProcessProtocol):
    def __init__(self):
        self.waiting, self.token, self.faults = {}, FIRST_TOKEN, []

    def outReceived(self, data):
        """One read, one reply: what stands behind its first line is not looked at."""
        if data.count(b"\n") != 1 or not data.endswith(b"\n"):
            self.faults.append(f"one read of {data.count(b'%c' % 10)} replies")
        words = data.decode("ascii").split()
        waiting = self.waiting.pop(words[0], None)
        if waiting and not waiting.called:
            waiting.callback(words)

    def errReceived(self, data):
        self.faults.append(data.decode(errors="replace"))

    def probe(self, what):
        token, self.token = str(self.token), self.token + 1
        answer = self.waiting[token] = defer.Deferred()
        answer.addTimeout(PATIENCE_S, reactor, lambda *_: [token, "no-reply"])
        self.transport.write(f"{token} send-probe {what}\n".encode())
        return answer


async def trace(packets, what):
    path, silent = [], 0
    for ttl in range(1, LAST_TTL + 1):
        words = await packets.probe(f"{what} ttl {ttl}")
        kind = words[1]
        if kind == "no-reply":
            path.append(None)
            silent += 1
            if silent == SILENT_END:
                break
            continue
        if kind not in ("reply", "ttl-expired", "no-route"):
            packets.faults.append(" ".join(words))
            break
        path.append(words[3])
        int(words[5])
        silent = 0
        if kind == "reply":
            break
    return path


async def run(argv):
    program, count, family, proto, source, target = argv[:6]
    limit_s = float(argv[6]) if len(argv) > 6 else 60
    timeout_s = int(argv[7]) if len(argv) > 7 else 5
    packets = Packets()
    reactor.spawnProcess(packets, program, args=[program], env={})
    port = " port 80" if proto == "tcp" else ""
    what = (f"local-ip-{family} {source} ip-{family} {target} timeout {timeout_s}"
            f" protocol {proto}{port}")
    paths, began = [], time.monotonic()
    traces = [defer.ensureDeferred(trace(packets, what)) for _ in range(int(count))]
    for one in traces:
        one.addCallback(paths.append)
    every = defer.DeferredList(traces, consumeErrors=True)
    limit = task.deferLater(reactor, limit_s)
    await defer.DeferredList([every, limit], fireOnOneCallback=True)
    print(json.dumps({"seconds": time.monotonic() - began, "paths": paths,
                      "faults": packets.faults[:20]}))
    sys.stdout.flush()
    packets.transport.signalProcess("KILL")
    os._exit(0)  # with whatever waits


task.react(lambda _: defer.ensureDeferred(run(sys.argv[1:])))
