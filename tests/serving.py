"""The daemon as a process, for tests."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import environ
from pathlib import Path
from threading import Thread

import httpx

from tests.house import House

PATIENCE = 90.0


@dataclass
class Serving:
    """A daemon that runs."""

    process: subprocess.Popen[str]
    url: str
    said: list[str] = field(default_factory=list)
    """Each line that it printed since."""

    def well(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2, verify=False).status_code == 200
        except httpx.HTTPError:
            return False

    def part(self, name: str) -> list[int]:
        """The processes of one part: `web`, `runs`."""
        listed = subprocess.run(
            ["ps", "--ppid", str(self.process.pid), "-o", "pid=,comm="], capture_output=True, text=True, check=False
        )
        return [int(line.split()[0]) for line in listed.stdout.splitlines() if f"syncd {name}" in line]

    def tells(self, words: str) -> bool:
        """Whether it printed this."""
        return any(words in line for line in list(self.said))

    def stop(self) -> int:
        """Ask it to stop. Returns its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


def until(true: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait for it, but not for ever."""
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@contextmanager
def serving(house: House, env: Mapping[str, str] | None = None, before: str = "") -> Iterator[Serving]:
    """Serve; `before` is Python that the process does first."""
    call = [
        sys.executable,
        "-c",
        f"{before}\nfrom syncd.cli import main; main()",
        "serve",
        "--config",
        str(house.config),
    ]
    process = subprocess.Popen(
        call,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=Path(__file__).parent.parent,
        env={**environ, **(env or {})},
    )
    assert process.stdout is not None
    try:
        reader = Thread()
        said = process.stdout.readline()
        assert said.startswith("serving http"), said + process.stdout.read()
        daemon = Serving(process, said.split()[1])
        reader = Thread(target=_listen, args=(process, daemon.said), daemon=True)
        reader.start()
        yield daemon
    finally:
        children = [pid for name in ("web", "runs") for pid in Serving(process, "").part(name)]
        process.kill()
        process.wait()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))
        if reader.ident:
            reader.join(PATIENCE)
        process.stdout.close()


def _listen(process: subprocess.Popen[str], said: list[str]) -> None:
    assert process.stdout is not None
    said.extend(iter(process.stdout.readline, ""))  # one by one: others read the list meanwhile
