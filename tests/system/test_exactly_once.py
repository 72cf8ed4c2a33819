# SPDX-License-Identifier: Apache-2.0
"""Exactly once between relays, in particular cases: blocks that are packed again, and a stream that goes on after a restart. Kills at
random under load are test_chaos.py's, the network's faults test_network.py's."""
import random
import socket
import threading
import time

from exactly_once import NewNumbers, assert_each_once, chain, stored_numbers
from relay import wait_until


def test_what_a_filter_leaves_is_stored_once_when_relays_are_killed(relays, tmp_path):
    """Two relays are killed at random under load, and the first one packs its blocks again, because it has a filter."""
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
    loader.end()
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
    loader.end()
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
