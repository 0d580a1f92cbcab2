"""How records are written: what is new or other replaces what was, and whom it concerns is looked at by the next plan.

Each function writes inside the caller's transaction. What may be concluded from a read is `ingest`'s affair.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, delete, exists, select, update

from connectors.model import Record, RecordKind
from syncd.store.sql import among, chunks, rows_of, upsert
from syncd.store.tables import links, memberships, records, sizes

Digest = bytes
Shape = Callable[[Mapping[str, Any]], str | None]
"""The address that the rules make of a person's attributes."""


def digest_of(record: Record) -> Digest:
    """16 bytes that tell whether a record is another than before."""
    if record.version is not None:
        return record.version
    return hashlib.blake2b(orjson.dumps(record.attributes, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def write(connection: Connection, source: str, shape: Shape, changed: Sequence[tuple[Record, Digest]]) -> None:
    """Write changed records, and count how the groups and the source grew."""
    grown = Counter[str]()
    for kind in ("person", "group"):
        part = [(record, new) for record, new in changed if record.kind == kind]
        if part:
            _write(connection, source, part, shape, grown)
    _count(connection, source, grown)


def _write(
    connection: Connection,
    source: str,
    part: Sequence[tuple[Record, Digest]],
    shape: Shape,
    grown: Counter[str],
) -> None:
    """Write changed records of one kind."""
    kind = part[0][0].kind
    before = present(connection, source, kind, [record.external_id for record, _ in part])
    moved: list[dict[str, Any]] = []
    same_address: list[dict[str, Any]] = []
    for record, new in part:
        old, address = before.get(record.external_id, (None, None))
        if kind == "person":
            grown.update(record.attributes.get("groups", ()))  # type: ignore[arg-type]
            grown.subtract(old.get("groups", ()) if old else ())
        else:
            _members(connection, source, record, grown, was=str(old["display_name"]) if old else None)
        row = {
            "source": source,
            "kind": kind,
            "external_id": record.external_id,
            "digest": new,
            "attributes": {name: value for name, value in record.attributes.items() if name != "members"},
            "address": shape(record.attributes) if kind == "person" else None,
            "gone_since": None,
            "dirty": True,
        }
        (same_address if old and address == row["address"] else moved).append(row)
    if moved:
        connection.execute(upsert(connection, records), moved)
    if same_address:
        connection.execute(upsert(connection, records, keep={"address"}), same_address)


def present(
    connection: Connection, source: str, kind: RecordKind, ids: Iterable[str]
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


def gone_persons(connection: Connection, source: str, ids: Sequence[str], now: datetime) -> int:
    """Linked persons are gone from now on, the others are forgotten. Returns how many are gone."""
    shrunk = Counter[str]()
    for attributes, _ in present(connection, source, "person", ids).values():
        shrunk.subtract(attributes.get("groups", ()))
    _count(connection, source, shrunk)
    here = (records.c.source == source, records.c.kind == "person", records.c.external_id.in_(ids))
    linked = exists().where(links.c.source == records.c.source, links.c.external_id == records.c.external_id)
    marked = connection.execute(update(records).where(*here, linked).values(gone_since=now, dirty=True))
    connection.execute(delete(records).where(*here, ~linked))
    return marked.rowcount


def gone_groups(connection: Connection, source: str, ids: Iterable[str], frozen: frozenset[str] = frozenset()) -> None:
    """Forget these groups, but for frozen ones; who was in them is looked at again."""
    for external_id, (attributes, _) in present(connection, source, "group", ids).items():
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
