"""What another configuration would do to the same people, worked out on a copy of the store: nothing outside is asked or told.

Both configurations take the steps of a run from the records as they were last read, as if they had just been read so
again: resolve, diff, review. Neither is decided here; `core.outlook` compares what they came to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Engine

from connectors.base import Capabilities
from connectors.model import Account, AccountGroup, Certificate, Dossier, Outcome, Step
from syncd.comparing import (
    Compared,
    compare_clusters,
    facts,
    look_at_adoptions,
    look_at_leavers,
    look_at_returners,
    mark_admins,
)
from syncd.core import safety
from syncd.core.groups import merged
from syncd.core.outlook import Contrast, Outlook, contrast
from syncd.core.plan import Plan
from syncd.errors import UsageError
from syncd.reading import SourcesRead
from syncd.reading_account import frozen_groups, known_groups, renames_known
from syncd.sayings import Said
from syncd.store import clusters, continuity, runs
from syncd.store.scratch import scratch_copy
from syncd.store.sql import chunks
from syncd.sync import Request, Sync

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Compare:
    """Two configurations' parts, on the same store."""

    now: Sync
    then: Sync
    dossiers: Callable[[Iterable[str]], Mapping[str, Dossier]]
    """What is known of accounts without asking outside; whoever it leaves out is unknown, and unknown is never safe."""
    seats: Callable[[], tuple[int, int] | None]


def whatif(both: Compare) -> tuple[Outlook, Outlook, Contrast]:
    """What the one would plan, what the other would, and the difference.

    Raises:
        UsageError: no source was ever read, so there is nothing to compare on.
    """
    store, now = both.now.store, both.now.clock()
    if not runs.last_reads(store, both.now.sources):
        raise UsageError(
            Said("no source was read yet: there are no records to compare on"), cure=Said("begin with `syncd plan`")
        )
    with scratch_copy(store, both.now.progress) as copy:
        _all_dirty(both.now, copy, worked_out=runs.recall(store, "rules") == both.now.rules_digest)
        one = _outlook(both, both.now, copy, now)
        _all_dirty(both.then, copy, worked_out=both.then.rules.mapping == both.now.rules.mapping)
        other = _outlook(both, both.then, copy, now)
    return one, other, contrast(one, other)


def _all_dirty(sync: Sync, copy: Engine, *, worked_out: bool) -> None:
    """Look at everybody; where the addresses in the copy are those of other rules, work them out first."""
    if worked_out:
        clusters.touch_all(copy)
    else:
        clusters.dirty_all(copy, sync.rules)


def _outlook(both: Compare, real: Sync, copy: Engine, now: datetime) -> Outlook:
    """The middle steps of a run (`syncd.run`), and nothing of it is kept."""
    sync = replace(real, store=copy, target=_Untouched(real.target.capabilities, both.dossiers, both.seats))
    request = Request("whatif")
    lines = runs.last_reads(copy, sync.sources)
    there = known_groups(copy)
    renamed = renames_known(copy, sync.sources, sync.rules, there)
    ground = replace(
        sync.ground,
        now=now,
        groups=there,
        renames=renamed.moved,
        frozen=frozen_groups(sync.rules, lines.values()),
        counted=frozenset(line.name for line in lines.values() if line.certified),
        create_groups=sync.ground.create_groups and "create_group" in sync.target.capabilities.verbs,
    )
    compared = Compared()
    found = clusters.dirty_clusters(copy, sync.rules, runs.trust_of(lines.values()))
    for part in chunks(found, _PAGE):
        compare_clusters(sync, part, ground, compared)
        compared.settled.clear()
        sync.progress("compared", len(part))
    compared.findings += [*renamed.findings, *merged(renamed.merges, compared.changes).findings]
    admins = look_at_leavers(sync, compared)
    look_at_returners(sync, request, compared, now)
    possible, impossible = safety.within((*renamed.changes, *compared.changes), sync.target.capabilities.verbs)
    compared.findings += impossible
    look_at_adoptions(sync, request, compared)
    plan = Plan.of(mark_admins(sync, possible), compared.adoptions)
    read = SourcesRead(now, lines)
    known = facts(sync, request, compared, read, admins=admins, doubts=continuity.doubts(copy), plan=plan)
    return Outlook(plan, safety.review(plan, known, sync.policy))


class _Untouched:
    """Stands where the target is: tells what it can do, and what is known without asking it."""

    def __init__(
        self,
        capabilities: Capabilities,
        dossiers: Callable[[Iterable[str]], Mapping[str, Dossier]],
        seats: Callable[[], tuple[int, int] | None],
    ) -> None:
        self.capabilities = capabilities
        self.dossiers = dossiers
        self.seats = seats

    def read(self) -> Iterator[AccountGroup | Account | Certificate]:
        """Never."""
        raise AssertionError("nothing is read here")

    def get(self, fluix_ids: Iterable[str]) -> Mapping[str, Account]:
        """Never."""
        raise AssertionError(f"nobody is asked for here: {fluix_ids}")

    def apply(self, steps: Sequence[Step]) -> Sequence[Outcome]:
        """Never."""
        raise AssertionError(f"nothing is done here: {steps}")

    def check(self) -> Iterable[str]:
        """Never."""
        raise AssertionError("nothing is checked here")
