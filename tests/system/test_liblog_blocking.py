# SPDX-License-Identifier: Apache-2.0
"""No program hangs because of its log (P7): liblog against a relay that is stopped, killed or away, and against a syslog
socket that nobody reads. The bound of a call is 10 ms, and 50 ms of all calls in a second; what is asserted is generous,
because the machine may be busy."""
import os
import signal
import socket
import time

import pytest
from peers.liblog_program import Program
from relay import BIN, SANITIZED, wait_until

LIBRARY = BIN.parent / "lib" / "liblog.so"
CALL_LIMIT = 200_000  # microseconds that one call may take at the most
SECOND = 1_000_000

pytestmark = pytest.mark.skipif(SANITIZED, reason="the interpreter is not built with the sanitizer")


@pytest.fixture
def relay_socket(tmp_path):
    return tmp_path / "relp"


@pytest.fixture
def relay(relays, relay_socket):
    return relays.start("relay", [{"type": "relp", "listen": str(relay_socket)}])


def numbers(relay):
    """The numbers of the events that the relay has printed, in order; it may show fields with their types, or as they came."""
    events = [line for line in relay.lines() if line.get("msgid") == "t"]
    return [int(line["i"] if "i" in line else line["structured_data"]["slog@32473"]["i"]) for line in events]


def test_events_reach_the_relay_over_relp_once_and_in_order(relay, relay_socket, processes):
    """A program logs ten thousand events in bursts that its lane can hold; each is stored by the relay when flush says so."""
    program = Program(processes, LIBRARY, f"relp:{relay_socket}")
    for _ in range(20):
        program.log(500)
        assert program.flush() == 0
    relay.wait_stored(10_000)
    wait_until(lambda: len(numbers(relay)) >= 10_000, 30, "all events")
    assert numbers(relay) == list(range(10_000))
    assert program.dropped() == 0
    program.close()


def test_a_relay_killed_in_the_middle_loses_no_event(relays, relay_socket, processes):
    """The relay is killed with -9 while events are on their way, and started again: every event is there, at least once; no
    call of the program waited."""
    relay = relays.start("relay", [{"type": "relp", "listen": str(relay_socket)}])
    program = Program(processes, LIBRARY, f"relp:{relay_socket}")
    longest = 0
    for part in range(6):
        longest = max(longest, program.log(200)[0])
        if part in (1, 3):
            relay.process.kill()
            relay.process.wait()
            longest = max(longest, program.log(200)[0])
            relay.start()
    deadline = time.monotonic() + 20
    while program.flush() != 0:
        assert time.monotonic() < deadline
    assert program.dropped() == 0
    wait_until(lambda: set(numbers(relay)) >= set(range(1600)), 30, "every event")
    assert longest < CALL_LIMIT
    program.close()


def test_a_stopped_relay_hangs_no_caller(relay, relay_socket, processes):
    """SIGSTOP: the relay's socket takes some octets and answers nothing. Calls return at once, the lane fills and refuses,
    closing takes its second; afterwards the relay has what the lane held, and the loss is told."""
    program = Program(processes, LIBRARY, f"relp:{relay_socket}")
    program.log(10)
    assert program.flush() == 0
    os.kill(relay.process.pid, signal.SIGSTOP)
    try:
        longest, whole = program.log(5_000, severity=3)
        assert longest < CALL_LIMIT
        assert whole < 20 * SECOND
        dropped = program.dropped()
        assert 0 < dropped < 5_000
        assert program.flush() != 0
    finally:
        os.kill(relay.process.pid, signal.SIGCONT)
    wait_until(lambda: program.flush() == 0, 20, "an answer to every event")
    kept = 5_010 - dropped
    program.log(1)
    assert program.flush() == 0
    wait_until(lambda: len(numbers(relay)) >= kept + 1, 30, "what was kept")
    assert numbers(relay) == [*range(kept), 5_010]
    loss = next(line for line in relay.lines() if line.get("msgid") == "slog_loss")
    assert str(dropped) in str(loss)
    program.close()


def test_closing_over_a_stopped_relay_takes_no_longer_than_its_bound(relay, relay_socket, processes):
    program = Program(processes, LIBRARY, f"relp:{relay_socket}")
    program.log(10)
    assert program.flush() == 0
    os.kill(relay.process.pid, signal.SIGSTOP)
    try:
        program.log(10)
        assert program.close() < 3 * SECOND
    finally:
        os.kill(relay.process.pid, signal.SIGCONT)


def full_dev_log(tmp_path, kind):
    path = tmp_path / "log"
    server = socket.socket(socket.AF_UNIX, kind)
    server.bind(str(path))
    if kind == socket.SOCK_STREAM:
        server.listen(1)
    return path, server


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
@pytest.mark.parametrize("ring", ["", "async:"])
def test_a_dev_log_whose_queue_is_full_hangs_no_caller(tmp_path, processes, kind, ring):
    """Nobody reads the socket: syslog(3) would hang for ever. Of 50,000 events most are dropped and all are counted; no call
    takes long, and all of them together hardly longer than the patience of the sink."""
    path, server = full_dev_log(tmp_path, kind)
    with server:
        program = Program(processes, LIBRARY, f"{ring}syslog:{path}")
        longest, whole = program.log(50_000)
        assert longest < CALL_LIMIT
        assert whole < 20 * SECOND
        assert 0 < program.dropped() < 50_000
        assert program.close() < 3 * SECOND


def test_a_child_of_a_logging_program_logs(relay, relay_socket, processes):
    """Two forks, as a daemon makes them for each connection: each child's events are stored, and the parent's are not
    repeated."""
    program = Program(processes, LIBRARY, f"relp:{relay_socket}")
    program.log(10)
    assert program.ask("fork 5") == [0]
    assert program.ask("fork 5") == [0]
    assert program.flush() == 0
    wait_until(lambda: len(numbers(relay)) >= 20, 30, "all events")
    assert sorted(numbers(relay)) == sorted([*range(10), *range(10, 15), *range(10, 15)])
    program.close()
