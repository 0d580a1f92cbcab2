"""A store that is fenced: each of its write transactions first looks whether its writer is still the last one. Decides nothing.

The look holds the row of `terms` (FOR SHARE) until the transaction ends, so that whoever takes over waits for it, and nothing of
the one before is written afterwards. It stands at the beginning of the transaction and not in any statement: what the embedded
account writes is fenced as well. Only on PostgreSQL; on SQLite the lock of the file is enough.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from syncd.errors import DeposedError

_FENCES: Final = "fences"
"""The execution option that holds (name, number) of each."""
_LOOK: Final = "SELECT number FROM terms WHERE name = %s FOR SHARE"


def fenced(engine: Engine, name: str, number: int) -> Engine:
    """The same store (and the same pool), written only as long as this is the last number of this name."""
    return engine.execution_options(**{_FENCES: (*fences(engine), (name, number))})


def fences(engine: Engine) -> tuple[tuple[str, int], ...]:
    """Name and number of each fence around this store."""
    found: tuple[tuple[str, int], ...] = engine.get_execution_options().get(_FENCES, ())
    return found


def number_of(engine: Engine, name: str) -> int:
    """The number under which this store is written; 0 where it is not fenced so."""
    return dict(fences(engine)).get(name, 0)


def look(connection: Connection) -> None:
    """As an engine's listener for `begin`.

    Raises:
        DeposedError: somebody else took over.
    """
    options = connection.get_execution_options()
    wanted = options.get(_FENCES, ())
    reads = options.get("postgresql_readonly") or options.get("read_only")
    if not wanted or reads or options.get("isolation_level") == "AUTOCOMMIT":
        return
    driver: Any = connection.connection.dbapi_connection
    for name, number in wanted:
        try:
            row = driver.execute(_LOOK, (name,)).fetchone()
        except Exception as error:
            base = connection.dialect.loaded_dbapi.Error
            if not isinstance(error, base):
                raise
            lost = connection.dialect.is_disconnect(error, driver, None)
            if lost:  # as SQLAlchemy itself does: else the pool tries to use it once more, and says so
                connection.invalidate(error)
            raise DBAPIError.instance(_LOOK, (name,), error, base, connection_invalidated=lost) from error
        if row is None or row[0] != number:
            now = f"number {row[0]} has it" if row else "nobody has it"
            raise DeposedError(
                f"another process took over: this one held `{name}` under number {number}, and by now {now}",
                where=connection.engine.url.database or "",
                cure="nothing is lost: the other one goes on where this one stopped; see `syncd runs`",
            )
