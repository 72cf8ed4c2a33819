# SPDX-License-Identifier: Apache-2.0
"""The load that tests/bench measures with: the lines are like real traffic, and each can be told from all others."""
import collections
import re
import socket
import subprocess
import zlib

import pytest
from relay import BIN

BENCH = BIN.parent / "tests" / "bench"
LINE_BYTES = 213
BLOCK_BYTES = 256 << 10
NUMBER = rb"n=(\d{10}) t=\d{13} "
LEGACY = re.compile(rb"<(\d+)>(\w{3} [ \d]\d \d\d:\d\d:\d\d) (\S+) [\w/]+(?:\[\d+\])?: " + NUMBER)
MODERN = re.compile(rb"<(\d+)>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d{6}Z (\S+) \S+ \S+ \S+ "
                    rb'(?:\[[\w@]+(?: \w+="(?:[^"\\]|\\")*")+\])+ ' + NUMBER)


@pytest.fixture(autouse=True)
def load_programs():
    if not (BENCH / "bench_send").exists():
        pytest.skip("the load programs are not built")


def sent(*arguments):
    """The lines that bench_send sends with these arguments over TCP."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        load = subprocess.Popen([BENCH / "bench_send", "tcp", "127.0.0.1", str(server.getsockname()[1]), *map(str, arguments)],
                                stdout=subprocess.DEVNULL)
        with server.accept()[0] as connection:
            octets = b"".join(iter(lambda: connection.recv(1 << 20), b""))
    assert load.wait() == 0
    return octets.split(b"\n")[:-1]


def test_lines_are_numbered_and_of_64_hosts_and_one_length():
    lines = sent("--count", 20000, "--first", 99_990_000, "--mix")
    hosts, levels = collections.Counter(), set()
    for at, line in enumerate(lines):
        found = LEGACY.match(line) or MODERN.match(line)
        assert found and len(line) == LINE_BYTES, line
        assert int(found[4]) == 99_990_000 + at and len(re.findall(rb"n=", line)) == 1, line
        hosts[found[3]] += 1
        levels.add(found[1])
    assert len(lines) == 20000 and len(hosts) == 64 and len(levels) > 15
    assert 0.39 < sum(map(bool, map(MODERN.match, lines))) / len(lines) < 0.41 and max(hosts.values()) < 5 * len(lines) / 64


@pytest.mark.parametrize("more", [(), ("--mix",)])
def test_a_block_of_lines_packs_as_logs_do(more):
    octets = b"\n".join(sent("--count", 10000, *more))
    for at in range(0, len(octets) - BLOCK_BYTES, BLOCK_BYTES):
        assert 5 < BLOCK_BYTES / len(zlib.compress(octets[at:at + BLOCK_BYTES])) < 12


def test_timestamps_are_of_the_second_in_which_a_line_is_sent():
    lines = sent("--count", 3000, "--rate", 2000, "--mix")
    for pattern in (LEGACY, MODERN):
        stamps = [found[2] for found in map(pattern.match, lines) if found]
        assert len(set(stamps)) > 1 and stamps == sorted(stamps)


def test_datagrams_that_are_sent_aggregated_are_of_one_length():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        sink.settimeout(10)
        subprocess.run([BENCH / "bench_send", "udp", "127.0.0.1", str(sink.getsockname()[1]), "--count", "70", "--gso"], check=True,
                       stdout=subprocess.DEVNULL)
        lines = [sink.recv(9000) for _ in range(70)]
    assert [int(LEGACY.match(line)[4]) for line in lines] == list(range(70)) and {len(line) for line in lines} == {LINE_BYTES}
