# SPDX-License-Identifier: Apache-2.0
"""util-linux logger, the sender that everybody has, in all its modes: what it says it sent is what relayd received."""
import os
import re
import socket

import pytest
from peers import logger
from relay import free_port

TRANSPORTS = {"udp": ["--udp"], "tcp-lf": ["--tcp"], "tcp-octet-counting": ["--tcp", "--octet-count"]}
# On a socket, logger writes the count only where it was asked for it, and says it there too.
COUNT = re.compile(rb"\A\d+ (?=<)")


def listen(observe, transport):
    """A relay for this transport; (observed, port)."""
    udp = transport == "udp"
    port = free_port(socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
    return observe({"type": "udp" if udp else "tcp", "name": "in", "listen": f"127.0.0.1:{port}"}), port


def only(octets):
    """The one message that logger said, without its count and the LF behind it."""
    return COUNT.sub(b"", octets.removesuffix(b"\n"))


@pytest.mark.sanitized
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_rfc3164(observe, transport):
    """logger --rfc3164 writes TIMESTAMP, HOSTNAME and TAG. The octets arrive; the fields are the arguments."""
    observed, port = listen(observe, transport)
    said = logger.to_port(port, *TRANSPORTS[transport], "--rfc3164", "-t", "sshd", "--id=412", "-p", "auth.warning", "Failed password")
    assert observed.raws(1) == [only(said)]
    line = observed.lines(1)[0]
    assert (line["facility"], line["severity"], line["app_name"], line["procid"]) == ("auth", "warning", "sshd", "412")
    assert line["hostname"] == socket.gethostname().split(".")[0] and line["message"] == "Failed password"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_rfc5424_with_structured_data(observe, transport):
    """logger --rfc5424 with MSGID and two SD-ELEMENTs of its caller, beside its own timeQuality."""
    observed, port = listen(observe, transport)
    said = logger.to_port(port, *TRANSPORTS[transport], "--rfc5424", "-t", "shop", "-p", "local0.info", "--msgid", "ORDER",
                          "--sd-id", "order@32473", "--sd-param", 'number="12345"', "--sd-param", r'note="a \"b\" \] c"',
                          "--sd-id", "meta", "--sd-param", 'sequenceId="7"', "taken")
    assert observed.raws(1) == [only(said)]
    line = observed.lines(1)[0]
    assert (line["facility"], line["severity"], line["app_name"], line["msgid"]) == ("local0", "info", "shop", "ORDER")
    assert line["message"] == "taken"
    elements = line["structured_data"]
    assert elements["order@32473"] == {"number": "12345", "note": 'a "b" ] c'} and elements["meta"] == {"sequenceId": "7"}
    assert set(elements) == {"timeQuality", "order@32473", "meta"}


@pytest.mark.parametrize("snip, absent", [
    ("notime", ["timestamp", "structured_data"]),  # logger leaves timeQuality out with the time
    ("notq", ["structured_data"]),
    ("nohost", ["hostname"]),
    ("notime,notq,nohost", ["timestamp", "structured_data", "hostname"])])
def test_rfc5424_with_parts_left_out(observe, snip, absent):
    """NILVALUE in place of TIMESTAMP, HOSTNAME and STRUCTURED-DATA is legal: these fields are absent, the others are there."""
    observed, port = listen(observe, "udp")
    said = logger.to_port(port, "--udp", f"--rfc5424={snip}", "-t", "tg", "hello")
    assert observed.raws(1) == [only(said)]
    line = observed.lines(1)[0]
    assert [name for name in ("timestamp", "structured_data", "hostname") if name not in line] == absent
    assert (line["app_name"], line["message"]) == ("tg", "hello")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_lines_of_standard_input_become_messages_and_an_empty_line_an_empty_message(observe, transport):
    """Three lines, the second one empty: three messages, the second one without MSG; nothing is skipped."""
    observed, port = listen(observe, transport)
    said = logger.to_port(port, *TRANSPORTS[transport], "--rfc5424", "-t", "tg", lines=b"one\n\nthree\n")
    assert observed.raws(3) == [COUNT.sub(b"", text) for text in said.split(b"\n")[:-1]]
    assert [line.get("message") for line in observed.lines(3)] in (["one", None, "three"], ["one", "", "three"])


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_lf_in_an_argument_is_data_where_the_framing_can_carry_it(observe, transport):
    """logger sends an LF in its argument as it is. As a datagram and octet-counted it is one message with two lines; with LF framing
    nobody can know, and it is two messages, the second one without a header but whole."""
    observed, port = listen(observe, transport)
    said = only(logger.to_port(port, *TRANSPORTS[transport], "--rfc5424", "-t", "tg", "first\nsecond"))
    if transport == "tcp-lf":
        header_and_first, second = said.split(b"\n")
        assert observed.raws(2) == [header_and_first, b"<13>" + second]
        assert observed.lines(2)[1]["message"] == "second"
    else:
        assert observed.raws(1) == [said]
        assert observed.lines(1)[0]["message"] == "first\nsecond"


def test_default_app_name_is_the_user_and_msg_is_cut_by_logger(observe):
    """Without -t APP-NAME is the user's name; above --size (1 KiB by default) logger itself cuts MSG and says nothing of it: relayd
    gets whole frames, and neither flags nor counts a truncation."""
    observed, port = listen(observe, "tcp-octet-counting")
    said = [only(logger.to_port(port, "--tcp", "--octet-count", *size, "m" * 3000)) for size in ([], ["--size", "8KiB"])]
    assert observed.raws(2) == said
    lines = observed.lines(2)
    assert [len(line["message"]) for line in lines] == [1024, 3000]
    assert lines[0]["app_name"] == os.popen("id -un").read().strip()
    assert observed.relay.input("in")["truncated"] == 0


@pytest.mark.sanitized
@pytest.mark.parametrize("mode", ["datagram", "stream"])
def test_local_socket(observe, tmp_path, mode):
    """logger --socket finds out by itself whether the socket takes datagrams or a stream, on which it ends each message with LF. No
    host stands in the text: HOSTNAME is absent and the TAG is no host; the kernel says who it was."""
    path = tmp_path / "log"
    observed = observe({"type": "unix", "name": "in", "path": str(path), "mode": mode})
    said = logger.run("--socket", path, "-t", "tg", "--id=99", "-p", "daemon.err", lines=b"one\ntwo\n")
    assert observed.raws(2) == said.split(b"\n")[:-1]
    for line, text in zip(observed.lines(2), ("one", "two")):
        assert (line["facility"], line["severity"], line["app_name"], line["procid"]) == ("daemon", "err", "tg", "99")
        assert line["message"] == text and "hostname" not in line, line
        peer = line["relay"]["peer"]
        assert (peer["transport"], peer["uid"], peer["gid"]) == (f"unix-{mode}", os.getuid(), os.getgid()) and peer["pid"] > 0


def test_rfc5424_on_the_local_socket(observe, tmp_path):
    """logger --rfc5424 --socket: the local reader knows the newer format too."""
    path = tmp_path / "log"
    observed = observe({"type": "unix", "name": "in", "path": str(path)})
    said = logger.run("--socket", path, "--rfc5424", "-t", "tg", "--msgid", "M", "hello")
    assert observed.raws(1) == [said.removesuffix(b"\n")]
    line = observed.lines(1)[0]
    assert (line["app_name"], line["msgid"], line["message"]) == ("tg", "M", "hello")
    assert set(line["structured_data"]) == {"timeQuality"}
