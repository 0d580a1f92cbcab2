"""PgBouncer between us and PostgreSQL: whose connections go through it, and what must not.

In transaction mode a session is ours for one transaction only. Statements, cursors and time-outs of ours stay within one; what
lasts longer is a lock of the session, and goes by a connection to the server itself (`store_direct`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection, Engine, text

from syncd.errors import StoreError
from syncd.store.engine import DIRECT, reading

_CURE: Final = "give the server's own address in `store_direct:`"
_WHICH: Final = text(
    "SELECT oid::bigint, pg_postmaster_start_time()::text FROM pg_database WHERE datname = current_database()"
)


def direct(engine: Engine) -> Engine:
    """The engine whose sessions last: the store's own, or the one beside it."""
    found: Engine = engine.get_execution_options().get(DIRECT, engine)
    return found


def pooled(connection: Connection) -> bool:
    """Whether something between us and the server hands out its sessions: who answers is not who greeted us."""
    driver: Any = connection.connection.dbapi_connection
    return bool(driver.info.backend_pid != connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def require_session(connection: Connection) -> None:
    """Refuse a connection on which a lock of the session would be lost, or stay with somebody else.

    Raises:
        StoreError: it goes through a pooler.
    """
    if pooled(connection):
        where = connection.engine.url.render_as_string(hide_password=True)
        raise StoreError("the run lock would not hold: this connection goes through PgBouncer", where=where, cure=_CURE)


def problems(engine: Engine) -> Iterator[str]:
    """What would keep the lock from holding, as sentences with a cure."""
    if engine.dialect.name != "postgresql":
        return
    own = direct(engine)
    with reading(engine) as one, reading(own) as other:
        if pooled(other):
            key = "store" if own is engine else "store_direct"
            yield f"`{key}` goes through PgBouncer (or another pooler), where the run lock would not hold: {_CURE}"
        elif one.execute(_WHICH).one() != other.execute(_WHICH).one():
            yield "`store_direct` leads to another database than `store`: two runs would not see each other's lock"
