#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Traces several targets at once with `wend pipe` (docs/pipe.md) from Twisted, and cancels one.

    pipe_twisted.py [--wend PROGRAM] [--sim FILE] TARGET...

Needs python3-twisted. Wend and Trace may be copied into other programs.
"""

import argparse
import itertools
import json

from twisted.internet import defer, protocol, task
from twisted.protocols.basic import LineReceiver


class WendError(Exception):
    """A request that was refused; `error` is a stable name."""

    def __init__(self, event):
        super().__init__(event["text"])
        self.error = event["error"]


ENDED = {"event": "error", "error": "closed", "text": "wend pipe has ended"}


class Trace:
    """`done` fires with the last event, or fails with a WendError; until then on_event is called
    with each reply and lost probe."""

    def __init__(self, wend, ident, on_event):
        self._wend, self._id, self.on_event = wend, ident, on_event
        self.done = defer.Deferred()

    def cancel(self):
        """It ends as soon as may be, and `done` says so."""
        if not self.done.called:
            self._wend.send({"cancel": self._id})


class _Lines(LineReceiver):
    """Its longest line is the longest that wend pipe writes."""

    delimiter = b"\n"

    def __init__(self, on_line):
        self.lineReceived = on_line


class Wend(protocol.ProcessProtocol):
    """wend = Wend(reactor); wend.trace("192.0.2.1", print).done.addCallback(print)"""

    def __init__(self, reactor, *arguments, program="wend"):
        self._ids = itertools.count(1)
        self._traces = {}
        self._lines = _Lines(self._line)
        self.hello = None
        self.ended = defer.Deferred()
        reactor.spawnProcess(self, program, [program, "pipe", *arguments], path=None,
                             env=None, childFDs={0: "w", 1: "r", 2: 2})

    def send(self, request):
        self.transport.writeToChild(0, json.dumps(request).encode() + b"\n")

    def close(self):
        """What is under way goes on to its end; then `ended` fires with the exit code."""
        self.transport.closeStdin()
        return self.ended

    def trace(self, target, on_event, **options):
        """Options have _ for -; they are those of `wend trace --help`."""
        return self._start({"target": target}, on_event, options)

    def probe(self, address, ttl, on_event, **options):
        return self._start({"probe": address, "ttl": ttl}, on_event, options)

    def _start(self, request, on_event, options):
        ident = next(self._ids)
        request["id"] = ident
        request.update((key.replace("_", "-"), value) for key, value in options.items())
        trace = Trace(self, ident, on_event)
        if self.ended.called:
            trace.done.errback(WendError(ENDED))
        else:
            self._traces[ident] = trace
            self.send(request)
        return trace

    def outReceived(self, data):
        self._lines.dataReceived(data)

    def _line(self, line):
        event = json.loads(line)
        if event["event"] == "hello":
            self.hello = event
            return
        trace = self._traces.get(event.get("id"))
        if trace is None or event.get("request") == "cancel":  # it had just ended
            return
        if event["event"] in ("done", "error"):
            del self._traces[event["id"]]
        if event["event"] == "done":
            trace.done.callback(event)
        elif event["event"] == "error":
            trace.done.errback(WendError(event))
        else:
            trace.on_event(event)

    def processEnded(self, reason):
        self.ended.callback(reason.value.exitCode)
        for trace in list(self._traces.values()):
            trace.done.errback(WendError(ENDED))


@defer.inlineCallbacks
def show(wend, target):
    def on_event(event):
        if event["event"] == "reply" and event["number"] == 0:
            print(f"{target}: {event['ttl']:2}  {event['address']}  "
                  f"{event['rtt_ns'] / 1e6:.3f} ms")

    try:
        done = yield wend.trace(target, on_event).done
        print(f"{target}: {done['stop']} at TTL {done['ttl']}, "
              f"{done['received']} of {done['sent']} answered")
    except WendError as error:
        print(f"{target}: {error}")


@defer.inlineCallbacks
def show_first(wend, target):
    """The first answer is enough."""
    trace = wend.trace(target, lambda event: event["event"] == "reply" and trace.cancel(),
                       wait="60s", wait_min="60s")
    done = yield trace.done
    print(f"{target}: {done['stop']}")


@defer.inlineCallbacks
def main(reactor):
    parser = argparse.ArgumentParser()
    parser.add_argument("--wend", default="wend", help="the program")
    parser.add_argument("--sim", help="a simulated network, docs/topology.md")
    parser.add_argument("targets", nargs="+")
    words = parser.parse_args()
    arguments = ["--sim", words.sim] if words.sim else []
    wend = Wend(reactor, *arguments, program=words.wend)
    yield defer.gatherResults([show(wend, target) for target in words.targets])
    yield show_first(wend, words.targets[0])
    yield wend.close()


if __name__ == "__main__":
    task.react(main)
