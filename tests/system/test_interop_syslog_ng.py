# SPDX-License-Identifier: Apache-2.0
"""syslog-ng on either side of relayd: its network() and its syslog() drivers over UDP, TCP and TLS, every octet compared."""
import pytest
import senders
import variety
from peers import syslog_ng
from relay import free_port, listening

COUNT = 300
RELAY, PEER = "relay.example.net", "syslog-ng.example.net"

TEXTS = [b"plain text", "Gr\u00fc\u00dfe, \u65e5\u672c\u8a9e".encode(), b"percent %s, quote \" ' and backslash \\ \\n", b"x" * 4000]
LEGACY = [b"<38>Oct 11 22:14:15 web01 app[7]: " + text for text in TEXTS]
RFC5424 = [b"<165>1 2026-10-11T22:14:15+00:00 web01 app 7 ID47 " + rest for rest in
           (b"- plain", b'[ex@32473 quoted="a\\"b\\\\c\\]d" user="root"] elements', b"- " + b"x" * 4000, b"- ")]


def numbered(first, template):
    return first + [template % number for number in range(COUNT - len(first))]


NUMBERED_LEGACY = numbered(LEGACY, b"<38>Oct 11 22:14:15 web01 app[7]: number %d")
NUMBERED_RFC5424 = numbered(RFC5424, b"<165>1 2026-10-11T22:14:15+00:00 web01 app 7 ID47 - number %d")


# ---- syslog-ng -> relayd ----

def forwarder(tmp_path, processes, source, destination):
    """A syslog-ng that reads from `source` (with PORT in it) and writes to `destination`; (syslog-ng, port)."""
    port = free_port()
    made = syslog_ng.SyslogNg(tmp_path, processes, f"source s {{ {source.replace('PORT', str(port))}; }};\n"
                              f"destination d {{ {destination}; }};\nlog {{ source(s); destination(d); flags(flow-control); }};\n")
    return made.start(listening(port)), port


FROM_LF = 'network(ip("127.0.0.1") port(PORT) transport("tcp"))'
FROM_COUNTED = 'syslog(ip("127.0.0.1") port(PORT) transport("tcp"))'


def relay_input(transport, certificates):
    port = free_port(senders.socket.SOCK_DGRAM if transport == "udp" else senders.socket.SOCK_STREAM)
    settings = {"type": transport, "name": "in", "listen": f"127.0.0.1:{port}"}
    if transport == "tls":
        settings["tls"] = certificates.tls(certificates.leaf(RELAY, [f"DNS:{RELAY}", "IP:127.0.0.1"]), [PEER])
    return settings, port


def destination(driver, transport, port, certificates):
    tls = syslog_ng.tls(certificates, certificates.leaf(PEER)) if transport == "tls" else ""
    return f'{driver}("127.0.0.1" port({port}) transport("{transport}") {tls})'


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_network_driver(observe, tmp_path, processes, certificates, transport):
    """network() ends each message with LF on every transport, TLS included, and as a datagram too. relayd gets each legacy
    message as it was sent to syslog-ng; over TLS both check the other's certificate. relayd keeps the datagram's LF as received,
    and it is no part of the text."""
    settings, port = relay_input(transport, certificates)
    observed = observe(settings)
    _, feed = forwarder(tmp_path, processes, FROM_LF, destination("network", transport, port, certificates))
    sent = LEGACY if transport == "udp" else NUMBERED_LEGACY
    senders.finish(senders.connect(feed), b"".join(map(senders.frame_lf, sent)))
    trailer = b"\n" if transport == "udp" else b""
    variety.assert_same(observed.raws(len(sent)), [text + trailer for text in sent])
    assert [line["message"].encode() for line in observed.lines(len(TEXTS))[:len(TEXTS)]] == TEXTS
    assert observed.relay.input("in")["protocol_errors"] == 0


@pytest.mark.sanitized
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_syslog_driver(observe, tmp_path, processes, certificates, transport):
    """syslog() writes RFC 5424, octet-counted over TCP and TLS; in each frame and datagram the last octet is LF. relayd takes it
    for a trailer in a frame and keeps it as received in a datagram; either way it is no part of MSG. The rest is what was sent to
    syslog-ng."""
    settings, port = relay_input(transport, certificates)
    observed = observe(settings)
    _, feed = forwarder(tmp_path, processes, FROM_COUNTED, destination("syslog", transport, port, certificates))
    sent = RFC5424 if transport == "udp" else NUMBERED_RFC5424
    variety.send_counted(feed, sent)
    trailer = b"\n" if transport == "udp" else b""
    variety.assert_same(observed.raws(len(sent)), [text + trailer for text in sent])
    for line in observed.lines(len(sent)):
        assert "\n" not in line.get("message", ""), line
        assert (line["app_name"], line["procid"], line["msgid"]) == ("app", "7", "ID47")
    assert observed.lines(2)[1]["structured_data"] == {"ex@32473": {"quoted": 'a"b\\c]d', "user": "root"}}
    assert observed.relay.input("in")["protocol_errors"] == 0


# ---- relayd -> syslog-ng ----

def collector(tmp_path, processes, driver, transport, certificates):
    """A syslog-ng that writes to $FOLDER/out each message as it received it; (syslog-ng, port)."""
    port = free_port(senders.socket.SOCK_DGRAM if transport == "udp" else senders.socket.SOCK_STREAM)
    tls = syslog_ng.tls(certificates, certificates.leaf(PEER)) if transport == "tls" else ""
    made = syslog_ng.SyslogNg(tmp_path, processes,
                              f'source s {{ {driver}(ip("127.0.0.1") port({port}) transport("{transport}") {tls} flags(no-parse)); }};\n'
                              'destination d { file("$FOLDER/out" template("$MSG\\n")); };\n'
                              'log { source(s); destination(d); flags(flow-control); };\n')
    return made.start(listening(port)), port


@pytest.mark.sanitized
@pytest.mark.parametrize("transport", ["tcp", "tls"])
@pytest.mark.parametrize("driver, framing", [("syslog", "octet-counting"), ("network", "non-transparent")])
def test_stream_outputs(relays, tmp_path, processes, certificates, driver, framing, transport):
    """syslog() needs octet counting, network() needs LF frames: with the right one, every message arrives as relayd received it, and
    relayd's default format writes RFC 5424 as it came."""
    peer, port = collector(tmp_path, processes, driver, transport, certificates)
    output = {"type": transport, "name": "next", "servers": [f"127.0.0.1:{port}"], "framing": framing, "format": "raw"}
    if transport == "tls":
        output["tls"] = certificates.tls(certificates.leaf(RELAY), [PEER])
    feed = free_port()
    relay = relays.start("relay", [{"type": "tcp", "listen": f"127.0.0.1:{feed}"}], [output])
    sent = variety.numbered(COUNT)
    variety.send_counted(feed, sent)
    variety.assert_same(peer.raws(COUNT), sent)
    relay.wait_delivered("next", COUNT)
    assert relay.output("next")["confirmed"] is False and relay.output("next")["replaced_octets"] == 0


@pytest.mark.parametrize("driver", ["syslog", "network"])
def test_udp_output(relays, tmp_path, processes, certificates, driver):
    """One datagram a message, to either driver."""
    peer, port = collector(tmp_path, processes, driver, "udp", certificates)
    feed = free_port()
    relay = relays.start("relay", [{"type": "tcp", "listen": f"127.0.0.1:{feed}"}],
                         [{"type": "udp", "name": "next", "server": f"127.0.0.1:{port}", "format": "raw"}])
    variety.send_counted(feed, variety.MESSAGES)
    variety.assert_same(peer.raws(len(variety.MESSAGES)), variety.MESSAGES)
    relay.wait_delivered("next", len(variety.MESSAGES))


@pytest.mark.parametrize("ours, reason", [("stranger", "unknown CA"), (None, "certificate required")])
def test_tls_output_refused_by_syslog_ng_delivers_nothing_and_says_why(relays, tmp_path, processes, certificates, ours, reason):
    """syslog-ng refuses a certificate of no authority, and no certificate at all. Under TLS 1.3 its alert comes when relayd's
    handshake is over: nothing may count as delivered, and the status says what the alert said."""
    peer, port = collector(tmp_path, processes, "syslog", "tls", certificates)
    tls = {"ca": str(certificates.certificate), "peers": [PEER]}
    if ours is not None:
        tls = certificates.tls(certificates.self_signed(ours), [PEER])
    feed = free_port()
    relay = relays.start("relay", [{"type": "tcp", "listen": f"127.0.0.1:{feed}"}],
                         [{"type": "tls", "name": "next", "servers": [f"127.0.0.1:{port}"], "tls": tls}])
    variety.send_counted(feed, variety.MESSAGES)
    relay.wait_stored(len(variety.MESSAGES))
    seen = relay.wait_output("next", lambda output: output["detail"])
    assert reason in seen["detail"] and "refused" in seen["detail"], seen
    assert seen["delivered"] == 0 and seen["pending"] == len(variety.MESSAGES), seen
    assert peer.octets() == b""
