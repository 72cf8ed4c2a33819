# SPDX-License-Identifier: Apache-2.0
"""Spools that are full, disks that are full, away or broken, and what is then seen (faults.py). Disks are tmpfs mounts in a mount
namespace of the relay's own, where this host allows them; errors of a disk come from failing_disk.c, loaded before libc."""
import contextlib
import os
import pathlib
import socket
import subprocess

import pytest
from faults import SMALL, away, lines, numbers, says, send, spool, to
from peers import relp
from relay import BIN, SANITIZED, free_port, wait_until


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
