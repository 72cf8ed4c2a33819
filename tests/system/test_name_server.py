# SPDX-License-Identifier: Apache-2.0
"""A name server that does not answer: relayd waits for it with a look-up that lasts half a minute, and waits for nothing else."""
import pathlib
import subprocess
import time

import pytest
import senders
from peers import relp
from relay import free_port, wait_until

# Takes what comes to the port of name servers, and says nothing.
SILENT = """
import socket, time
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("there", flush=True)
time.sleep(600)
"""


@pytest.fixture
def silent_name_server(processes, tmp_path):
    """A command that runs what follows it where the only name server is silent."""
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\n")
    holder = processes.start(["unshare", "--net", "--mount", "sleep", "600"], stderr=subprocess.DEVNULL)
    own = pathlib.Path("/proc/self/ns/net").readlink()
    try:
        wait_until(lambda: pathlib.Path(f"/proc/{holder.pid}/ns/net").readlink() != own, 5)
    except (AssertionError, OSError):
        pytest.skip("this user may not make namespaces")
    enter = ["nsenter", f"--net=/proc/{holder.pid}/ns/net", f"--mount=/proc/{holder.pid}/ns/mnt"]
    for command in (["ip", "link", "set", "lo", "up"], ["mount", "--bind", str(resolv), "/etc/resolv.conf"]):
        if subprocess.run([*enter, *command], stderr=subprocess.DEVNULL).returncode != 0:
            pytest.skip("no name server of its own can be given here")
    server = processes.start([*enter, "python3", "-c", SILENT], stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline() == "there\n"
    return enter


def test_a_silent_name_server_delays_no_stop_and_no_other_output(relays, silent_name_server, tmp_path):
    """Five outputs lead to names that nobody resolves, one to a file. The file gets its messages, and SIGTERM is obeyed at once."""
    local, out = tmp_path / "in", tmp_path / "out"
    relay = relays.make("relay", [{"type": "relp", "listen": str(local)}],
                        [{"type": "relp", "name": f"silent{i}", "servers": [f"host{i}.example.net:{free_port()}"]} for i in range(5)]
                        + [{"type": "file", "name": "file", "path": str(out)}])
    relay.start(command=silent_name_server)
    client = relp.Client(str(local))
    client.send([senders.message("k", number) for number in range(10)])
    client.settle()
    client.close()
    relay.wait_delivered("file", 10)
    wait_until(lambda: relay.output("silent0")["state"].startswith("connecting"), what="look-ups")
    began = time.monotonic()
    assert relay.stop() == 0
    assert time.monotonic() - began < 3, "the stop waited for the name server"
