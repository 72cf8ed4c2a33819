# SPDX-License-Identifier: Apache-2.0
"""Pitfalls 36 to 47 (the table is in test_pitfalls.py): RELP with rsyslog's omrelp and imrelp, and with the
client and the server of peers/relp.py where a real peer cannot be made to do it."""
import collections
import subprocess
import threading
import time

import pytest
import senders
from peers import relp, rsyslog
from relay import BIN, free_port, listening, wait_until

RELAY, PEER = "relay.example.net", "rsyslog.example.net"
ONE, TWO = (b"<38>Oct 11 22:14:15 web01 app: " + word for word in (b"one", b"two"))


def relp_input(port, **more):
    return {"type": "relp", "name": "in", "listen": f"127.0.0.1:{port}", **more}


def omrelp(tmp_path, processes, port, options=""):
    """An rsyslog that takes counted frames on a port and passes them on with omrelp to `port`, again and again if need be; (rsyslog,
    feed)."""
    feed = free_port()
    made = rsyslog.Rsyslog(tmp_path, processes, 'module(load="omrelp")\nmodule(load="imptcp")\n'
                           f'input(type="imptcp" address="127.0.0.1" port="{feed}")\n'
                           f'action(type="omrelp" target="127.0.0.1" port="{port}" template="raw" action.resumeInterval="1" '
                           f'action.resumeRetryCount="-1" queue.type="LinkedList" {options})')
    return made.start(listening(feed)), feed


def imrelp(tmp_path, processes, options="", module="", limit="64k"):
    """An rsyslog that listens with imrelp and writes JSON lines to $FOLDER/out; (rsyslog, port)."""
    port = free_port()
    made = rsyslog.Rsyslog(tmp_path, processes, f'module(load="imrelp" {module})\ninput(type="imrelp" port="{port}" {options} '
                           'ruleset="keep")\nruleset(name="keep") { action(type="omfile" file="$FOLDER/out" template="j") }\n', limit=limit)
    return made.start(listening(port)), port


def feeding(sock, texts):
    """Sends counted frames and leaves the connection open."""
    sock.sendall(b"".join(map(senders.frame_counted, texts)))
    return sock


def relp_sender(relays, port, **options):
    """A relay that takes counted frames on a port and sends over RELP to `port`; (relay, feed)."""
    feed = free_port()
    return relays.start("relay", [{"type": "tcp", "name": "in", "listen": f"127.0.0.1:{feed}", "max_message_size": "64KiB"}],
                        [{"type": "relp", "name": "next", "servers": [f"127.0.0.1:{port}"], "format": "raw", **options}]), feed


# ---- offers and the end of a session ----

@pytest.mark.parametrize("offers", [b"relp_version=0\ncommands=syslog", b"relp_version=1\ncommands=syslog", b"commands=syslog",
                                    b"\nrelp_version=0\ncommands=syslog\n"])
def test_pitfall_36_whatever_version_is_offered_relayd_speaks_0(observe, offers):
    """Clients that offer version 0, 1, none, or with the LFs where the specification puts them: relayd answers 0, which is what everybody
    speaks, and takes their messages."""
    port = free_port()
    observed = observe(relp_input(port))
    client = relp.Client(("127.0.0.1", port), offers=offers)
    txnr, command, data = client.opened
    assert (txnr, command) == (1, b"rsp") and data.startswith(b"200 OK\n") and b"relp_version=0" in data.split(b"\n"), data
    client.send([ONE])
    client.close()
    assert observed.raws(1) == [ONE]


@pytest.mark.parametrize("offers", [b"", b"relp_version=0", b"relp_version=0\ncommands=block"])
def test_pitfall_36_a_client_that_does_not_offer_syslog_is_told_so(observe, offers):
    """Nothing offered, or not the command syslog: refused with a sentence, as librelp does, and counted."""
    port = free_port()
    observed = observe(relp_input(port))
    client = relp.Client(("127.0.0.1", port), offers=offers)
    assert client.opened == (1, b"rsp", b"500 required command not supported by client")
    assert client.reader.next() == (0, b"serverclose", b"") and client.reader.next() is None
    assert observed.relay.input("in")["protocol_errors"] == 1


def test_pitfall_37_relayd_answers_close_without_data(observe):
    """The answer to `close` has no data at all, and serverclose follows it."""
    port = free_port()
    observed = observe(relp_input(port))
    client = relp.Client(("127.0.0.1", port))
    client.send([ONE])
    assert client.close() == [(3, b"rsp", b""), (0, b"serverclose", b"")]
    assert observed.raws(1) == [ONE]


def test_pitfall_37_imrelp_answers_close_without_data(relays, tmp_path, processes):
    """imrelp's `5 rsp 0` has no code that could be looked for: relayd takes it as the end that it is and stops in order, at once."""
    _, port = imrelp(tmp_path, processes)
    relay, feed = relp_sender(relays, port)
    feeding(senders.connect(feed), [ONE])
    relay.wait_delivered("next", 1)
    started = time.monotonic()
    assert relay.stop() == 0
    assert time.monotonic() - started < 2, "the stop waited for something"
    log = relay.log_text()
    assert "unclean" not in log and "warning" not in log and "rsp" not in log, log


# ---- omrelp's habits ----

def test_pitfall_38_omrelp_reads_answers_only_while_it_sends(observe, tmp_path, processes):
    """One message, then silence until relayd closes the idle session, of which omrelp takes no notice, then another message. Neither is
    lost, neither comes twice."""
    port = free_port()
    observed = observe(relp_input(port, idle_timeout="2s"))
    _, feed = omrelp(tmp_path, processes, port)
    sock = feeding(senders.connect(feed), [ONE])
    assert observed.raws(1) == [ONE]
    observed.relay.wait_log("idle_connection")
    feeding(sock, [TWO])
    assert observed.raws(2) == [ONE, TWO]
    senders.finish(sock)
    assert observed.relay.input("in")["received"] == 2


def test_pitfall_39_omrelp_drops_what_is_answered_with_500(tmp_path, processes):
    """What makes a 500 forbidden: a server refuses one message of five; omrelp sends the others again and this one never more."""
    texts = [senders.message("o", number) for number in range(5)]

    def refuse_the_third(server, session, txnr, data):
        session.answer(txnr, b"500 no" if data == texts[2] else b"200 OK")
    server = relp.Server(refuse_the_third)
    _, feed = omrelp(tmp_path, processes, server.port)
    sock = feeding(senders.connect(feed), texts)
    wait_until(lambda: texts[2] in server.received, what="the third message")
    # Each further message makes omrelp read what was answered.
    for number in range(5, 40):
        feeding(sock, [senders.message("o", number)])
        if server.sessions >= 2 and texts[4] in server.received:
            break
        time.sleep(0.1)
    feeding(sock, [TWO])
    wait_until(lambda: TWO in server.received, what="the last message")
    assert server.received.count(texts[2]) == 1 and server.sessions >= 2
    senders.finish(sock)
    server.close()


def test_pitfall_39_relayd_with_a_full_spool_never_answers_500(relays):
    """The next hop is away and the spool is full: relayd stops reading and answers nothing. When the next hop is back the same session
    goes on, and each message was answered with 200 and is delivered once."""
    port, next_port = free_port(), free_port()
    relay = relays.start("relay", [relp_input(port)], [{"type": "relp", "name": "next", "servers": [f"127.0.0.1:{next_port}"],
                                                        "format": "raw", "warn_size": 0}],
                         spool={"max_size": "64MiB", "segment_size": "4MiB", "reserve": "4MiB", "memory": "4MiB"})
    client = relp.Client(("127.0.0.1", port), timeout=60)
    texts = [senders.message("f", number) + b" " + b"x" * 20000 for number in range(4000)]
    failure = []

    def send_all():
        try:
            client.send(texts, window=50)
            client.settle()
        except (OSError, AssertionError) as error:
            failure.append(error)
    thread = threading.Thread(target=send_all, daemon=True)
    thread.start()
    wait_until(lambda: relay.status()["spool"]["level"] != "open", 60, "a full spool")
    assert thread.is_alive() and not failure
    assert relay.input("in")["protocol_errors"] == 0
    server = relp.Server(port=next_port)
    thread.join(60)
    assert not failure and len(client.acknowledged) == len(texts), failure
    client.close()
    relay.wait_delivered("next", len(texts), 60)
    assert server.received == texts
    server.close()


def test_pitfall_40_omrelp_sends_again_what_was_not_answered(relays, tmp_path, processes):
    """relayd is killed under load from omrelp, so that messages are stored whose answers never left. omrelp sends its window again, 129
    messages at the most: each message is stored at least once and at most twice. (Nothing is delivered before the end, so that relayd's
    own outputs add no repetition.)"""
    port, count = free_port(), 20000
    relay = relays.make("relay", [relp_input(port)], [{"type": "relp", "name": "print", "servers": [f"127.0.0.1:{free_port()}"]}]).start()
    _, feed = omrelp(tmp_path, processes, port)
    sock = feeding(senders.connect(feed), (senders.message("k", number) for number in range(count)))
    relay.wait_stored(count // 10)
    relay.kill()
    relay.config["outputs"] = [{"type": "stdout", "name": "print"}]
    relay.start()
    numbers = []

    def seen():
        numbers[:] = senders.numbers_by_sender(line["message"] for line in relay.lines())["k"] if relay.lines() else []
        return len(set(numbers)) == count
    wait_until(seen, 60, f"{count} different messages", pause=0.5)
    senders.finish(sock)
    times = collections.Counter(numbers)
    assert max(times.values()) <= 2 and len(numbers) - count <= 129
    assert list(dict.fromkeys(numbers)) == list(range(count)), "out of order"


SLOW_SYNC = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
int fdatasync(int file)
{
	usleep(30000);
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	return real(file);
}
"""


@pytest.fixture(scope="session")
def slow_sync(tmp_path_factory):
    """A library that makes each fdatasync() take 30 ms longer."""
    folder = tmp_path_factory.mktemp("slow_sync")
    (folder / "slow_sync.c").write_text(SLOW_SYNC)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / "slow_sync.so", folder / "slow_sync.c", "-ldl"], check=True)
    return folder / "slow_sync.so"


def test_pitfall_41_everything_is_answered_before_close(relays, tmp_path, processes, slow_sync):
    """omrelp closes after every hundred messages and forgets what is unanswered by then; the disk is slow, so that always something is.
    relayd answers all of it before it answers `close`: every message is there once."""
    port, count = free_port(), 2000
    relay = relays.make("relay", [relp_input(port)]).start(command=["env", f"LD_PRELOAD={slow_sync}"])
    _, feed = omrelp(tmp_path, processes, port, 'rebindInterval="100"')
    sock = feeding(senders.connect(feed), (senders.message("r", number) for number in range(count)))
    wait_until(lambda: len(relay.lines()) >= count, 60, "all messages", pause=0.2)
    senders.finish(sock)
    senders.assert_complete_in_order([line["message"] for line in relay.lines()], ["r"], count)
    assert relay.input("in")["received"] == count


# ---- imrelp's habits ----

@pytest.mark.parametrize("options, arrives", [("", 8192), ('maxDataSize="64k"', 20000)], ids=["default", "maxDataSize"])
def test_pitfall_42_imrelp_cuts_and_says_200(relays, tmp_path, processes, options, arrives):
    """A message of 20,000 octets to imrelp with rsyslog's default limit of 8 KiB: cut, and acknowledged. relayd cannot see that, so it
    warns before. With maxDataSize raised the message arrives whole."""
    text = ONE.ljust(20000, b"x")
    peer, port = imrelp(tmp_path, processes, options, limit="8k" if not options else "64k")
    relay, feed = relp_sender(relays, port)
    feeding(senders.connect(feed), [text])
    relay.wait_delivered("next", 1)
    relay.wait_log("warn_size")
    assert "20000 octets" in relay.log_text() and "maxDataSize" in relay.log_text()
    assert peer.raws(1) == [text[:arrives]]


def test_pitfall_43_imrelp_acknowledges_what_it_has_not_stored(relays, tmp_path, processes):
    """imrelp hands messages to a queue in memory and says 200. It is killed before they went anywhere, and started again: they are gone,
    though "delivered"; only what is sent now arrives. Nothing on relayd's side can mend that: --explain says so of each such path."""
    port, count = free_port(), 200
    listen = f'module(load="imrelp")\ninput(type="imrelp" port="{port}" ruleset="keep")\nruleset(name="keep" queue.type="LinkedList")'
    peer = rsyslog.Rsyslog(tmp_path, processes, listen + ' { action(type="omfwd" target="127.0.0.1" port="1" protocol="tcp" '
                           'action.resumeRetryCount="-1") }\n').start(listening(port))
    relay, feed = relp_sender(relays, port)
    sock = feeding(senders.connect(feed), [senders.message("m", number) for number in range(count)])
    relay.wait_delivered("next", count)
    peer.kill()
    again = rsyslog.Rsyslog(tmp_path, processes, listen + ' { action(type="omfile" file="$FOLDER/out" template="j") }\n', "again")
    again.start(listening(port))
    senders.finish(sock, senders.frame_counted(ONE))
    assert again.raws(1, seconds=30) == [ONE]
    relay.wait_delivered("next", count + 1)
    told = subprocess.run([BIN / "relayd", "-c", relay.write_config(), "--explain"], capture_output=True, text=True, check=True).stdout
    assert "imrelp" in told and "it has received a message, not that it has" in " ".join(told.split())


# ---- offers that one side does not know, and TLS ----

@pytest.mark.parametrize("commands", [b"syslog,block", b"block,syslog", b"starttls,syslog,blocked"])
def test_pitfall_45_unknown_commands_in_an_offer(observe, commands):
    """A client that offers more than syslog: relayd offers no command that it was not offered, and the session works."""
    port = free_port()
    observed = observe(relp_input(port))
    client = relp.Client(("127.0.0.1", port), offers=b"relp_version=0\nrelp_software=test\ncommands=" + commands)
    offered = next(line for line in client.opened[2].split(b"\n") if line.startswith(b"commands="))
    assert set(offered.removeprefix(b"commands=").split(b",")) <= set(commands.split(b",")), offered
    client.send([ONE])
    client.close()
    assert observed.raws(1) == [ONE]


def test_pitfall_45_a_server_that_offers_unknown_commands(relays):
    """The other way round: of what the server offers relayd uses syslog and nothing else."""
    server = relp.Server(offers=b"relp_version=0\nrelp_software=test\ncommands=syslog,block,frobnicate\nunknown=1,2")
    relay, feed = relp_sender(relays, server.port)
    feeding(senders.connect(feed), [ONE, TWO])
    relay.wait_delivered("next", 2)
    assert server.received == [ONE, TWO]
    assert relay.stop() == 0
    assert set(server.commands) == {b"open", b"syslog", b"close"}
    server.close()


def test_pitfall_46_omrelp_without_a_certificate_is_refused(observe, tmp_path, processes, certificates):
    """`tls="on"` alone means anonymous Diffie-Hellman to librelp with gnutls. relayd wants a certificate: nothing comes in, and the log
    says from whom and why."""
    port = free_port()
    observed = observe(relp_input(port, tls=certificates.tls(certificates.leaf(RELAY), [PEER])))
    _, feed = omrelp(tmp_path, processes, port, 'tls="on"')
    feeding(senders.connect(feed), [ONE])
    observed.relay.wait_log("tls_refused")
    line = next(line for line in observed.relay.log_text().splitlines() if "tls_refused" in line)
    assert "127.0.0.1" in line and ("cipher" in line or "certificate" in line), line
    assert observed.relay.lines() == [] and observed.relay.input("in")["received"] == 0


def test_pitfall_46_imrelp_without_a_certificate_is_refused(relays, tmp_path, processes, certificates):
    """The same at imrelp: relayd never speaks to a server that shows no certificate, keeps the message, and says why."""
    peer, port = imrelp(tmp_path, processes, 'tls="on"')
    relay, feed = relp_sender(relays, port, tls=certificates.tls(certificates.leaf(RELAY), [PEER]))
    feeding(senders.connect(feed), [ONE])
    relay.wait_stored(1)
    output = relay.wait_output("next", lambda output: output["detail"])
    assert "TLS" in output["detail"] or "handshake" in output["detail"], output
    assert output["delivered"] == 0 and output["pending"] == 1 and peer.lines() == []


def test_pitfall_47_certvalid_lets_a_self_signed_client_into_imrelp_and_not_into_relayd(relays, observe, tmp_path, processes, certificates):
    """imrelp's authMode certvalid with gnutls takes a client whose certificate nobody vouches for. relayd told to check the chain alone
    does not."""
    stranger = certificates.self_signed(RELAY)
    options = rsyslog.relp_tls(certificates, certificates.leaf(PEER), ["unused"], "certvalid")
    peer, port = imrelp(tmp_path, processes, options, 'tls.tlslib="gnutls"')
    relay, feed = relp_sender(relays, port, tls=certificates.tls(stranger, [PEER]))
    feeding(senders.connect(feed), [ONE])
    relay.wait_delivered("next", 1)
    assert peer.raws(1) == [ONE]

    own_port = free_port()
    observed = observe(relp_input(own_port, tls=certificates.tls(certificates.leaf(PEER))), name="own")
    relay.stop()
    relay.config["outputs"][0]["servers"] = [f"127.0.0.1:{own_port}"]
    relay.start()
    feeding(senders.connect(feed), [TWO])
    relay.wait_stored(2)
    observed.relay.wait_log("tls_refused")
    assert "self-signed" in observed.relay.log_text() or "self signed" in observed.relay.log_text()
    output = relay.wait_output("next", lambda output: output["detail"])
    assert "refused" in output["state"] and output["delivered"] == 1 and output["pending"] == 1, output
    assert observed.relay.lines() == []
