"""Between two runs: whether this one goes on from where the last one ended, and what a person's approval brings to an end."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from syncd.core import continuity
from syncd.core.change import Decision
from syncd.core.continuity import Doubt
from syncd.store import continuity as kept
from syncd.store import size_history, sizes
from syncd.store.plans import StoredPlan
from syncd.sync import Sync

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)


def go_on(sync: Sync, run_id: int, now: datetime) -> None:
    """Look at the clock and at the note beside the store, and note that this run began."""
    before = kept.begins(sync.store, run_id)
    witness = kept.witness(sync.store)
    digest = kept.row_hash(sync.store, witness.place) if witness else None
    last_run = run_id - 1 if before else 0
    found = [
        continuity.clock(now, before, max(_DAY, sync.ground.grace)),
        continuity.behind(witness, last_run, digest, now, _lasts(sync)),
    ]
    kept.keep(sync.store, _standing(sync, found, now))
    kept.bear_witness(sync.store, run_id)


def doubt_deeds(sync: Sync, run_id: int, now: datetime, appeared: int, vanished: int) -> list[Doubt]:
    """The doubts that hold for this run, after its account was read and compared."""
    found = continuity.unknown_deeds(now, kept.begins(sync.store, run_id), appeared, vanished, _lasts(sync))
    standing = _standing(sync, [], now)
    if found and all(doubt.check != found.check for doubt in standing):
        standing.append(found)
    kept.keep(sync.store, standing)
    return standing


def let_through(sync: Sync, stored: StoredPlan, done: Collection[str]) -> None:
    """What follows when all that was held for one reason was done: a person looked at it, and it is no question any more."""
    over = frozenset(done)
    accepted = [row for row in stored.accepts if over.issuperset(row[3])]
    sizes.accept(sync.store, [(source, group, size) for source, group, size, _ in accepted])
    size_history.begin_anew(sync.store, [(source, group) for source, group, _, keys in accepted if keys])
    answered = {
        finding.check
        for finding in stored.review.findings
        if finding.decision is Decision.HOLD and finding.changes and over.issuperset(finding.changes)
    }
    kept.keep(sync.store, [doubt for doubt in kept.doubts(sync.store) if doubt.check not in answered])


def _lasts(sync: Sync) -> timedelta:
    return max(_WEEK, sync.ground.grace)


def _standing(sync: Sync, found: Iterable[Doubt | None], now: datetime) -> list[Doubt]:
    return continuity.standing(kept.doubts(sync.store), [one for one in found if one], now, _lasts(sync))
