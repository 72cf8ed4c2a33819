# SPDX-License-Identifier: Apache-2.0
"""How each kind of row is measured. Each function takes a Run, returns the figures of one program in one round as a dict, and leaves
nothing running. Figures per message are per message that arrived: who loses half does not cost half."""
import dataclasses
import itertools
import json
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from compare_ending import held
from compare_programs import BARE_CALLS, BARE_MESSAGES, BENCH, Daemon, Processes, free_port, is_bare_reads, listening, socket, wait_until

IDLE_SECONDS = 3           # a sink on which nothing new has come for so long gives up: behind UDP, where some may be lost
COMPLETE_SECONDS = 15      # behind TCP, where all will come, though a disk may stall or a queue try again
LOAD_SECONDS = 300         # no load and no sink may take longer
LISTEN_SECONDS, CONNECT_SECONDS = 5, 10
CONNECTIONS_TO_DIVIDE_BY = 1000  # with fewer, what each takes is below the steps of /proc/PID/stat
QUIET_SECONDS, QUIET_CPU_SECONDS = 0.7, 0.015
SETTLE_SECONDS = 0.2       # what a daemon does after the last message still belongs to it
LINE_BYTES, BACKLOG_LINE_BYTES = 213, 4000
LIVE_RATE, LIVE_PIECE, LIVE_PIECES = 5000, 1250, 240  # for a minute at the most
LIVE_PIECE_MOST = 4 * LIVE_PIECE  # a sink that gets less in the time of a piece gets nothing but new messages
CEILING = {"full": (50_000, 3_000_000, 9, 2), "quick": (100_000, 1_600_000, 3, 1), "smoke": (2_000, 4_500, 1, 1)}  # two rates, steps, attempts
START_DRAIN_SECONDS = 2
MIB, MB = 1 << 20, 1_000_000
NUMBERS = itertools.count()


class Run:
    """One measurement: a folder, two ports, and the processes that belong to it."""

    def __init__(self, row, label, form, leaves, authority, where):
        self.row, self.label, self.count = row, label, row.count(label, form)
        self.leaves, self.authority, self.form = leaves, authority, form
        self.processes = Processes()
        self.folder = where / str(next(NUMBERS))  # short: names of Unix sockets below it have 107 octets at most
        self.folder.mkdir()
        self.folders = [self.folder]
        self.ports = [free_port(socket.SOCK_DGRAM if row.load[0] == "udp" else socket.SOCK_STREAM), free_port()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with held():
            self.processes.end_all()
            for folder in self.folders:
                shutil.rmtree(folder, ignore_errors=True)

    def folder_in_memory(self):
        self.folders.append(pathlib.Path(tempfile.mkdtemp(dir="/dev/shm")))
        return self.folders[-1]

    def daemon(self, road=None, name="daemon", ports=None, spool=8 << 30):
        ports = ports or self.ports
        words = {"IN": ports[0], "OUT": ports[1], "CA": self.authority.certificate, "SPOOL_SIZE": spool, "SPOOL_BYTES": spool}
        for side in ("client", "server"):
            words[f"{side.upper()}_CERT"], words[f"{side.upper()}_KEY"] = self.leaves[side].certificate, self.leaves[side].key
        return Daemon(self.processes, self.label, road or self.row.road, self.folder / name, words)

    def sink(self, count, *more, kind=None, path=None, idle=None):
        kind, idle = kind or self.row.sink, idle or (IDLE_SECONDS if self.row.may_lose else COMPLETE_SECONDS)
        where = [path or self.folder / "daemon" / "out"] if kind == "file" else [self.ports[1]]
        if kind == "relp-tls":
            where += [self.leaves["sink"].certificate, self.leaves["sink"].key]
        sink = self.processes.start([BENCH / "bench_sink", kind, *where, "--count", count, "--idle", idle, *more],
                                    stdout=subprocess.PIPE, text=True)
        if kind != "file":  # a daemon that starts before its sink is refused, and tries again a quarter of a second later
            wait_until(listening(self.ports[1]), LISTEN_SECONDS, "the port of bench_sink", pause=0.001)
        return sink

    def load(self, count, *more, load=None, port=None):
        kind, *options = load or self.row.load
        command = [BENCH / "bench_send", kind, "127.0.0.1", port or self.ports[0]]
        if kind.startswith("relp"):
            client = self.leaves["client"]
            command = [BENCH / "bench_send_relp", "127.0.0.1", port or self.ports[0]]
            options += ["--tls", self.authority.certificate, client.certificate, client.key] if kind == "relp-tls" else []
        return self.processes.start([*command, "--count", count, *options, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @staticmethod
    def tell(process):
        """A line for a load that waits for it."""
        process.stdin.write("\n")
        process.stdin.flush()

    def connections(self):
        """As many as the load makes."""
        return self.row.load[self.row.load.index("--connections") + 1]

    @staticmethod
    def told(process):
        """The line of JSON that a load or sink ends with."""
        out, _ = process.communicate(timeout=LOAD_SECONDS)
        if not out:
            raise RuntimeError(f"{pathlib.Path(process.args[0]).name} ended with {process.returncode} and said nothing")
        return json.loads(out)


def daemon_cost(before, after, messages):
    millions = max(messages, 1) / MB
    user, system = (after.user - before.user) / millions, (after.system - before.system) / millions
    return {"cpu": user + system, "user": user, "system": system, "peak_mb": after.peak / MB,
            "written": (after.written - before.written) / max(messages, 1)}


def stream_figures(sent, got, count):
    """The rate counts the first 99 of 100 messages from the first octet sent: the last few may wait in somebody's buffer."""
    most = got["most_at"] or got["last_at"]
    seconds = max(most - sent["began"], 0.001)
    figures = {"rate": min(got["distinct"], count - count // 100) / seconds, "lost": got["lost"], "doubled": got["doubled"],
               "p50_ms": got["p50_us"] / 1000, "p99_ms": got["p99_us"] / 1000,
               "load_cpu": sent["cpu_seconds"] / count * MB, "sink_cpu": got["cpu_seconds"] / count * MB}
    if "answer_p99_us" in sent:
        figures["answer_p50_ms"], figures["answer_p99_ms"] = sent["answer_p50_us"] / 1000, sent["answer_p99_us"] / 1000
    return figures


def without_age(figures):
    """Without latencies: messages that were stored while the next hop was away are as old as it was away."""
    return {figure: value for figure, value in figures.items() if figure not in ("p50_ms", "p99_ms")}


def received_bytes(port):
    """Octets that connections to this port have received, as the kernel counts them."""
    out = subprocess.run(["ss", "-tinH", "state", "established", f"( sport = :{port} )"], capture_output=True, text=True).stdout
    return sum(int(word.split(":")[1]) for word in out.split() if word.startswith("bytes_received:"))


def told_to_end(run, sink):
    """What a sink says that would wait for more."""
    if sink.poll() is None:
        sink.send_signal(signal.SIGTERM)
    return run.told(sink)


def wait_for_quiet(daemon, sink=None):
    """Waits until the daemon's CPU time stands still, and no thread waits for the disk: it has taken what it was sent; or until the sink
    has ended."""
    deadline, last, since = time.monotonic() + LOAD_SECONDS, None, time.monotonic()
    while time.monotonic() < deadline and (sink is None or sink.poll() is None):
        usage = daemon.usage()
        spent = usage.user + usage.system
        if last is None or spent - last > QUIET_CPU_SECONDS or daemon.waits_for_disk():
            last, since = spent, time.monotonic()
        elif time.monotonic() - since > QUIET_SECONDS:
            return
        time.sleep(0.02)


def stop_and_count(run, daemon, sink):
    """Waits until the sink has all, or gives up, or, of a file, until the daemon does nothing any more; what it used until then; then it is
    stopped in order, because rsyslog keeps the last buffer of a file until then; and what the sink has got at last."""
    if run.row.sink == "file":
        wait_for_quiet(daemon, sink)
    else:
        sink.wait(LOAD_SECONDS)
    time.sleep(SETTLE_SECONDS)
    after = daemon.usage()
    daemon.stop()
    return after, run.told(sink)


def stream(run):
    """Load in, sink out, everything that was sent is waited for."""
    sink = run.sink(run.count)
    daemon = run.daemon()
    daemon.start()
    before = daemon.usage()
    sent = run.told(run.load(run.count))
    after, got = stop_and_count(run, daemon, sink)
    return {**stream_figures(sent, got, run.count), **daemon_cost(before, after, got["distinct"])}


def hold(run):
    """The load makes as many connections as the label says, and waits with them until it is told to send, and to leave."""
    count = run.label.split()[1]
    run.row = dataclasses.replace(run.row, load=(*run.row.load, "--connections", count, "--hold"))
    return int(count)


def connected_load(run):
    load = run.load(run.count)
    if load.stdout.readline() != "connected\n":
        raise RuntimeError("bench_send could not connect")
    return load


def connections(run):
    """The same messages over as many open connections as the label says; and what the coming and going of one takes, which is none of a
    message's cost."""
    count = hold(run)
    sink = run.sink(run.count, idle=CONNECT_SECONDS)
    daemon = run.daemon()
    daemon.start()
    nobody = daemon.usage()
    load = connected_load(run)
    wait_for_quiet(daemon)
    before = daemon.usage()
    run.tell(load)
    wait_for_quiet(daemon, sink)
    wait_for_quiet(daemon)
    after = daemon.usage()
    sent = run.told(load)  # it is told the second line, the end of its input
    wait_for_quiet(daemon)
    gone = daemon.usage()
    daemon.stop()
    got = run.told(sink)  # rsyslog keeps the last buffer of a file until it stops
    figures = {**stream_figures(sent, got, run.count), **daemon_cost(before, after, got["distinct"])}
    if count >= CONNECTIONS_TO_DIVIDE_BY:
        apart = before.user + before.system - nobody.user - nobody.system + gone.user + gone.system - after.user - after.system
        figures["cpu_ms_per_connection"] = apart * 1000 / count
    return figures


def backlog(run):
    """As many MB as the label says are stored while the sink is away; then it comes, and what counts is the way out. Its CPU is what the threads
    ran: for 1 MB that is a few milliseconds."""
    megabytes = int(run.label.split()[1])
    count = max(megabytes * run.count // LINE_BYTES, 200)
    daemon = run.daemon(spool=max(8 << 30, 2 * megabytes * MB))
    daemon.start()
    run.told(run.load(count))
    wait_for_quiet(daemon)
    before = daemon.usage()
    got = run.told(run.sink(count, idle=15))  # relayd looks for it every ten seconds at the least
    after = daemon.usage()
    daemon.stop()
    return {**daemon_cost(before, after, got["distinct"]), "cpu": (after.ran - before.ran) / max(got["distinct"], 1) * MB,
            "lost": got["lost"], "doubled": got["doubled"], "rate": got["distinct"] / max(got["last_at"] - got["first_at"], 0.001)}


def input_status(daemon):
    """What relayd says of its input."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(10)
        control.connect(str(daemon.folder / "run" / "control"))
        control.sendall(b'{"command":"status"}\n')
        return json.loads(b"".join(iter(lambda: control.recv(65536), b"")))["inputs"][0]


def workers(run):
    """How fast messages are stored while the next hop is away: then the input threads are what there is to wait for. It comes back to show that
    all are there."""
    daemon = run.daemon()
    daemon.start()
    before = daemon.usage()
    sent = run.told(run.load(run.count))
    wait_until(lambda: input_status(daemon)["stored"] >= run.count, LOAD_SECONDS, "all messages to be stored", pause=0.001)
    seconds = time.monotonic() - sent["began"]
    after = daemon.usage()
    got = run.told(run.sink(run.count))
    daemon.stop()
    return {**without_age(stream_figures(sent, got, run.count)), **daemon_cost(before, after, run.count), "rate": run.count / seconds}


def dropped(daemon):
    """How many messages relayd says that the kernel dropped of its input's, and how many were lost for other reasons."""
    reasons = input_status(daemon)["dropped"]
    kernel = reasons.get("kernel", 0)
    return kernel, sum(reasons.values()) - kernel


def overload(run):
    """As fast as the sender can: what did not arrive must have been counted by relayd, to the message. The kernel tells its count with
    the next datagram, so one more is sent at the end, behind which nothing is lost."""
    sink = run.sink(run.count + 1)
    daemon = run.daemon()
    daemon.start()
    before = daemon.usage()
    sent = run.told(run.load(run.count))
    time.sleep(SETTLE_SECONDS)
    run.told(run.load(1, "--first", run.count, load=("udp",)))
    got = run.told(sink)
    time.sleep(SETTLE_SECONDS)
    kernel, other = dropped(daemon)
    cost = daemon_cost(before, daemon.usage(), got["distinct"])
    daemon.stop()
    return {**stream_figures(sent, got, run.count), **cost, "kernel_dropped": kernel, "other_dropped": other,
            "uncounted": abs(got["lost"] - kernel - other)}


def ceiling_step(run, rate, name):
    """The figures at that rate, with "lost" and the rate that the sender really offered."""
    count = rate * run.count
    run.ports[0] = free_port(socket.SOCK_DGRAM)
    sink = run.sink(count, path=run.folder / name / "out")
    daemon = run.daemon(name=name)
    daemon.start()
    before = daemon.usage()
    sent = run.told(run.load(count, "--rate", rate))
    after, got = stop_and_count(run, daemon, sink)
    shutil.rmtree(daemon.folder, ignore_errors=True)
    return {**stream_figures(sent, got, count), **daemon_cost(before, after, got["distinct"]), "ceiling": min(rate, count / sent["seconds"])}


def ceiling(run):
    """Bisection between two rates, some seconds a step; a step passes when not one message is missing. In a full run it fails when that fails
    twice: one moment in which a neighbour has the core is not the program's limit."""
    low, high, steps, attempts = CEILING[run.form]
    best = None
    for step in range(steps):
        rate = int((low * high) ** 0.5)
        for attempt in range(attempts):
            figures = ceiling_step(run, rate, f"step{step}{attempt}")
            if figures["lost"] == 0:
                break
        if figures["lost"] > 0:
            high = rate
            continue
        low, best = rate, figures
        if figures["ceiling"] < 0.9 * rate:
            break  # the sender cannot offer more
    return best or {**figures, "ceiling": 0}


def live_messages(run):
    """New messages, a quarter of a second of them at a time, until the sink gets no more than these: then the backlog is out. Returns what
    each load said; it ends when the daemon has read all of its messages."""
    said, got = [], 0
    for number in range(LIVE_PIECES):
        said.append(run.told(run.load(LIVE_PIECE, "--first", run.count + number * LIVE_PIECE, load=("tcp", "--rate", LIVE_RATE))))
        before, got = got, received_bytes(run.ports[1])
        if before > run.count * LINE_BYTES and got - before < LIVE_PIECE_MOST * LINE_BYTES:
            break
    return said


def drain(run):
    """The sink is away while the backlog comes; then it is back, and new messages keep coming until the old ones are out."""
    daemon = run.daemon()
    daemon.start()
    run.told(run.load(run.count))
    wait_for_quiet(daemon)
    before = daemon.usage()
    back = time.monotonic()
    sink = run.sink(run.count + LIVE_PIECES * LIVE_PIECE, "--mark", run.count)
    said = live_messages(run)
    wait_for_quiet(daemon, sink)
    after = daemon.usage()
    got = told_to_end(run, sink)
    daemon.stop()
    count, ended = run.count + len(said) * LIVE_PIECE, said[-1]["began"] + said[-1]["seconds"]
    if got["mark_at"] > ended:
        raise RuntimeError(f"the backlog was out {got['mark_at'] - ended:.1f} s behind the last new message")
    drained = got["mark_at"] or got["last_at"]
    sent = {"began": back, "cpu_seconds": sum(each["cpu_seconds"] for each in said) * count / len(said) / LIVE_PIECE}
    held_back = max(each["seconds"] for each in said) - LIVE_PIECE / LIVE_RATE
    return {**without_age(stream_figures(sent, got, count)), **daemon_cost(before, after, got["distinct"]), "lost": count - got["distinct"],
            "rate": min(run.count, got["distinct"]) / max(drained - got["first_at"], 0.001), "first_ms": (got["first_at"] - back) * 1000,
            "drain_seconds": drained - got["first_at"], "held_ms": max(held_back, 0) * 1000}


def start(run):
    """A backlog is stored, the daemon stopped in order and started again with the sink there. The files are in the page cache."""
    count = max(run.count * MB // BACKLOG_LINE_BYTES, 200)
    daemon = run.daemon(spool=max(8 << 30, 2 * run.count * MB))
    daemon.start()
    run.told(run.load(count, "--line-bytes", BACKLOG_LINE_BYTES))
    wait_for_quiet(daemon)
    daemon.stop(60)
    sink = run.sink(count, idle=10)
    time.sleep(0.2)
    began = time.monotonic()
    listening = daemon.start()
    before = daemon.usage()
    time.sleep(START_DRAIN_SECONDS)
    got = told_to_end(run, sink)
    cost = daemon_cost(before, daemon.usage(), got["distinct"])
    return {**cost, "listening_ms": listening * 1000, "first_ms": (got["first_at"] - began) * 1000, "doubled": got["doubled"],
            "rate": got["distinct"] / max(got["last_at"] - got["first_at"], 0.001),
            "sink_cpu": got["cpu_seconds"] / max(got["distinct"], 1) * MB}


def idle(run):
    """Connections that have sent one message each and stay; the cost of each is what the daemon has grown by."""
    daemon = run.daemon()
    daemon.start()
    time.sleep(SETTLE_SECONDS)
    before = daemon.usage()
    sink = run.sink(run.count, idle=30)
    holder = run.processes.start([BENCH / "bench_connections", run.row.load[0], "127.0.0.1", run.ports[0], "--count", run.count],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    is_connected = holder.stdout.readline() != ""
    wait_for_quiet(daemon)
    after = daemon.usage()
    run.processes.end(holder)
    daemon.stop()
    got = run.told(sink)
    if not is_connected:
        raise RuntimeError(f"bench_connections ended with {holder.returncode}")
    return {"lost": got["lost"], "doubled": got["doubled"], "peak_mb": after.peak / MB,
            "per_connection_kib": (after.resident - before.resident) / 1024 / run.count,
            "cpu_ms_per_connection": (after.user + after.system - before.user - before.system) * 1000 / run.count}


def stored_in_front(run):
    """A relayd that has stored all messages while the next hop was away, in memory: it stands for one on another host, so that neither what
    it does with them nor its disk is measured. And what its load said."""
    front = run.daemon("tcp-relp", name=run.folder_in_memory(), ports=[free_port(), run.ports[0]])
    front.start()
    sent = run.told(run.load(run.count, load=("tcp", "--connections", "4", "--mix"), port=front.port))
    wait_for_quiet(front)
    front.stop()
    return front, sent


def relay(run):
    """The cost of a relayd that gets its messages by RELP, from a RELP sender or from another relayd in front of it. The rate is from the first
    message that the sink sees: the start of the relayd in front is none of it."""
    front, sent = stored_in_front(run) if " behind-" in run.label else (None, None)
    sink = run.sink(run.count)
    daemon = run.daemon()
    daemon.start()
    before = daemon.usage()
    if front is None:
        sent = run.told(run.load(run.count))
    else:
        front.start()
    got = run.told(sink)
    wire = received_bytes(run.ports[0])
    time.sleep(SETTLE_SECONDS)
    after = daemon.usage()
    daemon.stop()
    figures = {**stream_figures({**sent, "began": got["first_at"]}, got, run.count), **daemon_cost(before, after, got["distinct"]),
               "taking": (after.taking - before.taking) / max(got["distinct"], 1) * MB}
    if front is None:
        return figures
    shipping = front.usage()
    front.stop()
    return {**without_age(figures), "load_cpu": (shipping.user + shipping.system) / run.count * MB,
            **({"wire": wire / run.count} if wire > 0 else {})}


def own_cost(said):
    """What a program says of its own CPU time, a million lines."""
    user, system = (said[f"{part}_seconds"] / said["lines"] * MB for part in ("user", "system"))
    return {"cpu": user + system, "user": user, "system": system}


def bare_calls(run, messages=False):
    """bench_floor, which sends lines on over plain TCP, or writes them to the file that a daemon would write. It tells its cost itself."""
    kind, period = run.row.bare
    datagrams = run.row.load[0] == "udp"
    folder = run.folder / "daemon"
    folder.mkdir()
    sink = run.sink(run.count, kind="file" if datagrams else "tcp")
    where, more = ([], ["--messages"] if messages else []) if datagrams else ([run.ports[1]], ["--connections", run.connections()])
    bare = run.processes.start([BENCH / "bench_floor", kind, run.ports[0], *where, folder, "--period", period, *more],
                               stdout=subprocess.PIPE, text=True)
    wait_until(listening(run.ports[0]), LISTEN_SECONDS, "the port of bench_floor", pause=0.001)
    sent = run.told(run.load(run.count))
    said, got = run.told(bare), run.told(sink)
    return {**stream_figures(sent, got, run.count), **own_cost(said), "written": said["written_bytes"] / said["lines"], "longest_sync_ms": said["longest_sync_us"] / 1000}


def bare_octets(run):
    """bench_floor, which receives the same messages as octets of lines and stores them. It tells its cost itself."""
    folder = run.folder / "daemon"
    folder.mkdir()
    bare = run.processes.start([BENCH / "bench_floor", "octets", run.ports[0], folder, "--lines", run.count], stdout=subprocess.PIPE, text=True)
    wait_until(listening(run.ports[0]), LISTEN_SECONDS, "the port of bench_floor", pause=0.001)
    sent = run.told(run.load(run.count, load=("tcp", "--connections", "1", "--mix")))
    said = run.told(bare)
    cost = own_cost(said)
    return {**cost, "taking": cost["cpu"], "rate": said["lines_per_group"] * said["groups_per_second"], "written": said["written_bytes"] / said["lines"],
            "longest_sync_ms": said["longest_sync_us"] / 1000, "load_cpu": sent["cpu_seconds"] / run.count * MB}


def bare_reads(run):
    """bench_reads, which only reads what a daemon would read. It tells its cost itself."""
    count = hold(run)
    bare = run.processes.start([BENCH / "bench_reads", run.ports[0], "--connections", count, "--lines", run.count],
                               stdout=subprocess.PIPE, text=True)
    wait_until(listening(run.ports[0]), LISTEN_SECONDS, "the port of bench_reads", pause=0.001)
    load = connected_load(run)
    run.tell(load)
    said, sent = run.told(bare), run.told(load)
    return {"rate": said["lines"] / max(said["last_at"] - sent["began"], 0.001), **own_cost(said), "load_cpu": sent["cpu_seconds"] / run.count * MB, "lost": run.count - said["lines"]}


def measure(row, label, form, leaves, authority, where):
    with Run(row, label, form, leaves, authority, where) as run:
        if label == BARE_CALLS and row.measure == "relay":
            return bare_octets(run)
        if label in (BARE_CALLS, BARE_MESSAGES):
            return bare_calls(run, messages=label == BARE_MESSAGES)
        if is_bare_reads(label):
            return bare_reads(run)
        return globals()[row.measure](run)
