# SPDX-License-Identifier: Apache-2.0
"""`relayctl spool`: what an operator does with a spool by hand. Each test has a relay with an output that keeps messages back, and
says what is changed, and what the next start then does."""
import json
import os
import socket
import subprocess

import pytest
from relay import BIN, free_port, wait_until

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
        if folder == tmp_path_factory.getbasetemp():
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
