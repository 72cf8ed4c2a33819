# SPDX-License-Identifier: Apache-2.0
"""A program that logs through the shared library, as a daemon does. Run as a script: it opens the sink named by its first
argument, then obeys lines on standard input and answers each with a line:

    log N [SEVERITY]   logs N events "t" with a number; answers the longest call and the whole time in microseconds
    flush              answers the errno value
    fork N             logs N events in a child of fork() and flushes there; answers the child's status
    stats              answers the number of dropped events
    close              closes; answers the microseconds it took

From tests it is used through the class Program below."""
import ctypes
import os
import pathlib
import subprocess
import sys
import time

SEVERITIES = 9
TYPE_INT = 2


class Value(ctypes.Structure):
    _fields_ = [("type", ctypes.c_uint8), ("zero", ctypes.c_uint8 * 3), ("detail", ctypes.c_uint32),
                ("length", ctypes.c_size_t), ("i64", ctypes.c_int64)]


class Field(ctypes.Structure):
    _fields_ = [("key", ctypes.c_char_p), ("key_length", ctypes.c_size_t), ("value", Value)]


class Counters(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("dropped", ctypes.c_uint64 * SEVERITIES), ("cut", ctypes.c_uint64),
                ("unbound", ctypes.c_uint64), ("last_error", ctypes.c_int)]


class Program:
    """The script as a process of a test."""

    def __init__(self, processes, library, sink, **environment):
        self.process = processes.start([sys.executable, __file__, str(library)], text=True, bufsize=1,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       env={**os.environ, "SLOG_SINK": sink, **environment})
        assert self.process.stdout.readline() == "ready\n"

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return [int(word) for word in self.process.stdout.readline().split()]

    def log(self, count, severity=6):
        """Microseconds: (longest call, all calls)."""
        return self.ask(f"log {count} {severity}")

    def flush(self):
        return self.ask("flush")[0]

    def dropped(self):
        return self.ask("stats")[0]

    def close(self):
        took = self.ask("close")[0]
        self.process.stdin.close()
        assert self.process.wait(20) == 0
        return took


class Log:
    def __init__(self, path):
        self.library = ctypes.CDLL(str(path))
        self.logger = ctypes.byref(ctypes.c_char.in_dll(self.library, "slog_default_logger"))
        self.next = 0
        assert self.library.slog_open(None) == 0

    def log(self, count, severity=6):
        longest = 0
        start = time.monotonic_ns()
        for _ in range(count):
            field = Field(b"i", 1, Value(type=TYPE_INT, i64=self.next))
            self.next += 1
            call = time.monotonic_ns()
            self.library.slog_event(self.logger, severity, b"t", ctypes.byref(field), ctypes.c_size_t(1))
            longest = max(longest, time.monotonic_ns() - call)
        return longest // 1000, (time.monotonic_ns() - start) // 1000

    def flush(self):
        return self.library.slog_flush()

    def fork(self, count):
        child = os.fork()
        if child == 0:
            self.log(count)
            os._exit(self.flush())
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def stats(self):
        counters = Counters(size=ctypes.sizeof(Counters))
        self.library.slog_stats(ctypes.byref(counters))
        return sum(counters.dropped)

    def close(self):
        start = time.monotonic_ns()
        self.library.slog_close()
        return (time.monotonic_ns() - start) // 1000


def main():
    log = Log(pathlib.Path(sys.argv[1]))
    print("ready", flush=True)
    for line in sys.stdin:
        command, *words = line.split()
        answer = getattr(log, command)(*map(int, words))
        print(*(answer if isinstance(answer, tuple) else (answer,)), flush=True)


if __name__ == "__main__":
    main()
