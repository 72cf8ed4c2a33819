# SPDX-License-Identifier: Apache-2.0
"""The network's faults, under load: 5 % of packets lost, 200 ms of delay each way, packets that overtake others, a black hole; and a
reset at every octet of a session, in both directions. Plain RELP loses nothing that was acknowledged; between relays each message is
stored once.

RELAYD_NETWORK_SECONDS is how long each fault lasts (2); RELAYD_NETWORK_SEED which packets it meets."""
import collections
import concurrent.futures
import os
import random
import subprocess
import time

import pytest
import senders
from exactly_once import NewNumbers, assert_each_once, assert_hop, stored_numbers
from peers import relp
from peers.bad_network import FAR, BadNetwork
from peers.cutting_proxy import BACKWARD, FORWARD, PAUSE_SECONDS, CuttingProxy, reset
from relay import SANITIZED, free_port, wait_until

SECONDS = float(os.environ.get("RELAYD_NETWORK_SECONDS", 2))
SEED = int(os.environ.get("RELAYD_NETWORK_SEED", random.SystemRandom().randrange(1 << 32)))
FOREIGN_PORT, BLOCKS_PORT, SERVER_PORT = 2514, 2515, 2516
GIVE_UP_SECONDS = 1  # answer_timeout of one output: a session is given up within the black hole

FAULTS = {"loss": {"loss": 0.05}, "delay": {"delay": 0.2}, "reordering": {"delay": 0.02, "overtaking": 0.25},
          "black hole": {"black_hole": True}}


@pytest.fixture
def network():
    try:
        made = BadNetwork(SEED)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this host does not let a test have network namespaces and TUN devices (needs root): {error}")
    yield made
    made.close()


def numbers_of(relay, sender):
    return senders.numbers_by_sender(line["message"] for line in relay.lines()).get(sender, [])


def two_hosts(relays, certificates, network, central_outputs=None):
    """A relay on each host. The one that is near ships blocks over TLS to the one that is far, and the same messages as plain RELP to a
    server of ours there. Returns them, the server, and the port that the near one listens on."""
    with network.far.inside():
        server = relp.Server(host=FAR, port=SERVER_PORT)
    central = relays.make("central", [
        {"type": "relp", "name": "foreign", "listen": f"{FAR}:{FOREIGN_PORT}"},
        {"type": "relp", "name": "blocks", "listen": f"{FAR}:{BLOCKS_PORT}",
         "tls": certificates.tls(certificates.leaf("central.example.net"), ["edge.example.net"])}],
        central_outputs)
    port = free_port()
    edge = relays.make("edge", [{"type": "relp", "listen": f"127.0.0.1:{port}"}], [
        {"type": "relp", "name": "central", "servers": [f"{FAR}:{BLOCKS_PORT}"],
         "tls": certificates.tls(certificates.leaf("edge.example.net"), ["central.example.net"])},
        {"type": "relp", "name": "server", "servers": [f"{FAR}:{SERVER_PORT}"], "format": "raw",
         "answer_timeout": f"{GIVE_UP_SECONDS}s"}])
    central.start(command=network.far.command)
    edge.start(command=network.near.command)
    return edge, central, server, port


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_acknowledged_is_lost_on_a_bad_line_and_relays_double_nothing(relays, certificates, network, fault):
    """Three ways over one bad line, at the same time: a foreign originator to a relay, a relay to a foreign server (both plain RELP,
    at least once), and blocks from relay to relay (exactly once). Then the line is mended and all of it drains."""
    print(f"RELAYD_NETWORK_SEED={SEED}")
    edge, central, server, port = two_hosts(relays, certificates, network)
    local = NewNumbers(port, "local", host=network.near, rate=2000)
    foreign = NewNumbers(FOREIGN_PORT, "foreign", address=FAR, host=network.near, rate=500)
    for originator in (local, foreign):
        originator.start()
    edge.wait_delivered("central", 100)
    edge.wait_delivered("server", 100)
    network.become(**FAULTS[fault])
    before = edge.output("central")["delivered"]
    time.sleep(SECONDS)
    arrived = edge.output("central")["delivered"] - before
    told = network.become(**FAULTS[fault])
    assert told["overtaking"] > 0 if fault == "reordering" else told["lost"] > 0 if fault in ("loss", "black hole") else told["packets"] > 0
    assert arrived > 0 or fault == "black hole"
    network.become()
    for originator in (local, foreign):
        originator.end()
    for name in ("central", "server"):
        edge.wait_output(name, lambda output: output["pending"] == 0, seconds=60 + SECONDS)
    stored = central.status()["spool"]["stored"]
    central.wait_delivered("print", stored)
    assert_hop(edge, "central", central, "blocks")
    assert_each_once(numbers_of(central, "local"), local.acknowledged)
    assert_each_once(numbers_of(central, "foreign"), foreign.acknowledged)
    received = senders.numbers_by_sender(text.decode() for text in server.received)["local"]
    once = list(dict.fromkeys(received))
    assert set(local.acknowledged) <= set(once) and once == sorted(once)
    resent = edge.output("server")["resent"]
    assert len(received) - len(once) <= resent and (resent > 0 or fault != "black hole")
    print(f"{fault}: {told}, {len(local.acknowledged)} and {len(foreign.acknowledged)} acknowledged in {local.sessions} and "
          f"{foreign.sessions} sessions, {arrived} crossed meanwhile; plain RELP out: {resent} sent again, {len(received) - len(once)} doubled")
    for relay in (edge, central):
        relay.assert_ledger()
        assert relay.stop() == 0
    server.close()


def test_relays_are_killed_on_a_line_that_is_bad_in_turns_and_each_message_is_stored_once(relays, certificates, network, tmp_path):
    """Every half second the line has another fault, or none, and either relay is killed and started again. Between the relays each
    message is stored once all the same, and nothing that a foreign originator has an answer for is lost."""
    print(f"RELAYD_NETWORK_SEED={SEED}")
    keeps_all = [{"type": "relp", "name": "nowhere", "servers": ["127.0.0.1:1"]}]
    edge, central, server, port = two_hosts(relays, certificates, network, keeps_all)
    chance, kills = random.Random(SEED), 0
    local = NewNumbers(port, "local", host=network.near, rate=2000)
    foreign = NewNumbers(FOREIGN_PORT, "foreign", address=FAR, host=network.near, rate=500)
    for originator in (local, foreign):
        originator.start()
    deadline = time.monotonic() + 2 * SECONDS
    while time.monotonic() < deadline:
        network.become(**chance.choice([{}, *FAULTS.values()]))
        time.sleep(chance.uniform(0.1, 0.5))
        relay, host = chance.choice([(edge, network.near), (central, network.far)])
        relay.kill()
        relay.start(command=host.command)
        kills += 1
    network.become()
    for originator in (local, foreign):
        originator.end()
    for name in ("central", "server"):
        edge.wait_output(name, lambda output: output["pending"] == 0, seconds=60)
    assert_hop(edge, "central", central, "blocks")
    for originator in (local, foreign):
        assert_each_once(stored_numbers(central, tmp_path, originator.sender, network.far.command), originator.acknowledged)
    received = senders.numbers_by_sender(text.decode() for text in server.received)["local"]
    assert set(local.acknowledged) <= set(received)
    assert "output_stream_forked" not in edge.log_text() and "output_lost_by_peer" not in edge.log_text()
    print(f"{kills} kills, {len(local.acknowledged)} and {len(foreign.acknowledged)} acknowledged in {local.sessions} and "
          f"{foreign.sessions} sessions; plain RELP out: {len(received) - len(set(received))} doubled")
    for relay in (edge, central):
        assert relay.stop() == 0
    server.close()


# ---- a reset at every octet ----

STREAMS = 30  # at the same time; a relay may have 32 outputs
EACH = 3      # messages in a session
STEP = 5 if SANITIZED else 1  # a sample is enough to look for wrong accesses


def texts(round_number):
    return [senders.message("r", round_number * EACH + i) for i in range(EACH)]


def send(port, messages):
    client = relp.Client(("127.0.0.1", port))
    client.send(messages)
    client.close()


class CutSessions:
    """A relay with many outputs, each with a line of its own that can be cut, and a whole one behind it. In each round the relay starts
    anew (every other time after a kill), a few messages are stored for all outputs, and each output's first session is cut where the
    round says; then the next server is used."""

    def __init__(self, relays, targets, **options):
        self.proxies = [CuttingProxy(target) for target in targets]
        self.port = free_port()
        self.relay = relays.make("edge", [{"type": "relp", "listen": f"127.0.0.1:{self.port}"}], [
            {"type": "relp", "name": f"out{i}", "servers": [f"127.0.0.1:{proxy.port}", f"127.0.0.1:{target}"], "failback_interval": "0s",
             **options} for i, (proxy, target) in enumerate(zip(self.proxies, targets))])
        self.rounds = 0

    def round(self, cuts):
        """Returns for each cut whether the session came so far. (direction, None) is no cut."""
        if self.relay.process is not None and self.rounds % 2:
            self.relay.kill()
        elif self.relay.process is not None:
            assert self.relay.stop() == 0
        for proxy, cut in zip(self.proxies, cuts):
            proxy.arm(*cut)
        self.relay.start()
        send(self.port, texts(self.rounds))
        self.rounds += 1
        for proxy in self.proxies:
            proxy.release()
        wait_until(lambda: all(output["pending"] == 0 for output in self.relay.status()["outputs"]), 60, "the end of a round")
        return [proxy.was_cut for proxy in self.proxies[:len(cuts)]]

    def cut_everywhere(self):
        """Cuts a session after 0, 1, 2, ... octets, forward and backward, until one is over before. Returns how many octets in each
        direction were cut at."""
        self.round([(FORWARD, None)] * len(self.proxies))
        whole = {way: min(proxy.passed[way] for proxy in self.proxies) for way in (FORWARD, BACKWARD)}
        assert min(whole.values()) > 0
        wanted = [(way, octets) for way in whole for octets in range(0, whole[way] + 1, STEP)]
        for start in range(0, len(wanted), len(self.proxies)):
            cuts = wanted[start:start + len(self.proxies)]
            missed = [cut for cut, done in zip(cuts, self.round(cuts + [(FORWARD, None)] * (len(self.proxies) - len(cuts)))) if not done]
            assert not missed, f"not cut: {missed}"
        return whole

    def close(self):
        for proxy in self.proxies:
            proxy.close()


@pytest.mark.sanitized
def test_a_reset_at_every_octet_between_relays_loses_and_doubles_nothing(relays):
    """Blocks: a session is `open`, its answer, the blocks, their answer. Whatever octet is the last one in either direction, every
    message is stored once for each of the streams."""
    ports = [free_port() for _ in range(STREAMS)]
    central = relays.start("central", [{"type": "relp", "name": f"in{i}", "listen": f"127.0.0.1:{port}"} for i, port in enumerate(ports)],
                           [{"type": "file", "name": "all", "path": str(relays.folder / "all"), "format": "raw"}])
    cut = CutSessions(relays, ports)
    whole = cut.cut_everywhere()
    central.wait_delivered("all", central.status()["spool"]["stored"])
    inputs = {row["name"]: row["stored"] for row in central.status()["inputs"]}
    for i, output in enumerate(cut.relay.status()["outputs"]):
        assert output["totals"]["delivered"] == inputs[f"in{i}"], f"stream {i}"
    lines = (relays.folder / "all").read_text().splitlines()
    found = collections.Counter(senders.numbers_by_sender(lines)["r"])
    assert found == {number: STREAMS for number in range(cut.rounds * EACH)}
    assert "output_stream_forked" not in cut.relay.log_text()
    print(f"cut at each of {whole[FORWARD]} octets there and {whole[BACKWARD]} back, in {cut.rounds} rounds")
    cut.close()


def test_a_reset_at_every_octet_towards_a_foreign_server_loses_nothing(relays):
    """Plain RELP from a relay to a server of ours: every message comes at least once to each output's server."""
    server = relp.Server()
    cut = CutSessions(relays, [server.port] * STREAMS, format="raw")
    whole = cut.cut_everywhere()
    found = collections.Counter(senders.numbers_by_sender(text.decode() for text in server.received)["r"])
    assert set(found) == set(range(cut.rounds * EACH)) and min(found.values()) >= STREAMS
    doubled = sum(found.values()) - STREAMS * len(found)
    assert 0 < doubled
    print(f"cut at each of {whole[FORWARD]} octets there and {whole[BACKWARD]} back, in {cut.rounds} rounds; {doubled} came twice")
    assert cut.relay.stop() == 0
    cut.close()
    server.close()


def session_octets(sender):
    frames = [relp.frame(1, b"open", relp.OFFERS)]
    frames += [relp.frame(2 + number, b"syslog", senders.message(sender, number)) for number in range(EACH)]
    return frames, relp.frame(2 + EACH, b"close")


def cut_forward(port, octets):
    """Sends so many octets of a session, then a reset. Returns (sender, what may be stored, what must be)."""
    sender = f"f{octets}"
    frames, close = session_octets(sender)
    sock = senders.connect(port)
    sock.sendall((b"".join(frames) + close)[:octets])
    time.sleep(PAUSE_SECONDS)
    reset(sock)
    whole = sum(len(b"".join(frames[:count + 1])) <= octets for count in range(1, EACH + 1))
    return sender, set(range(whole)), set()


def cut_backward(port, octets):
    """Sends a whole session, reads so many octets of the answers, then a reset. What was answered must be stored."""
    sender = f"b{octets}"
    frames, close = session_octets(sender)
    sock = senders.connect(port)
    sock.sendall(b"".join(frames) + close)
    heard = b""
    while len(heard) < octets and (more := sock.recv(octets - len(heard))):
        heard += more
    reset(sock)
    answered = {number for number in range(EACH) if relp.frame(2 + number, b"rsp", b"200 OK") in heard}
    return sender, set(range(EACH)), answered


def test_a_reset_at_every_octet_of_a_foreign_sender_stores_what_was_answered_and_no_half_message(relays):
    """A foreign sender's session is `open`, three messages, `close`. Whatever octet is the last in either direction: what it has an
    answer for is stored, nothing is stored that was not there to its last octet, and nothing twice, for it sends nothing again."""
    port = free_port()
    relay = relays.start("relay", [{"type": "relp", "listen": f"127.0.0.1:{port}"}])
    frames, close = session_octets("whole")
    sock = senders.connect(port)
    sock.sendall(b"".join(frames) + close)
    backward = len(b"".join(iter(lambda: sock.recv(65536), b"")))
    forward = len(b"".join(session_octets("f1000")[0]) + close)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        cuts = [pool.submit(cut_forward, port, octets) for octets in range(forward + 1)]
        cuts += [pool.submit(cut_backward, port, octets) for octets in range(backward + 1)]
        results = [cut.result() for cut in cuts]
    send(port, [senders.message("last", number) for number in range(EACH)])
    relay.wait_delivered("print", relay.status()["spool"]["stored"])
    found = senders.numbers_by_sender(line["message"] for line in relay.lines())
    for sender, possible, sure in results:
        numbers = found.get(sender, [])
        assert sure <= set(numbers) <= possible and numbers == sorted(set(numbers)), (sender, numbers, possible, sure)
    assert found["whole"] == found["last"] == list(range(EACH))
    relay.assert_ledger()
    print(f"{forward} octets there and {backward} back; {sum(len(found.get(sender, [])) for sender, _, _ in results)} messages stored")
