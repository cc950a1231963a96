#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Python module over the C ABI: a trace as a list, and as an asynchronous iterator."""

import asyncio
import ctypes
import os
import select
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD, SOURCE = (os.path.abspath(path) for path in sys.argv[2:4])
LIBRARY = os.path.join(BUILD, "libwend.so.0")
os.environ["WEND_LIBRARY"] = LIBRARY
sys.path[:0] = [HERE, os.path.join(SOURCE, "bindings/python")]

NETWORK = """source me
target dst
host me addr 192.0.2.1
node r1 addr 198.51.100.1 name r1.example
node r2 addr 198.51.100.2 silent
host dst addr 203.0.113.9 name www.example.org
link me r1 delay 200us
link r1 r2 delay 200us
link r2 dst delay 200us
"""

# A library with the sanitizers must be the first that is loaded: then all this runs in such a Python.
ASAN = subprocess.run(["ldd", LIBRARY], capture_output=True, text=True).stdout
if "libasan" in ASAN and "LD_PRELOAD" not in os.environ:
    paths = [subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True,
                            text=True).stdout.strip() for name in ("libasan.so", "libubsan.so")]
    os.execve(sys.executable, [sys.executable, *sys.argv],
              {**os.environ, "LD_PRELOAD": " ".join(paths), "ASAN_OPTIONS": "detect_leaks=0"})
SANITIZED = {key: os.environ[key] for key in ("LD_PRELOAD",) if key in os.environ}
os.environ.pop("LD_PRELOAD", None)

import wend  # noqa: E402
from program import Cases, Skip, expect  # noqa: E402
from test_names import PTR, Server, encode, ptr  # noqa: E402

cases = Cases()


def expect_path(trace, hops):
    expect([hop.ttl for hop in hops], [1, 2, 3])
    expect([hop.ip for hop in hops], ["198.51.100.1", None, "203.0.113.9"])
    expect((trace.stop, trace.reached), ("reached", True))
    expect(all(rtt > 0 for rtt in (hops[0].rtt1, hops[0].rtt2, hops[0].rtt3)), True)
    expect((hops[1].rtt1, hops[1].rtt3, hops[1].hostname), (None, None, None))
    expect((hops[0].hostname, hops[2].hostname), ("r1.example", "www.example.org"))
    expect(hops[0].ips, ["198.51.100.1"] * 3)


@cases.case("its structures are those of the header")
def layout():
    program = ("#include <wend/wend.h>\n#include <stdio.h>\nint main(void) { printf(\"%zu %zu %zu %zu\", "
               "sizeof(struct wend_event), offsetof(struct wend_event, mpls), "
               "sizeof(struct wend_config), sizeof(struct wend_stats)); }\n")
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "layout")
        subprocess.run(["cc", "-I", os.path.join(SOURCE, "include"), "-I",
                        os.path.join(BUILD, "include"), "-x", "c", "-", "-o", path],
                       input=program, text=True, check=True)
        sizes = subprocess.run([path], capture_output=True, text=True, check=True).stdout
    expect(sizes, f"{ctypes.sizeof(wend._Event)} {wend._Event.mpls.offset} "
                  f"{ctypes.sizeof(wend._Config)} {ctypes.sizeof(wend._Stats)}")


@cases.case("a trace as a list")
def as_list():
    for protocol in ("udp", "icmp", "tcp"):
        trace = wend.Traceroute("www.example.org", topology=NETWORK, protocol=protocol)
        expect_path(trace, trace.run())


@cases.case("routers are spared, and counters tell of it")
def spared():
    with wend.Context(topology=NETWORK, pps_per_router=50) as context:
        trace = wend.Traceroute("www.example.org", context=context)
        expect_path(trace, trace.run())
        stats = context.stats
    expect((stats["waits_pace"] > 0, stats["sent"] > 0, stats["traces"]), (True, True, 0))


@cases.case("a trace as an asynchronous iterator, several at once")
def as_iterator():
    async def collect():
        trace = wend.Traceroute("203.0.113.9", topology=NETWORK)
        expect_path(trace, [hop async for hop in trace])

    async def several():
        await asyncio.gather(*[collect() for _ in range(20)])

    asyncio.run(several())


@cases.case("an iterator that is left early leaves nothing behind")
def left_early():
    async def first():
        iterator = aiter(wend.Traceroute("203.0.113.9", topology=NETWORK))
        hop = await anext(iterator)
        await iterator.aclose()
        return hop

    descriptors = len(os.listdir("/proc/self/fd"))
    expect(asyncio.run(first()).ip, "198.51.100.1")
    expect(len(os.listdir("/proc/self/fd")), descriptors)


@cases.case("traces of one context, each with options of its own")
def shared():
    async def several(context):
        traces = [wend.Traceroute("203.0.113.9", context=context, protocol=protocol)
                  for protocol in ("udp", "icmp", "tcp") * 5]

        async def collect(trace):
            expect_path(trace, [hop async for hop in trace])

        await asyncio.gather(*map(collect, traces))

    with wend.Context(topology=NETWORK) as context:
        asyncio.run(several(context))
        trace = wend.Traceroute("203.0.113.9", context=context, names=False)
        expect([hop.hostname for hop in trace.run()], [None, None, None])


@cases.case("traces that are started and told, some canceled, in a loop of one's own")
def started():
    over = []

    def fail(trace):
        over.append(trace)
        raise ValueError("of a callback")

    with wend.Context(topology=NETWORK) as context:
        traces = [wend.Traceroute("203.0.113.9", context=context, wait="1s") for _ in range(6)]
        for trace in traces[:3]:
            trace.start(over.append)
        traces[3].start(fail)
        for trace in traces[4:]:
            trace.start(over.append)
        traces[4].cancel()
        failures = 0
        while len(over) < 6:
            select.select([context], [], [], 5)
            try:
                context.process()
            except ValueError:
                failures += 1
        expect(failures, 1)
        for trace in traces[:4] + traces[5:]:
            expect_path(trace, trace.hops)
        expect((traces[4].done, traces[4] in over, traces[4].stop), (True, True, "canceled"))
        expect((traces[4].reached, over.count(traces[4])), (False, 1))


@cases.case("an iterator whose trace is canceled ends")
def canceled_while_iterated():
    async def trace():
        with wend.Context(topology=NETWORK) as context:
            one = wend.Traceroute("203.0.113.9", context=context, wait="60s", names=False)
            hops = []
            async for hop in one:
                hops.append(hop.ip)
                one.cancel()
            expect((hops[0], one.stop, one.done), ("198.51.100.1", "canceled", True))

    asyncio.run(asyncio.wait_for(trace(), 20))


@cases.case("what is done with a closed context, or twice with a trace, is an error")
def misused():
    def code_of(call):
        try:
            call()
        except wend.WendError as error:
            return error.code
        return None

    with wend.Context(topology=NETWORK) as context:
        pass
    trace = wend.Traceroute("203.0.113.9", topology=NETWORK)
    trace.run()
    for call in (context.fileno, context.process, lambda: context.stats, lambda: context.wait(0),
                 wend.Traceroute("203.0.113.9", context=context).run, trace.run):
        expect(code_of(call), wend.STATE)
    context.close()


@cases.case("an iterator that is left early leaves the others of its context alone")
def left_alone():
    async def both():
        with wend.Context(topology=NETWORK) as context:
            iterator = aiter(wend.Traceroute("203.0.113.9", context=context))
            await anext(iterator)
            await iterator.aclose()
            trace = wend.Traceroute("203.0.113.9", context=context)
            expect_path(trace, [hop async for hop in trace])

    asyncio.run(both())


@cases.case("names on the real network: of a DNS server, and of none that answers")
def names():
    server = Server({(ptr("127.0.0.2"), PTR): encode("two.example"), (ptr("127.0.0.3"), PTR): None})

    def names_of(address):
        return [hop.hostname for hop in wend.Traceroute(address, resolver=server.address).run()]

    expect(names_of("127.0.0.2"), ["two.example"])
    expect(names_of("127.0.0.3"), [None])
    expect(names_of("127.0.0.4"), [None])
    expect(wend.Traceroute("127.0.0.2", names=False).run()[0].hostname, None)


@cases.case("names are made fit to be shown")
def clean():
    program = ("import wend; print(ascii([hop.hostname for hop in "
               "wend.Traceroute('127.0.0.9').run()]))")
    with tempfile.NamedTemporaryFile("wb") as hosts:
        hosts.write(b"127.0.0.9 a\x1b[2J\xe2\x80\xae\xffb\n")
        hosts.flush()
        res = subprocess.run(["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"',
                              hosts.name, sys.executable, "-c", program], capture_output=True, text=True,
                             env={**os.environ, **SANITIZED,
                                  "PYTHONPATH": os.path.dirname(wend.__file__)})
    if "unshare:" in res.stderr or "mount:" in res.stderr:
        raise Skip("no mount namespaces here")
    expect(res.stdout, ascii(["a\\x1b[2J\\u{202e}\\xffb"]) + "\n", res.stderr)


@cases.case("mistakes are exceptions with the library's words")
def mistakes():
    for options, words in (({"max_ttl": 0}, "max-ttl"), ({"hops": 3}, "no option hops")):
        try:
            wend.Traceroute("203.0.113.9", topology=NETWORK, **options).run()
        except wend.WendError as error:
            expect((words in str(error), error.name), (True, "usage"))
        else:
            raise AssertionError(f"{options} were taken")
    try:
        wend.Context(topology="hosts me")
    except wend.WendError as error:
        expect((error.name, "line 1, column" in str(error)), ("parse", True))
    else:
        raise AssertionError("no such network")
    try:
        wend.Traceroute("nowhere", topology=NETWORK).run()
    except wend.WendError as error:
        expect(error.name, "resolve")


@cases.case("this machine, for real")
def loopback():
    hops = wend.Traceroute("127.0.0.1", names=False).run()
    expect([(hop.ttl, hop.ip) for hop in hops], [(1, "127.0.0.1")])
    expect(wend.version(), wend._lib.wend_version_text().decode())


sys.exit(cases.main(None))
