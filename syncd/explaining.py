"""Gathers what is known of one person and lets the core explain it. Reads the store; no source and no target."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Engine

from connectors.model import normalise_email
from syncd.core.change import Change, Finding, RecordKey
from syncd.core.diff import Difference, Ground, diff
from syncd.core.explain import Explained, Human, Reading, Ways, humans
from syncd.core.explain_deeds import History, PastRun, Planned, headline, of_deeds, past
from syncd.core.explain_records import of_records
from syncd.core.humans import Cluster, Leaver, Present
from syncd.core.resolve import resolve
from syncd.core.returning import Departure
from syncd.errors import UsageError
from syncd.reading_account import frozen_groups, known_groups, renames_known
from syncd.sayings import Said
from syncd.store import clusters, departures, plans, runs, tracing
from syncd.store.tracing import Found, PlannedChange


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom to explain, and by what."""

    store: Engine
    ways: Ways
    ground: Ground
    adopt: bool
    now: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """Who was found."""

    people: tuple[Explained, ...]
    not_kept: tuple[str, ...] = ()
    """What the store does not keep, as sentences: it is not made up."""


def why(asked: Asked, name: str) -> Answer:
    """Everybody whom this name leads to, as they stand now.

    Args:
        asked: see there.
        name: an address that somebody has, should have or had; or a record, as `people:E17`.

    Raises:
        UsageError: nobody is known by it.
    """
    found = _find(asked, name)
    lines = runs.last_reads(asked.store, asked.ways.precedence)
    there = known_groups(asked.store)
    ground = replace(
        asked.ground,
        now=asked.now,
        groups=there,
        frozen=frozen_groups(asked.ways.rules, lines.values()),
        renames=renames_known(asked.store, asked.ways.precedence, asked.ways.rules, there).moved,
    )
    trust = runs.trust_of(lines.values())
    told: list[Explained] = []
    for cluster in clusters.gather(asked.store, found.keys, asked.ways.rules, trust):
        verdicts = resolve(cluster, adopt=asked.adopt, precedence=asked.ways.precedence)
        everybody = humans(cluster.entries, cluster.links, verdicts)
        mine = [human for human in everybody if human.records & found.keys] or everybody
        told += [_explain(asked, cluster, human, ground, found) for human in mine]
    if not told:
        told = [_gone(asked, name, found)]
    return Answer(tuple(told))


def why_then(asked: Asked, name: str, run_id: int) -> Answer:
    """What is kept of this person in a run that is over.

    Raises:
        UsageError: there is no such run, or neither it nor anything else knows this person.
    """
    row = runs.find(asked.store, run_id)
    if row is None:
        raise UsageError(Said("there is no run r%(run_id)s", run_id=run_id), cure=Said("see `syncd runs`"))
    found = _find(asked, name)
    run = PastRun(
        row.id,
        row.command,
        row.actor,
        row.started_at,
        row.state,
        tracing.readings_of(row.id, row.started_at, row.reads),
    )
    history = History()
    if row.plan_id is not None:
        names = _names(asked, name, found)
        changes = _mine(tracing.history(asked.store, names, [row.plan_id]), found.keys, found.ids)
        said = {*names, *(str(key) for key in found.keys)}
        planned = _planned(asked, row.plan_id, changes, said)
        deeds = tracing.deeds(asked.store, {row.plan_id: planned.keys}) if planned.keys else []
        history = History(planned, [deed for deed in deeds if deed.run_id == run_id])
    told = past(name, run, history, asked.ways, asked.now)
    return Answer((told,), _NOT_KEPT)


_NOT_KEPT = (
    "what the records said then, and so scope, map, match and merge: of records only the last read is kept (syncd why EMAIL)",
    "the configuration of then: lines and defaults are those of the present file",
)


def _find(asked: Asked, name: str) -> Found:
    found = tracing.find(asked.store, name)
    if not (found.keys or found.ids or found.changes or _departed(asked, name, found.keys)):
        raise _unknown(asked, name)
    return found


def _departed(asked: Asked, name: str, keys: Iterable[RecordKey]) -> list[Departure]:
    who = Change("create_user", name, records=tuple(keys))
    return departures.of(asked.store, [who], asked.now)


def _names(asked: Asked, name: str, found: Found) -> set[str]:
    """The addresses under which changes of this person may have been planned."""
    names = {name, normalise_email(name)}
    for cluster in clusters.gather(asked.store, found.keys, asked.ways.rules, clusters.Trust(frozenset())):
        for human in humans(cluster.entries, cluster.links, resolve(cluster, precedence=asked.ways.precedence)):
            if human.records & found.keys:
                names |= _addresses(human)
    return names | {change.user for _, change, _ in found.changes if change.user}


def _addresses(human: Human) -> set[str]:
    verdict = human.verdict
    names = {entry.shaped.email for entry in human.entries} | {link.given.get("email") for link in human.links}
    names |= {entry.shaped.wanted.email for entry in human.entries if entry.shaped.wanted}
    if isinstance(verdict, Present | Leaver) and verdict.account:
        names.add(verdict.account.email)
    return {name for name in names if name}


def _explain(asked: Asked, cluster: Cluster, human: Human, ground: Ground, found: Found) -> Explained:
    difference = diff(human.verdict, ground) if human.verdict else None
    ids = {link.fluix_id for link in human.links}
    names = _addresses(human)
    known = [*tracing.history(asked.store, names), *tracing.begun(asked.store, ids), *found.changes]
    changes = _mine(known, human.records, ids)
    who = _who(human, cluster)
    history = _history(asked, changes, human.records, who, difference)
    seen = tracing.seen(asked.store, [entry.key for entry in human.entries], asked.ways.precedence)
    steps = (
        *of_records(human, seen, asked.ways),
        *of_deeds(human, difference, history, asked.ways, asked.now),
    )
    return Explained(who, headline(human, difference), steps)


def _who(human: Human, cluster: Cluster) -> str:
    verdict = human.verdict
    if isinstance(verdict, Present):
        return verdict.account.email if verdict.account else verdict.wanted.email
    if isinstance(verdict, Leaver):
        return verdict.account.email
    there = {account.fluix_id: account.email for account in cluster.accounts}
    owned = [there[link.fluix_id] for link in human.links if link.fluix_id in there]
    addresses = [entry.shaped.email for entry in human.entries if entry.shaped.email]
    return next(iter((*owned, *addresses)), str(min(human.records)))


def _gone(asked: Asked, name: str, found: Found) -> Explained:
    """Somebody of whom no record is left: the plans and the ledger still know them."""
    nobody = Human(())
    history = _history(asked, list(found.changes), found.keys, name, None)
    steps = (*of_records(nobody, {}, asked.ways), *of_deeds(nobody, None, history, asked.ways, asked.now))
    says = "has an account that is not ours: no record has this address" if found.ids and not found.changes else ""
    return Explained(name, says or "is not in any source any more", steps)


def _mine(changes: Iterable[PlannedChange], keys: Collection[RecordKey], ids: Collection[str]) -> list[PlannedChange]:
    """Those of these changes that are about this human: an address may have been another's before."""
    unique = {
        (plan_id, change.key): (plan_id, change, decision)
        for plan_id, change, decision in changes
        if change.fluix_id in ids or set(keys).intersection(change.records)
    }
    return list(unique.values())


def _history(
    asked: Asked,
    changes: Sequence[PlannedChange],
    keys: Iterable[RecordKey],
    who: str,
    difference: Difference | None,
) -> History:
    by_plan: dict[int, list[PlannedChange]] = {}
    for one in changes:
        by_plan.setdefault(one[0], []).append(one)
    deeds = tracing.deeds(asked.store, {number: [one[1].key for one in some] for number, some in by_plan.items()})
    planned = None
    if by_plan and difference and difference.changes:
        newest = max(by_plan)
        planned = _planned(asked, newest, by_plan[newest], ())
    return History(planned, deeds, _departed(asked, who, keys))


def _planned(asked: Asked, plan_id: int, changes: Sequence[PlannedChange], said: Collection[str]) -> Planned:
    row, findings = tracing.plan_of(asked.store, plan_id)
    keys = {change.key for _, change, _ in changes}
    mine = [finding for finding in findings if keys.intersection(finding.changes) or _tells(finding, said)]
    pairs = tuple((change, decision) for _, change, decision in changes)
    approvals = tuple(plans.approvals_of(asked.store, row.digest))
    return Planned(plan_id, row.run_id, row.created_at, pairs, tuple(mine), approvals)


def _tells(finding: Finding, names: Collection[str]) -> bool:
    """Whether a finding that is about no change names this person."""
    words = {word.strip('.,:;()"') for word in finding.message.split()}
    return not finding.changes and bool(words & set(names))


def _unknown(asked: Asked, name: str) -> UsageError:
    last, _ = tracing.readings(asked.store, asked.ways.precedence)
    near = tracing.nearest(asked.store, name)
    meant = Said("did you mean %(near)s? ", near=", ".join(near)) if near else ""
    return UsageError(
        Said(
            "nobody is known by %(name)s: no record, no account and no plan has this address, now or before", name=name
        ),
        where="; ".join(_read_line(source, last.get(source)) for source in asked.ways.precedence),
        cure=Said(
            "%(meant)sA source may never have given this person (its filter, search base or file leaves them out, or "
            "a row could not be read), or their data was erased 30 days after they were deleted",
            meant=meant,
        ),
    )


def _read_line(source: str, last: Reading | None) -> str:
    if last is None:
        return f"{source}: never read"
    how = "read whole" if last.certified else f"not read whole ({'; '.join(last.problems[:2])})"
    return f"{source}: {how}, r{last.run_id}"
