# SPDX-License-Identifier: Apache-2.0
"""An idle relay sleeps: no thread of it wakes while nothing comes, nothing waits and nothing is lost. What is lost after a long
sleep is told as before."""
import datetime
import pathlib
import socket
import time

import pytest

import senders
from peers import relp
from relay import free_port, wait_until


def wake_ups(relays):
    """{"relay thread": {id: how often it has given up the processor to wait}} of all threads of these relays."""
    found = {}
    for relay in relays:
        for task in pathlib.Path(f"/proc/{relay.process.pid}/task").iterdir():
            status = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
            thread = found.setdefault(f"{relay.name} {status['Name'].strip()}", {})
            thread[task.name] = int(status["voluntary_ctxt_switches"])
    return found


def wait_asleep(*relays, trying=None, seconds=60):
    """Waits until no thread of these relays has woken for eleven seconds, so that what is done every ten seconds is seen; but the
    thread `trying` may. Returns how often that one woke in this time."""
    deadline, before, asleep_since = time.monotonic() + seconds, {}, time.monotonic()
    while time.monotonic() < asleep_since + 11:
        now = wake_ups(relays)
        woken = {name for name in now if now[name] != before.get(name) and name != trying}
        if woken:
            before, asleep_since, last = now, time.monotonic(), woken
        assert time.monotonic() < deadline, f"no sleep in {seconds} s; these woke last: {last}"
        time.sleep(0.1)
    return sum(now[trying].values()) - sum(before[trying].values()) if trying else 0


@pytest.mark.slow
def test_relays_with_nothing_to_do_never_wake(relays, certificates):
    """Messages over UDP, TCP, TLS and RELP go through two relays and into a file; the connections stay open. Some seconds after the
    last one no thread of either relay wakes any more. A third relay's next hop is away: only its output wakes, to try again."""
    udp, tcp, tls, relp_port, hop, nowhere = (free_port(kind) for kind in (socket.SOCK_DGRAM, *[socket.SOCK_STREAM] * 5))
    central = relays.start("central", [{"type": "relp", "listen": f"127.0.0.1:{hop}",
                                        "tls": certificates.tls(certificates.leaf("central.example.net"), ["edge.example.net"])}],
                           [{"type": "file", "name": "file", "path": str(relays.folder / "central.log")}])
    edge = relays.start("edge", [{"type": "udp", "listen": f"127.0.0.1:{udp}"}, {"type": "tcp", "listen": f"127.0.0.1:{tcp}"},
                                 {"type": "tls", "listen": f"127.0.0.1:{tls}",
                                  "tls": certificates.tls(certificates.leaf("edge.example.net"), ["client.example.net"])}],
                        [{"type": "relp", "name": "central", "servers": [f"127.0.0.1:{hop}"],
                          "tls": certificates.tls(certificates.leaf("edge.example.net"), ["central.example.net"])},
                         {"type": "stdout", "name": "print", "when_behind": "drop_oldest", "max_lag_time": "1h"}], workers=2)
    lonely = relays.start("lonely", [{"type": "relp", "listen": f"127.0.0.1:{relp_port}"}],
                          [{"type": "tcp", "name": "away", "servers": [f"127.0.0.1:{nowhere}"]}])
    senders.send_udp(udp, "u", 20)
    plain = senders.connect(tcp)
    secret = senders.connect(tls, senders.client_tls(certificates, certificates.leaf("client.example.net")))
    for sock in (plain, secret):
        sock.sendall(b"".join(senders.frame_lf(senders.message("s", number)) for number in range(20)))
    client = relp.Client(("127.0.0.1", relp_port))
    client.send(senders.message("k", number) for number in range(20))
    client.settle()
    for relay, output in ((edge, "central"), (edge, "print"), (central, "file")):
        relay.wait_delivered(output, 60)
    assert wait_asleep(edge, central, lonely, trying="lonely output-0") > 0
    assert lonely.output("away")["pending"] == 20
    for sock in (plain, secret):
        senders.finish(sock)
    client.close()


@pytest.mark.slow
def test_what_is_lost_after_a_long_sleep_is_told_and_when(relays):
    """A relay has slept. Then a datagram has no octets, and a second one: the first is told a second later, the other one ten seconds
    behind it, and neither is said to have been lost while the relay slept. Then it sleeps again."""
    port = free_port(socket.SOCK_DGRAM)
    relay = relays.start("relay", [{"type": "udp", "listen": f"127.0.0.1:{port}"}])
    wait_asleep(relay)

    def told():
        return [line for line in relay.lines() if line.get("msgid") == "messages_lost"]

    def lose():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", ("127.0.0.1", port))
    lost = time.time()
    lose()
    wait_until(told, 5, "the message about the first loss")
    lose()
    wait_until(lambda: len(told()) == 2, 20, "the message about the second loss")
    assert [(line["reason"], line["count"], line["total"]) for line in told()] == [("empty", 1, 1), ("empty", 1, 2)]
    first, second = (datetime.datetime.fromisoformat(line["from"][:26]).replace(tzinfo=datetime.UTC).timestamp() for line in told())
    assert lost - 5 < first < lost < second
    wait_asleep(relay)
