"""Plans as they were shown, and the approvals bound to their digests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, select

from syncd.core.approval import Approval, MeanwhileError
from syncd.core.change import Change, Decision, Finding, RecordKey
from syncd.core.humans import Link
from syncd.core.plan import Plan, change_from_dict, change_to_dict
from syncd.core.safety import Review, SourceRead
from syncd.store.audit import Event, append
from syncd.store.engine import reading, writing
from syncd.store.sql import chunks
from syncd.store.tables import approvals, journal, plan_changes, plans

Accepts = list[tuple[str, str, int, list[str]]]
"""Sizes (source, group, members) that are accepted once the named changes of the plan are done."""


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan as it was reviewed and shown."""

    plan_id: int
    run_id: int
    created_at: datetime
    plan: Plan
    review: Review
    sources: tuple[SourceRead, ...]
    accepts: Accepts


def save(
    engine: Engine,
    plan: Plan,
    review: Review,
    *,
    run_id: int,
    sources: Iterable[SourceRead],
    accepts: Accepts,
    now: datetime,
    lasts: timedelta,
) -> int:
    """Keep a plan. The same plan again, of which nothing was applied yet, keeps its number.

    Not for ever: a plan is too old to be applied at some time (`lasts`), and in the second half of it the same plan gets a new
    number, so that what is shown can be approved and applied at leisure. Its approvals count all the same.

    Returns:
        The plan's number.
    """
    findings = [[found.check, found.decision, found.message, list(found.changes)] for found in review.findings]
    with writing(engine) as connection:
        last = connection.execute(select(plans).order_by(plans.c.id.desc()).limit(1)).first()
        same = last is not None and last.digest == plan.digest and last.findings == findings
        empty = not plan.changes and not plan.links
        if last and same and (empty or now - last.created_at < lasts / 2) and not _touched(connection, last.id):
            return int(last.id)
        row = {
            "digest": plan.digest,
            "created_at": now,
            "run_id": run_id,
            "decision": review.decision.word,
            "findings": findings,
            "sources": [
                [read.name, read.records, read.groups, read.certified, list(read.problems), list(read.notes)]
                for read in sources
            ],
            "adoptions": [
                [link.key.source, link.key.external_id, link.fluix_id, dict(link.given)] for link in plan.links
            ],
            "accepts": accepts,
            "size": len(plan.changes),
        }
        number = connection.execute(plans.insert().values(row)).inserted_primary_key
        assert number is not None
        plan_id = int(number[0])
        numbered = enumerate(plan.changes)
        for part in chunks(numbered, 5000):
            rows = [
                {
                    "plan_id": plan_id,
                    "place": place,
                    "key": change.key,
                    "kind": change.kind,
                    "source": change.records[0].source if change.records else "",
                    "decision": review.decisions[change.key].word,
                    "change": change_to_dict(change),
                }
                for place, change in part
            ]
            connection.execute(plan_changes.insert(), rows)
        return plan_id


def _touched(connection: Connection, plan_id: int) -> bool:
    query = select(journal.c.operation_id).where(journal.c.plan_id == plan_id).limit(1)
    return connection.execute(query).first() is not None


def findings_of(row: Row[Any]) -> list[Finding]:
    """The findings in a plan's own row."""
    return [Finding(check, Decision(word), message, tuple(keys)) for check, word, message, keys in row.findings]


def load(engine: Engine, plan_id: int) -> StoredPlan | None:
    """A kept plan; None when there is none of this number."""
    with reading(engine) as connection:
        row = connection.execute(select(plans).where(plans.c.id == plan_id)).first()
        if row is None:
            return None
        query = select(plan_changes.c.change, plan_changes.c.decision).where(plan_changes.c.plan_id == plan_id)
        pairs = [
            (change_from_dict(change), Decision[word.upper()])
            for change, word in connection.execute(query.order_by(plan_changes.c.place))
        ]
    links = tuple(Link(RecordKey(source, key), fluix_id, given) for source, key, fluix_id, given in row.adoptions)
    plan = Plan.of((change for change, _ in pairs), links)
    if plan.digest != row.digest:
        plan = Plan(plan.changes, plan.links, f"damaged: {plan.digest}")
    review = Review(tuple(findings_of(row)), {change.key: decision for change, decision in pairs})
    sources = tuple(
        SourceRead(name, count, groups, certified, *map(tuple, sentences))
        for name, count, groups, certified, *sentences in row.sources
    )
    accepts = [(source, name, size, keys) for source, name, size, keys in row.accepts]
    return StoredPlan(plan_id, row.run_id, row.created_at, plan, review, sources, accepts)


def change_of(connection: Connection, plan_id: int, key: str) -> Change:
    """One change of a kept plan."""
    query = select(plan_changes.c.change).where(plan_changes.c.plan_id == plan_id, plan_changes.c.key == key)
    return change_from_dict(connection.execute(query).scalar_one())


def newest(engine: Engine) -> int | None:
    """The number of the newest plan."""
    with reading(engine) as connection:
        return connection.execute(select(func.max(plans.c.id))).scalar()


def approve(engine: Engine, plan_id: int, approval: Approval, seen: int | None = None) -> None:
    """Keep an approval, with its line in the audit.

    Args:
        engine: the store's.
        plan_id: which plan was looked at.
        approval: see there.
        seen: the newest approval of this plan (see `last_seen`) that the approver knew of; None: whatever there is.

    Raises:
        MeanwhileError: others approved of it since.
    """
    with writing(engine) as connection:
        if seen is not None:
            connection.execute(select(plans.c.id).where(plans.c.id == plan_id).with_for_update())
            query = select(approvals).where(approvals.c.digest == approval.digest, approvals.c.id > seen)
            if since := [_approval(row) for row in connection.execute(query)]:
                raise MeanwhileError(since)
        row = {
            "plan_id": plan_id,
            "digest": approval.digest,
            "keys": sorted(approval.keys),
            "approver": approval.approver,
            "comment": approval.comment,
            "approved_at": approval.approved_at,
            "expires_at": approval.expires_at,
        }
        connection.execute(approvals.insert().values(row))
        detail = {"digest": approval.digest, "keys": sorted(approval.keys), "comment": approval.comment}
        event = Event(approval.approver, "approve", f"plan {plan_id}", detail)
        append(connection, [event], approval.approved_at)


def approvals_of(engine: Engine, digest: str) -> list[Approval]:
    """The approvals that name this digest, lapsed ones too."""
    with reading(engine) as connection:
        return [_approval(row) for row in connection.execute(select(approvals).where(approvals.c.digest == digest))]


def last_seen(engine: Engine, digest: str) -> int:
    """The number of the newest approval that names this digest; 0 when there is none."""
    with reading(engine) as connection:
        query = select(func.coalesce(func.max(approvals.c.id), 0)).where(approvals.c.digest == digest)
        return int(connection.execute(query).scalar_one())


def last_approval(engine: Engine, now: datetime) -> tuple[int, Approval] | None:
    """The newest approval that has not lapsed, with the number of its plan."""
    query = select(approvals).where(approvals.c.expires_at > now).order_by(approvals.c.id.desc()).limit(1)
    with reading(engine) as connection:
        row = connection.execute(query).first()
    return (row.plan_id, _approval(row)) if row else None


def _approval(row: Row[Any]) -> Approval:
    return Approval(row.digest, frozenset(row.keys), row.approver, row.comment, row.approved_at, row.expires_at)
