"""The journalled loop: recheck, write the intent, do it, read it back, write what became of it. Nothing is decided here.

A change becomes one or more steps (`core/saga`). What a target acknowledges and does not hold (`core/proof`) is written down
as unproven: nothing follows from it. What a killed process left open is taken up by `resume`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import groupby, islice, takewhile
from typing import Protocol

from connectors.base import Target
from connectors.model import AccountGroup, Outcome, Step, normalise_name
from connectors.ordering import Ordering
from syncd.core.change import Change, RecordKey
from syncd.core.proof import EACH_TWENTY, Sampling, groups_told, unproven
from syncd.core.recheck import Asking, replaced, stale_in_account, stale_in_directory
from syncd.core.report import Applied
from syncd.core.saga import Verify, Work, as_step, steps, tied

BATCH = 500
"""How many changes are journalled and done together."""

Placed = tuple[Change, int, Work]
"""A change, the place of a step inside it, and the step."""

Ended = tuple[Change, Work, Outcome]
"""A change, a step of it, and what became of it."""

_VERIFIED = "no documents, no workflows, its role as planned, its person still gone"


class Journal(Protocol):
    """What the loop writes; `syncd.store.journal.Journal` keeps it."""

    def intend(self, plan_id: int, steps: Iterable[Placed]) -> None:
        """Before."""
        ...

    def conclude(self, ended: Sequence[Ended], doubted: Mapping[str, str]) -> None:
        """After. `doubted`: operations that were acknowledged and are unproven -> why."""
        ...

    def drop(self, plan_id: int, stale: Iterable[tuple[Change, Work, str]]) -> None:
        """Never done."""
        ...


@dataclass(frozen=True, slots=True)
class Worker:
    """What applying needs.

    Args:
        target: the account.
        journal: see there.
        asking: what the live ones among these records ask for.
        leaving: which accounts the people behind these records leave, as the directory is known now, and for certain.
        taking_over: which new records would take over which accounts, as the directory is known now.
        fresh: whether the plan was made just now, under the same lock: then the directory is asked about deletions only.
        sampling: how many of the acknowledged changes are read back.
        account_id: the id of the account with this email; None when there is none.
        leaves: whether the person with this email leaves, or is to.
        critical: a block that a signal does not break.
        progress: is told how many changes ended.
    """

    target: Target
    journal: Journal
    asking: Callable[[Iterable[RecordKey]], Asking]
    leaving: Callable[[Iterable[RecordKey]], Collection[str]]
    account_id: Callable[[str], str | None]
    leaves: Callable[[str], bool] = lambda _email: False
    taking_over: Callable[[Iterable[RecordKey]], Collection[tuple[RecordKey, str]]] = lambda _keys: ()
    fresh: bool = False
    sampling: Sampling = EACH_TWENTY
    critical: Callable[[], AbstractContextManager[None]] = nullcontext
    progress: Callable[[int], None] = lambda _count: None

    def apply(self, plan_id: int, changes: Iterable[Change]) -> Applied:
        """Apply changes in their order, batch by batch.

        Raises:
            ConnectorError: the target could not be reached; what is open is taken up by the next run.
            Interrupted: stopped by a signal, between two batches.
        """
        applied = Applied()
        ordering = isinstance(self.target, Ordering)
        for batch in _batches(changes):
            fitting = self._recheck(plan_id, batch, applied)
            placed = [
                (change, place, step)
                for change in fitting
                for place, step in steps(plan_id, change, self._receiver(change) or "", verify=not ordering)
            ]
            with self.critical():
                self.journal.intend(plan_id, placed)
                self._do(placed, applied)
            self.progress(len(batch))
        if isinstance(self.target, Ordering):
            with self.critical():
                self.target.deliver()
        return applied

    def resume(self, open_steps: Iterable[tuple[int, Change, int, Work]]) -> Applied:
        """Take up steps that were intended and have no end."""
        applied = Applied()
        for plan_id, group in groupby(open_steps, key=lambda row: row[0]):
            placed = [(change, place, step) for _, change, place, step in group]
            changes = {change.key: change for change, _, _ in placed}
            lost = self._not_planned_now(changes.values())
            # An account that is gone was deleted before the process ended: what is open is only to be written down.
            there = self.target.get([changes[key].fluix_id or "" for key in lost]) if lost else {}
            lost = {key: why for key, why in lost.items() if changes[key].fluix_id in there}
            self.journal.drop(
                plan_id, ((change, step, lost[change.key]) for change, _, step in placed if change.key in lost)
            )
            # No more than a batch of changes is ever open; a change's steps are not torn apart.
            with self.critical():
                self._do([row for row in placed if row[0].key not in lost], applied)
        return applied

    def settle(self, doubted: Iterable[Ended]) -> None:
        """Look once more at what an earlier run could not prove: a target may be slow. What still is not so has failed."""
        for batch in _parts(doubted):
            why = self._read_back([(change, outcome.fluix_id) for change, _, outcome in batch])
            still = {step.operation_id: why[change.key] for change, step, _ in batch if change.key in why}
            ended: list[Ended] = [
                (change, step, _failed(step, still[step.operation_id]) if step.operation_id in still else outcome)
                for change, step, outcome in batch
            ]
            with self.critical():
                self.journal.conclude(ended, {})

    def _doubted(self, acknowledged: Sequence[tuple[Change, str | None]], applied: Applied) -> dict[str, str]:
        """Read a sample back, and everything once a part of it is not so: key -> why it is unproven."""
        if isinstance(self.target, Ordering):  # the next export proves it
            return {}
        chosen = {change.key for change in self.sampling.of([change for change, _ in acknowledged])}
        chosen |= {change.key for change, fluix_id in acknowledged if change.kind == "create_user" and not fluix_id}
        wrong = self._read_back([pair for pair in acknowledged if pair[0].key in chosen])
        if wrong:
            wrong |= self._read_back([pair for pair in acknowledged if pair[0].key not in chosen])
            chosen = {change.key for change, _ in acknowledged}
        applied.read_back += len(chosen)
        return wrong

    def _read_back(self, done: Sequence[tuple[Change, str | None]]) -> dict[str, str]:
        ids = [fluix_id for _, fluix_id in done if fluix_id]
        there = self.target.get(ids) if ids else {}
        groups = self._groups() if groups_told(change for change, _ in done) else frozenset()
        found = ((change.key, unproven(change, there.get(fluix_id or ""), groups)) for change, fluix_id in done)
        return {key: f"Fluix acknowledged it, but {why}" for key, why in found if why}

    def _groups(self) -> frozenset[str]:
        """The target's groups, as compared. They come first in a read; the rest of it is left."""
        items = takewhile(lambda item: isinstance(item, AccountGroup), self.target.read())
        return frozenset(normalise_name(item.display_name) for item in items if isinstance(item, AccountGroup))

    def _recheck(self, plan_id: int, batch: list[Change], applied: Applied) -> list[Change]:
        """The changes that still fit; the others drop out."""
        ids = [change.fluix_id for change in batch if change.fluix_id]
        leavers = [change.fluix_id or "" for change in batch if change.kind == "delete_user"]
        there = self.target.get(ids) if ids else {}
        dossiers = self.target.dossiers(leavers) if leavers else {}
        asking = {} if self.fresh else self._asking(batch)
        unplanned = self._not_planned_now(batch)
        fitting: list[Change] = []
        dropped: list[tuple[Change, Work, str]] = []
        for change in batch:
            fluix_id = change.fluix_id or ""
            why = stale_in_account(change, there.get(fluix_id), dossiers.get(fluix_id)) or unplanned.get(change.key)
            if why is None and not self.fresh:
                why = stale_in_directory(change, asking)
            why = why or self._nobody_to_take(change)
            if why:
                dropped.append((change, as_step(plan_id, change, change.kind), why))
                applied.stale.append((change, why))
            else:
                fitting.append(change)
        self.journal.drop(plan_id, dropped)
        return fitting

    def _not_planned_now(self, changes: Iterable[Change]) -> dict[str, str]:
        """Deletions, and accounts to be taken over by a new key, that would not be planned now: key -> why."""
        deletions, takeovers = list[Change](), list[Change]()
        for change in changes:
            if change.kind == "delete_user":
                deletions.append(change)
            elif replaced(change):
                takeovers.append(change)
        leaving = self.leaving({key for change in deletions for key in change.records}) if deletions else ()
        taking = self.taking_over({key for change in takeovers for key in change.records}) if takeovers else ()
        left = "the directory does not say for certain any more that its person left, and long enough ago"
        other = "the directory does not say any more that the account would go on under this key"
        return {change.key: left for change in deletions if change.fluix_id not in leaving} | {
            change.key: other for change in takeovers if (change.records[0], change.fluix_id) not in taking
        }

    def _asking(self, changes: Iterable[Change]) -> Asking:
        keys = {key for change in changes for key in (*change.records, *replaced(change))}
        return self.asking(keys) if keys else {}

    def _nobody_to_take(self, change: Change) -> str | None:
        receiver = self._receiver(change)
        if receiver is None:
            return f"{(change.after or {})['documents']}, who would take its documents, is not in Fluix any more"
        if receiver and not self.fresh and self.leaves((change.after or {})["documents"]):
            return f"{(change.after or {})['documents']}, who would take its documents, leaves as well by now"
        return None

    def _receiver(self, change: Change) -> str | None:
        """The id of who takes a leaver's documents; empty when nobody need, None when whoever should is not there."""
        to = change.kind == "delete_user" and (change.after or {}).get("documents")
        return self.account_id(to) if to and to != "discard" else ""

    def _do(self, placed: list[Placed], applied: Applied) -> None:
        """Do steps, one place of all changes after the other; a change whose step failed goes no further."""
        last = {change.key: place for change, place, _ in placed}
        lost: dict[str, str] = {}
        verified: set[str] = set()
        for place in sorted({place for _, place, _ in placed}):
            now = [(change, step) for change, at, step in placed if at == place]
            skipped = [(change, step, lost[change.key]) for change, step in now if change.key in lost]
            going = [(change, step) for change, step in now if change.key not in lost]
            unready = self._unready([row for row in going if row[0].key not in verified])
            ended = self._acted(going, unready)
            verified |= {change.key for change, step, outcome in ended if isinstance(step, Verify)}
            ended += [(change, step, _failed(step, why)) for change, step, why in skipped]
            ready = [row for row in ended if row[2].state == "done" and last[row[0].key] == place]
            wrong = (
                self._doubted([(change, outcome.fluix_id) for change, _, outcome in ready], applied) if ready else {}
            )
            self.journal.conclude(
                ended, {step.operation_id: wrong[change.key] for change, step, _ in ready if change.key in wrong}
            )
            applied.unproven += [(change, wrong[change.key]) for change, _, _ in ready if change.key in wrong]
            for change, _, outcome in ended:
                if outcome.state == "failed":
                    lost.setdefault(change.key, outcome.message)
                elif last[change.key] == place and change.key not in wrong:
                    (applied.ordered if outcome.state == "ordered" else applied.done)[change.kind] += 1
        by_key = {change.key: change for change, _, _ in placed}
        applied.failed.extend((by_key[key], why) for key, why in lost.items())

    def _acted(self, going: Sequence[tuple[Change, Work]], unready: Mapping[str, str]) -> list[Ended]:
        """Ask the target for what is ready, and tell what became of each."""
        ready = [step for change, step in going if change.key not in unready]
        outcomes = iter(self.target.apply([step for step in ready if isinstance(step, Step)]))
        ended: list[Ended] = []
        for change, step in going:
            if change.key in unready:
                ended.append((change, step, _failed(step, unready[change.key])))
            elif isinstance(step, Verify):
                ended.append((change, step, Outcome(step.operation_id, "done", step.fluix_id, _VERIFIED)))
            else:
                ended.append((change, step, next(outcomes)))
        return ended

    def _unready(self, going: Sequence[tuple[Change, Work]]) -> dict[str, str]:
        """Deletions that, seen once more right before, are not to be done: key -> why."""
        last_looks = {"verify", "delete_user"}
        ids = {step.fluix_id: change for change, step in going if step.verb in last_looks and step.fluix_id}
        if not ids:
            return {}
        known = self.target.dossiers(ids)
        unknown = self.target.get(ids.keys() - known.keys()) if ids.keys() - known.keys() else {}
        unready = {ids[fluix_id].key: "nothing is known of it any more" for fluix_id in unknown}
        left = next((dossier.admins for dossier in known.values()), None)
        back = self._not_planned_now(ids[fluix_id] for fluix_id in known)
        for fluix_id, dossier in known.items():
            key = ids[fluix_id].key
            why = back.get(key) or tied(ids[fluix_id], dossier, left)
            if why:
                unready[key] = why
            elif (dossier.role or dossier.owner) and left is not None:
                left -= 1
        return unready


def _batches(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """Changes of one kind at a time, at most BATCH."""
    for _, same in groupby(changes, key=lambda change: change.kind):
        while batch := list(islice(same, BATCH)):
            yield batch


def _parts(ended: Iterable[Ended]) -> Iterator[list[Ended]]:
    rest = iter(ended)
    while part := list(islice(rest, BATCH)):
        yield part


def _failed(step: Work, why: str) -> Outcome:
    return Outcome(step.operation_id, "failed", step.fluix_id, why)
