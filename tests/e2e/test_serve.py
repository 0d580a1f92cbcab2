"""The daemon as a process: it runs by itself, keeps its web side up, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.house import House, staff

PATIENCE = 30.0


@dataclass
class Serving:
    """A daemon that runs."""

    process: subprocess.Popen[str]
    url: str

    def well(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def part(self, name: str) -> list[int]:
        """The processes of one part: `web`, `runs`."""
        listed = subprocess.run(
            ["ps", "--ppid", str(self.process.pid), "-o", "pid=,comm="], capture_output=True, text=True, check=False
        )
        return [int(line.split()[0]) for line in listed.stdout.splitlines() if f"syncd {name}" in line]

    def web(self) -> list[int]:
        """Those that answer."""
        return self.part("web")


def until(true: Callable[[], object]) -> None:
    """Wait for it, but not for ever."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@contextmanager
def serving(house: House) -> Iterator[Serving]:
    call = [sys.executable, "-c", "from syncd.cli import main; main()", "serve", "--config", str(house.config)]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        assert said.startswith("serving http://"), said + process.stdout.read()
        yield Serving(process, said.split()[1])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def company(house: House) -> House:
    house.configure(serve={"listen": "127.0.0.1:0", "workers": 1}, schedule={"every": "1s"})
    house.hire(staff(3))
    return house


def emails(house: House) -> set[str]:
    return {user["email"] for user in house.syncd("users", "list", "--json").json}


def test_it_runs_by_itself_and_ends_when_it_is_asked_to(company: House) -> None:
    with serving(company) as daemon:
        until(daemon.well)
        until(lambda: len(emails(company)) == 3)
        company.hire(staff(5))
        until(lambda: len(emails(company)) == 5)
        web = daemon.web()
        daemon.process.terminate()
        assert daemon.process.wait(PATIENCE) == 0
        assert daemon.process.stdout is not None
        told = daemon.process.stdout.read()
        assert "3 changes" not in told.splitlines()[-1]
        assert told.endswith("stopped\n")
        assert not any(Path(f"/proc/{pid}").exists() for pid in web)


def test_a_web_side_that_is_killed_is_started_again(company: House) -> None:
    with serving(company) as daemon:
        until(daemon.well)
        (web,) = daemon.web()
        os.killpg(web, signal.SIGKILL)
        until(lambda: daemon.web() not in ([], [web]))
        until(daemon.well)


def test_when_the_daemon_is_killed_its_web_side_ends_as_well(company: House) -> None:
    with serving(company) as daemon:
        until(daemon.well)
        (web,) = daemon.web()
        daemon.process.kill()
        until(lambda: not Path(f"/proc/{web}").exists())
    assert company.syncd("run").code == 0


def test_a_port_that_is_taken_is_told_at_once(company: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        company.configure(serve={"listen": f"127.0.0.1:{port}"})
        ran = company.syncd("serve")
    assert ran.code == 2
    assert f"127.0.0.1:{port} cannot be listened on" in ran.err
