"""The journalled loop: recheck, write the intent, do it, write what became of it. Nothing is decided here.

A change becomes one or more steps for the target. Most are one verb; a deletion is a saga, whose steps are written down
together before the first is done:

    reassign_documents -> leave_workflows -> re-verify -> delete_user

so that an account is never "no longer ours but still usable". What a killed process left open is taken up by `resume`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Protocol

from connectors.base import Target
from connectors.model import Account, Outcome, Step, Verb, normalise_name
from connectors.ordering import Ordering
from syncd.core.change import Change, RecordKey
from syncd.core.recheck import Asking, replaced, stale_in_account, stale_in_directory
from syncd.core.report import Applied

BATCH = 500
"""How many changes are journalled and done together."""

SAMPLE = 20
"""How many of the changes that were done are read back."""

Finished = deque[tuple[Change, str | None]]
"""The last changes that were done, with the user's id."""

Placed = tuple[Change, int, Step]
"""A change, the place of a step inside it, and the step."""


class Journal(Protocol):
    """What the loop writes; `syncd.store.journal.Journal` keeps it."""

    def intend(self, plan_id: int, steps: Iterable[Placed]) -> None:
        """Before."""
        ...

    def conclude(self, ended: Sequence[tuple[Change, Step, Outcome]]) -> None:
        """After."""
        ...

    def drop(self, plan_id: int, stale: Iterable[tuple[Change, Step, str]]) -> None:
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
        account_id: the id of the account with this email; None when there is none.
        critical: a block that a signal does not break.
        progress: is told how many changes ended.
    """

    target: Target
    journal: Journal
    asking: Callable[[Iterable[RecordKey]], Asking]
    leaving: Callable[[Iterable[RecordKey]], Collection[str]]
    account_id: Callable[[str], str | None]
    taking_over: Callable[[Iterable[RecordKey]], Collection[tuple[RecordKey, str]]] = lambda _keys: ()
    fresh: bool = False
    critical: Callable[[], AbstractContextManager[None]] = nullcontext
    progress: Callable[[int], None] = lambda _count: None

    def apply(self, plan_id: int, changes: Iterable[Change]) -> Applied:
        """Apply changes in their order, batch by batch.

        Raises:
            ConnectorError: the target could not be reached; what is open is taken up by the next run.
            Interrupted: stopped by a signal, between two batches.
        """
        applied = Applied()
        finished: Finished = deque(maxlen=SAMPLE)
        for batch in _batches(changes):
            fitting = self._recheck(plan_id, batch, applied)
            placed = [
                (change, place, step) for change in fitting for place, step in enumerate(self._steps(plan_id, change))
            ]
            with self.critical():
                self.journal.intend(plan_id, placed)
                self._do(placed, applied, finished)
            self.progress(len(batch))
        applied.not_held = self._read_back(finished)
        if isinstance(self.target, Ordering):
            with self.critical():
                self.target.deliver()
        return applied

    def resume(self, open_steps: Iterable[tuple[int, Change, int, Step]]) -> Applied:
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
                self._do([row for row in placed if row[0].key not in lost], applied, deque(maxlen=0))
        return applied

    def _read_back(self, finished: Finished) -> list[str]:
        """Look at a sample of what was done."""
        there = self.target.get([fluix_id for _, fluix_id in finished if fluix_id])
        return [
            f"{change.key}: the target said yes, and does not hold it"
            for change, fluix_id in finished
            if fluix_id and not _holds(change, there.get(fluix_id))
        ]

    def _recheck(self, plan_id: int, batch: list[Change], applied: Applied) -> list[Change]:
        """The changes that still fit; the others drop out."""
        ids = [change.fluix_id for change in batch if change.fluix_id]
        leavers = [change.fluix_id or "" for change in batch if change.kind == "delete_user"]
        there = self.target.get(ids) if ids else {}
        dossiers = self.target.dossiers(leavers) if leavers else {}
        asking = {} if self.fresh else self._asking(batch)
        unplanned = self._not_planned_now(batch)
        fitting: list[Change] = []
        dropped: list[tuple[Change, Step, str]] = []
        for change in batch:
            fluix_id = change.fluix_id or ""
            why = stale_in_account(change, there.get(fluix_id), dossiers.get(fluix_id)) or unplanned.get(change.key)
            if why is None and not self.fresh:
                why = stale_in_directory(change, asking)
            why = why or self._nobody_to_take(change)
            if why:
                dropped.append((change, _step(plan_id, change, change.kind), why))
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
        left = "the directory does not say for certain any more that its person left"
        other = "the directory does not say any more that the account would go on under this key"
        return {change.key: left for change in deletions if change.fluix_id not in leaving} | {
            change.key: other for change in takeovers if (change.records[0], change.fluix_id) not in taking
        }

    def _asking(self, changes: Iterable[Change]) -> Asking:
        keys = {key for change in changes for key in (*change.records, *replaced(change))}
        return self.asking(keys) if keys else {}

    def _nobody_to_take(self, change: Change) -> str | None:
        to = change.kind == "delete_user" and (change.after or {}).get("documents")
        if to and to != "discard" and self.account_id(to) is None:
            return f"{to}, who would take its documents, is not in Fluix any more"
        return None

    def _steps(self, plan_id: int, change: Change) -> Iterator[Step]:
        after = change.after or {}
        match change.kind:
            case "delete_user":
                if to := after.get("documents"):
                    receiver = "" if to == "discard" else self.account_id(to)
                    assert receiver is not None, "rechecked before"
                    yield _step(plan_id, change, "reassign_documents", to=receiver)
                if after.get("workflows"):
                    yield _step(plan_id, change, "leave_workflows")
                yield _step(plan_id, change, "delete_user")
            case "create_user":
                groups = tuple(after["groups"])
                yield _step(
                    plan_id,
                    change,
                    "create_user",
                    email=after["email"],
                    display_name=after["display_name"],
                    groups=groups,
                )
            case "update_user":
                values = {name: after[name] for name in ("email", "display_name") if name in after}
                yield _step(plan_id, change, "update_user", **values)
            case "create_group":
                yield _step(plan_id, change, "create_group", display_name=change.group or "")
            case "rename_group":
                yield _step(
                    plan_id, change, "rename_group", display_name=change.group or "", new_name=after["display_name"]
                )
            case "add_member" | "remove_member":
                yield _step(plan_id, change, change.kind, group=change.group or "")
            case "resend_invite":
                yield _step(plan_id, change, "resend_invite")

    def _do(self, placed: list[Placed], applied: Applied, finished: Finished) -> None:
        """Do steps, one place of all changes after the other; a change whose step failed goes no further."""
        last = {change.key: place for change, place, _ in placed}
        lost: dict[str, str] = {}
        for place in sorted({place for _, place, _ in placed}):
            now = [(change, step) for change, at, step in placed if at == place]
            skipped = [(change, step, lost[change.key]) for change, step in now if change.key in lost]
            going = [(change, step) for change, step in now if change.key not in lost]
            unready = self._unready(going)
            outcomes = iter(self.target.apply([step for change, step in going if change.key not in unready]))
            ended = [
                (change, step, _failed(step, unready[change.key]) if change.key in unready else next(outcomes))
                for change, step in going
            ]
            ended += [(change, step, _failed(step, why)) for change, step, why in skipped]
            self.journal.conclude(ended)
            for change, _, outcome in ended:
                if outcome.state == "failed":
                    lost.setdefault(change.key, outcome.message)
                elif last[change.key] != place:
                    continue
                elif outcome.state == "ordered":
                    applied.ordered[change.kind] += 1
                else:
                    applied.done[change.kind] += 1
                    finished.append((change, outcome.fluix_id))
        by_key = {change.key: change for change, _, _ in placed}
        applied.failed.extend((by_key[key], why) for key, why in lost.items())

    def _unready(self, going: list[tuple[Change, Step]]) -> dict[str, str]:
        """Deletions that, seen once more right before, are still tied to something: key -> why."""
        ids = {step.fluix_id: change for change, step in going if step.verb == "delete_user" and step.fluix_id}
        unready: dict[str, str] = {}
        left: int | None = None
        known = self.target.dossiers(ids) if ids else {}
        unknown = self.target.get(ids.keys() - known.keys()) if ids.keys() - known.keys() else {}
        unready.update((ids[fluix_id].key, "nothing is known of it any more") for fluix_id in unknown)
        for fluix_id, dossier in known.items():
            change = ids[fluix_id]
            planned = change.before or {}
            is_admin = bool(dossier.role or dossier.owner)
            left = dossier.admins if left is None else left
            if dossier.owner != planned.get("owner") or dossier.role != planned.get("role"):
                unready[change.key] = "its role changed while it was being deleted"
            elif is_admin and left is not None and left <= 1:
                unready[change.key] = "it is the last admin of the account by now"
            elif dossier.workflows:
                unready[change.key] = "it takes part in a workflow again"
            elif (dossier.drafts or dossier.assigned) and (change.after or {}).get("documents"):
                unready[change.key] = "it has documents again"
            elif is_admin and left is not None:
                left -= 1
        return unready


def _batches(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """Changes of one kind at a time, at most BATCH."""
    for _, same in groupby(changes, key=lambda change: change.kind):
        while batch := list(islice(same, BATCH)):
            yield batch


def _holds(change: Change, account: Account | None) -> bool:
    """Whether the account is as this change was to leave it."""
    if account is None or change.kind == "delete_user":
        return account is None and change.kind == "delete_user"
    if change.group is not None:
        member = normalise_name(change.group) in map(normalise_name, account.groups)
        return member == (change.kind == "add_member")
    now = {"email": account.email, "display_name": account.display_name}
    return all(now[name] == value for name, value in (change.after or {}).items() if name in now)


def _step(plan_id: int, change: Change, verb: Verb, **values: str | tuple[str, ...]) -> Step:
    return Step(f"{plan_id}:{change.key}:{verb}", verb, change.fluix_id, values)


def _failed(step: Step, why: str) -> Outcome:
    return Outcome(step.operation_id, "failed", step.fluix_id, why)
