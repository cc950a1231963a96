#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Traces several targets at once with `wend pipe` (docs/pipe.md) from asyncio, and cancels one.

    pipe_asyncio.py [--wend PROGRAM] [--sim FILE] TARGET...

Only the standard library is needed. Wend and Trace may be copied into other programs.
"""

import argparse
import asyncio
import itertools
import json


class WendError(Exception):
    """A request that was refused; `error` is a stable name."""

    def __init__(self, event):
        super().__init__(event["text"])
        self.error = event["error"]


ENDED = {"event": "error", "error": "closed", "text": "wend pipe has ended"}


class Trace:
    """Iterates over its events, replies and lost probes, as they come; `done` is the last one.

        async for event in trace:
            print(event["ttl"], event.get("address"))
        print(trace.done["stop"])
    """

    def __init__(self, wend, ident):
        self._wend, self._id = wend, ident
        self._events = asyncio.Queue()
        self.done = None

    def put(self, event):
        self._events.put_nowait(event)

    def cancel(self):
        """It ends as soon as may be; its events go on until then."""
        if self.done is None:
            self._wend.send({"cancel": self._id})

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.done is not None:
            raise StopAsyncIteration
        event = await self._events.get()
        if event["event"] == "error":
            self.done = event
            raise WendError(event)
        if event["event"] != "done":
            return event
        self.done = event
        raise StopAsyncIteration


class Wend:
    """async with Wend() as wend: trace = await wend.trace("192.0.2.1", protocol="icmp")"""

    def __init__(self, *arguments, program="wend"):
        self._command = [program, "pipe", *arguments]
        self._ids = itertools.count(1)
        self._traces = {}

    async def __aenter__(self):
        # No line is longer than 16 KiB, far below the 64 KiB that readline() takes.
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        hello = await self._process.stdout.readline()
        if not hello:
            raise OSError(f"{self._command[0]} exited with {await self._process.wait()}")
        self.hello = json.loads(hello)
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_):
        """What is under way goes on to its end; cancel it before, or wait for it."""
        self._process.stdin.close()
        await self._reader
        await self._process.wait()

    def send(self, request):
        self._process.stdin.write(json.dumps(request).encode() + b"\n")

    async def trace(self, target, **options):
        """Options have _ for -; they are those of `wend trace --help`."""
        return await self._start({"target": target}, options)

    async def probe(self, address, ttl, **options):
        return await self._start({"probe": address, "ttl": ttl}, options)

    async def _start(self, request, options):
        if self._reader.done():
            raise WendError(ENDED)
        ident = next(self._ids)
        request["id"] = ident
        request.update((key.replace("_", "-"), value) for key, value in options.items())
        self._traces[ident] = trace = Trace(self, ident)
        self.send(request)
        await self._process.stdin.drain()  # it stops reading when it has enough to do
        return trace

    async def _read(self):
        while line := await self._process.stdout.readline():
            event = json.loads(line)
            trace = self._traces.get(event.get("id"))
            if trace is None or event.get("request") == "cancel":  # it had just ended
                continue
            if event["event"] in ("done", "error"):
                del self._traces[event["id"]]
            trace.put(event)
        for trace in self._traces.values():
            trace.put(ENDED)


async def show(wend, target):
    try:
        trace = await wend.trace(target)
        async for event in trace:
            if event["event"] == "reply" and event["number"] == 0:
                print(f"{target}: {event['ttl']:2}  {event['address']}  "
                      f"{event['rtt_ns'] / 1e6:.3f} ms")
        done = trace.done
        print(f"{target}: {done['stop']} at TTL {done['ttl']}, "
              f"{done['received']} of {done['sent']} answered")
    except WendError as error:
        print(f"{target}: {error}")


async def show_first(wend, target):
    """The first answer is enough."""
    trace = await wend.trace(target, wait="60s", wait_min="60s")
    async for event in trace:
        if event["event"] == "reply":
            trace.cancel()
    print(f"{target}: {trace.done['stop']}")


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wend", default="wend", help="the program")
    parser.add_argument("--sim", help="a simulated network, docs/topology.md")
    parser.add_argument("targets", nargs="+")
    words = parser.parse_args()
    arguments = ["--sim", words.sim] if words.sim else []
    async with Wend(*arguments, program=words.wend) as wend:
        await asyncio.gather(*(show(wend, target) for target in words.targets))
        await show_first(wend, words.targets[0])


if __name__ == "__main__":
    asyncio.run(main())
