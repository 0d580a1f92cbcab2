"""Transactions of the account, and its database errors as the error tree's. Decides nothing.

A reading transaction carries the execution option `read_only`: an engine that begins SQLite transactions with BEGIN
IMMEDIATE uses a plain BEGIN for it, so that a long read never waits for, nor blocks, the writer.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from connectors.errors import ConnectorError, PermanentError, RetryableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection, Engine

T = TypeVar("T")

_ACCOUNT = "fluix_account"
"""The execution option that holds the account's name."""

CHUNK = 500
"""How many ids one IN list carries."""

WRITER_LOCK = 0x666C7578
"""Key of PostgreSQL's advisory lock: one writer of the account at a time, as SQLite has it by nature."""


@contextmanager
def reading(engine: Engine, account: str) -> Iterator[Connection]:
    """One consistent view of one account, which `account_of` tells.

    Raises:
        ConnectorError: the database could not be read.
    """
    options: dict[str, object] = {"read_only": True, _ACCOUNT: account}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with translated(engine), engine.connect() as plain, plain.execution_options(**options).begin():
        yield plain


@contextmanager
def writing(engine: Engine, account: str) -> Iterator[Connection]:
    """One transaction of one account that is written whole or not at all; writers take turns.

    Raises:
        ConnectorError: the database could not be written.
    """
    with translated(engine), engine.execution_options(**{_ACCOUNT: account}).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})
        yield connection


def account_of(connection: Connection) -> str:
    """The name of the account that this transaction is about: a store can hold several."""
    name = connection.get_execution_options()[_ACCOUNT]
    assert isinstance(name, str)
    return name


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Raise the database's errors as ConnectorErrors."""
    try:
        yield
    except DBAPIError as error:
        raise _as_connector_error(error, engine) from error


def _as_connector_error(error: DBAPIError, engine: Engine) -> ConnectorError:
    where = engine.url.render_as_string(hide_password=True)
    reason = str(error.orig)
    if "no such table" in reason or "no such column" in reason or "does not exist" in reason:
        return PermanentError(
            f"The account's tables are not as this version needs them: {reason}.",
            where=where,
            cure="Run `syncd store upgrade`.",
        )
    if isinstance(error, OperationalError) or error.connection_invalidated:
        return RetryableError(
            f"The account's database did not answer: {reason}.",
            where=where,
            cure="Look at the database, its disk and the free space there, and run it again: it goes on where it stopped.",
        )
    return PermanentError(f"The account's database refused a statement: {reason}.", where=where)


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The values in lists of at most `size`, so that no statement grows with its input."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk
