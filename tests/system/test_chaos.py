# SPDX-License-Identifier: Apache-2.0
"""Relays in a row under load, and any of them is killed with SIGKILL at random moments, for RELAYD_CHAOS_SECONDS (30 for each number of
relays; 5 under a sanitizer). RELAYD_CHAOS_SEED makes it the same again; a failure says which it was."""
import os
import random
import threading
import time

import pytest
import senders
from exactly_once import NewNumbers, assert_each_once, assert_hop, chain, stored_numbers
from peers import relp
from relay import SANITIZED, free_port

SECONDS = float(os.environ.get("RELAYD_CHAOS_SECONDS", 5 if SANITIZED else 30))
SEED = int(os.environ.get("RELAYD_CHAOS_SEED", random.SystemRandom().randrange(1 << 32)))
TWO_AT_ONCE = 0.1  # of the kills


def kill_at_random(made, chance, seconds):
    """Returns how often each relay was killed."""
    kills, deadline = dict.fromkeys((relay.name for relay in made), 0), time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(chance.uniform(0.02, 0.4))
        chosen = chance.sample(made, 2 if chance.random() < TWO_AT_ONCE else 1)
        for relay in chosen:
            relay.kill()
            kills[relay.name] += 1
        time.sleep(chance.choice([0, 0, 0.3]))
        for relay in chosen:
            relay.start()
    return kills


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, pytest.param(3, marks=pytest.mark.sanitized)])
def test_any_relay_is_killed_under_load_and_each_message_is_stored_once(relays, tmp_path, count):
    """An originator sends to the first relay without pause and never sends a number twice. At the end the last relay has every
    acknowledged message once, in order; every relay's ledger adds up, and between any two of them what one delivered is what the
    next one stored, to the message."""
    print(f"RELAYD_CHAOS_SEED={SEED}")
    port, made = chain(relays, count, max_size="16GiB")
    loader = NewNumbers(port)
    loader.start()
    kills = kill_at_random(made, random.Random(SEED + count), SECONDS)
    loader.end()
    assert len(loader.acknowledged) > 30 * SECONDS, "the load did not run"
    for relay, following in zip(made, made[1:]):
        relay.wait_drained("next")
        assert_hop(relay, "next", following)
    for relay in made:
        relay.assert_ledger()
        assert "output_stream_forked" not in relay.log_text() and "output_lost_by_peer" not in relay.log_text()
    numbers = stored_numbers(made[-1], tmp_path)
    print(f"{SECONDS:.0f} s, kills {kills}, {loader.sessions} sessions, {loader.next} sent, {len(loader.acknowledged)} acknowledged, "
          f"{len(numbers)} stored")
    assert_each_once(numbers, loader.acknowledged)


class MoodyServer(relp.Server):
    """A RELP server that answers for a second, and then nothing for three, again and again until end()."""

    def __init__(self):
        self.ended = threading.Event()
        super().__init__(self.answer)

    def answer(self, _server, session, txnr, _data):
        while time.monotonic() % 4 > 1 and not self.ended.wait(0.05):
            pass
        session.answer(txnr, b"200 OK")


@pytest.mark.slow
def test_relays_are_killed_while_the_second_is_full_again_and_again_and_nothing_is_doubled(relays):
    """The second relay's spool is small and its next hop answers only now and then, so that it is full most of the time: it says so to the
    first one, whose time-out is short. Both are killed at random. Blocks that come again, or too late for their session, are known:
    the hop adds up to the message, and every ledger does."""
    print(f"RELAYD_CHAOS_SEED={SEED}")
    server, ports = MoodyServer(), [free_port(), free_port()]
    central = relays.start("central", [{"type": "relp", "listen": f"127.0.0.1:{ports[1]}"}],
                           [{"type": "relp", "name": "server", "servers": [f"127.0.0.1:{server.port}"], "format": "raw"}],
                           spool={"segment_size": "4MiB", "max_size": "64MiB", "reserve": "4MiB", "memory": "4MiB"})
    edge = relays.start("edge", [{"type": "relp", "listen": f"127.0.0.1:{ports[0]}"}],
                        [{"type": "relp", "name": "next", "servers": [f"127.0.0.1:{ports[1]}"], "answer_timeout": "1s"}],
                        spool={"segment_size": "4MiB", "max_size": "16GiB"})
    loader = NewNumbers(ports[0], fill=2000)
    loader.start()
    chance, kills, deadline = random.Random(SEED), 0, time.monotonic() + SECONDS / 4
    while time.monotonic() < deadline:
        time.sleep(chance.uniform(0.1, 1.5))
        relay = chance.choice([edge, central])
        relay.kill()
        relay.start()
        kills += 1
    loader.end()
    server.ended.set()
    edge.wait_drained("next")
    assert_hop(edge, "next", central)
    central.wait_drained("server")
    received = senders.numbers_by_sender(text.decode() for text in server.received)["k"]
    once = list(dict.fromkeys(received))
    assert set(loader.acknowledged) <= set(once) and once == sorted(once)
    assert "output_server_full" in edge.log_text(), "the second relay was never full"
    assert "output_stream_forked" not in edge.log_text() and "output_lost_by_peer" not in edge.log_text()
    print(f"{kills} kills, {len(loader.acknowledged)} acknowledged, {central.input('relp')['duplicate']} known again since the last start, "
          f"{len(received) - len(once)} doubled towards the server")
    server.close()
