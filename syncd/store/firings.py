"""What was due, and whether it was done: kept, so that whoever leads next does what is left and nothing twice. On PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert

from syncd.store.engine import reading, writing
from syncd.store.node_tables import firings
from syncd.store.tables import runs

_KEPT: Final = timedelta(days=7)


def begin(engine: Engine, name: str, planned: datetime) -> None:
    """It is about to happen."""
    row = {"name": name, "planned": planned, "state": "begun"}
    with writing(engine) as connection:
        connection.execute(insert(firings).on_conflict_do_nothing(), row)
        old = (firings.c.name == name, firings.c.planned < planned - _KEPT)
        connection.execute(delete(firings).where(*old))


def ran(engine: Engine, name: str, planned: datetime, run_id: int) -> None:
    """It came to this run: when that has ended, it is done, whatever else is written."""
    here = (firings.c.name == name, firings.c.planned == planned)
    with writing(engine) as connection:
        connection.execute(update(firings).where(*here).values(run_id=run_id))


def done(engine: Engine, name: str, planned: datetime) -> None:
    """It happened, and with it everything of this name that was due before."""
    here = (firings.c.name == name, firings.c.planned <= planned)
    with writing(engine) as connection:
        connection.execute(update(firings).where(*here, firings.c.state == "begun").values(state="done"))


def last(engine: Engine, name: str) -> datetime | None:
    """When it was due last; None: never yet."""
    with reading(engine) as connection:
        found: datetime | None = connection.execute(
            select(func.max(firings.c.planned)).where(firings.c.name == name)
        ).scalar()
    return found


def left(engine: Engine, name: str) -> datetime | None:
    """When that was due which a process began and did not end; None: nothing is left."""
    ended = exists().where(runs.c.id == firings.c.run_id, runs.c.state.in_(["done", "failed"]))
    query = select(func.max(firings.c.planned)).where(firings.c.name == name, firings.c.state == "begun", ~ended)
    with reading(engine) as connection:
        found: datetime | None = connection.execute(query).scalar()
    return found
