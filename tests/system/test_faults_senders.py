# SPDX-License-Identifier: Apache-2.0
"""Senders that are half open, come back all at once, or miss our answers, and what is then seen (faults.py)."""
import os
import pathlib
import resource
import selectors
import socket
import time

import pytest
from faults import TEXT, away, ledger_row, lines, numbers, says, send, spool
from peers import relp
from relay import SANITIZED, free_port, wait_until


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
