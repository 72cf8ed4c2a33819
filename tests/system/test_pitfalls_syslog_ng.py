# SPDX-License-Identifier: Apache-2.0
"""Pitfalls (the table is in test_pitfalls.py) that need syslog-ng: what it writes, and what it makes of what
relayd writes."""
import pytest
import senders
import variety
from peers import syslog_ng
from relay import free_port, listening, socket

RELAY, PEER = "relay.example.net", "syslog-ng.example.net"
TAIL = b"<38>1 2026-10-11T22:14:15+00:00 web01 app - - - tail"


def to_relayd(tmp_path, processes, destination, flags=""):
    """A syslog-ng that takes counted RFC 5424 on a port and writes it to `destination`; the port."""
    port = free_port()
    config = (f'source s {{ syslog(ip("127.0.0.1") port({port}) transport("tcp") {flags}); }};\n'
              f'destination d {{ {destination}; }};\nlog {{ source(s); destination(d); flags(flow-control); }};\n')
    syslog_ng.SyslogNg(tmp_path, processes, config).start(listening(port))
    return port


def collector(tmp_path, processes, source, template=syslog_ng.JSON, kind=socket.SOCK_STREAM):
    """A syslog-ng that reads from `source` (with PORT in it) and writes to $FOLDER/out; (syslog-ng, port)."""
    port = free_port(kind)
    config = (f'source s {{ {source.replace("PORT", str(port))}; }};\n'
              f'destination d {{ file("$FOLDER/out" template("{template}")); }};\nlog {{ source(s); destination(d); }};\n')
    return syslog_ng.SyslogNg(tmp_path, processes, config).start(listening(port)), port


def sender(relays, output):
    port = free_port()
    return relays.start("relay", [{"type": "tcp", "name": "in", "listen": f"127.0.0.1:{port}"}], [{"name": "next", **output}]), port


# ---- what syslog-ng writes ----

def test_pitfall_01_network_sends_lf_frames_over_tls(observe, tmp_path, processes, certificates):
    """network(transport(tls)) ends messages with LF; relayd's TLS input reads that without an option."""
    port = free_port()
    observed = observe({"type": "tls", "name": "in", "listen": f"127.0.0.1:{port}",
                        "tls": certificates.tls(certificates.leaf(RELAY, ["IP:127.0.0.1"]), [PEER])})
    tls = syslog_ng.tls(certificates, certificates.leaf(PEER))
    feed = to_relayd(tmp_path, processes, f'network("127.0.0.1" port({port}) transport("tls") {tls})')
    variety.send_counted(feed, [TAIL] * 3)
    assert observed.raws(3) == [b"<38>Oct 11 22:14:15 web01 app: tail"] * 3


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_pitfall_03_and_04_syslog_counts_its_lf_and_sends_count_and_message_apart(observe, tmp_path, processes, certificates, transport):
    """syslog() ends the message inside each frame with LF, and may write the count in a segment or record of its own. MSG does not end
    in LF, and each message arrives once, forwarded raw too."""
    port = free_port()
    settings = {"type": transport, "name": "in", "listen": f"127.0.0.1:{port}"}
    tls = ""
    if transport == "tls":
        settings["tls"] = certificates.tls(certificates.leaf(RELAY, ["IP:127.0.0.1"]), [PEER])
        tls = syslog_ng.tls(certificates, certificates.leaf(PEER))
    observed = observe(settings)
    feed = to_relayd(tmp_path, processes, f'syslog("127.0.0.1" port({port}) transport("{transport}") {tls})')
    variety.send_counted(feed, [TAIL] * 3)
    assert [text.removesuffix(b"\n") for text in observed.raws(3)] == [TAIL] * 3
    assert [line["message"] for line in observed.lines(3)] == ["tail"] * 3
    assert observed.relay.input("in")["received"] == 3


def test_pitfall_09_network_sends_lf_in_msg_as_it_is(observe, tmp_path, processes):
    """network() does not escape an LF in MSG: on the wire there are two lines, and nobody can tell. relayd keeps both, the second one
    whole and without a header, and syslog() by its count keeps them together."""
    network, syslog = free_port(), free_port()
    observed = observe({"type": "tcp", "name": "network", "listen": f"127.0.0.1:{network}"},
                       {"type": "tcp", "name": "syslog", "listen": f"127.0.0.1:{syslog}"})
    feed = to_relayd(tmp_path, processes, f'network("127.0.0.1" port({network}) transport("tcp")); '
                                          f'syslog("127.0.0.1" port({syslog}) transport("tcp"))', "flags(syslog-protocol)")
    variety.send_counted(feed, [b"<38>1 2026-10-11T22:14:15+00:00 web01 app - - - one\ntwo"])
    by_input = {}
    for line in observed.lines(3):
        by_input.setdefault(line["relay"]["input"], []).append(line["message"])
    assert by_input == {"network": ["one", "two"], "syslog": ["one\ntwo"]}


def test_pitfall_13_bom_of_syslog_ng(observe, tmp_path, processes):
    """syslog-ng puts a BOM before a MSG that it knows to be UTF-8. relayd forwards RFC 5424 octet for octet, so the BOM goes through; the
    text is the same with and without."""
    port = free_port()
    observed = observe({"type": "tcp", "name": "in", "listen": f"127.0.0.1:{port}"})
    feed = to_relayd(tmp_path, processes, f'syslog("127.0.0.1" port({port}) transport("tcp"))', "flags(validate-utf8)")
    text = "<38>1 2026-10-11T22:14:15+00:00 web01 app - - - Gr\u00fc\u00dfe".encode()
    variety.send_counted(feed, [text, text.replace("Gr\u00fc\u00dfe".encode(), b"ASCII")])
    assert [raw.replace(variety.BOM, b"") for raw in observed.raws(2)] == [text, text.replace("Gr\u00fc\u00dfe".encode(), b"ASCII")]
    assert observed.raws(2)[0].count(variety.BOM) == 1
    assert [line["message"] for line in observed.lines(2)] == ["Gr\u00fc\u00dfe", "ASCII"]
    assert "bom" in observed.lines(2)[0]["relay"]["flags"]


@pytest.mark.parametrize("driver", ["syslog", "network"])
def test_pitfall_28_a_datagram_that_ends_in_lf(observe, tmp_path, processes, driver):
    """Both drivers end a datagram with LF: no part of the text."""
    port = free_port(socket.SOCK_DGRAM)
    observed = observe({"type": "udp", "name": "in", "listen": f"127.0.0.1:{port}"})
    feed = to_relayd(tmp_path, processes, f'{driver}("127.0.0.1" port({port}) transport("udp"))')
    variety.send_counted(feed, [TAIL])
    assert observed.raws(1)[0].endswith(b"tail\n")
    assert observed.lines(1)[0]["message"] == "tail"


# ---- what it makes of what relayd writes ----

def test_pitfall_02_syslog_closes_on_lf_frames(relays, tmp_path, processes):
    """The wrong pairing: LF frames to syslog(), which closes at once. TCP cannot tell relayd what was read, so it is seen in the status: the
    connection is lost again and again, with a reason, and the output is called unconfirmed."""
    peer, port = collector(tmp_path, processes, 'syslog(ip("127.0.0.1") port(PORT) transport("tcp"))')
    relay, feed = sender(relays, {"type": "tcp", "servers": [f"127.0.0.1:{port}"], "framing": "non-transparent"})
    variety.send_counted(feed, [TAIL] * 3)
    relay.wait_log("output_connection_lost")
    output = relay.wait_output("next", lambda output: output["detail"] or output["connects"] >= 2)
    assert output["confirmed"] is False and "output_connection_lost" in relay.log_text()
    assert peer.octets() == b"" and "Invalid frame header" in peer.said()


def test_pitfall_02_network_reads_counts_as_text(relays, tmp_path, processes):
    """The other wrong pairing: counted frames to network(), which reads the count as text and says nothing. No octet is lost, but the
    frames are: what it made of them begins with the count, as its operator sees."""
    peer, port = collector(tmp_path, processes, 'network(ip("127.0.0.1") port(PORT) transport("tcp") flags(no-parse))', "$MSG\\n")
    relay, feed = sender(relays, {"type": "tcp", "servers": [f"127.0.0.1:{port}"]})
    variety.send_counted(feed, [TAIL] * 3)
    relay.wait_delivered("next", 3)
    relay.stop()
    assert peer.raws(1) == [senders.frame_counted(TAIL) * 3]


def test_pitfall_20_ipv6_hostname_passes_syslog_ng(relays, tmp_path, processes):
    """An IPv6 HOSTNAME of a legacy message, written by relayd as RFC 5424, is syslog-ng's host."""
    peer, port = collector(tmp_path, processes, 'syslog(ip("127.0.0.1") port(PORT) transport("tcp"))')
    _, feed = sender(relays, {"type": "tcp", "servers": [f"127.0.0.1:{port}"]})
    variety.send_counted(feed, [b"<34>Oct 11 22:14:15 2001:db8::1 sshd[1]: x"])
    peer.raws(1)
    line = peer.lines()[0]
    assert (line["host"], line["prog"], str(line["pid"]), line["msg"]) == ("2001:db8::1", "sshd", "1", "x"), line


def test_pitfall_24_syslog_ng_rewrites_structured_data_and_relayd_does_not(observe, tmp_path, processes):
    """A PARAM-VALUE with a backslash before n, and a PARAM-NAME that repeats. Through relayd alone every octet is kept; through syslog-ng the
    backslash is doubled and only the last of the repeated names is left."""
    text = b'<38>1 2026-10-11T22:14:15+00:00 web01 app - - [x@1 path="C:\\new" ip="192.0.2.1" ip="192.0.2.2"] text'
    port = free_port()
    observed = observe({"type": "tcp", "name": "in", "listen": f"127.0.0.1:{port}"})
    variety.send_counted(port, [text])
    assert observed.raws(1) == [text]
    assert observed.lines(1)[0]["structured_data"]["x@1"] == [["path", "C:\\new"], ["ip", "192.0.2.1"], ["ip", "192.0.2.2"]]
    feed = to_relayd(tmp_path, processes, f'syslog("127.0.0.1" port({port}) transport("tcp"))')
    variety.send_counted(feed, [text])
    assert observed.lines(2)[1]["structured_data"]["x@1"] == {"path": "C:\\new", "ip": "192.0.2.2"}
    assert b'path="C:\\\\new"' in observed.raws(2)[1]


@pytest.mark.parametrize("format, replaced", [("raw", True), ("rfc5424", False)])
def test_pitfall_27_what_syslog_ng_cannot_parse_it_replaces(relays, tmp_path, processes, format, replaced):
    """A message with a stamp that RFC 5424 does not know (S04). Forwarded raw, syslog-ng puts a record of its own (PRI 43) in its place; as
    relayd writes it by default, it is legal, and arrives as what it is."""
    peer, port = collector(tmp_path, processes, 'syslog(ip("127.0.0.1") port(PORT) transport("tcp"))')
    _, feed = sender(relays, {"type": "tcp", "servers": [f"127.0.0.1:{port}"], "format": format})
    variety.send_counted(feed, [b"<165>1 Oct 11 22:14:15 m ev 77 ID47 - the text"])
    peer.raws(1)
    line = peer.lines()[0]
    if replaced:
        assert str(line["pri"]) == "43" and "Error processing log message" in line["msg"], line
    else:
        assert (str(line["pri"]), line["host"], line["prog"], line["msg"]) == ("165", "m", "ev", "the text"), line


# ---- certificates ----

def tls_relay(relays, certificates, port, leaf, peers):
    relay, feed = sender(relays, {"type": "tls", "servers": [f"127.0.0.1:{port}"], "format": "raw", "tls": certificates.tls(leaf, peers)})
    variety.send_counted(feed, [TAIL])
    relay.wait_stored(1)
    return relay


def tls_source(certificates, leaf, more="", verify="required-trusted"):
    return f'syslog(ip("127.0.0.1") port(PORT) transport("tls") {syslog_ng.tls(certificates, leaf, verify, more)} flags(no-parse))'


def test_pitfall_32_trusted_keys_of_syslog_ng_need_a_chain(relays, tmp_path, processes, certificates):
    """relayd's self-signed certificate stands in syslog-ng's trusted-keys; syslog-ng refuses it all the same, because no authority vouches
    for it. relayd says so and delivers nothing."""
    ours = certificates.self_signed(RELAY)
    peer, port = collector(tmp_path, processes, tls_source(certificates, certificates.leaf(PEER),
                                                           f'trusted-keys("SHA1:{ours.colons(ours.sha1)}")'), "$MSG\\n")
    relay = tls_relay(relays, certificates, port, ours, [PEER])
    output = relay.wait_output("next", lambda output: output["detail"])
    assert "refused" in output["detail"] and output["delivered"] == 0 and output["pending"] == 1, output
    assert peer.octets() == b""


def test_pitfall_35_wildcard_in_the_certificate(relays, tmp_path, processes, certificates):
    """syslog-ng has a certificate for *.example.test: good for a.example.test, as which relayd was told to expect it, and not for
    a.b.example.test."""
    peer, port = collector(tmp_path, processes, tls_source(certificates, certificates.leaf("*.example.test")), "$MSG\\n")
    relay = tls_relay(relays, certificates, port, certificates.leaf(RELAY), ["a.example.test"])
    assert peer.raws(1) == [TAIL]
    relay.wait_delivered("next", 1)
    relay.stop()
    relay.config["outputs"][0]["tls"]["peers"] = ["a.b.example.test"]
    relay.start()
    output = relay.wait_output("next", lambda output: output["detail"])
    assert "*.example.test" in output["detail"] and "refused" in output["state"], output
