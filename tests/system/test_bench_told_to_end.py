# SPDX-License-Identifier: Apache-2.0
"""The comparison of tests/bench, told to end in the middle: it prints what it has, says that this is not all, and leaves nothing."""
import json
import os
import pathlib
import signal
import subprocess

import pytest
from relay import BIN, ROOT

COMPARE = ROOT / "tests" / "bench" / "compare"


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
def test_what_was_measured_is_printed_and_marked(processes, tmp_path, number):
    if not (BIN.parent / "tests" / "bench" / "bench_send").exists():
        pytest.skip("the load programs are not built")
    status, out, told = end_in_the_third_round(processes, number, tmp_path)
    assert status == 1, told
    assert f"UNFINISHED, told to end by {number.name}, in round 3 of 1000 (tcp-file, relayd)" in out
    assert any(line.startswith("relayd  ") for line in out.splitlines()), out
    assert f"compare: told to end by {number.name}" in told
    assert list(pathlib.Path(tmp_path).iterdir()) == []


def test_lines_of_json_say_so_too(processes, tmp_path):
    if not (BIN.parent / "tests" / "bench" / "bench_send").exists():
        pytest.skip("the load programs are not built")
    status, out, told = end_in_the_third_round(processes, signal.SIGTERM, tmp_path, "--json")
    assert status == 1, told
    line = json.loads(out)
    assert line["row"] == "tcp-file" and line["rounds"] == 2 and line["unfinished"].startswith("told to end by SIGTERM")
