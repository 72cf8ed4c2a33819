# SPDX-License-Identifier: Apache-2.0
"""The load that tests/bench measures with, and its RELP/TLS sink: the lines are like real traffic, each can be told from all others, and
the sink answers as a server does that has clients who wait."""
import collections
import re
import socket
import ssl
import subprocess
import zlib

import pytest
from relay import BIN, free_port, listening, wait_until

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


class Session:
    """A RELP session with bench_sink over TLS that says itself which octets go at once. OPEN goes with the end of the handshake."""

    def __init__(self, port, authority):
        context = ssl.create_default_context(cafile=authority)
        self.socket, self.read, self.written = socket.create_connection(("127.0.0.1", port), 5), ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.read, self.written, server_hostname="sink.example.net")
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.socket.sendall(self.written.read())
                self.read.write(self.socket.recv(1 << 16))
        self.socket.sendall(self.records(b"1 open 30 relp_version=0\ncommands=syslog\n"))
        assert self.answers(1) == [1]

    def records(self, *pieces):
        """The octets of TLS, each piece in a record of its own."""
        for piece in pieces:
            self.tls.write(piece)
        return self.written.read()

    def answers(self, count):
        """The TXNRs of so many answers, which must come though nothing more is sent."""
        octets, found = b"", []
        while len(found) < count:
            try:
                octets += self.tls.read(1 << 16)
            except ssl.SSLWantReadError:
                self.read.write(self.socket.recv(1 << 16))
            found = re.findall(rb"^(\d+) rsp \d+ 200 OK$", octets, re.MULTILINE)
        return [int(txnr) for txnr in found]


@pytest.fixture
def sessions(processes, certificates):
    """Makes sessions with one sink."""
    leaf, port, made = certificates.leaf("sink.example.net"), free_port(), []
    processes.start([BENCH / "bench_sink", "relp-tls", str(port), leaf.certificate, leaf.key, "--count", "100000"],
                    stdout=subprocess.DEVNULL)
    wait_until(listening(port), 10, "the port of bench_sink")

    def make():
        made.append(Session(port, certificates.certificate))
        return made[-1]
    yield make
    for session in made:
        session.socket.close()


def messages(first, count):
    return [b"%d syslog 4 text\n" % txnr for txnr in range(first, first + count)]


def test_the_sink_answers_what_is_there_when_nothing_more_is(sessions):
    """Many messages at once, each in a record of its own, or all in some large ones."""
    session = sessions()
    session.socket.sendall(session.records(*messages(2, 5000)))
    assert session.answers(5000) == list(range(2, 5002))
    session.socket.sendall(session.records(b"".join(messages(5002, 5000))))
    assert session.answers(5000) == list(range(5002, 10002))


def test_the_sink_does_not_wait_for_the_rest_of_a_record(sessions):
    """Behind whole ones there is half a record: those are answered, and so is another client; the half one when its end is there."""
    session, other = sessions(), sessions()
    octets = session.records(*messages(2, 11))
    session.socket.sendall(octets[:-10])
    assert session.answers(10) == list(range(2, 12))
    other.socket.sendall(other.records(*messages(2, 1)))
    assert other.answers(1) == [2]
    session.socket.sendall(octets[-10:])
    assert session.answers(1) == [12]
