# SPDX-License-Identifier: Apache-2.0
"""Debian's rsyslog in the foreground, with a configuration of the test's own and nothing of the system's."""
import json
import os
import shutil
import subprocess

from relay import ready_or_explain, wait_until

PROGRAM = shutil.which("rsyslogd") or "/usr/sbin/rsyslogd"

# "j": what rsyslog understood, one JSON line a message. "raw": the octets as it received them, and nothing behind them, for
# passing messages on. Its own messages go to a file of their own before any rule of a test sees them.
PREAMBLE = """global(workDirectory="$FOLDER" net.enableDNS="off" processInternalMessages="on" maxMessageSize="$LIMIT")
template(name="j" type="list" option.jsonf="on") {
  property(outname="pri" name="pri" format="jsonf") property(outname="ts" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf") property(outname="tag" name="syslogtag" format="jsonf")
  property(outname="sd" name="structured-data" format="jsonf") property(outname="msg" name="msg" format="jsonf")
  property(outname="raw" name="rawmsg" format="jsonf") }
template(name="raw" type="string" string="%rawmsg%")
if $syslogfacility-text == "syslog" then { action(type="omfile" file="$FOLDER/internal") stop }
"""


def relp_tls(authority, leaf, peers, mode="name"):
    """The TLS options of imrelp and omrelp."""
    return (f'tls="on" tls.caCert="{authority.certificate}" tls.myCert="{leaf.certificate}" tls.myPrivKey="{leaf.key}" '
            f'tls.authMode="{mode}" tls.permittedPeer=[{", ".join(json.dumps(peer) for peer in peers)}]')


def stream_tls(authority, leaf, driver):
    """The statement that gives omfwd and imtcp their certificate under the netstream driver gtls or ossl."""
    return (f'global(defaultNetstreamDriver="{driver}" defaultNetstreamDriverCAFile="{authority.certificate}" '
            f'defaultNetstreamDriverCertFile="{leaf.certificate}" defaultNetstreamDriverKeyFile="{leaf.key}")\n')


class Rsyslog:
    """`$FOLDER` in the configuration is the folder of this instance."""

    def __init__(self, folder, processes, config, name="rsyslog", limit="64k"):
        self.folder = folder / name
        self.folder.mkdir()
        self.processes = processes
        self.config = self.folder / "rsyslog.conf"
        self.config.write_text((PREAMBLE + config + "\n").replace("$FOLDER", str(self.folder)).replace("$LIMIT", limit))
        self.log = self.folder / "log"
        self.process = None

    def check(self):
        run = subprocess.run([PROGRAM, "-N1", "-f", str(self.config)], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr

    def start(self, ready=None, seconds=10):
        """Returns when `ready` says that it has opened what it listens on."""
        with open(self.log, "ab") as log:
            self.process = self.processes.start([PROGRAM, "-n", "-f", self.config, "-i", self.folder / "pid"],
                                                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ, TZ="UTC"))
        if ready is not None:
            ready_or_explain(self.process, ready, seconds, lambda: f"rsyslog:\n{self.said()}")
        return self

    def stop(self):
        self.processes.stop(self.process)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def internal(self):
        """Its own messages."""
        path = self.folder / "internal"
        return path.read_text(errors="replace") if path.exists() else ""

    def said(self):
        return self.log.read_text(errors="replace") + self.internal()

    def lines(self, name="out"):
        """The messages that it wrote to $FOLDER/<name> with template "j"; text holds octets 0 to 255 (Latin-1)."""
        path = self.folder / name
        data = path.read_bytes() if path.exists() else b""
        return [json.loads(line.decode("latin-1"), strict=False) for line in data[:data.rfind(b"\n") + 1].split(b"\n")[:-1]]

    def raws(self, count, name="out", seconds=20):
        """Waits for that many messages and returns the octets that it received."""
        wait_until(lambda: len(self.lines(name)) >= count, seconds,
                   f"message {count} at rsyslog (it has {len(self.lines(name))})")
        return [line["raw"].encode("latin-1") for line in self.lines(name)]
