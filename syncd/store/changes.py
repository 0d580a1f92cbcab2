"""Take in what a source says has changed since it was read last; the cursor moves in the transaction that ends it.

Nothing is concluded from what is not told: only who is said to be gone, in changes that are certified, is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, select

from connectors.errors import ConnectorError, CursorError
from connectors.model import Certificate, Gone, Known, Record, RecordKind
from syncd.store.engine import reading, writing
from syncd.store.passages import take_out
from syncd.store.records import Shape, digest_of, gone_groups, gone_persons, present, write
from syncd.store.sources import Cursor, move_cursor
from syncd.store.sql import among, chunks, many_rows_of, rows_of
from syncd.store.tables import records

BATCH: Final = 2000
"""How many told records are compared, and if need be written, in one transaction."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a source's changes came to."""

    certificate: Certificate
    grew: int
    """How many persons more the store holds of this source; negative when they became fewer."""


class Held(Known):
    """What a source that tells changes asks.

    Args:
        engine: the store's.
        source: the source's name.
    """

    def __init__(self, engine: Engine, source: str) -> None:
        self._engine = engine
        self._source = source

    def held(self, kind: RecordKind, external_ids: Collection[str]) -> set[str]:
        """Which of these are there and not gone."""
        with reading(self._engine) as connection:
            return set(_digests(connection, self._source, kind, external_ids))

    def every(self, kind: RecordKind) -> Iterator[str]:
        """All that are there and not gone."""
        query = select(records.c.external_id).where(
            records.c.source == self._source, records.c.kind == kind, records.c.gone_since.is_(None)
        )
        with reading(self._engine) as connection:
            for (external_id,) in many_rows_of(connection, query):
                yield external_id


def take_changes(
    engine: Engine,
    source: str,
    stream: Iterable[Record | Gone | Certificate],
    since: Cursor,
    *,
    now: datetime,
    shape: Shape,
) -> Told:
    """Take in the changes since a cursor.

    A stream that raises a ConnectorError, or ends without a certificate, certifies nothing, and the cursor stays: what it
    brought until then is kept, for each record is true by itself, and is told once more the next time.

    Args:
        engine: the store's.
        source: the source's name.
        stream: `Incremental.changes`.
        since: the cursor that it began with.
        now: the time from which somebody who is gone counts as gone.
        shape: see `records.Shape`.

    Raises:
        CursorError: the source has to be read whole.
    """
    taking = _Taking(engine, source, shape)
    certificate = taking.take(stream)
    if certificate.certified:
        with writing(engine) as connection:
            taking.leave(connection, now)
            move_cursor(connection, source, replace(since, value=certificate.cursor) if certificate.cursor else None)
    return Told(certificate, taking.grew)


def take_some(engine: Engine, source: str, found: Sequence[Record], shape: Shape, *, expected: Collection[str]) -> bool:
    """Take in persons whom somebody asked a source for; nothing is concluded about anybody else.

    Args:
        engine: the store's.
        source: the source's name.
        found: what it holds of them.
        shape: see `records.Shape`.
        expected: external ids.

    Returns:
        Whether all of the expected who are held here were found.
    """
    with reading(engine) as connection:
        ids = {record.external_id for record in found}
        held = _digests(connection, source, "person", ids.union(expected))
    changed = [(record, new) for record in found if held.get(record.external_id) != (new := digest_of(record))]
    if changed:
        with writing(engine, read_again=True) as connection:
            write(connection, source, shape, changed)
            take_out(connection, source, {record.external_id: new for record, new in changed})
    return held.keys() <= ids


class _Taking:
    """The state while the changes stream by."""

    def __init__(self, engine: Engine, source: str, shape: Shape) -> None:
        self._engine = engine
        self._source = source
        self._shape = shape
        self._waiting: dict[tuple[RecordKind, str], Record] = {}
        self._gone: dict[RecordKind, set[str]] = {"person": set(), "group": set()}
        self.grew = 0

    def take(self, stream: Iterable[Record | Gone | Certificate]) -> Certificate:
        certificate: Certificate | None = None
        count = 0
        try:
            for item in stream:
                if isinstance(item, Certificate):
                    certificate = item
                    break
                if isinstance(item, Gone):
                    self._gone[item.kind].add(item.external_id)
                    self._waiting.pop((item.kind, item.external_id), None)
                    continue
                count += 1
                self._gone[item.kind].discard(item.external_id)
                self._waiting[item.kind, item.external_id] = item
                if len(self._waiting) >= BATCH:
                    self._flush()
        except CursorError:
            raise
        except ConnectorError as error:
            certificate = Certificate(count, reasons=(error.reason,))
        self._flush()
        return certificate or Certificate(count, reasons=("the changes ended without a certificate",))

    def _flush(self) -> None:
        """Write those that are other than before; the same again writes nothing."""
        told = [(record, digest_of(record)) for record in self._waiting.values()]
        self._waiting.clear()
        if not told:
            return
        with reading(self._engine) as connection:
            before = {
                kind: _digests(connection, self._source, kind, [r.external_id for r, _ in told if r.kind == kind])
                for kind in self._gone
            }
        changed = [(record, new) for record, new in told if before[record.kind].get(record.external_id) != new]
        if changed:
            with writing(self._engine, read_again=True) as connection:
                write(connection, self._source, self._shape, changed)
        self.grew += sum(r.kind == "person" and r.external_id not in before["person"] for r, _ in changed)

    def leave(self, connection: Connection, now: datetime) -> None:
        for part in chunks(sorted(self._gone["person"])):
            there = list(present(connection, self._source, "person", part))
            gone_persons(connection, self._source, there, now)
            self.grew -= len(there)
        for part in chunks(sorted(self._gone["group"])):
            gone_groups(connection, self._source, part)


def _digests(connection: Connection, source: str, kind: RecordKind, ids: Collection[str]) -> dict[str, bytes]:
    """Of those that are there and not gone."""
    query = select(records.c.external_id, records.c.digest).where(
        records.c.source == source,
        records.c.kind == kind,
        records.c.external_id.in_(among(connection, ids)),
        records.c.gone_since.is_(None),
    )
    return dict(rows_of(connection, query).fetchall()) if ids else {}
