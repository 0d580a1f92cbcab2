"""Statements of the hot paths: compiled once for each database, then handed to its driver as they are.

SQLAlchemy takes five times as long to hand a small statement over as SQLite takes to answer it. What goes wrong is asked again
in SQLAlchemy's own way, so that errors are the same as everywhere.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Dialect
from sqlalchemy.engine.interfaces import DBAPICursor


class Prepared:
    """A statement with parameters of plain values: texts, numbers, None.

    Args:
        statement: what SQLAlchemy compiles; a select, or an insert whose columns are named in `parameters`.
        parameters: of an insert: the columns that are given.
    """

    def __init__(self, statement: Any, parameters: Sequence[str] | None = None) -> None:
        self.statement: Final = statement
        self._parameters = parameters
        self._of: dict[str, _Compiled] = {}

    def all(self, connection: Connection, parameters: Mapping[str, Any]) -> list[Any]:
        """All rows, each with its columns as attributes.

        Raises:
            SQLAlchemyError: what `execute` raises.
        """
        compiled = self._compiled(connection.dialect)
        try:
            cursor = connection.connection.cursor()
            cursor.execute(compiled.sql, compiled.given(parameters))
            found = cursor.fetchall()
            cursor.close()
        except connection.dialect.loaded_dbapi.Error:
            return list(connection.execute(self.statement, parameters).all())
        return compiled.rows(found)

    def first(self, connection: Connection, parameters: Mapping[str, Any]) -> Any | None:
        """The first row, of one that has one at most; see `all`."""
        found = self.all(connection, parameters)
        return found[0] if found else None

    def many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, within the transaction that is open.

        Raises:
            SQLAlchemyError: what `execute` raises.
        """
        if connection.dialect.name != "sqlite":
            # A statement that fails there breaks the transaction: it is not tried twice.
            connection.execute(self.statement, rows)
            return
        compiled = self._compiled(connection.dialect)
        try:
            cursor: DBAPICursor = connection.connection.cursor()
            cursor.executemany(compiled.sql, [compiled.given(row) for row in rows])
            cursor.close()
        except connection.dialect.loaded_dbapi.Error:
            connection.execute(self.statement, rows)

    def _compiled(self, dialect: Dialect) -> _Compiled:
        compiled = self._of.get(dialect.name)
        if compiled is None:
            compiled = self._of[dialect.name] = _Compiled(self.statement, self._parameters, dialect)
        return compiled


class _Compiled:
    def __init__(self, statement: Any, parameters: Sequence[str] | None, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=parameters)
        self.sql = str(compiled)
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._order: Sequence[str] | None = compiled.positiontup
        columns = getattr(statement, "selected_columns", ())
        self._row: Callable[[Sequence[Any]], Any] = _row_of([one.name for one in columns])
        self._read = [
            (place, process)
            for place, one in enumerate(columns)
            if (process := one.type.dialect_impl(dialect).result_processor(dialect, None))
        ]

    def given(self, parameters: Mapping[str, Any]) -> Any:
        if self._order is None:
            return {**self._fixed, **parameters}
        fixed = self._fixed
        return [parameters[name] if name in parameters else fixed[name] for name in self._order]

    def rows(self, found: Sequence[Sequence[Any]]) -> list[Any]:
        if not self._read:
            return [self._row(one) for one in found]
        rows = []
        for one in found:
            values = list(one)
            for place, process in self._read:
                values[place] = process(values[place])
            rows.append(self._row(values))
        return rows


def _row_of(names: Sequence[str]) -> Any:
    """Makes rows with these attributes, which are known at run time only."""
    made: Any = collections.namedtuple("_row", names)  # type: ignore[misc] # noqa: PYI024
    return made._make
