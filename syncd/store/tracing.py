"""Everything that the store keeps of one person, found by indexes: records, planned changes, deeds, reads. Reads only."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Engine, Row, and_, select

from connectors.model import normalise_email
from syncd.core.change import Change, Decision, Finding, RecordKey
from syncd.core.explain import Reading, Seen
from syncd.core.explain_deeds import Deed
from syncd.core.plan import change_from_dict
from syncd.store.engine import reading
from syncd.store.plans import findings_of
from syncd.store.runs import ReadLine
from syncd.store.sql import chunks
from syncd.store.tables import accounts, journal, links, memberships, plan_changes, plans, records, runs

_ONE_KEY: Final = ("create_user", "update_user", "resend_invite", "delete_user")
_WITH_GROUP: Final = ("add_member", "remove_member")
_LAST: Final = "\U0010ffff"

PlannedChange = tuple[int, Change, Decision]
"""The plan's number, the change, and what was decided for it."""


@dataclass(frozen=True, slots=True)
class Found:
    """The records that a name leads to, and the changes that were ever planned under it."""

    keys: frozenset[RecordKey]
    ids: frozenset[str]
    """Of accounts."""
    changes: tuple[PlannedChange, ...]


def find(engine: Engine, name: str) -> Found:
    """Whoever has, should have or had this address; or the record `source:id`.

    Args:
        engine: the store's.
        name: an email in any spelling, or a record.
    """
    address = normalise_email(name)
    with reading(engine) as connection:
        keys = {RecordKey(*row) for query in _by_address(address) for row in connection.execute(query)}
        keys |= set(_by_record(connection, name))
        having = select(accounts.c.fluix_id).where(accounts.c.address == address)
        ids = set(connection.execute(having).scalars())
        changes = [] if keys else planned(connection, {name, address}, _plan_ids(connection))
        keys |= {key for _, change, _ in changes for key in change.records}
        ids |= {change.fluix_id for _, change, _ in changes if change.fluix_id}
    return Found(frozenset(keys), frozenset(ids), tuple(changes))


def _by_address(address: str) -> tuple[Any, ...]:
    linked = select(links.c.source, links.c.external_id).join(accounts, accounts.c.fluix_id == links.c.fluix_id)
    wanting = select(records.c.source, records.c.external_id)
    return wanting.where(records.c.address == address), linked.where(accounts.c.address == address)


def _by_record(connection: Connection, name: str) -> Iterator[RecordKey]:
    for sign in ":/":
        source, found, external_id = name.partition(sign)
        if found:
            for table in (records, links):
                here = (table.c.source == source, table.c.external_id == external_id)
                if connection.execute(select(table.c.source).where(*here).limit(1)).first():
                    yield RecordKey(source, external_id)


def history(engine: Engine, names: Collection[str], plan_ids: Collection[int] | None = None) -> list[PlannedChange]:
    """Every change that was ever planned for a user of one of these addresses, by plan; the newest plan first.

    Args:
        engine: the store's.
        names: emails, as the changes spell them.
        plan_ids: look only there.
    """
    with reading(engine) as connection:
        return planned(connection, names, _plan_ids(connection) if plan_ids is None else plan_ids)


def begun(engine: Engine, fluix_ids: Collection[str]) -> list[PlannedChange]:
    """Every change that was ever begun for these accounts, under whatever address."""
    where = (plan_changes.c.plan_id == journal.c.plan_id) & (plan_changes.c.key == journal.c.key)
    query = select(plan_changes.c.plan_id, plan_changes.c.change, plan_changes.c.decision).join(journal, where)
    with reading(engine) as connection:
        return _planned(connection.execute(query.where(journal.c.fluix_id.in_(list(fluix_ids)))))


def planned(connection: Connection, names: Collection[str], plan_ids: Collection[int]) -> list[PlannedChange]:
    """As `history`, inside a connection. Goes by plan and key, which is an index, however many changes a plan has."""
    columns = (plan_changes.c.plan_id, plan_changes.c.change, plan_changes.c.decision)
    # One key at a time: of two lists SQLite would take the plans alone from their index, and read all changes of each.
    exact = [plan_changes.c.key == f"{kind}:{name}" for kind in _ONE_KEY for name in names]
    begun = [begins(connection, plan_changes.c.key, f"{kind}:{name}:") for kind in _WITH_GROUP for name in names]
    found: list[PlannedChange] = []
    for part in chunks(plan_ids):
        for condition in (*exact, *begun):
            query = select(*columns).where(plan_changes.c.plan_id.in_(part), condition)
            found += _planned(connection.execute(query))
    return sorted(found, key=lambda one: -one[0])


def _planned(rows: Iterable[Any]) -> list[PlannedChange]:
    return [(plan_id, change_from_dict(change), Decision[word.upper()]) for plan_id, change, word in rows]


def begins(connection: Connection, column: Column[str], prefix: str) -> ColumnElement[bool]:
    """Whether a text begins so; where texts are compared byte by byte, by the index."""
    begun = column.startswith(prefix, autoescape=True)
    if connection.dialect.name != "sqlite":
        return begun
    return and_(column >= prefix, column < prefix + _LAST)


def _plan_ids(connection: Connection) -> list[int]:
    return list(connection.execute(select(plans.c.id).where(plans.c.size > 0).order_by(plans.c.id.desc())).scalars())


def plan_of(engine: Engine, plan_id: int) -> tuple[Row[Any], list[Finding]]:
    """A kept plan's own row, and its findings; its changes are left where they are."""
    with reading(engine) as connection:
        row = connection.execute(select(plans).where(plans.c.id == plan_id)).one()
    return row, findings_of(row)


def deeds(engine: Engine, keys: Mapping[int, Collection[str]]) -> list[Deed]:
    """What became of these changes (plan number -> keys), newest first."""
    found: list[Deed] = []
    with reading(engine) as connection:
        for plan_id, wanted in keys.items():
            query = select(journal).where(journal.c.plan_id == plan_id, journal.c.key.in_(list(wanted)))
            found += [
                Deed(
                    row.run_id,
                    row.plan_id,
                    row.key,
                    row.step["verb"],
                    row.state,
                    row.ended_at or row.intended_at,
                    row.message,
                )
                for row in connection.execute(query.order_by(journal.c.place))
            ]
    return sorted(found, key=lambda deed: deed.at, reverse=True)


def done_ids(engine: Engine, plan_id: int, run_id: int) -> list[str]:
    """The accounts that this run changed, made or deleted by this plan."""
    query = select(journal.c.fluix_id).distinct().where(journal.c.plan_id == plan_id, journal.c.run_id == run_id)
    with reading(engine) as connection:
        return [one for one in connection.execute(query.where(journal.c.state == "done")).scalars() if one]


def seen(engine: Engine, keys: Iterable[RecordKey], sources: Collection[str]) -> dict[RecordKey, Seen]:
    """These records as they were last read, and when that was."""
    last, whole = readings(engine, sources)
    found: dict[RecordKey, Seen] = {}
    group = records.alias("group_record")
    with reading(engine) as connection:
        for key in keys:
            here = (records.c.source == key.source, records.c.external_id == key.external_id)
            query = select(records.c.attributes).where(*here, records.c.kind == "person")
            attributes = connection.execute(query).scalar()
            if attributes is None:
                continue
            names = (
                select(group.c.attributes)
                .join(memberships, memberships.c.group_id == group.c.external_id)
                .where(
                    memberships.c.source == key.source,
                    memberships.c.person_id == key.external_id,
                    group.c.source == key.source,
                    group.c.kind == "group",
                )
            )
            groups = tuple(str(one["display_name"]) for one in connection.execute(names).scalars())
            found[key] = Seen(attributes, groups, last.get(key.source), whole.get(key.source))
    return found


def readings(engine: Engine, sources: Collection[str]) -> tuple[dict[str, Reading], dict[str, Reading]]:
    """When each source was read last, and when it was last read whole."""
    last: dict[str, Reading] = {}
    whole: dict[str, Reading] = {}
    query = select(runs.c.id, runs.c.started_at, runs.c.reads).where(runs.c.reads.is_not(None))
    with reading(engine) as connection:
        rows = connection.execution_options(yield_per=20).execute(query.order_by(runs.c.id.desc()))
        for run_id, at, reads in rows:
            for name, one in readings_of(run_id, at, reads).items():
                last.setdefault(name, one)
                if one.certified:
                    whole.setdefault(name, one)
            if whole.keys() >= set(sources):
                break
    return last, whole


def readings_of(run_id: int, at: Any, reads: Iterable[Mapping[str, Any]] | None) -> dict[str, Reading]:
    """What one run's line says of its reads."""
    lines = [ReadLine(**line) for line in reads or ()]
    return {line.name: Reading(run_id, at, line.certified, line.shown().problems) for line in lines}


def nearest(engine: Engine, name: str, most: int = 3) -> list[str]:
    """Known addresses that are spelled much like this one."""
    address = normalise_email(name)
    met: set[str] = set()
    with reading(engine) as connection:
        for length in range(len(address), 0, -1):
            for column in (records.c.address, accounts.c.address):
                query = select(column).where(begins(connection, column, address[:length])).limit(_CANDIDATES)
                met.update(connection.execute(query).scalars())
            if len(met) >= _CANDIDATES:
                break
    return difflib.get_close_matches(address, sorted(met), most, 0.7)


_CANDIDATES: Final = 400
