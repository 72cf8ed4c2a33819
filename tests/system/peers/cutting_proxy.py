# SPDX-License-Identifier: Apache-2.0
"""A line that breaks at one octet: passes a TCP connection on and resets it, towards both sides, when exactly so many octets have
passed in one direction. The next connection that comes is passed on whole."""
import contextlib
import math
import select
import socket
import struct
import threading
import time

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, and no time: close() sends RST
PAUSE_SECONDS = 0.003            # before a reset, so that the other side may have read what has passed
FORWARD, BACKWARD = "forward", "backward"


def reset(sock):
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    sock.close()


class CuttingProxy(threading.Thread):
    """Connections to `port` go on to `target` (a port of this host). They are accepted at once, and wait until release(). After arm(),
    the next one is cut; `was_cut` says whether it came so far, and `passed` how many octets went in each direction."""

    def __init__(self, target):
        super().__init__(daemon=True)
        self.target, self.plan, self.released, self.closed = target, None, threading.Event(), False
        self.was_cut, self.passed = False, {FORWARD: 0, BACKWARD: 0}
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = self.listener.getsockname()[1]
        self.start()

    def arm(self, direction, octets):
        """The next connection is cut after so many octets in that direction; None: it is not cut."""
        self.was_cut, self.plan = False, (direction, octets)
        self.released.clear()

    def release(self):
        self.released.set()

    def close(self):
        self.closed = True
        self.released.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                self.released.wait()
                if self.closed:
                    near.close()
                    return
                plan, self.plan = self.plan, None
                threading.Thread(target=self._pass_on, args=(near, plan), daemon=True).start()

    def _pass_on(self, near, plan):
        try:
            far = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            near.close()
            return
        cut = self._pump(near, far, {FORWARD: math.inf, BACKWARD: math.inf, **({plan[0]: plan[1]} if plan and plan[1] is not None else {})})
        if cut:
            time.sleep(PAUSE_SECONDS)
            self.was_cut = True
        for sock in (near, far):
            reset(sock) if cut else sock.close()

    def _pump(self, near, far, left):
        """Returns whether the connection is to be reset; False at its end."""
        sides, passed = {near: (far, FORWARD), far: (near, BACKWARD)}, {FORWARD: 0, BACKWARD: 0}
        self.passed = passed
        with contextlib.suppress(OSError):
            while min(left.values()) > 0:
                for sock in select.select(list(sides), [], [])[0]:
                    sink, direction = sides[sock]
                    octets = sock.recv(min(65536, left[direction])) if left[direction] > 0 else b""
                    if left[direction] > 0 and not octets:
                        return False
                    sink.sendall(octets)
                    passed[direction] += len(octets)
                    left[direction] -= len(octets)
        return min(left.values()) <= 0
