"""How many members each group has, beside the last sizes that were accepted: the ground of the shrink check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from sqlalchemy import Engine, bindparam, func, or_, select, update

from connectors.model import normalise_name
from syncd.core.shrinkage import Size
from syncd.store import size_history
from syncd.store.engine import reading, writing
from syncd.store.tables import links, sizes


def changed_groups(
    engine: Engine, sources: Collection[str], fluix_group: Callable[[str], str | None], now: datetime
) -> list[Size]:
    """The groups whose sizes differ from the accepted ones, of these sources.

    Args:
        engine: the store's.
        sources: names of the sources that were read whole.
        fluix_group: what a source's group is called in Fluix.
        now: the time, from which the history is looked back on.
    """
    query = (
        select(sizes)
        .where(sizes.c.source.in_(list(sources)), or_(sizes.c.accepted.is_(None), sizes.c.accepted != sizes.c.now))
        .order_by(sizes.c.source, sizes.c.group_name)
    )
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    smaller = [(row.source, row.group_name) for row in rows if row.accepted is not None]
    highest = size_history.highest_of(engine, smaller, now)
    return [
        Size(
            row.source,
            row.group_name,
            row.now,
            row.accepted or 0,
            fluix_group(row.group_name),
            highest.get((row.source, row.group_name), 0),
        )
        for row in rows
    ]


def members(engine: Engine, fluix_group: Callable[[str], str | None]) -> dict[str, int]:
    """How many members the sources' last accepted reads gave each of Fluix's groups, by their names as compared."""
    found = Counter[str]()
    query = select(sizes.c.group_name, func.coalesce(sizes.c.accepted, sizes.c.now))
    with reading(engine) as connection:
        for group, size in connection.execute(query):
            if name := fluix_group(group):
                found[normalise_name(name)] += size
    return found


def count_accounts(engine: Engine, sources: Collection[str]) -> dict[str, int]:
    """How many accounts are linked to each of these sources: every link of theirs is gone through."""
    if not sources:
        return {}
    query = (
        select(links.c.source, func.count(func.distinct(links.c.fluix_id)))
        .where(links.c.source.in_(list(sources)))
        .group_by(links.c.source)
    )
    with reading(engine) as connection:
        return dict(connection.execute(query).all())


def accept(engine: Engine, accepted: Iterable[tuple[str, str, int]]) -> None:
    """From now on these sizes (source, group or empty, persons) are what a shrinkage is measured against."""
    rows = [{"of": source, "name": name, "size": size} for source, name, size in accepted]
    if not rows:
        return
    statement = (
        update(sizes)
        .where(sizes.c.source == bindparam("of"), sizes.c.group_name == bindparam("name"))
        .values(accepted=bindparam("size"))
    )
    with writing(engine) as connection:
        connection.execute(statement, rows)


def count_groups(engine: Engine, source: str) -> int:
    """How many groups of a source have anybody in them."""
    query = select(func.count()).where(sizes.c.source == source, sizes.c.now > 0)
    with reading(engine) as connection:
        return connection.execute(query).scalar_one()
