"""A person's yes, and what it allows. Fails closed: another digest, a lapsed time or an unnamed item is a no. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from syncd.core.change import Decision
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
