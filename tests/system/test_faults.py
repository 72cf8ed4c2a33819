# SPDX-License-Identifier: Apache-2.0
"""Full, slow, broken: each thing that goes wrong is one test. It says what an operator then sees in `relayctl status` (`says`), how the
ledger accounts for it (`row`), and what becomes of the messages. Disks are tmpfs mounts in a mount namespace of the relay's own, where
this host allows them; errors of a disk come from failing_disk.c, loaded before libc."""
import contextlib
import json
import os
import pathlib
import re
import resource
import selectors
import socket
import subprocess
import threading
import time

import pytest
from peers import relp
from peers.cutting_proxy import BACKWARD, CuttingProxy
from relay import BIN, SANITIZED, free_port, wait_until

RELAYCTL = BIN / "relayctl"
TEXT = "<13>1 2026-11-21T10:00:00Z host app - - - message {number:05d} {fill}"


def spool(relay, command, *words):
    return subprocess.run([RELAYCTL, "spool", command, "--spool", relay.folder / "spool", *words], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=60)


def table(relay):
    """What `relayctl status` prints."""
    return subprocess.run([RELAYCTL, "status", "--control", relay.control], text=True, capture_output=True, timeout=60, check=True).stdout


def says(relay, *words):
    """`relayctl status` prints each of these, and `relayctl ledger` adds up."""
    try:
        wait_until(lambda: all(word in table(relay) for word in words))
    except AssertionError:
        raise AssertionError(f"not in the status: {[word for word in words if word not in table(relay)]}\n{table(relay)}") from None
    relay.assert_ledger()
    ledger = subprocess.run([RELAYCTL, "ledger", "--control", relay.control], text=True, capture_output=True, timeout=60)
    assert ledger.returncode == 0, ledger.stdout


def output_line(name, stored, sent, delivered):
    """The output's line in `relayctl status`: what is in the spool, and how far it has come."""
    return f"{name:<16} {stored:>14} {stored:>14} {sent:>14} {delivered:>14} {stored - delivered:>12}"


def ledger_row(relay, kind, name):
    """The row of an input or output in the ledger."""
    return next(row for row in relay.status(command="ledger")[kind] if row["name"] == name)


def assert_delivered(relay, name, count, resent=0):
    """The output's row in the ledger: all were delivered, and nothing else became of any; so many were sent again."""
    row = ledger_row(relay, "outputs", name)
    assert row["delivered"] == row["stored"] == count and row["resent"] == resent, row
    assert not any(row[what] for what in ("filtered", "quarantined", "dropped_oldest", "dropped_by_rule", "damaged", "pending", "lost_by_peer")), row


def away(name="next", **more):
    return {"type": "relp", "name": name, "servers": [f"127.0.0.1:{free_port()}"], **more}


def to(server, name="next", **more):
    return {"type": "relp", "name": name, "servers": [f"127.0.0.1:{server.port}"], "format": "raw", "warn_size": 0, **more}


def lines(first, last, size=1000):
    return [TEXT.format(number=number, fill="x" * size).encode() for number in range(first, last + 1)]


def send(port, texts):
    """Over RELP: all of them are stored when it returns."""
    client = relp.Client(("127.0.0.1", port))
    client.send(texts)
    while client.pending:
        client.settle_one()
    client.sock.close()


def numbers(texts):
    """Of our messages: the relay puts some of its own between them, about losses."""
    found = (re.search(rb"- - - message (\d{5}) ", text) for text in texts)
    return [int(match.group(1)) for match in found if match]


@pytest.fixture
def server():
    made = []

    def make(behave=None, **more):
        made.append(relp.Server(behave, **more))
        return made[-1]
    yield make
    for each in made:
        each.close()


SMALL = {"max_size": "64MiB", "segment_size": "4MiB", "reserve": "4MiB", "compression": "none", "memory": "4MiB"}


# ---- full ----

def test_spool_full_holds_senders_that_can_wait_and_counts_what_others_lose(relays, server):
    """`hold`: RELP waits and loses nothing; UDP is dropped by severity, and counted under spool-full."""
    relp_port, udp_port = free_port(), free_port(socket.SOCK_DGRAM)
    port = free_port()
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{relp_port}"},
                                   {"type": "udp", "name": "udp", "listen": f"127.0.0.1:{udp_port}"}],
                         [{"type": "relp", "name": "next", "servers": [f"127.0.0.1:{port}"], "format": "raw", "warn_size": 0}], spool=SMALL)
    client = relp.Client(("127.0.0.1", relp_port), timeout=3)
    texts = lines(1, 70000)
    with pytest.raises(TimeoutError):
        client.send(texts, window=500)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in range(2000):
            sock.sendto(b"<15>1 - h debug - - - %d %s" % (number, b"x" * 1000), ("127.0.0.1", udp_port))
    wait_until(lambda: relay.input("udp")["received"] == 2000, what="all datagrams")
    seen = relay.status()["spool"]
    assert seen["level"] == "reserve" and seen["on_disk_bytes"] <= seen["max_size_bytes"]
    row = relay.input("udp")
    assert row["dropped"]["spool-full"] == row["received"] - row["stored"] > 0
    assert relay.input("in")["dropped"] == {}
    says(relay, "  reserve, ", "paused: spool full", f"{row['dropped']['spool-full']} dropped: spool-full")
    # What the reserve is kept for: emergencies to errors of those who cannot wait, and only them.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in range(100):
            sock.sendto(b"<11>1 - h error - - - %d" % number, ("127.0.0.1", udp_port))
            sock.sendto(b"<12>1 - h warning - - - %d" % number, ("127.0.0.1", udp_port))
    wait_until(lambda: relay.input("udp")["stored"] == row["stored"] + 100 and relay.input("udp")["received"] == row["received"] + 200,
               what="errors")
    after = relay.input("udp")
    assert after["dropped"]["spool-full"] == row["dropped"]["spool-full"] + 100
    says(relay, "  reserve, ")
    answered = len(client.acknowledged)
    client.sock.close()
    back = server(port=port)
    relay.wait_output("next", lambda output: output["pending"] == 0, seconds=60)
    got = numbers(back.received)
    assert set(range(1, answered + 1)) <= set(got) and got == sorted(set(got))
    says(relay, "  open, ")


def test_spool_full_with_drop_oldest_passes_over_and_counts(relays):
    """`drop_oldest`: nobody waits; what the output does not get stands in its ledger as dropped_oldest."""
    port = free_port()
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [away(when_behind="drop_oldest")],
                         spool=SMALL)
    send(port, lines(1, 80000))
    wait_until(lambda: relay.output("next")["totals"]["dropped_oldest"] > 0, what="drops")
    row = relay.output("next")
    assert relay.input("in")["stored"] == 80000 and row["pending"] + row["totals"]["dropped_oldest"] == row["stored"]
    says(relay, "  open, ", "dropped: the output was behind")


# ---- disks ----

class Mounted:
    """A relay with its spool on a tmpfs of its own, in a mount namespace that ends with it."""

    def __init__(self, relay, size):
        self.relay = relay
        self.path = relay.folder / "spool"
        self.path.mkdir(mode=0o700)
        script = f'mount -t tmpfs -o size={size},mode=0700 tmpfs "$0" && exec "$@"'
        self.command = ["unshare", "--mount", "sh", "-c", script, str(self.path)]
        probe = subprocess.run([*self.command, "true"], capture_output=True, text=True, timeout=60)
        if probe.returncode != 0:
            pytest.skip(f"this host does not let a test mount a tmpfs: {probe.stderr.strip()}")

    def start(self):
        self.relay.start(command=self.command)
        return self

    def inside(self, name):
        return pathlib.Path(f"/proc/{self.relay.process.pid}/root{self.path}") / name


def test_a_file_system_that_others_filled_is_waited_for(relays):
    """Somebody else's file takes all room. The spool goes on in what it has prepared, then is full; RELP waits. When there is room
    again it goes on by itself, and nothing is lost."""
    port = free_port()
    relay = relays.make("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [away()], spool=SMALL)
    mounted = Mounted(relay, "60m").start()
    with contextlib.suppress(OSError), open(mounted.inside("of-somebody-else"), "wb") as other:
        while True:
            other.write(bytes(1 << 16))
    client = relp.Client(("127.0.0.1", port), timeout=3)
    texts = lines(1, 40000)
    with pytest.raises(TimeoutError):
        client.send(texts, window=500)
    seen = relay.status()["spool"]
    assert seen["level"] in ("reserve", "full") and seen["used_bytes"] < seen["max_size_bytes"] / 2
    assert "No space left on device" in relay.log_text()
    says(relay, f"  {seen['level']}, ", "paused: spool full")
    answered = len(client.acknowledged)
    assert answered <= seen["stored"] <= answered + 500
    mounted.inside("of-somebody-else").unlink()
    wait_until(lambda: relay.status()["spool"]["level"] == "open", what="room")
    client.sock.close()
    send(port, lines(40001, 40100))
    assert relay.input("in")["dropped"] == {}
    says(relay, "  open, ", "in " + " " * 26 + "running")


def test_a_spool_that_may_only_be_read_is_told_at_the_start(relays):
    """Exit code 4, and a sentence with the path and the system's reason."""
    relay = relays.make("relay", [{"type": "udp", "listen": f"127.0.0.1:{free_port(socket.SOCK_DGRAM)}"}])
    path = relay.folder / "spool"
    path.mkdir(mode=0o700)
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    result = subprocess.run(["unshare", "--mount", "sh", "-c", script, path, BIN / "relayd", "-c", relay.write_config()],
                            text=True, capture_output=True, timeout=60)
    if "mount" in result.stderr and result.returncode != 4:
        pytest.skip(f"this host does not let a test mount anything: {result.stderr.strip()}")
    assert result.returncode == 4
    assert str(path) in result.stderr and "Read-only file system" in result.stderr


def test_a_disk_that_is_shut_down_ends_the_relay_and_nothing_answered_is_lost(relays, tmp_path):
    """A loop device with ext4 is shut down below the running relay, as the kernel does after an error: writes fail. The relay says so and
    ends (never "ok" for what is not stored); after the disk is back, all that was answered is there."""
    port = free_port()
    relay = relays.make("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [away()], spool=SMALL)
    path, image = relay.folder / "spool", tmp_path / "disk"
    path.mkdir(mode=0o700)
    with open(image, "wb") as file:
        file.truncate(160 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True, timeout=60)
    mount = subprocess.run(["mount", "-o", "loop", image, path], capture_output=True, text=True, timeout=60)
    if mount.returncode != 0:
        pytest.skip(f"this host has no loop devices for a test: {mount.stderr.strip()}")
    try:
        relay.start()
        client = relp.Client(("127.0.0.1", port), timeout=5)
        client.send(lines(1, 200))
        while client.pending:
            client.settle_one()
        shut_down(path)
        with pytest.raises((OSError, ConnectionError)):
            client.send(lines(201, 400), window=10)
        assert relay.process.wait(20) != 0
        relay.process, relay.was_killed = None, True
        assert "spool_failed" in relay.log_text() and "the spool has failed" in relay.log_text()
        answered = len(client.acknowledged)
        subprocess.run(["umount", path], check=True, timeout=60)
        subprocess.run(["mount", "-o", "loop", image, path], check=True, timeout=60)
        relay.start()
        assert relay.status()["spool"]["stored"] >= answered >= 200
        relay.wait_output("next", lambda output: output["pending"] == output["stored"] >= answered)
        says(relay, "messages 1 to ", "waiting")
        assert relay.stop() == 0
    finally:
        if relay.process is not None:
            relay.kill()
        subprocess.run(["umount", path], check=False, timeout=60)


def shut_down(path):
    """EXT4_IOC_SHUTDOWN, without writing anything first."""
    import fcntl
    file = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(file, 0x8004587d, (2).to_bytes(4, "little"))
    finally:
        os.close(file)


# ---- errors of the disk ----

@pytest.fixture
def failing(relays, tmp_path):
    """Makes a relay whose disk fails when `fault(what)` is called, until `fault(None)`."""
    if SANITIZED:
        pytest.skip("failing_disk.c and the sanitizers want to be loaded first, both of them")
    library, control = tmp_path / "failing_disk.so", tmp_path / "fails"
    source = pathlib.Path(__file__).parent / "failing_disk.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True, timeout=60)

    def make(outputs):
        port = free_port()
        relay = relays.make("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], outputs, spool=SMALL)
        relay.port = port
        relay.command = ["env", f"LD_PRELOAD={library}", f"FAILING_DISK={control}"]
        relay.fault = lambda what: control.write_text(what) if what else control.unlink()
        return relay.start(command=relay.command)
    return make


def send_until_it_ends(relay, first):
    """Sends on until the relay ends; returns what it answered in all, and what it said."""
    client = relp.Client(("127.0.0.1", relay.port), timeout=10)
    with pytest.raises((OSError, ConnectionError)):
        client.send(lines(first, first + 20000), window=10)
    assert relay.process.wait(20) != 0
    relay.process, relay.was_killed = None, True
    client.sock.close()
    return len(client.acknowledged), relay.log_text()


def comes_back_with(relay, answered):
    """Started again on a disk that is well: everything answered is there and waits for the output."""
    relay.start()
    assert relay.input("in")["stored"] >= answered
    relay.wait_output("next", lambda output: output["pending"] == output["stored"] >= answered)
    kept = numbers(line.encode() for line in spool(relay, "cat", "--format", "raw").stdout.splitlines())
    assert kept[:answered] == list(range(1, answered + 1))
    says(relay, "messages 1 to ", "waiting")


def test_an_error_of_one_write_costs_a_segment_and_no_message(failing, server):
    """The group goes into the next segment; nobody notices but who counts segments."""
    made = server()
    relay = failing([to(made)])
    send(relay.port, lines(1, 100))
    before = relay.status()["spool"]
    relay.fault("write once")
    send(relay.port, lines(101, 200))
    row = relay.wait_output("next", lambda output: output["pending"] == 0)
    assert numbers(made.received) == list(range(1, 201))
    assert row["totals"] == {"delivered": row["stored"], "filtered": 0, "quarantined": 0, "dropped_oldest": 0, "dropped_by_rule": 0,
                             "damaged": 0}
    assert relay.status()["spool"]["first"] >= before["first"]
    newest = max((relay.folder / "spool").glob("segment-*"))
    assert int(newest.name.split("-")[1], 16) == 2
    says(relay, "  open, ", "stored 200, ")


def test_writes_that_go_on_failing_end_the_relay_and_nothing_answered_is_lost(failing):
    relay = failing([away()])
    send(relay.port, lines(1, 100))
    relay.fault("write")
    more, log = send_until_it_ends(relay, 101)
    assert "spool_failed" in log and "cannot write to segment" in log and "Input/output error" in log
    relay.fault(None)
    comes_back_with(relay, 100 + more)


def test_a_sync_that_fails_ends_the_relay_and_nothing_answered_is_lost(failing):
    """The kernel may have given up the pages: to try again would turn a lie into an answer."""
    relay = failing([away()])
    send(relay.port, lines(1, 100))
    relay.fault("sync")
    more, log = send_until_it_ends(relay, 101)
    assert more == 0, "a message was answered without a sync"
    assert "spool_failed" in log and "cannot sync segment" in log and "Input/output error" in log
    relay.fault(None)
    comes_back_with(relay, 100)


def test_a_spool_that_cannot_be_read_for_a_while_is_said_and_costs_nothing(failing, server):
    """The output holds and says so, whatever its connection does, and tries again with growing waits; what comes meanwhile is stored
    and answered."""
    port, made = free_port(), []
    relay = failing([{"type": "relp", "name": "next", "servers": [f"127.0.0.1:{port}"], "format": "raw", "warn_size": 0}])
    send(relay.port, lines(1, 100))
    relay.fault("read")
    made = server(port=port)
    seen = relay.wait_output("next", lambda output: "cannot be read" in output["detail"])
    assert "trying again in " in seen["detail"] and "Input/output error" in seen["detail"]
    assert seen["state"] == "held: the spool cannot be read"
    send(relay.port, lines(101, 200))
    row = relay.output("next")
    assert row["pending"] == row["stored"] == 200 and row["delivered"] == 0
    says(relay, "held: the spool cannot be read", "the spool cannot be read, trying again in ")
    relay.fault(None)
    row = relay.wait_output("next", lambda output: output["pending"] == 0)
    assert numbers(made.received) == list(range(1, 201)) and row["totals"]["damaged"] == 0
    assert "cannot be read" not in row["detail"] + row["state"]
    says(relay, "stored 200, ")


# ---- damage ----

@pytest.fixture
def stopped(relays):
    """A relay, stopped, with 6,000 messages in two segments and more that its output has not got."""
    port = free_port()
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [away()], spool=SMALL)
    send(port, lines(1, 12000))
    assert relay.stop() == 0
    relay.segments = sorted((relay.folder / "spool").glob("segment-*"))
    assert len(relay.segments) >= 3
    return relay


def overwrite(path, at, octets=b"damage"):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(octets)


def deliver_all(relay, made):
    relay.config["outputs"] = [to(made)]
    relay.start()
    return relay.wait_output("next", lambda output: output["pending"] == 0, seconds=60)


def missing_in(relay):
    """The sequences that `relayctl spool verify` says are missing."""
    missing = set()
    for line in spool(relay, "verify").stdout.splitlines():
        words = line.replace(",", "").split()
        if line.endswith("are missing"):
            missing.update(range(int(words[-5]), int(words[-3]) + 1))
    return missing


def test_a_damaged_block_costs_exactly_its_messages(stopped, server):
    """The rest is delivered; the output's ledger has them as damaged, and the status says so."""
    octets = stopped.segments[1].read_bytes()
    overwrite(stopped.segments[1], octets.index(b"message ", len(octets) // 2))
    missing = missing_in(stopped)
    made = server()
    row = deliver_all(stopped, made)
    assert 0 < len(missing) < 1000
    assert row["totals"]["damaged"] == len(missing) and row["totals"]["delivered"] == row["stored"] - len(missing)
    assert numbers(made.received) == [number for number in range(1, 12001) if number not in missing]
    wait_until(lambda: stopped.status()["spool"]["damaged"] == len(missing), what="the spool's count")
    assert "cannot be read from the spool: they are counted as damaged" in stopped.output("next")["detail"] + stopped.log_text()
    says(stopped, f"DAMAGED: {len(missing)} messages cannot be read any more", f"{len(missing)} damaged")


def test_a_damaged_checkpoint_costs_nothing(stopped, server):
    """The newest segment's first block: opening takes the one before it, and counts on from there."""
    overwrite(stopped.segments[-1], 128 + 128 + 8)
    made = server()
    row = deliver_all(stopped, made)
    assert row["totals"]["delivered"] == row["stored"] and row["totals"]["damaged"] == 0
    assert numbers(made.received) == list(range(1, 12001))
    assert stopped.input("in")["stored"] == 12000
    says(stopped, f"stored {row['stored']}, ")
    assert "DAMAGED" not in table(stopped)


def test_a_missing_segment_costs_exactly_its_messages(stopped, server):
    stopped.segments[1].unlink()
    missing = missing_in(stopped)
    made = server()
    row = deliver_all(stopped, made)
    assert missing and row["totals"]["damaged"] == len(missing)
    assert numbers(made.received) == [number for number in range(1, 12001) if number not in missing]
    wait_until(lambda: stopped.status()["spool"]["damaged"] == len(missing), what="the spool's count")
    says(stopped, f"DAMAGED: {len(missing)} messages cannot be read any more", f"{len(missing)} damaged")


def test_the_oldest_segment_missing_is_told_at_the_start(stopped, server):
    """The cursor points before what is there: counted as damaged, and logged with the sequences."""
    stopped.segments[0].unlink()
    first = int(stopped.segments[1].name.split("-")[2], 16)
    made = server()
    row = deliver_all(stopped, made)
    assert row["totals"]["damaged"] == first - 1
    assert "spool_segments_missing" in stopped.log_text()
    assert numbers(made.received) == list(range(first, 12001))
    says(stopped, f"{first - 1} damaged")


def test_a_newest_segment_whose_header_is_damaged_costs_what_it_had_and_says_how_much(stopped, server):
    """Nothing in it can be proven any more, so nothing of it is delivered; but its payloads still say what is missing."""
    newest = stopped.segments[-1]
    first = int(newest.name.split("-")[2], 16)
    overwrite(newest, 33)
    stopped.was_killed = True  # what came last of each source is counted in that segment only
    made = server()
    row = deliver_all(stopped, made)
    assert row["totals"]["damaged"] == 12001 - first > 0
    assert numbers(made.received) == list(range(1, first))
    assert list(newest.parent.glob("damaged-*")) and "spool_segment_damaged" in stopped.log_text()
    wait_until(lambda: stopped.status()["spool"]["damaged"] == 12001 - first, what="the spool's count")
    says(stopped, f"DAMAGED: {12001 - first} messages cannot be read any more", f"{12001 - first} damaged")


# ---- clocks, descriptors, two relays ----

@pytest.fixture
def clock(tmp_path):
    """A file with the wall clock's distance from the host's, and the command that a relay with this clock is started with."""
    library = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
    if SANITIZED:
        pytest.skip("libfaketime and the sanitizers want to be loaded first, both of them")
    if not library.exists():
        pytest.skip("libfaketime is not installed")
    file = tmp_path / "clock"
    file.write_text("+0d\n")
    return file, ["env", f"LD_PRELOAD={library}", f"FAKETIME_TIMESTAMP_FILE={file}", "FAKETIME_NO_CACHE=1",
                  "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1"]


@pytest.mark.parametrize("jump", ["-30d", "+30d"])
def test_a_clock_that_jumps_moves_no_message(relays, server, clock, jump):
    """The wall clock is a month off from one moment to the next, as after a first answer of NTP: order, count and answers stay."""
    clock, command = clock
    port, made = free_port(), server()
    relay = relays.make("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to(made)], spool=SMALL)
    relay.start(command=command)
    send(port, lines(1, 500))
    clock.write_text(jump + "\n")
    send(port, lines(501, 1000))
    relay.wait_delivered("next", 1000)
    assert numbers(made.received) == list(range(1, 1001))
    times = [json.loads(line)["relay"]["received"] for line in spool(relay, "cat").stdout.splitlines()]
    assert (times[-1] > times[0]) == (jump[0] == "+") and times[0][:10] != times[-1][:10]
    says(relay, "messages 1 to 1000 kept", "connected")


def test_two_relays_on_one_spool_the_second_is_refused_and_the_first_goes_on(relays):
    port = free_port()
    first = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [away()])
    result = subprocess.run([BIN / "relayd", "-c", first.write_config()], text=True, capture_output=True, timeout=60)
    assert result.returncode == 3 and f"process {first.process.pid} has this spool" in result.stderr
    send(port, lines(1, 100))
    assert first.output("next")["pending"] == 100
    says(first, "stored 100, ", "running")


def test_no_descriptor_left_when_a_segment_is_full_is_survived(relays):
    """Connections have taken all descriptors. The next segment opens in place of one that the spool keeps for this."""
    port = free_port()
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [away()], spool=SMALL)
    client = relp.Client(("127.0.0.1", port))
    client.send(lines(1, 10))
    pid = relay.process.pid
    # No connection is under way, and none of ours to the control socket is being closed.
    wait_until(lambda: re.match(r"waiting [2-9]", relay.output("next")["state"]), 60, "a long pause between attempts", pause=0.3)
    time.sleep(0.3)
    open_now = sorted(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
    # As many as there are: the next one would get a number that is not allowed.
    limit = next(number for number in range(len(open_now) + 1) if number not in open_now)
    subprocess.run(["prlimit", f"--pid={pid}", f"--nofile={limit}:"], check=True, timeout=60)
    client.send(lines(11, 20000))
    while client.pending:
        client.settle_one()
    subprocess.run(["prlimit", f"--pid={pid}", "--nofile=1024:"], check=True, timeout=60)
    assert relay.process.poll() is None and relay.status()["spool"]["segments"] >= 4
    assert relay.input("in")["stored"] == 20000 and relay.input("in")["dropped"] == {}
    says(relay, "messages 1 to 20000 kept")


# ---- the next hop ----

def refusing(bad, times=None):
    """Answers 500 to the messages with these numbers, so often; for ever without `times`."""
    left = {number: times for number in bad}

    def behave(server, session, txnr, data):
        number = next(iter(numbers([data])), 0)
        if number in left and left[number] != 0:
            left[number] = None if left[number] is None else left[number] - 1
            session.answer(txnr, b"500 I do not like it")
        else:
            session.answer(txnr, b"200 OK")
    return behave


def test_a_message_refused_for_ever_goes_into_quarantine_and_comes_out_of_it(relays, server):
    """The others are delivered; it is counted, can be read, survives a kill, and is sent by hand to somebody who takes it."""
    port, made = free_port(), server(refusing([50]))
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to(made)])
    send(port, lines(1, 100))
    row = relay.wait_output("next", lambda output: output["pending"] == 0)
    assert row["totals"]["quarantined"] == 1 and row["totals"]["delivered"] == row["stored"] - 1 >= 99
    says(relay, "    1 quarantined")
    relay.wait_log("output_quarantined")
    relay.kill()
    relay.start()
    assert relay.output("next")["totals"]["quarantined"] == 1
    kept = spool(relay, "cat", "--quarantine", "next")
    assert [json.loads(line)["message"].split()[1] for line in kept.stdout.splitlines()] == ["00050"]
    assert json.loads(kept.stdout)["relay"]["input"] == "in"
    verified = spool(relay, "verify", "--quarantine", "next")
    assert verified.returncode == 0 and "1 messages: all good" in verified.stdout
    other = server()
    replayed = spool(relay, "replay", "--quarantine", "next", "--to", f"127.0.0.1:{other.port}")
    assert replayed.returncode == 0 and numbers(other.received) == [50]
    assert set(numbers(made.received)) == set(range(1, 101))


def test_a_message_refused_for_ever_with_hold_is_held_and_said(relays, server):
    port, made = free_port(), server(refusing([50]))
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to(made, on_refused="hold")])
    send(port, lines(1, 100))
    seen = relay.wait_output("next", lambda output: output["state"].startswith("held"))
    assert seen["state"] == "held: message 50 is refused" and seen["delivered"] == 49 and seen["pending"] == 51
    assert seen["totals"]["quarantined"] == 0
    says(relay, "held: message 50 is refused")


def test_a_server_that_refuses_everything_does_not_get_the_whole_spool_put_aside(relays, server):
    port, made = free_port(), server(refusing(range(1, 101)))
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to(made, max_refusals=1)])
    send(port, lines(1, 100))
    relay.wait_output("next", lambda output: output["state"].startswith("held"), seconds=40)
    assert relay.output("next")["totals"]["quarantined"] == 3
    says(relay, "held: message 4 is refused", "    3 quarantined")


def test_the_quarantine_goes_with_an_output_that_gets_another_name(relays, server):
    port, made = free_port(), server(refusing([1]))
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to(made, max_refusals=1)])
    send(port, lines(1, 2))
    relay.wait_output("next", lambda output: output["pending"] == 0)
    assert relay.stop() == 0
    assert spool(relay, "rename-output", "next", "other").returncode == 0
    assert spool(relay, "cat", "--quarantine", "other").stdout.count("message 00001") == 1
    assert spool(relay, "cat", "--quarantine", "next").returncode == 1


def test_a_slow_reader_gets_everything_and_holds_back_nobody_else(relays, server, tmp_path):
    """It answers slowly, and for a while, behind message 100, not at all. The status says how far it is; the other output is done."""
    goes_on = threading.Event()

    def slowly(server, session, txnr, data):
        time.sleep(0.002)
        if numbers([data])[0] > 100:
            goes_on.wait(60)
        session.answer(txnr, b"200 OK")
    port, made = free_port(), server(slowly)
    file = {"type": "file", "name": "fast", "path": str(tmp_path / "fast")}
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to(made, window=10), file])
    send(port, lines(1, 500))
    relay.wait_delivered("fast", 500)
    assert_delivered(relay, "fast", 500)
    says(relay, output_line("next", 500, 110, 100), f"relp: connected, 127.0.0.1:{made.port}", output_line("fast", 500, 500, 500))
    row = ledger_row(relay, "outputs", "next")
    assert row["delivered"] == 100 and row["pending"] == 400 and row["resent"] == 0
    goes_on.set()
    relay.wait_delivered("next", 500)
    assert numbers(made.received) == list(range(1, 501))
    assert_delivered(relay, "next", 500)
    says(relay, output_line("next", 500, 500, 500))


def test_a_half_open_peer_is_given_up_when_it_does_not_answer(relays, server):
    """It takes octets and answers nothing, as a host that lost its power does. After answer_timeout everything is sent again."""
    dead = {"is": True}

    def behave(server, session, txnr, data):
        if not dead["is"]:
            session.answer(txnr, b"200 OK")
    port, made = free_port(), server(behave)
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to(made, answer_timeout="1s")])
    send(port, lines(1, 20))
    relay.wait_output("next", lambda output: "not answered in time" in output["detail"])
    row = ledger_row(relay, "outputs", "next")
    assert row["delivered"] == 0 and row["pending"] == 20
    says(relay, output_line("next", 20, 20, 0), "a message was not answered in time")
    dead["is"] = False
    relay.wait_output("next", lambda output: output["pending"] == 0)
    resent = relay.output("next")["resent"]
    assert resent >= 20
    assert_delivered(relay, "next", 20, resent=resent)
    says(relay, output_line("next", 20, 20, 20), f"    {resent} sent again since the start")


def test_half_open_senders_are_looked_for_by_keepalive(relays):
    """A sender that lost its power says nothing for ever. Each connection has the kernel's keepalive timer, and may be idle as long as
    it answers that."""
    port = free_port()
    relay = relays.start("relay", [{"type": "tcp", "name": "in", "listen": f"127.0.0.1:{port}"}], [away()])
    with socket.create_connection(("127.0.0.1", port)) as sock:
        wait_until(lambda: relay.input("in")["connections"] == 1, what="the connection")
        ours = f"{port:04X}", f"{sock.getsockname()[1]:04X}"

        def timer():
            for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
                words = line.split()
                if (words[1].split(":")[1], words[2].split(":")[1]) == ours:
                    return words[5].split(":")
            return None
        kind, ticks = wait_until(timer, what="the connection in /proc/net/tcp")
        assert kind == "02" and 0 < int(ticks, 16) <= 60 * os.sysconf("SC_CLK_TCK")
        says(relay, "in " + " " * 26 + "running" + " " * 25 + "1 ")
        assert relay.input("in")["received"] == 0


def test_an_output_away_for_days_gets_everything_in_order(relays, server, clock):
    """Nine days pass on the clock, the relay is killed and stopped meanwhile; `relayctl status` says what waits. Then the server is back."""
    clock, command = clock
    port, out = free_port(), free_port()
    relay = relays.make("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}],
                        [{"type": "relp", "name": "next", "servers": [f"127.0.0.1:{out}"], "format": "raw", "warn_size": 0}], spool=SMALL)
    sent = 0
    for day in range(0, 9, 3):
        clock.write_text(f"+{day}d\n")
        relay.start(command=command)
        for hours in (0, 36):
            clock.write_text(f"+{24 * day + hours}h\n")
            send(port, lines(sent + 1, sent + 500))
            sent += 500
        says(relay, "messages 1 to ", "waiting", "Connection refused")
        row = relay.wait_output("next", lambda output: output["pending"] == output["stored"] >= sent)
        assert row["totals"]["delivered"] == 0
        if day == 3:
            relay.kill()
        else:
            assert relay.stop() == 0
    relay.start(command=command)
    made = server(port=out)
    row = relay.wait_output("next", lambda output: output["pending"] == 0)
    assert numbers(made.received) == list(range(1, sent + 1)) and row["totals"]["delivered"] == row["stored"]
    says(relay, "connected")


def wave(port, count, first):
    """So many RELP senders connect at the same moment, send a message each and wait for its answer; returns their sockets."""
    chosen, done = selectors.DefaultSelector(), []
    for number in range(first, first + count):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", port))
        frames = relp.frame(1, b"open", relp.OFFERS) + relp.frame(2, b"syslog", TEXT.format(number=number, fill="x").encode())
        chosen.register(sock, selectors.EVENT_WRITE, [frames, b""])
    deadline = time.monotonic() + 90
    while len(done) < count:
        assert time.monotonic() < deadline, f"{len(done)} of {count} senders were answered"
        for key, events in chosen.select(1):
            sock, data = key.fileobj, key.data
            if events & selectors.EVENT_WRITE:
                assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 and sock.send(data[0]) == len(data[0])
                chosen.modify(sock, selectors.EVENT_READ, data)
                continue
            octets = sock.recv(4096)
            assert octets, "a sender was refused"
            data[1] += octets
            if data[1].endswith(b"2 rsp 6 200 OK\n"):
                chosen.unregister(sock)
                done.append(sock)
    chosen.close()
    return done


def test_ten_thousand_senders_come_back_at_once(relays):
    """The relay is killed and started again, and all its senders connect in the same moment: each is let in and answered, and each message
    is stored once."""
    count = int(os.environ.get("RELAYD_TEST_SENDERS", 1000 if SANITIZED else 10000))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count + 100:
        pytest.skip(f"this host lets a process have {hard} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 1000), hard))
    try:
        port = free_port()
        relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}", "max_connections": count}], [away()])
        before = wave(port, count, 0)
        says(relay, f"running {count:>25} ")
        relay.kill()
        for sock in before:
            sock.close()
        relay.start()
        back = wave(port, count, count)
        row = relay.input("in")
        assert row["connections"] == count and row["connections_refused"] == 0
        counted = ledger_row(relay, "inputs", "in")
        assert counted["received"] == counted["stored"] == 2 * count and counted["dropped"] == {}
        assert relay.status()["spool"]["stored"] >= 2 * count and row["stored"] == 2 * count
        says(relay, f"running {count:>25} ")
        for sock in back:
            sock.close()
        wait_until(lambda: relay.input("in")["connections"] == 0, what="all connections gone")
        kept = numbers(line.encode() for line in spool(relay, "cat", "--format", "raw").stdout.splitlines())
        assert sorted(kept) == list(range(2 * count))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_an_answer_lost_after_the_commit_makes_a_double_and_no_loss(relays, server):
    """The server has stored message 10 and its connection breaks before the answer: RELP is at least once. It is counted as resent."""
    broken = []

    def behave(server, session, txnr, data):
        if numbers([data]) == [10] and not broken:
            broken.append(True)
            return "close"
        session.answer(txnr, b"200 OK")
    port, made = free_port(), server(behave)
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to(made, window=1)])
    send(port, lines(1, 20))
    relay.wait_output("next", lambda output: output["pending"] == 0)
    assert numbers(made.received) == [*range(1, 11), *range(10, 21)]
    assert_delivered(relay, "next", 20, resent=1)
    says(relay, output_line("next", 20, 20, 20), "    1 sent again since the start")


def test_an_answer_lost_after_the_commit_between_two_relays_makes_no_double(relays):
    """The second relay has stored a block, and the line breaks in the middle of its answer. Its mark says in the next session what it has:
    nothing is sent again, and both ledgers agree."""
    port, hop = free_port(), free_port()
    proxy = CuttingProxy(hop)
    central = relays.start("central", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{hop}"}])
    edge = relays.make("edge", [{"type": "relp", "listen": f"127.0.0.1:{port}"}],
                       [{"type": "relp", "name": "next", "servers": [f"127.0.0.1:{proxy.port}"]}])
    try:
        proxy.release()
        edge.start()
        edge.wait_output("next", lambda output: output["state"].startswith("connected"))
        opened = wait_until(lambda: proxy.passed[BACKWARD], what="the answer to open")
        assert edge.stop() == 0
        proxy.arm(BACKWARD, opened + 1)
        edge.start()
        proxy.release()
        send(port, lines(1, 1))
        wait_until(lambda: proxy.was_cut, what="the cut")
        edge.wait_delivered("next", 1)
        send(port, lines(2, 100))
        edge.wait_delivered("next", 100)
        assert_delivered(edge, "next", 100)
        counted = ledger_row(central, "inputs", "in")
        assert counted["received"] == counted["stored"] == 100
        stream, = central.status(command="ledger")["streams"]["received"]
        assert (stream["records"], stream["duplicates"], stream["lost"]) == (100, 0, 0)
        hop_of_both = subprocess.run([RELAYCTL, "ledger", edge.control, central.control], text=True, capture_output=True, timeout=60)
        assert hop_of_both.returncode == 0 and "the hop adds up\n" in hop_of_both.stdout, hop_of_both.stdout
        says(edge, output_line("next", 100, 100, 100), f"relp: connected, 127.0.0.1:{proxy.port}")
    finally:
        proxy.close()


def test_an_answer_of_ours_lost_after_the_commit_is_stored_twice_and_counted_twice(relays):
    """The sender does not read our answers and sends all again on a new connection: for a foreign sender at least once."""
    port = free_port()
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [away()])
    client = relp.Client(("127.0.0.1", port))
    client.send(lines(1, 10))
    relay.wait_stored(10)
    client.sock.close()
    send(port, lines(1, 10))
    row = relay.input("in")
    assert row["received"] == row["stored"] == 20 and relay.output("next")["pending"] == 20
    says(relay, "messages 1 to 20 kept")
