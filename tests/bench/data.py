"""A directory of any size, and the same a day later: a CSV for ours, Parquet of yesterday's state for polars.

Of `changed` people out of a hundred: 50 % moved one group, 30 % got another name, 10 % left, 10 % joined.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

GROUPS = 400
HEADER = ["Employee", "User Name", "Email", "Department", "Group Name", "Active"]
COLUMNS = {
    "id": "Employee",
    "display_name": "User Name",
    "email": "Email",
    "department": "Department",
    "groups": "Group Name",
    "active": "Active",
}

Row = tuple[str, str, str, str, tuple[str, ...]]


def people(count: int, changed_percent: float = 0.0) -> Iterator[Row]:
    """(employee, name, email, department, groups) of everybody; five groups each."""
    every = round(100 / changed_percent) if changed_percent else 0
    joined = 0
    for number in range(count):
        name, shift = f"Person Number {number}", 0
        if every and number % every == 0:
            kind = (number // every) % 10
            if kind == 0:
                joined += 1
                continue
            if kind == 1:
                joined += 1
            name, shift = (f"Newname Number {number}", 0) if kind in {2, 3, 4} else (name, 1)
            if kind == 1:
                shift = 0
        yield _row(number, name, shift)
    for number in range(count, count + joined // 2):
        yield _row(number, f"Person Number {number}", 0)


def _row(number: int, name: str, shift: int) -> Row:
    groups = sorted(
        {f"Group {_mix(number, slot + 10 * shift if slot == 0 else slot) % GROUPS:03d}" for slot in range(6)}
    )[:5]
    return f"E{number:08d}", name, f"person.{number}@example.com", f"Department {number % 60}", tuple(groups)


def _mix(number: int, slot: int) -> int:
    """Spreads people over groups as if by chance, the same way each time."""
    return ((number * 2_654_435_761 + slot * 40_503 * 65_537) & 0xFFFFFFFF) >> 7


def write_csv(path: Path, rows: Iterator[Row]) -> None:
    """In the layout of `COLUMNS`, groups in one cell."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for employee, name, email, department, groups in rows:
            writer.writerow([employee, name, email, department, ";".join(groups), "yes"])


def prepare(folder: Path, count: int) -> None:
    """Write what both sides read: today's CSV unchanged and 1 % changed, and yesterday's state for each."""
    if (folder / "ready").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "0.csv", people(count))
    write_csv(folder / "1.csv", people(count, 1.0))
    _parquet(folder, count)
    _store(folder, count)
    (folder / "ready").touch()


def _parquet(folder: Path, count: int) -> None:
    import polars as pl

    frame = pl.read_csv(folder / "0.csv").lazy()
    frame.drop("Group Name").collect().write_parquet(folder / "users.parquet")
    memberships = frame.select("Employee", pl.col("Group Name").str.split(";").alias("Group")).explode("Group")
    memberships.collect().write_parquet(folder / "memberships.parquet")
    assert count


def _store(folder: Path, count: int) -> None:
    """A store in which everybody is linked, and nothing is left to do."""
    from datetime import UTC, datetime

    from connectors.model import Account, AccountGroup, Certificate
    from syncd.core.change import RecordKey
    from syncd.core.humans import Link
    from syncd.core.rules import Rules
    from syncd.store.accounts import ingest_accounts
    from syncd.store.engine import open_engine, require_current, writing
    from syncd.store.ingest import ingest
    from syncd.store.links import write_links
    from syncd.store.sql import chunks
    from syncd.store.tables import records
    from tests.bench.ours import source

    engine = open_engine(f"sqlite:///{folder / 'syncd.db'}")
    require_current(engine)
    rules = Rules()
    ingest(engine, "people", source(folder / "0.csv").read, now=datetime.now(UTC), shape=rules.address)

    def account() -> Iterator[AccountGroup | Account | Certificate]:
        for row in people(count):
            yield Account(row[0], row[2], row[1], "active", frozenset(row[4]))
        yield Certificate(count)

    ingest_accounts(engine, account())
    for part in chunks(people(count), 5000):
        given = [
            Link(RecordKey("people", row[0]), row[0], {"email": row[2], "display_name": row[1], "groups": list(row[4])})
            for row in part
        ]
        with writing(engine) as connection:
            write_links(connection, given)
    with writing(engine) as connection:
        connection.execute(records.update().values(dirty=False))
        connection.exec_driver_sql("ANALYZE")
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
