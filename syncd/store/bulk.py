"""Many rows at once on PostgreSQL: what would be sent row by row goes by COPY, whoever wrote the statement.

A plain INSERT is copied into its table. One that may meet present rows, an UPDATE and a DELETE by key are copied into a temporary
table, which ends with the transaction, and are one statement from there. May not: change what a statement means. Whatever is not
of these shapes, has few rows, or names a row twice (the last word would not be sure to win) goes as it would have gone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, Final, NamedTuple

FEWEST: Final = 50
"""Rows for which it pays."""

_Rows = Sequence[Mapping[str, Any]]
_BIND: Final = re.compile(r"%\((\w+)\)s")
_EQUAL: Final = re.compile(r"[\w.]+ = %\(\w+\)s(::[\w ]+)?")
_INSERT: Final = re.compile(
    r"INSERT INTO (?P<table>\w+) \((?P<columns>[\w, ]+)\) VALUES \((?P<values>.+?)\)(?P<rest> ON CONFLICT .+)?$"
)
_VALUE: Final = re.compile(r"%\(\w+\)s(::[\w ]+)?")
_CHANGE: Final = re.compile(r"(?P<what>UPDATE \w+ SET (?P<set>.+)|DELETE FROM \w+) WHERE (?P<where>.+)$")
_ARBITER: Final = re.compile(r" ON CONFLICT \((?P<keys>[\w, ]+)\) DO ")
_numbers: Final = count(1)


class _Way(NamedTuple):
    """How a statement is done for many rows at once."""

    statement: str
    """Its binds are columns of `{many}`; empty: the rows are copied into the table itself."""
    table: str
    columns: tuple[str, ...]
    """The binds in their order, which for a plain INSERT is that of the table's columns named in `into`."""
    into: str
    keys: tuple[str, ...]
    """The binds that tell rows apart; empty: rows need not be told apart."""


def write_many(cursor: Any, statement: str, rows: _Rows, context: Any) -> bool:
    """Do a statement for all of these rows; SQLAlchemy's event `do_executemany`.

    Returns:
        Whether it was done.
    """
    way = _way(statement) if len(rows) >= FEWEST and context.compiled else None
    if way is None or (way.keys and len({tuple(row[key] for key in way.keys) for row in rows}) < len(rows)):
        return False
    into = f"{way.table} ({way.into})"
    if way.statement:
        into = f"many_{next(_numbers)}"
        types, dialect = context.compiled.binds, context.dialect
        told = ", ".join(f'"{name}" {types[name].type.compile(dialect=dialect)}' for name in way.columns)
        cursor.execute(f"CREATE TEMPORARY TABLE {into} ({told}) ON COMMIT DROP")
    with cursor.copy(f"COPY {into} FROM STDIN") as copy:
        for row in rows:
            copy.write_row([row[name] for name in way.columns])
    if way.statement:
        cursor.execute(way.statement.replace("{many}", into))
    return True


@lru_cache
def _way(statement: str) -> _Way | None:
    flat = " ".join(statement.split())
    if any(sign in flat for sign in ("%%", "{", "'")):  # no words of its own: all that varies are binds
        return None
    if found := _INSERT.match(flat):
        return _inserting(found)
    return _changing(found) if (found := _CHANGE.match(flat)) else None


def _inserting(found: re.Match[str]) -> _Way | None:
    values = found["values"].split(", ")
    if not all(map(_VALUE.fullmatch, values)):
        return None
    binds = tuple(_BIND.findall(found["values"]))
    if found["rest"] is None:
        return _Way("", found["table"], binds, found["columns"], ())
    arbiter = _ARBITER.match(found["rest"])
    if arbiter is None or _BIND.search(found["rest"]):
        return None
    by_column = dict(zip(found["columns"].split(", "), binds, strict=True))
    keys = tuple(by_column.get(name, "") for name in arbiter["keys"].split(", "))
    if "" in keys:
        return None
    head = found.string[: found.start("values")].removesuffix(" VALUES (")
    statement = " ".join((head, "SELECT", _named(found["values"]), "FROM {many}", found["rest"].strip()))
    return _Way(statement, found["table"], binds, found["columns"], keys)


def _changing(found: re.Match[str]) -> _Way | None:
    conditions = found["where"].split(" AND ")
    if not all(_EQUAL.fullmatch(one) for one in conditions if _BIND.search(one)) or " OR " in found["where"]:
        return None
    keys = tuple(_BIND.findall(found["where"]))
    binds = tuple(dict.fromkeys(_BIND.findall(found[0])))
    link = "FROM {many}" if found["set"] else "USING {many}"
    statement = " ".join((_named(found["what"]), link, "WHERE", _named(found["where"])))
    return _Way(statement, "", binds, "", keys) if keys else None


def _named(text: str) -> str:
    return _BIND.sub(r'{many}."\1"', text)
