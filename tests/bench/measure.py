"""Measuring processes: wall time, CPU time and peak memory, sides in turn, medians."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BEGUN = time.process_time()
"""A measured process imports this room last."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One process, or the median of several."""

    wall: float
    """Seconds, of the whole process."""
    cpu: float
    memory: float
    """Peak resident set in MB, as the kernel counted it since the process's own program began."""
    said: Any
    """What the process printed last, as JSON: its own count of the work, and the seconds of the work alone."""
    work: float = 0.0
    """Of `cpu`, what came after this room was imported: the work without what Python and libraries take to begin."""


def once(module: str, *args: str) -> Measured:
    """Run `python -m module args…` and measure it."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", module, *args], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{module} {' '.join(args)} ended with {process.returncode}")
    said = json.loads(printed.strip().splitlines()[-1])
    memory, work = said.pop("memory_mb"), said.pop("work_cpu")
    return Measured(wall, usage.ru_utime + usage.ru_stime, memory, said, work)


def in_turn(sides: Mapping[str, tuple[str, ...]], rounds: int) -> dict[str, Measured]:
    """Run each side `rounds` times, in turn, and take each side's medians."""
    return turns({name: lambda command=command: once(*command) for name, command in sides.items()}, rounds)  # type: ignore[misc]


def turns(sides: Mapping[str, Callable[[], Measured]], rounds: int) -> dict[str, Measured]:
    """The same, where a side is no module of ours."""
    runs: dict[str, list[Measured]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            runs[name].append(measure())
    return {name: _median(measured) for name, measured in runs.items()}


def _median(runs: list[Measured]) -> Measured:
    return Measured(
        statistics.median(run.wall for run in runs),
        statistics.median(run.cpu for run in runs),
        statistics.median(run.memory for run in runs),
        {**runs[-1].said, "seconds": statistics.median(run.said["seconds"] for run in runs)},
        statistics.median(run.work for run in runs),
    )


def say(seconds: float, **counts: Any) -> None:
    """What a measured process prints last."""
    work = time.process_time() - _BEGUN
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"seconds": seconds, "work_cpu": work, "memory_mb": int(peak.split()[1]) / 1024, **counts}))
