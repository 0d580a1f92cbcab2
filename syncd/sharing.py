"""Changes of a run, applied by workers side by side: given out, waited for, given to others when a worker dies. Decides nothing.

Kind by kind, as the plan orders them; what has anything in common stays together (`core/lanes`). Without workers of the same
calling, and for a target that asks a person, the run does all by itself, as it also does what is left when the last worker dies.
What became of each change is read from the journal, which is the same whoever did it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Final

from connectors.errors import ConnectorError, RetryableError
from connectors.ordering import Ordering
from syncd import log
from syncd.apply import Worker
from syncd.core.change import Change
from syncd.core.lanes import Phase, parcels, phases, share
from syncd.core.report import Applied
from syncd.errors import StoreError
from syncd.store import parcels as kept
from syncd.store import queue
from syncd.store.journal import Journal
from syncd.store.parcels import Parcel, Sender
from syncd.sync import Sync

SIZE: Final = 100
"""How many changes a parcel has at most, where its lanes are short. A target is asked for its groups once or more a parcel, and
takes members of one group together: small ones cost (measured: docs/decisions/0016-many-nodes.md)."""
TRIES: Final = 3
"""Given so often, a parcel is done by the run itself, unless a worker is at it: others may never get through."""
_LOOKS_EVERY: Final = 0.03
_COUNTS_EVERY: Final = 1.0


def apply_shared(sync: Sync, worker: Worker, journal: Journal, sender: Sender, changes: Sequence[Change]) -> Applied:
    """Apply changes in their order, with the help of whatever workers there are.

    Raises:
        ConnectorError: the target could not be reached; what is open is taken up by the next run.
        Interrupted: stopped by a signal, between two batches.
    """
    if isinstance(sync.target, Ordering) or not queue.live_workers(sync.store, sender.calling):
        return worker.apply(sender.plan_id, changes)
    applied, shared = Applied(), _Shared(sync, worker, journal, sender)
    for phase in phases(changes):
        workers = queue.live_workers(sync.store, sender.calling)
        if len(phase.lanes) > 1 and workers:
            applied.add(shared.apply(phase, workers))
        else:
            applied.add(worker.apply(sender.plan_id, phase.changes))
    return applied


def wait_for_others(sync: Sync) -> None:
    """Before what a run before left open is taken up: let its workers put down what they still hold. They can write no more."""
    if sync.store.dialect.name != "postgresql":
        return
    left = kept.of_others(sync.store)
    if left:
        kept.forget(sync.store, [parcel.id for parcel in left])
        _wait_for(sync, left)


def perform(worker: Worker, journal: Journal, parcel: Parcel, changes: Sequence[Change]) -> int:
    """Apply a parcel. What somebody before had begun is taken up first, what ended is left. Returns how many were read back."""
    read_back = 0
    if parcel.attempt > 1:
        read_back += worker.resume(journal.open(parcel.plan_id, parcel.keys)).read_back
        over = journal.ended_keys(parcel.plan_id)
        changes = [change for change in changes if change.key not in over]
    return read_back + worker.apply(parcel.plan_id, changes).read_back


class _Shared:
    """One run's changes in the hands of workers, phase by phase."""

    def __init__(self, sync: Sync, worker: Worker, journal: Journal, sender: Sender) -> None:
        self._sync = sync
        self._worker = worker
        self._journal = journal
        self._sender = sender

    def apply(self, phase: Phase, workers: int) -> Applied:
        """Apply the changes of one kind."""
        changes = phase.changes
        parts = parcels(phase.lanes, share(len(changes), workers, SIZE))
        numbers = kept.give(self._sync.store, self._sender, parts)
        log.tell("parcels_given", parcels=len(numbers), changes=len(changes))
        try:
            read_back = self._wait(numbers)
        except BaseException:
            with contextlib.suppress(StoreError):
                left = kept.all_of(self._sync.store, numbers)
                kept.forget(self._sync.store, numbers)
                _wait_for(self._sync, left)
            raise
        applied = self._journal.ended(self._sender.plan_id, changes)
        applied.read_back = read_back
        kept.forget(self._sync.store, numbers)
        return applied

    def _wait(self, numbers: list[int]) -> int:
        told, counted = set[int](), time.monotonic()
        while True:
            there = kept.all_of(self._sync.store, numbers)
            for parcel in there:
                if parcel.state == "done" and parcel.id not in told:
                    told.add(parcel.id)
                    self._sync.progress("applied", len(parcel.keys))
            if failed := next((parcel for parcel in there if parcel.state == "failed"), None):
                raise _error(failed)
            if len(told) == len(numbers):
                return sum((parcel.result or {}).get("read_back", 0) for parcel in there)
            if time.monotonic() - counted >= _COUNTS_EVERY:
                counted = time.monotonic()
                self._look_after(there)
            time.sleep(_LOOKS_EVERY)

    def _look_after(self, there: Sequence[Parcel]) -> None:
        """What a dead worker held goes to another one. With none left it is done here, and also what none gets done."""
        store, calling = self._sync.store, self._sender.calling
        tries = TRIES if queue.live_workers(store, calling) else 0
        if again := kept.give_again(store, calling, [parcel.id for parcel in there if parcel.attempt < tries]):
            log.tell("parcels_given_again", parcels=len(again))
        for parcel in kept.take_back(store, [parcel.id for parcel in there if parcel.attempt >= tries]):
            read_back = perform(self._worker, self._journal, parcel, kept.changes_of(store, parcel))
            kept.end(store, parcel.id, "done", {"read_back": read_back})


def _wait_for(sync: Sync, left: Sequence[Parcel]) -> None:
    """Until no live worker is at one of these: it is in the middle of a call, which two should not make at once."""
    jobs = [parcel.job_id for parcel in left if parcel.job_id]
    while jobs and queue.held(sync.store, jobs):
        time.sleep(_LOOKS_EVERY)


def _error(parcel: Parcel) -> Exception:
    told = parcel.result or {}
    what, where, cure = told.get("what", ""), told.get("where", ""), told.get("cure", "")
    if told.get("of") == "store":
        return StoreError(what, where=where, cure=cure)
    kind: Callable[..., ConnectorError] = RetryableError if told.get("retryable") else ConnectorError
    return kind(what, where=where, cure=cure)
