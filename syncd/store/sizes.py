"""How many members each group has, beside the last sizes that were accepted: the ground of the shrink check."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from sqlalchemy import Engine, bindparam, func, or_, select, update

from syncd.core.safety import Size
from syncd.store.engine import reading, writing
from syncd.store.tables import links, sizes


def changed_groups(engine: Engine, sources: Collection[str], fluix_group: Callable[[str], str | None]) -> list[Size]:
    """The groups whose sizes differ from the accepted ones, of these sources.

    Args:
        engine: the store's.
        sources: names of the sources that were read whole.
        fluix_group: what a source's group is called in Fluix.
    """
    query = (
        select(sizes)
        .where(sizes.c.source.in_(list(sources)), or_(sizes.c.accepted.is_(None), sizes.c.accepted != sizes.c.now))
        .order_by(sizes.c.source, sizes.c.group_name)
    )
    with reading(engine) as connection:
        return [
            Size(row.source, row.group_name, row.now, row.accepted or 0, fluix_group(row.group_name))
            for row in connection.execute(query)
        ]


def count_accounts(engine: Engine) -> dict[str, int]:
    """How many accounts are linked to each source."""
    query = select(links.c.source, func.count(func.distinct(links.c.fluix_id))).group_by(links.c.source)
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
