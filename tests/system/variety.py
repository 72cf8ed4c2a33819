# SPDX-License-Identifier: Apache-2.0
"""Messages of many kinds that every peer passes on unaltered when it is told to forward what it received."""
import senders

LEGACY = b"<38>Oct 11 22:14:15 web01 app[7]: "
RFC5424 = b"<165>1 2026-10-11T22:14:15.003Z web01 app 7 ID47 "
BOM = b"\xef\xbb\xbf"

MESSAGES = [
    LEGACY + b"plain text",
    LEGACY + "Gr\u00fc\u00dfe, \u65e5\u672c\u8a9e".encode(),
    LEGACY + b"Latin-1 \xe9\xff",
    LEGACY + b"percent %s %d, quote \" ' and backslash \\ \\n",
    RFC5424 + b"- nil",
    RFC5424 + b'[ex@32473 user="root" quoted="a\\"b\\\\c\\]d"][origin ip="192.0.2.1" ip="192.0.2.2"] elements',
    RFC5424 + b"- " + BOM + "mit BOM \u00fc".encode(),
    b"<34>1 2026-10-11T22:14:15+02:00 h - - - -",
    b"<34>1 - - - - - - everything is nil",
    LEGACY + b"x" * 4000,
]


def numbered(count):
    """All kinds of MESSAGES first, then numbered ones: `count` in all."""
    return MESSAGES + [senders.message("v", number) for number in range(count - len(MESSAGES))]


def send_counted(port, messages, tls=None):
    """Sends them over one connection, octet-counted, and ends it in order."""
    sock = senders.connect(port, tls)
    senders.finish(sock, b"".join(map(senders.frame_counted, messages)))


def assert_same(received, sent):
    """Octet for octet and in order; the first difference is told."""
    for number, (got, expected) in enumerate(zip(received, sent)):
        assert got == expected, f"message {number}"
    assert len(received) == len(sent)
