# SPDX-License-Identifier: Apache-2.0
"""Being told to end by a signal, as an exception: so what was started is ended, what was written is removed, and what was measured can be
printed. Only the first signal counts."""
import contextlib
import signal
import threading

ENDING = (signal.SIGTERM, signal.SIGINT)


class ToldToEnd(BaseException):
    """Its text is the signal's name."""


class _State:
    held = 0            # so many held() around us
    told = None         # the first signal
    is_raised = False


def _raise_if_told():
    if _State.told is not None and not _State.held and not _State.is_raised:
        _State.is_raised = True
        raise ToldToEnd(_State.told)


def listen():
    """From now on the signals are this exception, in the main thread, wherever it is."""
    def on_signal(number, _):
        _State.told = _State.told or signal.Signals(number).name
        _raise_if_told()
    for number in ENDING:
        signal.signal(number, on_signal)


def ignore():
    """From now on they are nothing: all that is left to do takes a moment."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def held():
    """The exception comes behind this block, if it was due inside: for what must not be left half done. It is the main thread's alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _State.held += 1
    try:
        yield
    finally:
        _State.held -= 1
    _raise_if_told()
