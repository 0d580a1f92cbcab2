"""Ingest by digest: of a million records that stream by, only those that changed are written.

The digests of the last read are held in memory (key -> 16 bytes). A record that is met marks its key as seen, so what is
left unmarked at the end is absent, and counts as gone only when the read was certified.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, LargeBinary, case, delete, exists, literal, select, update

from connectors.errors import ConnectorError
from connectors.model import Certificate, Known, Problem, Record, RecordKind
from syncd.store.engine import reading, writing
from syncd.store.passages import RememberedPassages
from syncd.store.sql import among, chunks, rows_of, upsert
from syncd.store.tables import links, memberships, records, sizes

BATCH: Final = 2000
"""How many changed records are written in one transaction."""

_SEEN: Final = b"seen"
_KNOWN: Final = b"known"
"""Said to be known, and so not handed over; unless the source finds more of it later."""
_GONE: Final = b""

Digest = bytes
Shape = Callable[[Mapping[str, Any]], str | None]
"""The address that the rules make of a person's attributes."""


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
    return Ingested(certificate, read.changed, gone)


def _take(engine: Engine, read: _Read, stream: Iterable[Record | Certificate]) -> Certificate:
    certificate: Certificate | None = None
    count = 0
    dumps, blake2b, option = orjson.dumps, hashlib.blake2b, orjson.OPT_SORT_KEYS
    try:
        for item in stream:
            if item.__class__ is Certificate:
                certificate = item
                break
            kind, external_id, attributes, version = item  # type: ignore[misc]
            known = read.index[kind]
            before = known.get(external_id)
            new = version or blake2b(dumps(attributes, option=option), digest_size=16).digest()
            count += 1
            if before == new:
                known[external_id] = _SEEN
            elif before is _SEEN:
                message = f"{read.source}: {external_id} was given twice in one read"
                read.twice.append(Problem(message, external_id=external_id))
            else:
                known[external_id] = _SEEN
                read.waiting.append((item, new))  # type: ignore[arg-type]
                if len(read.waiting) >= BATCH:
                    _flush(engine, read)
    except ConnectorError as error:
        return Certificate(count, reasons=(f"{error.what}{f' ({error.where})' if error.where else ''}",))
    return certificate or Certificate(count, reasons=("the read ended without a certificate",))


def _index(engine: Engine, source: str) -> dict[RecordKind, dict[str, Digest]]:
    index: dict[RecordKind, dict[str, Digest]] = {"person": {}, "group": {}}
    value = case((records.c.gone_since.is_(None), records.c.digest), else_=literal(_GONE, LargeBinary))
    with reading(engine) as connection:
        for kind, known in index.items():
            query = select(records.c.external_id, value).where(records.c.source == source, records.c.kind == kind)
            known.update(rows_of(connection, query))
    return index


def _flush(engine: Engine, read: _Read) -> None:
    """Write what changed, in one transaction."""
    if not read.waiting:
        return
    with writing(engine, read_again=True) as connection:
        read.passages.broken(connection)
        grown = Counter[str]()
        for kind in ("person", "group"):
            part = [(record, new) for record, new in read.waiting if record.kind == kind]
            if part:
                _write(connection, read, kind, part, grown)
        _count(connection, read.source, grown)
    read.changed += len(read.waiting)
    read.waiting.clear()


def _write(
    connection: Connection, read: _Read, kind: RecordKind, part: list[tuple[Record, Digest]], grown: Counter[str]
) -> None:
    """Write one kind's changed records, and count how the groups and the source grew."""
    before = _present(connection, read.source, kind, [record.external_id for record, _ in part])
    moved: list[dict[str, Any]] = []
    same_address: list[dict[str, Any]] = []
    for record, new in part:
        old, address = before.get(record.external_id, (None, None))
        if kind == "person":
            grown.update(record.attributes.get("groups", ()))  # type: ignore[arg-type]
            grown.subtract(old.get("groups", ()) if old else ())
        else:
            _members(connection, read.source, record, grown, was=str(old["display_name"]) if old else None)
        row = {
            "source": read.source,
            "kind": kind,
            "external_id": record.external_id,
            "digest": new,
            "attributes": {name: value for name, value in record.attributes.items() if name != "members"},
            "address": read.shape(record.attributes) if kind == "person" else None,
            "gone_since": None,
            "dirty": True,
        }
        (same_address if old and address == row["address"] else moved).append(row)
    if moved:
        connection.execute(upsert(connection, records), moved)
    if same_address:
        connection.execute(upsert(connection, records, keep={"address"}), same_address)


def _present(
    connection: Connection, source: str, kind: str, ids: list[str]
) -> dict[str, tuple[dict[str, Any], str | None]]:
    """Attributes and address of those that are not gone, by external id."""
    query = select(records.c.external_id, records.c.attributes, records.c.address).where(
        records.c.source == source,
        records.c.kind == kind,
        records.c.external_id.in_(among(connection, ids)),
        records.c.gone_since.is_(None),
    )
    rows = rows_of(connection, query).fetchall()
    return {key: (orjson.loads(attributes), address) for key, attributes, address in rows}


def _members(connection: Connection, source: str, group: Record, grown: Counter[str], was: str | None) -> None:
    """Rewrite a group's memberships by their difference; whoever joined, left, or is in a renamed group is dirty."""
    here = (memberships.c.source == source, memberships.c.group_id == group.external_id)
    old = set(connection.execute(select(memberships.c.person_id).where(*here)).scalars())
    new = set(group.attributes.get("members", ()))  # type: ignore[arg-type]
    name = str(group.attributes["display_name"])
    for part in chunks(old - new):
        connection.execute(delete(memberships).where(*here, memberships.c.person_id.in_(part)))
    for part in chunks(new - old):
        row = {"source": source, "group_id": group.external_id}
        connection.execute(memberships.insert(), [{**row, "person_id": person} for person in part])
    touched = old ^ new if was in {None, name} else old | new
    touch(connection, source, touched)
    grown[name] += len(new)
    if was is not None:
        grown[was] -= len(old)


def touch(connection: Connection, source: str, external_ids: Iterable[str]) -> None:
    """Mark persons as dirty: the next plan looks at them."""
    for part in chunks(external_ids):
        connection.execute(
            update(records)
            .where(records.c.source == source, records.c.kind == "person", records.c.external_id.in_(part))
            .values(dirty=True)
        )


def _count(connection: Connection, source: str, grown: Mapping[str, int]) -> None:
    rows = [{"source": source, "group_name": name, "now": by} for name, by in grown.items() if by]
    if rows:
        connection.execute(upsert(connection, sizes, add={"now"}), rows)


def _absences(engine: Engine, read: _Read, certificate: Certificate) -> int:
    """Mark who was not met in a certified read: linked persons are gone, the others are forgotten."""
    frozen = certificate.frozen_groups
    gone = 0
    for kind, known in read.index.items():
        if kind == "group" and frozen - _group_names(engine, read.source):
            continue  # a group that is frozen under a new name was not handed over, and is not gone
        absent = [key for key, value in known.items() if value is not _SEEN and value is not _KNOWN and value != _GONE]
        for part in chunks(absent):
            with writing(engine, read_again=True) as connection:
                read.passages.broken(connection)
                if kind == "person":
                    gone += _gone_persons(connection, read, part)
                else:
                    _gone_groups(connection, read.source, part, frozen)
    return gone


def _group_names(engine: Engine, source: str) -> set[str]:
    query = select(records.c.attributes).where(records.c.source == source, records.c.kind == "group")
    with reading(engine) as connection:
        return {str(attributes["display_name"]) for attributes in connection.execute(query).scalars()}


def _gone_persons(connection: Connection, read: _Read, part: Iterable[str]) -> int:
    ids = list(part)
    shrunk = Counter[str]()
    for attributes, _ in _present(connection, read.source, "person", ids).values():
        shrunk.subtract(attributes.get("groups", ()))
    _count(connection, read.source, shrunk)
    here = (records.c.source == read.source, records.c.kind == "person", records.c.external_id.in_(ids))
    linked = exists().where(links.c.source == records.c.source, links.c.external_id == records.c.external_id)
    marked = connection.execute(update(records).where(*here, linked).values(gone_since=read.now, dirty=True))
    connection.execute(delete(records).where(*here, ~linked))
    return marked.rowcount


def _gone_groups(connection: Connection, source: str, part: Iterable[str], frozen: frozenset[str]) -> None:
    for external_id, (attributes, _) in _present(connection, source, "group", list(part)).items():
        name = str(attributes["display_name"])
        if name in frozen:
            continue
        empty = Record("group", external_id, {"display_name": name, "members": ()})
        shrunk = Counter[str]()
        _members(connection, source, empty, shrunk, was=name)
        _count(connection, source, shrunk)
        connection.execute(
            delete(records).where(
                records.c.source == source, records.c.kind == "group", records.c.external_id == external_id
            )
        )
