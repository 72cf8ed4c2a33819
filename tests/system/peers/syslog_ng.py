# SPDX-License-Identifier: Apache-2.0
"""Debian's syslog-ng, unpacked beside rsyslog (the two exclude each other as packages), in the foreground."""
import glob
import json
import os
import pathlib
import subprocess

from relay import ready_or_explain, wait_until

UNPACKED = pathlib.Path(__file__).resolve().parents[3] / "build" / "peers" / "syslog-ng"
JSON = "$(format-json pri=$PRI ts=$ISODATE host=$HOST prog=$PROGRAM pid=$PID msgid=$MSGID sd=$SDATA msg=$MSG)\\n"


def tls(authority, leaf, verify="required-trusted", more=""):
    """The tls() block of a source or destination."""
    return (f'tls(key-file("{leaf.key}") cert-file("{leaf.certificate}") ca-file("{authority.certificate}") '
            f'peer-verify({verify}) {more})')


class SyslogNg:
    """`$FOLDER` in the configuration is the folder of this instance."""

    def __init__(self, folder, processes, config, name="syslog-ng"):
        self.folder = folder / name
        self.folder.mkdir()
        self.processes = processes
        self.config = self.folder / "syslog-ng.conf"
        self.config.write_text('@version: 3.38\noptions { stats-freq(0); use-dns(no); keep-hostname(yes); chain-hostnames(no); };\n'
                               + config.replace("$FOLDER", str(self.folder)))
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
        ready_or_explain(self.process, ready or (lambda: (self.folder / "ctl").exists()), seconds,
                         lambda: f"syslog-ng:\n{self.said()}")
        return self

    def stop(self):
        self.processes.stop(self.process)

    def said(self):
        return self.log.read_text(errors="replace")

    def octets(self, name="out"):
        path = self.folder / name
        return path.read_bytes() if path.exists() else b""

    def lines(self, name="out"):
        """The messages that it wrote to $FOLDER/<name> with template JSON."""
        return [json.loads(line) for line in self.octets(name).split(b"\n")[:-1]]

    def raws(self, count, name="out", seconds=20):
        """The lines of $FOLDER/<name>, once there are that many: with flags(no-parse) and the template "$MSG\\n" they are the
        octets that it received."""
        wait_until(lambda: self.octets(name).count(b"\n") >= count, seconds,
                   f"message {count} at syslog-ng (it has {self.octets(name)!r})")
        return self.octets(name).split(b"\n")[:-1]
