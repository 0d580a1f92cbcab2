"""Reading a directory from a real slapd beside `ldapsearch`, OpenLDAP's own client in C.

Goals: entries at 60 % of its speed; a whole plan of a directory in which nothing changed in 3 times the time of `ldapsearch`
of its people and groups; 1,000 groups in groups in 10 searches; less than 60 MB at 100,000 people.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import ldap_plan
from tests.bench.ldap_directory import dn, group, group_dn, ldapsearch, people, teams, unit
from tests.bench.measure import Measured, once
from tests.slapd import GROUPS, Slapd

Results = list[dict[str, Any]]
MILLION = "--million"
"""Only with this argument the growth goes on to a million people: it takes minutes."""
OUTER, INNER = f"ou=outer,{GROUPS}", f"ou=inner,{GROUPS}"
console = Console(width=110)


def ldap(scratch: Path, *, quick: bool) -> Results:
    """All of it, or what is named (`--plan`)."""
    parts = {"reading": reading, "plan": plan, "nested": nested, "growth": growth}
    chosen = [part for name, part in parts.items() if f"--{name}" in sys.argv] or list(parts.values())
    return [result for part in chosen for result in part(scratch, quick=quick)]


def reading(scratch: Path, *, quick: bool) -> Results:
    """The entries alone, and a whole certified read with its groups."""
    count = 10_000 if quick else 100_000
    slapd = Slapd(scratch / "reading").stream([*people(count), *teams(count // 1000, of=count, size=1000)]).start()
    try:
        runs = _in_turn(
            {
                "ldapsearch": lambda: ldapsearch(slapd.url, scratch),
                "ours, entries": lambda: once("tests.bench.ldap_directory", "entries", slapd.url),
                "ours, whole read": lambda: once("tests.bench.ldap_directory", "read", slapd.url),
            },
            rounds=1 if quick else 3,
        )
    finally:
        slapd.stop()
    assert {run.said["people"] for side in runs.values() for run in side} == {count}
    return _told(
        f"LDAP, {count:,} people with 10 attributes", runs, "goal: entries in 1.67 x ldapsearch; whole read < 60 MB"
    )


def plan(scratch: Path, *, quick: bool) -> Results:
    """Everything that `syncd plan` does when nothing has changed: reading, ingesting, resolving, comparing."""
    count = 10_000 if quick else 100_000
    slapd = Slapd(scratch / "plan")
    slapd.stream([*people(count), *ldap_plan.groups(count)]).start()
    folder = ldap_plan.prepare(scratch / "company", slapd.url, count)
    try:
        runs = _in_turn(
            {
                "ldapsearch, people and groups": lambda: ldapsearch(slapd.url, scratch, groups=True),
                "ours, read and ingest": lambda: once("tests.bench.ldap_plan", "ingest", str(folder)),
                "ours, plan": lambda: once("tests.bench.ldap_plan", "plan", str(folder)),
                "ours, the command": lambda: ldap_plan.command(folder),
            },
            rounds=1 if quick else 5,
        )
    finally:
        slapd.stop()
    return _told(f"LDAP to plan, {count:,} people unchanged, 1,000 groups", runs, "goal: the plan in 3.0 x ldapsearch")


def nested(scratch: Path, *, quick: bool) -> Results:
    """1,000 groups, five deep: all of them ours, and only the outermost ours, so that the others are looked up."""
    del quick
    slapd = Slapd(scratch / "nested").stream([*people(1000), unit("outer"), unit("inner"), *_chains(1000, deep=5)])
    slapd.start()
    try:
        runs = _in_turn(
            {
                "ldapsearch, people and groups": lambda: ldapsearch(slapd.url, scratch, groups=True),
                "ours, all groups": lambda: once("tests.bench.ldap_directory", "read", slapd.url),
                "ours, outer groups": lambda: once("tests.bench.ldap_directory", "read", slapd.url, OUTER),
            },
            rounds=3,
        )
    finally:
        slapd.stop()
    return _told("LDAP, 1,000 groups 5 deep", runs, "goal: 10 searches")


def growth(scratch: Path, *, quick: bool) -> Results:
    """How time and memory of a whole read grow with the people."""
    results: Results = []
    sizes = (1_000, 10_000, 100_000) if quick else (10_000, 100_000)
    for count in (*sizes, *((1_000_000,) if MILLION in sys.argv else ())):
        slapd = Slapd(scratch / f"growth-{count}").stream(people(count)).start()
        try:
            runs = _in_turn(
                {
                    "ldapsearch": lambda url=slapd.url: ldapsearch(url, scratch),  # type: ignore[misc]
                    "ours, whole read": lambda url=slapd.url: once("tests.bench.ldap_directory", "read", url),  # type: ignore[misc]
                },
                rounds=1 if quick or count > 100_000 else 3,
            )
        finally:
            slapd.stop()
        results += _told(f"LDAP, {count:,} people, no groups", runs, "goal: < 60 MB at 100,000")
    memory = [row for row in results if row["side"] == "ours, whole read"]
    for less, more in pairwise(memory):
        a_person = (more["memory_mb"] - less["memory_mb"]) * (1 << 20) / (more["people"] - less["people"])
        console.print(f"from {less['people']:,} to {more['people']:,} people: {a_person:.0f} bytes a person more\n")
    return results


def _chains(count: int, *, deep: int) -> list[str]:
    """Groups in chains; each holds one person and the next of its chain."""

    def where(number: int) -> str:
        return INNER if number % deep else OUTER

    found = []
    for number in range(count):
        after = number + 1
        inner = [group_dn(f"Group {after}", where(after))] if after % deep else []
        found.append(group(f"Group {number}", [dn(number % 1000), *inner], where(number)))
    return found


def _in_turn(sides: dict[str, Callable[[], Measured]], rounds: int) -> dict[str, list[Measured]]:
    runs: dict[str, list[Measured]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side, measure in sides.items():
            runs[side].append(measure())
    return runs


def _told(name: str, runs: dict[str, list[Measured]], goal: str) -> Results:
    """Print medians beside the first side's, and give them as rows."""
    columns = ("side", "seconds", "CPU s", "x ldapsearch", "people/s", "MB", "said")
    table = Table(*columns, title=f"{name} ({goal})", title_justify="left")
    results: Results = []
    for side, measured in runs.items():
        said = {key: value for key, value in measured[-1].said.items() if key != "seconds"}
        row = {
            "seconds": median(run.said["seconds"] for run in measured),
            "cpu": median(run.cpu for run in measured),
            "memory_mb": median(run.memory for run in measured),
        }
        first = results[0]["seconds"] if results else row["seconds"]
        table.add_row(
            side,
            f"{row['seconds']:.2f}",
            f"{row['cpu']:.2f}",
            f"{row['seconds'] / first:.2f}",
            f"{said['people'] / row['seconds']:,.0f}",
            f"{row['memory_mb']:.0f}",
            ", ".join(f"{key} {value:,}" for key, value in said.items() if key != "people"),
        )
        results.append({"bench": name, "side": side, **row, **said})
    console.print(table)
    console.print()
    return results
