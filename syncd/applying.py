"""What applies a run's changes, put together: the loop, its journal, and what it asks the store right before a change is made.

The run itself uses it, and a worker that was given a part of the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

from syncd import heirs
from syncd.apply import Worker
from syncd.core.change import RecordKey
from syncd.core.humans import Verdict
from syncd.store import accounts, clusters, runs
from syncd.store.journal import Journal
from syncd.store.ledger import Ledger
from syncd.sync import Sync


def worker_of(sync: Sync, run_id: int, *, fresh: bool = False) -> tuple[Worker, Journal]:
    """The loop of a run, and its journal."""
    journal = Journal(sync.store, run_id, sync.actor, sync.clock)
    worker = Worker(
        sync.target,
        Ledger(journal, sync.store, run_id, sync.actor, sync.clock),
        asking=lambda keys: clusters.asking(sync.store, keys, sync.rules),
        leaving=lambda keys: clusters.leaving(verdicts_now(sync, keys), replace(sync.ground, now=sync.clock())),
        taking_over=lambda keys: clusters.taking_over(verdicts_now(sync, keys)),
        account_id=cache(lambda email: accounts.id_of(sync.store, email)),
        leaves=cache(lambda email: heirs.leaves(sync, email)),
        fresh=fresh,
        sampling=sync.sampling,
        critical=sync.critical,
        progress=lambda count: sync.progress("applied", count),
    )
    return worker, journal


def verdicts_now(sync: Sync, keys: Iterable[RecordKey]) -> Iterator[Verdict]:
    """What a plan would say of these records, by the directory as it was last read."""
    trust = runs.trust_of(runs.last_reads(sync.store, sync.sources).values())
    return clusters.verdicts(sync.store, keys, sync.rules, trust, adopt=sync.adopt, precedence=tuple(sync.sources))
