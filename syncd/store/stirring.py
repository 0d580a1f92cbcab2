"""Whether anybody wrote to the store since the last look: what is asked several times a second must cost next to nothing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from syncd.store.engine import store_errors


class Stirring:
    """Looks at one store, from one thread.

    SQLite counts what other connections commit (`PRAGMA data_version`), which takes some microseconds to ask for; of another
    database, and of one in memory, it is always said that somebody may have written.

    Args:
        engine: the store's.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Any = None
        self._seen: int | None = None

    def __call__(self) -> bool:
        """Whether somebody wrote, or may have; the first time it is so."""
        if self._engine.dialect.name != "sqlite" or self._engine.url.database in {None, "", ":memory:"}:
            return True
        with store_errors(self._engine):
            if self._connection is None:
                self._connection = self._engine.raw_connection()
                self._connection.detach()  # ours as long as we live: it takes no place among those that are lent
            cursor = self._connection.cursor()
            version = int(cursor.execute("PRAGMA data_version").fetchone()[0])
            cursor.close()
        stirred, self._seen = version != self._seen, version
        return stirred

    def close(self) -> None:
        """Look no more."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
