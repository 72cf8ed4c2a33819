# SPDX-License-Identifier: Apache-2.0
"""Streams between relays when something is wrong with one of them: its disk was restored from an older state, its spool is full."""
import json
import os
import shutil
import subprocess
import time

import senders
from peers import relp
from relay import BIN, free_port, wait_until

# How long the full relay stays full. 45 s and more covers several of its hints.
FULL_SECONDS = float(os.environ.get("RELAYD_FULL_SECONDS", "6"))

SMALL = {"max_size": "64MiB", "segment_size": "4MiB", "reserve": "4MiB", "compression": "none", "memory": "4MiB"}


def relayctl(*words):
    """Runs relayctl; returns its exit code and all that it printed."""
    done = subprocess.run([str(BIN / "relayctl"), *map(str, words)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def edge_and_central(relays, spool=None, **output):
    """Two relays that are started; the first sends to the second over RELP. What the second one sends goes nowhere: it keeps all."""
    port, hop, nowhere = free_port(), free_port(), free_port()
    central = relays.start("central", [{"type": "relp", "listen": f"127.0.0.1:{hop}"}],
                           [{"type": "relp", "name": "next", "servers": [f"127.0.0.1:{nowhere}"]}], spool=dict(spool or SMALL))
    edge = relays.start("edge", [{"type": "relp", "listen": f"127.0.0.1:{port}"}],
                        [{"type": "relp", "name": "central", "servers": [f"127.0.0.1:{hop}"], **output}], spool=dict(SMALL))
    return port, edge, central


def send(port, first, last, size=100):
    """Numbered messages of about this size, acknowledged."""
    client = relp.Client(("127.0.0.1", port))
    client.send((senders.message("k", number) + b" " + b"x" * size for number in range(first, last)), window=500)
    client.settle()
    client.close()


def drained(edge):
    edge.wait_output("central", lambda output: output["pending"] == 0, 60)


def everything(relay):
    """All that is in the relay's spool, as JSON lines, read by an output that begins with the oldest message."""
    out = relay.folder / "everything"
    relay.stop()
    relay.config["outputs"].append({"type": "file", "name": "check", "path": str(out), "format": "json", "from": "oldest"})
    relay.start()
    relay.wait_delivered("check", relay.status()["spool"]["stored"], seconds=60)
    return out.read_text().splitlines()


def told(lines, reason):
    """How many messages the relays' own messages about that loss speak of, and by how many of these."""
    found = [json.loads(line) for line in lines if '"messages_lost"' in line]
    counts = [line["count"] for line in found if line["reason"] == reason]
    return sum(counts), len(counts)


def back_up(relay):
    assert relay.stop() == 0
    shutil.copytree(relay.folder / "spool", relay.folder / "backup")
    relay.start()


def restore(relay):
    """Its disk is gone, and what comes back is the backup."""
    relay.kill()
    shutil.rmtree(relay.folder / "spool")
    shutil.copytree(relay.folder / "backup", relay.folder / "spool")
    relay.start()


def hop_of(edge, central):
    """The hop between the two, which must add up exactly."""
    code, text = relayctl("ledger", "--json", edge.control, central.control)
    hop = json.loads(text)
    assert code == 0 and hop["adds_up"] and hop["sent"] == hop["received"] and "stream" in hop, text
    return hop


def test_a_restored_relay_gets_again_what_is_still_there_and_nothing_is_counted_as_lost(relays):
    """The second relay's disk dies, and its backup is older than what it has acknowledged. The first relay still has all of it: it is
    sent again, once, and nothing is lost."""
    port, edge, central = edge_and_central(relays)
    send(port, 0, 500)
    drained(edge)
    back_up(central)
    send(port, 500, 1500)
    drained(edge)
    restore(central)
    edge.wait_log('"output_peer_restored"')
    send(port, 1500, 1600)
    drained(edge)
    wait_until(lambda: central.status()["spool"]["stored"] >= 1600, what="all of it")
    assert hop_of(edge, central)["lost_by_peer"] == 0
    assert "lost_by_peer" not in edge.log_text() + central.log_text()
    lines = everything(central)
    assert senders.numbers_by_sender(lines)["k"] == list(range(1600))
    assert told(lines, "lost-by-peer") == (0, 0)


def test_what_a_restored_relay_lost_and_nobody_has_any_more_is_counted_and_told_at_both_ends(relays):
    """As above, but so much was sent since the backup that the first relay has given most of it back. What is lost is exactly what is
    missing, in both ledgers, in a message of each relay, and in the comparison of the two."""
    port, edge, central = edge_and_central(relays)
    send(port, 0, 500)
    drained(edge)
    back_up(central)
    send(port, 500, 4000, size=4000)
    drained(edge)
    wait_until(lambda: edge.status()["spool"]["first"] > 1500, what="segments that are given back")
    restore(central)
    edge.wait_log('"output_peer_restored"')
    drained(edge)
    edge.wait_log('"output_lost_by_peer"')
    central.wait_log('"input_lost_by_peer"')
    send(port, 4000, 4100)
    drained(edge)
    lost = hop_of(edge, central)["lost_by_peer"]
    assert lost > 1000
    code, text = relayctl("ledger", edge.control)
    assert code == 0 and f"{lost} lost-by-peer" in text, text
    # Another session tells nothing new.
    assert edge.stop() == 0 and central.stop() == 0
    central.start()
    edge.start()
    wait_until(lambda: edge.output("central")["state"].startswith("connected"), what="the session")
    drained(edge)
    assert hop_of(edge, central)["lost_by_peer"] == lost
    wait_until(lambda: told_lines(central) == (2 * lost, 2), what="a message of each relay")
    got = senders.numbers_by_sender(everything(central))["k"]
    assert len(got) == len(set(got)) == 4100 - lost and got == sorted(got)


def told_lines(relay):
    code, text = relayctl("spool", "--spool", relay.folder / "spool", "cat")
    assert code == 0, text
    of_edge, of_central = told(text.splitlines(), "lost-by-peer"), told(text.splitlines(), "spool-restored")
    return of_edge[0] + of_central[0], of_edge[1] + of_central[1]


def test_a_full_relay_is_waited_for_longer_than_any_time_out(relays):
    """The second relay's spool is full because nobody takes what it has. It says so to the first one, whose time-out for answers is
    shorter than that: the session stays, the state says why, and when there is room again all goes on, once."""
    port, edge, central = edge_and_central(relays, answer_timeout="3s")
    sent = 0
    while central.status()["spool"]["level"] == "open":
        assert sent < 30_000
        send(port, sent, sent + 500, size=4000)
        sent += 500
        wait_until(lambda: edge.output("central")["pending"] < 2000 or central.status()["spool"]["level"] != "open", 60)
    send(port, sent, sent + 500, size=4000)
    sent += 500
    edge.wait_output("central", lambda output: "is full" in output["detail"])
    connects, began = edge.output("central")["connects"], time.monotonic()
    while time.monotonic() - began < FULL_SECONDS:
        output = edge.output("central")
        assert output["connects"] == connects and output["state"].startswith("connected"), output
        assert "is full" in output["detail"], output
        time.sleep(0.2)
    assert edge.output("central")["pending"] > 0
    nowhere = central.config["outputs"][0]["servers"][0]
    last = relays.start("last", [{"type": "relp", "listen": nowhere}], spool={"max_size": "512MiB", "segment_size": "8MiB"})
    drained(edge)
    assert edge.output("central")["connects"] == connects and edge.output("central")["detail"] == ""
    central.wait_output("next", lambda output: output["pending"] == 0, 60)
    last.wait_output("print", lambda output: output["pending"] == 0, 60)
    got = senders.numbers_by_sender(last.out.read_text().splitlines()).get("k", [])
    assert got == list(range(sent))
    assert hop_of(edge, central)["lost_by_peer"] == 0
