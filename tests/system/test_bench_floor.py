# SPDX-License-Identifier: Apache-2.0
"""The bare system calls beside which relayd's figures stand (tests/bench/bench_floor.c): all that came is counted and goes on, also what
has gathered while the disk stalled."""
import json
import subprocess

import pytest
from relay import BIN, free_port, listening, wait_until

BENCH = BIN.parent / "tests" / "bench"
CONNECTIONS, LINES = 8, 200_000  # five times what one group holds
STALL_US = 250_000


def test_what_has_gathered_during_a_stall_takes_more_than_one_group(processes, tmp_path):
    if not (BENCH / "bench_floor").exists():
        pytest.skip("the load programs are not built")
    into, out = free_port(), free_port()

    def start(name, *words):
        return processes.start([BENCH / name, *words], stdout=subprocess.PIPE, text=True)

    sink = start("bench_sink", "tcp", out, "--count", LINES, "--idle", 10)
    wait_until(listening(out), 5, "the port of bench_sink")
    floor = start("bench_floor", "light", into, out, tmp_path, "--period", STALL_US, "--connections", CONNECTIONS, "--no-sync")
    wait_until(listening(into), 5, "the port of bench_floor")
    load = start("bench_send", "tcp", "127.0.0.1", into, "--count", LINES, "--connections", CONNECTIONS)
    said, _ = floor.communicate(timeout=30)
    assert floor.returncode == 0
    assert json.loads(said)["lines"] == LINES
    assert json.loads(sink.communicate(timeout=30)[0])["distinct"] == LINES
    assert load.wait(10) == 0
