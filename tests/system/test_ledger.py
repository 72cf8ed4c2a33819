# SPDX-License-Identifier: Apache-2.0
"""The ledger: whatever is lost has its row, its reason and its source, the rows add up, and each loss is a message downstream."""
import json
import os
import signal
import socket
import subprocess

import senders
from peers import relp
from relay import BIN, free_port, wait_until

UDP_SEGMENT = 103  # linux/udp.h


def relayctl_ledger(*words):
    """Runs `relayctl ledger`; returns its exit code and what it printed."""
    done = subprocess.run([str(BIN / "relayctl"), "ledger", *map(str, words)], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


def row(ledger, **wanted):
    """The row of that host, kind or name."""
    rows = ledger["sources"] if "host" in wanted or "kind" in wanted else ledger["inputs"]
    return next(item for item in rows if all(item.get(key) == value for key, value in wanted.items()))


def told(lines, reason, event="messages_lost"):
    """The messages about losses for that reason among these JSON lines."""
    return [line for line in lines if line.get("msgid") == event and line.get("reason") == reason]


def count_told(lines, reason, event="messages_lost"):
    return sum(line["count"] for line in told(lines, reason, event))


def held_port():
    """A socket that keeps a TCP port for later, and the port: connections to it are refused until then."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock, sock.getsockname()[1]


def send_from(port, host, count, severity=6):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        for number in range(count):
            sock.send(b"<%d>Oct 11 22:14:15 %s app[7]: s=%s n=%d %s" % (8 + severity, host.encode(), host.encode(), number, b"x" * 900))


def test_a_udp_flood_into_a_small_buffer_is_received_or_dropped_by_the_kernel(relays):
    """A relay that is halted cannot read: of 3,000 datagrams its receive buffer of 64 KiB keeps some. When it goes on, sent is stored
    and dropped by the kernel, exactly; the message downstream says the same number, and that the senders are not known."""
    port = free_port(socket.SOCK_DGRAM)
    relay = relays.start("relay", [{"type": "udp", "listen": f"127.0.0.1:{port}", "receive_buffer": "64KiB"}], workers=1)
    senders.send_udp(port, "before", 10)
    relay.wait_stored(10)
    relay.process.send_signal(signal.SIGSTOP)
    send_from(port, "flood", 3000)
    relay.process.send_signal(signal.SIGCONT)
    wait_until(lambda: relay.input("udp")["received"] >= 3010, what="all that was sent")
    status = relay.input("udp")
    dropped = status["dropped"]["kernel"]
    assert status["received"] == 3010 and status["stored"] == 3010 - dropped and 0 < dropped < 3000
    wait_until(lambda: count_told(relay.lines(), "kernel") == dropped, what="the message about it")
    line = told(relay.lines(), "kernel")[0]
    assert line["input"] == status["name"] and line["app_name"] == "relayd" and line["severity"] == "err"
    assert line["from"] < line["to"]
    ledger = relay.ledger()
    assert row(ledger, host="flood")["stored"] == 3000 - dropped
    assert row(ledger, kind="unknown")["dropped"] == {"kernel": dropped} and row(ledger, kind="unknown")["stored"] == 0
    code, text = relayctl_ledger("--control", relay.control)
    assert code == 0 and "It adds up." in text and f"{dropped} dropped: kernel" in text, text


def send_aggregates(port, host, count, segments):
    """Sends as an offloading sender does: `segments` datagrams in one call, which a receiver may take in one piece."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        for number in range(count):
            lines = [b"<14>Oct 11 22:14:15 %s app[7]: s=%s n=%06d %s" % (host.encode(), host.encode(), number * segments + i, b"x" * 300)
                     for i in range(segments)]
            sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(lines[0]))
            sock.send(b"".join(lines))


def test_a_flood_of_aggregates_is_received_or_dropped_by_the_kernel_in_aggregates(relays):
    """An input with receive_aggregates gets 40 messages in one piece and stores 40, in order. Of a flood into a small buffer while the
    relay is halted the kernel drops some pieces and counts each as one: all rows say "kernel-aggregates", never "kernel", the message
    downstream says "at least", and with pieces of a known size the number is the one that was lost."""
    port, segments = free_port(socket.SOCK_DGRAM), 40
    relay = relays.start("relay", [{"type": "udp", "listen": f"127.0.0.1:{port}", "receive_buffer": "64KiB", "receive_aggregates": True}],
                         workers=1)
    send_aggregates(port, "before", 1, segments)
    relay.wait_stored(segments)
    wait_until(lambda: [int(line["message"].split()[1][2:]) for line in relay.lines()] == list(range(segments)), what="the messages in order")
    relay.process.send_signal(signal.SIGSTOP)
    send_aggregates(port, "flood", 100, segments)
    relay.process.send_signal(signal.SIGCONT)
    wait_until(lambda: "kernel-aggregates" in relay.input("udp")["dropped"], what="the drops")
    status = relay.input("udp")
    dropped = status["dropped"]["kernel-aggregates"]
    assert set(status["dropped"]) == {"kernel-aggregates"} and 0 < dropped < 100
    wait_until(lambda: relay.input("udp")["stored"] == segments * (101 - dropped), what="all that was not dropped")
    wait_until(lambda: count_told(relay.lines(), "kernel-aggregates") == dropped, what="the message about it")
    assert told(relay.lines(), "kernel-aggregates")[0]["message"].startswith(f"at least {dropped} messages")
    assert row(relay.ledger(), kind="unknown")["dropped"] == {"kernel-aggregates": dropped}
    code, text = relayctl_ledger("--control", relay.control)
    assert code == 0 and f"{dropped} dropped: kernel-aggregates" in text, text


def test_a_full_spool_that_holds_has_a_row_and_a_message_for_every_drop(relays):
    """Downstream is away and the spool is small: it fills, and what comes over UDP is dropped by severity. Each source's row has its
    drops; when downstream is back, the messages about the losses say the same numbers, by source."""
    port, (held, out) = free_port(socket.SOCK_DGRAM), held_port()
    relay = relays.start("relay", [{"type": "udp", "listen": f"127.0.0.1:{port}", "receive_buffer": "64MiB"}],
                         [{"type": "relp", "name": "next", "servers": [f"127.0.0.1:{out}"]}], workers=1,
                         spool={"max_size": "64MiB", "segment_size": "4MiB", "reserve": "8MiB", "memory": "4MiB", "compression": "none"})
    sent = {"web01": 0, "web02": 0}
    while relay.input("udp")["dropped"].get("spool-full", 0) < 2000:
        assert sum(sent.values()) < 200_000
        for host in sent:
            send_from(port, host, 500)
            sent[host] += 500
        total = sum(sent.values())
        wait_until(lambda: relay.input("udp")["received"] >= total, what="all that was sent")
    relay.assert_ledger()
    ledger = relay.ledger()
    for host, count in sent.items():
        assert row(ledger, host=host)["received"] == count
    everything = relay.input("udp")["dropped"]
    assert set(everything) <= {"spool-full", "no-buffer"}, "the kernel's buffer was large enough"
    held.close()
    central = relays.start("central", [{"type": "relp", "listen": f"127.0.0.1:{out}"}])
    relay.wait_output("next", lambda output: output["pending"] == 0, 60)
    for reason, count in everything.items():
        wait_until(lambda: count_told(central.lines(), reason) == count, 60, f"the messages about {reason}")
        for host in sent:
            lines = [line for line in told(central.lines(), reason) if line.get("host") == host]
            assert sum(line["count"] for line in lines) == row(ledger, host=host)["dropped"].get(reason, 0)
            assert all(line["peer"] == "127.0.0.1" for line in lines)
    assert relay.input("internal")["dropped"] == {}


def test_an_output_that_drops_the_oldest_has_a_row_and_a_message(relays):
    """The same with drop_oldest: the spool is not left full, the output's row has what it passed over, and so says the
    message."""
    port, (held, out) = free_port(socket.SOCK_DGRAM), held_port()
    relay = relays.start("relay", [{"type": "udp", "listen": f"127.0.0.1:{port}", "receive_buffer": "64MiB"}],
                         [{"type": "relp", "name": "next", "servers": [f"127.0.0.1:{out}"], "when_behind": "drop_oldest"}], workers=1,
                         spool={"max_size": "64MiB", "segment_size": "4MiB", "reserve": "8MiB", "memory": "4MiB", "compression": "none"})
    sent = 0
    while relay.output("next")["totals"]["dropped_oldest"] < 1000:
        assert sent < 200_000
        send_from(port, "web01", 200)
        sent += 200
        wait_until(lambda: relay.input("udp")["received"] >= sent, what="all that was sent")
    held.close()
    central = relays.start("central", [{"type": "relp", "listen": f"127.0.0.1:{out}"}])
    relay.wait_output("next", lambda output: output["pending"] == 0, 60)
    passed_over = relay.output("next")["totals"]["dropped_oldest"]
    wait_until(lambda: count_told(central.lines(), "dropped-oldest") == passed_over, 60, "the message about it")
    assert told(central.lines(), "dropped-oldest")[0]["output"] == "next"
    assert relay.input("udp")["dropped"].get("spool-full", 0) < passed_over / 10, "a burst may come before the segment is freed"
    relay.assert_ledger()


def test_gaps_in_sequence_ids_are_suspected_and_part_of_no_sum(relays):
    """An originator numbers its messages, and five numbers never come: the source's row says so beside its sums, and one message
    downstream that calls it suspected."""
    port = free_port()
    relay = relays.start("relay", [{"type": "tcp", "listen": f"127.0.0.1:{port}"}])
    sock = senders.connect(port)
    senders.finish(sock, b"".join(b'<13>1 - web01 app 7 - [meta sequenceId="%d"] text\n' % number for number in (1, 2, 3, 9, 10)))
    wait_until(lambda: count_told(relay.lines(), "sequence-id", "messages_suspected") == 5, what="the message about it")
    source = row(relay.ledger(), host="web01")
    assert (source["suspected"], source["received"], source["stored"], source["dropped"]) == (5, 5, 5, {})
    assert told(relay.lines(), "sequence-id", "messages_lost") == []


def test_rows_by_source_survive_a_stop_and_a_kill(relays):
    """What was counted by source before an orderly stop is there afterwards, exactly. After kill -9 the sums by source are the
    inputs' again: what the last second counted is of an unknown source. And the unclean stop is told downstream."""
    port = free_port()
    relay = relays.start("relay", [{"type": "tcp", "listen": f"127.0.0.1:{port}"}])
    sock = senders.connect(port)
    senders.send_stream(sock, "a", 1000)
    relay.wait_stored(1000)
    assert relay.stop() == 0
    relay.start()
    assert row(relay.ledger(), host="web01")["stored"] == 1000
    assert row(relay.ledger(), kind="unknown")["received"] == 0
    sock = senders.connect(port)
    senders.send_stream(sock, "b", 500)
    relay.wait_stored(1500)
    relay.kill()
    relay.start()
    wait_until(lambda: any(line.get("msgid") == "unclean_stop" for line in relay.lines()), what="the unclean stop downstream")
    stop = next(line for line in relay.lines() if line.get("msgid") == "unclean_stop")
    assert stop["up_to_octets"] > 0 and stop["severity"] == "warning"
    ledger = relay.ledger()
    assert 1000 <= row(ledger, host="web01")["stored"] <= 1500
    assert row(ledger, host="web01")["stored"] + row(ledger, kind="unknown")["stored"] == 1500
    code, text = relayctl_ledger("--control", relay.control)
    assert code == 0, text


def test_two_relays_are_compared(relays, tmp_path):
    """What the first relay's output sent is what the second has of its stream; a ledger may also be a file. Where another sender feeds
    the second relay, the hop still adds up by stream; by input it does not, and the exit status says so."""
    port, hop = free_port(), free_port()
    central = relays.start("central", [{"type": "relp", "listen": f"127.0.0.1:{hop}"}])
    edge = relays.start("edge", [{"type": "tcp", "listen": f"127.0.0.1:{port}"}],
                        [{"type": "relp", "name": "central", "servers": [f"127.0.0.1:{hop}"]}])
    senders.send_stream(senders.connect(port), "a", 2000)
    edge.wait_delivered("central", 2000)
    code, text = relayctl_ledger(edge.control, central.control)
    assert code == 0 and "output central sent 2000, stream " in text and "the hop adds up" in text, text
    for relay in (edge, central):
        code, text = relayctl_ledger("--json", relay.control)
        assert code == 0
        (tmp_path / relay.name).mkdir(exist_ok=True)
        (tmp_path / f"{relay.name}.json").write_text(text)
    assert relayctl_ledger(tmp_path / "edge.json", tmp_path / "central.json")[0] == 0
    code, text = relayctl_ledger("--json", "--output", "central", "--input", central.input("relp")["name"], edge.control, central.control)
    assert code == 0 and json.loads(text) == {"sent": 2000, "received": 2000, "unconfirmed": 0, "adds_up": True}
    client = relp.Client(("127.0.0.1", hop))
    client.send([senders.message("other", 1)], window=1)
    client.settle()
    client.close()
    central.wait_stored(2001)
    assert relayctl_ledger(edge.control, central.control)[0] == 0
    code, text = relayctl_ledger("--input", central.input("relp")["name"], edge.control, central.control)
    assert code == 5 and "DOES NOT ADD UP: 1 more came than were sent" in text, text
    code, text = relayctl_ledger("--output", "nobody", edge.control, central.control)
    assert code == 2 and '"nobody"' in text


def test_what_an_output_passed_over_may_have_arrived(tmp_path):
    """A message on its way, not acknowledged yet, is passed over by drop_oldest: it is counted so, and may be stored at the next relay all the
    same. Without a stream the hop allows for that, and for no message more."""
    output = {"name": "o", "start": 0, "stored": 110, "delivered": 100, "dropped_oldest": 10, "pending": 0, "resent": 0}
    edge = {"spool": {"stored": 110}, "inputs": [], "sources": [], "outputs": [output]}
    (tmp_path / "edge").write_text(json.dumps(edge))
    for received, code in ((99, 5), (100, 0), (110, 0), (111, 5)):
        central = {"spool": {}, "sources": [], "outputs": [], "inputs": [{"name": "i", "configured": True, "received": received}]}
        (tmp_path / "central").write_text(json.dumps(central))
        assert relayctl_ledger(tmp_path / "edge", tmp_path / "central")[0] == code, received


def test_a_ledger_that_does_not_add_up_has_its_own_exit_status(tmp_path):
    """Each equation, broken by one, is named; what is no ledger is another failure."""
    good = {"version": "0", "spool": {"stored": 12, "unattributed": 1, "unused": 1, "damaged": 0, "released": 0},
            "inputs": [{"name": "i", "configured": True, "received": 16, "stored": 10, "dropped": {"kernel": 3}, "in_memory": 1,
                        "duplicate": 2}],
            "sources": [{"kind": "source", "peer": "", "host": "h", "received": 10, "stored": 10, "dropped": {}, "suspected": 4},
                        {"kind": "unknown", "received": 3, "stored": 0, "dropped": {"kernel": 3}}],
            "outputs": [{"name": "o", "start": 1, "stored": 12, "delivered": 5, "filtered": 1, "quarantined": 1, "dropped_oldest": 1,
                         "damaged": 1, "pending": 2, "resent": 7}]}
    path = tmp_path / "ledger.json"

    def run(change=lambda ledger: None):
        ledger = json.loads(json.dumps(good))
        change(ledger)
        path.write_text(json.dumps(ledger))
        return relayctl_ledger(path)
    assert run()[0] == 0, run()[1]
    for change, words in (
            (lambda ledger: ledger["inputs"][0].update(received=15), "of i: 15 and 16"),
            (lambda ledger: ledger["spool"].update(unused=2), "the spool's sequence, and stored of all inputs: 12 and 13"),
            (lambda ledger: ledger["sources"][0].update(received=11), "of h: 11 and 10"),
            (lambda ledger: ledger["sources"][1].update(dropped={"kernel": 2}, received=2), "of kernel: 3 and 2"),
            (lambda ledger: ledger["outputs"][0].update(pending=3), "at output of o: 12 and 13")):
        code, text = run(change)
        assert code == 5 and "DOES NOT ADD UP" in text and words in text, text
    path.write_text("{}")
    assert relayctl_ledger(path)[0] == 1
    assert relayctl_ledger(tmp_path / "missing")[0] == 1
    assert relayctl_ledger("a", "b", "c")[0] == 2
    assert os.path.exists(path)
