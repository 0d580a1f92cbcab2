"""Reviewing a plan and looking at one person, with everybody in the store (goals: a review of 10,000 changes, and `plan --user`, under 1 s)."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

import syncd.run as steps
from syncd import collector
from syncd.bootstrap import open_app
from syncd.config import load_config
from syncd.core import safety
from syncd.sync import Request
from tests.bench.data import prepare

_CONFIG = """
version: 1
store: sqlite:///syncd.db
sources:
  - {name: people, type: csv, path: people.csv, groups_separator: ";", settle_seconds: 0, columns:
     {id: Employee, display_name: User Name, email: Email, department: Department, groups: Group Name, active: Active}}
leavers: {grace_days: 0, certified_absences: 1}
"""
_SOMEBODY = "person.5@example.com"


def review(scratch: Path, *, quick: bool) -> list[dict[str, Any]]:
    """See the module."""
    count = 10_000 if quick else 1_000_000
    folder = scratch / f"people-{count}"
    prepare(folder, count)
    house = scratch / "review"
    house.mkdir()
    shutil.copy(folder / "syncd.db", house)
    shutil.copy(folder / "0.csv", house / "people.csv")
    (house / "config.yaml").write_text(_CONFIG, encoding="utf-8")
    collector.rest()
    app = open_app(load_config(house / "config.yaml"))
    # The store has everybody's account already: that the target is asked for it is another bench's.
    with _put_in_place_of(steps, "read_account", lambda sync, _request: sync.ground):
        steps.make_plan(app.sync(), Request("plan"))
        found = {"plan --user, nothing changed": _timed(lambda: _one(app.sync()))}
        shutil.copy(folder / "1.csv", house / "people.csv")
        found["plan --user, the file changed"] = _timed(lambda: _one(app.sync()))
        took: dict[str, float] = {}
        with _measured("facts", steps, took), _measured("review", safety, took):
            changes = len(steps.make_plan(app.sync(), Request("plan")).plan.changes)
    found[f"facts and review of {changes:,} changes"] = sum(took.values())
    told = ", ".join(f"{what} {seconds:.2f} s" for what, seconds in found.items())
    Console(width=110).print(f"[bold]{count:,} people[/]: {told}\n")
    return [{"bench": f"review, {count:,} people", "side": what, "seconds": one} for what, one in found.items()]


def _one(sync: Any) -> None:
    steps.make_plan(sync, Request("plan", user=_SOMEBODY))


def _timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@contextmanager
def _measured(name: str, where: Any, took: dict[str, float]) -> Iterator[None]:
    work = getattr(where, name)

    def measured(*args: Any, **how: Any) -> Any:
        start = time.perf_counter()
        answer = work(*args, **how)
        took[name] = time.perf_counter() - start
        return answer

    with _put_in_place_of(where, name, measured):
        yield


@contextmanager
def _put_in_place_of(where: Any, name: str, other: Any) -> Iterator[None]:
    before = getattr(where, name)
    setattr(where, name, other)
    try:
        yield
    finally:
        setattr(where, name, before)
