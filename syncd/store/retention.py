"""What is old goes, once a day, where that is configured, and never what is of use.

Rows of the audit go from the chain's beginning; plans go with their approvals and journal; runs go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, Select, delete, func, or_, select

from syncd.store import audit, runs
from syncd.store.engine import reading, writing
from syncd.store.sql import chunks
from syncd.store.tables import approvals, journal, ledger, plan_changes, plans
from syncd.store.tables import runs as run_lines

LEAST: Final = timedelta(days=31)
"""No row younger than this is ever taken away: so long a deletion can be recovered, and a day more."""

NEWEST: Final = 50
"""So many of the newest runs stay, however old: clocks are compared with them."""

_DAY: Final = "retired_on"


@dataclass(frozen=True, slots=True)
class Keep:
    """How long what was done stays; zero: for ever.

    From plans and the journal it is known what people were called before, so they never go before the audit's rows do: else a
    name could stay there when a person's data is erased.
    """

    audit: timedelta = timedelta(0)
    history: timedelta = timedelta(0)


FOR_EVER: Final = Keep()


def retire_due(engine: Engine, keep: Keep, now: datetime, actor: str = "syncd") -> int:
    """Take away what is older than configured, if that was not done today already. Nothing is written when nothing is due.

    What tells of a plan of which something is under way, was ordered, or can still be recovered stays, and all of the audit
    after it.

    Args:
        engine: the store's.
        keep: see there.
        now: the present moment.
        actor: for the audit.

    Returns:
        How many rows of the audit went.
    """
    today = now.date().isoformat()
    if not keep.audit or runs.recall(engine, _DAY) == today:
        return 0
    before = _audit_goes_before(engine, now - max(keep.audit, LEAST))
    old = _Old.of(engine, now - max(keep.history, LEAST), before) if keep.history else _Old()
    if before is None and not old:
        return 0
    with writing(engine) as connection:
        old.forget(connection)
        if old:
            told = {"plans": len(old.plans), "runs": len(old.runs)}
            subject = f"{len(old.plans)} plans, {len(old.runs)} runs"
            audit.append(connection, [audit.Event(actor, "forget", subject, told)], now)
        gone = audit.retire(connection, before, actor, now) if before else 0
    runs.remember(engine, {_DAY: today})
    return gone


def _audit_goes_before(engine: Engine, limit: datetime) -> datetime | None:
    """Up to when rows of the audit go; None: none does."""
    with reading(engine) as connection:
        if not audit.older(connection, limit):
            return None
        needed = select(func.min(plans.c.created_at)).where(plans.c.id.in_(_needed()))
        before = min(limit, connection.execute(needed).scalar() or limit)
        return before if audit.older(connection, before) else None


def _needed() -> Select[tuple[int]]:
    """The plans that somebody may still ask about."""
    recoverable = select(ledger.c.plan_id).where(ledger.c.state.in_(["intended", "begun", "deleted"]))
    open_steps = select(journal.c.plan_id).where(journal.c.state.in_(["intended", "unproven", "ordered"]))
    return select(plans.c.id).where(or_(plans.c.id.in_(recoverable), plans.c.id.in_(open_steps)))


@dataclass(frozen=True, slots=True)
class _Old:
    """Plans and runs that nobody needs any more."""

    plans: tuple[int, ...] = ()
    runs: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.plans or self.runs)

    @classmethod
    def of(cls, engine: Engine, limit: datetime, audit_goes: datetime | None) -> _Old:
        """Those older than the limit, and than every row that stays in the audit."""
        with reading(engine) as connection:
            limit = min(limit, audit_goes or audit.begins(connection) or limit)
            newest = select(func.max(plans.c.id)).scalar_subquery()
            query = select(plans.c.id).where(
                plans.c.created_at < limit, plans.c.id.not_in(_needed()), plans.c.id < newest
            )
            old_plans = set(connection.execute(query).scalars())
            lines = select(run_lines.c.id).where(run_lines.c.started_at < limit)
            old_runs = set(connection.execute(lines).scalars())
            told_by = select(plans.c.id, plans.c.run_id).where(plans.c.run_id.is_not(None))
            old_runs -= {run_id for plan_id, run_id in connection.execute(told_by) if plan_id not in old_plans}
            old_runs -= set(
                connection.execute(select(run_lines.c.id).order_by(run_lines.c.id.desc()).limit(NEWEST)).scalars()
            )
            old_runs -= _last_reads(connection) if old_runs else set()
        return cls(tuple(sorted(old_plans)), tuple(sorted(old_runs)))

    def forget(self, connection: Connection) -> None:
        """Take them away, with all that belongs to them."""
        for part in chunks(self.plans):
            for table in (journal, approvals, plan_changes):
                connection.execute(delete(table).where(table.c.plan_id.in_(part)))
            connection.execute(delete(plans).where(plans.c.id.in_(part)))
        for part in chunks(self.runs):
            connection.execute(delete(run_lines).where(run_lines.c.id.in_(part)))


def _last_reads(connection: Connection) -> set[int]:
    """The runs that keep the last read of some source: what a source said last is asked for in every run."""
    newest: dict[str, int] = {}
    query = select(run_lines.c.id, run_lines.c.reads).where(run_lines.c.reads.is_not(None)).order_by(run_lines.c.id)
    for run_id, reads in connection.execution_options(yield_per=50).execute(query):
        newest |= {line["name"]: run_id for line in reads}
    return set(newest.values())
