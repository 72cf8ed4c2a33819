# SPDX-License-Identifier: Apache-2.0
"""slogger: fields from the command line and from lines, where they go, and how it ends."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import time

import pytest
from relay import BIN, SANITIZED, free_port

SLOGGER, RELAYCTL = BIN / "slogger", BIN / "relayctl"
HEADER = ("timestamp", "severity", "facility", "hostname", "app_name", "procid")


def slogger(*arguments, text="", env=None, encoding="utf-8"):
    return subprocess.run([SLOGGER, *map(str, arguments)], input=text, capture_output=True, text=True, timeout=60,
                          encoding=encoding, env={**os.environ, **(env or {})})


def printed(*arguments, text=""):
    """The events that slogger prints as JSON, each without its header."""
    result = slogger("--stdout=json", *arguments, text=text)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    events = [json.loads(line) for line in result.stdout.splitlines()]
    return [{key: value for key, value in event.items() if key not in HEADER} for event in events]


def test_the_example_of_the_manual_in_each_form():
    words = ["-p", "auth.info", "-t", "sshd", "auth", "user=root", "port:=22", "valid:=false"]
    assert re.fullmatch(r'<38>1 \S+Z \S+ sshd \d+ auth \[slog@32473 user="root" port="22" valid="false"\]\n',
                        slogger("--stdout=rfc5424", *words).stdout)
    event = json.loads(slogger("--stdout=json", *words).stdout)
    assert (event["severity"], event["facility"], event["app_name"]) == ("info", "auth", "sshd")
    assert printed(*words) == [{"msgid": "auth", "user": "root", "port": 22, "valid": False}]
    assert slogger("--stdout=logfmt", *words).stdout.endswith(" msgid=auth user=root port=22 valid=false\n")
    assert slogger("--stdout=console", *words).stdout.endswith(" info    auth user=root port=22 valid=false\n")


LOGIN = {"msg": "Failed", "method": "password", "valid": False, "user": "root from 8.8.8.8", "remote_ip": "192.0.2.7",
         "remote_port": 54460, "protocol": "ssh2", "failures": 1, "info": None}
MAIL = {"from": "a@example.com", "bytes": 12345, "to": ["b@example.com", "c@example.com"], "spam": False, "status": "queued"}


@pytest.mark.parametrize(("event", "fields", "element"), [
    ("auth", LOGIN, r'[slog@32473 msg="Failed" method="password" valid="false" user="root from 8.8.8.8" remote_ip="192.0.2.7"'
                    r' remote_port="54460" protocol="ssh2" failures="1" info="null"]'),
    ("smtp", MAIL, r'[slog@32473 from="a@example.com" bytes="12345" to="[\"b@example.com\",\"c@example.com\"\]" spam="false"'
                   r' status="queued"]')])
def test_a_login_and_a_mail_are_the_same_in_both_forms_and_read_back(event, fields, element):
    words = [event, *(f"{key}={value}" if isinstance(value, str) else f"{key}:={json.dumps(value)}"
                      for key, value in fields.items())]
    line = slogger("--stdout=rfc5424", *words).stdout
    assert line.endswith(f" {event} {element}\n") and line.count("\n") == 1
    assert list(printed(*words)[0].items()) == [("msgid", event), *fields.items()]
    back = subprocess.run([RELAYCTL, "convert"], input=line, capture_output=True, text=True, timeout=60, check=True).stdout
    assert [(key, value) for key, value in json.loads(back).items() if key in fields] == list(fields.items())
    again = slogger("--stdout=rfc5424", text=slogger("--stdout=json", *words).stdout).stdout
    assert f" {event} {element[:-1]} " in again


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a program that has more rights than its user")
def test_a_program_with_more_rights_than_its_user_does_not_read_the_environment():
    nobody = 65534
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o777)
        copy = folder / "slogger"
        shutil.copy(SLOGGER, copy)
        if os.statvfs(copy).f_flag & os.ST_NOSUID:
            pytest.skip("programs with more rights are not allowed here")
        for mode, is_read in ((0o755, True), (0o4755, False)):
            copy.chmod(mode)
            log = folder / f"log-{mode:o}"
            run = subprocess.run([copy, "e"], env={"SLOG_SINK": f"file:{log}"}, user=nobody, group=nobody, extra_groups=[],
                                 capture_output=True, timeout=60, check=False)
            assert run.returncode == 0, run.stderr
            assert log.exists() == is_read


def test_a_value_is_what_its_sign_says():
    assert printed("e", "a=22", "b=true", "c=", "d=x=y", "e=[1]", "f:=[1, {\"x\":null}]", "g:=\"22\"", "h:=1E400",
                   "message=two\nlines", "severity=mine", "a b=c") == [
        {"msgid": "e", "message": "two\nlines", "a": "22", "b": "true", "c": "", "d": "x=y", "e": "[1]",
         "f": [1, {"x": None}], "g": "22", "h": float("inf"), "_severity": "mine", "a b": "c"}]


@pytest.mark.parametrize("words", [["e", "word"], ["e", "=x"], ["e", ":=1"], ["e", "a:=word"], ["e", "a:=1,\"b\":2"],
                                   ["e", "a:="], ["a=b"], ["-p", "loud", "e"], ["-p", "news.off", "e"], ["-p", "x.info", "e"],
                                   ["--stdout=xml", "e"], ["--input=xml"], ["--colour"], ["-f", "x", "e"],
                                   ["-n", "::1", "-u", "/x", "e"]])
def test_wrong_arguments_send_nothing(words):
    result = slogger("--stdout=json", *words) if "-u" not in words else slogger(*words)
    assert result.returncode == 2
    assert result.stdout == "" and "slogger" in result.stderr


def test_help_and_version():
    for option in ("--help", "-h"):
        result = slogger(option)
        assert result.returncode == 0 and "--stdout" in result.stdout and result.stderr == ""
    assert slogger("-V").stdout.startswith("slogger ")


def test_a_value_may_begin_with_a_dash():
    assert printed("--", "e", "a=-1")[0]["a"] == "-1"
    assert printed("e", "-p=x")[0]["-p"] == "x"


def test_lines_are_what_they_look_like():
    text = ('{"severity":"err","facility":"mail","msgid":"smtp","from":"a@example.com","to":["b","c"],"bytes":12345,"spam":false}\n'
            'user=root port=22 name="12"\n'
            'plain words, x=1\n'
            '{broken\n'
            '\n'
            'https://example.com/?q=1\n'
            'last line without its end')
    events = printed(text=text)
    assert events[0] == {"msgid": "smtp", "from": "a@example.com", "to": ["b", "c"], "bytes": 12345, "spam": False}
    assert events[1] == {"user": "root", "port": 22, "name": "12"}
    assert [event.get("message") for event in events[2:5]] == ["plain words, x=1", "{broken", None]
    assert events[-1] == {"message": "last line without its end"}
    lines = slogger("--stdout=rfc5424", "--msgid=line", text=text).stdout.splitlines()
    assert lines[0].startswith("<19>1 ") and " smtp [slog@32473 " in lines[0]
    assert lines[1].startswith("<13>1 ") and " line [slog@32473 " in lines[1]
    assert len(printed("-e", text=text)) == 6


@pytest.mark.parametrize("line", ["retry=3 of 5, then then gave up", 'a=1 b="2', 'a=1 b="2"c', "a=1 =2", "a=1 b"])
def test_a_line_with_words_that_are_no_pairs_is_text(line):
    assert printed(text=line) == [{"message": line}]


@pytest.mark.parametrize(("line", "fields"), [(' a=1  b="x y" c=', {"a": 1, "b": "x y", "c": ""}), ('a="\\"" b=c=d', {"a": '"', "b": "c=d"})])
def test_a_line_of_pairs_is_logfmt(line, fields):
    assert printed(text=line) == [fields]


@pytest.mark.parametrize(("name", "kept", "why"), [("n" * 200, "n" * 128, "longer than 128 octets"), ("a\0b", "a", "has a NUL")])
def test_a_name_that_is_not_sent_whole_is_told(name, kept, why):
    result = slogger("--stdout=json", text=json.dumps({"msgid": name, "a": 1}))
    assert json.loads(result.stdout)["msgid"] == kept
    assert result.returncode == 1 and "slogger: line 1: its msgid" in result.stderr and why in result.stderr


def test_what_a_line_says_of_its_origin_is_kept_as_fields():
    line = {"timestamp": "2026-10-11T22:14:15Z", "hostname": "other", "app_name": "sshd", "procid": "7", "message": "m",
            "structured_data": {"origin": {"ip": "192.0.2.1"}}, "a": 1}
    assert printed(text=json.dumps(line)) == [
        {"message": "m", "a": 1, "_timestamp": "2026-10-11T22:14:15Z", "_hostname": "other", "_app_name": "sshd", "_procid": "7",
         "_structured_data": {"origin": {"ip": "192.0.2.1"}}}]


def test_a_line_that_is_not_json_is_told_and_kept():
    result = slogger("--stdout=json", "--input=json", text='{"a":1}\nwords\n')
    assert result.returncode == 1
    assert "line 2: it is not a JSON object" in result.stderr
    assert json.loads(result.stdout.splitlines()[1])["message"] == "words"


def test_octets_of_any_kind_come_through_as_text():
    text = "caf\xe9 \x00 \x1b[31m"
    result = slogger("--stdout=rfc5424", text=text + "\n", encoding="latin-1")
    assert len(result.stdout.splitlines()) == 1
    back = subprocess.run([RELAYCTL, "convert"], input=result.stdout.encode("latin-1"), capture_output=True, timeout=60, check=True)
    event = json.loads(back.stdout)
    assert event["message"] == "caf\uefe9 \x00 \x1b[31m" and "relay" not in event


def test_a_slow_reader_loses_nothing(tmp_path):
    path = tmp_path / "lines"
    path.write_text("".join(f'{{"n":{n},"text":"{"x" * 200}"}}\n' for n in range(5000)))
    with subprocess.Popen([SLOGGER, "--stdout=json", "-f", path], stdout=subprocess.PIPE) as sender:
        slow = subprocess.run(["sh", "-c", "sleep 1; cat"], stdin=sender.stdout, capture_output=True, timeout=60, check=True)
        sender.stdout.close()
    assert sender.returncode == 0
    assert [json.loads(line)["n"] for line in slow.stdout.splitlines()] == list(range(5000))


def test_a_file_that_is_not_there():
    result = slogger("-f", "/nonexistent", "--stdout=json")
    assert result.returncode == 1 and "/nonexistent: No such file" in result.stderr


def test_nobody_reads_standard_output():
    with open("/dev/full", "wb") as full:
        result = subprocess.run([SLOGGER, "--stdout=json", "e"], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
        assert result.returncode == 1 and b"No space left" in result.stderr
        for word in "--help", "--version":
            assert subprocess.run([SLOGGER, word], stdout=full, timeout=60, check=False).returncode == 1, word


def test_whoever_reads_has_gone_and_lines_come_for_ever():
    """`yes | slogger --stdout=json | head -1` ends."""
    with subprocess.Popen(["yes", "line"], stdout=subprocess.PIPE) as lines:
        with subprocess.Popen([SLOGGER, "--stdout=json"], stdin=lines.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as sender:
            lines.stdout.close()
            assert json.loads(sender.stdout.readline())["message"] == "line"
            sender.stdout.close()
            try:
                assert sender.wait(20) == 1
                assert sender.stderr.read() == b"slogger: an event could not be sent: Broken pipe\n"
            finally:
                sender.kill()
        lines.wait(20)


def test_a_syslog_socket_gets_a_legacy_header_and_cee(tmp_path):
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(path))
        log.settimeout(10)
        assert slogger("-u", path, "-t", "sshd", "auth", "port:=22").returncode == 0
        message = log.recv(65536).decode()
    assert re.match(r"<13>[A-Z][a-z]{2} [ 1-3]\d \d\d:\d\d:\d\d sshd\[\d+\]: @cee: \{", message)
    assert json.loads(message[message.index("{"):])["port"] == 22
    assert slogger("-u", tmp_path / "nobody", "e").returncode == 1


def test_standard_descriptors_that_are_closed_are_taken_by_nothing_else(tmp_path):
    """Whoever starts slogger has closed standard error, or standard input: the socket that it sends to does not take their place. What is
    for people is not sent, and what comes back over a socket is not read as lines. (liblog moves its sockets out of the way where it can: not
    where only few descriptors are allowed.)"""
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(path))
        log.settimeout(10)
        started = ("bash", "-c", 'ulimit -n 256; exec "$0" "$@" 2>&-', SLOGGER, "-s", "-u", path)
        assert subprocess.run([*started, "e", "a:=1"], timeout=60, check=False).returncode == 0
        assert b'"a":1' in log.recv(65536)
        log.setblocking(False)
        with pytest.raises(BlockingIOError):
            log.recv(65536)
        started = ("bash", "-c", 'ulimit -n 256; exec "$0" "$@" <&-', SLOGGER, "-u", path)
        result = subprocess.run(started, capture_output=True, timeout=20, check=False)
        assert result.returncode == 1 and b"the input cannot be read: Bad file descriptor" in result.stderr


def test_a_server_gets_rfc5424_over_udp_and_tcp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(10)
        assert slogger("-n", "127.0.0.1", "-P", udp.getsockname()[1], "e", "a:=1").returncode == 0
        assert udp.recv(65536).endswith(b'e [slog@32473 a="1"]')
    with socket.create_server(("127.0.0.1", 0)) as tcp:
        tcp.settimeout(10)
        assert slogger("-T", "-n", "localhost", "-P", tcp.getsockname()[1], "e", "a:=1").returncode == 0
        peer = tcp.accept()[0]
        with peer, peer.makefile("rb") as stream:
            assert re.fullmatch(rb'\d+ <13>1 .* e \[slog@32473 a="1"\]', stream.read())
    result = slogger("-T", "-n", "127.0.0.1", "-P", free_port(), "e")
    assert result.returncode == 1 and "could" in result.stderr


FAULTS = r"""
/* While there is a file of that name: "clock": the program's main thread waits as soon as it wants to know what time it is. "tear": a
 * connection takes a part of an event, and then nothing. "timeout": it has answered nothing for too long. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now)
{
	int (*original)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
	while (clock == CLOCK_REALTIME && gettid() == getpid() && access("clock", F_OK) == 0)
		usleep(10000);
	return original(clock, now);
}
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t (*original)(int, const struct msghdr *, int) = dlsym(RTLD_NEXT, "sendmsg");
	struct msghdr part = *message;
	part.msg_iovlen = 1;
	return original(fd, access("tear", F_OK) == 0 ? &part : message, flags);
}
ssize_t send(int fd, const void *octets, size_t length, int flags)
{
	ssize_t (*original)(int, const void *, size_t, int) = dlsym(RTLD_NEXT, "send");
	if (access("timeout", F_OK) != 0 && access("tear", F_OK) != 0)
		return original(fd, octets, length, flags);
	errno = access("timeout", F_OK) == 0 ? ETIMEDOUT : EAGAIN;
	return -1;
}
"""


@pytest.mark.skipif(SANITIZED, reason="the faults and the sanitizers want to be loaded first, both of them")
def test_an_event_that_is_torn_while_another_one_is_logged_is_the_one_that_is_lost(tmp_path):
    """A server takes a part of an event, and its connection times out: that event is lost, which liblog counts in a thread of its own.
    slogger is in the middle of logging another one just then, and must not take the loss for that one's: nothing is sent twice, and the
    loss is told."""
    (tmp_path / "faults.c").write_text(FAULTS)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "faults.so", "faults.c", "-ldl"], cwd=tmp_path, check=True, timeout=60)
    (tmp_path / "tear").touch()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        words = [SLOGGER, "-T", "-n", "127.0.0.1", "-P", str(server.getsockname()[1])]
        environment = {**os.environ, "LD_PRELOAD": str(tmp_path / "faults.so")}
        sender = subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, cwd=tmp_path, env=environment)
        with sender, contextlib.ExitStack() as stack:
            stack.callback(sender.kill)
            sender.stdin.write(b"n=1\n")
            torn = stack.enter_context(server.accept()[0])
            torn.settimeout(10)
            assert torn.recv(65536)
            (tmp_path / "clock").touch()
            sender.stdin.write(b"n=2\n")
            time.sleep(0.5)
            (tmp_path / "timeout").touch()
            assert torn.recv(65536) == b""
            for name in ("tear", "timeout", "clock"):
                (tmp_path / name).unlink()
            sender.stdin.close()
            peer = stack.enter_context(server.accept()[0])
            assert sender.wait(20) == 1
            assert sender.stderr.read() == b"slogger: an event could not be sent: Connection timed out\n"
            assert re.findall(rb' n="(\d+)"', stack.enter_context(peer.makefile("rb")).read()) == [b"2"]


def test_to_standard_error_as_well():
    result = slogger("-s", "--stdout=json", "e", "a:=1")
    assert json.loads(result.stdout)["a"] == 1
    assert result.stderr.endswith(" notice  e a=1\n")


def test_the_environment_says_where(tmp_path):
    path = pathlib.Path(tmp_path) / "events"
    assert slogger("e", "a:=1", env={"SLOG_SINK": f"file:{path}"}).returncode == 0
    assert json.loads(path.read_text())["a"] == 1
