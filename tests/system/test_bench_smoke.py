# SPDX-License-Identifier: Apache-2.0
"""The comparison of tests/bench in its smallest form: every row's programs start, carry a few messages and stop, and relayd loses
and doubles none. Times are not judged."""
import json
import os
import subprocess
import sys

import pytest
from relay import BIN, ROOT

sys.path.insert(0, str(ROOT / "tests" / "bench"))

import compare_rows  # noqa: E402

COMPARE = ROOT / "tests" / "bench" / "compare"


@pytest.mark.slow
def test_every_row_runs_and_relayd_loses_and_doubles_nothing(short_path):
    if not (BIN.parent / "tests" / "bench" / "bench_send_relp").exists():
        pytest.skip("the load programs are not built")
    run = subprocess.run([COMPARE, "--smoke", "--minutes", "5", "--json", "--folder", short_path], capture_output=True, text=True,
                         timeout=400, env=dict(os.environ, RELAYD_BIN_DIR=str(BIN)))
    assert run.returncode == 0, run.stderr[-3000:]
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert [row.name for row in compare_rows.ROWS] == list(dict.fromkeys(line["row"] for line in lines))
    assert {line["program"].split()[0] for line in lines} == {"relayd", "rsyslog", "syslog-ng", "bare"}
    for line in lines:
        if line["program"].split()[0] in ("relayd", "bare"):
            assert line["median"].get("lost", 0) == 0 and line["median"].get("doubled", 0) == 0, line
    assert list(short_path.iterdir()) == []
