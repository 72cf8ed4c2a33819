# SPDX-License-Identifier: Apache-2.0
"""Pitfalls 48 and 49 (the table is in test_pitfalls.py): syslog(3) of two C libraries and logger on /dev/log. A
program has a /dev/log of its own in a mount namespace: the host's is not touched."""
import os
import shutil
import signal
import subprocess

import pytest
from peers import logger
from relay import wait_until

# glibc and, where Debian's musl-tools are installed, musl. Arguments: TAG, how many messages, length of each text.
LIBRARIES = [pytest.param("gcc", id="glibc"),
             pytest.param("musl-gcc", id="musl", marks=pytest.mark.skipif(not shutil.which("musl-gcc"), reason="musl-tools are missing"))]
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
int main(int argc, char **argv)
{
	int count = atoi(argv[2]), len = atoi(argv[3]);
	char *text = malloc(len + 1);
	(void)argc;
	openlog(argv[1], LOG_PID, LOG_DAEMON);
	for (int i = 0; i < count; i++) {
		memset(text, 'x', len);
		text[len] = 0;
		char number[16];
		memcpy(text, number, snprintf(number, sizeof number, "%07d", i));
		syslog(LOG_WARNING, "%s", text);
	}
	puts("done");
	return 0;
}
"""


@pytest.fixture(scope="session")
def say(tmp_path_factory):
    """say(compiler, socket, tag, count, length) starts the program with that socket as its /dev/log."""
    folder = tmp_path_factory.mktemp("say")
    (folder / "say.c").write_text(PROGRAM)

    def start(processes, compiler, path, *arguments):
        program = folder / compiler
        if not program.exists():
            subprocess.run([compiler, "-o", program, folder / "say.c"], check=True)
        return processes.start(["unshare", "--mount", "sh", "-ec", 'mount -t tmpfs tmpfs /dev; ln -s "$0" /dev/log; exec "$@"', path,
                                program, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    return start


@pytest.fixture
def local(observe, tmp_path):
    """A relay with a local socket of this kind; (observed, path)."""
    def start(mode):
        path = tmp_path / "log"
        return observe({"type": "unix", "name": "in", "path": str(path), "mode": mode}), path
    return start


def assert_said(line, process, tag, text):
    assert (line["facility"], line["severity"], line["app_name"], line["procid"]) == ("daemon", "warning", tag, str(process.pid)), line
    assert line["message"] == text and "hostname" not in line, line


@pytest.mark.parametrize("compiler", LIBRARIES)
def test_pitfall_48_syslog_blocks_while_the_relay_stands_still_and_loses_nothing(local, say, processes, compiler):
    """Both libraries wait for ever in send() when the socket's queue is full, so a relay that stands still (SIGSTOP) makes programs hang:
    the kernel's queue is all the patience there is. When it goes on, so do they, and every message is there. (While it runs, relayd
    never makes them wait: test_full_disk and the unit tests of the input.)"""
    observed, path = local("datagram")
    count = 3000
    os.kill(observed.relay.process.pid, signal.SIGSTOP)
    try:
        process = say(processes, compiler, path, "hang", str(count), "100")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
    finally:
        os.kill(observed.relay.process.pid, signal.SIGCONT)
    assert process.wait(10) == 0
    lines = observed.lines(count)
    assert [int(line["message"][:7]) for line in lines] == list(range(count))
    assert observed.relay.input("in")["received"] == count


@pytest.mark.parametrize("compiler, whole", [pytest.param("gcc", True, id="glibc"), pytest.param(*LIBRARIES[1].values, False, id="musl",
                                                                                                 marks=LIBRARIES[1].marks)])
def test_pitfall_48_long_messages_of_both_libraries(local, say, processes, compiler, whole):
    """glibc sends a message of 3,000 octets as it is; musl cuts it at 1,024 with its header and puts an LF behind it, which is no part of
    MSG. That musl cut it, nobody can see."""
    observed, path = local("datagram")
    process = say(processes, compiler, path, "long", "1", "3000")
    assert process.wait(10) == 0
    line, raw = observed.lines(1)[0], observed.raws(1)[0]
    text = "0000000".ljust(3000, "x")
    assert raw.endswith(b"x") if whole else len(raw.removesuffix(b"\n")) == 1023, len(raw)
    assert_said(line, process, "long", text if whole else text[:len(line["message"])])
    assert whole or 900 < len(line["message"]) < 1023
    assert "truncated" not in line["relay"].get("flags", [])


def test_pitfall_49_nul_and_lf_end_messages_on_one_stream_socket(local, say, processes):
    """On a stream socket glibc ends each message with NUL, and logger with LF: the same socket reads both, and neither octet is a part
    of any message."""
    observed, path = local("stream")
    process = say(processes, "gcc", path, "nul", "2", "20")
    assert process.wait(10) == 0
    said = logger.run("--socket", path, "-t", "lf", "-p", "daemon.warning", lines=b"one\ntwo\n")
    raws, lines = observed.raws(4), observed.lines(4)
    assert raws[2:] == said.split(b"\n")[:-1]
    assert all(b"\0" not in raw and b"\n" not in raw for raw in raws)
    for number in range(2):
        assert_said(lines[number], process, "nul", f"{number:07d}".ljust(20, "x"))
    assert [(line["app_name"], line["message"]) for line in lines[2:]] == [("lf", "one"), ("lf", "two")]
    wait_until(lambda: observed.relay.input("in")["received"] == 4, what="four messages counted")
