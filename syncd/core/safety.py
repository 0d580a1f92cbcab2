"""Every check of a plan. All of them run, all findings are shown at once, and the worst one counts. Pure.

What concerns one deletion alone (roles, workflows, documents) is in `leaving.py`, numbers over time in `budgets.py` and
`shrinkage.py`; here is the review that brings all of them together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from syncd.core import continuity
from syncd.core.budgets import Budgets, Ground, Past, exceeded
from syncd.core.change import KINDS, Change, Decision, Finding, Kind, worst
from syncd.core.continuity import Doubt
from syncd.core.leaving import leaving_admins
from syncd.core.plan import Plan
from syncd.core.shrinkage import Shrinkage, Size, shrinkages

_SHOWN = 5
"""How many problems of a source one finding names; all of them stand in the plan's sources."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of the operator."""

    budgets: Budgets = field(default_factory=Budgets)
    shrink: Shrinkage = field(default_factory=Shrinkage)


@dataclass(frozen=True, slots=True)
class SourceRead:
    """What one source said of its last read."""

    name: str
    records: int = 0
    groups: int = 0
    certified: bool = False
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What a person should know, and that decides nothing."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a review knows besides the plan."""

    managed: int
    """How many accounts are linked."""
    sources: Sequence[SourceRead] = ()
    sizes: Sequence[Size] = ()
    admins: int | None = None
    findings: Sequence[Finding] = ()
    """What resolving and comparing already found."""
    past: Past = field(default_factory=Past)
    """What was done before this plan, for the budgets."""
    members: Mapping[str, int] = field(default_factory=dict)
    """How many members groups have from which this plan takes somebody, by their names as compared."""
    waiting: Collection[str] = ()
    """Sources in quarantine, of which something else is said."""
    doubts: Sequence[Doubt] = ()
    """Why the times and counts that the store keeps mean nothing."""
    seats: tuple[int, int] | None = None
    """How many seats of the account are taken, and how many there are; None where no limit is known."""


@dataclass(frozen=True, slots=True)
class Review:
    """All findings of a plan, and what they decide."""

    findings: tuple[Finding, ...]
    decisions: Mapping[str, Decision]
    """Change key -> decision, for every change of the plan."""

    @property
    def decision(self) -> Decision:
        """The run's: the worst of all."""
        return worst(finding.decision for finding in self.findings)

    def held(self, plan: Plan) -> dict[Kind, int]:
        """How many changes of each kind do not proceed, held or refused, without zeros."""
        kinds = [change.kind for change in plan.changes if self.decisions[change.key] is not Decision.PROCEED]
        return {kind: kinds.count(kind) for kind in KINDS if kind in kinds}


def review(plan: Plan, facts: Facts, policy: Policy) -> Review:
    """Run every check."""
    checks = (_certificates, _shrunken, _last_admin, _shared_steps, _seats, _budgets, _doubts)
    findings = [*facts.findings, *(finding for check in checks for finding in check(plan, facts, policy))]
    decisions = {change.key: Decision.PROCEED for change in plan.changes}
    for finding in findings:
        for key in finding.changes:
            if key in decisions:
                decisions[key] = max(decisions[key], finding.decision)
    findings.sort(key=lambda finding: -finding.decision)
    return Review(tuple(findings), decisions)


def _certificates(plan: Plan, facts: Facts, policy: Policy) -> Iterator[Finding]:
    """A read that was not whole says nothing of who is absent: nobody was taken for gone."""
    del plan, policy
    for read in facts.sources:
        if not read.certified and read.name not in facts.waiting:
            hidden = len(read.problems) - _SHOWN
            shown = "; ".join(read.problems[:_SHOWN]) + (f"; and {hidden} more" if hidden > 0 else "")
            message = f"{read.name} was not read whole, so nobody more counts as gone: {shown}"
            yield Finding("certificate", Decision.HOLD, message)


def _shrunken(plan: Plan, facts: Facts, policy: Policy) -> Iterator[Finding]:
    return shrinkages(plan, facts.sizes, policy.shrink)


def _last_admin(plan: Plan, facts: Facts, policy: Policy) -> Iterator[Finding]:
    del policy
    deletions = {change.key: change for change in plan.of_kind("delete_user")}
    if finding := leaving_admins(deletions, facts.admins):
        yield finding


def _seats(plan: Plan, facts: Facts, policy: Policy) -> Iterator[Finding]:
    """Who is beyond the seats waits, instead of failing one by one. Seats that this plan frees count for the next."""
    del policy
    if facts.seats is None:
        return
    taken, limit = facts.seats
    waiting = tuple(plan.of_kind("create_user"))[max(0, limit - taken) :]
    if waiting:
        people = "person waits" if len(waiting) == 1 else "people wait"
        message = f"{len(waiting)} {people} for a seat: {taken} of {limit} are taken"
        yield Finding("seats", Decision.HOLD, message, tuple(change.key for change in waiting))


def _budgets(plan: Plan, facts: Facts, policy: Policy) -> Iterator[Finding]:
    return exceeded(plan, policy.budgets, Ground(facts.past, facts.managed, facts.members))


def _doubts(plan: Plan, facts: Facts, policy: Policy) -> Iterable[Finding]:
    del policy
    return continuity.findings(facts.doubts, plan)


def _shared_steps(plan: Plan, facts: Facts, policy: Policy) -> Iterator[Finding]:
    """Several leavers in one step of a workflow may be everybody in it, though none of them is alone."""
    del facts, policy
    shared: dict[tuple[str, str], list[Change]] = {}
    for change in plan.of_kind("delete_user"):
        for part in (change.before or {}).get("workflows") or ():
            shared.setdefault((part["workflow"], part["step"]), []).append(change)
    for (workflow, step), changes in shared.items():
        if len(changes) > 1:
            names = ", ".join(str(change.user) for change in changes)
            message = f"{names} all leave {workflow} / {step}: see in Fluix who is left there"
            yield Finding("workflow_shared", Decision.HOLD, message, tuple(change.key for change in changes))


def within(changes: Iterable[Change], verbs: Collection[str]) -> tuple[list[Change], list[Finding]]:
    """The changes that a target can do, and what is said of the others: a plan never contains these.

    Args:
        changes: wanted.
        verbs: of the target (`Capabilities.verbs`).
    """
    possible: list[Change] = []
    lacking: Counter[tuple[str, str]] = Counter()
    for change in changes:
        missing = [verb for verb in needs(change) if verb not in verbs]
        if missing:
            lacking[change.kind, missing[0]] += 1
        else:
            possible.append(change)
    return possible, [
        Finding(
            "capability", Decision.HOLD, f"the target cannot do {verb}: {count} changes of kind {kind} are left out"
        )
        for (kind, verb), count in lacking.items()
    ]


def needs(change: Change) -> tuple[str, ...]:
    """The verbs that a change comes to."""
    after = change.after or {}
    steps = ("reassign_documents",) * ("documents" in after) + ("leave_workflows",) * ("workflows" in after)
    return (*steps, change.kind) if change.kind == "delete_user" else (change.kind,)
