# SPDX-License-Identifier: Apache-2.0
"""rsyslog on either side of relayd: RELP, TCP and TLS, every framing, every octet compared with what was sent."""
import json

import pytest
import senders
import variety
from peers import rsyslog
from relay import free_port, listening

COUNT = 300
RELAY, PEER = "relay.example.net", "rsyslog.example.net"
FRAMINGS = {"lf": "", "octet-counting": 'TCP_Framing="octet-counted"'}


# ---- rsyslog -> relayd ----

def forwarder(tmp_path, processes, action, statements=""):
    """An rsyslog that reads counted frames on a port and does `action` with each message; (rsyslog, port)."""
    port = free_port()
    made = rsyslog.Rsyslog(tmp_path, processes, f'{statements}module(load="imptcp")\n'
                           f'input(type="imptcp" address="127.0.0.1" port="{port}")\n{action}')
    return made.start(listening(port)), port


@pytest.mark.sanitized
def test_omrelp_plain(observe, tmp_path, processes):
    """rsyslog passes what it received on to relayd over plain RELP. Every message arrives as it was sent, once, in order."""
    port = free_port()
    observed = observe({"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"})
    _, feed = forwarder(tmp_path, processes, f'action(type="omrelp" target="127.0.0.1" port="{port}" template="raw")',
                        'module(load="omrelp")\n')
    sent = variety.numbered(COUNT)
    variety.send_counted(feed, sent)
    variety.assert_same(observed.raws(COUNT), sent)
    assert observed.relay.input("in")["received"] == COUNT and observed.relay.input("in")["protocol_errors"] == 0


@pytest.mark.parametrize("library", ["gnutls", "openssl"])
def test_omrelp_over_tls_with_names_checked_on_both_sides(observe, tmp_path, processes, certificates, library):
    """The same over TLS, with each of librelp's TLS libraries: rsyslog checks relayd's name, relayd checks rsyslog's."""
    port = free_port()
    observed = observe({"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}",
                        "tls": certificates.tls(certificates.leaf(RELAY), [PEER])})
    options = rsyslog.relp_tls(certificates, certificates.leaf(PEER), [RELAY])
    _, feed = forwarder(tmp_path, processes,
                        f'action(type="omrelp" target="127.0.0.1" port="{port}" template="raw" {options})',
                        f'module(load="omrelp" tls.tlslib="{library}")\n')
    sent = variety.numbered(COUNT)
    variety.send_counted(feed, sent)
    variety.assert_same(observed.raws(COUNT), sent)
    assert observed.lines(1)[0]["relay"]["peer"]["transport"] == "relp-tls"


@pytest.mark.parametrize("framing", FRAMINGS)
def test_omfwd_over_tcp(observe, tmp_path, processes, framing):
    """omfwd with its default framing (LF) and with octet counting, in its default (legacy) format, which gives a legacy message
    back as it came."""
    port = free_port()
    observed = observe({"type": "tcp", "name": "in", "listen": f"127.0.0.1:{port}"})
    _, feed = forwarder(tmp_path, processes,
                        f'action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" {FRAMINGS[framing]})')
    sent = [text for text in variety.numbered(COUNT) if text.startswith(variety.LEGACY[:20])]
    variety.send_counted(feed, sent)
    variety.assert_same(observed.raws(len(sent)), sent)


def test_omfwd_over_udp(observe, tmp_path, processes):
    """omfwd writes one datagram a message, without a trailer."""
    port = free_port(senders.socket.SOCK_DGRAM)
    observed = observe({"type": "udp", "name": "in", "listen": f"127.0.0.1:{port}"})
    _, feed = forwarder(tmp_path, processes,
                        f'action(type="omfwd" target="127.0.0.1" port="{port}" protocol="udp" template="raw")')
    variety.send_counted(feed, variety.MESSAGES)
    variety.assert_same(observed.raws(len(variety.MESSAGES)), variety.MESSAGES)


@pytest.mark.parametrize("driver", ["gtls", "ossl"])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_omfwd_over_tls(observe, tmp_path, processes, certificates, framing, driver):
    """omfwd over TLS with each netstream driver, relayd's name checked: LF frames, its default although RFC 5425 knows octet
    counting only, and octet counting."""
    port = free_port()
    observed = observe({"type": "tls", "name": "in", "listen": f"127.0.0.1:{port}",
                        "tls": certificates.tls(certificates.leaf(RELAY), [PEER])})
    _, feed = forwarder(tmp_path, processes,
                        f'action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" {FRAMINGS[framing]} template="raw" '
                        f'StreamDriver="{driver}" StreamDriverMode="1" StreamDriverAuthMode="x509/name" '
                        f'StreamDriverPermittedPeers="{RELAY}")',
                        rsyslog.stream_tls(certificates, certificates.leaf(PEER), driver))
    sent = variety.numbered(COUNT)
    variety.send_counted(feed, sent)
    variety.assert_same(observed.raws(COUNT), sent)


# ---- relayd -> rsyslog ----

def collector(tmp_path, processes, module, statements="", options="", port=None, limit="64k"):
    """An rsyslog that listens with `module` and writes what it received to $FOLDER/out; (rsyslog, port)."""
    port = port or free_port()
    made = rsyslog.Rsyslog(tmp_path, processes, f'{statements}input(type="{module}" port="{port}" {options} ruleset="keep")\n'
                           'ruleset(name="keep") { action(type="omfile" file="$FOLDER/out" template="j") }\n', limit=limit)
    return made.start(listening(port)), port


def sender(relays, output, **more):
    """A relay that takes counted frames on a port and sends them, as received, to `output`; (relay, port)."""
    port = free_port()
    return relays.start("relay", [{"type": "tcp", "name": "in", "listen": f"127.0.0.1:{port}"}],
                        [{"name": "next", "format": "raw", **output, **more}]), port


@pytest.mark.sanitized
def test_relp_output_to_imrelp(relays, tmp_path, processes):
    """relayd sends to imrelp. rsyslog has every octet, and relayd counts as delivered exactly what rsyslog acknowledged."""
    peer, port = collector(tmp_path, processes, "imrelp", 'module(load="imrelp")\n')
    relay, feed = sender(relays, {"type": "relp", "servers": [f"127.0.0.1:{port}"]})
    sent = variety.numbered(COUNT)
    variety.send_counted(feed, sent)
    relay.wait_delivered("next", COUNT)
    variety.assert_same(peer.raws(COUNT), sent)
    output = relay.output("next")
    assert output["confirmed"] is True and output["pending"] == 0 and output["resent"] == 0
    assert output["totals"]["delivered"] == COUNT


@pytest.mark.parametrize("library", ["gnutls", "openssl"])
def test_relp_output_to_imrelp_over_tls_with_names(relays, tmp_path, processes, certificates, library):
    """imrelp checks relayd's name (dNSName), relayd checks imrelp's."""
    options = rsyslog.relp_tls(certificates, certificates.leaf(PEER), [RELAY])
    peer, port = collector(tmp_path, processes, "imrelp", f'module(load="imrelp" tls.tlslib="{library}")\n', options)
    relay, feed = sender(relays, {"type": "relp", "servers": [f"127.0.0.1:{port}"],
                                  "tls": certificates.tls(certificates.leaf(RELAY), [PEER])})
    sent = variety.numbered(COUNT)
    variety.send_counted(feed, sent)
    relay.wait_delivered("next", COUNT)
    variety.assert_same(peer.raws(COUNT), sent)


@pytest.mark.parametrize("label", ["SHA1", "SHA256"])
def test_relp_output_to_imrelp_over_tls_with_fingerprints(relays, tmp_path, processes, certificates, label):
    """Self-signed certificates on both sides: imrelp (gnutls) knows relayd by its fingerprint in its own spelling, relayd knows
    imrelp by its fingerprint as RFC 5425 writes it."""
    ours, theirs = certificates.self_signed(RELAY), certificates.self_signed(PEER)
    digest = {"SHA1": ours.sha1, "SHA256": ours.sha256}[label]
    options = rsyslog.relp_tls(certificates, theirs, [f"{label}:{ours.colons(digest)}"], "fingerprint")
    peer, port = collector(tmp_path, processes, "imrelp", 'module(load="imrelp" tls.tlslib="gnutls")\n', options)
    tls = certificates.tls(ours, [theirs.fingerprint])
    del tls["ca"]
    relay, feed = sender(relays, {"type": "relp", "servers": [f"127.0.0.1:{port}"], "tls": tls})
    variety.send_counted(feed, variety.MESSAGES)
    relay.wait_delivered("next", len(variety.MESSAGES))
    variety.assert_same(peer.raws(len(variety.MESSAGES)), variety.MESSAGES)


@pytest.mark.parametrize("mode", ["name", "fingerprint"])
def test_relp_output_refused_by_imrelp_delivers_nothing_and_says_so(relays, tmp_path, processes, certificates, mode):
    """imrelp (gnutls) permits another peer, by name or by fingerprint. Its refusal comes after the handshake of TLS 1.3 looked
    complete: relayd must not count anything as delivered, must not call itself connected, must keep every message, and must
    say that it was refused."""
    ours = certificates.leaf(RELAY)
    permitted = {"name": "other.example.net", "fingerprint": "SHA1:" + ours.colons("0" * 40)}[mode]
    options = rsyslog.relp_tls(certificates, certificates.leaf(PEER), [permitted], mode)
    peer, port = collector(tmp_path, processes, "imrelp", 'module(load="imrelp" tls.tlslib="gnutls")\n', options)
    relay, feed = sender(relays, {"type": "relp", "servers": [f"127.0.0.1:{port}"],
                                  "tls": certificates.tls(ours, [PEER])})
    variety.send_counted(feed, variety.MESSAGES)
    relay.wait_stored(len(variety.MESSAGES))
    output = relay.wait_output("next", lambda output: output["detail"])
    assert "refused" in json.dumps([output["state"], output["detail"]]), output
    assert output["delivered"] == 0 and output["pending"] == len(variety.MESSAGES) and output["state"] != "connected", output
    assert peer.lines() == []


def test_relp_output_refuses_an_imrelp_of_another_name(relays, tmp_path, processes, certificates):
    """The other way round: rsyslog would take relayd, but its certificate is not the one relayd was told to expect."""
    options = rsyslog.relp_tls(certificates, certificates.leaf(PEER), [RELAY])
    peer, port = collector(tmp_path, processes, "imrelp", 'module(load="imrelp")\n', options)
    relay, feed = sender(relays, {"type": "relp", "servers": [f"127.0.0.1:{port}"],
                                  "tls": certificates.tls(certificates.leaf(RELAY), ["other.example.net"])})
    variety.send_counted(feed, variety.MESSAGES)
    relay.wait_stored(len(variety.MESSAGES))
    output = relay.wait_output("next", lambda output: output["detail"])
    assert PEER in output["detail"] and "other.example.net" in output["detail"], output
    assert output["delivered"] == 0 and output["pending"] == len(variety.MESSAGES)
    assert peer.lines() == []


@pytest.mark.parametrize("framing", ["octet-counting", "non-transparent"])
@pytest.mark.parametrize("module", ["imtcp", "imptcp"])
def test_tcp_output(relays, tmp_path, processes, module, framing):
    """Plain TCP to each of rsyslog's two TCP inputs, which detect the framing for each frame."""
    peer, port = collector(tmp_path, processes, module, f'module(load="{module}")\n')
    relay, feed = sender(relays, {"type": "tcp", "servers": [f"127.0.0.1:{port}"], "framing": framing})
    sent = variety.numbered(COUNT)
    variety.send_counted(feed, sent)
    variety.assert_same(peer.raws(COUNT), sent)
    relay.wait_delivered("next", COUNT)
    assert relay.output("next")["confirmed"] is False


@pytest.mark.parametrize("driver", ["gtls", "ossl"])
@pytest.mark.parametrize("framing", ["octet-counting", "non-transparent"])
def test_tls_output(relays, tmp_path, processes, certificates, framing, driver):
    """TLS to imtcp with each netstream driver; names are checked on both sides."""
    peer, port = collector(tmp_path, processes, "imtcp", rsyslog.stream_tls(certificates, certificates.leaf(PEER), driver)
                           + f'module(load="imtcp" StreamDriver.Name="{driver}" StreamDriver.Mode="1" '
                             f'StreamDriver.AuthMode="x509/name" PermittedPeer="{RELAY}")\n')
    relay, feed = sender(relays, {"type": "tls", "servers": [f"127.0.0.1:{port}"], "framing": framing,
                                  "tls": certificates.tls(certificates.leaf(RELAY), [PEER])})
    sent = variety.numbered(COUNT)
    variety.send_counted(feed, sent)
    variety.assert_same(peer.raws(COUNT), sent)
    relay.wait_delivered("next", COUNT)


def test_udp_output(relays, tmp_path, processes):
    """One datagram a message to imudp."""
    port = free_port(senders.socket.SOCK_DGRAM)
    peer, port = collector(tmp_path, processes, "imudp", 'module(load="imudp")\n', port=port)
    relay, feed = sender(relays, {"type": "udp", "server": f"127.0.0.1:{port}"})
    variety.send_counted(feed, variety.MESSAGES)
    relay.wait_delivered("next", len(variety.MESSAGES))
    variety.assert_same(peer.raws(len(variety.MESSAGES)), variety.MESSAGES)


def test_legacy_messages_reach_rsyslog_as_the_same_fields_when_relayd_writes_rfc5424(relays, tmp_path, processes):
    """The default format of an output is RFC 5424 whatever came in: a legacy line, re-written by relayd, must mean the same to
    rsyslog as the line itself."""
    peer, port = collector(tmp_path, processes, "imrelp", 'module(load="imrelp")\n')
    relay, feed = sender(relays, {"type": "relp", "servers": [f"127.0.0.1:{port}"]}, format="rfc5424")
    variety.send_counted(feed, [b"<86>Oct 11 22:14:15 web01 sshd[412]: Failed password for root"])
    relay.wait_delivered("next", 1)
    peer.raws(1)
    line = peer.lines()[0]
    assert (line["pri"], line["host"], line["tag"], line["msg"]) == ("86", "web01", "sshd[412]", "Failed password for root"), line
