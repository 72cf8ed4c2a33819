# SPDX-License-Identifier: Apache-2.0
"""Debian's rsyslog in the foreground, with a configuration of the test's own and nothing of the system's."""
import shutil
import subprocess
import time

PROGRAM = shutil.which("rsyslogd") or "/usr/sbin/rsyslogd"

# What rsyslog understood, one JSON line a message.
JSON_TEMPLATE = '''
template(name="j" type="list" option.jsonf="on") {
  property(outname="pri" name="pri" format="jsonf") property(outname="ts" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf") property(outname="tag" name="syslogtag" format="jsonf")
  property(outname="sd" name="structured-data" format="jsonf") property(outname="msg" name="msg" format="jsonf")
  property(outname="raw" name="rawmsg" format="jsonf") }
template(name="raw" type="string" string="%rawmsg%\\n")
'''


class Rsyslog:
    """start() writes the configuration and waits until rsyslog has opened what it listens on (`ready` is a callable)."""

    def __init__(self, folder, processes, config, name="rsyslog"):
        self.folder = folder / name
        self.folder.mkdir()
        self.processes = processes
        self.config = self.folder / "rsyslog.conf"
        self.config.write_text(
            f'global(workDirectory="{self.folder}" net.enableDNS="off" processInternalMessages="on" maxMessageSize="64k")\n'
            f'{JSON_TEMPLATE}\n{config}\n'
            f'if $syslogfacility-text == "syslog" then {{ action(type="omfile" file="{self.folder}/internal") stop }}\n'
            if "internal-first" not in config else config)
        self.log = self.folder / "log"
        self.process = None

    def check(self):
        run = subprocess.run([PROGRAM, "-N1", "-f", str(self.config)], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr

    def start(self, ready=None, seconds=10):
        with open(self.log, "ab") as log:
            self.process = self.processes.start([PROGRAM, "-n", "-f", self.config, "-i", self.folder / "pid"],
                                                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + seconds
        while ready is not None and not ready():
            assert self.process.poll() is None, self.log.read_text(errors="replace")
            assert time.monotonic() < deadline, f"rsyslog is not ready: {self.log.read_text(errors='replace')}"
            time.sleep(0.05)
        return self

    def stop(self):
        self.processes.stop(self.process)

    def internal(self):
        path = self.folder / "internal"
        return path.read_text(errors="replace") if path.exists() else ""
