"""How much may change before a person is asked: each kind on its own, in one run, in 24 hours and in 7 days. Pure.

The windows of time are for the slow leak: one deletion a run is no accident, a hundred of them in a week may be. What was done
counts whoever approved it; together with what this plan would add it must stay within the limit. A limit that is exceeded holds
all of the kind in this plan, and not just what is over it: nobody could say which of them are the wrong ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from connectors.model import normalise_name
from syncd.core.change import Change, Decision, Finding
from syncd.core.plan import Plan

BudgetKind = Literal["create", "update", "email_change", "delete", "remove_member", "admin"]
Window = Literal["run", "day", "week"]
WINDOWS: tuple[Window, ...] = get_args(Window)

_IS: Mapping[BudgetKind, Callable[[Change], bool]] = {
    "create": lambda change: change.kind == "create_user",
    "update": lambda change: change.kind == "update_user" and not change.changes_email,
    "email_change": lambda change: change.changes_email,
    "delete": lambda change: change.kind == "delete_user",
    "remove_member": lambda change: change.kind == "remove_member",
    "admin": lambda change: change.admin,
}

_NAMES: Mapping[BudgetKind, tuple[str, str]] = {
    "create": ("new account", "new accounts"),
    "update": ("changed name", "changed names"),
    "email_change": ("changed email", "changed emails"),
    "delete": ("deletion", "deletions"),
    "remove_member": ("removal from groups", "removals from groups"),
    "admin": ("change of admins", "changes of admins"),
}

_LAST: Mapping[Window, str] = {"run": "", "day": "24 hours", "week": "7 days"}


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget for one kind of change: what is over any of its figures is held."""

    count: int | None = None
    percent: float | None = None
    """Of the managed accounts, counted by users concerned; in `per_group`, of the group's members."""
    per_group: Limit | None = None
    """For removals from groups: the limit of each group by itself."""


@dataclass(frozen=True, slots=True)
class Budgets:
    """The operator's limits (`budgets:` in the configuration)."""

    run: Mapping[BudgetKind, Limit] = field(default_factory=dict)
    day: Mapping[BudgetKind, Limit] = field(default_factory=dict)
    week: Mapping[BudgetKind, Limit] = field(default_factory=dict)
    minimum_population: int = 20
    """Percentages are not applied to fewer accounts, or members of a group."""
    block: Literal["deletes", "kind", "all"] = "deletes"
    """What a tripped budget holds besides its own kind."""

    def of(self, window: Window) -> Mapping[BudgetKind, Limit]:
        """The limits of one window."""
        limits: Mapping[BudgetKind, Limit] = getattr(self, window)
        return limits

    def watches(self, kind: BudgetKind) -> bool:
        """Whether any window limits this kind."""
        return any(kind in self.of(window) for window in WINDOWS)

    @property
    def each_group(self) -> bool:
        """Whether any window limits the removals from each group by itself."""
        return any(limit.per_group for window in WINDOWS for limit in self.of(window).values())


@dataclass(frozen=True, slots=True)
class Tally:
    """How many changes, of how many users."""

    changes: int = 0
    users: int = 0

    def __add__(self, other: Tally) -> Tally:
        """Both together; a user of both counts twice, which errs on the careful side."""
        return Tally(self.changes + other.changes, self.users + other.users)


Tallies = Mapping[tuple[BudgetKind, str], Tally]
"""By kind and group (as compared; empty: whatever the group)."""

NOTHING = Tally()


@dataclass(frozen=True, slots=True)
class Past:
    """What was done in the windows before this plan, and in what it was done to."""

    day: Tallies = field(default_factory=dict)
    week: Tallies = field(default_factory=dict)

    def of(self, window: Window) -> Tallies:
        """What was done in a window; before a run nothing of it was."""
        return {"run": {}, "day": self.day, "week": self.week}[window]


def count(changes: Iterable[Change]) -> dict[tuple[BudgetKind, str], Tally]:
    """How many of each kind there are, and of removals also how many from each group."""
    found: dict[tuple[BudgetKind, str], list[str]] = {}
    for change in changes:
        for kind, belongs in _IS.items():
            if belongs(change):
                user = change.fluix_id or change.user or ""
                found.setdefault((kind, ""), []).append(user)
                if kind == "remove_member":
                    found.setdefault((kind, normalise_name(change.group or "")), []).append(user)
    return {key: Tally(len(users), len(set(users))) for key, users in found.items()}


@dataclass(frozen=True, slots=True)
class Ground:
    """What the budgets are held against."""

    past: Past
    managed: int
    """How many accounts are linked."""
    members: Mapping[str, int]
    """Of groups (as compared) from which somebody is removed; one that is missing is not measured in percent."""


def exceeded(plan: Plan, budgets: Budgets, ground: Ground) -> Iterator[Finding]:
    """One finding for each budget that this plan would exceed."""
    planned = count(plan.changes)
    for window in WINDOWS:
        done = ground.past.of(window)
        managed = ground.managed + done.get(("delete", ""), NOTHING).users
        for kind, limit in budgets.of(window).items():
            measure = _Measure(window, kind, budgets.minimum_population)
            now, before = planned.get((kind, ""), NOTHING), done.get((kind, ""), NOTHING)
            if now.changes and (over := measure.over(limit, now + before, managed, "managed accounts")):
                changes = [change for change in plan.changes if _IS[kind](change)]
                yield _finding(changes, _besides(plan, budgets), f"{measure.said(now, before)}: {over}")
            if limit.per_group:
                yield from _from_groups(plan, budgets, window, limit.per_group, ground)


def _from_groups(plan: Plan, budgets: Budgets, window: Window, limit: Limit, ground: Ground) -> Iterator[Finding]:
    """The same for the removals from each group by itself."""
    measure = _Measure(window, "remove_member", budgets.minimum_population, "per_group.")
    besides = _besides(plan, budgets)
    for group, changes in plan.removals().items():
        now = count(changes)["remove_member", ""]
        before = ground.past.of(window).get(("remove_member", group), NOTHING)
        members = ground.members[group] + before.users if group in ground.members else 0
        if over := measure.over(limit, now + before, members, "members"):
            yield _finding(changes, besides, f"{measure.said(now, before, changes[0].group)}: {over}")
            besides = ()  # the first of them holds that already; thousands of groups may follow


@dataclass(frozen=True, slots=True)
class _Measure:
    """One limit, held against a number."""

    window: Window
    kind: BudgetKind
    minimum: int
    part: str = ""

    def over(self, limit: Limit, both: Tally, base: int, what: str) -> str:
        """What is exceeded, and by how much; empty when nothing is."""
        key = f"budgets.{self.window}.{self.kind}.{self.part}"
        parts = []
        if limit.count is not None and both.changes > limit.count:
            parts.append(f"{both.changes} is over the budget of {limit.count} a {self.window} ({key}count)")
        if limit.percent is not None and base >= max(1, self.minimum) and both.users * 100 > limit.percent * base:
            parts.append(
                f"{both.users * 100 / base:.2f} % is over the budget of {limit.percent:g} % "
                f"({both.users}/{base} {what}; {key}percent)"
            )
        return " and ".join(parts)

    def said(self, now: Tally, before: Tally, group: str | None = None) -> str:
        """What is counted: `14 deletions in the last 7 days and 3 in this plan`."""

        def named(number: int) -> str:
            name = _NAMES[self.kind][number != 1]
            return f"{number} {name if group is None else name.replace('groups', group)}"

        if self.window == "run":
            return f"{named(now.changes)} in this plan"
        return f"{named(before.changes)} in the last {_LAST[self.window]} and {now.changes} in this plan"


def _besides(plan: Plan, budgets: Budgets) -> Sequence[Change]:
    """What a tripped budget holds besides what it counts."""
    return {"all": plan.changes, "deletes": plan.of_kind("delete_user"), "kind": ()}[budgets.block]


def _finding(tripped: Iterable[Change], besides: Sequence[Change], message: str) -> Finding:
    keys = tuple(dict.fromkeys(change.key for change in (*tripped, *besides)))
    return Finding("budget", Decision.HOLD, message, keys)


def dated_ahead(changes: int, until: datetime) -> Finding:
    """What is said of counts from a time that has not come yet."""
    message = (
        f"{changes} counted changes are dated ahead, up to {until:%Y-%m-%d %H:%M} UTC: the clock was wrong then, or is now. "
        "The budgets of 24 hours and 7 days take them for done now"
    )
    return Finding("clock", Decision.PROCEED, message)
