"""How records are written: what is new or other replaces what was, and whom it concerns is looked at by the next plan.

Each function writes inside the caller's transaction. What may be concluded from a read is `ingest`'s affair.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Connection, bindparam, delete, exists, select, update

from connectors.model import Record, RecordKind
from syncd.store.sql import among, chunks, rows_of, upsert
from syncd.store.tables import links, memberships, records, sizes

Digest = bytes
Shape = Callable[[Mapping[str, Any]], str | None]
"""The address that the rules make of a person's attributes."""

_MEMBERS: Final = 20_000
"""Members of groups that are compared at once."""

_TOUCHED: Final = 5000


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
    groups: list[_Group] = []
    for record, new in part:
        old, address = before.get(record.external_id, (None, None))
        if kind == "person":
            grown.update(record.attributes.get("groups", ()))  # type: ignore[arg-type]
            grown.subtract(old.get("groups", ()) if old else ())
        else:
            groups.append(_Group(record, str(old["display_name"]) if old else None))
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
    _regroup(connection, source, groups, grown)
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


class _Group(NamedTuple):
    """A group as it was read, and as it was called before; None: it is new."""

    record: Record
    was: str | None

    @property
    def name(self) -> str:
        """What it is called now."""
        return str(self.record.attributes["display_name"])

    @property
    def members(self) -> Collection[str]:
        """External ids."""
        return self.record.attributes.get("members", ())  # type: ignore[return-value]


def _regroup(connection: Connection, source: str, groups: Iterable[_Group], grown: Counter[str]) -> None:
    """Rewrite groups' memberships by their difference; whoever joined, left, or is in a renamed group is dirty."""
    for part in _small_enough(groups):
        old = _members(connection, source, [group.record.external_id for group in part if group.was is not None])
        joined, left, touched = list[dict[str, str]](), list[dict[str, str]](), set[str]()
        for group in part:
            before, now, group_id = old[group.record.external_id], set(group.members), group.record.external_id
            joined += [{"source": source, "group_id": group_id, "person_id": one} for one in now - before]
            left += [{"of": source, "group": group_id, "person": one} for one in before - now]
            touched |= before ^ now if group.was in {None, group.name} else before | now
            grown[group.name] += len(now)
            if group.was is not None:
                grown[group.was] -= len(before)
        if left:
            connection.execute(_LEAVE, left)
        if joined:
            connection.execute(memberships.insert(), joined)
        touch(connection, source, touched)


_LEAVE = delete(memberships).where(
    memberships.c.source == bindparam("of"),
    memberships.c.group_id == bindparam("group"),
    memberships.c.person_id == bindparam("person"),
)


def _small_enough(groups: Iterable[_Group]) -> Iterator[list[_Group]]:
    """Groups with so many members together as may be held at once, and at least one."""
    part: list[_Group] = []
    held = 0
    for group in groups:
        part.append(group)
        held += len(group.members)
        if held >= _MEMBERS:
            yield part
            part, held = [], 0
    if part:
        yield part


def _members(connection: Connection, source: str, group_ids: Iterable[str]) -> Mapping[str, set[str]]:
    """Who is in each of these groups."""
    found: dict[str, set[str]] = defaultdict(set)
    query = select(memberships.c.group_id, memberships.c.person_id).where(
        memberships.c.source == source, memberships.c.group_id.in_(among(connection, group_ids))
    )
    for group_id, person_id in rows_of(connection, query):
        found[group_id].add(person_id)
    return found


def touch(connection: Connection, source: str, external_ids: Iterable[str]) -> None:
    """Mark persons as dirty: the next plan looks at them. Those who are already are not written again."""
    for part in chunks(external_ids, _TOUCHED):
        connection.execute(
            update(records)
            .where(
                records.c.source == source,
                records.c.kind == "person",
                records.c.external_id.in_(among(connection, part)),
                ~records.c.dirty,
            )
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
        _regroup(connection, source, [_Group(empty, name)], shrunk)
        _count(connection, source, shrunk)
        connection.execute(
            delete(records).where(
                records.c.source == source, records.c.kind == "group", records.c.external_id == external_id
            )
        )
