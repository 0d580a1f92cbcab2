"""How much was done, hour by hour: what the budgets of 24 hours and of 7 days are held against.

Written in the transaction that says what became of the steps, so that no deed is without its count; read by the key, however
long the journal is. An hour that lies ahead (the clock was wrong then, or is now) counts as now, for as long as a window lasts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, Row, delete, or_, select, update

from syncd.core.budgets import NOTHING, BudgetKind, Past, Tally, count
from syncd.core.change import Change
from syncd.store.engine import reading, writing
from syncd.store.sql import upsert
from syncd.store.tables import tallies

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)

_KEPT: Final = timedelta(days=400)
"""Far longer than any window, so that a clock that is a year ahead for a moment takes nothing away."""


def add(connection: Connection, done: Iterable[Change], now: datetime) -> None:
    """Count changes that were done; inside the transaction that says so."""
    hour = _hour(now)
    rows = [
        {"hour": hour, "kind": kind, "group_name": group, "changes": tally.changes, "users": tally.users}
        for (kind, group), tally in count(done).items()
    ]
    if rows:
        connection.execute(upsert(connection, tallies, add={"changes", "users"}), rows)
        connection.execute(delete(tallies).where(tallies.c.hour < hour - _KEPT))


@dataclass(slots=True)
class Counted:
    """What the windows hold."""

    past: Past = field(default_factory=Past)
    ahead: int = 0
    """How many changes of them are dated ahead of now."""
    until: datetime | None = None
    """The last hour of these."""


def windows(engine: Engine, now: datetime) -> Counted:
    """What was done in the last 24 hours and in the last 7 days, whole hours at a time: rather too much than too little."""
    _note_ahead(engine, now)
    day: dict[tuple[BudgetKind, str], Tally] = defaultdict(Tally)
    week: dict[tuple[BudgetKind, str], Tally] = defaultdict(Tally)
    counted = Counted(Past(day, week))
    with reading(engine) as connection:
        for row in connection.execute(select(tallies).where(tallies.c.hour >= _hour(now - WEEK))):
            when, tally = _when(row, now), Tally(row.changes, row.users)
            if when < _hour(now - WEEK):
                continue
            week[row.kind, row.group_name] = week.get((row.kind, row.group_name), NOTHING) + tally
            if when >= _hour(now - DAY):
                day[row.kind, row.group_name] = day.get((row.kind, row.group_name), NOTHING) + tally
            if row.hour > now and not row.group_name:
                counted.ahead += row.changes
                counted.until = max(counted.until or row.hour, row.hour)
    return counted


def _when(row: Row[tuple[object, ...]], now: datetime) -> datetime:
    """When this counts as done."""
    when: datetime = row.ahead_since if row.hour > now and row.ahead_since else row.hour
    return when


def _note_ahead(engine: Engine, now: datetime) -> None:
    """Keep since when an hour has been known to lie ahead; from then on it ages as any other does."""
    ahead = tallies.c.hour > now
    fresh = ahead & or_(tallies.c.ahead_since.is_(None), tallies.c.ahead_since > now)
    with reading(engine) as connection:
        unknown = connection.execute(select(tallies.c.hour).where(fresh).limit(1)).first()
    if unknown:
        with writing(engine) as connection:
            connection.execute(update(tallies).where(fresh).values(ahead_since=now))


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
