"""What stands in deploy/: a unit that systemd takes and finds safe, and a container's file that keeps its promises."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from syncd.config_daemon import ServeConfig

ROOT = Path(__file__).parent.parent
UNIT = (ROOT / "deploy/syncd.service").read_text(encoding="utf-8")
WORKER = (ROOT / "deploy/syncd-worker@.service").read_text(encoding="utf-8")
CONTAINER = (ROOT / "deploy/Containerfile").read_text(encoding="utf-8")
EXPOSED = 15
"""Tenths of systemd's exposure level: 0 is safe, 100 is not."""

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")


def settings(of: str = UNIT) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in of.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


@pytest.fixture(params=["syncd.service", "syncd-worker@.service"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """With a program that is there."""
    path = tmp_path / request.param.replace("@", "@1")
    text = (ROOT / "deploy" / request.param).read_text(encoding="utf-8")
    path.write_text(text.replace("/opt/fluix-syncd/bin/syncd", "/bin/true"), encoding="utf-8")
    return path


@needs_systemd
def test_systemd_takes_the_unit(unit: Path) -> None:
    ran = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    about_it = [line for line in ran.stderr.splitlines() if unit.name in line and "Documentation" not in line]
    assert about_it == []


@needs_systemd
def test_systemd_finds_it_safe(unit: Path) -> None:
    call = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSED}", unit]
    ran = subprocess.run(call, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-500:]


def test_the_unit_says_what_the_daemon_does() -> None:
    said = settings()
    assert said["Type"] == ["notify"]
    assert shlex.split(said["ExecStart"][0])[1:3] == ["serve", "--config"]
    assert said["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert int(said["TimeoutStopSec"][0]) > ServeConfig().drain_seconds
    assert {name: said[name][0] for name in ("ProtectSystem", "NoNewPrivileges", "UMask")} == {
        "ProtectSystem": "strict",
        "NoNewPrivileges": "yes",
        "UMask": "0077",
    }


def test_the_unit_gives_no_more_than_is_needed() -> None:
    said = settings()
    assert said["User"] == ["syncd"]
    assert said["CapabilityBoundingSet"] == said["AmbientCapabilities"] == [""]
    assert said["SystemCallFilter"][0] == "@system-service"
    assert "@privileged" in said["SystemCallFilter"][1]
    assert said["StateDirectoryMode"] == ["0700"]
    for name in ("ProtectHome", "PrivateTmp", "PrivateDevices", "MemoryDenyWriteExecute", "RestrictNamespaces"):
        assert said[name] == ["yes"]
    assert "ReadWritePaths" not in said


def test_the_container_is_run_with_no_more_than_is_needed() -> None:
    call = CONTAINER.partition("FROM ")[0]
    for word in (
        "--read-only",
        "--cap-drop all",
        "--security-opt no-new-privileges",
        "config.yaml:ro",
        "-p 127.0.0.1:",
    ):
        assert word in call
    assert "--privileged" not in call
    assert re.findall(r"^VOLUME (.+)$", CONTAINER, re.MULTILINE) == ["/var/lib/syncd"]
    assert not re.search(r"^(?:ENV|ARG) .*(?:PASSWORD|SECRET|TOKEN)", CONTAINER, re.MULTILINE)


def test_a_worker_is_as_safe_as_the_daemon() -> None:
    daemon, worker = settings(), settings(WORKER)
    assert shlex.split(worker["ExecStart"][0])[1:3] == ["worker", "--config"]
    told = {"Description", "ExecStart", "ExecReload", "WatchdogSec"}
    assert {name: daemon[name] for name in daemon.keys() - told} == {
        name: worker[name] for name in worker.keys() - told
    }


def test_the_container_has_no_root_and_tells_whether_it_is_well() -> None:
    last = CONTAINER.rsplit("FROM ", 1)[1]
    assert re.search(r"^USER 10480:10480$", last, re.MULTILINE)
    assert "/readyz" in last
    assert last.index("USER ") < last.index("ENTRYPOINT")
    assert "--require-hashes" in CONTAINER
    for name in re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINER, re.MULTILINE):
        assert all((ROOT / one).exists() for one in name.split()), name
    assert not re.search(r"^ADD |curl|wget|:latest", CONTAINER, re.MULTILINE)


def test_the_container_holds_what_the_program_does_and_postgresql_and_traces_besides() -> None:
    named = {
        name: set(
            re.findall(r"^([a-z0-9-]+)(?:\[\S+\])?==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        )
        for name in ("requirements.lock", "requirements-container.lock")
    }
    alone, container = named.values()
    assert alone < container
    assert {"psycopg-binary", "procrastinate", "opentelemetry-sdk"} <= {name for name, _ in container}
    assert "-r requirements-container.lock" in CONTAINER
