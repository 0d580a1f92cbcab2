"""One rate for all who ask the target, whatever machine they are on: a row from which each takes times ahead. On PostgreSQL."""

from __future__ import annotations

from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import insert

from connectors.pace import Pace
from syncd.store.engine import store_errors
from syncd.store.node_tables import paces


def pace_of(engine: Engine, name: str, rate: float) -> Pace:
    """Requests of this name: one rate for all processes on PostgreSQL; on SQLite only one runs."""
    if engine.dialect.name != "postgresql":
        return Pace(rate)
    return Pace(rate, lambda many: reserve(engine, name, rate, many))


def reserve(engine: Engine, name: str, rate: float, many: int) -> float:
    """Take so many times of this rate, one after the other. Returns in how many seconds the first one is.

    Args:
        engine: the store's.
        name: whose requests.
        rate: requests a second.
        many: how many times.
    """
    now = func.extract("epoch", func.clock_timestamp())
    new = insert(paces).values(name=name, free_at=now + many / rate)
    after = func.greatest(paces.c.free_at, now) + many / rate
    taken = new.on_conflict_do_update(index_elements=["name"], set_={"free_at": after}).returning(paces.c.free_at)
    with store_errors(engine), engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        free_at = connection.execute(taken).scalar_one()
        return max(0.0, float(free_at) - many / rate - float(connection.execute(select(now)).scalar_one()))
