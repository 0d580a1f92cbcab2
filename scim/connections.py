"""Connections to the store: some to read by, which are kept, and turns to write by.

SQLite lets one write at a time, and who waits asks again and again; here they queue, within the process and between processes.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows: its writers ask again and again
    fcntl = None  # type: ignore[assignment]


_AT_HAND: Final = 4
_making = threading.Lock()


class Store:
    """A store that several threads use; one for each engine of a process, see `Store.of`.

    Args:
        engine: the store's.
        write_options: execution options of writing transactions, as the engine's maker understands them.
    """

    def __init__(self, engine: Engine, write_options: Mapping[str, Any] | None = None) -> None:
        self.engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._writer = engine.execution_options(**write_options) if write_options else engine
        self._idle: deque[Connection] = deque()
        self._kept: Connection | None = None
        """Of SQLite's one writer; whose turn it is has it."""
        self._turn = threading.Lock()
        self._file: int | None = None

    @classmethod
    def of(cls, engine: Engine, write_options: Mapping[str, Any] | None = None) -> Store:
        """The engine's one store: its writers queue, whoever they are."""
        with _making:
            store = _stores.get(engine)
            if store is None:
                store = _stores[engine] = cls(engine, write_options)
            elif write_options:
                store.close()
                store._writer = engine.execution_options(**write_options)
            return store

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reading: no transaction, no waiting for writers; some are kept at hand."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._reader.connect()
        try:
            yield connection
        except SQLAlchemyError:
            connection.close()
            raise
        finally:
            if not connection.closed and not connection.invalidated:
                self._put_back(connection)

    def _put_back(self, connection: Connection) -> None:
        if len(self._idle) < _AT_HAND:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Give back the connections that are kept."""
        while self._idle:
            self._idle.pop().close()
        with self._turn:
            if self._kept:
                self._kept.close()
                self._kept = None

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A writing transaction: all of it is kept, or nothing."""
        if self.engine.dialect.name != "sqlite":
            with self._writer.begin() as connection:
                yield connection
            return
        with self._sqlite_turn():
            connection = self._kept or self._writer.connect()
            self._kept = None
            try:
                with connection.begin():
                    yield connection
            except BaseException:
                connection.close()
                raise
            self._kept = connection

    @contextlib.contextmanager
    def _sqlite_turn(self) -> Iterator[None]:
        with self._turn:
            file = self._turn_file()
            if file is None:
                yield
                return
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)

    def _turn_file(self) -> int | None:
        """The file whose lock is the turn: beside the database, which must not be opened by anybody but SQLite."""
        path = self.engine.url.database
        if self._file is None and fcntl is not None and path and path != ":memory:":
            self._file = os.open(f"{path}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._file


_stores: WeakKeyDictionary[Engine, Store] = WeakKeyDictionary()
