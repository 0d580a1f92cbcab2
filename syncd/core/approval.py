"""A person's yes, and what it allows. Fails closed: another digest, a lapsed time or an unnamed item is a no. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.core.change import Change, Decision
from syncd.core.plan import Plan


@dataclass(frozen=True, slots=True)
class Approval:
    """Who said yes to which changes of which plan, and until when it holds."""

    digest: str
    """Of the plan that was looked at."""
    keys: frozenset[str]
    """The changes, named one by one: what was not there when it was given is never approved by it."""
    approver: str
    comment: str
    approved_at: datetime
    expires_at: datetime

    def holds(self, digest: str, now: datetime) -> bool:
        """Whether it speaks of this plan, now."""
        return self.digest == digest and self.approved_at <= now < self.expires_at


class UnknownKeyError(ValueError):
    """An approval names changes that wait for none: they are not in the plan, not held, or refused."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = tuple(sorted(keys))
        super().__init__(f"no held changes of this plan: {', '.join(self.keys)}")


class MeanwhileError(ValueError):
    """Others approved of the same plan, after it was looked at."""

    def __init__(self, approvals: Sequence[Approval]) -> None:
        self.approvals = tuple(approvals)
        super().__init__(
            "; ".join(
                f"{one.approver} approved {len(one.keys)} of it at {one.approved_at:%H:%M} UTC" for one in approvals
            )
        )


def choose(decisions: Mapping[str, Decision], only: Iterable[str] = (), without: Iterable[str] = ()) -> frozenset[str]:
    """The held changes that an approval names.

    Args:
        decisions: of the plan's changes.
        only: keys to approve; none means every held change.
        without: keys to leave out.

    Raises:
        UnknownKeyError: `only` or `without` names something that is not held.
    """
    held = {key for key, decision in decisions.items() if decision is Decision.HOLD}
    wanted, left_out = frozenset(only), frozenset(without)
    if unknown := (wanted | left_out) - held:
        raise UnknownKeyError(unknown)
    return (wanted or frozenset(held)) - left_out


def decide(
    plan: Plan, decisions: Mapping[str, Decision], approvals: Iterable[Approval], now: datetime
) -> dict[str, Decision]:
    """What may be applied now: a held change that an approval names proceeds; a refused one never does."""
    approved = frozenset[str]().union(*(approval.keys for approval in approvals if approval.holds(plan.digest, now)))
    return {
        key: Decision.PROCEED if decision is Decision.HOLD and key in approved else decision
        for key, decision in decisions.items()
    }


def same_person(one: str, other: str) -> bool:
    """Whether two actors are one person: `maria`, and `maria as root`, who became root by sudo."""
    return _who(one) == _who(other)


def _who(actor: str) -> str:
    return actor.partition(" as ")[0].strip().casefold()


@dataclass(frozen=True, slots=True)
class Since:
    """What an approved plan and a newer one differ in."""

    added: tuple[str, ...]
    """Keys that wait for a yes now, and that the approval does not name."""
    gone: tuple[str, ...]
    """Keys that were approved, and do not wait any more."""
    other: tuple[str, ...]
    """Keys that were approved, and whose change is another one now."""
    same: tuple[str, ...]
    """Keys that were approved, and wait just so: they are asked again, because what else is done has changed."""


def since(approved: Iterable[Change], before: Iterable[Change], waiting: Iterable[Change]) -> Since:
    """Compare what was approved with what waits now.

    Args:
        approved: the changes that the approval names.
        before: all changes that waited in the plan that was approved.
        waiting: all changes that wait in the new plan.
    """
    named = {change.key: change for change in approved}
    known, now = {change.key for change in before}, {change.key: change for change in waiting}
    kept = named.keys() & now.keys()
    return Since(
        tuple(sorted(now.keys() - known)),
        tuple(sorted(named.keys() - now.keys())),
        tuple(sorted(key for key in kept if now[key] != named[key])),
        tuple(sorted(key for key in kept if now[key] == named[key])),
    )


def ask_again(plan_id: int, approval: Approval, found: Since) -> str:
    """The sentence with which a plan that has changed asks again, and says what changed."""
    parts = [
        f"{len(keys)} {what} ({_few(keys)})"
        for keys, what in ((found.added, "added"), (found.gone, "gone"), (found.other, "changed"))
        if keys
    ]
    if found.same:
        parts.append(f"{len(found.same)} as they were")
    when = f"{approval.approved_at:%Y-%m-%d %H:%M} UTC"
    return (
        f"approved on {when} by {approval.approver} as plan p{plan_id}; since then: {', '.join(parts)}: approve again"
    )


_SHOWN = 5


def _few(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return ", ".join(keys[:_SHOWN]) + more
