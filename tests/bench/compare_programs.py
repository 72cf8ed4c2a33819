# SPDX-License-Identifier: Apache-2.0
"""The programs under comparison: their configurations (tests/bench/peers), how each starts, and what the kernel says of them."""
import contextlib
import glob
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "system"))

from compare_ending import held  # noqa: E402
from relay import BIN, free_port, listening, socket, wait_until  # noqa: E402,F401

BENCH = BIN.parent / "tests" / "bench"
SYSLOG_NG = ROOT / "build" / "peers" / "syslog-ng"
TICKS = os.sysconf("SC_CLK_TCK")
PROGRAMS = ("rsyslog", "syslog-ng", "relayd", "bare")  # what labels begin with
BARE_CALLS = "bare calls"  # no peer: bench_floor, the system calls of a row and nothing else
BARE_MESSAGES = "bare messages"  # and each message read, packed, checked and found again by relayd's own functions
MAIN_QUEUE = "rs:main Q:Reg"  # the thread of rsyslog's main queue, through which a ruleset goes that names none
START_SECONDS, STOP_SECONDS = 15, 20


def configuration(label, road):
    """The file for "rsyslog", or for a shape of it such as "rsyslog queue", on that road. A shape may be one of the load alone."""
    program, _, shape = label.partition(" ")
    shaped = HERE / "peers" / program / f"{road}.{shape}.conf"
    return shaped if shape and shaped.exists() else HERE / "peers" / program / f"{road}.conf"


def is_bare_reads(label):
    """"bare 100": bench_reads, which only reads so many connections."""
    program, _, shape = label.partition(" ")
    return program == "bare" and shape.isdigit()


def installed(label):
    program = label.split()[0]
    return {"relayd": lambda: (BIN / "relayd").exists(), "rsyslog": lambda: rsyslogd() is not None, "bare": lambda: True,
            "syslog-ng": lambda: (SYSLOG_NG / "usr/sbin/syslog-ng").exists()}[program]()


def rsyslogd():
    return shutil.which("rsyslogd") or shutil.which("/usr/sbin/rsyslogd")


def threads(pid):
    """The name and the CPU seconds of each thread."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            yield (task / "comm").read_text().strip(), int((task / "schedstat").read_text().split()[0]) / 1e9
        except OSError:  # it has ended meanwhile
            continue


class Usage:
    """What a process has used since it started."""

    def __init__(self, pid):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        self.user, self.system = int(fields[11]) / TICKS, int(fields[12]) / TICKS
        status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
        self.resident, self.peak = (int(status[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
        io = dict(line.split(": ") for line in pathlib.Path(f"/proc/{pid}/io").read_text().splitlines())
        self.written = int(io["write_bytes"])
        ran = list(threads(pid))
        self.thread_names = {name for name, _ in ran}
        self.ran = sum(seconds for _, seconds in ran)  # of the threads that there are: finer than the ticks of user and system
        self.taking = sum(seconds for name, seconds in ran if not name.startswith("output"))


class Processes:
    """Everything that a measurement started; ended by its own handle, whatever happens."""

    def __init__(self):
        self.running, self.lock, self.is_over = [], threading.Lock(), False

    def start(self, command, **options):
        with held(), self.lock:
            if self.is_over:
                raise SystemExit  # of a thread, quietly: the measurement was told to end
            process = subprocess.Popen([str(word) for word in command], **options)
            self.running.append(process)
        return process

    def end(self, process, seconds=STOP_SECONDS):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def end_all(self):
        with self.lock:
            self.is_over = True
        for process in reversed(self.running):
            self.end(process, 5)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        self.running.clear()


def answers(port):
    """Whether a connection to the port succeeds. The kernel's tables would tell without one, but take long to read when they are full."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def syslog_ng():
    """What its command line begins with, and its environment: it is unpacked, not installed."""
    modules = glob.glob(str(SYSLOG_NG / "usr/lib/syslog-ng/*/"))
    libraries = [SYSLOG_NG / "usr/lib/syslog-ng", *modules, *glob.glob(str(SYSLOG_NG / "usr/lib/*-linux-gnu"))]
    environment = dict(os.environ, LD_LIBRARY_PATH=":".join(map(str, libraries)))
    return [SYSLOG_NG / "usr/sbin/syslog-ng", "--module-path", ":".join(modules)], environment


def syslog_ng_version():
    """As "syslog-ng 3.38.1", from its first line, "syslog-ng 3 (3.38.1)"."""
    command, environment = syslog_ng()
    said = subprocess.run([*map(str, command), "--version"], capture_output=True, text=True, env=environment).stdout
    return f"syslog-ng {said.partition('(')[2].partition(')')[0]}"


class Daemon:
    """One program on one road with a folder of its own; `words` fill the @WORDS@ of its configuration."""

    def __init__(self, processes, label, road, folder, words):
        self.processes, self.label, self.folder = processes, label, pathlib.Path(folder)
        self.program = label.split()[0]
        self.folder.mkdir(exist_ok=True)
        text = configuration(label, road).read_text()
        for word, value in {"FOLDER": self.folder, **words}.items():
            text = text.replace(f"@{word}@", str(value))
        self.config = self.folder / "daemon.conf"
        self.config.write_text(text)
        self.port, self.stream = int(words["IN"]), not road.startswith("udp")
        self.process = None

    def command(self):
        """The command line and the environment. TZ saves syslog-ng a look at /etc/localtime per message; all get it."""
        environment = dict(os.environ, TZ="UTC")
        if self.program == "relayd":
            return [BIN / "relayd", "-c", self.config], environment
        if self.program == "rsyslog":
            return [rsyslogd(), "-n", "-f", self.config, "-i", self.folder / "pid"], environment
        command, environment = syslog_ng()
        return [*command, "-F", "--no-caps", "-f", self.config, "-R", self.folder / "persist", "-p", self.folder / "pid",
                "-c", self.folder / "ctl", "--worker-threads", "4"], {**environment, "TZ": "UTC"}

    def start(self):
        """Returns the seconds from the start to the open port."""
        command, environment = self.command()
        began = time.monotonic()
        with open(self.folder / "log", "ab") as log:
            self.process = self.processes.start(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                                                env=environment)
        bound = listening(self.port)

        def ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.label} ended with {self.process.returncode}: {self.said()}")
            return answers(self.port) if self.stream else bound()
        wait_until(ready, START_SECONDS, f"the port of {self.label}", pause=0.001)
        return time.monotonic() - began

    def said(self):
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def usage(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.label} ended with {self.process.returncode} while it was measured: {self.said()}")
        usage = Usage(self.process.pid)
        if MAIN_QUEUE in usage.thread_names:
            raise RuntimeError(f"{self.label}: messages go through the main queue, which no configuration here wants")
        return usage

    def waits_for_disk(self):
        """Whether a thread is in an uninterruptible sleep, as in a sync."""
        for stat in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/stat"):
            with contextlib.suppress(OSError):
                if stat.read_text().rsplit(")", 1)[1].split()[0] == "D":
                    return True
        return False

    def stop(self, seconds=STOP_SECONDS):
        self.processes.end(self.process, seconds)
