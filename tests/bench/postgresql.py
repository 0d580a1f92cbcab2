"""`postgresql`: reading the store, ingest and diff on PostgreSQL beside SQLite (goal: 1.5 times the time for people unchanged).

`--million` goes on to 1,000,000 people; `--prepared=FOLDER` takes them from a folder that `data.prepare` made.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from syncd.store.copying import copy_store
from syncd.store.engine import open_engine
from tests.bench.data import prepare
from tests.bench.ldap import MILLION
from tests.bench.measure import Measured, in_turn
from tests.bench.million import SERVER
from tests.postgres import Postgres, cluster

_PREPARED = "--prepared="
console = Console(width=110)


def postgresql(scratch: Path, *, quick: bool) -> list[dict[str, Any]]:
    """See the module."""
    sizes = (1_000, 10_000) if quick else (10_000, 100_000, *((1_000_000,) if MILLION in sys.argv else ()))
    with cluster(settings=SERVER) as server:
        results = [found for count in sizes for found in _days(scratch, server, count)]
    _growth(results)
    return results


def _days(scratch: Path, server: Postgres, count: int) -> Iterator[dict[str, Any]]:
    folder = _folder(scratch, count)
    store = _moved(folder, server, count)
    for day in ("0", "1"):
        changed = store if day == "0" else server.new_database(store.rpartition("/")[2])
        sides = {
            "SQLite": ("tests.bench.ours", str(folder), day),
            "PostgreSQL": ("tests.bench.ours", str(folder), day, changed),
        }
        found = in_turn(sides, rounds=3 if day == "0" else 1)
        yield from _told(f"ingest + diff, {count:,} people, {day} % changed", found, count)


def _folder(scratch: Path, count: int) -> Path:
    given = next((Path(word.removeprefix(_PREPARED)) for word in sys.argv if word.startswith(_PREPARED)), None)
    folder = given if given and count == 1_000_000 else scratch / f"people-{count}"
    prepare(folder, count)
    return folder


def _moved(folder: Path, server: Postgres, count: int) -> str:
    """The store on PostgreSQL, as `syncd store copy` moves it, and as it is once autovacuum has seen it."""
    store = server.new_database()
    sqlite, served = open_engine(f"sqlite:///{folder / 'syncd.db'}"), open_engine(store)
    began = time.perf_counter()
    rows = sum(table.rows for table in copy_store(sqlite, served))
    seconds = time.perf_counter() - began
    sqlite.dispose()
    served.dispose()
    with psycopg.connect(store.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert size
    told = f"copied to PostgreSQL at {rows / seconds:,.0f} rows/s; {size[0] / count:,.0f} bytes a person there, "
    console.print(f"{count:,} people: {told}{(folder / 'syncd.db').stat().st_size / count:,.0f} on SQLite")
    return store


def _told(name: str, found: dict[str, Measured], count: int) -> list[dict[str, Any]]:
    table = Table("side", "seconds", "x SQLite", "of it ingest", "CPU s", "MB", title=name, title_justify="left")
    first = found["SQLite"].said["seconds"]
    for side, one in found.items():
        seconds, ingest = one.said["seconds"], one.said["ingest"]
        numbers = (f"{seconds:.2f}", f"{seconds / first:.2f}", f"{ingest:.2f}", f"{one.cpu:.2f}", f"{one.memory:.0f}")
        table.add_row(side, *numbers)
    console.print(table)
    return [
        {"bench": name, "side": side, "people": count, "cpu": one.cpu, "memory_mb": one.memory, **one.said}
        for side, one in found.items()
    ]


def _growth(results: list[dict[str, Any]]) -> None:
    for day in ("0", "1"):
        own = [row for row in results if row["side"] == "PostgreSQL" and f" {day} %" in row["bench"]]
        for less, more in pairwise(own):
            people = more["people"] - less["people"]
            a_person = (more["memory_mb"] - less["memory_mb"]) * (1 << 20) / people
            micros = (more["seconds"] - less["seconds"]) * 1e6 / people
            told = f"{a_person:,.0f} bytes and {micros:.1f} microseconds a person more, {day} % changed"
            console.print(f"from {less['people']:,} to {more['people']:,} people: {told}")
