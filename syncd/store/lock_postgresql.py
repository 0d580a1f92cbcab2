"""One run at a time on one PostgreSQL, however many processes and machines: an advisory lock on a connection of its own.

The server lets it go when that connection ends, however it ends. Through PgBouncer it must be one that goes there directly, or
in session mode: in transaction mode a session's lock would be lost with the transaction.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, func, select

from syncd.errors import LockedError
from syncd.store.engine import reading, store_errors, writing
from syncd.store.sql import upsert
from syncd.store.tables import meta

_KEY: Final = 0x73796E6364  # "syncd"
_HOLDER: Final = "run_lock"
_POLL_SECONDS: Final = 0.2


@contextlib.contextmanager
def advisory_lock(
    engine: Engine, command: str, now: datetime, *, wait_seconds: float, monotonic: Callable[[], float]
) -> Iterator[None]:
    """Hold the lock; see `lock.run_lock`."""
    own = engine.execution_options(isolation_level="AUTOCOMMIT")
    with store_errors(engine), own.connect() as connection:
        until = monotonic() + wait_seconds
        while not _try(connection):
            if monotonic() >= until:
                raise _held(engine)
            time.sleep(_POLL_SECONDS)
        try:
            _sign(engine, command, now)
            yield
        finally:
            with contextlib.suppress(Exception):  # the connection is gone, and the lock with it
                connection.execute(select(func.pg_advisory_unlock(_KEY)))


def _try(connection: Connection) -> bool:
    return bool(connection.execute(select(func.pg_try_advisory_lock(_KEY))).scalar())


def _sign(engine: Engine, command: str, now: datetime) -> None:
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "command": command,
        "since": now.isoformat("T", "seconds"),
    }
    with writing(engine, read_again=True) as connection:
        connection.execute(upsert(connection, meta), [{"name": _HOLDER, "value": json.dumps(holder)}])


def _held(engine: Engine) -> LockedError:
    with reading(engine) as connection:
        said = connection.execute(select(meta.c.value).where(meta.c.name == _HOLDER)).scalar()
    holder = json.loads(said) if said else None
    who = (
        f"`{holder['command']}` (process {holder['pid']} on {holder['host']}) holds it since {holder['since']}"
        if holder
        else "another process holds it"
    )
    where = engine.url.render_as_string(hide_password=True)
    return LockedError(
        f"another run is under way: {who}", where=where, cure="wait until it ends, or use --wait SECONDS"
    )
