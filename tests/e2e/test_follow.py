"""run --follow: it stays, and it goes when it is told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House, staff

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    made.hire(staff(3))
    return made


@pytest.fixture
def following(house: House) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "SYNCD_CONFIG": str(house.config), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-u", "-m", "syncd", "run", "--follow", "--every", "1"]
    with subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        yield process
        process.kill()


def told(process: subprocess.Popen[str], sentence: str) -> None:
    """Read what it says until it says this."""
    deadline = time.monotonic() + PATIENCE
    assert process.stdout is not None
    while time.monotonic() < deadline and (line := process.stdout.readline()):
        if sentence in line:
            return
    raise AssertionError(f"it never said {sentence}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_again_and_again_until_a_signal(following: subprocess.Popen[str], house: House, number: int) -> None:
    told(following, "run r1: 4 done")
    told(following, "run r2")
    following.send_signal(number)
    following.communicate(timeout=PATIENCE)
    assert following.returncode == 130


def test_a_signal_in_the_middle_of_a_run_ends_it_as_well(monkeypatch: pytest.MonkeyPatch, house: House, call) -> None:
    runs = iter([signal.SIGTERM])  # a second one is an error of the test's own

    def stopped(*_: object) -> None:
        os.kill(os.getpid(), next(runs))

    monkeypatch.setattr("syncd.cli.runs.run_once", stopped)
    assert call("run", "--follow", "--every", "1").code == 130


def test_a_run_that_fails_is_told_and_the_next_one_is_tried(following: subprocess.Popen[str], house: House) -> None:
    told(following, "run r1")
    people = house.people.read_bytes()
    house.people.unlink()
    told(following, "error")
    house.people.write_bytes(people)
    told(following, "run r")


def test_a_source_that_there_is_not_is_an_error(house: House, call) -> None:
    ran = call("run", "--follow", "--source", "nobody")
    assert ran.code == 2
    assert "there is no source nobody" in ran.err
