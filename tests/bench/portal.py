"""A work order for 10,000 changes (goal: under 5 s), and the export that closes it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from rich.console import Console

from connectors.fluix.portal.target import PortalTarget
from syncd.run import run
from syncd.sync import Request
from tests.house import House, Person
from tests.portal_server import COLUMNS, Portal, User

console = Console(width=110)


def portal(scratch: Path, *, quick: bool) -> list[dict[str, Any]]:
    """Half of the changes are new people, a third of them with two groups; the rest are new names of people who are there."""
    count = 1_000 if quick else 10_000
    folder = scratch / f"portal-{count}"
    folder.mkdir()
    house = House(folder)
    house.configure(
        target={
            "type": "portal",
            "exports": "exports",
            "orders": "orders",
            "columns": COLUMNS,
            "groups_separator": "|",
            "active_states": ["Active"],
            "invited_states": ["Invited"],
            "settle_seconds": 0,
        }
    )
    half = count // 2
    there = {f"p{n}@example.com": User(f"Old {n}", {"Field"}, "Active") for n in range(half)}
    fluix = Portal(there, {"Field", "Night"})
    house.hire(
        [Person(f"E{n}", f"Person {n}", f"p{n}@example.com") for n in range(half)]
        + [Person(f"E{n}", groups=("Field", "Night") if n % 3 == 0 else ("Field",)) for n in range(half, count)]
    )
    fluix.export(folder / "exports", house.clock.now)
    taken: dict[str, float] = {}
    parts: dict[str, Any] = {"apply": PortalTarget.apply, "deliver": PortalTarget.deliver}

    def timed(name: str) -> Any:
        def call(*args: Any) -> Any:
            began, busy = time.perf_counter(), time.process_time()
            try:
                return parts[name](*args)
            finally:
                taken[name] = taken.get(name, 0.0) + time.perf_counter() - began
                taken["cpu"] = taken.get("cpu", 0.0) + time.process_time() - busy

        return call

    for name in parts:
        setattr(PortalTarget, name, timed(name))
    try:
        taken["run"] = _timed(house)
        order = folder / "orders" / "workorder-1"
        megabytes = sum(file.stat().st_size for file in order.iterdir()) / 1e6
        fluix.work_off(order)
        house.clock.advance(days=1)
        fluix.export(folder / "exports", house.clock.now)
        taken["closing run"] = _timed(house)
    finally:
        for name, real in parts.items():
            setattr(PortalTarget, name, real)
    taken["work order"] = taken["apply"] + taken["deliver"]
    said = f"{taken['work order']:.2f} s, of the processor {taken['cpu']:.2f} s, {megabytes:.1f} MB"
    console.print(f"[bold]work order, {count:,} changes[/]: {said}")
    console.print("  " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in taken.items()) + "\n")
    return [{"bench": f"work order, {count:,} changes", "side": name, "seconds": taken[name]} for name in taken]


def _timed(house: House) -> float:
    began = time.perf_counter()
    run(house.app().sync(), Request("run"))
    return time.perf_counter() - began
