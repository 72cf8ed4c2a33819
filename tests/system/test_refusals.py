# SPDX-License-Identifier: Apache-2.0
"""What an operator or a peer can do wrong: each gets the clear error, or the stated behaviour, and nothing else suffers."""
import errno
import json
import resource
import shutil
import ssl
import subprocess
import time

import pytest
import senders
from peers import relp
from relay import BIN, SANITIZED, free_port, resident_bytes, socket, wait_until


def run_until_end(relay, seconds=20):
    """Starts a relay that is expected to end by itself; (exit code, what it said)."""
    relay.start(wait=False)
    code = relay.process.wait(seconds)
    relay.process = None
    return code, relay.log_text()


def check(path):
    return subprocess.run([str(BIN / "relayd"), "-c", str(path), "--check"], capture_output=True, text=True)


# ---- configuration ----

@pytest.mark.sanitized
def test_unknown_option_names_its_line_and_the_nearest_name(tmp_path):
    path = tmp_path / "relayd.conf"
    path.write_text('{\n  "inputs": [\n    { "type": "udp",\n      "liste": "127.0.0.1:5514" } ],\n  "outputs": []\n}\n')
    run = check(path)
    assert run.returncode == 2
    assert f"{path}:4" in run.stderr and '"liste"' in run.stderr and '"listen"' in run.stderr, run.stderr


def test_every_mistake_of_a_configuration_is_told_in_one_run(tmp_path):
    path = tmp_path / "relayd.conf"
    path.write_text('{ "spool": { "max_size": "many" },\n"inputs": [ { "type": "upd" } ],\n"outputs": [ { "type": "relp" } ] }')
    run = check(path)
    assert run.returncode == 2
    assert "many" in run.stderr and '"upd"' in run.stderr and '"udp"' in run.stderr and "name" in run.stderr, run.stderr


def test_configuration_that_is_not_there_or_not_json(tmp_path):
    assert check(tmp_path / "none").returncode == 2
    broken = tmp_path / "broken"
    broken.write_text('{ "inputs": [ }')
    run = check(broken)
    assert run.returncode == 2 and str(broken) in run.stderr, run.stderr


# ---- starting ----

def test_port_in_use(relays):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = run_until_end(relays.make("relay", [{"type": "tcp", "listen": f"127.0.0.1:{port}"}]))
    assert code not in (0, None) and f"127.0.0.1:{port}" in said and "in use" in said, said


def test_spool_of_another_process_is_refused(relays):
    first = relays.start("first", [{"type": "tcp", "listen": f"127.0.0.1:{free_port()}"}])
    second = relays.make("second", [{"type": "tcp", "listen": f"127.0.0.1:{free_port()}"}],
                         spool={"path": first.config["spool"]["path"]})
    code, said = run_until_end(second)
    assert code == 3 and first.config["spool"]["path"] in said, (code, said)
    assert str(first.process.pid) in said, "the message names the process that has it"


def test_spool_that_others_may_write_into_is_refused_and_one_that_they_may_look_into_is_told(relays):
    """Whoever may write into the directory can put files of his in the place of the spool's."""
    relay = relays.make("relay", [{"type": "tcp", "listen": f"127.0.0.1:{free_port()}"}])
    path = relay.folder / "spool"
    path.mkdir()
    for mode in (0o777, 0o720):
        path.chmod(mode)
        code, said = run_until_end(relay)
        assert code == 4 and f"its mode is {mode:04o}: make it 0700" in said, (code, said)
        assert list(path.iterdir()) == []
    path.chmod(0o755)
    relay.start()
    assert "spool_directory_open" in relay.log_text() and "0755" in relay.log_text()
    assert relay.stop() == 0
    path.chmod(0o700)
    before = relay.log_text().count("spool_directory_open")
    relay.start()
    assert relay.log_text().count("spool_directory_open") == before == 1


def test_spool_of_a_newer_version_is_refused_and_left_alone(relays):
    """The version in a segment's header is raised; the relay must say so and change nothing."""
    port = free_port()
    relay = relays.start("relay", [{"type": "tcp", "listen": f"127.0.0.1:{port}"}])
    senders.send_stream(senders.connect(port), "v", 10)
    relay.wait_stored(10)
    relay.stop()
    spool = relay.folder / "spool"
    segments = sorted(spool.glob("segment-*"))
    assert segments, list(spool.iterdir())
    before = {}
    for segment in segments:
        octets = bytearray(segment.read_bytes())
        octets[4] = 99  # spool_format.h: the major version of a segment's header
        segment.write_bytes(octets)
        before[segment] = bytes(octets)
    code, said = run_until_end(relay)
    assert code == 4 and "newer" in said, (code, said)
    assert all(segment.read_bytes() == octets for segment, octets in before.items())


def test_cursor_without_its_output_stops_the_start_and_says_how_many_messages_wait(relays):
    port = free_port()
    relay = relays.start("relay", [{"type": "tcp", "listen": f"127.0.0.1:{port}"}],
                         [{"type": "relp", "name": "central", "servers": [f"127.0.0.1:{free_port()}"]}])
    senders.send_stream(senders.connect(port), "v", 25)
    relay.wait_stored(25)
    relay.stop()
    relay.config["outputs"] = [{"type": "stdout", "name": "print"}]
    code, said = run_until_end(relay)
    assert code not in (0, None) and "25 messages" in said and "central" in said and "rename-output" in said, (code, said)


# ---- disk full ----

@pytest.fixture
def small_disk(tmp_path):
    """A file system of 56 MiB of its own."""
    path = tmp_path / "small"
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=56m", "relayd-test", str(path)]).returncode != 0:
        pytest.fail("cannot mount a tmpfs: the tests need root")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def test_full_disk_stops_reading_and_loses_nothing(relays, small_disk):
    """The file system under the spool holds 56 MiB, max_size says 1 GiB. A RELP sender is read until the disk is full and then
    waits without an answer; nothing it was answered for is lost; when the next hop takes messages, it goes on."""
    port, relp_port = free_port(), free_port()
    relay = relays.start("relay", [{"type": "relp", "listen": f"127.0.0.1:{port}"}],
                         [{"type": "relp", "name": "central", "servers": [f"127.0.0.1:{relp_port}"]}],
                         spool={"path": str(small_disk / "spool"), "segment_size": "4MiB", "reserve": "4MiB", "memory": "4MiB"})
    client = relp.Client(("127.0.0.1", port), timeout=4)
    filler = b"x" * 2000
    total = 40_000
    texts = [senders.message("d", n) + filler for n in range(total)]
    with pytest.raises(TimeoutError):
        client.send(texts, window=500)
        client.settle()
    status = relay.status()
    acknowledged = len(client.acknowledged)
    assert 0 < acknowledged < total
    assert status["spool"]["level"] != "open" and relay.process.poll() is None
    assert acknowledged <= status["spool"]["stored"]
    server = relp.Server()
    server_port = server.port
    relay.stop()
    relay.config["outputs"][0]["servers"] = [f"127.0.0.1:{server_port}"]
    relay.start()
    wait_until(lambda: len(server.received) >= acknowledged, 60, "the acknowledged messages")
    got = senders.numbers_by_sender(text.decode() for text in list(server.received))["d"]
    assert set(range(acknowledged)) <= set(got)
    again = relp.Client(("127.0.0.1", port), timeout=20)
    again.send(texts[acknowledged:acknowledged + 1000])
    again.settle()
    assert len(again.acknowledged) == 1000
    again.close()
    relay.stop()
    server.close()


# ---- peers ----

@pytest.mark.sanitized
def test_message_of_ten_mebibytes_is_one_cut_message(relays):
    """Over TCP with both framings, TLS apart, and RELP: the first 64 KiB are kept, flagged, counted; what follows is read normally."""
    tcp, relp_port = free_port(), free_port()
    relay = relays.start("relay", [{"type": "tcp", "listen": f"127.0.0.1:{tcp}"},
                                   {"type": "relp", "listen": f"127.0.0.1:{relp_port}"}])
    huge = b"<38>Oct 11 22:14:15 web01 app: " + b"y" * (10 * 2**20)
    for framing in (senders.frame_lf, senders.frame_counted):
        sock = senders.connect(tcp)
        sock.sendall(framing(huge) + framing(b"<38>Oct 11 22:14:15 web01 app: behind"))
        sock.shutdown(socket.SHUT_WR)
        sock.close()
    client = relp.Client(("127.0.0.1", relp_port))
    client.send([huge, b"<38>Oct 11 22:14:15 web01 app: behind"])
    client.settle()
    assert len(client.acknowledged) == 2
    client.close()
    relay.wait_delivered("print", 6)
    lines = relay.lines()
    cut = [line for line in lines if line["message"].startswith("yyy")]
    assert len(cut) == 3 and sum(line["message"] == "behind" for line in lines) == 3
    for line in cut:
        assert "truncated" in line["relay"]["flags"]
        assert 65536 - 64 <= len(line["message"]) <= 65536
    assert relay.input("tcp")["truncated"] == 2 and relay.input("relp")["truncated"] == 1
    # The log says how many: of the counted one they are known, less the three octets that were looked at for the cut.
    assert f"the next {len(huge) - 65536 - 3} octets are skipped" in relay.log_text()


def test_peer_that_sends_one_byte_a_time_is_read_and_an_idle_one_is_closed(relays):
    """One octet every now and then is enough to stay below the idle time-out; saying nothing is not."""
    port = free_port()
    relay = relays.start("relay", [{"type": "tcp", "listen": f"127.0.0.1:{port}", "idle_timeout": "3s"}])
    slow, idle = senders.connect(port), senders.connect(port)
    text = b"<38>Oct 11 22:14:15 h app: slow"
    idle_closed = None
    for octet in text:
        slow.sendall(bytes([octet]))
        time.sleep(0.15)
    slow.sendall(b"\n")
    relay.wait_delivered("print", 1)
    assert relay.lines()[0]["message"] == "slow"
    idle.settimeout(15)
    idle_closed = idle.recv(1)
    assert idle_closed == b""
    slow.close()
    idle.close()


def test_five_thousand_idle_connections_cost_little_and_others_are_served(relays):
    """Five thousand connections that say nothing; another one is still answered at once, and each costs at most 2 KiB of memory."""
    count = 500 if SANITIZED else 5000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
    port = free_port()
    relay = relays.start("relay", [{"type": "tcp", "listen": f"127.0.0.1:{port}", "max_connections": 10000}])
    senders.send_stream(senders.connect(port), "first", 10)
    relay.wait_delivered("print", 10)
    before = resident_bytes(relay.process.pid)
    idle = [senders.connect(port) for _ in range(count)]
    wait_until(lambda: relay.input("tcp")["connections"] >= count, 20, f"{count} connections")
    each = (resident_bytes(relay.process.pid) - before) / count
    started = time.monotonic()
    senders.send_stream(senders.connect(port), "late", 10)
    relay.wait_delivered("print", 20)
    assert time.monotonic() - started < 5
    for sock in idle:
        sock.close()
    wait_until(lambda: relay.input("tcp")["connections"] == 0, 20, "all connections gone")
    print(f"{each:.0f} octets a connection")
    if not SANITIZED:
        assert each <= 2048
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_connection_limit_and_allowed_peers(relays):
    port, closed_port = free_port(), free_port()
    relay = relays.start("relay", [{"type": "tcp", "name": "few", "listen": f"127.0.0.1:{port}", "max_connections": 2},
                                   {"type": "tcp", "name": "closed", "listen": f"127.0.0.1:{closed_port}",
                                    "allowed_peers": ["192.0.2.0/24"]}])
    first, second = senders.connect(port), senders.connect(port)
    wait_until(lambda: relay.input("few")["connections"] == 2, 5, "two connections")
    third, outsider = senders.connect(port), senders.connect(closed_port)
    for sock in (third, outsider):
        sock.settimeout(5)
        try:
            assert sock.recv(1) == b""
        except OSError as error:
            assert error.errno == errno.ECONNRESET
    assert relay.input("few")["connections_refused"] == 1 and relay.input("closed")["connections_refused"] == 1
    relay.wait_log("not in allowed_peers")
    for sock in (first, second, third, outsider):
        sock.close()


# ---- certificates ----

def handshake(port, context):
    """Connects and reads: a refusal comes as an alert at once (TLS 1.2) or with the first read (TLS 1.3)."""
    sock = senders.connect(port, context)
    sock.settimeout(10)
    return sock.recv(1)


@pytest.mark.sanitized
def test_wrong_client_certificates_are_refused_inside_the_handshake_with_the_reason(relays, certificates, tmp_path):
    """Another name, another authority, expired, none at all: each is refused with an alert, and the log says what was presented, which
    check failed, and what would be right."""
    from certificates import Authority
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", "other authority")
    port = free_port()
    relay = relays.start("relay", [{"type": "tls", "listen": f"127.0.0.1:{port}",
                                    "tls": certificates.tls(certificates.leaf("relay.example.net"), ["good.example.net"])}])
    cases = [
        (certificates.leaf("bad.example.net"), ["bad.example.net", "good.example.net"]),
        (other.leaf("good.example.net"), ["other authority"]),
        (certificates.leaf("good.example.net", days=0), ["expired"]),
        (certificates.self_signed("good.example.net"), ["self"]),
    ]
    for leaf, words in cases:
        before = len(relay.log_text())
        context = senders.client_tls(certificates, leaf)
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            handshake(port, context)
        wait_until(lambda: all(word in relay.log_text()[before:] for word in words), 5, f"{words} in the log")
        assert "127.0.0.1:" in relay.log_text()[before:]
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        handshake(port, senders.client_tls(certificates))
    good = senders.connect(port, senders.client_tls(certificates, certificates.leaf("good.example.net")))
    senders.send_stream(good, "good", 5, senders.frame_counted)
    relay.wait_delivered("print", 5)
    assert relay.input("tls")["tls_refused"] == 5


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_tls_versions_work(relays, certificates, version):
    port = free_port()
    relay = relays.start("relay", [{"type": "tls", "listen": f"127.0.0.1:{port}",
                                    "tls": certificates.tls(certificates.leaf("relay.example.net"), ["good.example.net"])}])
    context = senders.client_tls(certificates, certificates.leaf("good.example.net"))
    context.minimum_version = context.maximum_version = version
    senders.send_stream(senders.connect(port, context), "v", 100, senders.frame_counted)
    relay.wait_delivered("print", 100)


def test_fingerprint_of_a_self_signed_certificate_is_enough(relays, certificates):
    leaf = certificates.self_signed("device")
    for spelling in (leaf.fingerprint, "SHA256:" + leaf.colons(leaf.sha256), leaf.sha256.lower(), "SHA1:" + leaf.colons(leaf.sha1)):
        port = free_port()
        relay = relays.start("relay" + spelling[:7].replace(":", "") + spelling[7:9].replace(":", ""),
                             [{"type": "tls", "listen": f"127.0.0.1:{port}",
                               "tls": certificates.tls(certificates.leaf("relay.example.net"), [spelling])}])
        senders.send_stream(senders.connect(port, senders.client_tls(certificates, leaf)), "f", 3, senders.frame_counted)
        relay.wait_delivered("print", 3)
        relay.stop()


@pytest.mark.sanitized
def test_sighup_takes_new_certificates_for_new_connections(relays, certificates, tmp_path):
    """The certificate's files are replaced and SIGHUP is sent: a connection from before goes on, a new one sees the new certificate.
    A broken file keeps the old one in use."""
    first, second = certificates.leaf("first.example.net"), certificates.leaf("second.example.net")
    certificate, key = tmp_path / "relay.pem", tmp_path / "relay.key"
    shutil.copy(first.certificate, certificate)
    shutil.copy(first.key, key)
    port = free_port()
    relay = relays.start("relay", [{"type": "tls", "listen": f"127.0.0.1:{port}",
                                    "tls": {"certificate": str(certificate), "key": str(key), "ca": str(certificates.certificate),
                                            "peers": ["*.example.net"]}}])
    context = senders.client_tls(certificates, certificates.leaf("client.example.net"))

    def presented():
        sock = senders.connect(port, context)
        name = dict(item[0] for item in sock.getpeercert()["subject"])["commonName"]
        return sock, name
    old, name = presented()
    assert name == "first.example.net"
    shutil.copy(second.certificate, certificate)
    shutil.copy(second.key, key)
    relay.hup()

    def renewed():
        sock, seen = presented()
        sock.close()
        return seen == "second.example.net"
    wait_until(renewed, 10, "the new certificate")
    senders.send_stream(old, "old", 5, senders.frame_counted)
    relay.wait_delivered("print", 5)
    certificate.write_text("not a certificate")
    relay.hup()
    relay.wait_log(str(certificate))
    assert renewed()


def test_output_refused_by_the_next_hop_says_so_and_delivers_nothing(relays, certificates):
    """TLS 1.3: the client's handshake is complete before the server has refused its certificate. The output must not report success,
    nor move its cursor."""
    port, relp_port = free_port(), free_port()
    relays.start("central", [{"type": "relp", "listen": f"127.0.0.1:{relp_port}",
                              "tls": certificates.tls(certificates.leaf("central.example.net"), ["nobody.example.net"])}])
    edge = relays.start("edge", [{"type": "tcp", "listen": f"127.0.0.1:{port}"}],
                        [{"type": "relp", "name": "central", "servers": [f"127.0.0.1:{relp_port}"],
                          "tls": certificates.tls(certificates.leaf("edge.example.net"), ["central.example.net"])}])
    senders.send_stream(senders.connect(port), "r", 5)
    edge.wait_stored(5)
    wait_until(lambda: "certificate" in json.dumps(edge.output("central")), 15, "the refusal in the status")
    output = edge.output("central")
    assert output["delivered"] == 0 and output["pending"] == 5 and output["state"] != "connected"
