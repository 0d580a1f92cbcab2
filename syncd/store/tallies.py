"""How much was done, hour by hour: what the budgets of 24 hours and of 7 days are held against.

Written in the transaction that says what became of the steps, so that no deed is without its count; read by the key, however
long the journal is. An hour that lies ahead (the clock was wrong then, or is now) counts as now, for as long as a window lasts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, case, delete, func, or_, select, update

from syncd.core.budgets import BudgetKind, Past, Tally, count
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
        for (kind, group), tally in sorted(
            count(done).items()
        )  # who counts at the same time takes the rows in this order
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
    table = tallies.c
    ahead = table.hour > now
    when = case((ahead, func.coalesce(table.ahead_since, table.hour)), else_=table.hour)
    of_the_day = when >= _hour(now - DAY)
    counted = (table.hour >= _hour(now - WEEK), when >= _hour(now - WEEK))
    sums = (
        func.sum(table.changes),
        func.sum(table.users),
        func.sum(case((of_the_day, table.changes), else_=0)),
        func.sum(case((of_the_day, table.users), else_=0)),
    )
    day: dict[tuple[BudgetKind, str], Tally] = {}
    week: dict[tuple[BudgetKind, str], Tally] = {}
    with reading(engine) as connection:
        query = select(table.kind, table.group_name, *sums).where(*counted).group_by(table.kind, table.group_name)
        for kind, group, changes, users, changes_of_day, users_of_day in connection.execute(query):
            week[kind, group] = Tally(changes, users)
            day[kind, group] = Tally(changes_of_day, users_of_day)
        each_once = (table.group_name == "", table.kind != "admin")
        query = select(func.coalesce(func.sum(table.changes), 0), func.max(table.hour)).where(
            ahead, *counted, *each_once
        )
        dated = connection.execute(query).one()
    return Counted(Past(day, week), dated[0], dated[1])


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
