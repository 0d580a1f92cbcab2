"""Old rows of the audit go, once a day, where that is configured: from the chain's beginning, and never what is of use."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, func, or_, select

from syncd.store import audit, runs
from syncd.store.engine import reading, writing
from syncd.store.tables import journal, ledger, plans

LEAST: Final = timedelta(days=31)
"""No row younger than this is ever taken away: so long a deletion can be recovered, and a day more."""

_DAY: Final = "retired_on"


def retire_due(engine: Engine, keep: timedelta, now: datetime, actor: str = "syncd") -> int:
    """Take away what is older than `keep`, if that was not done today already. Nothing is written when nothing is due.

    What tells of a plan of which something is under way, was ordered, or can still be recovered stays, and all after it.

    Args:
        engine: the store's.
        keep: how long rows are kept; zero: for ever.
        now: the present moment.
        actor: for the audit.

    Returns:
        How many rows went.
    """
    today = now.date().isoformat()
    if not keep or runs.recall(engine, _DAY) == today:
        return 0
    limit = now - max(keep, LEAST)
    with reading(engine) as connection:
        if not audit.older(connection, limit):
            return 0
        before = min(limit, _needed_since(connection) or limit)
        if not audit.older(connection, before):
            return 0
    with writing(engine) as connection:
        gone = audit.retire(connection, before, actor, now)
    runs.remember(engine, {_DAY: today})
    return gone


def _needed_since(connection: Connection) -> datetime | None:
    """When the oldest plan was made that somebody may still ask about; None: there is none."""
    recoverable = select(ledger.c.plan_id).where(ledger.c.state.in_(["intended", "begun", "deleted"]))
    open_steps = select(journal.c.plan_id).where(journal.c.state.in_(["intended", "unproven", "ordered"]))
    query = select(func.min(plans.c.created_at)).where(or_(plans.c.id.in_(recoverable), plans.c.id.in_(open_steps)))
    oldest: datetime | None = connection.execute(query).scalar()
    return oldest
