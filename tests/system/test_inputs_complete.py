# SPDX-License-Identifier: Apache-2.0
"""100,000 messages over each input type arrive complete, and in order per sender."""
import threading

import pytest
import senders
from peers import relp
from relay import SANITIZED, free_port, socket

COUNT = 5_000 if SANITIZED else 50_000
SENDERS = ["a", "b"]


def run(send):
    """One thread a sender; a failure in one fails the test."""
    failures = []

    def guarded(sender):
        try:
            send(sender)
        except Exception as error:  # noqa: BLE001 - reported below
            failures.append(error)
    threads = [threading.Thread(target=guarded, args=(sender,)) for sender in SENDERS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def check(relay, name):
    total = COUNT * len(SENDERS)
    relay.wait_delivered("print", total, 120)
    status = relay.input(name)
    assert status["stored"] == total and status["dropped"] == {}, status
    senders.assert_complete_in_order((line["message"] for line in relay.lines()), SENDERS, COUNT)


@pytest.mark.sanitized
@pytest.mark.parametrize("workers", [1, 2])
def test_udp(relays, workers):
    port = free_port(socket.SOCK_DGRAM)
    relay = relays.start("relay", [{"type": "udp", "listen": f"127.0.0.1:{port}"}], workers=workers)
    run(lambda sender: senders.send_udp(port, sender, COUNT, rate=5000 if SANITIZED else 25000))
    check(relay, "udp")


@pytest.mark.sanitized
@pytest.mark.parametrize("framing", [senders.frame_lf, senders.frame_counted], ids=["lf", "octet-counting"])
def test_tcp(relays, framing):
    port = free_port()
    relay = relays.start("relay", [{"type": "tcp", "listen": f"127.0.0.1:{port}"}], workers=2)
    run(lambda sender: senders.send_stream(senders.connect(port), sender, COUNT, framing))
    check(relay, "tcp")


def test_tcp_over_ipv6(relays):
    port = free_port(family=socket.AF_INET6)
    relay = relays.start("relay", [{"type": "tcp", "listen": f"[::1]:{port}"}])
    run(lambda sender: senders.send_stream(senders.connect(port, host="::1"), sender, COUNT))
    check(relay, "tcp")


@pytest.mark.sanitized
def test_tls(relays, certificates):
    port = free_port()
    relay = relays.start("relay", [{"type": "tls", "listen": f"127.0.0.1:{port}",
                                    "tls": certificates.tls(certificates.leaf("relay.example.net"), ["*.example.net"])}], workers=2)
    tls = senders.client_tls(certificates, certificates.leaf("client.example.net"))
    run(lambda sender: senders.send_stream(senders.connect(port, tls), sender, COUNT, senders.frame_counted))
    check(relay, "tls")


def relp_load(connect):
    def send(sender):
        client = connect()
        client.send((senders.message(sender, number) for number in range(COUNT)), window=1000)
        client.settle()
        assert len(client.acknowledged) == COUNT
        answers = client.close()
        assert answers == [(client.txnr, b"rsp", b""), (0, b"serverclose", b"")], answers
    return send


@pytest.mark.sanitized
def test_relp(relays):
    port = free_port()
    relay = relays.start("relay", [{"type": "relp", "listen": f"127.0.0.1:{port}"}], workers=2)
    run(relp_load(lambda: relp.Client(("127.0.0.1", port))))
    check(relay, "relp")


def test_relp_over_tls(relays, certificates):
    port = free_port()
    relay = relays.start("relay", [{"type": "relp", "listen": f"127.0.0.1:{port}",
                                    "tls": certificates.tls(certificates.leaf("relay.example.net"), ["client.example.net"])}])
    tls = senders.client_tls(certificates, certificates.leaf("client.example.net"))
    run(relp_load(lambda: relp.Client(("127.0.0.1", port), tls)))
    check(relay, "relp")


def test_relp_on_a_unix_socket(relays, tmp_path):
    path = tmp_path / "relp.sock"
    relay = relays.start("relay", [{"type": "relp", "listen": str(path)}])
    run(relp_load(lambda: relp.Client(str(path))))
    check(relay, "relp")


def unix_stream(path, sender):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(20)
    sock.connect(str(path))
    senders.send_stream(sock, sender, COUNT, lambda text: text + b"\0")


@pytest.mark.sanitized
def test_unix_datagram(relays, tmp_path):
    """Datagram senders wait in the kernel while the queue is full, so nothing is lost even at full speed, unless the relay
    sheds; the spool has room, so it does not."""
    path = tmp_path / "log"
    relay = relays.start("relay", [{"type": "unix", "path": str(path)}])
    run(lambda sender: senders.send_unix_datagram(path, sender, COUNT))
    relay.wait_stored(1)
    check(relay, "unix")


def test_unix_stream(relays, tmp_path):
    path = tmp_path / "log"
    relay = relays.start("relay", [{"type": "unix", "path": str(path), "mode": "stream"}])
    run(lambda sender: unix_stream(path, sender))
    check(relay, "unix")
