#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs of others over mtr-packet's protocol: as Twisted and as asyncio ones use it, from their
documentation.

    test_packet_clients.py PROGRAM [CASES]      PROGRAM may be Debian's mtr-packet
"""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import netns  # noqa: E402
from packet import NOBODY, ROOT, PacketCases, as_whom, environment, open_chain  # noqa: E402
from tap import Skip, expect, only  # noqa: E402

netns.enclose()
cases = PacketCases()
PYTHON = "/usr/bin/python3"  # Debian's, which finds Debian's python3-twisted
HOPS = 7
SOURCE = {4: "10.9.1.1", 6: "fd09:1::1"}


def run(lab, argv, **env):
    res = lab.src.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=100,
                      env=dict(environment(), **env))
    expect(res.stderr, "", "stderr of the client")
    return json.loads(res.stdout)


def twisted(lab, count, family, proto, *more, who=ROOT, target=None):
    client = os.path.join(HERE, "twisted_client.py")
    known = subprocess.run([PYTHON, "-c", "import twisted"], stderr=subprocess.DEVNULL, check=False)
    if known.returncode:
        raise Skip("python3-twisted is not installed")
    argv = [PYTHON, client, cases.program, str(count), str(family), proto, SOURCE[family],
            target or lab.target(family), *map(str, more)]
    if who != ROOT:  # the client's own right to be read is not what is tested
        argv[1] = netns.publish(client)
    return run(lab, as_whom(argv, who))


def complete(got, paths):
    expect(got["faults"], [], "faults")
    expect(len(got["paths"]), len(paths), "traces that ended")
    expect(sum(a != b for a, b in zip(got["paths"], paths)), 0, f"wrong: {got['paths'][0]}")


def many(family, proto, who, count):
    with open_chain(HOPS) as lab:
        # The original never ends: that is seen before its first probe counts as lost.
        got = twisted(lab, count, family, proto, 6.5 if cases.is_original else 60, who=who)
        complete(got, [lab.path(family)] * count)


for family in (4, 6):
    for proto in ("icmp", "udp", "tcp"):
        cases.case(f"Twisted: 500 traces at once, IPv{family}, {proto}", family, proto, ROOT, 500,
                   original="replies share a read")(many)
        cases.case(f"Twisted: 200 traces at once, IPv{family}, {proto}, nobody", family, proto,
                   NOBODY, 200, original="replies share a read")(many)
    cases.case(f"Twisted: a single trace, IPv{family}", family, "icmp", ROOT, 1)(many)


@cases.case("Twisted: silent hops, and five of them at the end", 4)
@cases.case("Twisted: silent hops, and five of them at the end, IPv6", 6)
def _(family):
    with open_chain(9, silent=(2, 4, 5, 6, 7, 8)) as lab:
        got = twisted(lab, 1, family, "icmp", 30, 1)
        complete(got, [lab.path(family)[:8]])


def lines(family, proto, count):
    with open_chain(HOPS) as lab:
        argv = [sys.executable, "-B", os.path.join(HERE, "asyncio_client.py"), str(count),
                str(family), proto, lab.target(family)]
        got = run(lab, argv, MTR_PACKET=f"exec {cases.program} --ignored 2>&1")
        complete(got, [lab.path(family)] * count)


for family in (4, 6):
    for proto in ("icmp", "udp", "tcp"):
        cases.case(f"asyncio: 500 traces at once, IPv{family}, {proto}", family, proto, 500)(lines)


sys.exit(cases.main(only(), side_by_side=2))
