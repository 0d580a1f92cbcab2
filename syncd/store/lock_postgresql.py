"""Locks on one PostgreSQL, however many processes and machines: advisory locks, each on a connection of its own.

One run at a time holds the first, the `serve` that leads the second. The server lets a lock go when its connection ends, however
it ends. That one goes to the server itself (`pooling`): through PgBouncer a session's lock would be lost with the transaction, or
stay with somebody else. Who has a lock takes the next number in `terms`, so that one that lost it unknowingly is refused.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from typing import Final

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from syncd.errors import LockedError
from syncd.store import terms
from syncd.store.engine import store_errors
from syncd.store.fencing import fenced
from syncd.store.pooling import direct, require_session
from syncd.store.turns import take_turn

_RUN: Final = 0x73796E6364  # "syncd"
_LEAD: Final = _RUN + 1
_LONGEST_NAME: Final = 63
_NAME: Final = text("SELECT set_config('application_name', :name, false)")
_HOLDER: Final = text(
    "SELECT application_name AS name, to_char(state_change, 'YYYY-MM-DD\"T\"HH24:MI:SSOF') AS since"
    " FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND granted AND classid = :high AND objid = :low"
    " AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class Lead:
    """The lead, as long as its connection lives.

    Args:
        connection: that holds the lock.
        store: fenced with the leader's number.
    """

    def __init__(self, connection: Connection, store: Engine) -> None:
        self._connection = connection
        self.store = store

    def alive(self) -> bool:
        """Whether the lock is still held; asked by one thread at a time."""
        try:
            return bool(self._connection.execute(select(1)).scalar())
        except SQLAlchemyError:
            return False


@contextlib.contextmanager
def advisory_lock(
    engine: Engine, command: str, *, wait_seconds: float, monotonic: Callable[[], float]
) -> Iterator[Engine]:
    """Hold the lock of a run; see `lock.run_lock`. Who holds it is the name of that connection, for the next one to read."""
    with _connected(engine) as connection:
        take_turn(lambda: _try(connection, _RUN), lambda: _held(connection), wait_seconds, monotonic)
        with _named(connection, _RUN, command):
            yield fenced(engine, terms.RUN, terms.take(connection, terms.RUN))


@contextlib.contextmanager
def lead_lock(engine: Engine) -> Iterator[Lead | None]:
    """Lead, if nobody else does; None: somebody does. It does not wait."""
    with _connected(engine) as connection:
        if not _try(connection, _LEAD):
            yield None
            return
        with _named(connection, _LEAD, "syncd serve leads"):
            yield Lead(connection, fenced(engine, terms.LEAD, terms.take(connection, terms.LEAD)))


@contextlib.contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    own = direct(engine).execution_options(isolation_level="AUTOCOMMIT")
    with store_errors(engine), own.connect() as connection:
        require_session(connection)
        yield connection


@contextlib.contextmanager
def _named(connection: Connection, key: int, command: str) -> Iterator[None]:
    name = f"{command} (process {os.getpid()} on {socket.gethostname()})"[:_LONGEST_NAME]
    connection.execute(_NAME, {"name": name})
    try:
        yield
    finally:
        with contextlib.suppress(Exception):  # the connection is gone, and the lock with it
            connection.execute(_NAME, {"name": "syncd"})
            connection.execute(select(func.pg_advisory_unlock(key)))


def _try(connection: Connection, key: int) -> bool:
    return bool(connection.execute(select(func.pg_try_advisory_lock(key))).scalar())


def _held(connection: Connection) -> LockedError:
    holder = connection.execute(_HOLDER, {"high": _RUN >> 32, "low": _RUN & 0xFFFFFFFF}).first()
    who = f"{holder.name} holds it since {holder.since}" if holder else "another process holds it"
    where = connection.engine.url.render_as_string(hide_password=True)
    return LockedError(
        f"another run is under way: {who}", where=where, cure="wait until it ends, or use --wait SECONDS"
    )
