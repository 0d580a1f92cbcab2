"""How many persons each source and group has, beside the last sizes that were accepted: the ground of the shrink check."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from sqlalchemy import Engine, bindparam, or_, select, update

from syncd.core.safety import Size
from syncd.store.engine import reading, writing
from syncd.store.tables import sizes


def changed_sizes(engine: Engine, sources: Collection[str], fluix_group: Callable[[str], str | None]) -> list[Size]:
    """The sizes that differ from the accepted ones, of these sources.

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
            Size(
                row.source,
                row.group_name or None,
                row.now,
                row.accepted or 0,
                fluix_group(row.group_name) if row.group_name else None,
            )
            for row in connection.execute(query)
        ]


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
