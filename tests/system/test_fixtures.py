# SPDX-License-Identifier: Apache-2.0
"""What tests started is ended, also if they fail, and if the process that runs them is killed, as pytest -x does to the others."""
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest
from relay import BIN, wait_until

HERE = pathlib.Path(__file__).resolve().parent

TEST = """
import os, pathlib, signal
from relay import free_port

def test_that_goes_wrong(relays, processes):
    two = [relays.start(name, [{"type": "tcp", "listen": f"127.0.0.1:{free_port()}"}]) for name in ("one", "two")]
    pids = [relay.process.pid for relay in two] + [processes.start(["sleep", "300"]).pid]
    pathlib.Path("pids").write_text(" ".join(map(str, pids)))
    WRONG
"""


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def short_folder():
    """The relays inside are two tests deep, and the path of a control socket has 96 octets at most."""
    with tempfile.TemporaryDirectory(prefix="relayd.") as folder:
        yield pathlib.Path(folder)


@pytest.mark.parametrize("wrong", [
    pytest.param("two[0].assert_ledger = lambda: exec('raise AssertionError')", id="a_ledger_that_does_not_add_up"),
    pytest.param("two[0].process.kill(); two[0].process.wait()", id="a_relay_that_has_ended"),
    pytest.param("os.kill(os.getpid(), signal.SIGKILL)", id="a_process_of_tests_that_is_killed"),
])
def test_nothing_goes_on_running(short_folder, wrong):
    (short_folder / "test_inner.py").write_text(TEST.replace("WRONG", wrong))
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "-p", "conftest", "-p", "no:cacheprovider", "--basetemp", "t", "test_inner.py"],
                         cwd=short_folder, capture_output=True, text=True, timeout=120,
                         env=dict(os.environ, PYTHONPATH=str(HERE), RELAYD_BIN_DIR=str(BIN)))
    assert run.returncode != 0 and (short_folder / "pids").exists(), run.stdout
    pids = (short_folder / "pids").read_text().split()
    wait_until(lambda: not any(is_running(pid) for pid in pids), 15, f"the end of {pids}: {run.stdout[-1500:]}")
