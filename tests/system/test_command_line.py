# SPDX-License-Identifier: Apache-2.0
"""What an operator types: arguments of both programs, exit codes, signals, the supervisor's protocol, and convert."""
import json
import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess
import tempfile
import time

import pytest
import senders
from peers import relp
from relay import BIN, ROOT, free_port, wait_until

RELAYD, RELAYCTL = BIN / "relayd", BIN / "relayctl"


def run(program, *arguments, text="", **options):
    """Runs a program to its end; its output as text."""
    return subprocess.run([program, *map(str, arguments)], input=text, capture_output=True, text=True, timeout=60, **options)


def udp(port=None, **more):
    return {"type": "udp", "listen": f"127.0.0.1:{port or free_port(socket.SOCK_DGRAM)}", **more}


def write_config(tmp_path, inputs=None, outputs=None, **top):
    config = {"spool": {"path": str(tmp_path / "spool"), "max_size": "1GiB", "segment_size": "4MiB"}, "control": None,
              "inputs": [udp()] if inputs is None else inputs,
              "outputs": outputs or [{"type": "stdout", "name": "print"}], **top}
    path = tmp_path / "relayd.conf"
    path.write_text(json.dumps(config, indent=1))
    return path


# ---- relayd: what it says ----

def test_relayd_says_what_it_is():
    assert run(RELAYD, "--version").stdout.startswith("relayd ")
    for option in ("--help", "-h"):
        result = run(RELAYD, option)
        assert result.returncode == 0 and "--explain" in result.stdout and result.stderr == ""


@pytest.mark.parametrize("arguments", [["--colour"], ["relayd.conf"], ["-c"], ["--check", "--explain"], ["--options=html"],
                                       ["-c", "x", "--check=yes"]])
def test_wrong_arguments_are_usage_errors(arguments):
    result = run(RELAYD, *arguments)
    assert result.returncode == 2
    assert result.stdout == "" and "relayd --help" in result.stderr


def test_options_prints_every_driver():
    text = run(RELAYD, "--options").stdout
    for word in ("The input type relp", "The input type unix", "The output type file", "max_message_size", "default \"group\""):
        assert word in text
    assert run(RELAYD, "--options=mdoc").stdout.startswith(".Ss Top level")


def test_output_that_cannot_be_written_is_a_failure(tmp_path):
    with open("/dev/full", "w") as full:
        assert subprocess.run([RELAYD, "--options"], stdout=full, timeout=60).returncode == 1
        for action in "--check", "--explain":
            assert subprocess.run([RELAYD, action, "-c", write_config(tmp_path)], stdout=full, timeout=60).returncode == 1
        for words in (["--version"], ["--help"], ["status", "--help"], ["ledger", "--help"], ["spool", "--help"]):
            assert subprocess.run([RELAYCTL, *words], stdout=full, timeout=60).returncode == 1, words


# ---- relayd: the configuration ----

@pytest.mark.sanitized
def test_check_of_a_good_configuration_starts_nothing(tmp_path):
    result = run(RELAYD, "-c", write_config(tmp_path), "--check")
    assert result.returncode == 0 and "good: 1 input, 1 output" in result.stdout
    assert not (tmp_path / "spool").exists()


@pytest.mark.sanitized
def test_check_prints_every_error_with_its_line(tmp_path):
    path = tmp_path / "relayd.conf"
    path.write_text('{ "spol": {},\n "inputs": [ { "type": "udp", "liste": "x" } ],\n "outputs": [ { "type": "nowhere" } ] }')
    result = run(RELAYD, "-c", path, "--check")
    assert result.returncode == 2 and result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0] == f'{path}:1: unknown option "spol"; did you mean "spool"?'
    assert any(line.startswith(f"{path}:2:") and 'did you mean "listen"?' in line for line in lines)
    assert any(line.startswith(f"{path}:3:") and "nowhere" in line for line in lines)


def test_check_reads_certificates(tmp_path, certificates):
    good = certificates.leaf("relay.example.net")
    tls = certificates.tls(good, ["edge.example.net"])
    inputs = [{"type": "relp", "listen": "127.0.0.1:1", "tls": tls}]
    assert run(RELAYD, "-c", write_config(tmp_path, inputs), "--check").returncode == 0
    inputs[0]["tls"] = dict(tls, key=str(certificates.leaf("other.example.net").key))
    result = run(RELAYD, "-c", write_config(tmp_path, inputs), "--check")
    assert result.returncode == 2 and "relayd.conf:" in result.stderr and "key" in result.stderr
    inputs[0]["tls"] = dict(tls, certificate=str(tmp_path / "missing.pem"))
    result = run(RELAYD, "-c", write_config(tmp_path, inputs), "--check")
    assert result.returncode == 2 and "missing.pem" in result.stderr


def test_check_looks_for_time_zones(tmp_path):
    result = run(RELAYD, "-c", write_config(tmp_path, time_zone="Europe/Nowhere"), "--check")
    assert result.returncode == 2 and "time_zone" in result.stderr and "Europe/Nowhere" in result.stderr


def test_explain_names_origins_and_losses(tmp_path):
    path = write_config(tmp_path, [udp(5514), {"type": "relp", "listen": "127.0.0.1:1"}], workers=3)
    text = run(RELAYD, "-c", path, "--explain").stdout
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert any(line.startswith("workers 3 line ") for line in lines)
    assert "spool.sync group default" in lines
    assert "udp 127.0.0.1:5514 -> spool -> print" in lines
    assert "acknowledged to its sender when it is stored on disk" in " ".join(lines)


# ---- relayd: how it ends ----

def test_configuration_that_is_not_there_is_a_usage_error(tmp_path):
    result = run(RELAYD, "-c", tmp_path / "none")
    assert result.returncode == 2
    assert result.stderr == f"{tmp_path}/none: cannot be read: No such file or directory\n"


def test_spool_in_use_is_exit_code_3(tmp_path, relays):
    relay = relays.start("first", [udp()])
    result = run(RELAYD, "-c", relay.folder / "relayd.conf")
    assert result.returncode == 3 and "spool" in result.stderr


def test_spool_that_is_a_file_is_exit_code_4(tmp_path):
    (tmp_path / "spool").write_text("not a directory")
    assert run(RELAYD, "-c", write_config(tmp_path)).returncode == 4


def test_port_in_use_is_exit_code_5(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run(RELAYD, "-c", write_config(tmp_path, [{"type": "tcp", "listen": f"127.0.0.1:{port}"}]))
    assert result.returncode == 5 and str(port) in result.stderr


def test_output_that_cannot_open_is_exit_code_6(tmp_path):
    outputs = [{"type": "file", "name": "f", "path": str(tmp_path / "no" / "folder" / "file")}]
    assert run(RELAYD, "-c", write_config(tmp_path, outputs=outputs)).returncode == 6


def test_output_that_left_the_configuration_is_told_by_check_and_is_exit_code_7(tmp_path, relays):
    relay = relays.start("first", [udp()])
    assert relay.stop() == 0
    relay.process = None
    relay.config["outputs"][0]["name"] = "another"
    path = relay.write_config()
    result = run(RELAYD, "-c", path, "--check")
    assert result.returncode == 2 and 'keeps 0 messages for the output "print"' in result.stderr
    result = run(RELAYD, "-c", path)
    assert result.returncode == 7 and "print" in result.stderr


def test_check_looks_for_the_user_and_the_directory_above_the_spool(tmp_path):
    path = write_config(tmp_path, user="nobody-of-that-name", spool={"path": str(tmp_path / "not" / "there"), "max_size": "1GiB"})
    result = run(RELAYD, "-c", path, "--check")
    assert result.returncode == 2 and result.stdout == ""
    assert f"no directory {tmp_path}/not to make the spool in" in result.stderr
    assert 'there is no user "nobody-of-that-name"' in result.stderr


def test_control_socket_of_a_running_relay_is_not_taken(tmp_path, relays):
    """Exit code 5, and the first one still answers; a socket that a killed relay left is replaced."""
    first = relays.start("first", [udp()])
    control = first.config["control"]
    result = run(RELAYD, "-c", write_config(tmp_path, control=control))
    assert result.returncode == 5 and f"{control} is in use" in result.stderr
    assert run(RELAYCTL, "status", "--control", control).returncode == 0
    first.process.kill()
    first.process.wait()
    first.start()
    assert run(RELAYCTL, "status", "--control", control).returncode == 0


def test_directories_of_the_control_socket_are_made(tmp_path, processes):
    control = tmp_path / "one" / "two" / "control.sock"
    processes.start([RELAYD, "-c", write_config(tmp_path, control=str(control))], stderr=subprocess.DEVNULL)
    wait_until(lambda: run(RELAYCTL, "status", "--control", control).returncode == 0)
    assert control.parent.stat().st_mode & 0o777 == 0o750
    assert control.stat().st_mode & 0o777 == 0o660


def test_the_smallest_spool_starts(tmp_path, processes):
    """max_size alone, as small as it may be: the presets of the other sizes shrink with it. --check and the start agree."""
    path = write_config(tmp_path, spool={"path": str(tmp_path / "spool"), "max_size": "64MiB"}, workers=2,
                        control=str(tmp_path / "control"))
    assert run(RELAYD, "-c", path, "--check").returncode == 0
    processes.start([RELAYD, "-c", path], stderr=subprocess.DEVNULL)
    wait_until(lambda: run(RELAYCTL, "status", "--control", tmp_path / "control").returncode == 0)


def test_a_spool_without_room_to_work_is_told_by_check_and_is_exit_code_4(tmp_path):
    """Memory written out, so that no preset gives way: the least max_size is told, with its line."""
    path = write_config(tmp_path, spool={"path": str(tmp_path / "spool"), "max_size": "64MiB", "memory": "64MiB"})
    checked = run(RELAYD, "-c", path, "--check")
    assert checked.returncode == 2 and "spool: " in checked.stderr and "too small" in checked.stderr, checked.stderr
    assert re.search(r"relayd\.conf:\d+: ", checked.stderr), checked.stderr
    started = run(RELAYD, "-c", path)
    assert started.returncode == 4 and "too small" in started.stderr


def test_check_changes_nothing_in_the_spool(relays):
    """It looks at the spool of a running relay, and after a kill it does not take away the sign of it: the next start tells."""
    relay = relays.start("first", [udp()])
    path = relay.folder / "relayd.conf"
    assert run(RELAYD, "-c", path, "--check").returncode == 0
    relay.process.kill()
    relay.process.wait()
    assert run(RELAYD, "-c", path, "--check").returncode == 0
    relay.start()
    assert "unclean_stop" in relay.log_text()


def test_unknown_user_is_exit_code_8(tmp_path):
    result = run(RELAYD, "-c", write_config(tmp_path, user="nobody-of-that-name"))
    assert result.returncode == 8 and "nobody-of-that-name" in result.stderr


@pytest.mark.sanitized
def test_second_signal_ends_at_once(relays):
    """A server opens the session and never answers for the message, so that an orderly stop waits for it; a second signal does not. The
    other output's thread writes to the log all the while."""
    server = relp.Server(lambda *message: None)
    port = free_port(socket.SOCK_DGRAM)
    relay = relays.start("first", [udp(port)], [{"type": "relp", "name": name, "servers": [f"127.0.0.1:{to}"]}
                                                for name, to in (("silent", server.port), ("nobody", free_port()))])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"<38>unanswered", ("127.0.0.1", port))
    wait_until(lambda: server.received, what="the message")
    relay.wait_log("nobody")
    relay.process.send_signal(signal.SIGTERM)
    relay.wait_log("stopping")
    relay.process.send_signal(signal.SIGTERM)  # so soon it is the same wish: timeout(1) and sudo signal twice
    time.sleep(0.3)
    assert relay.process.poll() is None and "stop_interrupted" not in relay.log_text()
    relay.process.send_signal(signal.SIGINT)
    code = relay.process.wait(20)
    relay.process = None
    server.close()
    assert code == 9 and "stop_interrupted" in relay.log_text() and '"stopped"' not in relay.log_text(), relay.log_text()


# ---- relayd: supervisor and privileges ----

@pytest.fixture
def supervisor(tmp_path):
    """A socket for sd_notify datagrams: received() gives those that came."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0relayd-test-{os.getpid()}-{tmp_path.name}")
        sock.settimeout(20)
        yield sock


@pytest.mark.sanitized
def test_supervisor_is_told_ready_reloading_and_stopping(tmp_path, supervisor, processes):
    environment = dict(os.environ, NOTIFY_SOCKET="@" + supervisor.getsockname()[1:].decode())
    process = processes.start([RELAYD, "-c", write_config(tmp_path)], env=environment, stderr=subprocess.DEVNULL)
    assert supervisor.recv(4096) == b"READY=1"
    process.send_signal(signal.SIGHUP)
    assert supervisor.recv(4096).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    assert supervisor.recv(4096) == b"READY=1"
    process.send_signal(signal.SIGTERM)
    assert supervisor.recv(4096) == b"STOPPING=1"
    assert process.wait(20) == 0


def test_watchdog_hears_from_us(tmp_path, supervisor, processes):
    environment = dict(os.environ, NOTIFY_SOCKET="@" + supervisor.getsockname()[1:].decode(), WATCHDOG_USEC="200000")
    process = processes.start([RELAYD, "-c", write_config(tmp_path)], env=environment, stderr=subprocess.DEVNULL)
    assert supervisor.recv(4096) == b"READY=1"
    assert [supervisor.recv(4096) for _ in range(3)] == [b"WATCHDOG=1"] * 3
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_privileges_are_given_up_in_every_thread(supervisor, processes, request):
    """Root starts it with a port below 1024; then no thread has root's ids or any capability, and the spool is the user's."""
    # pytest's own folders are closed to other users.
    folder = tempfile.TemporaryDirectory()
    request.addfinalizer(folder.cleanup)
    tmp_path = pathlib.Path(folder.name)
    tmp_path.chmod(0o755)
    user = pwd.getpwnam("nobody")
    port = next(number for number in range(1023, 600, -1) if can_bind(number))
    path = write_config(tmp_path, [udp(port)], user="nobody", control=str(tmp_path / "run" / "control"))
    environment = dict(os.environ, NOTIFY_SOCKET="@" + supervisor.getsockname()[1:].decode())
    process = processes.start([RELAYD, "-c", path], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert supervisor.recv(4096) == b"READY=1"
    for task in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{task}/status") as status:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
        assert fields["Uid"].split() == [str(user.pw_uid)] * 4
        assert fields["Gid"].split() == [str(user.pw_gid)] * 4
        assert int(fields["CapEff"], 16) == 0 and int(fields["CapPrm"], 16) == 0
        assert fields["NoNewPrivs"] == "1"
    assert {entry.stat().st_uid for entry in (tmp_path / "spool").iterdir()} == {user.pw_uid}
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def can_bind(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def test_without_a_configuration_it_can_be_tried_at_once(tmp_path, processes):
    """An ordinary user's first minute: no file, no directory made before; one line says what to type, and it works."""
    if not can_bind(5514):
        pytest.skip("port 5514 is in use")
    environment = dict(os.environ, XDG_STATE_HOME=str(tmp_path / "deep" / "state"), RUNTIME_DIRECTORY=str(tmp_path))
    out, log = tmp_path / "out", tmp_path / "log"
    process = processes.start([RELAYD], env=environment, stdout=open(out, "wb"), stderr=open(log, "wb"))
    wait_until(lambda: "logger --server 127.0.0.1 --port 5514" in log.read_text(), what="the greeting")
    assert len(log.read_text().splitlines()) == 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"<14>hello", ("127.0.0.1", 5514))
    wait_until(lambda: out.read_bytes().endswith(b"\n"), what="the line")
    assert json.loads(out.read_text())["message"] == "hello"
    assert (tmp_path / "deep" / "state" / "relayd" / "spool").is_dir()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0


# ---- relayctl ----

def test_relayctl_says_what_it_is():
    assert run(RELAYCTL, "--version").stdout.startswith("relayctl ")
    assert "relayctl convert" in run(RELAYCTL, "--help").stdout
    for command in ("convert", "status", "ledger", "probe", "drill", "spool", "stream"):
        result = run(RELAYCTL, command, "--help")
        assert result.returncode == 0 and f"relayctl {command}" in result.stdout


@pytest.mark.parametrize("arguments", [[], ["explode"], ["convert", "--to", "xml"], ["convert", "--framing", "none"],
                                       ["convert", "--time-zone", "No/Where"], ["convert", "--colour"], ["status", "now"],
                                       ["status", "--control"]])
def test_wrong_arguments_of_relayctl_are_usage_errors(arguments):
    result = run(RELAYCTL, *arguments)
    assert result.returncode == 2 and result.stdout == "" and result.stderr.startswith("relayctl")


@pytest.mark.sanitized
def test_status_shows_the_four_watermarks(relays):
    relay = relays.start("first", [udp(name="in")])
    result = run(RELAYCTL, "status", "--control", relay.control)
    assert result.returncode == 0
    for word in ("APPENDED", "STORED", "SENT", "DELIVERED", "PENDING", "in ", "print", "(unconfirmed)"):
        assert word in result.stdout
    document = json.loads(run(RELAYCTL, "status", "--json", "--control", relay.control).stdout)
    assert document["outputs"][0]["name"] == "print"


@pytest.mark.sanitized
def test_counters_of_an_input_run_since_the_spool_was_created(relays):
    """Ten messages, a stop in order, five more: fifteen were received, as fifteen are stored; nothing begins anew with the process."""
    port = free_port(socket.SOCK_DGRAM)
    relay = relays.start("first", [udp(port, name="in")])
    senders.send_udp(port, "a", 10)
    relay.wait_stored(10)
    assert relay.stop() == 0
    relay.start()
    assert (relay.input("in")["received"], relay.input("in")["stored"]) == (10, 10)
    senders.send_udp(port, "b", 5)
    relay.wait_stored(15)
    assert (relay.input("in")["received"], relay.input("in")["stored"]) == (15, 15)


def test_status_without_a_relay_is_a_failure(tmp_path):
    result = run(RELAYCTL, "status", "--control", tmp_path / "none")
    assert result.returncode == 1 and "no relayd listens there" in result.stderr
    result = run(RELAYCTL, "status", "--control", "/" + "x" * 200)
    assert result.returncode == 1 and "too long" in result.stderr


def test_a_relay_that_takes_no_connection_is_said_not_to_answer(tmp_path):
    """It is halted, and so many have asked it already that its queue is full."""
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as waiting:
        listener.bind(str(path))
        listener.listen(0)
        waiting.connect(str(path))
        result = run(RELAYCTL, "status", "--control", path)
    assert result.returncode == 1 and result.stderr == f"relayctl status: {path}: relayd does not answer\n"


def answered_with(tmp_path, answer, *words):
    """What relayctl prints if the relay answers with this document; and the request."""
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with subprocess.Popen([RELAYCTL, *words, "--control", path], stdout=subprocess.PIPE, text=True) as process:
            client, _ = listener.accept()
            with client.makefile("rb") as request:
                line = request.readline()
            client.sendall(json.dumps(answer).encode() + b"\n")
            client.close()
            return process.communicate(timeout=20)[0], line


def test_status_blunts_what_a_peer_said(tmp_path):
    """A document with an escape sequence in it, as a peer's refusal could have: the terminal gets none."""
    answer = {"version": "1", "uptime_s": 1, "spool": {"path": "/s"}, "inputs": [],
              "outputs": [{"name": "o", "type": "relp", "detail": "refused: \x1b]0;title\x07\n"}]}
    out, request = answered_with(tmp_path, answer, "status")
    assert request == b'{"command":"status"}\n'
    assert "refused: ?]0;title??" in out and "\x1b" not in out


def test_a_ledger_that_could_only_be_written_in_part_is_a_failure(tmp_path):
    """One that is longer than what is gathered before it is written: only the end of it would be missed when all is flushed."""
    file = tmp_path / "ledger"
    file.write_text(json.dumps({"sources": [], "inputs": [], "outputs": [], "spool": {}, "padding": "x" * 100000}) + "\n")
    assert run(RELAYCTL, "ledger", "--json", file).returncode == 0
    with open("/dev/full", "w") as full:
        assert subprocess.run([RELAYCTL, "ledger", "--json", file], stdout=full, timeout=60).returncode == 1


def test_as_many_streams_as_a_relay_may_have_are_listed(tmp_path):
    """All 4,096, with names and connections as long as they may be."""
    received = [{"stream": f"{number:032x}", "identity": f"{number:04}".rjust(255, "i"), "sequence": 10**15, "records": 10**15, "lost": 10**15,
                 "duplicates": 10**15, "last": 1763762400, "connection": "c" * 150} for number in range(4096)]
    out, _ = answered_with(tmp_path, {"version": "1", "spool": "0" * 32, "stored": True, "sent": [], "received": received}, "stream", "ls")
    assert out.count("lost-by-peer") == 4096 and "4096 of at most 4096 streams" in out


# ---- relayctl convert ----

def convert(text, *arguments):
    """Converts bytes; the lines that come out, as objects if they are JSON."""
    result = subprocess.run([RELAYCTL, "convert", *map(str, arguments)], input=text, capture_output=True, timeout=60)
    assert result.stdout == b"" or result.stdout.endswith(b"\n")
    lines = result.stdout.split(b"\n")[:-1]
    return result.returncode, lines if "rfc5424" in arguments else [json.loads(line) for line in lines]


@pytest.mark.sanitized
def test_convert_prints_one_line_for_each_line():
    code, lines = convert(b"<34>Oct 11 22:14:15 host su: one\n\n\r\nfoo\r\n \n<165>1 - - - - - - five\nlast")
    assert code == 0 and len(lines) == 7
    assert (lines[0]["hostname"], lines[0]["app_name"], lines[0]["message"]) == ("host", "su", "one")
    assert "year-guessed" in lines[0]["relay"]["flags"]
    assert lines[1]["relay"]["error"] == lines[2]["relay"]["error"] == "the line is empty"
    assert lines[3]["message"] == "foo"
    assert "error" not in lines[5].get("relay", {}) and lines[5]["message"] == "five"
    assert lines[6]["message"] == "last"


def test_convert_of_nothing_prints_nothing():
    assert convert(b"") == (0, [])
    assert convert(b"", "--framing", "octet-counting") == (0, [])


@pytest.mark.sanitized
@pytest.mark.parametrize("arguments", [[], ["--to", "rfc5424"]])
def test_convert_keeps_the_count_of_any_octets(arguments):
    """Random octets, every one of them: as many lines come out as go in, and each is what it claims to be."""
    noise = bytes(os.urandom(1)[0] for _ in range(200_000))
    code, lines = convert(noise + b"\n", *arguments)
    assert code == 0 and len(lines) == noise.count(b"\n") + 1


def test_convert_reads_counted_frames():
    code, lines = convert(b"5 <1>ab8 <2>c\nd\ne3 <4>", "--framing", "octet-counting")
    assert code == 0 and [line.get("message") for line in lines] == ["ab", "c\nd\ne", None]


def test_convert_tells_a_frame_that_is_cut_off():
    code, lines = convert(b"9 <1>abc", "--framing", "octet-counting")
    assert code == 0 and lines[0]["message"] == "abc" and "truncated" in lines[0]["relay"]["flags"]
    assert lines[0]["relay"]["error"] == "the frame is shorter than its MSG-LEN says"


def test_convert_prints_what_has_no_length_and_gives_up():
    code, lines = convert(b"5 <1>ab<2>no length", "--framing", "octet-counting")
    assert code == 1 and len(lines) == 2
    assert "no length" in lines[1]["message"] and lines[1]["relay"]["error"] != ""


def test_convert_to_rfc5424_is_one_line_each():
    code, lines = convert(b"8 <2>c\nd\ne5 <1>ab", "--framing", "octet-counting", "--to", "rfc5424")
    assert code == 0 and [line.split(b" ", 7)[-1] for line in lines] == [b"c d e", b"ab"]
    exact = b"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [x@1 iut=\"3\"] text"
    assert convert(exact + b"\n", "--to", "rfc5424") == (0, [exact])


@pytest.mark.sanitized
@pytest.mark.parametrize("length", [1 << 20, (1 << 20) + 1, 3_000_000])
def test_convert_cuts_what_is_too_long(length):
    code, lines = convert(b"<1>" + b"x" * (length - 3) + b"\r\nnext\n" + b"y" * length)
    assert code == 0 and len(lines) == 3
    assert len(lines[0]["message"]) == min(length, 1 << 20) - 3
    flags = [line["relay"]["flags"] for line in lines]
    assert ["truncated" in flag for flag in flags] == [length > 1 << 20, False, length > 1 << 20]
    assert lines[1]["message"] == "next"


def test_convert_takes_zone_and_year_from_what_is_known(tmp_path):
    path = tmp_path / "old.log"
    path.write_bytes(b"<34>Oct 11 22:14:15 host su: one\n")
    os.utime(path, (1_300_000_000, 1_300_000_000))  # 2011-03-13
    code, lines = convert(b"", "--time-zone", "CET-1CEST,M3.5.0,M10.5.0/3", path)
    assert code == 0 and lines[0]["timestamp"] == "2010-10-11T22:14:15+02:00"


def test_convert_goes_on_behind_a_file_that_is_missing(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"one\ntwo")
    code, lines = convert(b"three\n", path, tmp_path / "none", "-")
    assert code == 1 and [line["message"] for line in lines] == ["one", "two", "three"]


def test_convert_does_not_wait_for_the_end_of_its_input():
    with subprocess.Popen([RELAYCTL, "convert"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(b"<1>first\n<1>seco")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["message"] == "first"
        process.stdin.write(b"nd\n")
        process.stdin.close()
        assert json.loads(process.stdout.readline())["message"] == "second"
        assert process.wait(20) == 0


def test_convert_ends_quietly_when_nobody_reads():
    process = subprocess.Popen([RELAYCTL, "convert", "/dev/zero"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(20) == 1 and error == b""


def test_convert_memory_is_bounded(tmp_path):
    """A hundred megabytes without any LF need no more memory than one message."""
    code = ("import resource, subprocess, sys; p = subprocess.Popen([sys.argv[1], 'convert'], stdin=subprocess.PIPE,"
            " stdout=subprocess.DEVNULL); [p.stdin.write(b'x' * 1000000) for _ in range(100)]; p.stdin.close(); p.wait();"
            " print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    result = subprocess.run(["/usr/bin/python3", "-c", code, str(RELAYCTL)], capture_output=True, text=True, timeout=120)
    assert int(result.stdout) < 64 * 1024


def test_a_folder_for_the_bench_that_is_not_there_is_named(tmp_path):
    run = subprocess.run([ROOT / "tests" / "bench" / "compare", "--smoke", "--folder", tmp_path / "none"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 2 and f"there is no folder {tmp_path / 'none'}" in run.stderr
    assert "Traceback" not in run.stderr
