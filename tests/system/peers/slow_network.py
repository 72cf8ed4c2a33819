# SPDX-License-Identifier: Apache-2.0
"""A network that takes its time: passes a TCP connection on, every piece a moment after it came."""
import contextlib
import socket
import threading
import time


class SlowNetwork:
    """Connections to `port` are passed on to `target` (a port of this host); each piece waits `delay` seconds."""

    def __init__(self, target, delay=0.05):
        self.target, self.delay = target, delay
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                time.sleep(self.delay)
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        self.listener.close()
