"""What pages about MDM ask the store: earlier renders, and what became of pushed configs. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine, func, select

from syncd.store.engine import reading
from syncd.store.tables import audit, metadata

_LOOKED_AT: Final = 50_000
"""So many of the audit's newest rows: actions have no index there."""


@dataclass(frozen=True, slots=True)
class Past:
    """One render or delta."""

    at: datetime
    actor: str
    action: str
    detail: dict[str, Any]


def renders(engine: Engine, limit: int) -> list[Past]:
    """The last renders and deltas, the newest first; those before the newest rows of the audit are not looked for."""
    begins = select(func.max(audit.c.place) - _LOOKED_AT).scalar_subquery()
    query = select(audit.c.at, audit.c.actor, audit.c.action, audit.c.detail)
    query = query.where(audit.c.action.in_(["mdm render", "mdm delta"]), audit.c.place > begins)
    with reading(engine) as connection:
        rows = connection.execute(query.order_by(audit.c.place.desc()).limit(limit))
        return [Past(at, actor, action, detail or {}) for at, actor, action, detail in rows]


def deliveries(engine: Engine, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
    """One page of what became of pushed configs (target, place, state, at, note), the newest first, and how many there are."""
    table = metadata.tables.get("mdm_deliveries")
    if table is None:
        return [], 0
    query = select(table.c.target, table.c.place, table.c.state, table.c.at, table.c.note)
    query = query.order_by(table.c.at.desc(), table.c.target, table.c.place).limit(limit).offset(offset)
    with reading(engine) as connection:
        total = connection.execute(select(func.count()).select_from(table)).scalar_one()
        return [dict(row) for row in connection.execute(query).mappings()], total
