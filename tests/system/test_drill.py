# SPDX-License-Identifier: Apache-2.0
"""relayctl drill: an output is cut on a relay at work, and the ledgers and numbered probes prove what came of it."""
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest
import senders
from peers import relp
from relay import BIN, SANITIZED, free_port, wait_until

LOST, NOT_PROVED = 5, 6
SECONDS = int(os.environ.get("DRILL_TEST_SECONDS", "3"))


def start_drill(*words):
    return subprocess.Popen([str(BIN / "relayctl"), "drill", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def drill(*words, timeout=120):
    """Runs `relayctl drill`; returns its exit code and what it printed."""
    done = subprocess.run([str(BIN / "relayctl"), "drill", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=timeout)
    return done.returncode, done.stdout


def read_until(process, text):
    """The lines of the drill up to the first one with this text."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(f"{text!r} was not said: {''.join(lines)}")


class Load(threading.Thread):
    """A sender that goes on until it is ended: numbered messages over TCP, about a thousand a second."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.ended, self.sent = port, threading.Event(), 0

    def run(self):
        sock = senders.connect(self.port)
        while not self.ended.wait(0.02):
            first, self.sent = self.sent, self.sent + 20
            sock.sendall(b"".join(senders.message("load", number) + b"\n" for number in range(first, self.sent)))
        senders.finish(sock, b"")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join(20)


def pair(relays, certificates=None, edge_spool=None, more_servers=(), **output):
    """An edge with a RELP and a TCP input, and a central relay behind its output "central", over TLS if there are certificates."""
    tls = {}
    if certificates is not None:
        leaf = certificates.leaf("relay.example.net")
        tls = {"tls": {"certificate": str(leaf.certificate), "key": str(leaf.key), "ca": str(certificates.certificate), "peers": ["*.example.net"]}}
    hop, tcp = free_port(), free_port()
    central = relays.start("central", [{"type": "relp", "name": "relays", "listen": f"127.0.0.1:{hop}", **tls}])
    edge = relays.start("edge", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{free_port()}"},
                                 {"type": "tcp", "name": "load", "listen": f"127.0.0.1:{tcp}"}],
                        [{"type": "relp", "name": "central", "servers": [f"127.0.0.1:{hop}", *more_servers], **tls, **output}],
                        spool=edge_spool or {})
    edge.wait_output("central", lambda status: status["state"] == "connected")
    return edge, central, tcp


def test_a_drill_under_load_proves_that_nothing_was_lost_or_doubled(relays, certificates):
    """Two relays over RELP/TLS, a thousand messages a second all the time: cut, back, drained, and all accounts agree. Both ends say
    so in their own logs, and the load is complete behind the second relay."""
    edge, central, tcp = pair(relays, certificates)
    with Load(tcp) as load:
        wait_until(lambda: load.sent > 500, what="the load")
        code, text = drill("--control", edge.control, "--next", central.control, "--for", f"{SECONDS}s", "central")
    assert code == 0, text
    assert "Proved: nothing was lost, and nothing came twice." in text and "NOT PROVED" not in text, text
    waited = [int(count) for count in re.findall(r"the time is over: (\d+) messages wait", text)]
    assert waited and waited[0] > 100 * SECONDS, text
    edge.wait_output("central", lambda status: status["pending"] == 0 and status["connects"] == 2)
    wait_until(lambda: sum("n=" in line["message"] for line in central.lines()) >= load.sent, 30, "the load behind the second relay")
    senders.assert_complete_in_order([line["message"] for line in central.lines()], ["load"], load.sent)
    assert f"cut for a drill of {SECONDS} s that uid {os.getuid()} asked for" in edge.log_text()


def test_a_killed_drill_leaves_an_output_that_comes_back_by_itself(relays):
    """kill -9 in the middle of the cut: the output is cut until the time is over, not longer, and the relay forgets the probes."""
    edge, central, _ = pair(relays)
    process = start_drill("--control", edge.control, "--next", central.control, "--for", "4s", "central")
    read_until(process, "is cut")
    cut = time.monotonic()
    process.kill()
    process.wait()
    process.stdout.close()
    assert edge.output("central")["state"] == "cut for 4 s" and edge.output("central")["cut_s"] > 0
    edge.wait_output("central", lambda status: status["state"] == "connected")
    assert 3 < time.monotonic() - cut < (60 if SANITIZED else 20)
    assert edge.output("central")["cut_s"] == 0


def test_a_cut_that_somebody_else_ends_proves_nothing(relays):
    edge, central, _ = pair(relays)
    process = start_drill("--control", edge.control, "--next", central.control, "--for", "60s", "central")
    read_until(process, "is cut")
    assert edge.status(command="restore", output="central") == {"done": True}
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == NOT_PROVED and "output central is not cut any more" in rest and "somebody else restored it" in rest, rest
    assert "LOST " not in rest and "TWICE " not in rest and "NOT PROVED  the drill did not run to its end" in rest, rest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_drill_restores_the_output_at_once(relays, number):
    edge, central, _ = pair(relays)
    process = start_drill("--control", edge.control, "--next", central.control, "--for", "60s", "central")
    read_until(process, "is cut")
    process.send_signal(number)
    rest, _ = process.communicate(timeout=20)
    assert process.returncode == NOT_PROVED and "output central is restored" in rest and "interrupted" in rest, rest
    edge.wait_output("central", lambda status: status["state"] == "connected", 10)
    assert "ended the drill that cut output" in edge.log_text()


def test_a_drill_that_could_cost_messages_is_refused(relays):
    """The spool covers the time with a margin, or nothing is cut; the same for an output that passes over what is old."""
    edge, central, tcp = pair(relays, edge_spool={"max_size": "64MiB", "segment_size": "4MiB", "reserve": "8MiB", "compression": "none"})
    sock = senders.connect(tcp)
    for _ in range(10):
        sock.sendall(b"".join(b"<13>Oct 11 22:14:15 web01 app: " + os.urandom(300).hex().encode() + b"\n" for _ in range(1000)))
    wait_until(lambda: edge.status()["spool"].get("covers_s", 10**9) < 1000, what="a rate")
    code, text = drill("--control", edge.control, "--next", central.control, "--for", "1h", "central")
    assert code == 1 and "covers an outage of" in text and "s at the most" in text, text
    assert "is cut" not in text and edge.output("central")["connects"] == 1
    code, text = drill("--control", edge.control, "--for", "2h", "central")
    assert code == 1 and "1 s to 3600 s" in text, text
    senders.finish(sock, b"")


def test_what_cannot_be_cut_is_said(relays, tmp_path):
    relay = relays.start("relay", [{"type": "relp", "listen": f"127.0.0.1:{free_port()}"}],
                         [{"type": "file", "name": "archive", "path": str(tmp_path / "archive"), "format": "json"},
                          {"type": "relp", "name": "away", "servers": [f"127.0.0.1:{free_port()}"]},
                          {"type": "relp", "name": "old", "servers": [f"127.0.0.1:{free_port()}"], "when_behind": "drop_oldest", "max_lag_time": "10s"}])
    code, text = drill("--control", relay.control, "--for", "1s", "archive")
    assert code == 1 and "an output of type file has no connection that could be cut" in text, text
    code, text = drill("--control", relay.control, "--for", "1s", "nobody")
    assert code == 1 and 'there is no "nobody" among the outputs' in text, text
    code, text = drill("--control", relay.control, "--for", "1s", 'a"b')
    assert code == 1 and 'there is no "a"b" among the outputs' in text, text
    code, text = drill("--control", relay.control, "--for", "1s", "away")
    assert code == 1 and "nothing was cut: output away does not deliver now (" in text, text
    assert "max_lag_time" in relay.status(command="cut", output="old", seconds=8)["error"]
    for words in ([], ["a", "b"], ["--for", "soon", "away"], ["--for", "10ms", "away"]):
        assert drill("--control", relay.control, *words)[0] == 2


def test_only_root_and_the_relays_user_may_cut(relays):
    """Rule 40: somebody else who may open the socket may look, and no more."""
    if os.getuid() != 0:
        pytest.skip("needs root, to be somebody else")
    edge, _, _ = pair(relays)
    os.chmod(edge.control, 0o666)
    for folder in edge.control.parents:
        if folder.stat().st_mode & 0o1 == 0:
            os.chmod(folder, folder.stat().st_mode | 0o1)
    script = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
              "s.sendall(sys.argv[2].encode()+b'\\n')\nprint(s.recv(65536).decode())")
    for command in ("cut", "restore"):
        request = '{"command":"%s","output":"central","seconds":5}' % command
        done = subprocess.run(["python3", "-c", script, str(edge.control), request], user="nobody", group="nogroup", extra_groups=[],
                              capture_output=True, text=True)
        assert "for root and the user that relayd runs as" in done.stdout, done.stdout + done.stderr
    assert edge.output("central")["state"] == "connected"


def test_a_next_relay_whose_spool_is_deleted_during_the_cut_has_lost(relays):
    """The central relay is stopped while the output is cut, and starts with an empty spool: what it had acknowledged is gone."""
    edge, central, tcp = pair(relays)
    senders.finish(senders.connect(tcp), b"".join(senders.message("before", number) + b"\n" for number in range(1000)))
    central.wait_stored(1000)
    process = start_drill("--control", edge.control, "--next", central.control, "--for", f"{SECONDS + 2}s", "central")
    text = read_until(process, "is cut")
    central.stop()
    subprocess.run(["rm", "-r", str(central.folder / "spool")], check=True)
    central.start()
    text += process.communicate(timeout=60)[0].splitlines(keepends=True)
    text = "".join(text)
    assert process.returncode == LOST, text
    assert "LOST        the next relay has another spool than before" in text and "messages were lost" in text, text


def test_what_an_input_had_no_room_for_during_the_cut_is_lost(relays):
    """More datagrams than the socket's buffer holds while the relay stands still: no output ever had them, and the hop adds up."""
    udp, hop = free_port(socket.SOCK_DGRAM), free_port()
    central = relays.start("central", [{"type": "relp", "name": "relays", "listen": f"127.0.0.1:{hop}"}])
    edge = relays.start("edge", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{free_port()}"},
                                 {"type": "udp", "name": "datagrams", "listen": f"127.0.0.1:{udp}", "receive_buffer": "64KiB"}],
                        [{"type": "relp", "name": "central", "servers": [f"127.0.0.1:{hop}"]}])
    edge.wait_output("central", lambda status: status["state"] == "connected")
    process = start_drill("--control", edge.control, "--next", central.control, "--for", f"{SECONDS}s", "central")
    text = read_until(process, "is cut")
    edge.process.send_signal(signal.SIGSTOP)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in range(2000):
            sock.sendto(b"<13>Oct 11 22:14:15 web01 app: %d " % number + b"x" * 1000, ("127.0.0.1", udp))
    edge.process.send_signal(signal.SIGCONT)
    text = "".join(text) + process.communicate(timeout=60)[0]
    dropped = edge.input("datagrams")["dropped"]["kernel"]
    assert process.returncode == LOST and f"LOST        {dropped} messages were dropped at this relay's inputs meanwhile" in text, text


class Forgetful:
    """A RELP server that answers every message with 200. It passes them on to a relay behind it, until `forgets` is set."""

    def __init__(self, port):
        self.forgets, self.sock = False, senders.connect(port)
        self.server = relp.Server(self.take)

    def take(self, _, session, txnr, data):
        if not self.forgets:
            self.sock.sendall(b"%d " % len(data) + data)
        session.answer(txnr, b"200 OK")

    def close(self):
        self.server.close()
        self.sock.close()


def test_a_hop_that_acknowledges_and_forgets_has_lost(relays):
    """What stands between two relays says 200 to all and, from the cut on, keeps nothing: the edge believes it, the drill does not."""
    tcp, load_port = free_port(), free_port()
    central = relays.start("central", [{"type": "tcp", "name": "relays", "listen": f"127.0.0.1:{tcp}"}])
    between = Forgetful(tcp)
    edge = relays.start("edge", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{free_port()}"},
                                 {"type": "tcp", "name": "load", "listen": f"127.0.0.1:{load_port}"}],
                        [{"type": "relp", "name": "central", "servers": [f"127.0.0.1:{between.server.port}"]}])
    edge.wait_output("central", lambda status: status["state"] == "connected")
    with Load(load_port):
        process = start_drill("--control", edge.control, "--next", central.control, "--for", f"{SECONDS}s", "central")
        read_until(process, "is cut")
        between.forgets = True
        text = process.communicate(timeout=60)[0]
    between.close()
    assert process.returncode == LOST, text
    assert "probes were delivered and are not at the next relay" in text, text
    assert "that were acknowledged are missing at the next relay" in text, text


def test_messages_that_come_twice_are_found(relays):
    """The same with a hop that passes each message on twice, from the cut on."""
    tcp = free_port()
    central = relays.start("central", [{"type": "tcp", "name": "relays", "listen": f"127.0.0.1:{tcp}"}])
    between = Forgetful(tcp)
    edge = relays.start("edge", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{free_port()}"}],
                        [{"type": "relp", "name": "central", "servers": [f"127.0.0.1:{between.server.port}"]}])
    edge.wait_output("central", lambda status: status["state"] == "connected")
    process = start_drill("--control", edge.control, "--next", central.control, "--for", "1s", "central")
    read_until(process, "is cut")
    between.take_once = between.server.behave
    between.server.behave = lambda *words: (between.sock.sendall(b"%d " % len(words[3]) + words[3]), between.take_once(*words))[1]
    text = process.communicate(timeout=60)[0]
    between.close()
    assert process.returncode == LOST and "TWICE       " in text and "copies of probes are there too many" in text, text
    assert "more came to the next relay than were sent" in text and "nothing was lost, but messages came twice" in text, text


def test_an_input_with_other_senders_is_compared_by_the_stream(relays):
    """The central relay takes from two edges over one input: what came over this output alone is compared by its stream of blocks."""
    edge, central, tcp = pair(relays)
    other = relays.start("other", [{"type": "tcp", "listen": f"127.0.0.1:{free_port()}"}],
                         [{"type": "relp", "name": "central", "servers": [central.input("relays")["listen"]]}])
    other.wait_output("central", lambda status: status["state"] == "connected")
    with Load(tcp):
        code, text = drill("--control", edge.control, "--next", central.control, "--for", "1s", "central")
    assert code == 0 and "ok          of all messages that went in blocks, the next relay received what this one sent" in text, text


@pytest.mark.parametrize("kind", ["relp", "tcp"])
def test_what_another_server_took_is_not_lost(relays, kind):
    """A failover output stands at its second server. While it is cut the first one comes back, and takes all that waits: the second
    one, which the drill knows as the next relay, lacks it. (Nothing is on its way when the cut begins: that would come to both.)"""
    ports, load = (free_port(), free_port()), free_port()
    first, second = (relays.make(name, [{"type": kind, "name": "relays", "listen": f"127.0.0.1:{port}"}])
                     for name, port in zip(("first", "second"), ports))
    second.start()
    edge = relays.start("edge", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{free_port()}"},
                                 {"type": "tcp", "name": "load", "listen": f"127.0.0.1:{load}"}],
                        [{"type": kind, "name": "central", "servers": [f"127.0.0.1:{port}" for port in ports]}])
    edge.wait_output("central", lambda status: status["state"] == "connected")
    assert edge.output("central")["servers"] == 2 and edge.output("central")["peer"].endswith(str(ports[1]))
    process = start_drill("--control", edge.control, "--next", second.control, "--for", f"{SECONDS}s", "central")
    text = "".join(read_until(process, "is cut"))
    with Load(load):
        first.start()
        text += process.communicate(timeout=60)[0]
    assert edge.output("central")["peer"].endswith(str(ports[0]))
    assert process.returncode == NOT_PROVED and "the output may have delivered to another server meanwhile" in text, text
    assert "LOST " not in text and "TWICE " not in text, text


def test_what_a_restored_server_is_sent_again_of_another_ones_did_not_come_twice(relays):
    """Of three hundred messages the second server took the middle hundred. While the output is cut the first one is restored from an
    older state; it is sent all behind that, also what it never had: at this server nothing is there twice."""
    ports, load = (free_port(), free_port()), free_port()
    first, second = (relays.start(name, [{"type": "relp", "name": "relays", "listen": f"127.0.0.1:{port}"}])
                     for name, port in zip(("first", "second"), ports))
    edge = relays.start("edge", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{free_port()}"},
                                 {"type": "tcp", "name": "load", "listen": f"127.0.0.1:{load}"}],
                        [{"type": "relp", "name": "central", "servers": [f"127.0.0.1:{port}" for port in ports], "failback_interval": "500ms"}])

    def send(hundred, port):
        numbers = range(100 * hundred, 100 * hundred + 100)
        senders.finish(senders.connect(load), b"".join(senders.message("k", number) + b"\n" for number in numbers))
        edge.wait_stored(numbers.stop)
        edge.wait_output("central", lambda output: output["pending"] == 0 and output["peer"].endswith(f":{port}"))
    send(0, ports[0])
    first.stop()
    shutil.copytree(first.folder / "spool", first.folder / "backup")
    send(1, ports[1])
    first.start()
    edge.wait_output("central", lambda output: output["state"] == "connected" and output["peer"].endswith(f":{ports[0]}"))
    send(2, ports[0])
    process = start_drill("--control", edge.control, "--next", first.control, "--for", f"{SECONDS}s", "central")
    text = "".join(read_until(process, "is cut"))
    first.kill()
    shutil.rmtree(first.folder / "spool")
    shutil.copytree(first.folder / "backup", first.folder / "spool")
    first.start()
    text += process.communicate(timeout=60)[0]
    assert "output_peer_restored" in edge.log_text()
    assert "ok          of all messages that went in blocks, the next relay received what this one sent" in text, text
    assert process.returncode == NOT_PROVED and "LOST " not in text and "TWICE " not in text, text  # it was restarted


def test_a_drill_with_two_servers_proves_it_if_one_took_all(relays):
    edge, central, tcp = pair(relays, more_servers=[f"127.0.0.1:{free_port()}"])
    with Load(tcp):
        code, text = drill("--control", edge.control, "--next", central.control, "--for", "1s", "central")
    assert code == 0 and "of all messages that went in blocks, the next relay received what this one sent" in text, text


def test_an_output_that_deals_to_several_servers_is_not_compared_with_one(relays):
    servers = [relays.start(f"server{i}", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{free_port()}"}]) for i in range(2)]
    edge = relays.start("edge", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{free_port()}"}],
                        [{"name": "out", "type": "relp", "mode": "balance", "servers": [server.input("in")["listen"] for server in servers]}])
    edge.wait_output("out", lambda status: status["connects"] == 2)
    code, text = drill("--control", edge.control, "--next", servers[0].control, "--for", "1s", "out")
    assert code == 1 and "nothing was cut: output out deals its messages to several servers (balance)" in text, text
    assert edge.output("out")["connects"] == 2


def test_a_drill_without_the_next_relay_proves_only_half(relays):
    edge, _, _ = pair(relays)
    code, text = drill("--control", edge.control, "--for", "1s", "central")
    assert code == NOT_PROVED and "NOT PROVED  whether something came twice only the next relay knows" in text, text
    assert "ok          the next hop acknowledged all" in text, text


@pytest.mark.parametrize("kind", ["tcp", "balance"])
def test_every_output_with_connections_can_be_cut_and_restored(relays, kind):
    """All its connections are gone at once and none is made, until it is restored or the time is over; then all that waited goes out."""
    servers = [relays.start(f"server{i}", [{"type": "tcp" if kind == "tcp" else "relp", "name": "in", "listen": f"127.0.0.1:{free_port()}"}])
               for i in range(1 if kind == "tcp" else 2)]
    port = free_port()
    edge = relays.start("edge", [{"type": "tcp", "name": "in", "listen": f"127.0.0.1:{port}"}],
                        [{"name": "out", "servers": [server.input("in")["listen"] for server in servers],
                          **({"type": "tcp"} if kind == "tcp" else {"type": "relp", "mode": "balance"})}])
    connected = edge.wait_output("out", lambda status: status["connects"] == len(servers))["state"]
    for sent, seconds in enumerate((60, 1)):
        assert edge.status(command="cut", output="out", seconds=seconds) == {"done": True}
        assert "cut already" in edge.status(command="cut", output="out", seconds=seconds)["error"]
        wait_until(lambda: all(server.input("in")["connections"] == 0 for server in servers), what="the end of all connections")
        senders.finish(senders.connect(port), senders.message("s", sent) + b"\n")
        edge.wait_stored(sent + 1)
        if seconds == 60:
            assert edge.output("out")["pending"] == 1 and edge.output("out")["cut_s"] > 50
            assert edge.status(command="restore", output="out") == {"done": True}
        edge.wait_output("out", lambda status: status["state"] == connected and status["pending"] == 0 and status["cut_s"] == 0)
    wait_until(lambda: sum(len(server.lines()) for server in servers) == 2, what="both messages")
    assert edge.status(command="restore", output="out") == {"done": True}
    assert "no output of that name" in edge.status(command="restore", output="in")["error"]


def test_a_relay_that_stops_during_a_cut_stops_in_order_and_starts_whole(relays):
    edge, central, _ = pair(relays)
    assert edge.status(command="cut", output="central", seconds=60) == {"done": True}
    assert edge.stop() == 0
    edge.start()
    edge.wait_output("central", lambda status: status["state"] == "connected" and status["cut_s"] == 0)
