"""What two configurations make of the same people: what only one of them would change, decide or say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from syncd.core.change import Change, Decision, Finding
from syncd.core.plan import Plan
from syncd.core.safety import Review


@dataclass(frozen=True, slots=True)
class Outlook:
    """What one configuration would plan."""

    plan: Plan
    review: Review


@dataclass(frozen=True, slots=True)
class Otherwise:
    """A change that both would make, with other values or another decision."""

    now: Change
    then: Change
    decided_now: Decision
    decided_then: Decision


@dataclass(frozen=True, slots=True)
class Contrast:
    """The difference of two outlooks; what both say alike is left out."""

    only_now: tuple[tuple[Change, Decision], ...]
    only_then: tuple[tuple[Change, Decision], ...]
    otherwise: tuple[Otherwise, ...]
    findings_now: tuple[Finding, ...]
    """Those that would not come any more."""
    findings_then: tuple[Finding, ...]
    """Those that would come."""
    adopted: tuple[int, int]
    """How many accounts, there already, would become ours: now, and then."""

    @property
    def same(self) -> bool:
        """Whether it makes no difference at all."""
        found = (self.only_now, self.only_then, self.otherwise, self.findings_now, self.findings_then)
        return not any(found) and self.adopted[0] == self.adopted[1]


def contrast(now: Outlook, then: Outlook) -> Contrast:
    """Compare what the present configuration would do with what another one would."""
    here = {change.key: change for change in now.plan.changes}
    there = {change.key: change for change in then.plan.changes}
    both = [(here[key], there[key]) for key in here if key in there]
    pairs = [
        Otherwise(one, other, now.review.decisions[one.key], then.review.decisions[other.key]) for one, other in both
    ]
    return Contrast(
        only_now=_only(now, there),
        only_then=_only(then, here),
        otherwise=tuple(
            pair
            for pair in pairs
            if pair.decided_now is not pair.decided_then or _values(pair.now) != _values(pair.then)
        ),
        findings_now=_unmet(now.review.findings, then.review.findings),
        findings_then=_unmet(then.review.findings, now.review.findings),
        adopted=(len(now.plan.links), len(then.plan.links)),
    )


def _only(outlook: Outlook, other: Mapping[str, Change]) -> tuple[tuple[Change, Decision], ...]:
    decisions = outlook.review.decisions
    return tuple((change, decisions[change.key]) for change in outlook.plan.changes if change.key not in other)


def _values(change: Change) -> tuple[object, ...]:
    return change.before, change.after, change.fluix_id


def _unmet(findings: Iterable[Finding], others: Iterable[Finding]) -> tuple[Finding, ...]:
    said = {(finding.check, finding.decision, finding.message) for finding in others}
    return tuple(one for one in findings if (one.check, one.decision, one.message) not in said)
