"""From a change in a directory to the end of the run that applied it, through `syncd run --follow` (goal: 2 s to the plan)."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from syncd.bootstrap import open_app
from syncd.config import load_config
from syncd.store import runs
from tests.bench import ldap_plan
from tests.bench.ldap_directory import people
from tests.slapd import Slapd, person

_ROUNDS = 5
_PATIENCE = 60.0


def ldap_follow(scratch: Path, *, quick: bool) -> list[dict[str, Any]]:
    """See the module."""
    count = 1_000 if quick else 100_000
    slapd = Slapd(scratch / "follow")
    slapd.stream([*people(count), *ldap_plan.groups(count)]).start()
    try:
        folder = ldap_plan.prepare(scratch / "followed", slapd.url, count)
        took = _followed(slapd, folder)
    finally:
        slapd.stop()
    name = f"LDAP, a change of {count:,} people until it is applied"
    Console(width=110).print(f"[bold]{name}[/]: median {median(took):.2f} s, worst {max(took):.2f} s\n")
    return [{"bench": name, "side": "ours", "seconds": median(took), "worst": max(took)}]


def _followed(slapd: Slapd, folder: Path) -> list[float]:
    store = open_app(load_config(folder / "config.yaml")).store
    words = ["syncd", "run", "--follow", "--every", "600", "--config", str(folder / "config.yaml")]
    before = runs.history(store, 1)[0].id
    with subprocess.Popen(
        [sys.executable, "-m", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _ended(store, before)
        took = []
        for n in range(_ROUNDS):
            time.sleep(2)  # until it listens again, which it does not say
            before, start = runs.history(store, 1)[0].id, time.perf_counter()
            slapd.add(person(f"late{n}", mail=f"late{n}@example.com", displayName=f"Late {n}", employeeNumber=f"9{n}"))
            _ended(store, before)
            took.append(time.perf_counter() - start)
        process.terminate()
    return took


def _ended(store: Any, before: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        newest = runs.history(store, 1)[0]
        if newest.id > before and newest.ended_at:
            return
        time.sleep(0.01)
    raise AssertionError("no run followed")
