"""Which sources the store knows people of."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Engine, select

from syncd.store.engine import reading
from syncd.store.tables import records


def forgotten(engine: Engine, named: Collection[str]) -> list[str]:
    """Sources whose people are in the store, but which the configuration does not name (any more)."""
    with reading(engine) as connection:
        found = connection.execute(select(records.c.source).distinct()).scalars()
        return sorted(set(found) - set(named))
