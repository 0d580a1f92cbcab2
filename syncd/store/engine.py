"""Opening a store: the engine, its pragmas, and the check that this program and the store are of one version.

On SQLite a write transaction takes the write lock when it begins (BEGIN IMMEDIATE), so that two processes wait for each
other instead of failing half-way; reads run outside of transactions and never wait.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Delete, Engine, Update, create_engine, event, inspect, literal, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError, StatementError

from syncd.errors import Interrupted, StoreError
from syncd.store import fencing
from syncd.store.bulk import write_many

REVISION = "0001"
"""The newest revision under migrations/versions."""

DIRECT: Final = "direct"
"""The execution option that holds the engine whose connections go to PostgreSQL itself, where others go through PgBouncer."""

_BUSY_SECONDS = 30
_UPGRADE = 0x75706772  # "upgr"

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # an intent is on the disk before the deed is done
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "cache_size=-32768",  # 32 MB
    "wal_autocheckpoint=32000",  # 128 MB: a bulk write is not copied into the file again and again
)


_SERVED: Final[dict[str, Any]] = {
    "pool_pre_ping": True,  # the server may have been started again
    "pool_size": 5,
    "max_overflow": 10,
    "pool_timeout": _BUSY_SECONDS,
    "connect_args": {
        "connect_timeout": 10,
        "application_name": "syncd",
        "prepare_threshold": None,  # PgBouncer in transaction mode gives each transaction another session
        # Whichever side dies without a word, the other one knows it after 8 s: a dead machine's locks are let go.
        "keepalives_idle": 2,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 8000,
    },
}

_TIMEOUTS: Final = {"lock_timeout": "60s", "idle_in_transaction_session_timeout": "10min"}

_ALIVE: Final = {
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "8000",
}
"""The same for the server's side of a connection that is our own."""


def open_engine(url: str, direct: str | None = None) -> Engine:
    """An engine for this store, which makes the file's folder when it is missing.

    Args:
        url: the store's address.
        direct: another address of the same database, which goes to the server itself where the first goes through PgBouncer.

    Raises:
        StoreError: the folder cannot be made or written.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        try:
            return _served(parsed, direct)
        except ModuleNotFoundError as error:
            cure = "install it with `pip install fluix-syncd[postgresql]`"
            raise StoreError(f"the driver for PostgreSQL is missing: {error.name}", where="store", cure=cure) from None
    if parsed.database and parsed.database != ":memory:":
        _make_folder(Path(parsed.database))
        _require_writable(Path(parsed.database))
    engine = create_engine(parsed, connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False})
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _served(url: URL, direct: str | None) -> Engine:
    """An engine for PostgreSQL; see `pooling` for what another one beside it is for. What the address says stands before ours."""
    usual = {name: value for name, value in _SERVED["connect_args"].items() if name not in url.query}
    if direct:
        other = {DIRECT: _served(make_url(direct), None)}
        engine = create_engine(url, **{**_SERVED, "connect_args": usual}, execution_options=other)
        event.listen(engine, "begin", _limit)
    else:
        options = " ".join(f"-c {name}={value}" for name, value in {**_TIMEOUTS, **_ALIVE}.items())
        engine = create_engine(url, **{**_SERVED, "connect_args": {"options": options, **usual}})
    event.listen(engine, "do_executemany", write_many)
    event.listen(engine, "begin", fencing.look)
    return engine


def _limit(connection: Connection) -> None:
    """PgBouncer passes no settings on when a session begins, and takes back no others: they go with each transaction."""
    if not connection.get_execution_options().get("postgresql_readonly"):
        connection.exec_driver_sql("; ".join(f"SET LOCAL {name} = '{value}'" for name, value in _TIMEOUTS.items()))


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder for the store cannot be made: {error.strerror}",
            where=str(file.parent),
            cure="make it, or name another one in `store:`",
        ) from error


def _require_writable(file: Path) -> None:
    """SQLite writes the file, and others beside it."""
    for path in (file, file.parent):
        if path.exists() and not os.access(path, os.W_OK):
            raise StoreError("the store is read-only", where=str(path), cure=_CURES["readonly"])


def _on_connect(connection: Any, record: object) -> None:
    del record
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        with contextlib.suppress(Exception) if pragma.startswith("journal") else contextlib.nullcontext():
            connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":
        driver: Any = connection.connection.dbapi_connection
        driver.execute(f"PRAGMA synchronous={'NORMAL' if options.get('read_again') else 'FULL'}")
        connection.exec_driver_sql("BEGIN" if options.get("read_only") else "BEGIN IMMEDIATE")


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for reading, which waits for no writer: each statement sees what was committed before it."""
    how: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"}
    if engine.dialect.name != "sqlite":
        how = {"postgresql_readonly": True}  # a transaction, since rows that stream need one
    with store_errors(engine), engine.execution_options(**how).connect() as connection:
        yield connection


@contextlib.contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection for reading several things as they are at one moment: what is written meanwhile is not seen."""
    how: dict[str, Any] = {"read_only": True}
    if engine.dialect.name != "sqlite":
        how["isolation_level"] = "REPEATABLE READ"
    with store_errors(engine), engine.execution_options(**how).begin() as connection:
        yield connection


@contextlib.contextmanager
def writing(engine: Engine, *, read_again: bool = False) -> Iterator[Connection]:
    """One write transaction: all of it is kept, or nothing.

    Args:
        engine: the store's.
        read_again: what is written could be read from its source again, so that the disk need not be waited for: a power cut
            may take it back, whole transactions at a time; the end of the process may not.
    """
    with store_errors(engine), engine.execution_options(read_again=read_again).begin() as connection:
        yield connection


@contextlib.contextmanager
def store_errors(engine: Engine) -> Iterator[None]:
    """Turns the database's errors into ours, with a cure.

    Raises:
        StoreError: the disk is full, the file is read-only, locked for too long, or no database.
        Interrupted: a signal came while values were made ready, which SQLAlchemy takes for a mistake of the statement.
    """
    try:
        yield
    except StatementError as error:
        if isinstance(error.orig, Interrupted):
            raise error.orig from None
        if not isinstance(error, DBAPIError):
            raise
        where = engine.url.database or str(engine.url)
        what = str(error.orig)
        cure = next((cure for sign, cure in _CURES.items() if sign in what), "")
        if not cure and not isinstance(error, OperationalError):
            raise
        raise StoreError(f"the store cannot be used: {what}", where=where, cure=cure) from error


_CURES = {
    "disk is full": "free some space, and run it again: it goes on where it stopped",
    "readonly": "give this user the right to write the file and its folder",
    "locked": "another process has been writing for long: see who with `syncd runs`, and try again",
    "unable to open": "check the path in `store:` and the rights of its folder",
    "not a database": "the file is something else: name another one in `store:`, or restore it from a backup",
    "malformed": "the file is damaged: restore it from a backup; run `PRAGMA integrity_check` to see how much",
    "unsupported startup parameter": "this is PgBouncer: give the server's own address in `store_direct:` as well",
    "disk I/O error": "check the disk and its free space, and run it again: it goes on where it stopped",
}


def revision(engine: Engine) -> str | None:
    """The store's revision; None when it is empty."""
    with reading(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def require_current(engine: Engine) -> None:
    """Make an empty store ready; refuse one of another version.

    Raises:
        StoreError: the store is older (upgrade it) or newer (upgrade the program).
    """
    there = revision(engine)
    if there is None:
        upgrade(engine)
        return
    if fits(engine, there):
        return
    refuse_newer(engine, there)
    raise StoreError(
        f"the store is of an older version ({there}; this program needs {REVISION})",
        where=engine.url.database or "",
        cure="make a copy of it, then run `syncd store upgrade`",
    )


def fits(engine: Engine, there: str | None) -> bool:
    """Whether this program goes with a store of this revision.

    On PostgreSQL with the next one as well, so that several machines can be upgraded one after the other: a migration only adds,
    and what nothing needs any more is taken away by the one after it.
    """
    if there == REVISION:
        return True
    return engine.dialect.name == "postgresql" and there is not None and there == f"{int(REVISION) + 1:04d}"


def refuse_newer(engine: Engine, there: str | None) -> None:
    """Refuse a store that a newer program wrote.

    Raises:
        StoreError: it is newer.
    """
    if there is not None and there > REVISION:
        raise StoreError(
            f"the store is of a newer version ({there}; this program knows {REVISION})",
            where=engine.url.database or "",
            cure="install the newer fluix-syncd",
        )


def upgrade(engine: Engine, to: str = "head") -> None:
    """Bring the store to this program's revision, or to an earlier one; forward only."""
    from alembic import command  # noqa: PLC0415 - a third of a second, and needed once in a store's life
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        if engine.dialect.name == "postgresql":  # who comes second finds it done
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE})
        command.upgrade(config, to)
        if engine.dialect.name == "postgresql":
            from syncd.store import queue  # noqa: PLC0415 - it stands on this module

            queue.make_ready(connection)


def write_if_any(engine: Engine, write: Delete | Update) -> int:
    """Change or delete rows, and begin to write only where there are such: else nobody is waited for. Returns how many."""
    condition = write.whereclause
    assert condition is not None, "all rows of a table are nobody's to lose by the way"
    with reading(engine) as connection:
        if connection.execute(select(literal(1)).select_from(write.table).where(condition).limit(1)).first() is None:
            return 0
    with writing(engine) as connection:
        return connection.execute(write).rowcount
