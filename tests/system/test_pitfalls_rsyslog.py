# SPDX-License-Identifier: Apache-2.0
"""Pitfalls (the table is in test_pitfalls.py) that need rsyslog: what it writes, and what it makes of what
relayd writes."""
import pytest
import senders
import variety
from peers import rsyslog
from peers.slow_network import SlowNetwork
from relay import free_port, listening, socket, wait_until

RELAY, PEER = "relay.example.net", "rsyslog.example.net"
TAIL = b"<38>Oct 11 22:14:15 web01 app: tail"


def to_relayd(tmp_path, processes, action, statements=""):
    """An rsyslog that takes counted frames on a port and does `action`; the port."""
    port = free_port()
    rsyslog.Rsyslog(tmp_path, processes, f'{statements}module(load="imptcp")\n'
                    f'input(type="imptcp" address="127.0.0.1" port="{port}")\n{action}').start(listening(port))
    return port


def collector(tmp_path, processes, module, statements="", options="", name="rsyslog", limit="64k", kind=socket.SOCK_STREAM):
    """An rsyslog that listens with `module` and writes JSON lines to $FOLDER/out; (rsyslog, port)."""
    port = free_port(kind)
    made = rsyslog.Rsyslog(tmp_path, processes, f'{statements or f"""module(load="{module}")"""}\n'
                           f'input(type="{module}" port="{port}" {options} ruleset="keep")\n'
                           'ruleset(name="keep") { action(type="omfile" file="$FOLDER/out" template="j") }\n', name, limit)
    return made.start(listening(port)), port


def sender(relays, output, name="relay", **options):
    """A relay that takes counted frames on a port and sends to `output`; (relay, port)."""
    port = free_port()
    return relays.start(name, [{"type": "tcp", "name": "in", "listen": f"127.0.0.1:{port}", **options}],
                        [{"name": "next", **output}]), port


# ---- what rsyslog writes ----

@pytest.mark.parametrize("framing", ["", 'TCP_Framing="octet-counted"'], ids=["lf", "octet-counting"])
def test_pitfall_01_rsyslog_sends_lf_frames_over_tls(observe, tmp_path, processes, certificates, framing):
    """omfwd over TLS ends messages with LF unless told otherwise, against RFC 5425. relayd's TLS input reads that, and counted frames,
    without an option."""
    port = free_port()
    observed = observe({"type": "tls", "name": "in", "listen": f"127.0.0.1:{port}",
                        "tls": certificates.tls(certificates.leaf(RELAY), [PEER])})
    feed = to_relayd(tmp_path, processes,
                     f'action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" StreamDriver="gtls" StreamDriverMode="1" '
                     f'StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="{RELAY}" {framing})',
                     rsyslog.stream_tls(certificates, certificates.leaf(PEER), "gtls"))
    texts = [senders.message("tls", number) for number in range(20)]
    variety.send_counted(feed, texts)
    assert observed.raws(20) == texts


def test_pitfall_12_rsyslog_writes_two_spaces_and_an_lf_into_its_rfc5424(observe, tmp_path, processes):
    """RSYSLOG_SyslogProtocol23Format with legacy input: two SP before MSG, and an LF that belongs to the template, so RELP counts it. The
    first SP separates, the second is data; the LF is no part of MSG."""
    port = free_port()
    observed = observe({"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"})
    feed = to_relayd(tmp_path, processes,
                     f'action(type="omrelp" target="127.0.0.1" port="{port}" template="RSYSLOG_SyslogProtocol23Format")',
                     'module(load="omrelp")\n')
    variety.send_counted(feed, [b"<38>Oct 11 22:14:15 web01 app[12]: legacy in"])
    line, raw = observed.lines(1)[0], observed.raws(1)[0]
    assert raw.endswith(b" web01 app 12 - -  legacy in\n") and raw.startswith(b"<38>1 ")
    assert line["message"].strip() == "legacy in" and "\n" not in line["message"]
    assert (line["hostname"], line["app_name"], line["procid"]) == ("web01", "app", "12")


def test_pitfall_25_rsyslog_drops_structured_data_in_its_default_format(observe, tmp_path, processes):
    """RFC 5424 into rsyslog, omfwd in its default (legacy) format out: SD and MSGID are gone before relayd sees anything. What does
    come is kept as it is, and nothing is invented."""
    port = free_port()
    observed = observe({"type": "tcp", "name": "in", "listen": f"127.0.0.1:{port}"})
    feed = to_relayd(tmp_path, processes, f'action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp")')
    variety.send_counted(feed, [b'<165>1 2026-10-11T22:14:15Z web01 ev 77 ID47 [x@32473 a="b"] text'])
    assert observed.raws(1) == [b"<165>Oct 11 22:14:15 web01 ev[77] text"]
    line = observed.lines(1)[0]
    assert "structured_data" not in line and "msgid" not in line
    assert (line["hostname"], line["app_name"], line["procid"], line["message"]) == ("web01", "ev", "77", "text")


# ---- what it makes of what relayd writes ----

def test_pitfall_06_a_legacy_line_that_begins_with_digits_arrives_at_imtcp(relays, tmp_path, processes):
    """Such a line sent to imtcp as it is would be a length, and imtcp would wait for 2,025 octets. relayd always writes a PRI in front,
    so it arrives, also with LF frames and format raw."""
    peer, port = collector(tmp_path, processes, "imtcp")
    _, feed = sender(relays, {"type": "tcp", "servers": [f"127.0.0.1:{port}"], "framing": "non-transparent", "format": "raw"})
    senders.finish(senders.connect(feed), b"2025 Oct 11 22:14:15 web01 app: x\n5 apples\n" + TAIL + b"\n")
    assert peer.raws(3) == [b"<13>2025 Oct 11 22:14:15 web01 app: x", b"<13>5 apples", TAIL]


@pytest.mark.parametrize("module", ["imtcp", "imptcp"])
def test_pitfall_08_a_message_that_is_too_long_for_rsyslog(relays, tmp_path, processes, module):
    """rsyslog's limit is 8 KiB; over it imtcp splits, and imptcp writes one copy for each surplus octet. relayd's limit on the input
    prevents it, also with LF frames: the message arrives once, cut by relayd, flagged and counted."""
    peer, port = collector(tmp_path, processes, module, limit="8k")
    relay, feed = sender(relays, {"type": "tcp", "servers": [f"127.0.0.1:{port}"], "framing": "non-transparent", "format": "raw"},
                         max_message_size=8192 - 64)
    variety.send_counted(feed, [b"<38>Oct 11 22:14:15 web01 app: ".ljust(9028, b"x"), TAIL])
    received = peer.raws(2)
    assert [len(text) for text in received] == [8192 - 64, len(TAIL)] and received[1] == TAIL
    assert relay.input("in")["truncated"] == 1


@pytest.mark.parametrize("framing, replaced, expected", [("non-transparent", 2, b"one two three"), ("octet-counting", 0, b"one#012two#012three")])
def test_pitfall_09_lf_in_msg_to_rsyslog(relays, tmp_path, processes, framing, replaced, expected):
    """A message with LF in it. LF frames cannot carry it: relayd writes a space and counts each, and rsyslog gets one message. Counted
    frames carry it (rsyslog itself shows it as #012)."""
    peer, port = collector(tmp_path, processes, "imtcp")
    relay, feed = sender(relays, {"type": "tcp", "servers": [f"127.0.0.1:{port}"], "framing": framing, "format": "raw"})
    variety.send_counted(feed, [b"<38>Oct 11 22:14:15 web01 app: one\ntwo\nthree", TAIL])
    assert peer.raws(2) == [b"<38>Oct 11 22:14:15 web01 app: " + expected, TAIL]
    relay.wait_delivered("next", 2)
    assert relay.output("next")["replaced_octets"] == replaced


def test_pitfall_11_nul_on_its_way_through_rsyslog(relays, tmp_path, processes):
    """relayd keeps a NUL and sends it; rsyslog, and only rsyslog, shows it as #000."""
    peer, port = collector(tmp_path, processes, "imrelp")
    relay, feed = sender(relays, {"type": "relp", "servers": [f"127.0.0.1:{port}"], "format": "raw"})
    variety.send_counted(feed, [b"<38>Oct 11 22:14:15 web01 app: a\0b"])
    assert peer.raws(1) == [b"<38>Oct 11 22:14:15 web01 app: a#000b"]


def test_pitfall_15_text_without_a_header_reaches_rsyslog_as_text(relays, tmp_path, processes):
    """Sent raw, rsyslog takes "free" for the host and "text" for the tag. As RFC 5424, the default, the text is MSG and the host is the
    peer's address."""
    peer, port = collector(tmp_path, processes, "imrelp")
    _, feed = sender(relays, {"type": "relp", "servers": [f"127.0.0.1:{port}"]})
    variety.send_counted(feed, [b"<34>free text here"])
    peer.raws(1)
    line = peer.lines()[0]
    assert (line["pri"], line["host"], line["msg"].strip()) == ("34", "127.0.0.1", "free text here"), line


def test_pitfall_17_nine_fraction_digits_are_six_for_rsyslog(relays, tmp_path, processes):
    """rsyslog takes nine digits and then prints stray octets. Written by relayd, also for what came as RFC 5424, there are six."""
    peer, port = collector(tmp_path, processes, "imrelp")
    _, feed = sender(relays, {"type": "relp", "servers": [f"127.0.0.1:{port}"]})
    variety.send_counted(feed, [b"<34>1 2026-10-11T22:14:15.123456789Z web01 app - - - five",
                                b"<34>2026-10-11T22:14:15.123456789Z web01 app: three"])
    for raw, line in zip(peer.raws(2), peer.lines()):
        assert b"2026-10-11T22:14:15.123456Z" in raw
        assert line["ts"].startswith("2026-10-11T22:14:15.123456") and line["ts"].isascii()
        assert (line["host"], line["tag"].rstrip(":")) == ("web01", "app")


def test_pitfall_20_ipv6_hostname_reaches_rsyslog_as_the_host(relays, tmp_path, processes):
    """rsyslog reads an IPv6 address in a legacy header as host and tag. As RFC 5424, written by relayd, it is the host."""
    peer, port = collector(tmp_path, processes, "imrelp")
    _, feed = sender(relays, {"type": "relp", "servers": [f"127.0.0.1:{port}"]})
    variety.send_counted(feed, [b"<34>Oct 11 22:14:15 2001:db8::1 sshd[1]: x"])
    peer.raws(1)
    assert (peer.lines()[0]["host"], peer.lines()[0]["tag"]) == ("2001:db8::1", "sshd[1]")


def test_pitfall_29_udp_text_that_begins_with_z(relays, tmp_path, processes):
    """rsyslog tries to unpack a datagram that begins with z. relayd never sends one: there is a PRI in front, raw or not."""
    peer, port = collector(tmp_path, processes, "imudp", kind=socket.SOCK_DGRAM)
    _, feed = sender(relays, {"type": "udp", "server": f"127.0.0.1:{port}", "format": "raw"})
    variety.send_counted(feed, [TAIL])
    senders.finish(senders.connect(feed), b"zebra crossing\n")
    assert peer.raws(2) == [TAIL, b"<13>zebra crossing"]
    assert "ncompression" not in peer.said()


# ---- certificates ----

def imtcp_tls(certificates, driver, mode, permitted, leaf):
    return (rsyslog.stream_tls(certificates, leaf, driver)
            + f'module(load="imtcp" StreamDriver.Name="{driver}" StreamDriver.Mode="1" StreamDriver.AuthMode="{mode}" '
              f'PermittedPeer="{permitted}")')


def tls_sender(relays, certificates, port, leaf, peers=(PEER,), name="relay"):
    relay, feed = sender(relays, {"type": "tls", "servers": [f"127.0.0.1:{port}"], "format": "raw",
                                  "tls": certificates.tls(leaf, list(peers))}, name)
    variety.send_counted(feed, variety.MESSAGES)
    relay.wait_stored(len(variety.MESSAGES))
    return relay


def assert_refused(relay, peer):
    output = relay.wait_output("next", lambda output: output["detail"])
    assert "refused" in output["state"] and "refused" in output["detail"], output
    # Two more attempts end in the same way, and nothing has moved.
    relay.wait_output("next", lambda output: output["connects"] >= 2 and output["state"].startswith("refused"))
    output = relay.output("next")
    assert output["delivered"] == 0 and output["pending"] == len(variety.MESSAGES), output
    assert peer.lines() == []


@pytest.mark.parametrize("spelling, accepted", [("SHA1:{sha1}", True), ("SHA256:{sha256}", True), ("sha-1:{sha1}", False)])
def test_pitfall_30_spellings_of_fingerprints_at_rsyslog(relays, tmp_path, processes, certificates, spelling, accepted):
    """imtcp (gtls) knows relayd's self-signed certificate by `SHA1:` or `SHA256:` in upper case; RFC 5425's own `sha-1:` it never
    matches, and then relayd says that it is refused. (relayd's own option takes all of them: test_refusals.)"""
    ours = certificates.self_signed(RELAY)
    permitted = spelling.format(sha1=ours.colons(ours.sha1), sha256=ours.colons(ours.sha256))
    peer, port = collector(tmp_path, processes, "imtcp",
                           imtcp_tls(certificates, "gtls", "x509/fingerprint", permitted, certificates.leaf(PEER)))
    relay = tls_sender(relays, certificates, port, ours)
    if accepted:
        assert peer.raws(len(variety.MESSAGES)) == variety.MESSAGES
    else:
        assert_refused(relay, peer)


def test_pitfall_31_the_ossl_driver_of_rsyslog_accepts_any_client_of_the_authority(relays, tmp_path, processes, certificates):
    """imtcp with the ossl driver permits another name only. It checks the name only if the whole handshake is there when it looks for
    the first time; on a network that takes its time it accepts relayd's messages. That is its fault: refusals are tested
    against gtls (row 33) and against relayd (test_refusals)."""
    peer, port = collector(tmp_path, processes, "imtcp",
                           imtcp_tls(certificates, "ossl", "x509/name", "other.example.net", certificates.leaf(PEER)))
    network = SlowNetwork(port)
    tls_sender(relays, certificates, network.port, certificates.leaf(RELAY))
    assert peer.raws(len(variety.MESSAGES)) == variety.MESSAGES
    network.close()


def test_pitfall_33_refused_behind_a_handshake_that_looked_complete(relays, tmp_path, processes, certificates):
    """imtcp (gtls) permits another name. Under TLS 1.3 relayd's handshake is over and its messages are written before rsyslog closes:
    nothing may count as delivered, again and again, and the status says "refused"."""
    peer, port = collector(tmp_path, processes, "imtcp",
                           imtcp_tls(certificates, "gtls", "x509/name", "other.example.net", certificates.leaf(PEER)))
    assert_refused(tls_sender(relays, certificates, port, certificates.leaf(RELAY)), peer)


def test_pitfall_35_wildcard_in_the_certificate(relays, observe, tmp_path, processes, certificates):
    """A certificate for *.example.test. relayd as a client takes it for a.example.test, not for example.test nor a.b.example.test.
    rsyslog as a client (gtls) compares it literally and refuses relayd."""
    wild = certificates.leaf("*.example.test")
    for expected, accepted in (("a.example.test", True), ("example.test", False), ("a.b.example.test", False)):
        peer, port = collector(tmp_path, processes, "imtcp", imtcp_tls(certificates, "gtls", "x509/certvalid", "", wild).replace(
            'PermittedPeer=""', ""), name=f"rsyslog-{expected}")
        relay = tls_sender(relays, certificates, port, certificates.leaf(RELAY), [expected], expected)
        if accepted:
            assert peer.raws(len(variety.MESSAGES)) == variety.MESSAGES
        else:
            output = relay.wait_output("next", lambda output: output["detail"])
            assert "*.example.test" in output["detail"] and output["delivered"] == 0, output

    port = free_port()
    observed = observe({"type": "tls", "name": "in", "listen": f"127.0.0.1:{port}", "tls": certificates.tls(wild, [PEER])}, name="wild")
    feed = to_relayd(tmp_path, processes,
                     f'action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" StreamDriver="gtls" StreamDriverMode="1" '
                     f'StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="a.example.test")',
                     rsyslog.stream_tls(certificates, certificates.leaf(PEER), "gtls"))
    variety.send_counted(feed, [TAIL])
    wait_until(lambda: observed.relay.input("in")["connections_total"] >= 1, 20, "an attempt of rsyslog")
    assert observed.relay.input("in")["received"] == 0

