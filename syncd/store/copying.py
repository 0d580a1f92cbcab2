"""Moving a store: every row of every table into an empty store, of another kind if need be, and proof that all are there.

May not: change a row, or leave half a store: all of it is one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import Connection, Engine, Integer, Table, func, insert, select, text

from syncd.errors import StoreError, UsageError
from syncd.store.engine import require_current, snapshot, writing
from syncd.store.every_table import EVERY_TABLE
from syncd.store.sql import chunks

_ROWS: Final = 2000
_EVERY_SUM: Final = 1 << 128
_LEFT_OUT: Final = frozenset({"terms", "nodes", "parcels", "paces"})
"""Who holds what at this moment: nothing that another store would have to know."""


@dataclass(frozen=True, slots=True)
class Copied:
    """One table of both stores."""

    name: str
    rows: int
    digest: str
    """Of all rows, whatever their order; the same in both."""


def copy_store(source: Engine, target: Engine) -> list[Copied]:
    """Copy everything; see the module. The caller holds the run lock of both.

    Args:
        source: is only read, at one moment.
        target: empty, or without tables.

    Raises:
        UsageError: the target is not empty.
        StoreError: a table arrived otherwise than it was sent; then nothing is kept.
    """
    require_current(source)
    require_current(target)
    tables = [table for metadata in EVERY_TABLE for table in metadata.sorted_tables if table.name not in _LEFT_OUT]
    copied: list[Copied] = []
    with snapshot(source) as reader, writing(target) as writer:
        if there := [table.name for table in tables if not _empty(writer, table)]:
            what = f"the store to copy to is not empty: {', '.join(there[:5])}"
            raise UsageError(what, cure="name one that is: nothing there is written over")
        for table in tables:
            sent = _Sum()
            for part in chunks(sent.over(_rows(reader, table)), _ROWS):
                writer.execute(insert(table), part)
            arrived = _Sum()
            for _ in arrived.over(_rows(writer, table)):
                pass
            if (sent.rows, sent.digest) != (arrived.rows, arrived.digest):
                what = f"{table.name}: {sent.rows} rows were sent, {arrived.rows} arrived, and they differ"
                raise StoreError(what, cure="nothing was kept; try again, and report this")
            _count_on(writer, table)
            copied.append(Copied(table.name, sent.rows, sent.digest))
    return copied


def _empty(connection: Connection, table: Table) -> bool:
    return connection.execute(select(text("1")).select_from(table).limit(1)).first() is None


def _rows(connection: Connection, table: Table) -> Iterator[dict[str, Any]]:
    found = connection.execute(select(table), execution_options={"yield_per": _ROWS})
    for part in found.mappings().partitions():
        yield from map(dict, part)


class _Sum:
    """A digest of rows that does not depend on their order: databases sort texts differently."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    @property
    def digest(self) -> str:
        return f"{self._sum:032x}"

    def over(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for row in rows:
            self.rows += 1
            said = repr([(name, row[name]) for name in sorted(row)]).encode()
            self._sum = (self._sum + int.from_bytes(blake2b(said, digest_size=16).digest(), "big")) % _EVERY_SUM
            yield row


def _count_on(connection: Connection, table: Table) -> None:
    """Let PostgreSQL number new rows after those that came with their numbers."""
    number = table.autoincrement_column
    if connection.dialect.name != "postgresql" or number is None or not isinstance(number.type, Integer):
        return
    last = connection.execute(select(func.max(number))).scalar()
    sequence = func.pg_get_serial_sequence(table.name, number.name)
    if last is not None and connection.execute(select(sequence)).scalar():
        connection.execute(select(func.setval(sequence, last)))
