# SPDX-License-Identifier: Apache-2.0
"""relayctl probe: a marked message goes in at an input, and each relay on the way says when it stored it."""
import json
import socket
import subprocess

import pytest
from relay import BIN, SANITIZED, free_port, wait_until

NOT_PROVED, TWICE = 6, 5


def probe(*words, timeout=60):
    """Runs `relayctl probe`; returns its exit code and what it printed."""
    done = subprocess.run([str(BIN / "relayctl"), "probe", *map(str, words)], capture_output=True, text=True, timeout=timeout)
    return done.returncode, done.stdout + done.stderr


def probe_json(*words):
    code, text = probe("--json", *words)
    return code, json.loads(text)


def hop(port, name="next", **more):
    return {"type": "relp", "name": name, "servers": [f"127.0.0.1:{port}"], **more}


def relp_input(port, **more):
    return {"type": "relp", "name": f"relp{port}", "listen": f"127.0.0.1:{port}", **more}


@pytest.mark.parametrize("kind", ["udp", "tcp", "relp", "unix", "unix-stream"])
def test_a_probe_crosses_an_input_of_each_kind(relays, tmp_path, kind):
    """It goes in over the input's own transport, is an ordinary message of that input, and reads as one."""
    port, path = free_port(), tmp_path / "log"
    inputs = {"unix": {"type": "unix", "path": str(path)}, "unix-stream": {"type": "unix", "path": str(path), "mode": "stream"}}
    relay = relays.start("relay", [{"name": "in", **inputs.get(kind, {"type": kind, "listen": f"127.0.0.1:{port}"})}])
    code, text = probe("--control", relay.control)
    assert code == 0, text
    assert "The probe arrived: 1 relay," in text and "once." in text and 'in by input "in"' in text
    assert relay.input("in")["stored"] == 1
    wait_until(relay.lines, what="the probe as a line")
    line = relay.lines()[0]
    assert (line["app_name"], line["msgid"], line["severity"], line["facility"]) == ("relayctl", "probe", "info", "syslog")
    assert (line["number"], line["count"]) == (1, 1) and line["id"] in text


def test_a_probe_shows_nothing_of_a_name_that_steers_the_terminal(relays, tmp_path):
    """The input has no name of its own, so it is called by its path, which holds ESC and C1's CSI. The status does not give such a path
    as it is, so the probe cannot go in; what is said of that, and of the words of a command line, shows '?'."""
    relay = relays.start("relay", [{"type": "unix", "path": str(tmp_path / "log\x1b[2J\u009b2J")}])
    for words, shown in ([], "log?[2J??2J"), (["--input", "in\x1b[2J"], "in?[2J"):
        code, text = probe("--control", relay.control, *words)
        assert code != 0 and shown in text, repr(text)
        assert "\x1b" not in text and "\u009b" not in text, repr(text)


def test_the_path_of_a_probe_over_three_relays_has_the_time_at_each(relays, certificates):
    """Three relays, the second hop over TLS: each says when it stored the probe, later than the one before it."""
    leaf = certificates.leaf("relay.example.net")
    tls = {"certificate": str(leaf.certificate), "key": str(leaf.key), "ca": str(certificates.certificate), "peers": ["*.example.net"]}
    udp, first, second = free_port(socket.SOCK_DGRAM), free_port(), free_port()
    last = relays.start("last", [relp_input(second, tls=tls)])
    middle = relays.start("middle", [relp_input(first)], [hop(second, tls=tls)])
    edge = relays.start("edge", [{"type": "udp", "listen": f"127.0.0.1:{udp}"}], [hop(first)])
    edge.wait_output("next", lambda output: output["state"] == "connected")
    middle.wait_output("next", lambda output: output["state"] == "connected")
    code, found = probe_json("--control", edge.control, "--next", middle.control, "--next", last.control, "--count", "5")
    assert code == 0 and found["arrived"] and found["doubled"] == 0, found
    assert [item["control"] for item in found["relays"]] == [str(relay.control) for relay in (edge, middle, last)]
    assert all(item["seen"] == item["copies"] == 5 for item in found["relays"])
    times = [item["median_ms"] for item in found["relays"]]
    slack = 2 * max(item["clock_error_ms"] for item in found["relays"])
    assert times[0] <= times[1] + slack and times[1] <= times[2] + slack and times[2] < (20000 if SANITIZED else 5000), found
    assert found["relays"][0]["outputs"] == [{"name": "next", "wants": True, "confirmed": True, "delivered": True, "put_aside": 0}]
    code, text = probe("--control", edge.control, "--next", last.control)
    assert code == 0 and "2 relays," in text and "output next has delivered it, acknowledged" in text, text


def test_a_probe_that_does_not_arrive_says_where_it_was_last_seen(relays):
    """The last relay is away from the middle: the probe is stored there and waits, which the answer says with the reason."""
    first, second = free_port(), free_port()
    last = relays.start("last", [{"type": "udp", "listen": f"127.0.0.1:{free_port(socket.SOCK_DGRAM)}"}])
    middle = relays.start("middle", [relp_input(first)], [hop(second)])
    edge = relays.start("edge", [relp_input(free_port())], [hop(first)])
    edge.wait_output("next", lambda output: output["state"] == "connected")
    code, text = probe("--control", edge.control, "--next", middle.control, "--next", last.control, "--within", "1s")
    assert code == NOT_PROVED, text
    assert f"NOT ARRIVED: 0 of 1 probes were stored by {last.control}; they were last seen at {middle.control}" in text
    assert "output next has not delivered it yet" in text and "output next: " in text and "1 wait" in text


def test_a_filter_that_drops_probes_is_told(relays):
    first = free_port()
    last = relays.start("last", [relp_input(first)])
    edge = relays.start("edge", [relp_input(free_port())], [hop(first, filter={"severity": "warning"})])
    code, text = probe("--control", edge.control, "--next", last.control, "--within", "1s")
    assert code == NOT_PROVED and "output next does not want it: its filter drops messages like this one" in text, text


def test_a_probe_that_comes_twice_is_shown(relays):
    """Two outputs of the edge lead to the same relay: each probe is there twice."""
    first = free_port()
    last = relays.start("last", [relp_input(first)])
    edge = relays.start("edge", [relp_input(free_port())], [hop(first, "one"), hop(first, "two")])
    for name in ("one", "two"):
        edge.wait_output(name, lambda output: output["state"] == "connected")
    code, text = probe("--control", edge.control, "--next", last.control, "--count", "3")
    assert code == TWICE and "SEEN MORE THAN ONCE: 3 copies too many" in text and "BUT MORE THAN ONCE" in text, text
    assert last.input("relp")["stored"] == 6


def test_a_probe_that_the_input_drops_was_never_stored(relays):
    """An input that takes nothing from loopback: the probe is not stored at all, and the input's row says that it dropped."""
    udp = free_port(socket.SOCK_DGRAM)
    relay = relays.start("relay", [{"type": "udp", "name": "in", "listen": f"127.0.0.1:{udp}", "allowed_peers": ["192.0.2.0/24"]}])
    code, text = probe("--control", relay.control, "--within", "1s")
    assert code == NOT_PROVED and "where they went in" in text and "input in: running, 1 dropped" in text, text


def test_what_a_probe_cannot_do_is_said_and_nothing_is_sent(relays, certificates, tmp_path):
    leaf = certificates.leaf("relay.example.net")
    tls = {"certificate": str(leaf.certificate), "key": str(leaf.key), "ca": str(certificates.certificate), "peers": ["*"]}
    relay = relays.start("relay", [relp_input(free_port(), tls=tls)])
    code, text = probe("--control", relay.control)
    assert code == 1 and "no input that a probe could go in at" in text
    name = relay.input("relp")["name"]
    code, text = probe("--control", relay.control, "--input", name)
    assert code == 1 and f'input "{name}" is one of type relp with TLS' in text
    code, text = probe("--control", relay.control, "--input", "nobody")
    assert code == 1 and 'there is no input "nobody"' in text
    code, text = probe("--control", tmp_path / "nothing")
    assert code == 1 and "no relayd listens there" in text
    for words in (["--count", "0"], ["--count", "1001"], ["--within", "soon"], ["more"]):
        assert probe("--control", relay.control, *words)[0] == 2
    assert relay.status()["spool"]["stored"] == 0


def test_watches_are_bounded_and_hold_nothing(relays):
    """The relay looks for eight ids at one time; a wrong id is refused; each says what it has looked at."""
    relay = relays.start("relay", [relp_input(free_port())])

    def ask(**arguments):
        return relay.status(command="probe", **arguments)
    ids = [f"{number:016x}" for number in range(9)]
    for name in ids[:8]:
        assert ask(id=name, count=2048, begin=True)["numbers"] == []
    assert "too many" in ask(id=ids[8], count=1, begin=True)["error"]
    assert "in use" in ask(id=ids[0], count=1, begin=True)["error"]
    assert ask(id=ids[0], end=True) == {"done": True}
    assert "no probes of that id" in ask(id=ids[0])["error"]
    for wrong in ({"id": "x", "count": 1}, {"id": ids[0], "count": 2049}, {"id": ids[0], "count": 0}, {"count": 1}, {"id": ids[0].upper() + "A"}):
        assert "16 hexadecimal" in ask(begin=True, **wrong)["error"]
    assert ask(id=ids[8], count=1, begin=True)["count"] == 1
