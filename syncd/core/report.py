"""What a run came to, as values: what is shown to people and printed for programs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from syncd.core.change import Change, Decision, worst
from syncd.core.plan import Plan
from syncd.core.safety import Review, SourceRead


@dataclass(slots=True)
class Applied:
    """What became of changes: counted from what the target acknowledged."""

    done: Counter[str] = field(default_factory=Counter)
    """By kind."""
    failed: list[tuple[Change, str]] = field(default_factory=list)
    stale: list[tuple[Change, str]] = field(default_factory=list)
    """Changes that dropped out, because the account is not as it was when they were planned."""
    unproven: list[tuple[Change, str]] = field(default_factory=list)
    """Changes that the target acknowledged and, as the read-back found, does not hold. They are not among `done`."""
    read_back: int = 0
    """How many acknowledged changes were read back."""
    ordered: Counter[str] = field(default_factory=Counter)
    """By kind: what a person was asked to do, and that is not done before a later read shows it."""

    def add(self, other: Applied) -> None:
        """Count what became of other changes of the same plan as well."""
        self.done += other.done
        self.ordered += other.ordered
        self.failed += other.failed
        self.stale += other.stale
        self.unproven += other.unproven
        self.read_back += other.read_back


@dataclass(frozen=True, slots=True)
class Report:
    """A plan, what was decided, and what was done of it."""

    run_id: int
    plan_id: int
    plan: Plan
    review: Review
    sources: Sequence[SourceRead]
    decisions: Mapping[str, Decision]
    """What was decided for each change, after approvals."""
    applied: Applied | None = None
    """None when nothing was to be applied."""
    skipped: int = 0
    """How many changes were not let through."""
    already_done: int = 0
    """How many changes of the plan an earlier call had done."""
    resumed: int = 0
    """How many changes that an earlier run had left open were finished first."""

    @property
    def decision(self) -> Decision:
        """The run's: the worst of what its changes came to, and of the findings that are not about a change."""
        loose = (finding.decision for finding in self.review.findings if not finding.changes)
        return worst((*self.decisions.values(), *loose))

    @property
    def outcome(self) -> dict[str, int]:
        """How many changes were done, failed, dropped out, and were not let through.

        Where there are such: how many of the failed ones are unproven, and how many were ordered, where a person does them.
        """
        applied = self.applied or Applied()
        counts = {
            "done": applied.done.total(),
            "failed": len(applied.failed) + len(applied.unproven),
            "stale": len(applied.stale),
            "skipped": self.skipped,
        }
        more = {"unproven": len(applied.unproven), "ordered": applied.ordered.total()}
        return counts | {name: count for name, count in more.items() if count}
