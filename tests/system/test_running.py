# SPDX-License-Identifier: Apache-2.0
"""A relay's life: signals at any moment of the start, a start that fails half-way, files that are moved away, filters."""
import json
import os
import pathlib
import random
import signal
import subprocess
import time

import pytest
import senders
from peers import relp
from relay import BIN, SANITIZED, free_port, socket, wait_until


@pytest.mark.sanitized
def test_sigterm_at_any_moment_of_the_start_ends_in_order(relays):
    """Before relayd listens to signals, SIGTERM just ends it; from then on it is an orderly stop, also when it comes before the start
    is complete: exit code 0, and the next start finds nothing unclean."""
    chance = random.Random(7)
    codes = []
    relay = relays.make("relay", [{"type": "tcp", "listen": f"127.0.0.1:{free_port()}"}, {"type": "relp", "listen": f"127.0.0.1:{free_port()}"}],
                        [{"type": "stdout", "name": "print"}, {"type": "relp", "name": "nobody", "servers": [f"localhost:{free_port()}"]}])
    for _ in range(25):
        relay.start(wait=False)
        time.sleep(chance.uniform(0, 0.6 if SANITIZED else 0.08))
        relay.process.send_signal(signal.SIGTERM)
        codes.append(relay.process.wait(60))
        relay.process = None
    assert set(codes) <= {0, -signal.SIGTERM} and 0 in codes, codes
    relay.start()
    assert codes.count(0) == relay.log_text().count('"msgid":"stopped"')
    assert "unclean_stop" not in relay.log_text()


@pytest.mark.sanitized
def test_sighup_at_any_moment_of_the_start_does_not_end_it(relays):
    """logrotate and operators signal whoever is there; from its first instructions on relayd survives it."""
    chance = random.Random(11)
    relay = relays.make("relay", [{"type": "tcp", "listen": f"127.0.0.1:{free_port()}"}], [{"type": "stdout", "name": "print"}])
    for _ in range(10):
        relay.start(wait=False)
        time.sleep(chance.uniform(0.2, 0.6) if SANITIZED else chance.uniform(0.02, 0.08))
        relay.process.send_signal(signal.SIGHUP)
        time.sleep(0.05)
        assert relay.process.poll() is None
        relay.stop()


@pytest.mark.sanitized
def test_standard_descriptors_that_are_closed_are_taken_by_nothing_else(relays):
    """Whoever starts relayd has closed standard input, output and error: what it says of itself goes nowhere, least of all into its spool
    or its sockets. It relays, keeps what it has nobody to print for, and stops in order. relayctl writes its words into no file either."""
    port = free_port()
    relay = relays.make("relay", [{"type": "tcp", "listen": f"127.0.0.1:{port}"}], [{"type": "stdout", "name": "print"}])
    relay.start(command=("bash", "-c", 'exec "$0" "$@" <&- >&- 2>&-'))
    descriptors = pathlib.Path("/proc", str(relay.process.pid), "fd")
    assert [os.readlink(descriptors / str(fd)) for fd in range(3)] == ["/dev/null"] * 3
    senders.finish(senders.connect(port), b"<38>kept\n")
    relay.wait_stored(1)
    assert relay.output("print")["delivered"] == 0
    assert relay.stop() == 0
    lock = pathlib.Path(relay.config["spool"]["path"], "lock").read_text()
    words = [BIN / "relayctl", "spool", "--spool", relay.config["spool"]["path"], "rename-output", "print", "again"]
    assert subprocess.run(["bash", "-c", 'exec "$0" "$@" >&- 2>&-', *words], check=False, timeout=60).returncode == 1
    assert len(pathlib.Path(relay.config["spool"]["path"], "lock").read_text().split()) == len(lock.split()) == 1


def test_a_supervisor_that_does_not_read_holds_nothing_up(relays, tmp_path, monkeypatch):
    """The supervisor hangs, and its socket is full: relayd starts and answers nevertheless, while the watchdog's time goes by, and
    SIGTERM stops it in order."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hung, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        hung.bind(str(tmp_path / "notify"))
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                other.sendto(b"READY=1", str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        relay = relays.make("relay", [{"type": "tcp", "listen": f"127.0.0.1:{free_port()}"}], [{"type": "stdout", "name": "print"}])
        relay.start()
        time.sleep(2)
        assert relay.status()["outputs"]
        assert relay.stop(10) == 0


@pytest.mark.sanitized
def test_a_start_that_fails_half_way_leaves_nothing_behind(relays, tmp_path):
    """The last input's port is in use: the spool, a local socket and other ports were open by then. Exit code 5; with the port free the
    same configuration starts."""
    path = tmp_path / "log"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        relay = relays.make("relay", [{"type": "unix", "path": str(path)}, {"type": "udp", "listen": f"127.0.0.1:{free_port(socket.SOCK_DGRAM)}"},
                                      {"type": "tcp", "listen": f"127.0.0.1:{taken.getsockname()[1]}"}], workers=2)
        relay.start(wait=False)
        assert relay.process.wait(60) == 5
        relay.process = None
    assert not relay.control.exists()
    relay.start()
    senders.send_unix_datagram(path, "u", 1)
    relay.wait_stored(1)
    assert "unclean_stop" not in relay.log_text()


@pytest.mark.sanitized
def test_sighup_opens_files_anew_and_leaves_sockets_alone(relays, tmp_path):
    """logrotate moves the output's file and relayd's own log away and sends SIGHUP: what comes then is in new files, nothing is lost, and
    a connection from before goes on, and new ones are taken."""
    out, log, port, relp_port = tmp_path / "out", tmp_path / "own.log", free_port(), free_port()
    relay = relays.start("relay", [{"type": "tcp", "listen": f"127.0.0.1:{port}"}, {"type": "relp", "listen": f"127.0.0.1:{relp_port}"}],
                         [{"type": "file", "name": "file", "path": str(out), "format": "json"}], log={"format": "json", "file": str(log)})
    sock = senders.connect(port)
    sock.sendall(b"<38>before\n")
    relay.wait_delivered("file", 1)
    for path in (out, log):
        path.rename(path.with_suffix(".1"))
    relay.hup()
    wait_until(lambda: log.exists() and "reloaded" in log.read_text(), what="the new log")
    senders.finish(sock, b"<38>behind\n")
    relay.wait_delivered("file", 2)
    senders.finish(senders.connect(port), b"<38>anew\n")
    relay.wait_delivered("file", 3)
    client = relp.Client(("127.0.0.1", relp_port))
    client.send([b"<38>over RELP"])
    client.close()
    relay.wait_delivered("file", 4)
    texts = [[json.loads(line)["message"] for line in path.read_text().splitlines()] for path in (out.with_suffix(".1"), out)]
    assert texts == [["before"], ["behind", "anew", "over RELP"]]
    assert relay.stop() == 0 and '"msgid":"stopped"' in log.read_text()


def test_a_log_that_cannot_be_opened_anew_is_said_in_the_one_that_was_open(relays, tmp_path):
    """The directory of relayd's own log is moved away: on SIGHUP there is no place for a new file, and nobody may think that there is one."""
    directory = tmp_path / "logs"
    directory.mkdir()
    relay = relays.start("relay", [{"type": "tcp", "listen": f"127.0.0.1:{free_port()}"}], log={"format": "json", "file": str(directory / "own.log")})
    moved = directory.rename(tmp_path / "moved")
    relay.hup()
    wait_until(lambda: "reload_failed" in (moved / "own.log").read_text(), what="the line that says so")
    assert "cannot be opened again: No such file or directory" in (moved / "own.log").read_text()
    directory.mkdir()
    relay.hup()
    wait_until(lambda: (directory / "own.log").exists() and "reloaded" in (directory / "own.log").read_text(), what="the new log")
    assert "reloaded" not in (moved / "own.log").read_text()


def test_filters_choose_for_each_output_and_what_they_leave_out_is_counted(relays, tmp_path):
    """Five outputs look at facility, severity, hostname, app name and input; all five keep their place in the spool."""
    filters = {"facility": ({"facility": ["auth"]}, ["a"]), "severity": ({"severity": "err"}, ["b", "d"]),
               "hostname": ({"hostname": ["web*"]}, ["a", "b"]), "app": ({"app_name": ["sshd", "kernel"]}, ["a", "c"]),
               "input": ({"input": ["other"]}, ["d"])}
    ports = free_port(), free_port()
    relay = relays.start("relay", [{"type": "tcp", "name": name, "listen": f"127.0.0.1:{port}"} for name, port in zip(("one", "other"), ports)],
                         [{"type": "file", "name": name, "path": str(tmp_path / name), "format": "json", "filter": chosen}
                          for name, (chosen, _) in filters.items()])
    stamp = b"Oct 11 22:14:15 "
    senders.finish(senders.connect(ports[0]), b"<38>" + stamp + b"web01 sshd: a\n<11>" + stamp + b"web02 app: b\n<6>" + stamp + b"db01 kernel: c\n")
    relay.wait_stored(3)
    senders.finish(senders.connect(ports[1]), b"<10>" + stamp + b"db01 app: d\n")
    for name, (_, expected) in filters.items():
        relay.wait_delivered(name, 4)
        assert [json.loads(line)["message"] for line in (tmp_path / name).read_text().splitlines()] == expected, name
        totals = relay.output(name)["totals"]
        assert (totals["delivered"], totals["filtered"]) == (len(expected), 4 - len(expected)), name


def nice_values(pid):
    """The nice values of the threads, by name: a list, because several may have one name."""
    values = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        stat = pathlib.Path(f"/proc/{pid}/task/{task}/stat").read_text()
        values.setdefault(stat[stat.index("(") + 1:stat.rindex(")")], []).append(int(stat.rsplit(")", 1)[1].split()[16]))
    return values


@pytest.mark.parametrize("kind, when_behind, step", [("udp", "hold", 10), ("udp", "drop_oldest", 0), ("tcp", "hold", 0)])
def test_outputs_give_way_where_an_input_may_lose(relays, kind, when_behind, step):
    """What a UDP input does not read in time is gone; what an output does not read in time is in the spool, if it holds (decision 20)."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert own <= 9, "at a nice value above 9 there is no room to give way"
    taken = free_port(socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    relay = relays.make("relay", [{"type": kind, "listen": f"127.0.0.1:{taken}"}],
                        [{"type": "stdout", "name": "print", "when_behind": when_behind}])
    relay.start()
    wait_until(lambda: "output-0" in nice_values(relay.process.pid))  # a thread names itself
    nice = nice_values(relay.process.pid)
    assert nice.pop("output-0") == [own + step]
    assert "input-0" in nice and all(value == own for values in nice.values() for value in values)


@pytest.mark.parametrize("kind", ["terminal", "pipe", "socket"])
def test_a_standard_output_that_nobody_reads_does_not_keep_relayd_from_stopping(relays, tmp_path, kind):
    """Whoever reads the output stalls, and says so in its own way: a terminal calls itself ready with room for one octet. What it does not
    take stays in the spool, and SIGTERM ends relayd in order. The mode of standard output, which others share, is as it was."""
    if kind == "terminal":
        reader, writer = os.openpty()
    elif kind == "pipe":
        reader, writer = os.pipe()
    else:
        reader, writer = (end.detach() for end in socket.socketpair())
    path = tmp_path / "log"
    relay = relays.make("relay", [{"type": "unix", "path": str(path)}], [{"type": "stdout", "name": "print"}])
    relay.start(command=("bash", "-c", f'exec "$0" "$@" >&{writer}'), pass_fds=(writer,))
    senders.send_unix_datagram(str(path), "s", 4000)
    relay.wait_stored(4000)
    wait_until(lambda: relay.output("print")["delivered"] < 4000 and os.get_blocking(writer), what="an output that waits")
    assert relay.stop(10) == 0
    assert os.get_blocking(writer)
    os.close(reader)
    os.close(writer)


@pytest.mark.sanitized
def test_clients_that_sit_at_the_control_socket_keep_nobody_off(relays):
    """As many as it has places for connect and say nothing, or not the end of it, again and again: whoever asks is answered at once, and
    so is one that came before the last of them and asks now."""
    relay = relays.start("relay", [{"type": "tcp", "listen": f"127.0.0.1:{free_port()}"}], [{"type": "stdout", "name": "print"}])
    sitting = []

    def sit(said):
        sitting.append(socket.socket(socket.AF_UNIX))
        sitting[-1].connect(str(relay.control))
        sitting[-1].sendall(said)

    for number in range(40):
        sit(b'{"command"' if number % 2 else b"")
        time.sleep(0.01)
    assert relay.status()["outputs"]
    sitting[-2].sendall(b'{"command":"status"}\n')
    assert sitting[-2].recv(1) == b"{"
    for sock in sitting:
        sock.close()
