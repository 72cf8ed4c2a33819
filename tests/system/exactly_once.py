# SPDX-License-Identifier: Apache-2.0
"""The oracle of the tests that break relays and lines: an originator that never sends a number twice, relays in a row, and what the
last of them holds in its spool. Whatever comes twice was doubled between the relays."""
import array
import subprocess
import threading
import time

import senders
from peers import relp
from relay import BIN, free_port, wait_until


NOBODYS_PORT = 1  # privileged, and nobody listens there: free_port() may be given to another test later


class NewNumbers(threading.Thread):
    """A RELP originator that never sends anything again: after each lost session it goes on with new numbers. `acknowledged` has
    the numbers that were answered; each of them must arrive, and no number may arrive twice. `host` is where it runs (bad_network.py),
    `rate` the most messages a second, `fill` makes them longer."""

    def __init__(self, port, sender="k", address="127.0.0.1", host=None, rate=None, fill=0):
        super().__init__(daemon=True)
        self.address, self.sender, self.host, self.rate, self.fill = (address, port), sender, host, rate, b" " + b"x" * fill
        self.stopping, self.next, self.acknowledged, self.sessions = threading.Event(), 0, array.array("I"), 0

    def note(self, client):
        for text in client.acknowledged:
            self.acknowledged.append(int(senders.NUMBERED.search(text.decode()).group(2)))
        client.acknowledged.clear()

    def session(self, client):
        if client.opened is None:
            raise ConnectionError("no answer to open")
        self.sessions += 1
        while not self.stopping.is_set():
            first, self.next = self.next, self.next + 50
            client.send((senders.message(self.sender, n) + self.fill for n in range(first, self.next)), window=200)
            self.note(client)
            if self.rate:
                time.sleep(50 / self.rate)
        client.settle()
        client.close()

    def run(self):
        if self.host is not None:
            self.host.enter()
        while not self.stopping.is_set():
            client = None
            try:
                client = relp.Client(self.address, timeout=5)
                self.session(client)
            except (OSError, ConnectionError, AssertionError):
                time.sleep(0.02)
            if client is not None:
                self.note(client)
                client.sock.close()

    def end(self, seconds=20):
        self.stopping.set()
        self.join(seconds)
        assert not self.is_alive(), "the originator did not end"


def chain(relays, count, max_size="1GiB"):
    """`count` relays in a row, each sending to the next. The last one's output leads nowhere, so that it keeps all it ever stored."""
    ports = [free_port() for _ in range(count)] + [NOBODYS_PORT]
    made = [relays.make(f"relay{i}", [{"type": "relp", "listen": f"127.0.0.1:{ports[i]}"}],
                        [{"type": "relp", "name": "next", "servers": [f"127.0.0.1:{ports[i + 1]}"]}],
                        spool={"segment_size": "4MiB", "max_size": max_size}) for i in range(count)]
    for relay in reversed(made):
        relay.start()
    return ports[0], made


def stored_numbers(relay, tmp_path, sender="k", command=()):
    """The numbers of all that is in the relay's spool, in order, read by an output that begins with the oldest message."""
    out = tmp_path / f"everything-{sender}"
    relay.stop()
    relay.config["outputs"].append({"type": "file", "name": f"check-{sender}", "path": str(out), "format": "raw", "from": "oldest"})
    relay.start(command=command)
    relay.wait_drained(f"check-{sender}")
    with open(out, errors="replace") as lines:
        found = (senders.NUMBERED.search(line) for line in lines)
        return array.array("I", (int(match.group(2)) for match in found if match and match.group(1) == sender))


def assert_each_once(numbers, acknowledged):
    times = bytearray(1 + max(max(numbers, default=0), max(acknowledged, default=0)))
    for number in numbers:
        times[number] += times[number] < 255
    missing = [number for number in acknowledged if times[number] == 0]
    assert not missing, f"{len(missing)} acknowledged messages lost, the first {missing[0]}"
    doubled = len(times) - times.count(0) - times.count(1)
    assert doubled == 0, f"{doubled} came twice, the first {next(number for number, count in enumerate(times) if count > 1)}"
    assert all(one < next_one for one, next_one in zip(numbers, numbers[1:])), "out of order"


def assert_hop(sender, output, receiver, name="relp", seconds=10):
    """The hop's equation, exactly: what the output delivered is what the receiver's input of that name or type stored, and `relayctl
    ledger` finds nothing wrong with either ledger or between them, by stream and by input. Nothing may be pending."""
    seen = {}

    def agrees():
        rows = receiver.status()["inputs"]
        seen["sent"] = sender.output(output)["totals"]["delivered"]
        seen["stored"] = next(row["stored"] for row in rows if name in (row["name"], row["type"]))
        return seen["sent"] == seen["stored"]
    try:
        wait_until(agrees, seconds)
    except AssertionError:
        raise AssertionError(f"{sender.name} delivered {seen['sent']}, {receiver.name} stored {seen['stored']}") from None
    label = receiver.input(name)["name"]
    hop = ("--output", output, sender.control, receiver.control)
    for words in ((sender.control,), (receiver.control,), hop, ("--input", label, *hop)):
        done = subprocess.run([str(BIN / "relayctl"), "ledger", *map(str, words)], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stdout + done.stderr
