"""One run at a time on one PostgreSQL, however many processes and machines: an advisory lock on a connection of its own.

The server lets it go when that connection ends, however it ends. Through PgBouncer it must be one that goes there directly, or
in session mode: in transaction mode a session's lock would be lost with the transaction.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from typing import Final

from sqlalchemy import Connection, Engine, func, select, text

from syncd.errors import LockedError
from syncd.store.engine import store_errors
from syncd.store.turns import take_turn

_KEY: Final = 0x73796E6364  # "syncd"
_LONGEST_NAME: Final = 63
_NAME: Final = text("SELECT set_config('application_name', :name, false)")
_HOLDER: Final = text(
    "SELECT application_name AS name, to_char(state_change, 'YYYY-MM-DD\"T\"HH24:MI:SSOF') AS since"
    " FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND granted AND classid = :high AND objid = :low"
    " AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@contextlib.contextmanager
def advisory_lock(
    engine: Engine, command: str, *, wait_seconds: float, monotonic: Callable[[], float]
) -> Iterator[None]:
    """Hold the lock; see `lock.run_lock`. Who holds it is the name of that connection, for the next one to read."""
    own = engine.execution_options(isolation_level="AUTOCOMMIT")
    with store_errors(engine), own.connect() as connection:
        take_turn(lambda: _try(connection), lambda: _held(connection), wait_seconds, monotonic)
        name = f"{command} (process {os.getpid()} on {socket.gethostname()})"[:_LONGEST_NAME]
        connection.execute(_NAME, {"name": name})
        try:
            yield
        finally:
            with contextlib.suppress(Exception):  # the connection is gone, and the lock with it
                connection.execute(_NAME, {"name": "syncd"})
                connection.execute(select(func.pg_advisory_unlock(_KEY)))


def _try(connection: Connection) -> bool:
    return bool(connection.execute(select(func.pg_try_advisory_lock(_KEY))).scalar())


def _held(connection: Connection) -> LockedError:
    holder = connection.execute(_HOLDER, {"high": _KEY >> 32, "low": _KEY & 0xFFFFFFFF}).first()
    who = f"{holder.name} holds it since {holder.since}" if holder else "another process holds it"
    where = connection.engine.url.render_as_string(hide_password=True)
    return LockedError(
        f"another run is under way: {who}", where=where, cure="wait until it ends, or use --wait SECONDS"
    )
