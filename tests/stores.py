"""Stores for tests."""

from __future__ import annotations

import sqlite3
from functools import cache

from sqlalchemy import Engine, create_engine, event, inspect
from sqlalchemy.pool import StaticPool

import syncd.store.engine
from syncd.store.engine import reading, store_errors

_upgrade = syncd.store.engine.upgrade


def in_memory() -> Engine:
    """An empty store's engine, without its tables."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", lambda connection, _record: setattr(connection, "isolation_level", None))
    return engine


def copied_upgrades() -> None:
    """From now on a new SQLite store is a copy of one that was made ready once in this process: a hundredth of the time.

    What is not empty, and what is no file, is upgraded as ever; so is everything in `tests.faults.processes`, where processes die.
    """
    syncd.store.engine.upgrade = _copied


def real_upgrades() -> None:
    """As the program does it."""
    syncd.store.engine.upgrade = _upgrade


def _copied(engine: Engine, to: str = "head") -> None:
    if not _is_new_file(engine) or to != "head":
        _upgrade(engine, to)
        return
    with store_errors(engine), engine.connect() as connection:
        _template().backup(connection.connection.dbapi_connection)


def _is_new_file(engine: Engine) -> bool:
    if engine.dialect.name != "sqlite" or not engine.url.database or engine.url.database == ":memory:":
        return False
    with reading(engine) as connection:
        return not inspect(connection).get_table_names()


@cache
def _template() -> sqlite3.Connection:
    engine = in_memory()
    _upgrade(engine)
    made = sqlite3.connect(":memory:", check_same_thread=False)
    with engine.connect() as connection:
        connection.connection.dbapi_connection.backup(made)
    engine.dispose()
    return made
