"""Ingest by digest: of a million records that stream by, only those that changed are written.

The digests of the last read are held in memory (key -> 16 bytes). A record that is met marks its key as seen, so what is
left unmarked at the end is absent, and counts as gone only when the read was certified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, LargeBinary, case, literal, select

from connectors.errors import ConnectorError
from connectors.model import Certificate, Known, Problem, Record, RecordKind
from syncd.store.engine import reading, writing
from syncd.store.passages import RememberedPassages
from syncd.store.records import Digest, Shape, digest_of, gone_groups, gone_persons, write
from syncd.store.sources import Cursor, keep_cursor
from syncd.store.sql import chunks, many_rows_of
from syncd.store.tables import records

BATCH: Final = 2000
"""How many changed records are written in one transaction."""

_MEMBERS: Final = 200_000
"""How many members changed groups may hold until they are written."""

_SEEN: Final = b"seen"
_KNOWN: Final = b"known"
"""Said to be known, and so not handed over; unless the source finds more of it later."""
_GONE: Final = b""


@dataclass(slots=True)
class Ingested:
    """What one read of a source came to."""

    certificate: Certificate
    changed: int = 0
    """Records that are new, or other than before, or back."""
    gone: int = 0
    """Linked persons that this read missed for the first time."""


@dataclass(slots=True)
class _Read:
    """The state of one read while its records stream by."""

    engine: Engine
    source: str
    now: datetime
    shape: Shape
    passages: RememberedPassages
    whole_index: dict[RecordKind, dict[str, Digest]] | None = None
    waiting: list[tuple[Record, Digest]] = field(default_factory=list)
    twice: list[Problem] = field(default_factory=list)
    members: int = 0
    """Of the groups that wait."""
    changed: int = 0

    @property
    def index(self) -> dict[RecordKind, dict[str, Digest]]:
        """Digests by kind and id: of everything, or of just what stood in the passages that are not there any more."""
        if self.passages.index is not None:
            return self.passages.index
        if self.whole_index is None:
            self.whole_index = _index(self.engine, self.source)
        return self.whole_index


class _Held(Known):
    """What a source with versions asks: then the record need not even be made."""

    def __init__(self, read: _Read) -> None:
        self._read = read
        self._remembered = read.passages
        self.passages = read.passages

    def __call__(self, kind: RecordKind, external_id: str, version: bytes) -> bool:
        known = self._read.index[kind]
        before = known.get(external_id)
        if before != version:
            if before is None and self._remembered.index is not None:
                self._remembered.stranger(external_id)
            return False
        known[external_id] = _KNOWN
        return True


def ingest(
    engine: Engine,
    source: str,
    read_from: Callable[[Known], Iterable[Record | Certificate]],
    *,
    now: datetime,
    shape: Shape,
) -> Ingested:
    """Take in one read of a source.

    A stream that raises a ConnectorError, or ends without a certificate, certifies nothing; what it brought until then
    is kept, for each record is true by itself.

    Args:
        engine: the store's.
        source: the source's name.
        read_from: `Source.read`.
        now: the time at which an absence counts from.
        shape: see `Shape`.
    """
    read = _Read(engine, source, now, shape, RememberedPassages(engine, source))
    certificate = _take(engine, read, read_from(_Held(read)))
    _flush(engine, read)
    if read.twice:
        certificate = replace(certificate, problems=(*certificate.problems, *read.twice))
    gone = _absences(engine, read, certificate) if certificate.certified else 0
    read.passages.end(certified=certificate.certified)
    keep_cursor(engine, source, Cursor.of(certificate, now))
    return Ingested(certificate, read.changed, gone)


def _take(engine: Engine, read: _Read, stream: Iterable[Record | Certificate]) -> Certificate:
    certificate: Certificate | None = None
    count = 0
    try:
        for item in stream:
            if item.__class__ is Certificate:
                certificate = item
                break
            kind, external_id, _, version = item  # type: ignore[misc]
            known = read.index[kind]
            before = known.get(external_id)
            new = version or digest_of(item)  # type: ignore[arg-type]
            count += 1
            if before == new:
                known[external_id] = _SEEN
            elif before is _SEEN:
                message = f"{read.source}: {external_id} was given twice in one read"
                read.twice.append(Problem(message, external_id=external_id))
            else:
                known[external_id] = _SEEN
                read.waiting.append((item, new))  # type: ignore[arg-type]
                if kind == "group":
                    read.members += len(item.attributes.get("members", ()))  # type: ignore[union-attr,arg-type]
                if len(read.waiting) >= BATCH or read.members >= _MEMBERS:
                    _flush(engine, read)
    except ConnectorError as error:
        return Certificate(count, reasons=(error.reason,))
    return certificate or Certificate(count, reasons=("the read ended without a certificate",))


def _index(engine: Engine, source: str) -> dict[RecordKind, dict[str, Digest]]:
    index: dict[RecordKind, dict[str, Digest]] = {"person": {}, "group": {}}
    value = case((records.c.gone_since.is_(None), records.c.digest), else_=literal(_GONE, LargeBinary))
    with reading(engine) as connection:
        for kind, known in index.items():
            query = select(records.c.external_id, value).where(records.c.source == source, records.c.kind == kind)
            known.update(many_rows_of(connection, query))
    return index


def _flush(engine: Engine, read: _Read) -> None:
    """Write what changed, in one transaction."""
    if not read.waiting:
        return
    with writing(engine, read_again=True) as connection:
        read.passages.broken(connection)
        write(connection, read.source, read.shape, read.waiting)
    read.changed += len(read.waiting)
    read.waiting.clear()
    read.members = 0


def _absences(engine: Engine, read: _Read, certificate: Certificate) -> int:
    """Mark who was not met in a certified read: linked persons are gone, the others are forgotten."""
    frozen = certificate.frozen_groups
    gone = 0
    for kind, known in read.index.items():
        if kind == "group" and frozen and frozen - _group_names(engine, read.source):
            continue  # a group that is frozen under a new name was not handed over, and is not gone
        absent = [key for key, value in known.items() if value is not _SEEN and value is not _KNOWN and value != _GONE]
        for part in chunks(absent):
            with writing(engine, read_again=True) as connection:
                read.passages.broken(connection)
                if kind == "person":
                    gone += gone_persons(connection, read.source, part, read.now)
                else:
                    gone_groups(connection, read.source, part, frozen)
    return gone


def _group_names(engine: Engine, source: str) -> set[str]:
    query = select(records.c.attributes).where(records.c.source == source, records.c.kind == "group")
    with reading(engine) as connection:
        return {str(attributes["display_name"]) for attributes in connection.execute(query).scalars()}
