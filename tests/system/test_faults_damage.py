# SPDX-License-Identifier: Apache-2.0
"""Segments of a spool that are damaged or missing: exactly what lay there is lost, counted and said (faults.py)."""
import pytest
from faults import SMALL, away, lines, numbers, says, send, spool, table, to
from relay import free_port, wait_until


@pytest.fixture
def stopped(relays):
    """A relay, stopped, with 6,000 messages in two segments and more that its output has not got."""
    port = free_port()
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [away()], spool=SMALL)
    send(port, lines(1, 12000))
    assert relay.stop() == 0
    relay.segments = sorted((relay.folder / "spool").glob("segment-*"))
    assert len(relay.segments) >= 3
    return relay


def first_of(segment):
    """The first sequence of a segment, which its name says."""
    return int(segment.name.split("-")[2], 16)


def overwrite(path, at, octets=b"damage"):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(octets)


def deliver_all(relay, made):
    relay.config["outputs"] = [to(made)]
    relay.start()
    return relay.wait_output("next", lambda output: output["pending"] == 0, seconds=60)


def missing_in(relay):
    """The sequences that `relayctl spool verify` says are missing."""
    missing = set()
    for line in spool(relay, "verify").stdout.splitlines():
        words = line.replace(",", "").split()
        if line.endswith("are missing"):
            missing.update(range(int(words[-5]), int(words[-3]) + 1))
    return missing


def test_a_damaged_block_costs_exactly_its_messages(stopped, server):
    """The rest is delivered; the output's ledger has them as damaged, and the status says so."""
    octets = stopped.segments[1].read_bytes()
    overwrite(stopped.segments[1], octets.index(b"message ", len(octets) // 2))
    missing = missing_in(stopped)
    made = server()
    row = deliver_all(stopped, made)
    assert 0 < len(missing) < 1000
    assert row["totals"]["damaged"] == len(missing) and row["totals"]["delivered"] == row["stored"] - len(missing)
    assert numbers(made.received) == [number for number in range(1, 12001) if number not in missing]
    wait_until(lambda: stopped.status()["spool"]["damaged"] == len(missing), what="the spool's count")
    assert "cannot be read from the spool: they are counted as damaged" in stopped.output("next")["detail"] + stopped.log_text()
    says(stopped, f"DAMAGED: {len(missing)} messages cannot be read any more", f"{len(missing)} damaged")


def test_a_damaged_checkpoint_costs_nothing(stopped, server):
    """The newest segment's first block: opening takes the one before it, and counts on from there."""
    overwrite(stopped.segments[-1], 128 + 128 + 8)
    made = server()
    row = deliver_all(stopped, made)
    assert row["totals"]["delivered"] == row["stored"] and row["totals"]["damaged"] == 0
    assert numbers(made.received) == list(range(1, 12001))
    assert stopped.input("in")["stored"] == 12000
    says(stopped, f"stored {row['stored']}, ")
    assert "DAMAGED" not in table(stopped)


def test_a_missing_segment_costs_exactly_its_messages(stopped, server):
    stopped.segments[1].unlink()
    missing = missing_in(stopped)
    made = server()
    row = deliver_all(stopped, made)
    assert missing and row["totals"]["damaged"] == len(missing)
    assert numbers(made.received) == [number for number in range(1, 12001) if number not in missing]
    wait_until(lambda: stopped.status()["spool"]["damaged"] == len(missing), what="the spool's count")
    says(stopped, f"DAMAGED: {len(missing)} messages cannot be read any more", f"{len(missing)} damaged")


def test_the_oldest_segment_missing_is_told_at_the_start(stopped, server):
    """The cursor points before what is there: counted as damaged, and logged with the sequences."""
    stopped.segments[0].unlink()
    first = first_of(stopped.segments[1])
    made = server()
    row = deliver_all(stopped, made)
    assert row["totals"]["damaged"] == first - 1
    assert "spool_segments_missing" in stopped.log_text()
    assert numbers(made.received) == list(range(first, 12001))
    says(stopped, f"{first - 1} damaged")


def test_a_newest_segment_whose_header_is_damaged_costs_what_it_had_and_says_how_much(stopped, server):
    """Nothing in it can be proven any more, so nothing of it is delivered; but its payloads still say what is missing. Behind it an orderly
    stop has left one without messages, whose header is damaged as well: else that one would hold, and readers would find the damage."""
    newest, empty = stopped.segments[-2:]
    first = first_of(newest)
    assert first_of(empty) == 12001
    overwrite(newest, 33)
    overwrite(empty, 33)
    stopped.was_killed = True  # what came last of each source is counted in that segment only
    made = server()
    row = deliver_all(stopped, made)
    assert row["totals"]["damaged"] == 12001 - first > 0
    assert numbers(made.received) == list(range(1, first))
    assert list(newest.parent.glob("damaged-*")) and "spool_segment_damaged" in stopped.log_text()
    wait_until(lambda: stopped.status()["spool"]["damaged"] == 12001 - first, what="the spool's count")
    says(stopped, f"DAMAGED: {12001 - first} messages cannot be read any more", f"{12001 - first} damaged")
