"""Plans: the list, one of them as a difference that can be reviewed, and its findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from flask_babel import gettext as _
from pydantic import Field

from syncd.approving import SCHEDULER
from syncd.core.approval import Approval, same_person
from syncd.core.change import KINDS, Change, Decision, Finding
from syncd.store import plan_pages, runs
from syncd.store import plans as kept
from syncd.store.plan_pages import Filter, Head
from syncd.web.desk import Desk, Document, Paged, Paging
from syncd.web.errors import NotFoundError
from syncd.web.frame import Room

room = Room()

_FINDINGS = 12
"""So many are shown above the changes, the worst first."""
_NAMED = 10
"""So many changes of a finding are named."""


class PlanLine(Document):
    """One plan, as it stands in the list."""

    plan_id: int
    run_id: int
    created_at: datetime
    decision: str
    size: int
    expired: bool


class Plans(Paged):
    """Plans, the newest first."""

    plans: list[PlanLine]


class ChangeLine(Document):
    """One change: what becomes of what, why, and whether it may be done."""

    key: str
    kind: str
    user: str | None
    group: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str
    decision: str
    approved_by: str | None


class FindingLine(Document):
    """What one check found."""

    check: str
    decision: str
    message: str
    changes: list[str]
    """Keys of the first changes that it is about."""
    count: int
    """How many there are."""


class ApprovalLine(Document):
    """Somebody's yes."""

    approver: str
    comment: str
    approved_at: datetime
    expires_at: datetime
    count: int
    holds: bool


class SourceLine(Document):
    """What one source said when this was planned."""

    name: str
    records: int
    groups: int
    certified: bool
    problems: list[str]


class Asked(Paging):
    """Which changes of a plan are shown."""

    decision: Annotated[
        Literal["waiting", "hold", "proceed", "refuse"] | None, Field(description="`waiting`: held and not approved.")
    ] = None
    kind: Annotated[str | None, Field(description="As `delete_user`.")] = None
    source: Annotated[str | None, Field(description="The name of the source.")] = None
    group: Annotated[str | None, Field(description="The exact name of a group.")] = None
    text: Annotated[str, Field(max_length=200, description="Stands in an address or a group.")] = ""

    @property
    def filter(self) -> Filter:
        """As the store takes it."""
        return Filter(self.decision, self.kind, self.source, self.group, self.text)


class PlanPage(Paged):
    """One plan, and a page of its changes."""

    plan_id: int
    run_id: int
    created_at: datetime
    expires_at: datetime
    """When it is too old to be approved or applied."""
    expired: bool
    newer: int | None
    """The newest plan, if it is another one."""
    digest: str
    decision: str
    changes_in_all: int
    adoptions: int
    counts: dict[str, int]
    """By decision."""
    waiting: int
    """How many are held and not approved."""
    approved: int
    kinds: dict[str, int]
    findings: list[FindingLine]
    more_findings: int
    approvals: list[ApprovalLine]
    seen: int
    """The newest approval that is shown here; an approval says it back."""
    sources: list[SourceLine]
    may_not: str
    """Why whoever asks may not approve this plan, whatever the role; empty: nothing is in the way."""
    changes: list[ChangeLine]


class Findings(Paged):
    """Everything that the checks of a plan found, the worst first."""

    plan_id: int
    findings: list[FindingLine]


@room.page("/plans", "plans.html")
def list_plans(desk: Desk, asked: Paging) -> Plans:
    """Plans, the newest first."""
    total, rows = plan_pages.lines(desk.store, asked.size, asked.offset)
    found = [
        PlanLine(
            plan_id=row.id,
            run_id=row.run_id,
            created_at=row.created_at,
            decision=row.decision,
            size=row.size,
            expired=desk.now - row.created_at > lasts(desk),
        )
        for row in rows
    ]
    return Plans(total=total, page=asked.page, size=asked.size, plans=found)


@room.page("/plans/<int:plan_id>", "plan.html")
def show_plan(desk: Desk, asked: Asked, plan_id: int) -> PlanPage:
    """One plan: verdict, findings, and a page of its changes."""
    head = head_of(desk, plan_id)
    seen = kept.last_seen(desk.store, head.digest)  # before the approvals: one that comes between is rather asked about
    approvals = kept.approvals_of(desk.store, head.digest)
    by = approvers(approvals, head.digest, desk.now)
    of_each = plan_pages.counts(desk.store, plan_id, head.digest)
    total, rows = plan_pages.some(desk.store, plan_id, asked.filter, by, limit=asked.size, offset=asked.offset)
    by_decision, by_kind = _sum(of_each, 0, [one.word for one in Decision]), _sum(of_each, 1, KINDS)
    newest = kept.newest(desk.store)
    findings = _worst_first(head.findings)
    return PlanPage(
        total=total,
        page=asked.page,
        size=asked.size,
        plan_id=plan_id,
        run_id=head.run_id,
        created_at=head.created_at,
        expires_at=head.created_at + lasts(desk),
        expired=desk.now - head.created_at > lasts(desk),
        newer=newest if newest != plan_id else None,
        digest=head.digest,
        decision=head.decision,
        changes_in_all=head.size,
        adoptions=head.adoptions,
        counts=by_decision,
        waiting=by_decision["hold"] - len(by),
        approved=len(by),
        kinds={kind: count for kind, count in by_kind.items() if count},
        findings=[_finding(one) for one in findings[:_FINDINGS]],
        more_findings=max(0, len(findings) - _FINDINGS),
        approvals=[_approval(one, head.digest, desk.now) for one in approvals],
        seen=seen,
        sources=[
            SourceLine(name=name, records=records, groups=groups, certified=certified, problems=problems[:_NAMED])
            for name, records, groups, certified, problems, *_ in head.sources
        ],
        may_not=_may_not(desk, head),
        changes=[_line(change, decision, by) for change, decision in rows],
    )


@room.page("/plans/<int:plan_id>/findings", "findings.html")
def list_findings(desk: Desk, asked: Paging, plan_id: int) -> Findings:
    """Everything that the checks of a plan found."""
    found = _worst_first(head_of(desk, plan_id).findings)
    shown = [_finding(one) for one in found[asked.offset : asked.offset + asked.size]]
    return Findings(total=len(found), page=asked.page, size=asked.size, plan_id=plan_id, findings=shown)


def head_of(desk: Desk, plan_id: int) -> Head:
    """A plan without its changes.

    Raises:
        NotFoundError: there is none.
    """
    head = plan_pages.head(desk.store, plan_id)
    if head is None:
        raise NotFoundError(_("there is no plan p%(plan_id)s", plan_id=plan_id), cure=_("see the list of plans"))
    return head


def approvers(approvals: Iterable[Approval], digest: str, now: datetime) -> dict[str, str]:
    """Who said yes to each change, as far as it still holds."""
    return {key: one.approver for one in approvals if one.holds(digest, now) for key in one.keys}


def lasts(desk: Desk) -> timedelta:
    """How long a plan, and an approval, are of use."""
    return timedelta(hours=desk.app.config.approvals.expire_hours)


def _may_not(desk: Desk, head: Head) -> str:
    run = runs.find(desk.store, head.run_id)
    rules = desk.app.config.approvals
    if rules.four_eyes and run and run.actor != SCHEDULER and same_person(run.actor, desk.who.name):
        return f"{run.actor} asked for it and may not approve it as well (approvals.four_eyes)"
    return ""


def _sum(of_each: Mapping[tuple[str, str], int], place: int, names: Iterable[str]) -> dict[str, int]:
    return {name: sum(count for key, count in of_each.items() if key[place] == name) for name in names}


def _worst_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda one: -one.decision)


def _finding(one: Finding) -> FindingLine:
    return FindingLine(
        check=one.check,
        decision=one.decision.word,
        message=one.message,
        changes=list(one.changes[:_NAMED]),
        count=len(one.changes),
    )


def _approval(one: Approval, digest: str, now: datetime) -> ApprovalLine:
    return ApprovalLine(
        approver=one.approver,
        comment=one.comment,
        approved_at=one.approved_at,
        expires_at=one.expires_at,
        count=len(one.keys),
        holds=one.holds(digest, now),
    )


def _line(change: Change, decision: str, by: dict[str, str]) -> ChangeLine:
    return ChangeLine(
        key=change.key,
        kind=change.kind,
        user=change.user,
        group=change.group,
        before=dict(change.before) if change.before else None,
        after=dict(change.after) if change.after else None,
        reason=change.reason,
        decision=decision,
        approved_by=by.get(change.key),
    )
