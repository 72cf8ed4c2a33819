# SPDX-License-Identifier: Apache-2.0
"""The known interoperability pitfalls of syslog and its programs, one test a row, named test_pitfall_<row>. In this file a raw socket says
what some device or program is known to say.

    row   what                                                   where
    1     LF frames over TLS                                     test_pitfalls_rsyslog, test_pitfalls_syslog_ng
    2     network() reads LF only, syslog() counts only          test_pitfalls_syslog_ng
    3, 4  LF inside a counted frame; count and text apart        here, test_pitfalls_syslog_ng
    5-7   LF behind a counted frame; digits; no last LF          here; 6 also test_pitfalls_rsyslog
    8, 9  oversize at rsyslog; LF in MSG                         here, test_pitfalls_rsyslog; 9 also test_pitfalls_syslog_ng
    10-16 CR, NUL, double SP, BOM, PRI, no header, stamps        here; 11, 12, 15 also test_pitfalls_rsyslog, 13 test_pitfalls_syslog_ng
    17    more than six fraction digits                          here, test_pitfalls_rsyslog
    18    leap second, hour 24, Feb 30                           here
    19    New Year, Feb 29, DST                                  unit/syslog/test_timestamp_resolve.c (the clock is an argument there)
    20    IPv6 HOSTNAME                                          here, test_pitfalls_rsyslog, test_pitfalls_syslog_ng
    21-23 Cisco marks, AIX, CEF/LEEF/JSON                        here
    24    syslog-ng rewrites SD                                  test_pitfalls_syslog_ng
    25    rsyslog drops SD and MSGID                             test_pitfalls_rsyslog
    26    malformed SD                                           here
    27    syslog-ng replaces what it cannot parse                test_pitfalls_syslog_ng
    28    a datagram that ends in LF                             test_pitfalls_syslog_ng
    29    UDP and the z prefix                                   test_pitfalls_rsyslog
    30    spellings of fingerprints                              test_pitfalls_rsyslog; test_refusals (relayd's own list)
    31    rsyslog's ossl driver takes any client of the CA       test_pitfalls_rsyslog
    32    syslog-ng's trusted-keys                               test_pitfalls_syslog_ng
    33    refused after "connected"                              test_pitfalls_rsyslog
    34    close without close_notify                             here
    35    wildcard in the certificate                            test_pitfalls_rsyslog, test_pitfalls_syslog_ng
    36-47 RELP                                                   test_pitfalls_relp; 44 also unit/relp/test_relp_server.c, test_relp_client.c
    48, 49 /dev/log: C libraries, stream sockets                 test_pitfalls_local
    51    a name that repeats in an SD-ELEMENT                   here
    53    logger's habits                                        test_interop_logger
    55    SIGHUP in the middle of a frame                        here

Rows 10 to 18, 20 to 23 and 26 are also cases of corpus/rfc3164 and corpus/rfc5424, named by the variant (v63-cef), which hold every
field; here they cross the real relay. Rows 50 (journald's memfd), 52 (GELF) and 54 (Kafka, NATS) are about inputs and outputs
that relayd does not have."""
import subprocess

import pytest
import senders
from relay import free_port, socket

def tcp(observe, **more):
    port = free_port()
    return observe({"type": "tcp", "name": "in", "listen": f"127.0.0.1:{port}", **more}), port


def datagrams(observe, *texts):
    """Sends each text as a datagram; (raws, lines)."""
    port = free_port(socket.SOCK_DGRAM)
    observed = observe({"type": "udp", "name": "in", "listen": f"127.0.0.1:{port}", "time_zone": "Europe/Berlin"})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for text in texts:
            sock.sendto(text, ("127.0.0.1", port))
    return observed.raws(len(texts)), observed.lines(len(texts))


def fields(line, *names):
    return tuple(line.get(name) for name in names)


# ---- frames ----

@pytest.mark.sanitized
def test_pitfall_03_lf_inside_a_counted_frame(observe):
    """A sender counts the LF that it puts behind each message (F04). The LF is no part of MSG, and each message arrives once."""
    observed, port = tcp(observe)
    texts = [b"<38>Oct 11 22:14:15 web01 app: one", b"<38>Oct 11 22:14:15 web01 app: two"]
    senders.finish(senders.connect(port), b"".join(senders.frame_counted(text + b"\n") for text in texts))
    assert [text.removesuffix(b"\n") for text in observed.raws(2)] == texts
    assert [line["message"] for line in observed.lines(2)] == ["one", "two"]


@pytest.mark.sanitized
def test_pitfall_04_a_counted_frame_in_single_octets(observe, certificates):
    """Count and message come apart, and each octet in a segment of its own (F02), over TLS in a record of its own."""
    observed, port = tcp(observe)
    sock = senders.connect(port)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    text = b"<38>Oct 11 22:14:15 web01 app: split"
    for octet in senders.frame_counted(text) * 2:
        sock.sendall(bytes([octet]))
    senders.finish(sock)
    assert observed.raws(2) == [text, text]

    tls_port = free_port()
    over_tls = observe({"type": "tls", "listen": f"127.0.0.1:{tls_port}",
                        "tls": certificates.tls(certificates.leaf("relay.example.net"))}, name="tls")
    sock = senders.connect(tls_port, senders.client_tls(certificates, certificates.leaf("client.example.net")))
    for octet in senders.frame_counted(text) * 2:
        sock.sendall(bytes([octet]))
    senders.finish(sock)
    assert over_tls.raws(2) == [text, text]


def test_pitfall_05_lf_behind_a_counted_frame(observe):
    """A sender counts right and still puts an LF behind each frame (F05): no empty message, no digits in a text."""
    observed, port = tcp(observe)
    texts = [b"<38>Oct 11 22:14:15 web01 app: one", b"<38>Oct 11 22:14:15 web01 app: two"]
    senders.finish(senders.connect(port), b"".join(senders.frame_counted(text) + b"\n" for text in texts))
    assert observed.raws(2) == texts
    assert observed.relay.input("in")["received"] == 2


def test_pitfall_06_a_line_that_begins_with_digits_is_no_length(observe):
    """Lines that begin with a year or a number (F16, F17): rsyslog takes 2025 for a length and waits. relayd looks at what is behind
    the SP: all lines arrive, and a counted frame behind them is read as one."""
    observed, port = tcp(observe)
    texts = [b"2025 Oct 11 22:14:15 web01 app: year", b"5 apples", b"5xyz hello", b"<38>Oct 11 22:14:15 web01 app: counted"]
    senders.finish(senders.connect(port), b"".join(map(senders.frame_lf, texts[:3])) + senders.frame_counted(texts[3]))
    assert observed.raws(4) == [b"<13>" + text for text in texts[:3]] + texts[3:]
    assert [line["message"] for line in observed.lines(4)] == ["year", "5 apples", "5xyz hello", "counted"]


@pytest.mark.parametrize("end", ["shutdown", "close", "reset"])
def test_pitfall_07_the_last_line_lacks_its_lf(observe, end):
    """A sender closes without an LF behind its last line (F11; imptcp loses it). relayd keeps it, however the connection ended."""
    observed, port = tcp(observe)
    sock = senders.connect(port)
    sock.sendall(b"<38>Oct 11 22:14:15 web01 app: first\n<38>Oct 11 22:14:15 web01 app: last")
    if end == "shutdown":
        sock.shutdown(socket.SHUT_WR)
    elif end == "reset":
        observed.lines(1)  # what the kernel has not given to relayd yet dies with the connection
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    if end != "shutdown":
        sock.close()
    assert [line["message"] for line in observed.lines(2)] == ["first", "last"]
    assert observed.raws(2)[1] == b"<38>Oct 11 22:14:15 web01 app: last"


@pytest.mark.parametrize("framing", [senders.frame_lf, senders.frame_counted], ids=["lf", "octet-counting"])
def test_pitfall_08_an_oversized_message_is_exactly_one_message(observe, framing):
    """9,028 octets at a limit of 8 KiB (F21, F22; rsyslog makes 2 to 838 messages of it). One message of 8,192 octets, flagged and
    counted, and the next one is whole."""
    observed, port = tcp(observe, max_message_size="8KiB")
    texts = [b"<38>Oct 11 22:14:15 web01 app: ".ljust(9028, b"x"), b"<38>Oct 11 22:14:15 web01 app: next"]
    senders.finish(senders.connect(port), b"".join(map(framing, texts)))
    assert observed.raws(2) == [texts[0][:8192], texts[1]]
    assert ["truncated" in line["relay"]["flags"] for line in observed.lines(2)] == [True, False]
    assert observed.relay.input("in")["truncated"] == 1


def test_pitfall_10_cr_before_lf(observe):
    """Lines that end in CR LF: no CR in MSG; a CR elsewhere is data (V101, F12). In a datagram the same."""
    observed, port = tcp(observe)
    senders.finish(senders.connect(port), b"<38>Oct 11 22:14:15 web01 app: crlf\r\n<38>Oct 11 22:14:15 web01 app: in\rside\r\n")
    assert [line["message"] for line in observed.lines(2)] == ["crlf", "in\rside"]
    _, lines = datagrams(lambda *inputs: observe(*inputs, name="udp"), b"<38>Oct 11 22:14:15 web01 app: crlf\r\n")
    assert lines[0]["message"] == "crlf"


def test_pitfall_11_nul_as_delimiter_and_as_data(observe):
    """Some senders end their messages with NUL (F13): a NUL that a PRI follows ends a message. Other NULs are data (V102, S18), and are
    neither lost nor the end of anything."""
    observed, port = tcp(observe)
    texts = [b"<38>Oct 11 22:14:15 web01 app: one", b"<38>Oct 11 22:14:15 web01 app: two", b"<38>Oct 11 22:14:15 web01 app: a\0b"]
    senders.finish(senders.connect(port), texts[0] + b"\0" + texts[1] + b"\0" + texts[2] + b"\n")
    assert observed.raws(3) == texts
    assert [line["message"] for line in observed.lines(3)] == ["one", "two", "a\0b"]
    assert "nul" in observed.lines(3)[2]["relay"]["flags"]


@pytest.mark.sanitized
def test_pitfall_55_sighup_in_the_middle_of_a_frame(observe):
    """Half a frame has come when the relay is told to reload; the other half comes behind it. One message, with both framings."""
    observed, port = tcp(observe)
    halves = [(b"<38>Oct 11 22:14:15 web01 app: first ", b"second\n"),
              (b"43 <38>Oct 11 22:14:15 web01", b" app: first second")]
    socks = [senders.connect(port) for _ in halves]
    for sock, (first, _) in zip(socks, halves):
        sock.sendall(first)
    marker = senders.connect(port)
    marker.sendall(b"<38>Oct 11 22:14:15 web01 app: marker\n")
    observed.lines(1)
    observed.relay.hup()
    observed.relay.wait_log("reload")
    for sock, (_, second) in zip(socks, halves):
        senders.finish(sock, second)
    senders.finish(marker)
    assert observed.raws(3)[1:] == [b"<38>Oct 11 22:14:15 web01 app: first second"] * 2


# ---- headers ----

def test_pitfall_12_double_space_before_msg(observe):
    """A second SP before MSG, as rsyslog writes it, is data (S17): kept in raw and in the text."""
    raws, lines = datagrams(observe, b"<38>1 2026-10-11T22:14:15Z web01 app 12 - -  legacy in")
    assert raws == [b"<38>1 2026-10-11T22:14:15Z web01 app 12 - -  legacy in"]
    assert lines[0]["message"].strip() == "legacy in" and lines[0]["procid"] == "12"


def test_pitfall_13_bom_in_three_places(observe):
    """A BOM in front of the PRI is skipped (V12); in front of MSG it says UTF-8 and is no part of the text, in both formats (V105,
    S19); without one the text is the same. All octets are kept."""
    bom = b"\xef\xbb\xbf"
    texts = [bom + b"<38>Oct 11 22:14:15 web01 app: text", b"<38>Oct 11 22:14:15 web01 app: " + bom + b"text",
             b"<38>1 2026-10-11T22:14:15Z web01 app - - - " + bom + b"text", b"<38>1 2026-10-11T22:14:15Z web01 app - - - text"]
    raws, lines = datagrams(observe, *texts)
    assert raws == texts
    for line in lines:
        assert fields(line, "facility", "severity", "hostname", "app_name", "message") == ("auth", "info", "web01", "app", "text")


def test_pitfall_14_pri_that_is_none(observe):
    """PRI out of range, empty, with leading zeros, of four digits, unclosed, negative (V06 to V10): PRI 13 where it is invalid, nothing
    lost, and the header behind it is read where there is one."""
    header = b"Oct 11 22:14:15 web01 app: x"
    cases = [(b"<192>" + header, "user", "notice", "web01"), (b"<999>" + header, "user", "notice", "web01"),
             (b"<>" + header, "user", "notice", "web01"), (b"<00>" + header, "kern", "emerg", "web01"),
             (b"<034>" + header, "auth", "crit", "web01"), (b"<1234>" + header, "user", "notice", None),
             (b"<34" + header, "user", "notice", None), (b"<-1>" + header, "user", "notice", None)]
    raws, lines = datagrams(observe, *(case[0] for case in cases))
    for (text, *expected), raw, line in zip(cases, raws, lines):
        assert list(fields(line, "facility", "severity", "hostname")) == expected, line
        assert raw.removeprefix(b"<13>") == text
        assert "x" in line["message"]
        assert line["relay"].get("raw", "").encode() in (text, b"")


def test_pitfall_15_text_without_a_header_is_no_host_and_tag(observe):
    """"free text here" with and without PRI (V04, V05): rsyslog reads host "free" and tag "text"; relayd reads text."""
    raws, lines = datagrams(observe, b"<34>free text here", b"free text here")
    assert raws == [b"<34>free text here", b"<13>free text here"]
    for line in lines:
        assert fields(line, "hostname", "app_name", "message") == (None, None, "free text here")


def test_pitfall_16_stamps_of_almost_iso_8601(observe):
    """No zone, a space for T, an offset without colon (V29 to V31, S05): read, with the input's zone where none is told."""
    raws, lines = datagrams(observe, b"<34>2025-10-11T22:14:15 web01 app: x", b"<34>2025-10-11 22:14:15 web01 app: x",
                            b"<34>2025-10-11T22:14:15+0300 web01 app: x", b"<34>1 2025-10-11T22:14:15 web01 app - - - x")
    assert len(raws) == 4
    stamps = ["2025-10-11T22:14:15+02:00", "2025-10-11T22:14:15+02:00", "2025-10-11T22:14:15+03:00", "2025-10-11T22:14:15+02:00"]
    for line, stamp in zip(lines, stamps):
        assert fields(line, "hostname", "app_name", "message") == ("web01", "app", "x")
        assert line["timestamp"].startswith("2025-10-11T22:14:15"), line
        assert line["timestamp"] == stamp or "zone-guessed" in line["relay"]["flags"], line


def test_pitfall_17_nine_fraction_digits_are_kept_inside(observe):
    """More than six digits of a second (V32, S02) are illegal and real. The octets are kept and so are nine digits of the time."""
    text = b"<34>1 2026-10-11T22:14:15.123456789Z web01 app - - - x"
    raws, lines = datagrams(observe, text)
    assert raws == [text]
    assert lines[0]["timestamp"] == "2026-10-11T22:14:15.123456789Z" and lines[0]["message"] == "x"


def test_pitfall_18_times_that_do_not_exist(observe):
    """A leap second, hour 24, February 30 (V38 to V40): flagged; the time is never rolled over into another minute or day."""
    texts = [b"<34>Oct 11 22:14:60 web01 app: x", b"<34>Oct 11 24:14:15 web01 app: x", b"<34>Feb 30 22:14:15 web01 app: x"]
    raws, lines = datagrams(observe, *texts)
    assert raws == texts
    assert "10-11T22:14:59" in lines[0]["timestamp"] and "time-precision" in lines[0]["relay"]["flags"]
    for line in lines[1:]:
        assert "timestamp" not in line and "time-invalid" in line["relay"]["flags"], line
    assert all(fields(line, "hostname", "app_name", "message") == ("web01", "app", "x") for line in lines)


def test_pitfall_20_ipv6_hostname(observe):
    """An IPv6 address as HOSTNAME (V48, V49): its colons do not make a TAG of it."""
    texts = [b"<34>Oct 11 22:14:15 2001:db8::1 sshd[1]: x", b"<34>Oct 11 22:14:15 [2001:db8::1] sshd[1]: x"]
    raws, lines = datagrams(observe, *texts)
    assert raws == texts
    for line in lines:
        assert fields(line, "app_name", "procid", "message") == ("sshd", "1", "x")
        assert line["hostname"].strip("[]") == "2001:db8::1"


def test_pitfall_21_both_cisco_marks_mean_not_synchronised(observe):
    """`*` and `.` before the time (V66): syslog-ng says "synchronised" for the dot; neither is."""
    texts = [b"<189>45: %cOct 11 22:14:15.123: %%SYS-5-CONFIG_I: text" % mark for mark in b"*."]
    raws, lines = datagrams(observe, *texts)
    assert raws == texts
    for line in lines:
        assert "clock-unsynced" in line["relay"]["flags"]
        assert fields(line, "hostname", "app_name", "message") == (None, "%SYS-5-CONFIG_I", "text")


def test_pitfall_22_aix_and_last_message_repeated(observe):
    """AIX puts words before the host (V90, V91); "last message repeated" has no host and no tag (V62)."""
    texts = [b"<38>Oct 11 22:14:15 Message forwarded from aix1: sshd[123]: Accepted", b"<38>Oct 11 22:14:15 From aix1: sshd[123]: Accepted",
             b"<38>Oct 11 22:14:15 Message forwarded from aix1: last message repeated 3 times",
             b"<38>Oct 11 22:14:15 last message repeated 3 times"]
    raws, lines = datagrams(observe, *texts)
    assert raws == texts
    assert [fields(line, "hostname", "app_name", "message") for line in lines] == [
        ("aix1", "sshd", "Accepted"), ("aix1", "sshd", "Accepted"), ("aix1", None, "last message repeated 3 times"),
        (None, None, "last message repeated 3 times")]


def test_pitfall_23_cef_leef_and_json_are_no_tags(observe):
    """`CEF:` reads as a TAG and is not (V63, V64); nor is the beginning of a JSON text (V97). The message begins with it."""
    texts = [b"<134>Oct 11 22:14:15 gw1 CEF:0|Ven|Prod|1.0|100|Name|5|src=192.0.2.1", b"<134>CEF:0|Ven|Prod|1.0|100|Name|5|src=192.0.2.1",
             b"<134>Oct 11 22:14:15 gw1 LEEF:2.0|Ven|Prod|1.0|100|^|src=192.0.2.1", b'<38>{"a":1}', b'<38>Oct 11 22:14:15 h app: {"a":1}']
    raws, lines = datagrams(observe, *texts)
    assert raws == texts
    assert [line["message"][:5] for line in lines] == ["CEF:0", "CEF:0", "LEEF:", '{"a":', '{"a":']
    assert [fields(line, "hostname", "app_name") for line in lines] == [("gw1", None), (None, None), ("gw1", None), (None, None), ("h", "app")]


def test_pitfall_26_malformed_structured_data_is_kept(observe):
    """Check Point's bracket, an SD that is cut, MSG without SP, SD without SD-ID (V83, S15, S16, S20): the header is read, MSG begins at
    the bracket or holds all that could not be read, and not an octet is lost."""
    header = b"<134>1 2025-10-11T22:14:15Z gw1 fw 1234 - "
    texts = [header + rest for rest in (b'[action:"Accept"; ifname:"eth0"]', b'[a@1 b="c', b'[a@1 b="c"]text', b'[ a="b"] text')]
    raws, lines = datagrams(observe, *texts)
    assert raws == texts
    for line, text in zip(lines, texts):
        assert fields(line, "hostname", "app_name", "procid") == ("gw1", "fw", "1234"), line
        assert line["message"] in text.decode()
    assert lines[0]["message"] == '[action:"Accept"; ifname:"eth0"]' and "sd-invalid" in lines[0]["relay"]["flags"]


def test_pitfall_51_a_name_that_repeats_is_a_list_in_json(observe):
    """A PARAM-NAME may repeat, a member of a JSON object may not: the element becomes a list of pairs, in order."""
    text = b'<134>1 2025-10-11T22:14:15Z gw1 fw - - [origin ip="192.0.2.1" ip="192.0.2.2"][x@1 a="b"] text'
    raws, lines = datagrams(observe, text)
    assert raws == [text]
    assert lines[0]["structured_data"] == {"origin": [["ip", "192.0.2.1"], ["ip", "192.0.2.2"]], "x@1": {"a": "b"}}


# ---- TLS ----

def test_pitfall_34_close_without_close_notify(observe, certificates, processes):
    """openssl s_client sends two messages and is killed: what arrived is kept, the end without close_notify is logged with the peer's
    address, and an orderly end is not."""
    port = free_port()
    observed = observe({"type": "tls", "name": "in", "listen": f"127.0.0.1:{port}",
                        "tls": certificates.tls(certificates.leaf("relay.example.net"), ["client.example.net"])})
    client = certificates.leaf("client.example.net")
    senders.send_stream(senders.connect(port, senders.client_tls(certificates, client)), "ordered", 1, senders.frame_counted)
    observed.lines(1)
    assert "incomplete_close" not in observed.relay.log_text()
    process = processes.start(["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{port}", "-cert", client.certificate, "-key",
                               client.key, "-CAfile", certificates.certificate], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdin.write(b"<38>Oct 11 22:14:15 web01 app: one\n<38>Oct 11 22:14:15 web01 app: two\n")
    process.stdin.flush()
    assert [line["message"] for line in observed.lines(3)[1:]] == ["one", "two"]
    process.kill()
    observed.relay.wait_log("incomplete_close")
    assert "close_notify" in observed.relay.log_text()
    assert len(observed.raws(3)) == 3
