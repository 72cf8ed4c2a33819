# SPDX-License-Identifier: Apache-2.0
"""Ends what a process of tests had started, if that process ended without doing so: with -x pytest kills the other processes of tests in
the middle of theirs, and nothing of theirs runs any more. The reaper is a process of its own, which is told each pid and waits for the
end of its standard input. It holds on to processes by descriptors, so that it never meets another one with the same pid."""
import contextlib
import os
import signal
import subprocess
import sys
import time

TERM_SECONDS = 5  # from SIGTERM to SIGKILL


class _Reaper:
    process, owner = None, None


def register(pid):
    """From now on this child of ours ends soon after us."""
    if _Reaper.owner != os.getpid():
        _Reaper.process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, start_new_session=True)
        _Reaper.owner = os.getpid()
    _Reaper.process.stdin.write(b"%d\n" % pid)
    _Reaper.process.stdin.flush()


def send(held, number):
    """Returns those that it reached: the others have ended."""
    there = []
    for each in held:
        try:
            signal.pidfd_send_signal(each, number)
            there.append(each)
        except ProcessLookupError:
            os.close(each)
    return there


def main():
    held = []
    for line in sys.stdin:
        held = send(held, 0)
        with contextlib.suppress(ProcessLookupError):
            held.append(os.pidfd_open(int(line)))
    held = send(held, signal.SIGTERM)
    deadline = time.monotonic() + TERM_SECONDS
    while held and time.monotonic() < deadline:
        time.sleep(0.05)
        held = send(held, 0)
    send(held, signal.SIGKILL)


if __name__ == "__main__":
    main()
