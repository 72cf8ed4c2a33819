# SPDX-License-Identifier: Apache-2.0
"""RELP in a few lines, honest and rude: a client that sends numbered messages and notes what was acknowledged, and a server
that answers as it is told (late, in disorder, 500, never, closing in the middle)."""
import re
import socket
import socketserver
import threading

HEADER = re.compile(rb"(\d{1,9}) ([A-Za-z]{1,32}) (\d{1,9})(?: |(?=\n))")
OFFERS = b"relp_version=0\nrelp_software=test,1,https://example.net\ncommands=syslog"


def frame(txnr, command, data=b""):
    return b"%d %s %d%s%s\n" % (txnr, command, len(data), b" " if data else b"", data)


class Reader:
    """Cuts RELP frames out of a socket."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def next(self):
        """(txnr, command, data), or None at the end of the stream."""
        while True:
            match = HEADER.match(self.buffer)
            if match:
                end = match.end() + int(match.group(3))
                if len(self.buffer) > end:
                    data = self.buffer[match.end():end]
                    assert self.buffer[end:end + 1] == b"\n", self.buffer[:200]
                    self.buffer = self.buffer[end + 1:]
                    return int(match.group(1)), match.group(2), data
            more = self.sock.recv(262144)
            if not more:
                return None
            self.buffer += more


class Client:
    """Sends messages with a window; `acknowledged` is the set of those that were answered 200."""

    def __init__(self, address, tls=None, server_name=None, timeout=20, offers=OFFERS):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family)
        self.sock.settimeout(timeout)
        self.sock.connect(address)
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_hostname=server_name)
        self.reader = Reader(self.sock)
        self.txnr = 1
        self.pending = {}
        self.acknowledged = []
        self.sock.sendall(frame(1, b"open", offers))
        self.opened = self.reader.next()

    def send(self, messages, window=1000):
        """Sends all of them, reading answers so that no more than `window` are open."""
        batch = []
        for message in messages:
            self.txnr += 1
            self.pending[self.txnr] = message
            batch.append(frame(self.txnr, b"syslog", message))
            if len(self.pending) >= window or len(batch) >= 200:
                self.sock.sendall(b"".join(batch))
                batch.clear()
                while len(self.pending) >= window:
                    self.settle_one()
        if batch:
            self.sock.sendall(b"".join(batch))

    def settle_one(self):
        answer = self.reader.next()
        if answer is None:
            raise ConnectionError("the server closed")
        txnr, command, data = answer
        if command == b"rsp" and txnr in self.pending:
            message = self.pending.pop(txnr)
            assert data.startswith(b"200"), data
            self.acknowledged.append(message)
        return answer

    def settle(self):
        while self.pending:
            self.settle_one()

    def close(self):
        """An orderly end: close, its answer, serverclose, EOF."""
        self.settle()
        self.txnr += 1
        self.sock.sendall(frame(self.txnr, b"close"))
        answers = []
        while True:
            answer = self.reader.next()
            if answer is None:
                break
            answers.append(answer)
        self.sock.close()
        return answers


class Server:
    """A RELP server whose `behave(server, session, txnr, data)` decides what is answered; by default 200 at once. What came in
    is in `received`, in order, from all sessions; `commands` has the name of every command."""

    def __init__(self, behave=None, tls=None, host="127.0.0.1", port=0, offers=OFFERS):
        self.received, self.commands, self.sessions, self.lock = [], [], 0, threading.Lock()
        self.behave = behave or (lambda server, session, txnr, data: session.answer(txnr, b"200 OK"))
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def answer(self, txnr, data):
                self.request.sendall(frame(txnr, b"rsp", data))

            def handle(self):
                if tls is not None:
                    self.request = tls.wrap_socket(self.request, server_side=True)
                with outer.lock:
                    outer.sessions += 1
                    self.number = outer.sessions
                reader = Reader(self.request)
                try:
                    while True:
                        item = reader.next()
                        if item is None:
                            return
                        txnr, command, data = item
                        with outer.lock:
                            outer.commands.append(command)
                        if command == b"open":
                            self.answer(txnr, b"200 OK\n" + offers)
                        elif command == b"close":
                            self.request.sendall(frame(txnr, b"rsp") + frame(0, b"serverclose"))
                            return
                        elif command == b"syslog":
                            with outer.lock:
                                outer.received.append(data)
                            if outer.behave(outer, self, txnr, data) == "close":
                                return
                except OSError:
                    return

        class ThreadingServer(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

        self.server = ThreadingServer((host, port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
