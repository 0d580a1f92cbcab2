"""Whether a run goes on from where the last one ended: by the clock, and by the store. Pure.

Grace, budgets and certified absences are times and counts that the store keeps. They mean nothing when the clock jumped, or when
the store is an old one (restored from a backup) and does not know what was done since. Then deletions are held: until a person
approved of one plan with them, or until enough time has passed in which everything was counted anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Literal

from syncd.core.change import Decision, Finding
from syncd.core.plan import Plan

BACK = timedelta(minutes=5)
"""A clock may be set back by so much without a word: clocks are."""

FORWARD = timedelta(days=30)
"""So long no run is a holiday; longer is a clock that jumped, or a house that stood still."""

_UNUSUAL = 3
"""How many times the usual time between two runs is unusual."""

_ENOUGH_GAPS = 3
"""From so many gaps the usual one is known."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why deletions are held."""

    check: Literal["clock", "restored"]
    message: str
    """What was seen, as half a sentence that does not change from run to run."""
    until: datetime
    """When it ends by itself."""


@dataclass(frozen=True, slots=True)
class Witness:
    """What stands beside the store, and is not restored with it: how far the last run had come."""

    run: int
    place: int
    """Of the audit's last row."""
    digest: str
    """That row's hash."""


def clock(now: datetime, before: Sequence[datetime], lasts: timedelta) -> Doubt | None:
    """Whether the clock jumped since the last run.

    Args:
        now: when this run began.
        before: when the runs before it began, the last one first.
        lasts: how long the doubt lasts.
    """
    if not before:
        return None
    last = before[0]
    if now < last - BACK:
        said = f"this run began at {_at(now)}, before the last one ({_at(last)}): the clock was set back"
    elif now - last > max(FORWARD, _UNUSUAL * (usual(before) or timedelta(0))):
        days = (now - last).days
        said = f"this run began at {_at(now)}, {days} days after the last one ({_at(last)}): nothing was read meanwhile"
    else:
        return None
    return Doubt("clock", said, now + lasts)


def usual(begins: Sequence[datetime]) -> timedelta | None:
    """The usual time between two runs; None while too few are known."""
    gaps = [abs((later - earlier).total_seconds()) for later, earlier in pairwise(begins)]
    return timedelta(seconds=median(gaps)) if len(gaps) >= _ENOUGH_GAPS else None


def behind(witness: Witness | None, last_run: int, digest: str | None, now: datetime, lasts: timedelta) -> Doubt | None:
    """Whether the store is older than what stands beside it.

    Args:
        witness: see there; None when there is none.
        last_run: the number of the last run that the store knows.
        digest: the hash of the audit's row at the witness's place; None when there is no such row.
        now: the time.
        lasts: how long the doubt lasts.
    """
    if witness is None or not last_run or (last_run >= witness.run and (digest == witness.digest or not witness.place)):
        return None  # also for a new store: it owns nothing, and counts from the beginning
    if last_run < witness.run:
        said = f"the store knows runs up to r{last_run}, and r{witness.run} was made: it is an older copy"
    else:
        said = f"the store's audit is not the one that run r{witness.run} ended with: it is another copy"
    return Doubt("restored", f"{said}, and what was done since is not known", now + lasts)


def unknown_deeds(
    now: datetime, before: Sequence[datetime], appeared: int, vanished: int, lasts: timedelta
) -> Doubt | None:
    """Whether somebody did our work while this store knows of no run: the sign of an old copy where nothing stands beside it.

    Args:
        now: when this run began.
        before: when the runs before it began, the last one first.
        appeared: how many accounts are there of people who are new to this store.
        vanished: how many of the accounts that we own are gone, though their people are still there.
        lasts: how long the doubt lasts.
    """
    often = usual(before)
    if often is None or not appeared + vanished or now - before[0] <= max(timedelta(days=1), _UNUSUAL * often):
        return None
    said = (
        f"since the last run that the store knows ({_at(before[0])}) {appeared} accounts of new people appeared and "
        f"{vanished} of ours vanished: it may be an older copy"
    )
    return Doubt("restored", said, now + lasts)


def standing(kept: Iterable[Doubt], found: Iterable[Doubt], now: datetime, lasts: timedelta) -> list[Doubt]:
    """The doubts that hold now: those of before that did not end, and new ones in the place of older of the same check.

    Where the clock was set back none lasts longer than a new one would.
    """
    still = {one.check: replace(one, until=min(one.until, now + lasts)) for one in kept if one.until > now}
    return list((still | {one.check: one for one in found}).values())


def findings(doubts: Iterable[Doubt], plan: Plan) -> Iterable[Finding]:
    """What is said of each doubt: it holds the plan's deletions; without any it is but worth knowing."""
    keys = tuple(change.key for change in plan.of_kind("delete_user"))
    for one in doubts:
        message = f"{one.message}. Deletions are held until {_at(one.until)}, or until somebody approves"
        yield Finding(one.check, Decision.HOLD if keys else Decision.PROCEED, message, keys)


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
