# SPDX-License-Identifier: Apache-2.0
"""Whose a stream is: the name in the client's certificate, or the operator's label for its fingerprint; and what an operator does when
that changes. A peer of another machine that proves nothing gets messages, not blocks."""
import pathlib
import subprocess

import pytest
import senders
from peers import relp
from relay import free_port, wait_until


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
