# SPDX-License-Identifier: Apache-2.0
"""Relays in a row under load, and any of them is killed with SIGKILL at random moments, for RELAYD_CHAOS_SECONDS (20 for each number of
relays; 5 under a sanitizer). RELAYD_CHAOS_SEED makes it the same again; a failure says which it was."""
import os
import random
import time

import pytest
from exactly_once import NewNumbers, assert_each_once, assert_hop, chain, stored_numbers
from relay import SANITIZED

SECONDS = float(os.environ.get("RELAYD_CHAOS_SECONDS", 5 if SANITIZED else 20))
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
        relay.wait_output("next", lambda status: status["pending"] == 0, seconds=120)
        assert_hop(relay, "next", following)
    for relay in made:
        relay.assert_ledger()
        assert "output_stream_forked" not in relay.log_text() and "output_lost_by_peer" not in relay.log_text()
    numbers = stored_numbers(made[-1], tmp_path)
    print(f"{SECONDS:.0f} s, kills {kills}, {loader.sessions} sessions, {loader.next} sent, {len(loader.acknowledged)} acknowledged, "
          f"{len(numbers)} stored")
    assert_each_once(numbers, loader.acknowledged)
