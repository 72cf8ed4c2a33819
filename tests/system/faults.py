# SPDX-License-Identifier: Apache-2.0
"""What the tests of faults share. Each thing that goes wrong is one test. It says what an operator then sees in `relayctl status`
(`says`), how the ledger accounts for it (`ledger_row`), and what becomes of the messages."""
import re
import subprocess

from peers import relp
from relay import BIN, free_port, wait_until

RELAYCTL = BIN / "relayctl"
TEXT = "<13>1 2026-11-21T10:00:00Z host app - - - message {number:05d} {fill}"
SMALL = {"max_size": "64MiB", "segment_size": "4MiB", "reserve": "4MiB", "compression": "none", "memory": "4MiB"}


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
