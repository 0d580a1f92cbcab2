"""When a directory that became smaller is not believed. Pure.

A certified read says what is there; whether it *can* be so is another question. A source, or a group, is held against the last
size that was accepted and against its highest size of the last 7 days, so that a loss is seen whether it comes at once, or a
little at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from connectors.model import normalise_name
from syncd.core.change import Change, Decision, Finding
from syncd.core.plan import Plan

LOOKS_BACK = timedelta(days=7)
"""For so long the highest size counts."""


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """The operator's limits (`shrink:` in the configuration)."""

    max_percent: float = 30.0
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
    highest: int = 0
    """The highest of the last 7 days, since a person last approved of a loss."""


@dataclass(frozen=True, slots=True)
class DaySize:
    """One day in the history of a source's, or group's, certified reads."""

    day: date
    size: int
    """At the last read of the day."""
    highest: int


def highest(history: Iterable[DaySize], today: date) -> int:
    """The highest size of the last 7 days, the one with which they began included; 0 when nothing is known.

    A day that lies ahead counts as well: the clock was wrong, not the read.
    """
    found, begins = 0, today - LOOKS_BACK
    for line in sorted(history, key=lambda line: line.day):
        found = line.size if line.day < begins else max(found, line.highest)
    return found


def shrunk(size: Size, limits: Shrinkage) -> bool:
    """Whether a source or group lost more than is believed without a person's word."""
    return _lost(size, size.before, limits) or _lost(size, size.highest, limits)


def _lost(size: Size, before: int, limits: Shrinkage) -> bool:
    minimum = 1 if size.group is None else limits.group_minimum
    return before >= minimum and (before - size.now) * 100 > limits.max_percent * before


class Absences:
    """The changes of a plan that rest on what a source or a group lost.

    They are sorted by groups once: after a mistake in the directory thousands shrink together, and each is asked for.

    Args:
        plan: the plan.
    """

    def __init__(self, plan: Plan) -> None:
        self._all = (*plan.of_kind("remove_member"), *plan.of_kind("delete_user"))
        self._by_group = plan.removals()

    def of(self, size: Size) -> tuple[str, ...]:
        """The keys of those that rest on this loss."""
        taking: Iterable[Change] = self._all
        if size.group is not None:
            taking = self._by_group.get(normalise_name(size.fluix_group or size.group), ())
        return tuple(change.key for change in taking if size.source in change.taken_from)


def shrinkages(plan: Plan, sizes: Sequence[Size], limits: Shrinkage) -> Iterator[Finding]:
    """One finding for each source or group that shrank, with the changes that rest on it."""
    absences = Absences(plan)
    for size in sizes:
        if shrunk(size, limits):
            keys = absences.of(size)
            # That a source lost half of its people at once is said while they still wait; all else when something rests on it.
            if keys or (size.group is None and _lost(size, size.before, limits)):
                yield Finding("shrink", Decision.HOLD, _message(size, limits), keys)


def _message(size: Size, limits: Shrinkage) -> str:
    what = size.source if size.group is None else f"{size.source}, group {size.group}"
    before, when = size.before, ""
    if not _lost(size, size.before, limits):
        before, when = size.highest, " in the last 7 days"
    percent = (before - size.now) * 100 / before
    people = "accounts" if size.group is None else "members"
    return (
        f"{what} shrank from {before} to {size.now} {people}{when} ({percent:.2f} %, over shrink.max_percent "
        f"{limits.max_percent:g} %): its absences are held"
    )
