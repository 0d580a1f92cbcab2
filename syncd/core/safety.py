"""Every check of a plan. All of them run, all findings are shown at once, and the worst one counts. Pure.

What concerns one deletion alone (roles, workflows, documents) is in `leaving.py`; here are the checks that need numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from connectors.model import normalise_name
from syncd.core.change import KINDS, Change, Decision, Finding, Kind, worst
from syncd.core.leaving import leaving_admins
from syncd.core.plan import Plan

BudgetKind = Literal["create", "update", "email_change", "delete", "remove_member"]

_BUDGETED: dict[BudgetKind, Callable[[Change], bool]] = {
    "create": lambda change: change.kind == "create_user",
    "update": lambda change: change.kind == "update_user" and not change.changes_email,
    "email_change": lambda change: change.changes_email,
    "delete": lambda change: change.kind == "delete_user",
    "remove_member": lambda change: change.kind == "remove_member",
}


_SHOWN = 5
"""How many problems of a source one finding names; all of them stand in the plan's sources."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget for one kind of change: what is over either figure is held."""

    count: int | None = None
    percent: float | None = None
    """Of the managed accounts, counted by users concerned."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of the operator (`budgets:` and `shrink:` in the configuration)."""

    budgets: Mapping[BudgetKind, Limit] = field(default_factory=dict)
    minimum_population: int = 20
    block: Literal["deletes", "kind", "all"] = "deletes"
    """What a tripped budget holds besides its own kind."""
    shrink_percent: float = 30.0
    group_minimum: int = 10


@dataclass(frozen=True, slots=True)
class Size:
    """How many persons a source, or one of its groups, has now and had before.

    A source is counted by the accounts that it keeps: `before` are those linked to it, `now` those of them that are not
    leaving, for whatever reason. So nobody is overlooked who is there, but suddenly inactive or out of scope. A group is
    counted by its members, `before` at the last certified read whose absences were let through.
    """

    source: str
    group: str | None
    now: int
    before: int
    fluix_group: str | None = None
    """What the group is called in Fluix; None for a source, and for a group that is not mapped."""


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
    checks = (_certificates, _shrunken, _last_admin, _shared_steps, _seats, _budgets)
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
        if not read.certified:
            hidden = len(read.problems) - _SHOWN
            shown = "; ".join(read.problems[:_SHOWN]) + (f"; and {hidden} more" if hidden > 0 else "")
            message = f"{read.name} was not read whole, so nobody more counts as gone: {shown}"
            yield Finding("certificate", Decision.HOLD, message)


def _shrunken(plan: Plan, facts: Facts, policy: Policy) -> Iterator[Finding]:
    for size in facts.sizes:
        keys = absences(plan, size)
        if shrunk(size, policy) and (keys or size.group is None):
            what = size.source if size.group is None else f"{size.source}, group {size.group}"
            yield Finding("shrink", Decision.HOLD, _shrink_message(what, size, policy), keys)


def shrunk(size: Size, policy: Policy) -> bool:
    """Whether a source or group lost more than is believed without a person's word."""
    minimum = 1 if size.group is None else policy.group_minimum
    return size.before >= minimum and (size.before - size.now) * 100 > policy.shrink_percent * size.before


def absences(plan: Plan, size: Size) -> tuple[str, ...]:
    """Keys of the changes that rest on what this source or group lost."""
    taking: Iterable[Change] = plan.of_kind("remove_member")
    if size.group is None:
        taking = (*taking, *plan.of_kind("delete_user"))
    else:
        name = normalise_name(size.fluix_group or size.group)
        taking = [change for change in taking if normalise_name(change.group or "") == name]
    return tuple(change.key for change in taking if any(key.source == size.source for key in change.records))


def _shrink_message(what: str, size: Size, policy: Policy) -> str:
    percent = (size.before - size.now) * 100 / size.before
    people = "accounts" if size.group is None else "members"
    return (
        f"{what} shrank from {size.before} to {size.now} {people} ({percent:.2f} %, over shrink.max_percent "
        f"{policy.shrink_percent:g} %): its absences are held"
    )


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
    for kind, limit in policy.budgets.items():
        changes = [change for change in plan.changes if _BUDGETED[kind](change)]
        users = {change.fluix_id or change.user for change in changes}
        over = list(_over(len(changes), len(users), limit, facts.managed, policy.minimum_population))
        if over:
            blocked = changes if policy.block == "kind" else _blocked(plan, changes, policy)
            message = f"{len(changes)} changes of kind {kind}: {' and '.join(over)}"
            yield Finding("budget", Decision.HOLD, message, tuple(change.key for change in blocked))


def _over(count: int, users: int, limit: Limit, managed: int, minimum: int) -> Iterator[str]:
    if limit.count is not None and count > limit.count:
        yield f"{count} is over the budget of {limit.count} a run"
    if limit.percent is not None and managed and managed >= minimum and users * 100 > limit.percent * managed:
        yield f"{users * 100 / managed:.2f} % is over the budget of {limit.percent:g} % ({users}/{managed} managed accounts)"


def _blocked(plan: Plan, tripped: Iterable[Change], policy: Policy) -> list[Change]:
    if policy.block == "all":
        return list(plan.changes)
    return list({change.key: change for change in (*tripped, *plan.of_kind("delete_user"))}.values())


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
