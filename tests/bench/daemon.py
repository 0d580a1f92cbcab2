"""The daemon while nothing happens, alone and where identity providers push to it, and 1,000 schedules at once.

It is started as it is installed: with the bytecode of its modules there, once the first start has written it.

Goals: ready within 2 s; all processes together under 120 MB and 1 % of a core; no schedule drifts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from rich.console import Console

from syncd.config_daemon import ScheduleConfig
from syncd.daemon.agenda import Agenda
from syncd.planned import Planned
from tests.bench.servers import memory_of

SCHEDULES = 1000
PERIOD = 10
CONFIG = """version: 1
store: sqlite:///syncd.db
sources:
  - {name: people, type: csv, path: people.csv, columns: {id: Employee, display_name: User Name, email: Email}}
serve: {listen: "127.0.0.1:0"}
"""
_SIDES = {"daemon": CONFIG, "daemon with SCIM": CONFIG.replace("serve:", "  - {name: okta, type: scim_push}\nserve:")}


def daemon(scratch: Path, *, quick: bool) -> list[dict[str, Any]]:
    """Start and idle; then the lateness of many schedules, each due every ten seconds."""
    console = Console(width=110)
    results = []
    for side, config in _SIDES.items():
        times = 1 if quick else 3
        idle = [_idle(scratch, f"{side} {number}", config, 10 if quick else 20) for number in range(times + 1)][1:]
        found = {key: median(one[key] for one in idle) for key in idle[0]}
        console.print(
            f"[bold]{side}[/]: ready after {found['ready']:.2f} s; "
            f"idle {found['mb']:.0f} MB and {found['cpu']:.2f} % of a core\n"
        )
        results.append({"bench": side, "side": "ours", **found})
    late = _lateness(20 if quick else 60)
    console.print(
        f"[bold]{SCHEDULES:,} schedules[/], each due every {PERIOD} s: {len(late):,} times, "
        f"median {median(late) * 1000:.0f} ms late, worst {max(late) * 1000:.0f} ms\n"
    )
    return [
        *results,
        {"bench": f"{SCHEDULES} schedules", "side": "ours", "median_s": median(late), "worst_s": max(late)},
    ]


def _idle(scratch: Path, name: str, text: str, seconds: int) -> dict[str, float]:
    folder = scratch / name
    folder.mkdir()
    config = folder / "config.yaml"
    config.write_text(text, encoding="utf-8")
    installed = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(scratch / "bytecode")}
    (folder / "people.csv").write_text("Employee,User Name,Email\n1,Anna,a@example.com\n", encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "syncd", "runs", "--config", str(config)],
        check=True,
        stdout=subprocess.DEVNULL,
        env=installed,
    )
    began = time.perf_counter()
    call = [sys.executable, "-m", "syncd", "serve", "--config", str(config)]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=installed)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        while httpx.get(f"{url}/readyz", timeout=10).status_code != 200:
            time.sleep(0.01)
        ready = time.perf_counter() - began
        time.sleep(5)
        before = _ticks(process.pid)
        time.sleep(seconds)
        used = (_ticks(process.pid) - before) / os.sysconf("SC_CLK_TCK")
        return {"ready": ready, "mb": memory_of(process.pid), "cpu": 100 * used / seconds}
    finally:
        process.terminate()
        process.wait()


def _ticks(pid: int) -> int:
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=True).stdout.split()
    stats = [
        Path(f"/proc/{one}/stat").read_text(encoding="ascii").rpartition(")")[2].split() for one in (pid, *children)
    ]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats)


def _lateness(seconds: int) -> list[float]:
    """How late each is handed over, by the plan's grid: a schedule that drifts is later every time."""
    start = datetime.now(UTC) + timedelta(seconds=1)
    schedule = ScheduleConfig(every=f"{PERIOD}s")
    spread = {f"s{number}": start + timedelta(seconds=number * PERIOD / SCHEDULES) for number in range(SCHEDULES)}
    triggers = {name: Planned(schedule, begins) for name, begins in spread.items()}
    late, end = [], time.monotonic() + seconds
    with Agenda(triggers, print) as agenda:
        while time.monotonic() < end:
            while (due := agenda.next(datetime.now(UTC))) is not None:
                grid = (datetime.now(UTC) - spread[due.name]).total_seconds() % PERIOD
                late.append(grid)
                agenda.done(due)
            time.sleep(0.001)
    return late
