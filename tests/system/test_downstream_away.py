# SPDX-License-Identifier: Apache-2.0
"""Downstream away at 20,000 messages/s for RELAYD_OUTAGE_SECONDS (20): memory stays within the stated bound, the backlog drains, nothing is
lost. What is longer is test_backlog.py's."""
import json
import os
import subprocess
import time

import pytest
import senders
from relay import BIN, free_port, resident_bytes, wait_until

SECONDS, RATE = int(os.environ.get("RELAYD_OUTAGE_SECONDS", 20)), 20_000
# spool.memory (32 MiB) is the stated bound of the pool; code, libraries, read buffers and the reader's block come on top.
MEMORY_MAX_BYTES = 32 * 2**20 + 32 * 2**20


@pytest.mark.slow
def test_an_outage_of_downstream_at_a_steady_rate(relays, tmp_path):
    """bench_send sends 20,000 lines a second over TCP; the next hop, a second relay, comes only then. The first
    relay's resident memory never passes the bound; after the return everything drains, each message once."""
    in_port, relp_port = free_port(), free_port()
    out = tmp_path / "out"
    central = relays.make("central", [{"type": "relp", "listen": f"127.0.0.1:{relp_port}"}],
                          [{"type": "file", "name": "file", "path": str(out), "format": "rfc5424"}], spool={"max_size": "2GiB"})
    edge = relays.start("edge", [{"type": "tcp", "listen": f"127.0.0.1:{in_port}"}],
                        [{"type": "relp", "name": "central", "servers": [f"127.0.0.1:{relp_port}"]}],
                        spool={"max_size": "2GiB", "segment_size": "64MiB"})
    count = SECONDS * RATE
    bench = BIN.parent / "tests" / "bench" / "bench_send"
    sender = subprocess.Popen([str(bench), "tcp", "127.0.0.1", str(in_port), "--count", str(count), "--rate", str(RATE)],
                              stdout=subprocess.PIPE, text=True)
    most = 0
    while sender.poll() is None:
        most = max(most, resident_bytes(edge.process.pid))
        time.sleep(0.25)
    assert json.loads(sender.stdout.read())["sent"] == count
    edge.wait_stored(count)
    assert edge.output("central")["pending"] == count
    central.start()
    started = time.monotonic()
    edge.wait_delivered("central", count, 120)
    drained = time.monotonic() - started
    most = max(most, resident_bytes(edge.process.pid))
    central.wait_delivered("file", count, 60)
    print(f"most memory {most / 2**20:.1f} MiB, drained {count} messages in {drained:.1f} s ({count / drained:.0f}/s)")
    assert most <= MEMORY_MAX_BYTES, f"{most} octets resident"
    check = subprocess.run([str(BIN.parent / "tests" / "bench" / "bench_sink"), "file", str(out), "--count", str(count), "--idle", "3"],
                           capture_output=True, text=True, check=True)
    result = json.loads(check.stdout)
    assert result["lost"] == 0 and result["doubled"] == 0, result
