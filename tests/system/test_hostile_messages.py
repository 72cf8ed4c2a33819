# SPDX-License-Identifier: Apache-2.0
"""Messages made of pieces that hurt: whatever comes, one message comes out for each, JSON is JSON, RFC 5424 is RFC 5424 (by a grammar that
is not relayd's own), and octets survive two relays."""
import json
import random
import re
import subprocess

import pytest
import senders
from peers import relp
from relay import BIN, SANITIZED, free_port, wait_until

PIECES = [b"<34>", b"<0>", b"<191>", b"<192>", b"<>", b"1 ", b"2 ", b"- ", b"-", b"[", b"]", b'[a@1 b="c"]', b"[a@1", b'="', b"\\", b'"',
          b"\xef\xbb\xbf", b"\xff", b"\xc3", b"\xc3\xa9", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\0", b"\r", b"\t", b"\n", b"\x1b[31m",
          b"\x7f", b"Oct 11 22:14:15", b"2026-10-11T22:14:15Z", b"2026-10-11T22:14:15.123456789+02:00", b" ", b"  ", b":", b"web01",
          b"sshd[1]:", b"%ASA-6-1: ", b'{"a":1}', b"@cee:", b"CEF:0|", b"x" * 60, b"y" * 300, b"Feb 29 12:00:00", b"Mar 29 02:30:00",
          b"\xe2\x80\xa8", b"\xf0\x9f\x98\x80", b"last message repeated 3 times", b"From h: ", b"/", b"~s", b"null", b"\\u0000"]
SEVERITIES = "emerg alert crit err warning notice info debug".split()
FACILITIES = ("kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit console cron2 "
              + " ".join(f"local{number}" for number in range(8))).split()
MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
HEADER = b"<34>1 2026-10-11T22:14:15Z "

# RFC 5424, section 6, with no leniency at all; up to the SP before MSG.
STAMP = rb"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
NAME = rb'[!#-<>-\\^-~]{1,32}'
VALUE = rb'(\\["\\\]]|\\(?!["\\\]])|[^"\\\]])*'
GRAMMAR = re.compile(rb"<(\d|[1-9]\d|1[0-8]\d|19[01])>1 (-|" + STAMP + rb") [!-~]{1,255} [!-~]{1,48} [!-~]{1,128} [!-~]{1,32} (-|(\["
                     + NAME + rb"( " + NAME + rb'="' + VALUE + rb'")*\])+)( |$)', re.DOTALL)


def hostile(count, seed):
    """That many messages, the same for the same seed; none is empty."""
    chance, made = random.Random(seed), []
    while len(made) < count:
        text = b"".join(chance.choices(PIECES, k=chance.randint(0, 14)))
        if chance.random() < 0.3:
            text = HEADER + text
        if text and chance.random() < 0.2:
            at = chance.randrange(len(text))
            text = text[:at] + bytes([chance.randrange(256)]) + text[at + 1:]
        if text:
            made.append(text)
    return made


def members_once(pairs):
    assert len(dict(pairs)) == len(pairs), f"a member twice: {pairs}"
    return dict(pairs)


def octets(text):
    """Octets that are no UTF-8 stand as U+EF80 to U+EFFF."""
    return b"".join(bytes([ord(char) & 0xff]) if "\uef80" <= char <= "\uefff" else char.encode() for char in text)


def trimmed(text):
    """LF and NUL at the end, and one CR before them, end a message and are no part of it."""
    cut = text.rstrip(b"\n\0")
    return cut.removesuffix(b"\r") if len(cut) < len(text) else cut


def members(read):
    pri = b"<%d>" % (FACILITIES.index(read["facility"]) * 8 + SEVERITIES.index(read["severity"]))
    return pri, read.get("timestamp", ""), *(octets(read.get(name, "")) for name in ("hostname", "app_name", "procid", "msgid", "message"))


def rfc5424_forms(read):
    pri, stamp, *fields, message = members(read)
    header = pri + b"1 " + b" ".join(field or b"-" for field in (stamp.encode(), *fields)) + b" -"
    return [header + b" " + message, header + b" \xef\xbb\xbf" + message] + ([header] if not message else [])


def legacy_forms(read):
    pri, stamp, host, app, procid, _, message = members(read)
    tag = app + (b"[%s]" % procid if procid else b"") + b":" if app else b""
    rest = (host + b" " if host else b"") + (tag + b" " if tag and message else tag) + message
    if stamp:
        month, day, time = int(stamp[5:7]), int(stamp[8:10]), stamp[11:19]
        rest = b"%s %2d %s " % (MONTHS[month - 1], day, time.encode()) + rest
    return [pri + rest, rest]


def convert(texts, form):
    run = subprocess.run([BIN / "relayctl", "convert", "--to", form, "--framing", "octet-counting"], capture_output=True, check=True,
                         input=b"".join(map(senders.frame_counted, texts)))
    lines = run.stdout.split(b"\n")
    assert lines.pop() == b"" and len(lines) == len(texts)
    return lines


@pytest.mark.sanitized
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_line_of_json_for_each_message(seed):
    """Python's reader, which like yajl insists on UTF-8, reads each line; no member comes twice. The message as received is there: as `raw`,
    or, put together again, as the members."""
    texts = hostile(2000, seed)
    without_raw = 0
    for text, line in zip(texts, convert(texts, "json")):
        read = json.loads(line.decode("utf-8"), object_pairs_hook=members_once)
        assert {"severity", "facility"} <= set(read), (text, read)
        received = trimmed(text)
        if "raw" in read.get("relay", {}):
            assert trimmed(octets(read["relay"]["raw"])) == received, (text, read)
        elif "structured_data" not in read:
            without_raw += 1
            assert received in legacy_forms(read) or received in rfc5424_forms(read), (text, read)
    assert without_raw > 100


@pytest.mark.sanitized
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rfc5424_is_legal_however_bad_the_input_was_and_stays_as_it_is(seed):
    """Each line follows the RFC's grammar. Read and written once more, as the next relay does, it is the same, octet for octet."""
    texts = hostile(2000, seed)
    lines = convert(texts, "rfc5424")
    for text, line in zip(texts, lines):
        assert GRAMMAR.match(line), (text, line)
    assert convert(lines, "rfc5424") == lines


@pytest.mark.parametrize("form", ["raw", "rfc5424"])
def test_octets_survive_two_relays(relays, form):
    """A client sends over RELP to a relay, that to another, that to a server, which has every message, in order: with format raw as the
    client sent it (with a PRI in front where there was none); with rfc5424 what was RFC 5424 to the letter, and of the others the
    first relay's reading, which the second one does not change. One has exactly 64 KiB, the limit."""
    server, port, relp_port = relp.Server(), free_port(), free_port()
    relays.start("second", [{"type": "relp", "listen": f"127.0.0.1:{relp_port}"}],
                 [{"type": "relp", "name": "server", "servers": [f"127.0.0.1:{server.port}"], "format": form, "warn_size": 0}])
    relays.start("first", [{"type": "relp", "listen": f"127.0.0.1:{port}"}],
                 [{"type": "relp", "name": "second", "servers": [f"127.0.0.1:{relp_port}"], "format": form, "warn_size": 0}])
    exact = [HEADER + b'web01 app 7 ID47 [a@1 b="\\"\\\\\\]"] ' + octets for octets in
             (b"text", b"\0\1\2\r\t\x1b", bytes(range(1, 256)), b"\xef\xbb\xbf\xc3\xa9", b"  two spaces", b"")]
    exact.append((HEADER + b"web01 app - - - ").ljust(64 * 1024, b"x"))
    texts = exact + hostile(300 if SANITIZED else 3000, 4)
    client = relp.Client(("127.0.0.1", port))
    client.send(texts)
    client.close()
    wait_until(lambda: len(server.received) >= len(texts), 30, "all messages")
    server.close()
    assert len(server.received) == len(texts)
    if form == "raw":
        assert [got for text, got in zip(texts, server.received) if got not in (text, b"<13>" + text)] == []
    else:
        assert server.received[:len(exact)] == [text.removesuffix(b"\n") for text in exact]
        assert [got for got in server.received if not GRAMMAR.match(got)] == []
