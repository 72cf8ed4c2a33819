# SPDX-License-Identifier: Apache-2.0
"""What tests/bench/compare is asked for, but cannot do: it says what is wrong and what would be right, and measures nothing."""
import subprocess

import pytest
from relay import ROOT

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
