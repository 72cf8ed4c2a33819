# SPDX-License-Identifier: Apache-2.0
"""What tests/bench/instructions --check says of parts that the programs and the committed baseline do not share. Nothing is counted."""
import sys

import pytest
from bench_program import bench_program

BASELINE = {"frame/lines": 100.0, "parse/rfc3164": 360.0}


def check(monkeypatch, tmp_path, counted, word="--check"):
    """Runs it with programs whose parts take `counted` instructions, beside BASELINE. Returns what it ends with, and the module."""
    instructions = bench_program("instructions")
    monkeypatch.setattr(sys, "argv", ["instructions", word])
    monkeypatch.setattr(instructions, "BASELINE", tmp_path / "baseline")
    instructions.write_baseline(BASELINE)
    monkeypatch.setattr(instructions, "check_build", lambda _: None)
    monkeypatch.setattr(instructions, "parts_of", lambda _: (("bench_parts", part) for part in counted))
    monkeypatch.setattr(instructions, "collected", lambda _, part, count: counted[part] * count)
    try:
        instructions.main()
    except SystemExit as ended:
        return ended.code, instructions
    return 0, instructions


def test_a_check_succeeds_with_the_parts_of_the_baseline(monkeypatch, tmp_path):
    assert check(monkeypatch, tmp_path, {**BASELINE, "frame/lines": 104.0})[0] == 0


@pytest.mark.parametrize("counted, said", [
    ({"frame/lines": 100.0}, "in the baseline, but in no program: parse/rfc3164"),
    ({**BASELINE, "parse/new": 5.0}, "not in the baseline: parse/new"),
    ({**BASELINE, "frame/lines": 106.0}, "above the baseline: frame/lines")])
def test_a_check_fails_and_names_the_part(monkeypatch, tmp_path, counted, said):
    assert check(monkeypatch, tmp_path, counted)[0] == (
        f"instructions: {said}\ninstructions: if that is meant, tests/bench/instructions --write makes the baseline anew")


def test_a_part_that_is_gone_leaves_the_baseline_that_is_written_anew(monkeypatch, tmp_path):
    status, instructions = check(monkeypatch, tmp_path, {"frame/lines": 90.0}, "--write")
    assert status == 0 and instructions.read_baseline() == {"frame/lines": 90.0}
