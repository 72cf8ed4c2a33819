# SPDX-License-Identifier: Apache-2.0
"""relayctl convert with messages in liblog's typed encoding: events come out with their types, and what was not written
exactly so keeps its octets."""
import json
import subprocess

import typed_events
from relay import BIN

RELAYCTL = BIN / "relayctl"
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


def test_json_to_rfc5424_to_json_is_the_same():
    lines = typed_events.as_lines(typed_events.random_events(2000, seed=7))
    events = convert(*typed_events.sent_by_slogger(lines))
    assert len(events) == len(lines)
    for event, line in zip(events, lines):
        assert list(typed_events.without_header(event).items()) == list(line.items())


def test_a_message_made_to_take_long_does_not():
    members = ",".join(f'\\"a{n}\\":0' for n in range(80000))
    event, = convert(HEADER + '[slog@32473 ~o="{' + members + '}"]')
    assert event["a79999"] == 0 and "raw" in event["relay"]
