# SPDX-License-Identifier: Apache-2.0
"""Bounded, whatever the backlog: opening 50 GB reads what opening 50 MB reads, and memory stays below its bound through an outage of an
hour on top of them. RELAYD_OUTAGE_MESSAGES is how many messages come meanwhile (900,000; an hour of 1,000 a second is 3,600,000)."""
import json
import os
import pathlib
import socket
import subprocess
import threading
import time

import pytest
import sparse_spool
from peers import relp
from relay import BIN, free_port, resident_bytes, wait_until

MB, GB = 10**6, 10**9
SEGMENT = 16 << 20
MESSAGES = 50  # in the segment that is copied
OUTAGE_MESSAGES = int(os.environ.get("RELAYD_OUTAGE_MESSAGES", 900_000))
# spool.memory (32 MiB) is the stated bound of the pool; code, libraries, read buffers and the reader's block come on top.
MEMORY_MAX_BYTES = 32 * 2**20 + 32 * 2**20
READ_NOISE_BYTES = 256 << 10
TARGET_PORT = 1  # nobody listens there


def backlog(relays, name, octets, port=None, target=TARGET_PORT, closed=True):
    """A relay that is not started, with so much in its spool that its output has not got; and how many times each message is there."""
    relay = relays.make(name, [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port or free_port()}"}],
                        [{"type": "relp", "name": "next", "servers": [f"127.0.0.1:{target}"], "format": "raw"}],
                        spool={"segment_size": SEGMENT, "max_size": "100GiB"})
    relay.start()
    assert relay.stop() == 0
    relay.start()  # the second segment has all names in its checkpoint
    client = relp.Client(("127.0.0.1", int(relay.config["inputs"][0]["listen"].rsplit(":", 1)[1])))
    client.send(b"<38>Oct 11 22:14:15 web01 app[7]: message %d that waits" % number for number in range(MESSAGES))
    client.close()
    assert relay.stop() == 0
    times = sparse_spool.grow(relay.folder / "spool", octets, SEGMENT, closed)
    relay.was_killed = True  # its rows by source are those of the copied segment, as after a kill
    return relay, times


class Opened:
    """What a start cost until its port was open: seconds, octets read and calls that read (/proc/PID/io), memory."""

    def __init__(self, relay):
        port = int(relay.config["inputs"][0]["listen"].rsplit(":", 1)[1])
        began = time.monotonic()
        relay.start(wait=False)
        wait_until(lambda: listens(port), 60, f"the port of {relay.name}", pause=0.0005)
        self.seconds = time.monotonic() - began
        io = dict(line.split(": ") for line in pathlib.Path(f"/proc/{relay.process.pid}/io").read_text().splitlines())
        self.read, self.calls = int(io["rchar"]), int(io["syscr"])
        wait_until(lambda: relay.status(quiet=True), 20, f"relay {relay.name}")
        self.resident = resident_bytes(relay.process.pid)
        self.pending = relay.output("next")["pending"]

    def __str__(self):
        return (f"listening after {self.seconds * 1000:.0f} ms, {self.read} octets read in {self.calls} calls, {self.resident / 2**20:.1f} MiB "
                f"resident, {self.pending} pending")


def listens(port):
    wanted = f":{port:04X} "
    return any(wanted in line and " 0A " in line for line in pathlib.Path("/proc/net/tcp").read_text().splitlines())


def test_opening_fifty_gigabytes_reads_what_opening_fifty_megabytes_reads(relays):
    """Both after an orderly stop. What is read is the newest segment's checkpoint and what follows it."""
    costs = {}
    for octets in (50 * MB, 10 * GB, 50 * GB):
        relay, times = backlog(relays, f"relay{octets // MB}", octets)
        verified = subprocess.run([BIN / "relayctl", "spool", "verify", "--spool", relay.folder / "spool"], capture_output=True, text=True,
                                  timeout=60, check=False)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        costs[octets] = cost = Opened(relay)
        print(f"{octets / GB:g} GB: {cost}")
        assert cost.pending >= times * MESSAGES
        assert relay.stop() == 0
    small, large = costs[50 * MB], costs[50 * GB]
    assert large.pending > 100 * small.pending
    assert abs(large.read - small.read) <= READ_NOISE_BYTES, f"{small.read} and {large.read} octets read"
    assert abs(large.calls - small.calls) <= 100, f"{small.calls} and {large.calls} calls"
    assert large.resident - small.resident < 2**20, f"{small.resident} and {large.resident} octets resident"


def test_opening_after_a_kill_reads_one_segment_whatever_the_backlog(relays):
    """The newest segment has no end block: it is searched to its end, and no other is."""
    costs = {}
    for octets in (50 * MB, 50 * GB):
        relay, _ = backlog(relays, f"relay{octets // MB}", octets, closed=False)
        costs[octets] = cost = Opened(relay)
        print(f"{octets / GB:g} GB after a kill: {cost}")
        assert '"clean":false' in relay.log_text()
        assert relay.stop() == 0
    small, large = costs[50 * MB], costs[50 * GB]
    assert abs(large.read - small.read) <= READ_NOISE_BYTES, f"{small.read} and {large.read} octets read"
    assert large.read < 3 * SEGMENT


@pytest.mark.slow
def test_memory_stays_below_its_bound_through_an_hours_outage_with_fifty_gigabytes_waiting(relays):
    """The next hop is away, 50 GB wait for it, and an hour's messages come on top as fast as they can be sent. Then it is back: all of
    it drains. At no time is more resident than the bound."""
    port, held = free_port(), socket.socket()
    held.bind(("127.0.0.1", 0))  # nobody else can listen there meanwhile
    hop = held.getsockname()[1]
    relay, times = backlog(relays, "relay", 50 * GB, target=hop)
    relay.config["inputs"].append({"type": "tcp", "name": "tcp", "listen": f"127.0.0.1:{port}"})
    relay.start()
    most = Highest(relay.process.pid)
    bench = subprocess.run([BIN.parent / "tests" / "bench" / "bench_send", "tcp", "127.0.0.1", str(port), "--count", str(OUTAGE_MESSAGES)],
                           capture_output=True, text=True, check=True)
    sent = json.loads(bench.stdout)
    wait_until(lambda: relay.input("tcp")["stored"] == OUTAGE_MESSAGES, 60, "all that was sent")
    relay.wait_output("next", lambda output: output["pending"] >= times * MESSAGES + OUTAGE_MESSAGES)
    pending = relay.output("next")["pending"]
    outage = most.octets
    held.close()
    sink = subprocess.Popen([BIN.parent / "tests" / "bench" / "bench_sink", "relp", str(hop), "--count", str(OUTAGE_MESSAGES), "--idle", "30"],
                            stdout=subprocess.PIPE, text=True)
    began = time.monotonic()
    try:
        relay.wait_output("next", lambda output: output["pending"] == 0, seconds=120)
        drained = time.monotonic() - began
    finally:
        sink.terminate()
        got = json.loads(sink.communicate()[0])
    most.end()
    print(f"{OUTAGE_MESSAGES} messages in {sent['seconds']:.1f} s on top of {pending - OUTAGE_MESSAGES} in 50 GB: at most "
          f"{outage / 2**20:.1f} MiB resident in the outage, {most.octets / 2**20:.1f} MiB until all was drained, {drained:.1f} s later")
    assert got["lost"] == 0 and got["doubled"] == 0, got
    assert most.octets <= MEMORY_MAX_BYTES, f"{most.octets} octets resident"
    assert relay.output("next")["totals"]["damaged"] == 0


class Highest(threading.Thread):
    """The most that a process has resident, looked at ten times a second."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.octets, self.ending = pid, 0, threading.Event()
        self.start()

    def run(self):
        while not self.ending.wait(0.1):
            self.octets = max(self.octets, resident_bytes(self.pid))

    def end(self):
        self.ending.set()
        self.join()
