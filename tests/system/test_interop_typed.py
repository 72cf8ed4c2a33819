# SPDX-License-Identifier: Apache-2.0
"""Events with types and nested values through rsyslog and syslog-ng, as they relay and as they write files: each comes back
equal, from what the peer made of its STRUCTURED-DATA."""
import json

import pytest
import typed_events
import variety
from peers import rsyslog, syslog_ng
from relay import free_port, listening, wait_until

COUNT = 1000
SYSLOG_NG_LINE = "<$PRI>1 $ISODATE $HOST $PROGRAM $PID $MSGID $SDATA $MSG\\n"


@pytest.fixture(scope="module", name="events")
def fixture_events():
    """Each has a number, so that it is known, and a message in two lines, which must not become two records."""
    events = typed_events.as_lines(typed_events.random_events(COUNT - 2, seed=11))
    events.append({f"field {n}": n if n % 2 else str(n) for n in range(300)})
    events.append({f"key{n}": {"a": [n, None], "b.c": "x"} for n in range(40)})
    return [{"message": f"two\nlines {number}", "number": number, **event} for number, event in enumerate(events)]


def assert_equal(messages, events, in_order):
    got = sorted(map(typed_events.without_header, typed_events.converted(messages)), key=lambda event: event["number"])
    assert len(got) == len(events)
    for event, wanted in zip(got, events):
        event.pop("relay", None)  # the octets, where a peer has written them otherwise
        assert event == wanted
        if in_order:
            assert json.dumps(event) == json.dumps(wanted)


def to_rsyslog(tmp_path, processes, template, name="rsyslog"):
    port = free_port()
    action = f'template(name="line" type="string" string="{template}\\n")\naction(type="omfile" file="$FOLDER/out" template="line")'
    made = rsyslog.Rsyslog(tmp_path, processes, 'module(load="imptcp")\n'
                           f'input(type="imptcp" address="127.0.0.1" port="{port}")\n{action}', name=name)
    return made.start(listening(port)), port


def octets(peer, count):
    path = peer.folder / "out"
    wait_until(lambda: path.exists() and path.read_bytes().count(b"\n") >= count, 30, f"line {count}")
    return path.read_bytes().split(b"\n")[:-1]


def to_syslog_ng(tmp_path, processes, destination):
    port = free_port()
    made = syslog_ng.SyslogNg(tmp_path, processes,
                              f'source s {{ syslog(ip("127.0.0.1") port({port}) transport("tcp")); }};\n'
                              f"destination d {{ {destination}; }};\n"
                              "log { source(s); destination(d); flags(flow-control); };\n")
    return made.start(listening(port)), port


def send(port, events):
    variety.send_counted(port, [line.encode() for line in typed_events.sent_by_slogger(events)])


def test_rsyslog_writes_what_it_received(tmp_path, processes, events):
    peer, port = to_rsyslog(tmp_path, processes, "%rawmsg%")
    send(port, events)
    assert_equal(octets(peer, COUNT), events, in_order=True)


def test_rsyslog_writes_its_own_form(tmp_path, processes, events):
    """The template RSYSLOG_SyslogProtocol23Format takes HEADER, STRUCTURED-DATA and MSG from what was parsed."""
    peer, port = to_rsyslog(tmp_path, processes, "<%pri%>1 %timereported:::date-rfc3339% %hostname% %app-name% %procid% %msgid% "
                                                 "%structured-data% %msg%")
    send(port, events)
    assert_equal(octets(peer, COUNT), events, in_order=True)


def test_syslog_ng_writes_its_own_form(tmp_path, processes, events):
    """It splits names with dots into SD-IDs, so fields may change their places."""
    peer, port = to_syslog_ng(tmp_path, processes, f'file("$FOLDER/out" template("{SYSLOG_NG_LINE}"))')
    send(port, events)
    assert_equal(octets(peer, COUNT), events, in_order=False)


def test_syslog_ng_relays_to_rsyslog(tmp_path, processes, events):
    last, last_port = to_rsyslog(tmp_path, processes, "%rawmsg%")
    _, port = to_syslog_ng(tmp_path, processes, f'syslog("127.0.0.1" port({last_port}) transport("tcp"))')
    send(port, events)
    assert_equal(octets(last, COUNT), events, in_order=False)
