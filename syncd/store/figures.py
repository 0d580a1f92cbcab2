"""Numbers about the store, for whoever watches: counted, never changed, and nothing of anybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, func, select

from syncd.core.change import Decision
from syncd.core.returning import KEPT
from syncd.store.engine import reading
from syncd.store.tables import accounts, approvals, ledger, links, plan_changes, plans, quarantines, runs, tallies

_LOOKED_AT = 500
"""So many runs back a source's last whole read is looked for."""


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """How it stands with a source."""

    records: int | None = None
    groups: int | None = None
    certified: bool = False
    last_success: datetime | None = None
    failures: int = 0
    waits: bool = False


@dataclass(frozen=True, slots=True)
class RunFigures:
    """The run that ended last."""

    run_id: int
    seconds: float
    outcome: dict[str, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """What can be counted quickly."""

    runs: dict[str, int]
    last_run: RunFigures | None
    last_done: datetime | None
    sources: dict[str, SourceFigures]
    waiting: dict[tuple[str, str], int]
    """Of the newest plan: (hold or refuse, kind) -> changes that are neither approved nor free."""
    applied: dict[str, int]
    ledger: dict[str, int]
    next_expiry: datetime | None


def figures(engine: Engine, sources: Iterable[str], now: datetime) -> Figures:
    """Count.

    Args:
        engine: the store's.
        sources: of the configuration.
        now: which approvals still hold.
    """
    with reading(engine) as connection:
        by_state: dict[str, int] = dict(
            connection.execute(select(runs.c.state, func.count()).group_by(runs.c.state)).all()
        )
        done = select(func.max(runs.c.ended_at)).where(runs.c.state == "done")
        deleted = select(func.min(ledger.c.deleted_at)).where(ledger.c.state == "deleted")
        oldest = connection.execute(deleted).scalar()
        by_kind = select(tallies.c.kind, func.sum(tallies.c.changes)).where(tallies.c.group_name == "")
        return Figures(
            runs=by_state,
            last_run=_last_run(connection),
            last_done=connection.execute(done).scalar(),
            sources=_sources(connection, list(sources), now),
            waiting=_waiting(connection, now),
            applied=dict(connection.execute(by_kind.group_by(tallies.c.kind)).all()),
            ledger=dict(connection.execute(select(ledger.c.state, func.count()).group_by(ledger.c.state)).all()),
            next_expiry=oldest + KEPT if oldest else None,
        )


def sizes(engine: Engine) -> dict[str, int]:
    """How many accounts and links there are: every row is counted, so not to be asked for often."""
    with reading(engine) as connection:
        return {
            "accounts": connection.execute(select(func.count()).select_from(accounts)).scalar_one(),
            "links": connection.execute(select(func.count()).select_from(links)).scalar_one(),
        }


def _last_run(connection: Connection) -> RunFigures | None:
    query = select(runs).where(runs.c.ended_at.is_not(None)).order_by(runs.c.id.desc()).limit(1)
    row = connection.execute(query).first()
    if row is None:
        return None
    return RunFigures(row.id, (row.ended_at - row.started_at).total_seconds(), dict(row.outcome or {}))


def _sources(connection: Connection, names: Sequence[str], now: datetime) -> dict[str, SourceFigures]:
    troubles = {row.source: row for row in connection.execute(select(quarantines))}
    newest: dict[str, dict[str, object]] = {}
    whole: dict[str, datetime] = {}
    query = select(runs.c.reads, runs.c.started_at).where(runs.c.reads.is_not(None)).order_by(runs.c.id.desc())
    for reads, started in connection.execution_options(yield_per=20).execute(query.limit(_LOOKED_AT)):
        for line in reads:
            newest.setdefault(line["name"], line)
            if line["certified"]:
                whole.setdefault(line["name"], started)
        if all(name in whole for name in names):
            break
    found = {}
    for name in names:
        line, trouble = newest.get(name), troubles.get(name)
        waits = bool(trouble and trouble.until and trouble.until > now)
        found[name] = SourceFigures(
            records=int(str(line["records"])) if line else None,
            groups=int(str(line["groups"])) if line else None,
            certified=bool(line and line["certified"]),
            last_success=whole.get(name),
            failures=trouble.failures if trouble else 0,
            waits=waits,
        )
    return found


def _waiting(connection: Connection, now: datetime) -> dict[tuple[str, str], int]:
    newest = connection.execute(select(plans.c.id, plans.c.digest).order_by(plans.c.id.desc()).limit(1)).first()
    if newest is None:
        return {}
    given = select(approvals.c["keys"]).where(approvals.c.digest == newest.digest, approvals.c.expires_at > now)
    approved = {key for keys in connection.execute(given).scalars() for key in keys}
    words = [Decision.HOLD.word, Decision.REFUSE.word]
    query = select(plan_changes).where(plan_changes.c.plan_id == newest.id, plan_changes.c.decision.in_(words))
    found: Counter[tuple[str, str]] = Counter()
    for row in connection.execute(query):
        if row.decision == Decision.REFUSE.word or row.key not in approved:
            found[row.decision, row.change["kind"]] += 1
    return dict(found)
