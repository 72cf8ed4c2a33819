# SPDX-License-Identifier: Apache-2.0
"""Exactly once between relays: relays in a row ship blocks, and any of them is killed at random moments under load. The originator
never sends a number twice, so whatever is doubled was doubled between the relays."""
import random
import socket
import threading
import time

import pytest
import senders
from peers import relp
from relay import free_port, wait_until

SECONDS = 12


class NewNumbers(threading.Thread):
    """A RELP originator that never sends anything again: after each lost session it goes on with new numbers. `acknowledged` is the set
    of numbers that were answered; each of them must arrive, and no number may arrive twice."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.stopping, self.next, self.acknowledged = port, threading.Event(), 0, set()

    def note(self, client):
        for text in client.acknowledged:
            self.acknowledged.add(int(senders.NUMBERED.search(text.decode()).group(2)))
        client.acknowledged.clear()

    def run(self):
        while not self.stopping.is_set():
            client = None
            try:
                client = relp.Client(("127.0.0.1", self.port), timeout=5)
                if client.opened is None:
                    raise ConnectionError("no answer to open")
                while not self.stopping.is_set():
                    first, self.next = self.next, self.next + 50
                    client.send((senders.message("k", n) for n in range(first, self.next)), window=200)
                    self.note(client)
                client.settle()
                client.close()
            except (OSError, ConnectionError, AssertionError):
                time.sleep(0.02)
            if client is not None:
                self.note(client)


def chain(relays, count):
    """`count` relays in a row, each sending to the next. The last one's output leads nowhere, so that it keeps all it ever stored."""
    ports = [free_port() for _ in range(count + 1)]
    made = [relays.make(f"relay{i}", [{"type": "relp", "listen": f"127.0.0.1:{ports[i]}"}],
                        [{"type": "relp", "name": "next", "servers": [f"127.0.0.1:{ports[i + 1]}"]}],
                        spool={"segment_size": "4MiB"}) for i in range(count)]
    for relay in reversed(made):
        relay.start()
    return ports[0], made


def stored_numbers(relay, tmp_path):
    """All that is in the relay's spool, read by an output that begins with the oldest message."""
    out = tmp_path / "everything"
    relay.stop()
    relay.config["outputs"].append({"type": "file", "name": "check", "path": str(out), "format": "json", "from": "oldest"})
    relay.start()
    relay.wait_delivered("check", relay.status()["spool"]["stored"], seconds=60)
    return senders.numbers_by_sender(out.read_text().splitlines()).get("k", [])


def assert_each_once(numbers, acknowledged):
    missing = acknowledged - set(numbers)
    assert not missing, f"{len(missing)} acknowledged messages lost, the first {min(missing)}"
    assert len(numbers) == len(set(numbers)), f"{len(numbers) - len(set(numbers))} came twice"
    assert numbers == sorted(numbers), "out of order"


@pytest.mark.parametrize("count", [2, 3])
def test_any_relay_is_killed_under_load_and_each_message_is_stored_once(relays, tmp_path, count):
    """An originator sends to the first relay without pause; every now and then a random relay is killed with SIGKILL and started again.
    At the end the last relay has every acknowledged message once, in order, and every relay's ledger adds up."""
    port, made = chain(relays, count)
    chance = random.Random(1000 + count)
    loader = NewNumbers(port)
    loader.start()
    deadline, kills = time.monotonic() + SECONDS, 0
    while time.monotonic() < deadline:
        time.sleep(chance.uniform(0.02, 0.4))
        relay = chance.choice(made)
        relay.kill()
        kills += 1
        time.sleep(chance.choice([0, 0, 0.3]))
        relay.start()
    loader.stopping.set()
    loader.join(20)
    assert len(loader.acknowledged) > 1000, "the load did not run"
    for relay, following in zip(made, made[1:]):
        relay.wait_output("next", lambda status: status["pending"] == 0, seconds=60)
        relay.assert_ledger()
        assert following.status()["spool"]["stored"] > 0
    log = "".join(relay.log_text() for relay in made)
    assert "output_stream_forked" not in log
    numbers = stored_numbers(made[-1], tmp_path)
    print(f"{kills} kills, {loader.next} sent, {len(loader.acknowledged)} acknowledged, {len(numbers)} stored")
    assert_each_once(numbers, loader.acknowledged)


def test_what_a_filter_leaves_is_stored_once_when_relays_are_killed(relays, tmp_path):
    """As above, but the first relay packs its blocks again, because a filter takes out every message of one severity."""
    port, made = chain(relays, 2)
    made[0].stop()
    made[0].config["outputs"][0]["filter"] = {"hostname": ["web0*"]}
    made[0].start()
    chance = random.Random(7)
    loader = NewNumbers(port)
    loader.start()
    deadline = time.monotonic() + 4
    while time.monotonic() < deadline:
        time.sleep(chance.uniform(0.02, 0.4))
        relay = chance.choice(made)
        relay.kill()
        relay.start()
    loader.stopping.set()
    loader.join(20)
    made[0].wait_output("next", lambda status: status["pending"] == 0, seconds=60)
    assert_each_once(stored_numbers(made[1], tmp_path), loader.acknowledged)


class Tap(threading.Thread):
    """Passes one connection after the other on to a port and keeps what the client says."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.heard = port, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listening = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            client = self.listener.accept()[0]
            try:
                server = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                client.close()
                continue
            back = threading.Thread(target=self.copy, args=(server, client, False), daemon=True)
            back.start()
            self.copy(client, server, True)
            back.join()

    def copy(self, source, sink, keep):
        try:
            while octets := source.recv(65536):
                self.heard += octets if keep else b""
                sink.sendall(octets)
        except OSError:
            pass
        for sock in (source, sink):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def test_blocks_are_shipped_and_the_stream_goes_on_after_a_restart(relays, tmp_path):
    """Nothing dies. The first relay ships whole blocks and not one message by itself; after a restart of both the stream goes on
    where it was, and nothing is sent again."""
    port, made = chain(relays, 2)
    made[0].stop()
    tap = Tap(int(made[0].config["outputs"][0]["servers"][0].rsplit(":", 1)[1]))
    made[0].config["outputs"][0]["servers"] = [f"127.0.0.1:{tap.listening}"]
    made[0].start()
    loader = NewNumbers(port)
    loader.start()
    time.sleep(1)
    loader.stopping.set()
    loader.join(20)
    made[0].wait_output("next", lambda status: status["pending"] == 0)
    assert b" block " in tap.heard and b" syslog " not in tap.heard
    for relay in made:
        assert relay.stop() == 0
    said = len(tap.heard)
    for relay in reversed(made):
        relay.start()
    wait_until(lambda: b"1 open " in tap.heard[said:], what="a new session")
    time.sleep(0.5)
    assert b" block " not in tap.heard[said:]
    assert made[0].status()["spool"]["stored"] == made[1].status()["spool"]["stored"]
    assert_each_once(stored_numbers(made[1], tmp_path), loader.acknowledged)
