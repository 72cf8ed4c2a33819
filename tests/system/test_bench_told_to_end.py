# SPDX-License-Identifier: Apache-2.0
"""The comparisons of tests/bench, told to end in the middle: they print what they have, say that this is not all, and leave nothing."""
import json
import os
import pathlib
import signal
import subprocess
import time

import pytest
from relay import BIN, ROOT, wait_until

COMPARE = ROOT / "tests" / "bench" / "compare"
COMPARE_LOSS = ROOT / "tests" / "bench" / "compare_loss"


def end_in_the_third_round(processes, number, folder, *more):
    """Returns its exit status, and what it printed on stdout and stderr."""
    run = processes.start([COMPARE, "--smoke", "--rounds", "1000", "--rows", "tcp-file", "--programs", "relayd", "--folder", folder, *more],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ, RELAYD_BIN_DIR=str(BIN)))
    told = ""
    while "round 3:" not in told:
        line = run.stderr.readline()
        assert line != "", told
        told += line
    run.send_signal(number)
    out, rest = run.communicate(timeout=60)
    return run.returncode, out, told + rest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_measured_is_printed_and_marked(processes, short_path, number):
    if not (BIN.parent / "tests" / "bench" / "bench_send").exists():
        pytest.skip("the load programs are not built")
    status, out, told = end_in_the_third_round(processes, number, short_path)
    assert status == 1, told
    assert f"UNFINISHED, told to end by {number.name}, in round 3 of 1000 (tcp-file, relayd)" in out
    assert any(line.startswith("relayd  ") for line in out.splitlines()), out
    assert f"compare: told to end by {number.name}" in told
    assert list(short_path.iterdir()) == []


def test_lines_of_json_say_so_too(processes, short_path):
    if not (BIN.parent / "tests" / "bench" / "bench_send").exists():
        pytest.skip("the load programs are not built")
    status, out, told = end_in_the_third_round(processes, signal.SIGTERM, short_path, "--json")
    assert status == 1, told
    line = json.loads(out)
    assert line["row"] == "tcp-file" and line["rounds"] == 2 and line["unfinished"].startswith("told to end by SIGTERM")


def commands():
    """The command lines of all processes."""
    for each in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield each.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue


def test_the_comparison_of_losses_ends_what_it_started(processes, short_path):
    """While its threads kill relays and start them again."""
    run = processes.start([COMPARE_LOSS, "--folder", short_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=dict(os.environ, RELAYD_BIN_DIR=str(BIN)))

    def has_started():
        assert run.poll() is None, run.communicate()
        return sum(f"{short_path}/" in each for each in commands()) > 2
    wait_until(has_started, 20, "the first relays")
    time.sleep(4)  # some are killed after three seconds, and started again after five
    run.send_signal(signal.SIGTERM)
    out, told = run.communicate(timeout=60)
    assert run.returncode == 1 and out == "", told
    assert "compare_loss: told to end by SIGTERM" in told and "Traceback" not in told
    assert not any(str(short_path) in each for each in commands())
    assert list(short_path.iterdir()) == []
