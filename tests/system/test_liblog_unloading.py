# SPDX-License-Identifier: Apache-2.0
"""liblog in a plugin: a program loads the shared library, logs through the ring, unloads it, and ends; nothing crashes, and
what was logged is there."""
import subprocess
import sys

import pytest
from relay import BIN, SANITIZED

LIBRARY = BIN.parent / "lib" / "liblog.so"

pytestmark = pytest.mark.skipif(SANITIZED, reason="the interpreter is not built with the sanitizer")

PROGRAM = """
import _ctypes, ctypes, sys, time
for _ in range(3):
    library = ctypes.CDLL(sys.argv[1])
    assert library.slog_open(None) == 0
    logger = ctypes.byref(ctypes.c_char.in_dll(library, "slog_default_logger"))
    for _ in range(100):
        library.slog_event(logger, 6, b"t", None, ctypes.c_size_t(0))
    _ctypes.dlclose(library._handle)
    time.sleep(0.05)
"""


@pytest.mark.parametrize("sink", ["file:{path}", "async:file:{path}"])
def test_a_program_that_unloads_the_library_with_events_queued_loses_none(tmp_path, sink):
    path = tmp_path / "log"
    run = subprocess.run([sys.executable, "-c", PROGRAM, str(LIBRARY)], env={"SLOG_SINK": sink.format(path=path)},
                         capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert path.read_text().count('"msgid":"t"') == 300


def test_a_program_that_ends_at_once_loses_none(tmp_path):
    path = tmp_path / "log"
    program = PROGRAM.replace("    _ctypes.dlclose(library._handle)\n    time.sleep(0.05)\n", "")
    subprocess.run([sys.executable, "-c", program, str(LIBRARY)], env={"SLOG_SINK": f"async:file:{path}"}, timeout=60, check=True)
    assert path.read_text().count('"msgid":"t"') == 300
