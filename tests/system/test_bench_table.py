# SPDX-License-Identifier: Apache-2.0
"""What the table of tests/bench/compare says of rounds in which messages were lost, and whom a round begins with."""
import json
import sys
import types

import pytest
from bench_program import bench_program
from relay import ROOT

sys.path.insert(0, str(ROOT / "tests" / "bench"))

import compare_rows  # noqa: E402
import compare_table  # noqa: E402

ROWS = {row.name: row for row in compare_rows.ROWS}


def rounds(cpu, *lost):
    return [{"rate": 1000000.0, "cpu": cpu, "lost": each, "doubled": 0} for each in lost]


def table(capsys, row, results, wanted=3):
    compare_table.print_row(ROWS[row], results, wanted)
    return capsys.readouterr().out


def test_a_loss_in_one_round_is_shown_and_no_goal_is_reached_with_it(capsys):
    peer = rounds(4.0, 0, 0, 0)
    assert "reached  CPU s/M: 0.125 x rsyslog" in table(capsys, "tcp-file", {"rsyslog": peer, "relayd": rounds(0.5, 0, 0, 0)})
    said = table(capsys, "tcp-file", {"rsyslog": peer, "relayd": rounds(0.5, 0, 7, 0)})
    assert "reached" not in said and "; relayd: 7 lost" in said


def test_a_peer_that_lost_something_is_named_behind_the_goal(capsys):
    said = table(capsys, "tcp-file", {"rsyslog": rounds(4.0, 0, 0, 12), "relayd": rounds(0.5, 0, 0, 0)})
    assert "reached  CPU s/M: 0.125 x rsyslog (goal <= 0.33); rsyslog: 12 lost" in said


def test_a_goal_of_a_udp_row_is_against_the_better_shape_of_rsyslog(capsys):
    said = table(capsys, "udp-file", {"rsyslog": rounds(4.0, 0), "rsyslog queue": rounds(2.0, 0), "relayd": rounds(1.5, 0)})
    assert "reached  CPU s/M: 0.375 x rsyslog (" in said and "MISSED   CPU s/M: 0.75 x rsyslog queue (" in said


def overloaded(lost, kernel, other):
    return {"cpu": 1.0, "lost": lost, "kernel_dropped": kernel, "other_dropped": other, "uncounted": abs(lost - kernel - other)}


def dropped_in(said):
    """The numbers in the table below "kernel", "other", "uncounted" and "lost"."""
    lines = said.splitlines()
    heads, cells = (next(line for line in lines if word in line) for word in ("uncounted", "relayd  "))
    return [int(cells[:heads.index(head) + len(head)].split()[-1]) for head in ("kernel", "other", "uncounted", "lost")]


def test_what_was_lost_in_one_round_is_uncounted_in_the_table(capsys):
    said = table(capsys, "udp-overload", {"relayd": [overloaded(20, 18, 2), overloaded(9, 6, 1), overloaded(5, 5, 0)]})
    assert "MISSED   uncounted: 2" in said
    assert dropped_in(said) == [6, 1, 2, 9]


def test_drops_in_the_table_add_up_to_what_was_lost(capsys):
    said = table(capsys, "udp-overload", {"relayd": [overloaded(9, 6, 3), overloaded(20, 13, 7), overloaded(12, 12, 0)]})
    assert dropped_in(said) == [13, 7, 0, 20]


def test_shapes_of_relayd_stand_beside_its_first_one(capsys):
    said = table(capsys, "workers", {"relayd one-worker": rounds(0.5, 0), "relayd two-workers": rounds(0.6, 0)})
    assert "relayd two-workers to relayd one-worker: msgs/s 1.000 x, CPU s/M 1.200 x" in said


@pytest.mark.parametrize("written, ratio", [(0.0, ""), (0.02, ""), (0.9, ""), (1.0, ", B/msg 508.000 x")])
def test_there_is_no_ratio_to_what_a_column_cannot_show(capsys, written, ratio):
    peer, ours = ({**rounds(0.5, 0)[0], "written": octets} for octets in (written, 508.0))
    said = table(capsys, "tcp-file", {"syslog-ng": [peer], "relayd": [ours]})
    assert f"relayd to syslog-ng: msgs/s 1.000 x, CPU s/M 1.000 x{ratio}\n" in said


def test_latencies_are_in_every_row_that_has_them(capsys):
    each = {**rounds(0.5, 0)[0], "p50_ms": 12.5, "p99_ms": 40.25}
    said = table(capsys, "tcp-file", {"relayd": [each]})
    assert "p50 ms" in said and " 12.50 " in said and " 40.25 " in said
    assert json.loads(compare_table.json_line(ROWS["tcp-file"], "relayd", [each]))["median"]["p99_ms"] == 40.25


def test_fewer_rounds_than_wanted_are_told(capsys):
    said = table(capsys, "tcp-file", {"rsyslog": rounds(4.0, 0, 0), "relayd": rounds(0.5, 0, 0, 0)})
    assert [line.endswith("2 of 3 rounds") for line in said.splitlines() if line.startswith(("rsyslog ", "relayd "))] == [True, False]


@pytest.mark.parametrize("row, fails", [("tcp-file", True), ("udp-file", False)])
def test_a_run_fails_if_relayd_loses_what_tcp_had_brought(tmp_path, row, fails):
    compare = bench_program("compare")
    wanted = types.SimpleNamespace(minutes=None, form="full", folder=tmp_path, rounds=1, programs=["relayd"])
    comparison = compare.Comparison(wanted, [ROWS[row]])
    compare.compare_measure = types.SimpleNamespace(measure=lambda *_: rounds(0.5, 7)[0])
    comparison.measure(0, ROWS[row], "relayd", None, None, tmp_path)
    assert comparison.failures == ([f"{row}, relayd: 7 lost in round 1"] if fails else [])


def test_each_round_begins_with_the_next_program():
    compare = bench_program("compare")
    assert [compare.in_turn(["a", "b", "c"], number)[0] for number in range(4)] == ["a", "b", "c", "a"]
