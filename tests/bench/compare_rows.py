# SPDX-License-Identifier: Apache-2.0
"""The rows of the comparison: which road, which programs, how much load, and what relayd is to reach (docs/performance.md)."""
import dataclasses

from compare_programs import BARE_CALLS, BARE_MESSAGES

THOUSAND, MILLION = 1_000, 1_000_000


@dataclasses.dataclass(frozen=True)
class Goal:
    """The `figure` of `of` is to be at most (or at least) `bound` times that of `against`; or that bound itself if it is None."""
    figure: str
    against: str | None
    at_most: bool
    bound: float
    of: str = "relayd"


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    title: str
    road: str                     # the name of the configurations
    programs: tuple               # "rsyslog queue" is rsyslog with its configuration <road>.queue.conf
    counts: tuple                 # in full, quick and smoke runs: messages (idle: connections; ceiling: seconds a step; start: MB of backlog)
    load: tuple = ("tcp",)        # what bench_send is told, but host, port and count; "relp" first is bench_send_relp
    sink: str = "file"
    measure: str = "stream"       # the function of compare_measure.py
    slower: dict = dataclasses.field(default_factory=dict)  # a program's part of the messages, where all would take minutes
    goals: tuple = ()
    full_only: tuple = ()         # programs that only a full run measures
    may_lose: bool = False        # UDP: what the kernel drops is lost; shown, but no failure of the run
    bare: tuple = ()              # for "bare calls": what bench_floor does, and every how many microseconds

    def count(self, program, form):
        return max(1, int(self.counts[("full", "quick", "smoke").index(form)] * self.slower.get(program, 1)))


def at_most(figure, against, bound, of="relayd"):
    return Goal(figure, against, True, bound, of)


def at_least(figure, against, bound):
    return Goal(figure, against, False, bound)


TCP = ("tcp", "--connections", "4", "--mix")
RELP_TLS = ("relp-tls", "--connections", "4", "--mix")
ALL = ("rsyslog", "syslog-ng", "relayd")
RSYSLOG_UDP = ("rsyslog", "rsyslog queue")  # a goal against each is one against the better of both

ROWS = (
    Row("udp-file", "UDP in, file out, 100,000/s in plain datagrams", "udp-file", (*RSYSLOG_UDP, "syslog-ng", "relayd", BARE_CALLS, BARE_MESSAGES),
        (500 * THOUSAND, 200 * THOUSAND, 3 * THOUSAND), may_lose=True, load=("udp", "--rate", "100000"), bare=("datagrams", 8000),
        goals=tuple(at_most("cpu", shape, 0.6) for shape in RSYSLOG_UDP)),
    Row("udp-gro-file", "the same, 250,000/s in datagrams that arrive aggregated; relayd with presets, and with receive_aggregates",
        "udp-file", (*RSYSLOG_UDP, "relayd", "relayd aggregates", BARE_CALLS, BARE_MESSAGES), (MILLION, 300 * THOUSAND, 3 * THOUSAND),
        may_lose=True, load=("udp", "--rate", "250000", "--gso"), bare=("aggregates", 8000),
        goals=tuple(at_most("cpu", shape, 0.2, "relayd aggregates") for shape in RSYSLOG_UDP)),
    Row("udp-ceiling", "UDP in, file out: the highest rate without loss (full: to 0.8 %; quick: 41 %)", "udp-file",
        (*RSYSLOG_UDP, "syslog-ng", "syslog-ng sockets", "relayd"), (3, 1, 1), may_lose=True, load=("udp", "--gso", "--connections", "16"), measure="ceiling",
        full_only=("rsyslog queue", "syslog-ng sockets"), goals=(*(at_least("ceiling", shape, 1.3) for shape in RSYSLOG_UDP),
                               *(at_least("ceiling", shape, 2) for shape in ("syslog-ng", "syslog-ng sockets")))),
    Row("udp-overload", "UDP in at more than can be taken: what is lost without being counted", "udp-file", ("relayd",),
        (3 * MILLION, MILLION, 3 * THOUSAND), may_lose=True, load=("udp", "--gso"), measure="overload", goals=(at_most("uncounted", None, 0),)),
    Row("tcp-file", "TCP in (4 connections), file out", "tcp-file", ALL, (2 * MILLION, 500 * THOUSAND, 3 * THOUSAND), load=TCP,
        goals=(at_most("cpu", "rsyslog", 0.33), at_most("cpu", "syslog-ng", 0.2), at_least("rate", "rsyslog", 1.5))),
    Row("tcp-disk-tcp", "TCP in, disk, TCP out; the peers never sync", "tcp-disk-tcp", ALL, (MILLION, 300 * THOUSAND, 3 * THOUSAND),
        load=TCP, sink="tcp", slower={"rsyslog": 0.5},
        goals=(at_most("cpu", "rsyslog", 1 / 12), at_most("cpu", "syslog-ng", 0.1), at_least("rate", "rsyslog", 5),
               at_least("rate", "syslog-ng", 5), at_most("written", None, 213 + 40))),
    Row("tcp-sync-tcp", "the same, rsyslog with sync on", "tcp-disk-tcp", ("rsyslog sync", "relayd"),
        (MILLION, 300 * THOUSAND, 3 * THOUSAND), load=TCP, sink="tcp", slower={"rsyslog sync": 0.01},
        goals=(at_most("cpu", "rsyslog sync", 0.01), at_least("rate", "rsyslog sync", 150))),
    Row("tcp-relp-tls", "TCP in, RELP/TLS out; rsyslog: memory queue", "tcp-relp-tls", ("rsyslog", "relayd"),
        (MILLION, 300 * THOUSAND, 3 * THOUSAND), load=TCP, sink="relp-tls", slower={"rsyslog": 0.5},
        goals=(at_most("cpu", "rsyslog", 0.2), at_least("rate", "rsyslog", 3), at_most("peak_mb", "rsyslog", 0.3))),
    Row("relp-tls", "RELP/TLS in, disk, RELP/TLS out; rsyslog: memory queue", "relp-tls", ("rsyslog", "relayd"),
        (MILLION, 300 * THOUSAND, 3 * THOUSAND), load=RELP_TLS, sink="relp-tls", slower={"rsyslog": 0.5},
        goals=(at_most("cpu", "rsyslog", 0.2), at_least("rate", "rsyslog", 3))),
    Row("answers", "20,000/s, RELP/TLS in: how long an answer takes; rsyslog answers before it stores", "relp-tls", ("rsyslog", "relayd"),
        (200 * THOUSAND, 40 * THOUSAND, 3 * THOUSAND), load=(*RELP_TLS, "--rate", "20000"), sink="relp-tls",
        goals=(at_most("answer_p99_ms", None, 10),)),
    Row("relay-relay", "RELP in, TCP out: the receiving relayd behind a RELP sender, behind a relayd, and behind one that packs", "relp-tcp", ("relayd", "relayd behind-relayd", "relayd behind-zstd", BARE_CALLS),
        (4 * MILLION, 300 * THOUSAND, 3 * THOUSAND), load=("relp", "--connections", "1", "--mix"), sink="tcp", measure="relay",
        goals=(Goal("cpu", "relayd", True, 0.4, of="relayd behind-relayd"), Goal("taking", "relayd", True, 0.4, of="relayd behind-relayd"),
               Goal("rate", "relayd", False, 2, of="relayd behind-relayd"),
               Goal("wire", None, True, 0.2 * 213, of="relayd behind-zstd"))),
    Row("light", "20,000/s, TCP in, RELP/TLS out; rsyslog: memory queue", "tcp-relp-tls", ("rsyslog", "relayd", BARE_CALLS),
        (200 * THOUSAND, 40 * THOUSAND, 3 * THOUSAND), load=(*TCP, "--rate", "20000"), sink="relp-tls", bare=("light", 2000),
        goals=(at_most("cpu", "rsyslog", 0.25), at_most("p50_ms", None, 1.5), at_most("p99_ms", None, 10))),
    Row("drain", "a backlog drains over TCP when the sink is back, with 5,000/s of new messages", "tcp-disk-tcp", ALL,
        (MILLION, 300 * THOUSAND, 3 * THOUSAND), load=TCP, sink="tcp", measure="drain", slower={"rsyslog": 0.4, "syslog-ng": 0.5},
        goals=(at_least("rate", "rsyslog", 4), at_least("rate", None, 500 * THOUSAND))),
    Row("connections", "TCP in, file out, 500,000/s, 20 lines a write, over 1, 1,000 and 10,000 open connections", "tcp-file",
        ("rsyslog 1", "rsyslog 10000", "relayd 1", "relayd 1000", "relayd 10000", "bare 1", "bare 1000", "bare 10000"),
        (2 * MILLION, 300 * THOUSAND, 10 * THOUSAND), load=("tcp", "--mix", "--burst", "20", "--rate", "500000"), measure="connections",
        goals=(Goal("cpu", "relayd 1", True, 1.25, of="relayd 1000"), Goal("cpu", "relayd 1", True, 1.25, of="relayd 10000"),
               Goal("cpu", "rsyslog 10000", True, 0.33, of="relayd 10000"))),
    Row("backlog", "what it costs to send a backlog of 1 MB, 100 MB and (full) 10 GB over TCP", "tcp-disk-tcp",
        ("relayd 1", "relayd 100", "relayd 10000"), (MILLION, MILLION, THOUSAND), load=TCP, sink="tcp", measure="backlog",
        full_only=("relayd 10000",), goals=(Goal("cpu", "relayd 100", True, 1.25, of="relayd 10000"), *(
            Goal("lost", None, True, 0, of=f"relayd {megabytes}") for megabytes in (1, 100, 10000)))),
    Row("workers", "TCP in (4 connections), packed and stored while the next hop is away: one input thread, and two", "tcp-disk-tcp",
        ("relayd one-worker", "relayd two-workers"), (2 * MILLION, 300 * THOUSAND, 3 * THOUSAND), load=TCP, sink="tcp", measure="workers",
        goals=(Goal("cpu", "relayd one-worker", True, 1.25, of="relayd two-workers"),
               Goal("rate", "relayd one-worker", False, 1.3, of="relayd two-workers"))),
    Row("idle-tcp", "1,000 idle TCP connections", "tcp-file", ("rsyslog", "syslog-ng idle", "relayd"), (1000, 1000, 100), load=("tcp",), measure="idle",
        goals=(at_most("per_connection_kib", None, 2),)),
    Row("idle-tls", "1,000 idle TLS connections", "tls-file", ALL, (1000, 1000, 100), load=("tls",), measure="idle",
        goals=(at_most("per_connection_kib", None, 18),)),
    Row("idle-tcp-10000", "10,000 idle TCP connections", "tcp-file", ("rsyslog", "relayd"), (10000, 10000, 100), load=("tcp",),
        measure="idle", goals=(at_most("per_connection_kib", None, 2), at_most("lost", None, 0))),
    Row("idle-tls-10000", "10,000 idle TLS connections, quick 4,000 (rsyslog: a fifth; of 10,000 it loses a third, and takes minutes)", "tls-file",
        ("rsyslog", "relayd"), (10000, 4000, 100), load=("tls",), measure="idle", slower={"rsyslog": 0.2},
        goals=(at_most("per_connection_kib", None, 18), at_most("lost", None, 0))),
    Row("start", "start with a backlog in the spool, lines of 4,000 octets (relayd: 10 GB, quick 0.5 GB; rsyslog: a tenth)", "tcp-disk-tcp", ("rsyslog", "relayd"),
        (10000, 500, 1), load=("tcp", "--connections", "4"), sink="tcp", measure="start", slower={"rsyslog": 0.1},
        goals=(at_most("listening_ms", None, 20), at_most("first_ms", None, 50))),
)
