# SPDX-License-Identifier: Apache-2.0
"""relayctl convert with messages in liblog's typed encoding: events come out with their types, and what was not written
exactly so keeps its octets."""
import json
import random
import subprocess

from relay import BIN

SLOGGER, RELAYCTL = BIN / "slogger", BIN / "relayctl"
HEADER = "<38>1 2026-10-11T22:14:15.003000Z web01 sshd 42 auth "
HEAD = {"timestamp": "2026-10-11T22:14:15.003000Z", "severity": "info", "facility": "auth", "hostname": "web01",
        "app_name": "sshd", "procid": "42", "msgid": "auth"}


def convert(*lines):
    result = subprocess.run([RELAYCTL, "convert"], input="".join(line + "\n" for line in lines), capture_output=True,
                            text=True, timeout=60, check=True)
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_an_event_comes_out_with_its_types_and_nothing_else():
    assert convert(HEADER + '[slog@32473 user="root" valid="false" port="54460" uid="12" geo/city="Paris" geo/lat="48.85" '
                            'tags="[\\"a\\",3\\]" nothing="null" ~s="uid"] two␊lines') == [
        {**HEAD, "message": "two\nlines", "user": "root", "valid": False, "port": 54460, "uid": "12",
         "geo": {"city": "Paris", "lat": 48.85}, "tags": ["a", 3], "nothing": None}]


def test_reserved_names_get_an_underscore_and_a_cut_is_told():
    assert convert(HEADER + '[slog@32473 severity="1" _relay="2" ~cut="3"]') == [
        {**HEAD, "_severity": 1, "__relay": 2, "~cut": 3}]


def test_a_long_event_name_stands_for_msgid():
    assert convert(HEADER.replace(" auth ", " a_name ") + '[slog@32473 ~e="a name"]') == [{**HEAD, "msgid": "a name"}]


def test_elements_of_others_stay_strings_beside_it():
    event, = convert(HEADER + '[origin ip="1"][slog@32473 a="1"]')
    assert event == {**HEAD, "a": 1, "structured_data": {"origin": {"ip": "1"}}}
    event, = convert(HEADER + '[x@1 a="5"] m')
    assert event == {**HEAD, "message": "m", "structured_data": {"x@1": {"a": "5"}}}


def test_what_we_would_have_written_otherwise_keeps_its_octets():
    for sd in ('[slog@32473 a="1"][origin ip="1"]', '[slog@32473 %41="1"]', '[slog@32473 a="\\x"]',
               '[slog@32473 g/a="1" b="2" g/c="3"]', '[slog@32473 a="1" a="2"]', '[slog@32473.x y="1"]',
               '[slog@32473 message="x"]'):
        line = HEADER + sd
        event, = convert(line)
        assert event["relay"] == {"raw": line}
    assert convert(HEADER + '[slog@32473 a="1" a="2"]')[0]["a"] == 2
    assert convert(HEADER + '[slog@32473 message="x"]')[0]["_message"] == "x"


def test_an_element_made_to_grow_has_room():
    prefix = "%00" * 7
    params = "".join(f' {chr(97 + n % 26)}{n}=""' for n in range(250))
    event, = convert(HEADER + f"[slog@32473.{prefix}{params}]")
    assert event["\0" * 7 + ".a0"] == "" and len(event) == len(HEAD) + 250 + 1
    event, = convert(HEADER + "[slog@32473" + params + params + "]")
    assert len(event["structured_data"]["slog@32473"]) == 500


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


def without_header(event):
    assert "structured_data" not in event and "relay" not in event, event
    return {key: value for key, value in event.items() if key not in HEAD}


def test_json_to_rfc5424_to_json_is_the_same():
    lines = as_lines(random_events(2000, seed=7))
    text = "".join(json.dumps(line) + "\n" for line in lines)
    sent = subprocess.run([SLOGGER, "--stdout=rfc5424", "--input=json"], input=text, capture_output=True, text=True, timeout=60,
                          check=True).stdout
    events = convert(*sent.split("\n")[:-1])
    assert len(events) == len(lines)
    for event, line in zip(events, lines):
        assert list(without_header(event).items()) == list(line.items())
