# SPDX-License-Identifier: Apache-2.0
"""Debian's syslog-ng, unpacked beside rsyslog (the two exclude each other as packages), in the foreground."""
import glob
import os
import pathlib
import subprocess
import time

UNPACKED = pathlib.Path(__file__).resolve().parents[3] / "build" / "peers" / "syslog-ng"
JSON = "$(format-json pri=$PRI ts=$ISODATE host=$HOST prog=$PROGRAM pid=$PID msgid=$MSGID sd=$SDATA msg=$MSG)\\n"


class SyslogNg:
    def __init__(self, folder, processes, config, name="syslog-ng"):
        self.folder = folder / name
        self.folder.mkdir()
        self.processes = processes
        self.config = self.folder / "syslog-ng.conf"
        self.config.write_text('@version: 3.38\noptions { stats-freq(0); use-dns(no); keep-hostname(yes); };\n' + config)
        self.log = self.folder / "log"
        libraries = [UNPACKED / "usr/lib/syslog-ng", *glob.glob(str(UNPACKED / "usr/lib/syslog-ng/*/")),
                     *glob.glob(str(UNPACKED / "usr/lib/*-linux-gnu"))]
        self.environment = dict(os.environ, LD_LIBRARY_PATH=":".join(map(str, libraries)), TZ="UTC")
        modules = glob.glob(str(UNPACKED / "usr/lib/syslog-ng/*/"))
        self.command = [str(UNPACKED / "usr/sbin/syslog-ng"), "-F", "--no-caps", "-f", str(self.config),
                        "-R", str(self.folder / "persist"), "-p", str(self.folder / "pid"), "-c", str(self.folder / "ctl"),
                        "--module-path", ":".join(modules or [str(UNPACKED / "usr/lib/syslog-ng")])]
        self.process = None

    def check(self):
        run = subprocess.run([*self.command, "-s"], capture_output=True, text=True, env=self.environment)
        assert run.returncode == 0, run.stderr

    def start(self, ready=None, seconds=10):
        with open(self.log, "ab") as log:
            self.process = self.processes.start([*self.command, "-e"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                env=self.environment, cwd=self.folder)
        deadline = time.monotonic() + seconds
        ready = ready or (lambda: (self.folder / "ctl").exists())
        while not ready():
            assert self.process.poll() is None, self.log.read_text(errors="replace")
            assert time.monotonic() < deadline, f"syslog-ng is not ready: {self.log.read_text(errors='replace')}"
            time.sleep(0.05)
        return self

    def stop(self):
        self.processes.stop(self.process)
