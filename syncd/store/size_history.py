"""What certified reads said of sizes, day by day: so that a loss is seen that comes a little at a time.

One line a day, and only for a day on which a size changed: a read that changes nothing writes nothing, and a day without a line
is as the day before. The newest lines are kept by their number, not by their age: no clock can take them away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, or_, select, tuple_, update

from syncd.core.shrinkage import DaySize, highest
from syncd.store.engine import reading, writing
from syncd.store.sql import chunks, upsert
from syncd.store.tables import size_history, sizes

KEPT: Final = 14
"""So many days with a change are kept of each source and group."""

Place = tuple[str, str]
"""A source and one of its groups; an empty group is the source itself."""


def keep_groups(engine: Engine, source: str, now: datetime) -> None:
    """Keep the sizes of a source's groups after a certified read, as far as they changed."""
    changed = (sizes.c.source == source, or_(sizes.c.kept.is_(None), sizes.c.kept != sizes.c.now))
    with reading(engine) as connection:
        found: Mapping[str, int] = dict(
            connection.execute(select(sizes.c.group_name, sizes.c.now).where(*changed)).all()
        )
    if found:
        with writing(engine, read_again=True) as connection:
            _write(connection, source, found, now)
            connection.execute(update(sizes).where(*changed).values(kept=sizes.c.now))


def keep_source(engine: Engine, source: str, size: int, before: int, now: datetime) -> None:
    """Keep how many accounts a source keeps after a certified read, if that changed; `before` is how many are linked to it."""
    here = (size_history.c.source == source, size_history.c.group_name == "")
    with reading(engine) as connection:
        query = select(size_history.c.size).where(*here).order_by(size_history.c.day.desc()).limit(1)
        if connection.execute(query).scalar() == size:
            return
    with writing(engine, read_again=True) as connection:
        _write(connection, source, {"": size}, now, at_least=before)


def _write(connection: Connection, source: str, found: Mapping[str, int], now: datetime, at_least: int = 0) -> None:
    today = now.date().isoformat()
    here = (size_history.c.source == source, size_history.c.day == today)
    before = dict(connection.execute(select(size_history.c.group_name, size_history.c.highest).where(*here)).all())
    rows = [
        {
            "source": source,
            "group_name": group,
            "day": today,
            "at": now,
            "size": size,
            "highest": max(size, at_least, before.get(group, 0)),
        }
        for group, size in found.items()
    ]
    connection.execute(upsert(connection, size_history), rows)
    if not before:
        _prune(connection, source)


def _prune(connection: Connection, source: str) -> None:
    """Once a day: the oldest lines go."""
    newest = func.row_number().over(partition_by=size_history.c.group_name, order_by=size_history.c.day.desc())
    ranked = (
        select(size_history.c.group_name, size_history.c.day, newest.label("place"))
        .where(size_history.c.source == source)
        .subquery()
    )
    old = select(ranked.c.group_name, ranked.c.day).where(ranked.c.place > KEPT)
    connection.execute(
        delete(size_history).where(
            size_history.c.source == source, tuple_(size_history.c.group_name, size_history.c.day).in_(old)
        )
    )


def highest_of(engine: Engine, places: Iterable[Place], now: datetime) -> dict[Place, int]:
    """The highest sizes of the last 7 days."""
    lines: dict[Place, list[DaySize]] = defaultdict(list)
    groups: dict[str, list[str]] = defaultdict(list)
    for source, group in places:
        groups[source].append(group)
    table = size_history.c
    with reading(engine) as connection:
        for source, names in groups.items():
            for part in chunks(names):
                query = select(table.group_name, table.day, table.size, table.highest).where(
                    table.source == source, table.group_name.in_(part)
                )
                for group, day, size, top in connection.execute(query):
                    lines[source, group].append(DaySize(date.fromisoformat(day), size, top))
    return {place: highest(history, now.date()) for place, history in lines.items()}


def begin_anew(engine: Engine, approved: Iterable[Place]) -> None:
    """A person approved of these losses, and they were done: what was before is no measure any more.

    With a source its groups begin anew as well, since its people were in them.
    """
    for these in chunks(approved):  # thousands of groups may have shrunk together
        with writing(engine) as connection:
            for source, group in these:
                mine, theirs = [size_history.c.source == source], [sizes.c.source == source]
                if group:
                    mine.append(size_history.c.group_name == group)
                    theirs.append(sizes.c.group_name == group)
                connection.execute(delete(size_history).where(*mine))
                connection.execute(update(sizes).where(*theirs).values(kept=None))
