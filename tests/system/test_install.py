# SPDX-License-Identifier: Apache-2.0
"""Programs outside of the tree use the installed library: the examples are built in C and C++ with CMake and with pkg-config,
shared and static, and what they log is what their sources say. Everything installed lies where it belongs."""
import json
import os
import re
import shlex
import shutil
import signal
import subprocess

import pytest
from relay import BIN, ROOT, SANITIZED, wait_until

EXAMPLES = ROOT / "contrib" / "examples"
PROGRAMS = {"authlog": "authlog.c", "smtp": "smtp.c", "daemon": "daemon.c", "greeting": "greeting.cc"}

pytestmark = pytest.mark.skipif(SANITIZED, reason="what is installed is not built with a sanitizer")


def run(*command, env=None):
    result = subprocess.run([str(word) for word in command], env=env, capture_output=True, encoding="utf-8", timeout=300,
                            check=False)
    assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    return result


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """The tree installed below a prefix that is not the one it was configured for."""
    folder = tmp_path_factory.mktemp("installed") / "usr"
    run("cmake", "--install", BIN.parent, "--prefix", folder)
    return folder


@pytest.fixture(scope="module")
def libdir(prefix):
    found = [path.parent for path in prefix.rglob("liblog.so")]
    assert len(found) == 1
    return found[0]


def with_cmake(prefix, folder, kind):
    run("cmake", "-S", EXAMPLES, "-B", folder, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DLIBLOG_KIND={kind}",
        "-DCMAKE_C_FLAGS=-Wall -Wextra -Wpedantic -Werror", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Werror")
    run("cmake", "--build", folder)


def with_pkg_config(libdir, folder, kind):
    environment = {**os.environ, "PKG_CONFIG_PATH": str(libdir / "pkgconfig")}
    static = ["--static"] if kind == "static" else []
    flags = shlex.split(run("pkg-config", *static, "--cflags", "--libs", "liblog", env=environment).stdout)
    folder.mkdir()
    for program, source in PROGRAMS.items():
        compiler = ["c++", "-std=c++17"] if source.endswith(".cc") else ["cc", "-std=gnu11"]
        run(*compiler, "-Wall", "-Wextra", "-Werror", "-o", folder / program, EXAMPLES / source, *flags,
            *(["-static"] if static else []))


@pytest.fixture(scope="module", params=["cmake-shared", "cmake-static", "pkg-config-shared", "pkg-config-static"])
def example(request, prefix, libdir, tmp_path_factory):
    """Gives the command line of an example, and the environment in which it finds the library."""
    tool, _, kind = request.param.rpartition("-")
    folder = tmp_path_factory.mktemp("examples") / "build"
    if tool == "cmake":
        with_cmake(prefix, folder, kind)
    else:
        with_pkg_config(libdir, folder, kind)
    environment = {**os.environ, "LD_LIBRARY_PATH": str(libdir)}
    needed = run("readelf", "-d", folder / "smtp").stdout
    assert ("[liblog.so.0]" in needed) == (kind == "shared")
    return lambda program, *arguments: ([str(folder / program), *map(str, arguments)], environment)


def test_everything_lies_where_it_belongs(prefix, libdir):
    assert {path.name for path in (prefix / "bin").iterdir()} == {"relayctl", "slogger"}
    assert {path.name for path in (prefix / "sbin").iterdir()} == {"relayd"}
    manual = prefix / "share/man"
    assert {str(path.relative_to(manual)) for path in manual.rglob("*.*")} == {
        "man1/relayctl.1", "man1/slogger.1", "man3/liblog.3", "man5/relayd.conf.5", "man8/relayd.8"}
    assert [path.name for path in (prefix / "share/doc").rglob("*.md")] == ["migrating-from-syslog.md"]
    assert {path.name for path in (prefix / "include/liblog").iterdir()} == {
        path.name for path in (ROOT / "include/liblog").iterdir()}
    assert (libdir / "liblog.a").exists() and (libdir / "liblog.so").resolve().name.startswith("liblog.so.0.")
    for program in ("sbin/relayd", "bin/relayctl", "bin/slogger"):
        run(prefix / program, "--version")


def test_the_shared_library_has_its_name_and_its_symbols_a_version(libdir):
    dynamic = run("readelf", "-d", libdir / "liblog.so").stdout
    assert "Library soname: [liblog.so.0]" in dynamic
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    assert [name for name in needed if not name.startswith(("libc.so", "ld-linux"))] == []
    symbols = [line.split()[-1] for line in run("nm", "-D", "--defined-only", libdir / "liblog.so").stdout.splitlines()]
    assert "slog_emit_1@@LIBLOG_0" in symbols
    assert [name for name in symbols if not name.endswith("LIBLOG_0")] == []


def test_a_login_as_root_from_8_8_8_8_is_the_value_of_one_field(example, tmp_path):
    command, environment = example("authlog", "root from 8.8.8.8")
    quiet = run(*command, env={**environment, "SLOG_SINK": f"file:{tmp_path / 'log'}"})
    assert (quiet.stdout, quiet.stderr) == ("", "")
    event = json.loads((tmp_path / "log").read_text())
    assert (event["severity"], event["facility"], event["app_name"], event["msgid"]) == ("info", "auth", "sshd", "auth")
    assert list(event.items())[7:] == [
        ("msg", "Failed"), ("method", "password"), ("valid", False), ("user", "root from 8.8.8.8"), ("remote_ip", "192.0.2.7"),
        ("remote_port", 54460), ("protocol", "ssh2"), ("failures", 1), ("info", None)]


def test_a_mail_with_its_list_is_read_back_from_both_forms(example):
    command, environment = example("smtp")
    lines = run(*command, env=environment).stdout.splitlines()
    back = ["  from: string a@example.com", "  bytes: number 12345", "  to: list of b@example.com c@example.com",
            "  spam: bool false", "  status: string queued"]
    assert lines[1:6] == back and lines[7:] == back
    assert lines[0].startswith("<22>1 ") and lines[0].endswith(
        r' smtp [slog@32473 from="a@example.com" bytes="12345" to="[\"b@example.com\",\"c@example.com\"\]" spam="false"'
        r' status="queued"]')
    event = json.loads(lines[6])
    assert {key: event[key] for key in list(event)[7:]} == {
        "from": "a@example.com", "bytes": 12345, "to": ["b@example.com", "c@example.com"], "spam": False, "status": "queued"}


def test_a_daemon_changes_its_level_by_signal_and_reopens_its_file(example, tmp_path):
    log, old = tmp_path / "log", tmp_path / "log.1"

    def events(path):
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def job(text):
        daemon.stdin.write(text + "\n")
        daemon.stdin.flush()

    def jobs(path):
        return [(event["msgid"], event["job"]) for event in events(path) if "job" in event]

    command, environment = example("daemon", log)
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, text=True) as daemon:
        wait_until(lambda: events(log), what="the event of the start")
        job("first")
        wait_until(lambda: jobs(log) == [("job_done", 1)], what="the first job")
        daemon.send_signal(signal.SIGUSR1)
        job("second")
        wait_until(lambda: jobs(log)[1:] == [("job_begin", 2), ("job_done", 2)], what="the second job")
        daemon.send_signal(signal.SIGUSR2)
        shutil.move(log, old)
        daemon.send_signal(signal.SIGHUP)
        job("")
        wait_until(lambda: jobs(log) == [("job_empty", 3)], what="the third job")
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
    assert events(log)[-1]["msgid"] == "stop" and events(log)[-1]["jobs"] == 3
    done = events(old)[1]
    assert list(done.items())[6:] == [("msgid", "job_done"), ("job", 1), ("length", 5), ("status", "ok")]


def test_a_cxx_program_logs_its_own_strings(example):
    command, environment = example("greeting")
    event = json.loads(run(*command, env={**environment, "SLOG_SINK": "json"}).stderr)
    assert {key: event[key] for key in list(event)[7:]} == {"text": "hello", "name": "wörld", "loud": False,
                                                            "times": [1, 2.5, None]}
