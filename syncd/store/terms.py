"""Numbers of those who take something over, one after the other: who has not the last one writes no more (`fencing`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from syncd.store.node_tables import terms
from syncd.store.sql import chunks

RUN: Final = "run"
"""Whoever holds the run lock."""
LEAD: Final = "lead"
"""Whichever `serve` leads."""


def take(connection: Connection, name: str) -> int:
    """The next number of this name, on PostgreSQL. It waits until no transaction under the one before is open."""
    new = insert(terms).values(name=name, number=1)
    next_one = new.on_conflict_do_update(index_elements=["name"], set_={"number": terms.c.number + 1})
    return int(connection.execute(next_one.returning(terms.c.number)).scalar_one())


def forget(connection: Connection, names: Iterable[str]) -> None:
    """Who holds one of these writes no more, and nobody comes after."""
    for part in chunks(names):
        connection.execute(delete(terms).where(terms.c.name.in_(part)))


def newest(connection: Connection, name: str) -> int:
    """The last number; 0: nobody ever held it."""
    return connection.execute(select(terms.c.number).where(terms.c.name == name)).scalar() or 0
