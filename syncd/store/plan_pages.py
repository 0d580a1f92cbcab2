"""A kept plan, looked at page by page: of a hundred thousand changes only those of a page are read. Decides nothing.

What can be filtered by stands in an index of its own, in the plan's order (`plan_changes_shown`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Engine, Row, func, literal, select

from syncd.core.change import Change, Finding
from syncd.core.plan import change_from_dict
from syncd.store.engine import reading
from syncd.store.plans import findings_of
from syncd.store.sql import among, holds
from syncd.store.tables import plan_changes as table
from syncd.store.tables import plans

Wanted = Literal["waiting", "hold", "proceed", "refuse"]
"""`waiting`: held, and not approved."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which changes of a plan; what is empty lets everything through."""

    decision: Wanted | None = None
    kind: str | None = None
    source: str | None = None
    group: str | None = None
    """The exact name of a group that is made, or that somebody enters or leaves."""
    text: str = ""
    """Stands in the change's key: an address, a group."""


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a plan without its changes."""

    plan_id: int
    run_id: int
    created_at: datetime
    digest: str
    decision: str
    size: int
    findings: tuple[Finding, ...]
    sources: list[Any]
    adoptions: int


def head(engine: Engine, plan_id: int) -> Head | None:
    """One plan's own row; None when there is none of this number."""
    with reading(engine) as connection:
        row = connection.execute(select(plans).where(plans.c.id == plan_id)).first()
    return _head(row) if row else None


def _head(row: Row[Any]) -> Head:
    return Head(
        row.id,
        row.run_id,
        row.created_at,
        row.digest,
        row.decision,
        row.size,
        tuple(findings_of(row)),
        row.sources,
        len(row.adoptions),
    )


def lines(engine: Engine, limit: int, offset: int) -> tuple[int, list[Row[Any]]]:
    """How many plans there are, and some of them, the newest first: number, run, time, decision and size of each."""
    columns = (plans.c.id, plans.c.run_id, plans.c.created_at, plans.c.decision, plans.c.size, plans.c.digest)
    query = select(*columns).order_by(plans.c.id.desc()).limit(limit).offset(offset)
    with reading(engine) as connection:
        total = connection.execute(select(func.count()).select_from(plans)).scalar_one()
        return total, list(connection.execute(query))


@lru_cache(maxsize=64)
def counts(engine: Engine, plan_id: int, digest: str) -> Mapping[tuple[str, str], int]:
    """How many changes there are of each decision and kind; a kept plan never changes, so they are counted once."""
    del digest
    columns = (table.c.decision, table.c.kind)
    query = select(*columns, func.count()).where(table.c.plan_id == plan_id).group_by(*columns)
    with reading(engine) as connection:
        return MappingProxyType({(decision, kind): count for decision, kind, count in connection.execute(query)})


def some(
    engine: Engine, plan_id: int, wanted: Filter, approved: Collection[str], *, limit: int, offset: int
) -> tuple[int, list[tuple[Change, str]]]:
    """How many changes pass the filter, and some of them with what the review decided, in the plan's order.

    Args:
        engine: the store's.
        plan_id: of the plan.
        wanted: the filter.
        approved: keys that somebody said yes to.
        limit: at most so many.
        offset: leaving out so many.
    """
    with reading(engine) as connection:
        where = _where(connection, plan_id, wanted, approved)
        # Who looks for a text reads all keys: then they are counted on the way.
        counted = func.count().over() if wanted.text or wanted.group else literal(0)
        places = select(table.c.place, counted).where(*where).order_by(table.c.place).limit(limit).offset(offset)
        passing = connection.execute(places).all()
        found = [place for place, _ in passing]
        if len(found) < limit and (found or not offset):
            total = offset + len(found)
        elif not (total := passing[0][1] if passing else 0):
            total = connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()
        query = select(table.c.change, table.c.decision).where(table.c.plan_id == plan_id, table.c.place.in_(found))
        rows = connection.execute(query.order_by(table.c.place)).all()
    return total, [(change_from_dict(change), decision) for change, decision in rows]


def waiting_keys(engine: Engine, plan_id: int, wanted: Filter, approved: Collection[str]) -> list[str]:
    """The keys of all changes that pass the filter, are held, and were not approved."""
    with reading(engine) as connection:
        where = _where(connection, plan_id, wanted, approved)
        waits = _where(connection, plan_id, Filter("waiting"), approved)
        return list(connection.execute(select(table.c.key).where(*where, *waits)).scalars())


def _where(
    connection: Connection, plan_id: int, wanted: Filter, approved: Collection[str]
) -> list[ColumnElement[bool]]:
    found = [table.c.plan_id == plan_id]
    if wanted.decision:
        found.append(table.c.decision == ("hold" if wanted.decision == "waiting" else wanted.decision))
    if wanted.decision == "waiting" and approved:
        found.append(table.c.key.not_in(among(connection, sorted(approved))))
    if wanted.kind:
        found.append(table.c.kind == wanted.kind)
    if wanted.source:
        found.append(table.c.source == wanted.source)
    if wanted.group:
        found.append(table.c.key.endswith(f":{wanted.group}", autoescape=True))
    if wanted.text:
        found.append(holds(connection, table.c.key, wanted.text))
    return found
