# SPDX-License-Identifier: Apache-2.0
"""Whose a stream is: the name in the client's certificate, or the operator's label for its fingerprint; and what an operator does when
that changes. A peer of another machine that proves nothing gets messages, not blocks."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest
import senders
from peers import relp
from relay import BIN, free_port, wait_until


def relayctl(*words):
    """Runs relayctl; returns its exit code and all that it printed."""
    done = subprocess.run([str(BIN / "relayctl"), *map(str, words)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def streams(relay):
    """The streams that the relay receives."""
    return relay.status(command="ledger")["streams"]["received"]


def send(port, first, last, host="127.0.0.1"):
    """Numbered messages, acknowledged."""
    client = relp.Client((host, port))
    client.send((senders.message("k", number) for number in range(first, last)), window=500)
    client.settle()
    client.close()


def pair(relays, central_tls, edge_tls):
    """Two relays over TLS, started: the port to send to, the first and the second one."""
    port, hop = free_port(), free_port()
    central = relays.start("central", [{"type": "relp", "listen": f"127.0.0.1:{hop}", "tls": central_tls}])
    edge = relays.start("edge", [{"type": "relp", "listen": f"127.0.0.1:{port}"}],
                        [{"type": "relp", "name": "central", "servers": [f"127.0.0.1:{hop}"], "tls": edge_tls}])
    return port, edge, central


def deliver(edge, port, first, last):
    send(port, first, last)
    edge.wait_output("central", lambda output: output["pending"] == 0, 30)


def got(central):
    central.wait_output("print", lambda output: output["pending"] == 0, 30)
    return [int(senders.NUMBERED.search(line["message"]).group(2)) for line in central.lines() if "numbered" in line.get("message", "")]


def test_a_stream_is_of_the_name_in_the_certificate_and_a_new_certificate_of_that_name_goes_on_with_it(relays, certificates):
    """Blocks go over TLS, under the name that matched `peers`. The certificate is exchanged for another one of the same name: the
    stream goes on where it was, and nothing comes twice."""
    server = certificates.tls(certificates.leaf("central.example.net"), ["*.edges.example.net"])
    client = certificates.tls(certificates.leaf("a.edges.example.net"), ["central.example.net"])
    port, edge, central = pair(relays, server, client)
    deliver(edge, port, 0, 100)
    before = streams(central)
    assert [(item["identity"], item["records"]) for item in before] == [("a.edges.example.net", 100)]
    # The same name, among others, and another key.
    rotated = certificates.leaf("a.edges.example.net", ["DNS:a.edges.example.net", "DNS:old.example.net"], days=1)
    assert edge.stop() == 0
    edge.config["outputs"][0]["tls"] = certificates.tls(rotated, ["central.example.net"])
    edge.start()
    deliver(edge, port, 100, 200)
    after = streams(central)
    assert [(item["stream"], item["identity"], item["records"]) for item in after] == [(before[0]["stream"], "a.edges.example.net", 200)]
    assert got(central) == list(range(200))


def test_a_stream_is_of_the_label_of_a_fingerprint(relays, certificates):
    """The operator knows the client by its certificate's fingerprint, and gives it a label: the stream is of that label, also with
    another certificate under the same label."""
    leaf, other = certificates.self_signed("x.example.net"), certificates.self_signed("y.example.net")
    server = certificates.tls(certificates.leaf("central.example.net"), [f"edge-1={leaf.fingerprint}", f"edge-1={other.fingerprint}"])
    port, edge, central = pair(relays, server, certificates.tls(leaf, ["central.example.net"]))
    deliver(edge, port, 0, 10)
    assert [item["identity"] for item in streams(central)] == ["edge-1"]
    assert edge.stop() == 0
    edge.config["outputs"][0]["tls"] = certificates.tls(other, ["central.example.net"])
    edge.start()
    deliver(edge, port, 10, 20)
    assert [(item["identity"], item["records"]) for item in streams(central)] == [("edge-1", 20)]
    assert got(central) == list(range(20))


class Network:
    """A network namespace: relays in it have an address that is not one of loopback, and reach nobody outside."""
    ADDRESS = "192.0.2.1"

    def __init__(self, processes):
        self.holder = processes.start(["unshare", "--net", "sleep", "600"], stderr=subprocess.PIPE)
        own = pathlib.Path("/proc/self/ns/net").readlink()
        try:
            wait_until(lambda: self.place().readlink() != own, 5)
        except (AssertionError, OSError):
            pytest.skip("this user may not make network namespaces")
        for words in ("link set lo up", f"address add {self.ADDRESS}/32 dev lo"):
            subprocess.run([*self.enter(), "ip", *words.split()], check=True)

    def place(self):
        return pathlib.Path(f"/proc/{self.holder.pid}/ns/net")

    def enter(self):
        return ["nsenter", f"--net={self.place()}"]


def test_a_peer_of_another_machine_without_a_certificate_gets_messages(relays, processes, tmp_path):
    """Two relays without TLS, at an address that is not loopback: nobody knows whose the stream would be, so messages are sent, and
    each is stored. Over loopback, in the same place, blocks are."""
    network = Network(processes)
    local = str(tmp_path / "edge.sock")
    central = relays.make("central", [{"type": "relp", "listen": "0.0.0.0:2514"}])
    edge = relays.make("edge", [{"type": "relp", "listen": local}],
                       [{"type": "relp", "name": "central", "servers": [f"{network.ADDRESS}:2514"]},
                        {"type": "relp", "name": "loopback", "servers": ["127.0.0.1:2514"], "filter": {"hostname": ["nobody"]}}])
    for relay in (central, edge):
        relay.start(command=network.enter())
    client = relp.Client(local)
    client.send([senders.message("k", number) for number in range(50)])
    client.settle()
    client.close()
    edge.wait_output("central", lambda output: output["pending"] == 0 and output["state"].startswith("connected"))
    assert sum(item["records"] for item in streams(central)) == 0 and got(central) == list(range(50))
    assert {item["identity"] for item in streams(central)} <= {"@loopback"}
    client = relp.Client(local)
    client.send([senders.message("k", 50).replace(b"web01", b"nobody")])
    client.settle()
    client.close()
    wait_until(lambda: [(item["identity"], item["records"]) for item in streams(central)] == [("@loopback", 1)], what="the stream")


def test_a_stream_of_another_identity_is_refused_and_named_and_adopt_gives_it_away(relays, certificates):
    """A relay comes back under another name, with its spool. Its stream is refused, and the log says which, whose it is, and what to do.
    adopt says what it would do, does it, and the stream goes on where it was; that survives a crash."""
    server = certificates.tls(certificates.leaf("central.example.net"), ["*.edges.example.net"])
    port, edge, central = pair(relays, server, certificates.tls(certificates.leaf("old.edges.example.net"), ["central.example.net"]))
    deliver(edge, port, 0, 100)
    stream = streams(central)[0]["stream"]
    assert edge.stop() == 0
    edge.config["outputs"][0]["tls"] = certificates.tls(certificates.leaf("new.edges.example.net"), ["central.example.net"])
    edge.start()
    send(port, 100, 200)
    central.wait_log(f"stream {stream} of new.edges.example.net is refused: the stream belongs to another peer")
    assert "relayctl stream adopt" in central.log_text() and '"octets":"old.edges.example.net"' in central.log_text()
    adopt = ["stream", "adopt", "--control", central.control, stream, "new.edges.example.net"]
    code, text = relayctl(*adopt)
    assert code == 0 and f"stream {stream} is of old.edges.example.net; 100 messages" in text, text
    assert "give it to new.edges.example.net" in text and "nothing was changed" in text, text
    assert streams(central)[0]["identity"] == "old.edges.example.net"
    code, text = relayctl(*adopt, "--apply")
    assert code == 0 and text.endswith("done\n"), text
    assert '"stream_adopted"' in central.log_text()
    central.kill()
    central.start()
    edge.wait_output("central", lambda output: output["pending"] == 0, 40)
    assert [(item["stream"], item["identity"], item["records"]) for item in streams(central)] == [(stream, "new.edges.example.net", 200)]
    assert set(got(central)) == set(range(200))  # what was printed before the kill may be printed again


def test_streams_are_listed_of_a_relay_that_runs_and_of_one_that_does_not(relays):
    """Both ends of a hop list the stream, with its connection while there is one; the same of the files of stopped relays."""
    port, hop = free_port(), free_port()
    central = relays.start("central", [{"type": "relp", "listen": f"127.0.0.1:{hop}"}])
    edge = relays.start("edge", [{"type": "relp", "listen": f"127.0.0.1:{port}"}],
                        [{"type": "relp", "name": "central", "servers": [f"127.0.0.1:{hop}"]}])
    deliver(edge, port, 0, 30)
    stream = streams(central)[0]["stream"]
    for words in (["--control", central.control], ["--spool", central.folder / "spool"]):
        code, text = relayctl("stream", "ls", *words)
        assert code == 0 and f"{stream} @loopback " in text and "1 of at most 4096 streams, 64 from one identity" in text, text
        assert ("127.0.0.1:" in text) == ("--control" in words), text
    for words in (["--control", edge.control], ["--spool", edge.folder / "spool"], ["-c", edge.folder / "relayd.conf"]):
        wait_until(lambda: "acknowledged 30 messages, up to 30; lost-by-peer 0" in relayctl("stream", "ls", *words)[1], 5, f"{words}")
    code, text = relayctl("stream", "ls", "--json", "--control", central.control)
    received = json.loads(text)["received"][0]
    assert code == 0 and received["identity"] == "@loopback" and received["records"] == 30 and received["connection"]
    assert edge.stop() == 0 and central.stop() == 0
    code, text = relayctl("stream", "ls", "--json", "--spool", central.folder / "spool")
    stopped = json.loads(text)["received"][0]
    assert code == 0 and stopped == {**received, "connection": ""}
    assert relayctl("stream", "ls", "--control", central.control)[0] == 1


def test_a_stream_in_use_is_not_forgotten_and_one_that_is_gone_makes_room(relays):
    """forget says what it means, refuses while a connection speaks the stream, and frees its place. If it comes back all the
    same it is as if this relay had been restored: what its relay still has is stored again, and the rest is lost-by-peer."""
    port, hop = free_port(), free_port()
    central = relays.start("central", [{"type": "relp", "listen": f"127.0.0.1:{hop}"}])
    edge = relays.start("edge", [{"type": "relp", "listen": f"127.0.0.1:{port}"}],
                        [{"type": "relp", "name": "central", "servers": [f"127.0.0.1:{hop}"]}])
    deliver(edge, port, 0, 30)
    stream = streams(central)[0]["stream"]
    forget = ["stream", "forget", "--control", central.control, stream]
    code, text = relayctl(*forget)
    assert code == 0 and "it is in use by 127.0.0.1:" in text and "lost-by-peer" in text and "nothing was changed" in text, text
    code, text = relayctl(*forget, "--apply")
    assert code == 1 and "it is in use" in text, text
    assert edge.stop() == 0
    wait_until(lambda: streams(central)[0]["connection"] == "", what="the end of the connection")
    code, text = relayctl(*forget, "--apply")
    assert code == 0 and streams(central) == [], text
    assert '"stream_forgotten"' in central.log_text()
    assert relayctl(*forget)[0] == 1
    assert relayctl("stream", "forget", "--control", central.control, "nonsense", "--apply")[0] == 1
    central.kill()
    central.start()
    assert streams(central) == []
    edge.start()
    deliver(edge, port, 30, 40)
    wait_until(lambda: [item["records"] + item["lost"] for item in streams(central)] == [40], what="all of it, or word of its loss")


def test_only_root_and_the_relays_user_may_change_streams(relays, tmp_path_factory):
    """Another user reaches the control socket, may list the streams, and changes nothing."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="relayd-"))
    try:
        folder.chmod(0o755)
        central = relays.make("central", [{"type": "relp", "listen": f"127.0.0.1:{free_port()}"}], control=str(folder / "control"))
        central.control = folder / "control"
        central.start()
        (folder / "control").chmod(0o666)
        shutil.copy(BIN / "relayctl", folder / "relayctl")
        done = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", str(folder / "relayctl"), "stream", "ls", "--control",
                               str(folder / "control")], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        request = {"command": "stream-forget", "stream": "0" * 32}
        script = ("import json,os,socket,sys; os.setuid(65534); s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
                  "s.sendall(sys.argv[2].encode()+b'\\n'); print(s.recv(4096).decode())")
        done = subprocess.run(["python3", "-c", script, str(folder / "control"), json.dumps(request)], capture_output=True, text=True, timeout=30)
        assert "root" in json.loads(done.stdout)["error"], done
    finally:
        shutil.rmtree(folder, ignore_errors=True)
