# SPDX-License-Identifier: Apache-2.0
"""Random events as JSON lines, and as what slogger makes of them: hostile keys and strings, extremes of numbers, nested."""
import json
import random
import subprocess

from relay import BIN

HEADER = ("timestamp", "severity", "facility", "hostname", "app_name", "procid", "msgid")


def random_text(rng):
    pieces = ["a", "user", "12", "true", "[", "]", '"', "\\", "=", "/", "%", "~", ".", " ", "\n", "\t", "\x1b", "\x7f", "ü", "日本", "😀",
              "␊", "␛", "␠", "\uf8ff", "null", "{}", ",", ":", "severity", "_relay"]
    return "".join(rng.choice(pieces) for _ in range(rng.randrange(5)))


def random_value(rng, depth):
    kind = rng.randrange(8 if depth < 4 else 6)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.choice([0, -1, 2**63 - 1, -2**63, 2**64 - 1, rng.getrandbits(40)])
    if kind == 2:
        return rng.choice([0.5, -1e-300, 5e-324, 1.7976931348623157e308, 48.85])
    if kind == 6:
        return [random_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind == 7:
        return random_object(rng, depth + 1)
    return random_text(rng)


def random_object(rng, depth=0):
    return {random_text(rng): random_value(rng, depth) for _ in range(rng.randrange(6))}


def random_events(count, seed):
    """Objects without the name of the text for people, which is no field."""
    rng = random.Random(seed)
    return [{key: value for key, value in random_object(rng).items() if key != "message"} for _ in range(count)]


def as_lines(events):
    """In the JSON form of an event, reserved keys have an underscore more; slogger and convert both know."""
    def escaped(key):
        return "_" + key if key.lstrip("_") in ("severity", "relay") else key
    return [{escaped(key): value for key, value in event.items()} for event in events]


def sent_by_slogger(lines):
    """The lines as RFC 5424 messages, without an LF."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    sent = subprocess.run([BIN / "slogger", "--stdout=rfc5424", "--input=json"], input=text, capture_output=True, text=True,
                          timeout=60, check=True).stdout
    return sent.split("\n")[:-1]


def converted(messages):
    """What relayctl convert makes of messages, one a line, as objects."""
    text = b"".join(message + b"\n" for message in messages)
    out = subprocess.run([BIN / "relayctl", "convert"], input=text, capture_output=True, timeout=60, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def without_header(event):
    return {key: value for key, value in event.items() if key not in HEADER}
