# SPDX-License-Identifier: Apache-2.0
"""Running relayd in tests: configuration from a dict, start until ready, status, orderly stop, kill -9."""
import contextlib
import itertools
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

import reaper

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("RELAYD_BIN_DIR", ROOT / "build" / "bin"))
SANITIZED = BIN.parent.name in ("asan", "tsan")


# Below the ports that the kernel gives to connections going out, a part for each of the processes that run tests at a time.
PORTS_FIRST, PORTS_OF_WORKER = 10000, 2500
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 8
_ports = itertools.count(random.randrange(PORTS_OF_WORKER))


def free_port(kind=socket.SOCK_STREAM, family=socket.AF_INET):
    """A port that nobody uses now, and that no other call gives for a long while."""
    while True:
        port = PORTS_FIRST + _worker * PORTS_OF_WORKER + next(_ports) % PORTS_OF_WORKER
        with socket.socket(family, kind) as sock, contextlib.suppress(OSError):
            sock.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", port))
            return port


def wait_until(condition, seconds=20.0, what="the condition", pause=0.02):
    """Waits until condition() is true and returns its value; fails with a sentence after that time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {seconds} s")
        time.sleep(pause)


def ready_or_explain(process, ready, seconds, explain):
    """Waits until ready(); if the program ends or the time is over first, fails with what explain() tells."""
    def check():
        assert process.poll() is None, f"ended with {process.returncode}: {explain()}"
        return ready()
    try:
        wait_until(check, seconds, "readiness")
    except AssertionError as error:
        raise AssertionError(f"{error}; {explain()}") from None


def listening(*ports):
    """A condition for ready_or_explain: sockets are bound to all these ports (TCP: listening), looked up without connecting."""
    def bound():
        found = set()
        for table, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
            with contextlib.suppress(FileNotFoundError):
                for line in pathlib.Path("/proc/net", table).read_text().splitlines()[1:]:
                    words = line.split()
                    if words[3] == state:
                        found.add(int(words[1].rsplit(":", 1)[1], 16))
        return found.issuperset(ports)
    return bound


class Processes:
    """Programs that a test runs beside relayd."""

    def __init__(self):
        self.running = []

    def start(self, command, **options):
        process = subprocess.Popen([str(word) for word in command], **options)
        self.running.append(process)
        reaper.register(process.pid)
        return process

    def stop(self, process, seconds=10):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def end(self):
        for process in self.running:
            self.stop(process)


class Relay:
    """One relayd with a folder of its own: relayd.conf, spool/, control, out (stdout), log (stderr)."""

    def __init__(self, folder, name, inputs, outputs, **top):
        self.name = name
        self.folder = folder / name
        self.folder.mkdir()
        self.control = self.folder / "run" / "control"
        spool = {"path": str(self.folder / "spool"), "max_size": "1GiB", "segment_size": "8MiB", "reserve": "16MiB"}
        spool.update(top.pop("spool", {}))
        self.config = {"spool": spool, "control": str(self.control), "log": {"format": "json"},
                       "inputs": inputs, "outputs": outputs}
        self.config.update(top)
        self.out = self.folder / "out"
        self.log = self.folder / "log"
        self.process = None
        self.was_killed = False

    def write_config(self):
        path = self.folder / "relayd.conf"
        path.write_text(json.dumps(self.config, indent=2))
        return path

    def start(self, wait=True, command=(), seconds=20, pass_fds=()):
        assert self.process is None or self.process.poll() is not None
        self.was_killed |= self.process is not None and self.process.returncode != 0
        with open(self.out, "ab") as out, open(self.log, "ab") as log:
            self.process = subprocess.Popen([*command, str(BIN / "relayd"), "-c", str(self.write_config())],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=log, pass_fds=pass_fds)
        reaper.register(self.process.pid)
        if wait:
            def ready():
                assert self.process.poll() is None, f"relayd ended with {self.process.returncode}:\n{self.log_text()[-3000:]}"
                return self.status(quiet=True)
            wait_until(ready, seconds * (4 if SANITIZED else 1), f"relay {self.name}")
        return self

    def ledger(self):
        """The ledger document, once its sums agree: it is read one counter after the other."""
        def document():
            ledger = self.status(command="ledger")
            stored = sum(item["stored"] for item in ledger["inputs"])
            by_source = sum(item["stored"] for item in ledger["sources"])
            return ledger if stored == by_source and all(item["in_memory"] == 0 for item in ledger["inputs"]) else None
        return wait_until(document, what=f"a ledger of {self.name} that adds up")

    def status(self, quiet=False, command="status", **arguments):
        """The status document over the control socket, or another command's answer; None if it does not answer and quiet."""
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(10)
                sock.connect(str(self.control))
                sock.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
                answer = b"".join(iter(lambda: sock.recv(65536), b""))
            return json.loads(answer)
        except (OSError, ValueError):
            if quiet:
                return None
            raise

    def input(self, name):
        return next(item for item in self.status()["inputs"] if item["name"] == name or item["type"] == name)

    def output(self, name):
        return next(item for item in self.status()["outputs"] if item["name"] == name)

    def wait_stored(self, count, seconds=30):
        """Waits until this many messages were stored since the spool was made."""
        wait_until(lambda: self.status()["spool"]["stored"] >= count, seconds * (3 if SANITIZED else 1),
                   f"{count} stored messages at {self.name} (has {self.status()['spool']['stored']})")

    def wait_delivered(self, output, count, seconds=30):
        wait_until(lambda: self.output(output)["delivered"] >= count, seconds * (3 if SANITIZED else 1),
                   f"{count} delivered messages of {self.name}/{output} (status {self.output(output)})")

    def wait_output(self, name, condition, seconds=20):
        """Waits until condition(status of that output) is true; returns that status."""
        seen = []

        def met():
            seen[:] = [self.output(name)]
            return condition(seen[0])
        try:
            wait_until(met, seconds * (3 if SANITIZED else 1), f"the state of {self.name}/{name}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {seen[0]}") from None
        return seen[0]

    def wait_drained(self, name, seconds=60):
        """Waits until that output, to which nothing new comes, has nothing left; fails when it comes no further for so long."""
        left, since = None, time.monotonic()
        while left != 0:
            output = self.output(name)
            if output["pending"] != left:
                left, since = output["pending"], time.monotonic()
            assert time.monotonic() - since < seconds, f"{self.name}/{name} came no further for {seconds} s: {output}"
            time.sleep(0.02)

    def assert_ledger(self, seconds=5):
        """Inputs: received = stored + dropped. Outputs: stored - start = what became of it + pending. The counters are read one after
        the other while the relay runs, so they have some time to agree."""
        seen = {}

        def agrees():
            seen.update(self.status())
            return all(item["received"] == item["stored"] + item.get("duplicate", 0) + sum(item["dropped"].values()) for item in seen["inputs"]) and all(
                item["stored"] - item["start"] == sum(item["totals"].values()) + item["pending"] for item in seen["outputs"])
        try:
            wait_until(agrees, seconds)
        except AssertionError:
            raise AssertionError(f"the ledger of {self.name} does not add up: {seen['inputs']} {seen['outputs']}") from None
        self.assert_sources(seconds)

    def assert_sources(self, seconds=5):
        """The sums by source are those of the inputs, reason by reason; only a kill leaves records whose source is not known, and
        only the kernel drops without saying whose."""
        seen = {}

        def sums(rows):
            total = {"stored": sum(item["stored"] for item in rows)}
            for item in rows:
                for reason, count in item["dropped"].items():
                    total[reason] = total.get(reason, 0) + count
            return total

        def agrees():
            seen.update(self.status(command="ledger"))
            unknown = next(item for item in seen["sources"] if item["kind"] == "unknown")
            return (sums(seen["inputs"]) == sums(seen["sources"]) and (self.was_killed or (unknown["stored"] == 0 and set(unknown["dropped"]) <= {"kernel", "kernel-aggregates"}))
                    and all(item["received"] == item["stored"] + sum(item["dropped"].values()) for item in seen["sources"]))
        try:
            wait_until(agrees, seconds)
        except AssertionError:
            raise AssertionError(f"the sources of {self.name} do not add up: {seen['inputs']} {seen['sources']}") from None

    def stop(self, seconds=20):
        """SIGTERM; returns the exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds * (3 if SANITIZED else 1))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"relay {self.name} did not stop within {seconds} s:\n{self.log_text()[-2000:]}")
        self.process = None
        return code

    def kill(self):
        """kill -9: nothing is flushed, nothing is said."""
        self.process.kill()
        self.process.wait()
        self.process = None
        self.was_killed = True

    def hup(self):
        self.process.send_signal(signal.SIGHUP)

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_log(self, text, seconds=20):
        wait_until(lambda: text in self.log_text(), seconds * (3 if SANITIZED else 1), f"{text!r} in {self.name}'s log")

    def lines(self):
        """What the stdout output printed, as parsed JSON lines; an unfinished last line is left out."""
        data = self.out.read_bytes() if self.out.exists() else b""
        return [json.loads(line) for line in data[:data.rfind(b"\n") + 1].splitlines()]


class Relays:
    def __init__(self, folder):
        self.folder = folder
        self.made = []

    def make(self, name, inputs, outputs=None, **top):
        """A relay that is not started. Without outputs it prints JSON lines to its `out`."""
        made = Relay(self.folder, name, inputs, [{"type": "stdout", "name": "print"}] if outputs is None else outputs, **top)
        self.made.append(made)
        return made

    def start(self, name, inputs, outputs=None, **top):
        return self.make(name, inputs, outputs, **top).start()

    def end(self):
        """All of them, whatever is wrong with one; then the first thing that was."""
        wrong = []
        for made in self.made:
            try:
                self.end_one(made)
            except Exception as error:  # noqa: BLE001
                wrong.append(error)
        if wrong:
            raise wrong[0]

    @staticmethod
    def end_one(made):
        if made.process is None:
            return
        code = made.process.poll()
        try:
            if code is None and made.status(quiet=True):
                made.assert_ledger()
        finally:
            code = made.stop() if code is None else code
        assert code == 0, f"relay {made.name} ended with {code}:\n{made.log_text()[-3000:]}"


def resident_bytes(pid):
    """RSS of a process."""
    with contextlib.suppress(FileNotFoundError):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0
