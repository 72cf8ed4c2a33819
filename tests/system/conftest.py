# SPDX-License-Identifier: Apache-2.0
"""What every system test gets: a folder, certificates, relays that are surely ended, and a clear word if programs are missing.

The programs are taken from RELAYD_BIN_DIR (default build/bin)."""
import pathlib
import shutil
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import certificates as certificates_module  # noqa: E402
import observed  # noqa: E402
import relay as relay_module  # noqa: E402
from peers import relp  # noqa: E402


def pytest_configure(config):
    if not (relay_module.BIN / "relayd").exists():
        raise pytest.UsageError(f"{relay_module.BIN}/relayd is not built; set RELAYD_BIN_DIR")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What a test leaves is kept if it failed; spools of hundreds of tests are tens of gigabytes."""
    outcome = yield
    item.has_failed = getattr(item, "has_failed", False) or outcome.get_result().failed
    if call.when == "teardown" and not item.has_failed and "tmp_path" in item.funcargs:
        shutil.rmtree(item.funcargs["tmp_path"], ignore_errors=True)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return certificates_module.Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def short_path():
    """A folder like tmp_path, for what makes Unix sockets in folders of its own: their names are bounded."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="relayd-test."))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def relays(tmp_path):
    """Makes relays below tmp_path; whatever still runs at the end is stopped, and its end must be in order."""
    made = relay_module.Relays(tmp_path)
    yield made
    made.end()


@pytest.fixture
def processes():
    """Runs peers; they are ended by pid, whatever happens."""
    started = relay_module.Processes()
    yield started
    started.end()


@pytest.fixture
def observe(relays):
    """Starts a relay with these inputs whose messages can be looked at (observed.py)."""
    made = []

    def start(*inputs, **top):
        made.append(observed.Observed(relays, list(inputs), **top))
        return made[-1]
    yield start
    for item in made:
        item.server.close()


@pytest.fixture
def server():
    """Makes RELP servers of ours that answer as the test says; they are closed at the end."""
    made = []

    def make(behave=None, **more):
        made.append(relp.Server(behave, **more))
        return made[-1]
    yield make
    for each in made:
        each.close()


@pytest.fixture
def clock(tmp_path):
    """A file with the wall clock's distance from the host's, and the command that a relay with this clock is started with."""
    library = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
    if relay_module.SANITIZED:
        pytest.skip("libfaketime and the sanitizers want to be loaded first, both of them")
    if not library.exists():
        pytest.skip("libfaketime is not installed")
    file = tmp_path / "clock"
    file.write_text("+0d\n")
    return file, ["env", f"LD_PRELOAD={library}", f"FAKETIME_TIMESTAMP_FILE={file}", "FAKETIME_NO_CACHE=1",
                  "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1"]
