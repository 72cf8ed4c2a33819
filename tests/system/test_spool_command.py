# SPDX-License-Identifier: Apache-2.0
"""`relayctl spool`: what an operator does with a spool by hand. Each test has a relay with an output that keeps messages back, and
says what is changed, and what the next start then does."""
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess

import pytest
from relay import BIN, SANITIZED, free_port, wait_until

RELAYCTL = BIN / "relayctl"


def spool(relay, command, *words, **options):
    return subprocess.run([RELAYCTL, "spool", command, "--spool", relay.folder / "spool", *words], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=60, **options)


def start_with(relay):
    """Starts relayd, which is expected to end by itself; its exit code and what it said."""
    result = subprocess.run([BIN / "relayd", "-c", relay.write_config()], text=True, capture_output=True, timeout=60)
    return result.returncode, result.stdout + result.stderr


def away(name, **more):
    """An output whose server is never there."""
    return {"type": "relp", "name": name, "servers": [f"127.0.0.1:{free_port()}"], **more}


def send(relay, texts, port):
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"".join(b"<13>1 2026-11-21T10:00:00Z h app - - - " + text.encode() + b"\n" for text in texts))
    relay.wait_stored(len(texts))


@pytest.fixture
def kept(relays):
    """A relay, stopped, whose output "f" has not got three messages."""
    port = free_port()
    relay = relays.start("first", [{"type": "tcp", "listen": f"127.0.0.1:{port}"}], [away("f")])
    send(relay, ["one", "two", "three"], port)
    assert relay.stop() == 0
    return relay


def rename_in_config(relay, name):
    relay.config["outputs"][0]["name"] = name


def test_an_output_renamed_by_mistake_needs_only_its_old_name_back(kept):
    """Nothing is made by a start that is refused: so the old configuration is good again."""
    rename_in_config(kept, "g")
    for _ in range(2):
        code, said = start_with(kept)
        assert code == 7 and 'keeps 3 messages for the output \\"f\\"' in said or 'keeps 3 messages for the output "f"' in said
    rename_in_config(kept, "f")
    kept.start()
    assert kept.output("f")["pending"] == 3


def test_the_start_says_the_command_that_helps_and_it_helps(kept):
    rename_in_config(kept, "g")
    code, said = start_with(kept)
    path = kept.folder / "spool"
    assert code == 7
    assert f"relayctl spool rename-output --spool '{path}' 'f' 'g'" in said
    assert f"relayctl spool forget --spool '{path}' 'f'" in said
    result = spool(kept, "rename-output", "f", "g")
    assert result.returncode == 0 and "3 messages" in result.stdout
    kept.start()
    assert kept.output("g")["pending"] == 3 and kept.output("g")["start"] == 0


def test_forget_asks_before_it_gives_up_messages(kept):
    kept.config["outputs"] = [{"type": "stdout", "name": "print"}]
    result = spool(kept, "forget", "f")
    assert result.returncode == 1 and "has not got 3 messages" in result.stderr and "--yes" in result.stderr
    result = spool(kept, "forget", "f", "--yes")
    assert result.returncode == 0 and "3 messages" in result.stdout
    kept.start()
    assert [output["name"] for output in kept.status()["outputs"]] == ["print"]


def test_forget_does_not_ask_where_nothing_is_lost(relays):
    relay = relays.start("first", [{"type": "udp", "listen": f"127.0.0.1:{free_port()}"}], [away("f")])
    assert relay.stop() == 0
    assert spool(relay, "forget", "f").returncode == 0


def test_a_spool_that_runs_is_not_changed(kept):
    kept.start()
    for words in (["forget", "f", "--yes"], ["rename-output", "f", "g"]):
        result = spool(kept, *words)
        assert result.returncode == 1 and f"a relay runs with this spool (process {kept.process.pid})" in result.stderr
    assert kept.output("f")["pending"] == 3


@pytest.mark.parametrize("words, said", [
    (["forget", "none", "--yes"], 'has no place of an output "none"'),
    (["rename-output", "none", "g"], 'has no place of an output "none"'),
    (["rename-output", "f", "a/b"], "cannot be the name of a file"),
    (["rename-output", "f", "f"], 'has a place of an output "f" already'),
])
def test_what_cannot_be_done_is_said_and_changes_nothing(kept, words, said):
    result = spool(kept, *words)
    assert result.returncode == 1 and said in result.stderr
    kept.start()
    assert kept.output("f")["pending"] == 3


def test_a_quarantine_is_renamed_before_its_output_and_if_it_cannot_be_nothing_is(kept):
    quarantine = kept.folder / "spool" / "quarantine"
    quarantine.mkdir(0o700)
    (quarantine / "f").write_bytes(b"of f")
    (quarantine / "g").write_bytes(b"of an output that was forgotten")
    result = spool(kept, "rename-output", "f", "g")
    assert result.returncode == 1 and "the output is not renamed" in result.stderr
    assert f"both {quarantine / 'f'} and {quarantine / 'g'} exist" in result.stderr
    assert not (kept.folder / "spool" / "audit").exists()
    (quarantine / "g").unlink()
    assert spool(kept, "rename-output", "f", "g").returncode == 0
    assert (quarantine / "g").read_bytes() == b"of f" and not (quarantine / "f").exists()


def test_every_change_leaves_a_line(kept):
    assert spool(kept, "rename-output", "f", "g").returncode == 0
    assert spool(kept, "forget", "g", "--yes").returncode == 0
    lines = [json.loads(line) for line in (kept.folder / "spool" / "audit").read_text().splitlines()]
    assert [(line["command"], line["output"], line.get("new_name"), line["messages"]) for line in lines] == [
        ("rename-output", "f", "g", 3), ("forget", "g", None, 3)]
    assert all(line["uid"] == os.geteuid() and line["timestamp"].endswith("Z") for line in lines)


def test_forget_finds_the_spool_by_the_configuration(kept):
    command = [RELAYCTL, "spool", "-c", kept.folder / "relayd.conf", "forget", "f", "--yes"]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0


def test_what_is_no_spool_is_said_and_not_made(tmp_path):
    result = subprocess.run([RELAYCTL, "spool", "forget", "--spool", tmp_path / "none", "f"], text=True, capture_output=True, timeout=60)
    assert result.returncode == 1 and "there is no spool" in result.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_only_root_and_the_owner_may_change_it_and_files_stay_the_owners(kept, tmp_path_factory):
    path = kept.folder / "spool"
    for folder in (kept.folder, *kept.folder.parents):
        os.chmod(folder, folder.stat().st_mode | 0o055)
        if folder == tmp_path_factory.getbasetemp().parent:
            break
    for file in (path, *path.iterdir()):
        os.chown(file, 65534, 65534)
    result = spool(kept, "forget", "f", "--yes", user=1)
    assert result.returncode == 1 and "only root and the spool's owner" in result.stderr
    assert spool(kept, "rename-output", "f", "g", user=65534).returncode == 0
    (path / "audit").unlink()
    assert spool(kept, "forget", "g", "--yes").returncode == 0
    assert (path / "audit").stat().st_uid == 65534
    assert json.loads((path / "audit").read_text())["uid"] == 0


# ---- looking ----

@pytest.fixture
def filled(relays):
    """A running relay whose spool has 600 messages, not compressed, in three segments; "f" has got none."""
    port = free_port()
    relay = relays.start("first", [{"type": "tcp", "name": "in", "listen": f"127.0.0.1:{port}"}], [away("f")],
                         spool={"compression": "none", "segment_size": "4MiB", "max_size": "64MiB", "reserve": "4MiB"})
    for first in range(1, 601, 100):
        with socket.create_connection(("127.0.0.1", port)) as sock:
            for number in range(first, first + 100):
                severity = 3 if number % 10 == 0 else 6
                app = "sshd" if number % 2 else "cron"
                text = f"<{8 + severity}>1 2026-11-21T10:00:00Z host {app} - - - message {number:03d} {'x' * 19000}\n"
                sock.sendall(text.encode())
        relay.wait_stored(first + 99)
    return relay


def numbers(result):
    return [int(json.loads(line)["message"].split()[1]) for line in result.stdout.splitlines()]


def segments(relay):
    return sorted((relay.folder / "spool").glob("segment-*"))


def test_ls_says_segments_and_cursors_while_the_relay_runs_and_after(filled):
    running, there = json.loads(spool(filled, "ls", "--json").stdout), len(segments(filled))
    assert filled.stop() == 0
    stopped = json.loads(spool(filled, "ls", "--json").stdout)
    for seen, files in ((running, there), (stopped, len(segments(filled)))):
        assert seen["last"] == 600 and len(seen["segments"]) == files > 2
        assert [part["first"] for part in seen["segments"][1:]] == [part["last"] + 1 for part in seen["segments"][:-1]]
        assert seen["segments"][0]["first"] == 1 and seen["segments"][-1]["last"] == 600
        assert seen["outputs"] == [{"name": "f", "delivered": 0, "pending": 600}]
    table = spool(filled, "ls").stdout
    assert "f                                     0            600" in table


def test_cat_prints_a_range_while_the_relay_runs_and_after(filled):
    expected = list(range(95, 106))
    assert numbers(spool(filled, "cat", "--first", "95", "--last", "105")) == expected
    assert filled.stop() == 0
    assert numbers(spool(filled, "cat", "--first", "95", "--last", "105")) == expected
    assert numbers(spool(filled, "cat")) == list(range(1, 601))


def test_cat_prints_what_an_output_has_not_got(relays, tmp_path):
    port = free_port()
    file = {"type": "file", "name": "whole", "path": str(tmp_path / "whole")}
    relay = relays.start("first", [{"type": "tcp", "listen": f"127.0.0.1:{port}"}], [file, away("f")])
    send(relay, ["message 1", "message 2"], port)
    relay.wait_delivered("whole", 2)
    assert relay.stop() == 0
    assert numbers(spool(relay, "cat", "--output", "f")) == [1, 2]
    assert spool(relay, "cat", "--output", "whole").stdout == ""
    result = spool(relay, "cat", "--output", "none")
    assert result.returncode == 1 and 'has no place of an output "none"' in result.stderr


@pytest.mark.parametrize("form, line", [
    ("raw", "<13>1 2026-11-21T10:00:00Z h app - - - hello"),
    ("rfc5424", "<13>1 2026-11-21T10:00:00Z h app - - - hello"),
    ("json", '"message":"hello"'),
])
def test_cat_knows_the_formats_of_outputs(relays, form, line):
    port = free_port()
    relay = relays.start("first", [{"type": "tcp", "name": "in", "listen": f"127.0.0.1:{port}"}], [away("f")])
    send(relay, ["hello"], port)
    result = spool(relay, "cat", "--format", form)
    assert result.returncode == 0 and line in result.stdout and result.stdout.count("\n") == 1
    assert form != "json" or json.loads(result.stdout)["relay"]["input"] == "in"


def test_grep_filters_as_outputs_do_and_by_text(filled):
    result = spool(filled, "grep", "--filter", '{"severity": "err", "app_name": "cr*"}', "message 1")
    assert numbers(result) == [100, 110, 120, 130, 140, 150, 160, 170, 180, 190]
    assert numbers(spool(filled, "grep", "--filter", '{"input": "in"}', "message 042")) == [42]
    assert spool(filled, "grep", "--filter", '{"input": "other"}', "message").returncode == 4
    result = spool(filled, "grep", "--filter", '{"severty": "err"}', "message")
    assert result.returncode == 2 and 'did you mean "severity"?' in result.stderr


def test_grep_without_a_match_says_so_by_its_exit_code(filled):
    result = spool(filled, "grep", "nobody wrote this")
    assert (result.returncode, result.stdout, result.stderr) == (4, "", "")


def test_verify_of_a_healthy_spool_while_the_relay_runs_and_after(filled):
    for state in ("running", "stopped", "killed"):
        if state == "stopped":
            assert filled.stop() == 0
        elif state == "killed":
            filled.start().kill()
        result = spool(filled, "verify")
        assert result.returncode == 0 and "600 messages: all good" in result.stdout, (state, result.stdout)


def damage(path, at, count=1):
    octets = bytearray(path.read_bytes())
    for i in range(at, at + count):
        octets[i] ^= 0xff
    path.write_bytes(octets)


def test_verify_says_the_exact_place_of_damage_and_cat_prints_the_rest(filled):
    assert filled.stop() == 0
    second = segments(filled)[1]
    text = second.read_bytes().index(b"message ")
    lost = int(second.read_bytes()[text + 8:text + 11])
    damage(second, text)
    result = spool(filled, "verify")
    assert result.returncode == 3
    found = [line for line in result.stdout.splitlines() if "checksum" in line]
    assert len(found) == 1
    counter = int(second.name.split("-")[1], 16)
    words = found[0].replace(",", "").split()
    assert int(words[1]) == counter and int(words[3]) <= text < int(words[3]) + int(words[4])
    first, last = int(words[words.index("messages") + 1]), int(words[words.index("messages") + 3])
    assert first <= lost <= last
    result = spool(filled, "cat")
    assert result.returncode == 3 and f"messages {first} to {last} cannot be read" in result.stderr
    assert numbers(result) == [n for n in range(1, 601) if not first <= n <= last]


def test_verify_tells_a_missing_segment(filled):
    assert filled.stop() == 0
    listed = json.loads(spool(filled, "ls", "--json").stdout)["segments"]
    segments(filled)[1].unlink()
    result = spool(filled, "verify")
    assert result.returncode == 3
    assert f"messages {listed[1]['first']} to {listed[1]['last']} are missing" in result.stdout


def test_verify_tells_a_damaged_header_of_a_segment(filled):
    assert filled.stop() == 0
    listed = json.loads(spool(filled, "ls", "--json").stdout)["segments"]
    damage(segments(filled)[1], 20)
    result = spool(filled, "verify")
    assert result.returncode == 3 and "the segment's header is damaged" in result.stdout
    assert f"messages {listed[1]['first']} to {listed[1]['last']} are missing" in result.stdout


def test_a_torn_tail_is_no_damage(filled):
    """What a power cut left of the last write is told, and is no damage: nobody was told that it was stored."""
    filled.kill()
    newest = segments(filled)[-1]
    last = newest.read_bytes().rindex(b"message 600")
    damage(newest, last)
    start = newest.read_bytes().rindex(b"RLBK", 0, last)
    damage(newest, start)
    result = spool(filled, "verify")
    assert result.returncode == 0 and "all good" in result.stdout


def test_looking_changes_nothing(filled):
    assert filled.stop() == 0
    def state():
        return {path.name: (path.stat().st_mtime_ns, path.stat().st_size, path.read_bytes()) for path in (filled.folder / "spool").iterdir()}
    before = state()
    for words in (["ls"], ["cat"], ["grep", "message"], ["verify"]):
        assert spool(filled, *words).returncode == 0
    assert state() == before


def test_looking_at_a_spool_on_a_disk_that_takes_no_writes(filled, tmp_path):
    assert filled.stop() == 0
    mount = subprocess.run(["unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"',
                            filled.folder / "spool", RELAYCTL, "spool", "verify", "--spool", filled.folder / "spool"],
                           text=True, capture_output=True, timeout=60)
    if "permitted" in mount.stderr or "permission" in mount.stderr:
        pytest.skip("this host does not let a test mount anything")
    assert mount.returncode == 0 and "all good" in mount.stdout


@pytest.mark.parametrize("words", [["ls", "more"], ["cat", "--first", "0"], ["cat", "--first", "x"], ["grep"], ["verify", "--yes"], ["none"],
                                   [], ["cat", "--format", "yaml"], ["cat", "x"], ["ls", "--first", "3"], ["ls", "-c", "relayd.conf"]])
def test_wrong_arguments_of_spool_are_usage_errors_and_a_sentence_says_which(tmp_path, words):
    result = subprocess.run([RELAYCTL, "spool", *words, "--spool", tmp_path], text=True, capture_output=True, timeout=60)
    assert result.returncode == 2 and result.stderr.startswith("relayctl spool"), result.stderr


@pytest.mark.parametrize("words", [["cat"], ["grep", "x"], ["export", "exported"], ["replay", "--to", "127.0.0.1:1"], ["drop", "--yes"]])
def test_a_filter_that_is_none_is_a_usage_error(filled, tmp_path, words):
    result = spool(filled, *words, "--filter", "{", cwd=tmp_path)
    assert result.returncode == 2 and result.stderr != ""


def test_export_writes_a_new_file_and_never_over_another(filled, tmp_path):
    file = tmp_path / "exported"
    assert spool(filled, "export", "--first", "7", "--last", "9", "--format", "raw", file).returncode == 0
    assert [line.split()[8] for line in file.read_text().splitlines()] == ["007", "008", "009"]
    assert file.stat().st_mode & 0o777 == 0o600
    result = spool(filled, "export", file)
    assert result.returncode == 1 and "File exists" in result.stderr
    assert len(file.read_text().splitlines()) == 3


def no_room():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


def test_an_export_that_fails_does_not_stand_in_the_way_of_the_next(filled, tmp_path):
    """Wrong arguments, a spool that is not there, a disk that takes no more: the same command, put right, does it."""
    file = tmp_path / "exported"
    assert spool(filled, "export", "--filter", "{", file).returncode == 2 and not file.exists()
    assert spool(filled, "export", "--format", "yaml", file).returncode == 2 and not file.exists()
    assert spool(filled, "export", "--quarantine", "nobody", file).returncode == 1 and not file.exists()
    assert spool(filled, "export", file, preexec_fn=no_room).returncode == 1 and not file.exists()
    assert spool(filled, "export", file).returncode == 0 and file.exists()


@pytest.mark.skipif(SANITIZED, reason="failing_disk.c and the sanitizers want to be loaded first, both of them")
def test_an_export_whose_name_is_not_on_the_disk_has_failed(filled, tmp_path):
    """The file's octets are synced, the directory that it is in cannot be: a power cut would leave no export."""
    library, control, file = tmp_path / "failing_disk.so", tmp_path / "fails", tmp_path / "exported"
    source = pathlib.Path(__file__).parent / "failing_disk.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True, timeout=60)
    control.write_text("names")
    environment = dict(os.environ, LD_PRELOAD=str(library), FAILING_DISK=str(control))
    result = spool(filled, "export", file, env=environment)
    assert result.returncode == 1 and "Input/output error" in result.stderr and not file.exists()
    control.unlink()
    assert spool(filled, "export", file, env=environment).returncode == 0 and file.exists()


# ---- replay ----

def test_replay_sends_what_an_output_has_not_got_to_another_relay(filled, relays):
    port = free_port()
    second = relays.start("second", [{"type": "relp", "name": "relp", "listen": f"127.0.0.1:{port}"}])
    result = spool(filled, "replay", "--to", f"127.0.0.1:{port}", "--output", "f")
    assert result.returncode == 0 and "600 messages are stored" in result.stdout, result.stderr
    assert second.input("relp")["stored"] == 600
    second.wait_delivered("print", 600)
    assert [int(line["message"].split()[1]) for line in second.lines()] == list(range(1, 601))


def test_replay_of_a_range_and_a_filter_over_a_local_socket(filled, relays, tmp_path):
    path = tmp_path / "relp.sock"
    second = relays.start("second", [{"type": "relp", "name": "relp", "listen": f"unix:{path}"}])
    result = spool(filled, "replay", "--to", f"unix:{path}", "--first", "100", "--last", "200", "--filter", '{"severity": "err"}')
    assert result.returncode == 0 and "11 messages are stored" in result.stdout, result.stderr
    assert second.input("relp")["stored"] == 11


def test_replay_blunts_what_a_server_said(filled):
    """A server refuses a message with an escape sequence in its words: the terminal gets none."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [RELAYCTL, "spool", "--spool", filled.folder / "spool", "replay", "--to", "127.0.0.1:%d" % listener.getsockname()[1]]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                offers = b"200 OK\nrelp_version=0\ncommands=syslog"
                client.sendall(b"1 rsp %d %s\n" % (len(offers), offers))
                client.recv(65536)
                refusal = b"500 no \x1b]0;title\x07"
                client.sendall(b"2 rsp %d %s\n" % (len(refusal), refusal))
                said = process.communicate(timeout=20)[1]
    assert process.returncode == 1 and "is refused: 500 no ?]0;title?" in said, said


def test_replay_to_nobody_says_so(filled):
    result = spool(filled, "replay", "--to", f"127.0.0.1:{free_port()}")
    assert result.returncode == 1 and "Connection refused" in result.stderr
    assert spool(filled, "replay").returncode == 2


# ---- repair ----

def test_repair_of_a_healthy_spool_says_so(filled):
    result = spool(filled, "repair")
    assert result.returncode == 0 and "there is nothing to repair" in result.stdout


def test_repair_says_what_the_next_start_does_by_itself(filled):
    assert filled.stop() == 0
    damage(segments(filled)[1], segments(filled)[1].read_bytes().index(b"message "))
    before = {path.name: path.read_bytes() for path in (filled.folder / "spool").iterdir()}
    result = spool(filled, "repair", "--apply")
    assert result.returncode == 0 and "are counted as damaged for each output that has not got them" in result.stdout
    assert {path.name: path.read_bytes() for path in (filled.folder / "spool").iterdir()} == before


def test_repair_sets_a_segment_of_another_spool_aside(kept, relays):
    """Somebody copied it over ours: relayd does not start. The plan says why and changes nothing; --apply helps, and nothing is removed."""
    port = free_port()
    other = relays.start("other", [{"type": "tcp", "listen": f"127.0.0.1:{port}"}], [away("f")])
    send(other, ["one"], port)
    assert other.stop() == 0
    copied, = segments(kept)
    foreign, = segments(other)
    assert copied.name == foreign.name
    copied.write_bytes(foreign.read_bytes())
    code, said = start_with(kept)
    assert code == 4 and "another spool" in said, said
    result = spool(kept, "verify")
    assert result.returncode == 3 and "is of another spool" in result.stdout
    result = spool(kept, "repair")
    assert result.returncode == 3 and f"to do: {copied.name} is of another spool" in result.stdout and copied.exists()
    result = spool(kept, "repair", "--apply")
    assert result.returncode == 0 and f"done: {copied.name} is now set-aside-{copied.name}" in result.stdout
    assert (copied.parent / f"set-aside-{copied.name}").read_bytes() == foreign.read_bytes()
    assert json.loads((copied.parent / "audit").read_text())["file"] == copied.name
    kept.start()


def test_repair_is_not_applied_to_a_running_spool(filled):
    assert spool(filled, "repair", "--apply").returncode == 0  # nothing to do, nothing done
    assert not (filled.folder / "spool" / "audit").exists()
