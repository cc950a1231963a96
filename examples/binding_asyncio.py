#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Traces in asyncio, all in one context, each hop told as soon as it is known:

    PYTHONPATH=/usr/share/wend/python ./binding_asyncio.py 192.0.2.1 2001:db8::1
"""

import asyncio
import sys

from wend import Context, Traceroute, WendError


async def trace(context, host):
    try:
        async for hop in Traceroute(host, context=context):
            print(f"{host}: {hop.ttl:2}  {hop.ip or '*'}  {hop.hostname or ''}  {hop.rtt1}", flush=True)
    except WendError as error:
        print(f"{host}: {error}", flush=True)
        return False
    return True


async def main(hosts, topology):
    with Context(topology=topology) as context:
        return await asyncio.gather(*[trace(context, host) for host in hosts])


if __name__ == "__main__":
    arguments, network = sys.argv[1:], None
    if arguments[:1] == ["--sim"]:
        with open(arguments[1]) as file:
            network = file.read()
        arguments = arguments[2:]
    sys.exit(0 if all(asyncio.run(main(arguments, network))) else 1)
