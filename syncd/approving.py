"""Saying yes to what a plan holds: the one way, for the command and for whoever else asks a person.

May not: talk to a person. What is refused is raised, with what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from syncd.core.approval import Approval, MeanwhileError, UnknownKeyError, ask_again, choose, same_person, since
from syncd.core.change import Change, Decision, Finding
from syncd.core.plan import Plan
from syncd.core.safety import Review
from syncd.errors import UsageError
from syncd.sayings import Said
from syncd.store import plans, runs
from syncd.store.journal import Journal
from syncd.store.plans import StoredPlan

SCHEDULER = "schedule"
"""The actor of runs that nobody asked for: anybody may approve what they planned."""


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What somebody had before the eyes who says yes."""

    digest: str
    """Of the plan."""
    approvals: int
    """The newest approval that was shown with it (`plans.last_seen`)."""


def approve(
    store: Engine,
    plan_id: int,
    *,
    approver: str,
    comment: str,
    only: Iterable[str] = (),
    without: Iterable[str] = (),
    now: datetime,
    lasts: timedelta,
    four_eyes: bool = False,
    looked_at: LookedAt | None = None,
) -> Approval:
    """Approve what a plan holds, all of it or item by item.

    Args:
        store: where the plan is, and the approval goes, with its line in the audit.
        plan_id: which plan was looked at.
        approver: who says yes.
        comment: why; not empty.
        only: keys to approve; none means everything that is held.
        without: keys to leave out.
        now: the present moment.
        lasts: how long an approval, and a plan, are of use.
        four_eyes: whether who asked for the plan may not approve it.
        looked_at: what the approver had before the eyes; None: whatever is there now.

    Raises:
        UsageError: no such plan, damaged or too old, the same person, no comment, keys that are not held, or the plan is not
            as it was looked at.
    """
    where = f"plan p{plan_id}"
    stored = plans.load(store, plan_id)
    if stored is None:
        raise UsageError(Said("there is no plan p%(plan)s", plan=plan_id), cure=Said("see `syncd runs`"))
    _require_usable(stored, now, lasts)
    if looked_at and looked_at.digest != stored.plan.digest:
        raise UsageError(
            Said("plan p%(plan)s is not the one that was looked at", plan=plan_id),
            cure=Said("look at it again, then decide"),
        )
    if not comment.strip():
        raise UsageError(
            Said("an approval needs a comment"), cure=Said('say why: --comment "left the company, see HR-17"')
        )
    if four_eyes:
        _require_other_eyes(store, stored, approver)
    try:
        keys = choose(stored.review.decisions, only, without)
    except UnknownKeyError as error:
        raise UsageError(
            _unknown(stored, error.keys),
            where=where,
            cure=Said("see the keys with `syncd show p%(plan)s --json`", plan=plan_id),
        ) from error
    if not keys:
        raise UsageError(
            Said("plan p%(plan)s holds nothing that could be approved", plan=plan_id),
            cure=Said("see `syncd show p%(plan)s`", plan=plan_id),
        )
    approval = Approval(stored.plan.digest, keys, approver, comment.strip(), now, now + lasts)
    try:
        plans.approve(store, plan_id, approval, looked_at.approvals if looked_at else None)
    except MeanwhileError as error:
        cure = Said("look at the plan again: what is left may need no more")
        what = Said("%(error)s, after you looked at it: nothing was added", error=str(error))
        raise UsageError(what, where=where, cure=cure) from error
    return approval


def _require_usable(stored: StoredPlan, now: datetime, lasts: timedelta) -> None:
    number = stored.plan_id
    if stored.plan.digest.startswith("damaged"):
        raise UsageError(
            Said("plan p%(plan)s is not as it was stored", plan=number), cure=Said("make a new one with `syncd plan`")
        )
    if now - stored.created_at > lasts:
        hours = lasts.total_seconds() / 3600
        raise UsageError(
            Said("plan p%(plan)s is older than %(hours)s hours", plan=number, hours=f"{hours:g}"),
            cure=Said("make a new one with `syncd plan`"),
        )


def _require_other_eyes(store: Engine, stored: StoredPlan, approver: str) -> None:
    run = runs.find(store, stored.run_id)
    if run is not None and run.actor != SCHEDULER and same_person(run.actor, approver):
        raise UsageError(
            Said(
                "plan p%(plan)s was asked for by %(actor)s, who may not approve it as well (approvals.four_eyes)",
                plan=stored.plan_id,
                actor=run.actor,
            ),
            cure=Said("let somebody else look at it and approve it"),
        )


def _unknown(stored: StoredPlan, keys: Iterable[str]) -> str:
    """Each key that cannot be approved, and why."""
    whys = {
        None: "is not in the plan",
        Decision.PROCEED: "needs no approval",
        Decision.REFUSE: "is refused, whoever approves",
    }
    return "; ".join(f"{key} {whys[stored.review.decisions.get(key)]}" for key in keys)


def asked_again(store: Engine, plan: Plan, review: Review, now: datetime) -> Iterator[Finding]:
    """What is said of a plan of which an earlier version was approved, and not all of it done: what changed since."""
    waiting = _waiting(plan.changes, review)
    found = plans.last_approval(store, now) if waiting else None
    if found is None or found[1].digest == plan.digest:
        return
    plan_id, approval = found
    done = Journal(store, 0, "", lambda: now).done_keys(plan_id)
    stored = plans.load(store, plan_id)
    named = [change for change in stored.plan.changes if change.key in approval.keys - done] if stored else []
    if stored is None or not named:
        return
    told = since(named, _waiting(stored.plan.changes, stored.review), waiting)
    yield Finding("approve_again", Decision.PROCEED, ask_again(plan_id, approval, told))


def _waiting(changes: Iterable[Change], review: Review) -> list[Change]:
    return [change for change in changes if review.decisions[change.key] is Decision.HOLD]
