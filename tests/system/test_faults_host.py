# SPDX-License-Identifier: Apache-2.0
"""A clock that jumps, two relays on one spool, no descriptor left, and what is then seen (faults.py)."""
import json
import os
import re
import subprocess
import time

import pytest
from faults import SMALL, away, lines, numbers, says, send, spool, to
from peers import relp
from relay import BIN, free_port, wait_until


@pytest.mark.parametrize("jump", ["-30d", "+30d"])
def test_a_clock_that_jumps_moves_no_message(relays, server, clock, jump):
    """The wall clock is a month off from one moment to the next, as after a first answer of NTP: order, count and answers stay."""
    clock, command = clock
    port, made = free_port(), server()
    relay = relays.make("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to(made)], spool=SMALL)
    relay.start(command=command)
    send(port, lines(1, 500))
    clock.write_text(jump + "\n")
    send(port, lines(501, 1000))
    relay.wait_delivered("next", 1000)
    assert numbers(made.received) == list(range(1, 1001))
    times = [json.loads(line)["relay"]["received"] for line in spool(relay, "cat").stdout.splitlines()]
    assert (times[-1] > times[0]) == (jump[0] == "+") and times[0][:10] != times[-1][:10]
    says(relay, "messages 1 to 1000 kept", "connected")


def test_two_relays_on_one_spool_the_second_is_refused_and_the_first_goes_on(relays):
    port = free_port()
    first = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [away()])
    result = subprocess.run([BIN / "relayd", "-c", first.write_config()], text=True, capture_output=True, timeout=60)
    assert result.returncode == 3 and f"process {first.process.pid} has this spool" in result.stderr
    send(port, lines(1, 100))
    assert first.output("next")["pending"] == 100
    says(first, "stored 100, ", "running")


def test_no_descriptor_left_when_a_segment_is_full_is_survived(relays):
    """Connections have taken all descriptors. The next segment opens in place of one that the spool keeps for this."""
    port = free_port()
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [away()], spool=SMALL)
    client = relp.Client(("127.0.0.1", port))
    client.send(lines(1, 10))
    pid = relay.process.pid
    # No connection is under way, and none of ours to the control socket is being closed.
    wait_until(lambda: re.match(r"waiting [2-9]", relay.output("next")["state"]), 60, "a long pause between attempts", pause=0.3)
    time.sleep(0.3)
    open_now = sorted(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
    # As many as there are: the next one would get a number that is not allowed.
    limit = next(number for number in range(len(open_now) + 1) if number not in open_now)
    subprocess.run(["prlimit", f"--pid={pid}", f"--nofile={limit}:"], check=True, timeout=60)
    client.send(lines(11, 20000))
    while client.pending:
        client.settle_one()
    subprocess.run(["prlimit", f"--pid={pid}", "--nofile=1024:"], check=True, timeout=60)
    assert relay.process.poll() is None and relay.status()["spool"]["segments"] >= 4
    assert relay.input("in")["stored"] == 20000 and relay.input("in")["dropped"] == {}
    says(relay, "messages 1 to 20000 kept")
