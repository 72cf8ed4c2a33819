# SPDX-License-Identifier: Apache-2.0
"""The main job: legacy syslog in, spool on disk, RELP over TLS out with acknowledgements, JSON at the end."""
import subprocess

import pytest
import senders
from relay import SANITIZED, free_port, socket, wait_until


def two_relays(relays, certificates, inputs, window=1024):
    """edge --RELP/TLS--> central, each with a certificate of the test authority and names checked on both sides."""
    relp_port = free_port()
    central = relays.make("central", [{"type": "relp", "name": "relays", "listen": f"127.0.0.1:{relp_port}",
                                       "tls": certificates.tls(certificates.leaf("central.example.net"), ["edge.example.net"])}])
    edge = relays.make("edge", inputs, [{"type": "relp", "name": "central", "servers": [f"127.0.0.1:{relp_port}"],
                                         "window": window,
                                         "tls": certificates.tls(certificates.leaf("edge.example.net"), ["central.example.net"])}])
    return edge, central


@pytest.mark.sanitized
def test_legacy_line_crosses_two_relays_and_comes_out_as_json(relays, certificates):
    """logger sends one RFC 3164 line over UDP to a relay, which stamps it and forwards it over RELP/TLS to another; there every
    field, the first peer and the last one are known."""
    port = free_port(socket.SOCK_DGRAM)
    edge, central = two_relays(relays, certificates, [{"type": "udp", "listen": f"127.0.0.1:{port}"}])
    edge.config["outputs"][0]["stamp"] = True
    central.start()
    edge.start()
    subprocess.run(["logger", "--server", "127.0.0.1", "--port", str(port), "--udp", "--rfc3164", "-t", "sshd", "-p",
                    "auth.warning", "Failed password for root"], check=True)
    line = wait_until(central.lines, 20, "the line")[0]
    assert line["message"] == "Failed password for root"
    assert (line["facility"], line["severity"], line["app_name"]) == ("auth", "warning", "sshd")
    peer = line["relay"]["peer"]
    assert peer["transport"] == "relp-tls" and peer["address"].startswith("127.0.0.1:"), peer
    stamp = line["structured_data"]["relayd@32473"]
    assert stamp["transport"] == "udp" and stamp["peer"].startswith("127.0.0.1:") and set(stamp) == {"peer", "transport", "received"}, stamp


@pytest.mark.sanitized
def test_what_was_sent_while_the_central_relay_was_away_is_there_once_after_its_return(relays, certificates):
    """The central relay is stopped in order, ten thousand messages are sent to the edge, it comes back: all are there, once
    each, in order; the edge's cursor has passed them all and nothing is left pending."""
    count = 2000 if SANITIZED else 10_000
    port = free_port()
    edge, central = two_relays(relays, certificates, [{"type": "tcp", "listen": f"127.0.0.1:{port}"}])
    central.start()
    edge.start()
    senders.send_stream(senders.connect(port), "before", 10)
    edge.wait_delivered("central", 10)
    assert central.stop() == 0
    senders.send_stream(senders.connect(port), "while", count)
    edge.wait_stored(count + 10)
    assert edge.output("central")["delivered"] == 10
    central.start()
    edge.wait_delivered("central", count + 10, 60)
    central.wait_delivered("print", count + 10)
    senders.assert_complete_in_order([line["message"] for line in central.lines()], ["while"], count)
    status = edge.output("central")
    assert status["totals"]["delivered"] == count + 10 and status["pending"] == 0 and status["confirmed"] is True


def test_orderly_stop_keeps_what_is_not_delivered_in_the_spool(relays, certificates):
    """Without a next hop, messages stay; after a stop with exit code 0 and a start they are still pending, and are delivered
    when the next hop appears."""
    port = free_port()
    edge, central = two_relays(relays, certificates, [{"type": "tcp", "listen": f"127.0.0.1:{port}"}])
    edge.start()
    senders.send_stream(senders.connect(port), "kept", 500)
    edge.wait_stored(500)
    assert edge.stop() == 0
    edge.start()
    assert edge.output("central")["pending"] == 500
    assert "unclean_stop" not in edge.log_text()
    central.start()
    edge.wait_delivered("central", 500)
    central.wait_delivered("print", 500)
    senders.assert_complete_in_order([line["message"] for line in central.lines()], ["kept"], 500)
