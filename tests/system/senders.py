# SPDX-License-Identifier: Apache-2.0
"""Numbered messages over each transport. A message says who sent it and its number: "... s=<sender> n=<number>"."""
import os
import re
import socket
import ssl
import time

NUMBERED = re.compile(r"s=(\w+) n=(\d+)")


def message(sender, number):
    return b"<38>Oct 11 22:14:15 web01 app[7]: s=%s n=%d numbered message of a test" % (sender.encode(), number)


def numbers_by_sender(texts):
    """{sender: [numbers in the order they came]} of the texts that are numbered messages."""
    found = {}
    for text in texts:
        match = NUMBERED.search(text)
        if match:
            found.setdefault(match.group(1), []).append(int(match.group(2)))
    return found


def assert_complete_in_order(texts, senders, count):
    """Every sender's numbers 0 .. count-1 are there, once each, in order."""
    found = numbers_by_sender(texts)
    for sender in senders:
        numbers = found.get(sender, [])
        missing = set(range(count)) - set(numbers)
        assert not missing, f"{sender}: {len(missing)} of {count} missing, the first {min(missing)}"
        assert len(numbers) == count, f"{sender}: {len(numbers) - count} came twice"
        assert numbers == sorted(numbers), f"{sender}: out of order"


def client_tls(authority, leaf=None):
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.check_hostname = False
    if leaf is not None:
        context.load_cert_chain(leaf.certificate, leaf.key)
    return context


def connect(port, tls=None, host="127.0.0.1", server_name=None):
    sock = socket.create_connection((host, port), timeout=20)
    if tls is not None:
        sock = tls.wrap_socket(sock, server_hostname=server_name)
    return sock


def frame_lf(text):
    return text + b"\n"


def frame_counted(text):
    return b"%d %s" % (len(text), text)


def send_stream(sock, sender, count, framing=frame_lf, batch=500):
    """Sends count messages in large writes and closes in order."""
    for start in range(0, count, batch):
        sock.sendall(b"".join(framing(message(sender, number)) for number in range(start, min(count, start + batch))))
    finish(sock)


def finish(sock, octets=b""):
    """Sends these octets, then ends the connection in order: the receiver has read everything when this returns."""
    sock.sendall(octets)
    if isinstance(sock, ssl.SSLSocket):
        sock.unwrap()
    else:
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass
    sock.close()


def send_udp(port, sender, count, rate=40000, host="127.0.0.1"):
    """Sends at a rate that a relay under a sanitizer need not fear with its large receive buffer."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((host, port))
        started = time.monotonic()
        for number in range(count):
            sock.send(message(sender, number))
            if number % 200 == 0:
                ahead = started + number / rate - time.monotonic()
                if ahead > 0:
                    time.sleep(ahead)


def send_unix_datagram(path, sender, count):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect(str(path))
        for number in range(count):
            sock.send(b"<38>Oct 11 22:14:15 app[%d]: s=%s n=%d local" % (os.getpid(), sender.encode(), number))
