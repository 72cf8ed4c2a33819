# SPDX-License-Identifier: Apache-2.0
"""A next hop that refuses, is slow, half open or away, and answers of it that are lost: what is then seen (faults.py)."""
import json
import subprocess
import threading
import time

from faults import RELAYCTL, SMALL, assert_delivered, ledger_row, lines, numbers, output_line, says, send, spool, to
from peers.cutting_proxy import BACKWARD, CuttingProxy
from relay import free_port, wait_until


def refusing(bad, times=None):
    """Answers 500 to the messages with these numbers, so often; for ever without `times`."""
    left = {number: times for number in bad}

    def behave(server, session, txnr, data):
        number = next(iter(numbers([data])), 0)
        if number in left and left[number] != 0:
            left[number] = None if left[number] is None else left[number] - 1
            session.answer(txnr, b"500 I do not like it")
        else:
            session.answer(txnr, b"200 OK")
    return behave


def test_a_message_refused_for_ever_goes_into_quarantine_and_comes_out_of_it(relays, server):
    """The others are delivered; it is counted, can be read, survives a kill, and is sent by hand to somebody who takes it."""
    port, made = free_port(), server(refusing([50]))
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to(made)])
    send(port, lines(1, 100))
    row = relay.wait_output("next", lambda output: output["pending"] == 0)
    assert row["totals"]["quarantined"] == 1 and row["totals"]["delivered"] == row["stored"] - 1 >= 99
    says(relay, "    1 quarantined")
    relay.wait_log("output_quarantined")
    relay.kill()
    relay.start()
    assert relay.output("next")["totals"]["quarantined"] == 1
    kept = spool(relay, "cat", "--quarantine", "next")
    assert [json.loads(line)["message"].split()[1] for line in kept.stdout.splitlines()] == ["00050"]
    assert json.loads(kept.stdout)["relay"]["input"] == "in"
    verified = spool(relay, "verify", "--quarantine", "next")
    assert verified.returncode == 0 and "1 messages: all good" in verified.stdout
    other = server()
    replayed = spool(relay, "replay", "--quarantine", "next", "--to", f"127.0.0.1:{other.port}")
    assert replayed.returncode == 0 and numbers(other.received) == [50]
    assert set(numbers(made.received)) == set(range(1, 101))


def test_a_message_refused_for_ever_with_hold_is_held_and_said(relays, server):
    port, made = free_port(), server(refusing([50]))
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to(made, on_refused="hold")])
    send(port, lines(1, 100))
    seen = relay.wait_output("next", lambda output: output["state"].startswith("held"))
    assert seen["state"] == "held: message 50 is refused" and seen["delivered"] == 49 and seen["pending"] == 51
    assert seen["totals"]["quarantined"] == 0
    says(relay, "held: message 50 is refused")


def test_a_server_that_refuses_everything_does_not_get_the_whole_spool_put_aside(relays, server):
    port, made = free_port(), server(refusing(range(1, 101)))
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to(made, max_refusals=1)])
    send(port, lines(1, 100))
    relay.wait_output("next", lambda output: output["state"].startswith("held"), seconds=40)
    assert relay.output("next")["totals"]["quarantined"] == 3
    says(relay, "held: message 4 is refused", "    3 quarantined")


def test_the_quarantine_goes_with_an_output_that_gets_another_name(relays, server):
    port, made = free_port(), server(refusing([1]))
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to(made, max_refusals=1)])
    send(port, lines(1, 2))
    relay.wait_output("next", lambda output: output["pending"] == 0)
    assert relay.stop() == 0
    assert spool(relay, "rename-output", "next", "other").returncode == 0
    assert spool(relay, "cat", "--quarantine", "other").stdout.count("message 00001") == 1
    assert spool(relay, "cat", "--quarantine", "next").returncode == 1


def test_a_slow_reader_gets_everything_and_holds_back_nobody_else(relays, server, tmp_path):
    """It answers slowly, and for a while, behind message 100, not at all. The status says how far it is; the other output is done."""
    goes_on = threading.Event()

    def slowly(server, session, txnr, data):
        time.sleep(0.002)
        if numbers([data])[0] > 100:
            goes_on.wait(60)
        session.answer(txnr, b"200 OK")
    port, made = free_port(), server(slowly)
    file = {"type": "file", "name": "fast", "path": str(tmp_path / "fast")}
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to(made, window=10), file])
    send(port, lines(1, 500))
    relay.wait_delivered("fast", 500)
    assert_delivered(relay, "fast", 500)
    says(relay, output_line("next", 500, 110, 100), f"relp: connected, 127.0.0.1:{made.port}", output_line("fast", 500, 500, 500))
    row = ledger_row(relay, "outputs", "next")
    assert row["delivered"] == 100 and row["pending"] == 400 and row["resent"] == 0
    goes_on.set()
    relay.wait_delivered("next", 500)
    assert numbers(made.received) == list(range(1, 501))
    assert_delivered(relay, "next", 500)
    says(relay, output_line("next", 500, 500, 500))


def test_a_half_open_peer_is_given_up_when_it_does_not_answer(relays, server):
    """It takes octets and answers nothing, as a host that lost its power does. After answer_timeout everything is sent again."""
    dead = {"is": True}

    def behave(server, session, txnr, data):
        if not dead["is"]:
            session.answer(txnr, b"200 OK")
    port, made = free_port(), server(behave)
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to(made, answer_timeout="1s")])
    send(port, lines(1, 20))
    relay.wait_output("next", lambda output: "not answered in time" in output["detail"])
    row = ledger_row(relay, "outputs", "next")
    assert row["delivered"] == 0 and row["pending"] == 20
    says(relay, output_line("next", 20, 20, 0), "a message was not answered in time")
    dead["is"] = False
    relay.wait_output("next", lambda output: output["pending"] == 0)
    resent = relay.output("next")["resent"]
    assert resent >= 20
    assert_delivered(relay, "next", 20, resent=resent)
    says(relay, output_line("next", 20, 20, 20), f"    {resent} sent again since the start")


def test_an_output_away_for_days_gets_everything_in_order(relays, server, clock):
    """Nine days pass on the clock, the relay is killed and stopped meanwhile; `relayctl status` says what waits. Then the server is back."""
    clock, command = clock
    port, out = free_port(), free_port()
    relay = relays.make("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}],
                        [{"type": "relp", "name": "next", "servers": [f"127.0.0.1:{out}"], "format": "raw", "warn_size": 0}], spool=SMALL)
    sent = 0
    for day in range(0, 9, 3):
        clock.write_text(f"+{day}d\n")
        relay.start(command=command)
        for hours in (0, 36):
            clock.write_text(f"+{24 * day + hours}h\n")
            send(port, lines(sent + 1, sent + 500))
            sent += 500
        says(relay, "messages 1 to ", "waiting", "Connection refused")
        row = relay.wait_output("next", lambda output: output["pending"] == output["stored"] >= sent)
        assert row["totals"]["delivered"] == 0
        if day == 3:
            relay.kill()
        else:
            assert relay.stop() == 0
    relay.start(command=command)
    made = server(port=out)
    row = relay.wait_output("next", lambda output: output["pending"] == 0)
    assert numbers(made.received) == list(range(1, sent + 1)) and row["totals"]["delivered"] == row["stored"]
    says(relay, "connected")


def test_an_answer_lost_after_the_commit_makes_a_double_and_no_loss(relays, server):
    """The server has stored message 10 and its connection breaks before the answer: RELP is at least once. It is counted as resent."""
    broken = []

    def behave(server, session, txnr, data):
        if numbers([data]) == [10] and not broken:
            broken.append(True)
            return "close"
        session.answer(txnr, b"200 OK")
    port, made = free_port(), server(behave)
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to(made, window=1)])
    send(port, lines(1, 20))
    relay.wait_output("next", lambda output: output["pending"] == 0)
    assert numbers(made.received) == [*range(1, 11), *range(10, 21)]
    assert_delivered(relay, "next", 20, resent=1)
    says(relay, output_line("next", 20, 20, 20), "    1 sent again since the start")


def test_an_answer_lost_after_the_commit_between_two_relays_makes_no_double(relays):
    """The second relay has stored a block, and the line breaks in the middle of its answer. Its mark says in the next session what it has:
    nothing is sent again, and both ledgers agree."""
    port, hop = free_port(), free_port()
    proxy = CuttingProxy(hop)
    central = relays.start("central", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{hop}"}])
    edge = relays.make("edge", [{"type": "relp", "listen": f"127.0.0.1:{port}"}],
                       [{"type": "relp", "name": "next", "servers": [f"127.0.0.1:{proxy.port}"]}])
    try:
        proxy.release()
        edge.start()
        edge.wait_output("next", lambda output: output["state"].startswith("connected"))
        opened = wait_until(lambda: proxy.passed[BACKWARD], what="the answer to open")
        assert edge.stop() == 0
        proxy.arm(BACKWARD, opened + 1)
        edge.start()
        proxy.release()
        send(port, lines(1, 1))
        wait_until(lambda: proxy.was_cut, what="the cut")
        edge.wait_delivered("next", 1)
        send(port, lines(2, 100))
        edge.wait_delivered("next", 100)
        assert_delivered(edge, "next", 100)
        counted = ledger_row(central, "inputs", "in")
        assert counted["received"] == counted["stored"] == 100
        stream, = central.status(command="ledger")["streams"]["received"]
        assert (stream["records"], stream["duplicates"], stream["lost"]) == (100, 0, 0)
        hop_of_both = subprocess.run([RELAYCTL, "ledger", edge.control, central.control], text=True, capture_output=True, timeout=60)
        assert hop_of_both.returncode == 0 and "the hop adds up\n" in hop_of_both.stdout, hop_of_both.stdout
        says(edge, output_line("next", 100, 100, 100), f"relp: connected, 127.0.0.1:{proxy.port}")
    finally:
        proxy.close()
