# SPDX-License-Identifier: Apache-2.0
"""What tests/bench/compare is asked for, but cannot do: it says what is wrong and what would be right, and measures nothing."""
import os
import subprocess
import sys

import pytest
from bench_program import bench_program
from relay import BIN, ROOT

COMPARE = ROOT / "tests" / "bench" / "compare"


def refused(option, value):
    """What it says about an option that it does not take. If it took it, the row would stop it."""
    run = subprocess.run([COMPARE, option, value, "--rows", "no-such-row"], capture_output=True, text=True, timeout=30)
    assert run.returncode == 2 and run.stdout == "", run
    return run.stderr


@pytest.mark.parametrize("value", ["-1", "0", "1.5", "many"])
def test_rounds_are_a_whole_number_from_one_up(value):
    assert f"--rounds: \"{value}\" must be a whole number, 1 or more" in refused("--rounds", value)


@pytest.mark.parametrize("value", ["-1", "0", "nan", "inf", "long"])
def test_minutes_are_a_finite_number_above_nought(value):
    assert f"--minutes: \"{value}\" must be a number above 0" in refused("--minutes", value)


def test_an_unknown_program_is_told_with_those_that_there_are():
    assert "unknown program \"foo\"; there are rsyslog, syslog-ng, relayd, bare" in refused("--programs", "relayd,foo")


def test_an_unknown_row_is_told_with_those_that_there_are():
    assert "unknown row \"idle\"; there are udp-file, " in refused("--rows", "tcp-file,idle")


def test_a_row_named_twice_is_taken_once(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["compare", "--rows", "idle-tls,idle-tcp,idle-tls"])
    assert bench_program("compare").options().rows == ["idle-tls", "idle-tcp"]


def test_a_run_that_measured_nothing_fails_and_says_why(short_path):
    if not (BIN.parent / "tests" / "bench" / "bench_send").exists():
        pytest.skip("the load programs are not built")
    run = subprocess.run([COMPARE, "--smoke", "--rows", "workers", "--programs", "rsyslog,bare", "--folder", short_path], capture_output=True,
                         text=True, timeout=60, env=dict(os.environ, RELAYD_BIN_DIR=str(BIN)))
    assert run.returncode == 1
    assert "compare: nothing was measured: these rows have relayd, of which none is both chosen and installed" in run.stderr
