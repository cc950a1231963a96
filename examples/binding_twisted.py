#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Traces in Twisted's reactor, which watches the context as it does any descriptor:

    PYTHONPATH=/usr/share/wend/python ./binding_twisted.py 192.0.2.1 2001:db8::1
"""

import sys

from twisted.internet import defer, task
from twisted.internet.interfaces import IReadDescriptor
from zope.interface import implementer

from wend import Context, Traceroute, WendError


@implementer(IReadDescriptor)
class Reader:
    def __init__(self, context):
        self.context = context

    def fileno(self):
        return self.context.fileno()

    def doRead(self):
        self.context.process()

    def connectionLost(self, reason):
        pass

    def logPrefix(self):
        return "wend"


def trace(context, host):
    """A Deferred of the hops."""
    hops = defer.Deferred()

    def over(trace):
        if trace.error:
            hops.errback(trace.error)
        else:
            hops.callback(trace.hops)

    try:
        Traceroute(host, context=context).start(over)
    except WendError as error:
        hops.errback(error)
    return hops


def show(hops, host):
    for hop in hops:
        print(f"{host}: {hop.ttl:2}  {hop.ip or '*'}  {hop.hostname or ''}  {hop.rtt1}")
    return True


def complain(failure, host):
    print(f"{host}: {failure.getErrorMessage()}")
    return False


@defer.inlineCallbacks
def main(reactor, hosts, topology):
    context = Context(topology=topology)
    reader = Reader(context)
    reactor.addReader(reader)
    good = yield defer.gatherResults([
        trace(context, host).addCallbacks(show, complain, (host,), None, (host,)) for host in hosts])
    reactor.removeReader(reader)
    context.close()
    if not all(good):
        raise SystemExit(1)


if __name__ == "__main__":
    arguments, network = sys.argv[1:], None
    if arguments[:1] == ["--sim"]:
        with open(arguments[1]) as file:
            network = file.read()
        arguments = arguments[2:]
    task.react(main, (arguments, network))
