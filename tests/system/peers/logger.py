# SPDX-License-Identifier: Apache-2.0
"""util-linux logger(1). With --stderr it repeats what it has sent, so a test knows the octets, time stamp included."""
import os
import subprocess

ENVIRONMENT = dict(os.environ, TZ="UTC")


def run(*arguments, lines=None):
    """Runs logger with these arguments, `lines` (bytes) on its standard input; returns the octets that it says it sent, which
    end in LF for each message."""
    done = subprocess.run(["logger", "--stderr", *map(str, arguments)], input=lines, env=ENVIRONMENT, check=True,
                          stdin=subprocess.DEVNULL if lines is None else None, stderr=subprocess.PIPE)
    return done.stderr


def to_port(port, *arguments, lines=None):
    return run("--server", "127.0.0.1", "--port", port, *arguments, lines=lines)
