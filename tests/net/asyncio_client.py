#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Traces over mtr-packet's protocol as asyncio programs do them: MTR_PACKET is a command of the
shell, replies are lines, words are parted by exactly one space, arguments are known by their names.

    MTR_PACKET=COMMAND asyncio_client.py TRACES FAMILY PROTOCOL TARGET

prints what twisted_client.py prints.
"""

import asyncio
import json
import os
import sys
import time

LAST_TTL = 30


class Packets:
    def __init__(self, proc):
        self._proc, self._token, self._waiting = proc, 0, {}
        self._reader = asyncio.ensure_future(self._read())

    async def _read(self):
        while line := await self._proc.stdout.readline():
            token, word, *pairs = line.decode("ascii").rstrip("\n").split(" ")
            self._waiting.pop(int(token)).set_result((word, dict(zip(pairs[::2], pairs[1::2]))))
        for future in self._waiting.values():
            future.set_exception(EOFError("it ended"))

    async def ask(self, command):
        self._token += 1
        answer = self._waiting[self._token] = asyncio.get_running_loop().create_future()
        self._proc.stdin.write(f"{self._token} {command}\n".encode())
        await self._proc.stdin.drain()
        return await answer

    async def close(self):
        self._proc.stdin.close()
        await self._reader
        return await self._proc.wait()


async def trace(packets, family, proto, target):
    path = []
    for ttl in range(1, LAST_TTL + 1):
        word, values = await packets.ask(
            f"send-probe ip-{family} {target} protocol {proto} ttl {ttl} timeout 5")
        path.append(values.get(f"ip-{family}"))
        if word == "reply":
            return path
    return path


async def main(count, family, proto, target):
    proc = await asyncio.create_subprocess_shell(
        os.environ["MTR_PACKET"], stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    packets = Packets(proc)
    faults = []
    for feature in ("send-probe", f"ip-{family}", proto):
        word, values = await packets.ask(f"check-support feature {feature}")
        if (word, values) != ("feature-support", {"support": "ok"}):
            faults.append(f"{feature}: {word} {values}")
    began = time.monotonic()
    paths = await asyncio.gather(*[trace(packets, family, proto, target)
                                   for _ in range(int(count))])
    seconds = time.monotonic() - began
    code = await packets.close()
    if code:
        faults.append(f"exit {code}")
    print(json.dumps({"seconds": seconds, "paths": paths, "faults": faults}))


asyncio.run(main(*sys.argv[1:]))
