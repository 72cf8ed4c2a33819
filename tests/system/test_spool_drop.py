# SPDX-License-Identifier: Apache-2.0
"""`relayctl spool drop`: an operator drops messages that are stored already. Each test says which messages wait for which output, what is
dropped, and that everything else arrives once, with a row in the ledger, a line in the audit, and a message downstream."""
import json
import os
import re
import socket
import stat
import subprocess

import pytest
from peers import relp
from relay import BIN, free_port, wait_until

RELAYCTL = BIN / "relayctl"
CRON = '{"app_name": "cron"}'


def run(relay, command, *words, **options):
    return subprocess.run([RELAYCTL, "spool", command, "--spool", relay.folder / "spool", *words], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=60, **options)


def drop(relay, *words, **options):
    return run(relay, "drop", "--yes", "--control", relay.control, *words, **options)


def listed(relay):
    return json.loads(run(relay, "ls", "--json").stdout)["drops"]


def audit(relay):
    return [json.loads(line) for line in (relay.folder / "spool" / "audit").read_text().splitlines()]


def send(port, first, last):
    """Over RELP, so all are stored when it returns. Even numbers are of cron, odd ones of sshd."""
    client = relp.Client(("127.0.0.1", port))
    client.send([b"<13>1 2026-11-21T10:00:00Z host %s - - - message %05d" % (b"sshd" if number % 2 else b"cron", number)
                 for number in range(first, last + 1)])
    while client.pending:
        client.settle_one()
    client.sock.close()


def numbers(texts):
    found = (re.search(rb"- - - message (\d{5})", text) for text in texts)
    return [int(match.group(1)) for match in found if match]


def told_of(texts, output):
    """How many messages were told as dropped for the output; they may be told in parts."""
    return sum(int(re.search(rb'count="(\d+)"', text).group(1)) for text in texts
               if b'reason="dropped-by-rule"' in text and b'output="%s"' % output in text)


def to(name, port, **more):
    return {"type": "relp", "name": name, "servers": [f"127.0.0.1:{port}"], "format": "raw", "warn_size": 0, **more}


@pytest.fixture
def waiting(relays):
    """A relay that has a hundred messages for the outputs "a" and "b", whose servers are away: fifty are of cron."""
    port, ports = free_port(), [free_port(), free_port()]
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}],
                         [to("a", ports[0]), to("b", ports[1])])
    relay.in_port, relay.out_ports = port, ports
    send(port, 1, 100)
    return relay


@pytest.fixture
def server():
    made = []

    def make(port, **more):
        made.append(relp.Server(port=port, **more))
        return made[-1]
    yield make
    for each in made:
        each.close()


def everything(relay, name):
    relay.wait_output(name, lambda output: output["pending"] == 0)


def test_in_a_running_relay_outputs_drop_what_matches_as_they_pass(waiting, server):
    """The servers are away: what is dropped at the front is passed at once. What comes later is not dropped."""
    result = drop(waiting, "--filter", CRON)
    assert result.returncode == 0, result.stderr
    assert "output a: 50 of the 100 messages up to 100 that it has not got match" in result.stdout
    assert "rule 1: up to message 100" in result.stdout
    rule, = listed(waiting)
    assert (rule["rule"], rule["to"], rule["filter"], rule["uid"], "output" in rule) == (1, 100, CRON, os.geteuid(), False)
    assert '(every)                  {"app_name": "cron"}' in run(waiting, "ls").stdout
    send(waiting.in_port, 101, 110)
    first, second = server(waiting.out_ports[0]), server(waiting.out_ports[1])
    for name in ("a", "b"):
        everything(waiting, name)
    wanted = [number for number in range(1, 111) if number % 2 or number > 100]
    for each in (first, second):
        wait_until(lambda: len(numbers(each.received)) == len(wanted), what="the rest")
        assert numbers(each.received) == wanted
    for name in ("a", "b"):
        totals = waiting.output(name)["totals"]
        assert totals["dropped_by_rule"] == 50 and totals["filtered"] == 0
    ledger = subprocess.run([RELAYCTL, "ledger", "--control", waiting.control], text=True, capture_output=True, timeout=60)
    assert ledger.returncode == 0 and ledger.stdout.count("50 dropped by a rule (relayctl spool drop)") == 2, ledger.stdout
    status = subprocess.run([RELAYCTL, "status", "--control", waiting.control], text=True, capture_output=True, timeout=60).stdout
    assert status.count("50 dropped by a rule (relayctl spool drop)") == 2


def test_a_rule_goes_when_all_outputs_have_passed_and_is_told_and_audited(waiting, server):
    assert drop(waiting, "--filter", CRON).returncode == 0
    first = server(waiting.out_ports[0])
    everything(waiting, "a")
    wait_until(lambda: listed(waiting)[0]["dropped"] >= 50, what="the count")
    second = server(waiting.out_ports[1])
    wait_until(lambda: listed(waiting) == [], what="the end of the rule")
    for each in (first, second):
        wait_until(lambda: told_of(each.received, b"a") == told_of(each.received, b"b") == 50, what="the messages about the loss")
    wait_until(lambda: len(audit(waiting)) == 2, what="the line about the end")
    made, done = audit(waiting)
    assert (made["command"], made["filter"], made["to"], made["messages"], made["uid"]) == ("drop", CRON, 100, 100, os.geteuid())
    assert (done["command"], done["filter"], done["rule"], done["messages"]) == ("drop-done", CRON, 1, 100)
    assert all(line["timestamp"].endswith("Z") for line in (made, done))
    waiting.wait_log("spool_drop_done")
    told = {line["msgid"]: line for line in map(json.loads, waiting.log_text().splitlines())}
    assert (told["spool_drop"]["rule"], told["spool_drop"]["filter"], told["spool_drop"]["uid"]) == (1, CRON, os.geteuid())
    assert (told["spool_drop_done"]["rule"], told["spool_drop_done"]["dropped"]) == (1, 100)


def test_a_rule_survives_a_kill_and_its_count_is_exact(waiting, server):
    assert drop(waiting, "--filter", CRON).returncode == 0
    first = server(waiting.out_ports[0])
    everything(waiting, "a")
    wait_until(lambda: listed(waiting)[0]["dropped"] >= 50, what="the count on the disk")
    waiting.kill()
    first_before = numbers(first.received)
    waiting.start()
    second = server(waiting.out_ports[1])
    everything(waiting, "b")
    assert numbers(second.received) == list(range(1, 101, 2)) == first_before
    wait_until(lambda: listed(waiting) == [], what="the end of the rule")
    wait_until(lambda: audit(waiting)[-1]["command"] == "drop-done", what="the line about the end")
    assert audit(waiting)[-1]["messages"] == 100
    assert waiting.output("a")["totals"]["dropped_by_rule"] == waiting.output("b")["totals"]["dropped_by_rule"] == 50


def test_in_a_stopped_spool_the_rule_is_made_by_hand(waiting, server):
    assert waiting.stop() == 0
    result = run(waiting, "drop", "--yes", "--filter", CRON, "--output", "a", "--to", "50")
    assert result.returncode == 0, result.stderr
    assert "output a: 25 of the 50 messages up to 50 that it has not got match" in result.stdout and "output b" not in result.stdout
    rule, = listed(waiting)
    assert (rule["rule"], rule["to"], rule["output"]) == (1, 50, "a")
    first, second = server(waiting.out_ports[0]), server(waiting.out_ports[1])
    waiting.start()
    for name in ("a", "b"):
        everything(waiting, name)
    assert numbers(first.received) == [number for number in range(1, 101) if number % 2 or number > 50]
    assert numbers(second.received) == list(range(1, 101))
    assert waiting.output("a")["totals"]["dropped_by_rule"] == 25 and waiting.output("b")["totals"]["dropped_by_rule"] == 0
    wait_until(lambda: listed(waiting) == [], what="the end of the rule")


def test_it_says_what_would_be_dropped_and_asks(waiting):
    for state in ("running", "stopped"):
        result = run(waiting, "drop", "--filter", CRON)
        assert result.returncode == 1 and "100 messages will not be given to their outputs. Drop them? Say so with --yes." in result.stderr
        assert "output b: 50 of the 100 messages" in result.stdout
        assert listed(waiting) == [] and not (waiting.folder / "spool" / "audit").exists()
        if state == "running":
            assert waiting.stop() == 0


@pytest.mark.parametrize("words, code, said", [
    (["--filter", '{"app_name": "none"}'], 4, "there is nothing to drop, and no rule was made"),
    (["--filter", '{"app_nam": "cron"}'], 2, 'did you mean "app_name"?'),
    (["--filter", '{"severity": "loud"}'], 2, '"loud" is no severity'),
    (["--filter", "cron"], 2, "--filter:1"),
    (["--filter", CRON, "--output", "none"], 1, "has no place of an output none"),
    (["--filter", CRON, "--to", "101"], 1, "no message that is stored; the last one is 100"),
    (["--filter", CRON, "--to", "0"], 1, "no message that is stored"),
    (["--filter", '{"app_name": "%s"}' % ("x" * 2048)], 2, "at most 2048 octets"),
    ([], 2, "--filter"),
])
def test_what_cannot_be_dropped_is_said_and_no_rule_is_made(waiting, words, code, said):
    result = drop(waiting, *words)
    assert result.returncode == code and said in result.stdout + result.stderr, (result.stdout, result.stderr)
    assert listed(waiting) == []


@pytest.mark.parametrize("argument, value, said", [
    ("output", 7, '"output" must be a text'),
    ("output", None, '"output" must be a text'),
    ("output", ["a"], '"output" must be a text'),
    ("output", "", '"output" is empty'),
    ("filter", {"app_name": "cron"}, '"filter" must be a text'),
    ("spool", 7, '"spool" must be a text'),
    ("to", "50", '"to" must be a sequence'),
    ("to", 0, '"to" must be a sequence'),
    ("to", -1, '"to" must be a sequence'),
    ("to", 10**20, '"to" must be a sequence'),
    ("messages", 1.5, '"messages" must be a whole number'),
    ("ouput", "a", 'drop takes no "ouput"; it takes spool output filter to messages'),
    ("seconds", 60, 'drop takes no "seconds"'),
    ("out", "a", 'drop takes no "out"'),
    ("output filter", "a", 'drop takes no "output filter"'),
    ("\N{LATIN SMALL LETTER E WITH ACUTE}" * 400, "a", 'drop takes no "\N{HORIZONTAL ELLIPSIS}"'),
])
def test_an_argument_of_another_kind_makes_no_rule_for_everything(waiting, argument, value, said):
    """Without "output" a rule is for all outputs, without "to" for all that is stored: what is there and cannot be read is not left out."""
    spool = waiting.status(command="streams")["spool"]
    arguments = {"spool": spool, "filter": CRON, "output": "a", "to": 50, "messages": 25, argument: value}
    assert said in waiting.status(command="drop", **arguments)["error"]
    assert listed(waiting) == []


def test_an_argument_that_is_there_twice_makes_no_rule(waiting):
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(waiting.control))
        control.sendall(b'{"command":"drop","output":"a","output":"b"}\n')
        assert json.loads(control.makefile().readline()) == {"error": '"output" is there twice'}
    assert listed(waiting) == []


def test_a_check_that_cannot_be_read_cuts_nothing(waiting):
    """The same of the other commands: "check" left out is a cut."""
    assert waiting.status(command="cut", output="a", seconds=60, check=1) == {"error": '"check" must be true or false'}
    assert waiting.status(command="cut", output="a", seconds="60") == {"error": '"seconds" must be a whole number'}
    assert waiting.output("a")["cut_s"] == 0


def test_a_relay_with_another_spool_makes_no_rule(waiting, relays):
    other = relays.start("other", [{"type": "udp", "listen": f"127.0.0.1:{free_port(socket.SOCK_DGRAM)}"}])
    result = run(waiting, "drop", "--yes", "--control", other.control, "--filter", CRON)
    assert result.returncode == 1 and "has another spool" in result.stderr
    assert listed(waiting) == listed(other) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_only_root_and_the_relays_user_may_ask_a_running_relay(waiting):
    """Whatever the modes of the socket are by then: the relay asks the kernel who it is."""
    for folder in (waiting.control.parent, *waiting.control.parent.parents):
        os.chmod(folder, folder.stat().st_mode | 0o011)
    os.chmod(waiting.control, 0o666)
    program = ("import socket,sys\nsock = socket.socket(socket.AF_UNIX)\nsock.connect(sys.argv[1])\n"
               "sock.sendall(sys.argv[2].encode() + b'\\n')\nprint(sock.recv(9999).decode())")
    request = json.dumps({"command": "drop", "spool": "00", "filter": CRON})
    result = subprocess.run(["python3", "-c", program, waiting.control, request], text=True, capture_output=True, timeout=60, user=65534)
    assert json.loads(result.stdout) == {"error": "this command is for root and the user that relayd runs as"}, result.stderr
    request = json.dumps({"command": "status"})
    result = subprocess.run(["python3", "-c", program, waiting.control, request], text=True, capture_output=True, timeout=60, user=65534)
    assert '"spool"' in result.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_what_root_makes_in_a_stopped_spool_belongs_to_its_owner(waiting):
    """A spool of an older version has no file for rules yet: its owner must be able to start with the one that root makes."""
    assert waiting.stop() == 0
    path = waiting.folder / "spool"
    (path / "drops").unlink()
    for file in (path, *path.iterdir()):
        os.chown(file, 65534, 65534)
    assert run(waiting, "drop", "--yes", "--filter", CRON).returncode == 0
    assert {file.name: file.stat().st_uid for file in path.iterdir()} == {file.name: 65534 for file in path.iterdir()}
    assert len(listed(waiting)) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
def test_on_a_full_disk_the_rule_is_made_without_its_line_in_the_audit(waiting):
    """What an operator drops may be what fills the disk; the place of a rule is on it already."""
    path = waiting.folder / "spool" / "audit"
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 7))  # /dev/full
    except OSError as error:
        pytest.skip(f"no devices here: {error}")
    assert drop(waiting, "--filter", CRON).returncode == 0
    assert "spool_audit_not_written" in waiting.log_text()
    assert waiting.stop() == 0
    result = run(waiting, "drop", "--yes", "--filter", CRON)
    assert result.returncode == 0 and f"warning: the line in {path} is not written" in result.stderr
    assert [rule["rule"] for rule in listed(waiting)] == [1, 2]
    assert run(waiting, "forget", "--yes", "a").returncode == 1  # what is no hurry waits for its line


def test_no_more_rules_than_there_are_places_for(waiting):
    """One more is refused, by the relay and by hand, and the audit does not say that there was one."""
    for number in range(16):
        assert drop(waiting, "--filter", CRON, "--to", str(50 + number)).returncode == 0
    for state in ("running", "stopped"):
        result = drop(waiting, "--filter", CRON)
        assert result.returncode == 1 and "as many rules as it can remember" in result.stderr
        assert [rule["rule"] for rule in listed(waiting)] == list(range(1, 17))
        assert len(audit(waiting)) == 16
        if state == "running":
            assert waiting.stop() == 0


def test_a_rule_goes_with_an_output_that_gets_another_name(waiting, server):
    assert waiting.stop() == 0
    assert run(waiting, "drop", "--yes", "--filter", CRON, "--output", "a").returncode == 0
    assert run(waiting, "rename-output", "a", "c").returncode == 0
    assert listed(waiting)[0]["output"] == "c"
    waiting.config["outputs"][0]["name"] = "c"
    first = server(waiting.out_ports[0])
    waiting.start()
    everything(waiting, "c")
    assert numbers(first.received) == list(range(1, 101, 2))


def test_a_message_that_is_refused_for_ever_can_be_dropped(relays, server):
    """With "on_refused": "hold" nothing behind it goes out; an operator who has looked at it drops it."""
    port, out = free_port(), free_port()
    refusing = server(out, behave=lambda _, session, txnr, text: session.answer(txnr, b"500 no" if b"00004" in text else b"200 OK"))
    relay = relays.start("relay", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}], [to("a", out, on_refused="hold")])
    send(port, 1, 10)
    relay.wait_output("a", lambda output: output["delivered"] == 3 and "refused" in output["state"] + output["detail"])
    assert drop(relay, "--filter", CRON, "--to", "4").returncode == 0
    everything(relay, "a")
    assert numbers(refusing.received)[-6:] == [5, 6, 7, 8, 9, 10]
    totals = relay.output("a")["totals"]
    assert totals["dropped_by_rule"] == 1 and totals["delivered"] >= 9 and totals["quarantined"] == 0


# ---- between two relays ----

@pytest.mark.parametrize("state", ["away", "there"])
def test_between_relays_blocks_carry_what_is_left_and_the_hop_adds_up(relays, state):
    """A second relay gets blocks. What the rule left out is in none of them; what it had stored before is not sent again, though its
    blocks would be made differently now."""
    port, hop = free_port(), free_port()
    first = relays.start("first", [{"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}"}],
                         [{"type": "relp", "name": "next", "servers": [f"127.0.0.1:{hop}"]}])
    second = relays.make("second", [{"type": "relp", "name": "relp", "listen": f"127.0.0.1:{hop}"}])
    if state == "there":
        second.start()
        send(port, 1, 100)
        everything(first, "next")
        assert second.stop() == 0
    send(port, 101, 200)
    result = drop(first, "--filter", CRON)
    assert result.returncode == 0, result.stderr
    second.start()
    everything(first, "next")
    expected = [number for number in range(1, 201) if number % 2 and number > 100 or state == "there" and number <= 100]
    wait_until(lambda: len(second.lines()) >= len(expected), what="the rest")
    found = [int(line["message"].split()[1]) for line in second.lines() if line["message"].startswith("message ")]
    assert found == expected
    assert first.output("next")["totals"]["dropped_by_rule"] == 50
    wait_until(lambda: subprocess.run([RELAYCTL, "ledger", first.control, second.control], capture_output=True, timeout=60).returncode == 0,
               what="a hop that adds up")
