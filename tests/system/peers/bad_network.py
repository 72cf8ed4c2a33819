# SPDX-License-Identifier: Apache-2.0
"""Two hosts and a bad line between them: each host is a network namespace with a TUN device, and a program of ours carries every IP
packet from one to the other, or does not: it loses some, delays them, lets some overtake others, or is a black hole. It needs no
module of the kernel (netem is one), and the same seed loses the same packets.

The namespaces have no names: they live as long as the descriptors that this process holds, so nothing is left behind, whatever ends it.

The program that carries the packets is this file: `bad_network.py FD FD SEED`, with one line of JSON a change on its standard input."""
import contextlib
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import struct
import subprocess
import sys
import threading
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x0001, 0x1000
PACKET_MAX_BYTES = 65536
WAITING_MAX_PACKETS = 20000  # further ones are lost, as in any router
NEAR, FAR = "192.0.2.1", "192.0.2.2"  # addresses for documentation (RFC 5737): nobody has them
GOOD = {"loss": 0.0, "delay": 0.0, "overtaking": 0.0, "black_hole": False}


def system_call(name, *arguments):
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


class Host:
    """A network namespace with its loopback and one end of the line."""

    def __init__(self, address):
        self.address = address
        failed = []

        def make():  # in a thread of its own: the namespace is the thread's
            try:
                self._make()
            except (OSError, subprocess.CalledProcessError) as error:
                failed.append(error)
        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]

    def _make(self):
        system_call("unshare", CLONE_NEWNET)
        self.namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH22x", b"line", IFF_TUN | IFF_NO_PI))
        for words in ("link set lo up", f"addr add {self.address}/30 dev line", "link set line up mtu 1500"):
            subprocess.run(["ip", *words.split()], check=True, capture_output=True)

    def enter(self):
        """From here on the calling thread's new sockets are on this host."""
        system_call("setns", self.namespace, CLONE_NEWNET)

    @contextlib.contextmanager
    def inside(self):
        """The sockets that the block makes are on this host."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.enter()
            yield self
        finally:
            system_call("setns", home, CLONE_NEWNET)
            os.close(home)

    @property
    def command(self):
        """What stands before a command line so that the program runs on this host."""
        return ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self.namespace}"]

    def close(self):
        os.close(self.tun)
        os.close(self.namespace)


class BadNetwork:
    """`near` and `far`, and the line between them, which is good until become() says otherwise. OSError or CalledProcessError from the
    constructor: this host does not let a test have namespaces or TUN devices."""

    def __init__(self, seed):
        self.near = Host(NEAR)
        try:
            self.far = Host(FAR)
        except BaseException:
            self.near.close()
            raise
        self.line = subprocess.Popen([sys.executable, __file__, str(self.near.tun), str(self.far.tun), str(seed)], text=True,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(self.near.tun, self.far.tun))

    def become(self, **faults):
        """Sets what is given and mends the rest; returns what has happened so far: packets, lost, overtaking."""
        self.line.stdin.write(json.dumps({**GOOD, **faults}) + "\n")
        self.line.stdin.flush()
        return json.loads(self.line.stdout.readline())

    def close(self):
        self.line.stdin.close()
        self.line.wait(10)
        self.line.stdout.close()
        self.near.close()
        self.far.close()


class Line:
    """The packets that are on their way, by the time at which each arrives."""

    def __init__(self, ends, seed):
        self.other = {ends[0]: ends[1], ends[1]: ends[0]}
        self.chance, self.faults, self.waiting, self.number = random.Random(seed), dict(GOOD), [], 0
        self.told = {"packets": 0, "lost": 0, "overtaking": 0}

    def take(self, end):
        """Everything that this end has to send now."""
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = os.read(end, PACKET_MAX_BYTES)
                self.told["packets"] += 1
                faults = self.faults
                if faults["black_hole"] or self.chance.random() < faults["loss"] or len(self.waiting) >= WAITING_MAX_PACKETS:
                    self.told["lost"] += 1
                    continue
                overtakes = self.chance.random() < faults["overtaking"]
                self.told["overtaking"] += overtakes
                self.number += 1
                due = time.monotonic() + (0 if overtakes else faults["delay"])
                heapq.heappush(self.waiting, (due, self.number, self.other[end], packet))

    def deliver(self):
        """Everything that is due; returns the milliseconds until the next packet is."""
        while self.waiting:
            wait = self.waiting[0][0] - time.monotonic()
            if wait > 0:
                return wait * 1000
            _, _, end, packet = heapq.heappop(self.waiting)
            try:
                os.write(end, packet)
            except OSError:
                self.told["lost"] += 1
        return None

    def run(self):
        poll = select.poll()
        for fd in (0, *self.other):
            poll.register(fd, select.POLLIN)
        while True:
            for fd, _ in poll.poll(self.deliver()):
                if fd != 0:
                    self.take(fd)
                    continue
                words = sys.stdin.readline()
                if not words:
                    return
                self.faults = json.loads(words)
                print(json.dumps(self.told), flush=True)


if __name__ == "__main__":
    Line((int(sys.argv[1]), int(sys.argv[2])), sys.argv[3]).run()
