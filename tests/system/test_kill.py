# SPDX-License-Identifier: Apache-2.0
"""kill -9 of relayd at random moments under RELP load, fifty times: every acknowledged message is delivered, in order, and the
counters add up."""
import random
import threading
import time

import senders
from peers import relp
from relay import free_port, wait_until

KILLS = 50


class Loader(threading.Thread):
    """An honest RELP originator: after each lost session it connects again and sends everything unacknowledged again, oldest
    first. `acknowledged` counts the prefix of its numbers that was answered."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.stopping, self.acknowledged, self.sessions = port, threading.Event(), 0, 0

    def run(self):
        while not self.stopping.is_set():
            try:
                client = relp.Client(("127.0.0.1", self.port), timeout=5)
                if client.opened is None:
                    raise ConnectionError("no answer to open")
                self.sessions += 1
                number = self.acknowledged
                while not self.stopping.is_set():
                    client.send((senders.message("k", n) for n in range(number, number + 100)), window=400)
                    number += 100
                    self.note(client, number)
                client.settle()
                self.note(client, number)
                client.close()
            except (OSError, ConnectionError, AssertionError):
                if "client" in locals():
                    self.note(client, None)
                time.sleep(0.02)

    def note(self, client, _number):
        """Answers come in order, so what is acknowledged is a prefix; each one counts the next number."""
        for text in client.acknowledged:
            number = int(senders.NUMBERED.search(text.decode()).group(2))
            assert number == self.acknowledged, f"answer for {number}, expected {self.acknowledged}"
            self.acknowledged += 1
        client.acknowledged.clear()


def test_every_acknowledged_message_survives_fifty_kills(relays, tmp_path):
    """One originator with a window of 400 sends without pause. relayd writes what it delivers to a file, and is killed fifty times
    between 20 and 250 ms after its start. At the end: every number that was ever acknowledged is in the file; each number's
    first occurrence is in order; and stored = what the ledger of the input says."""
    out = tmp_path / "delivered"
    port = free_port()
    relay = relays.make("relay", [{"type": "relp", "listen": f"127.0.0.1:{port}"}],
                        [{"type": "file", "name": "out", "path": str(out), "format": "json"}],
                        spool={"segment_size": "4MiB"})
    loader = Loader(port)
    chance = random.Random(20261121)
    relay.start()
    loader.start()
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.02, 0.25))
        relay.kill()
        relay.start()
    loader.stopping.set()
    loader.join(20)
    assert not loader.is_alive()
    stored = relay.status()["spool"]["stored"]
    relay.wait_delivered("out", stored)
    status = relay.status()
    assert relay.stop() == 0
    assert loader.sessions > KILLS / 2, f"only {loader.sessions} sessions: the load did not run"
    numbers = senders.numbers_by_sender(out.read_text().splitlines())["k"]
    missing = set(range(loader.acknowledged)) - set(numbers)
    assert not missing, f"{len(missing)} acknowledged messages lost, first {min(missing)}"
    first_seen = list(dict.fromkeys(numbers))
    assert first_seen == sorted(first_seen), "delivered out of order"
    # The ledger: last sequence = sum of stored; and the output's equation.
    assert status["spool"]["stored"] == sum(item["stored"] for item in status["inputs"])
    output = status["outputs"][0]
    totals = output["totals"]
    assert output["stored"] - output["start"] == sum(totals.values()) + output["pending"], output
