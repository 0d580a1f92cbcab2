"""The few statements that SQLAlchemy Core says differently for SQLite and PostgreSQL, and lists cut into parts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, Final, TypeVar
from uuid import uuid4

import orjson
from sqlalchemy import (
    ARRAY,
    ClauseElement,
    ColumnElement,
    Connection,
    Executable,
    Select,
    Table,
    Text,
    func,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

CHUNK: Final = 500
"""How many values one IN list takes."""

_STREAMED: Final = 5000
"""Rows that PostgreSQL sends at a time, of many."""

T = TypeVar("T")


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The values in lists of at most `size`."""
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part


def among(connection: Connection, values: Iterable[str]) -> Select[Any]:
    """What stands in an IN for many texts: one parameter, and not one for each, which would be spelled out every time."""
    if connection.dialect.name == "postgresql":
        return select(func.unnest(literal([*values], ARRAY(Text))).column_valued())
    listed = orjson.dumps(list(values)).decode()
    return select(func.json_each(listed).table_valued("value").c.value)


def holds(connection: Connection, column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Whether a text stands in another, in capitals or not.

    SQLite's LIKE knows no case by itself (of ASCII letters; its `lower` knows no others), and takes a quarter of the time so.
    """
    if connection.dialect.name == "sqlite":
        return column.contains(text, autoescape=True)
    return column.icontains(text, autoescape=True)


def rows_of(connection: Connection, query: Executable) -> Any:
    """The driver's cursor, whose rows are its own: tuples of texts, numbers and bytes, without the conversions of the columns.

    A million of them come three times as fast; structures are JSON, times ISO 8601 (`tables.Json`, `tables.Moment`).
    """
    result: Any = connection.execute(query)
    return result.cursor


def many_rows_of(connection: Connection, query: ClauseElement) -> Iterable[tuple[Any, ...]]:
    """The same for so many rows that they are not held at once: PostgreSQL's server keeps the cursor, SQLite has no other."""
    if connection.dialect.name == "sqlite":
        rows: Iterable[tuple[Any, ...]] = rows_of(connection, query)  # type: ignore[arg-type]
        return rows
    return _streamed(connection, query)


def _streamed(connection: Connection, query: ClauseElement) -> Iterator[tuple[Any, ...]]:
    compiled = query.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    driver: Any = connection.connection.dbapi_connection
    with driver.cursor(name=f"many_{uuid4().hex}") as cursor:
        cursor.itersize = _STREAMED
        cursor.execute(str(compiled), compiled.params)
        yield from cursor


def upsert(
    connection: Connection, table: Table, *, add: Collection[str] = (), keep: Collection[str] = ()
) -> Executable:
    """Insert a row, or bring the one with the same primary key to the same values.

    Args:
        connection: tells the dialect.
        table: whose rows.
        add: columns whose value is added to the present one instead of replacing it; no other column is touched then.
        keep: columns that stay as they are in a present row: an index over them is not written again.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement: Any = dialect.insert(table)
    keys = [column.name for column in table.primary_key]
    new = {
        column.name: table.c[column.name] + statement.excluded[column.name]
        if column.name in add
        else statement.excluded[column.name]
        for column in table.columns
        if column.name not in keys and column.name not in keep and (not add or column.name in add)
    }
    done: Executable = statement.on_conflict_do_update(index_elements=keys, set_=new)
    return done
