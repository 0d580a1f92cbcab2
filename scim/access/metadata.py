"""How the rooms access and events write moments, and open the store. No tables here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, DateTime, Engine, TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import Dialect


class Moment(TypeDecorator[datetime]):
    """A moment, aware and in UTC on the Python side, whether or not the database keeps time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Python to database: UTC, and naive where the database knows no zones."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Database to Python: always aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for reading: no transaction, no waiting for writers."""
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine, *, light: bool = False) -> Iterator[Connection]:
    """One write transaction.

    Args:
        engine: the store's.
        light: the disk need not be waited for: a power cut may take it back, whole transactions at a time. Heard by engines
            that listen to the execution option `read_again`, and nothing to the others.
    """
    with engine.execution_options(read_again=light).begin() as connection:
        yield connection
