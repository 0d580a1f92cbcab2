"""Load by Debian's `wrk`, whose requests cost a hundredth of what Python's do: the processors are left to the server that is asked."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.scim_load import Asked

CONNECTIONS: Final = 6
_TOLD: Final = re.compile(r"^told (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pressed:
    """What some seconds of load came to."""

    per_second: float
    median_ms: float
    p99_ms: float
    refused: int
    """Answers that were no success."""
    lost: int
    """Requests that got no answer within two seconds, or none at all."""


def pressed(port: int, requests: Iterable[Asked], seconds: int) -> Pressed:
    """Ask by some connections that are kept, for some seconds; when all was asked, from the beginning again.

    Raises:
        FileNotFoundError: `wrk` is not installed (`apt install wrk`).
    """
    script = Path(__file__).with_name("wrk.lua")
    with tempfile.NamedTemporaryFile("wb", suffix=".requests") as file:
        file.writelines(f"{method}\t{path}\t".encode() + body + b"\n" for method, path, body in requests)
        file.flush()
        how = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script)]
        command = ["wrk", *how, f"http://127.0.0.1:{port}", "--", file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    told = _TOLD.search(done.stdout)
    assert told, done.stdout
    asked, microseconds, middle, late, refused, lost = map(int, told.groups())
    return Pressed(asked * 1e6 / microseconds, middle / 1000, late / 1000, refused, lost)
