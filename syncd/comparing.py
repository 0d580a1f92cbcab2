"""The middle steps of a run: gather what is dirty, let the core compare it, and find out what the core needs to know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from syncd.core import budgets, returning
from syncd.core.budgets import dated_ahead
from syncd.core.change import Change, Finding, RecordKey
from syncd.core.continuity import Doubt
from syncd.core.diff import Ground, adoption, diff
from syncd.core.humans import Cluster, Leaver, Link
from syncd.core.leaving import farewell
from syncd.core.plan import Plan
from syncd.core.quarantine import sentence
from syncd.core.resolve import resolve
from syncd.core.safety import Facts, Policy, SourceRead
from syncd.core.shrinkage import Absences, Size, shrunk
from syncd.core.standing import Standing, standings
from syncd.heirs import Heirs
from syncd.reading import SourcesRead
from syncd.store import accounts, clusters, departures, links, runs, size_history, sizes, tallies
from syncd.store.plans import Accepts
from syncd.sync import Request, Sync


@dataclass(slots=True)
class Compared:
    """What resolving and comparing came to, over all clusters."""

    changes: list[Change] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    adoptions: list[Link] = field(default_factory=list)
    noted: list[Link] = field(default_factory=list)
    """Links of ours that are written anew: who gave what."""
    leavers: list[Leaver] = field(default_factory=list)
    stayed: list[Link] = field(default_factory=list)
    """Links of people who were leaving, and are not any more."""
    settled: list[RecordKey] = field(default_factory=list)
    standings: dict[RecordKey, Standing] = field(default_factory=dict)
    """How it stands with everybody of the sources that are told."""

    @property
    def vanished(self) -> int:
        """How many accounts of ours are gone, though their people are still there."""
        return sum(finding.check == "deleted_by_hand" for finding in self.findings)


def compare(sync: Sync, request: Request, ground: Ground, trust: clusters.Trust) -> Compared:
    """Resolve and compare every cluster that this request concerns."""
    found: Iterator[Cluster]
    if request.user:
        found = clusters.clusters_of(sync.store, request.user, sync.rules, trust)
    else:
        found = clusters.dirty_clusters(sync.store, sync.rules, trust)
    compared = Compared()
    compare_clusters(sync, found, ground, compared)
    return compared


def compare_clusters(sync: Sync, found: Iterable[Cluster], ground: Ground, compared: Compared) -> None:
    """Resolve and compare these clusters, and add what they come to."""
    for cluster in found:
        verdicts = resolve(cluster, adopt=sync.adopt, precedence=tuple(sync.sources))
        differences = [diff(verdict, ground) for verdict in verdicts]
        if sync.tells:
            found_here = standings(cluster, zip(verdicts, differences, strict=True))
            compared.standings.update((key, standing) for key, standing in found_here if key.source in sync.tells)
        for difference in differences:
            compared.changes += difference.changes
            compared.findings += difference.findings
            compared.adoptions += difference.links
            compared.noted += difference.noted
        leavers = [difference.leaving for difference in differences if difference.leaving]
        compared.leavers += leavers
        leaving = {link.key for leaver in leavers for link in leaver.links}
        compared.stayed += [link for link in cluster.links if link.leaving_since and link.key not in leaving]
        if all(difference.settled for difference in differences):
            compared.settled += [entry.key for entry in cluster.entries]


def look_at_leavers(sync: Sync, compared: Compared) -> int | None:
    """Complete each deletion with what the target knows of the account, and with what speaks against it.

    Returns:
        How many users of the account hold a role or own it; None when nobody leaves or the target does not tell.
    """
    by_id = {leaver.account.fluix_id: leaver for leaver in compared.leavers}
    ids = [change.fluix_id for change in compared.changes if change.kind == "delete_user" and change.fluix_id]
    dossiers = sync.target.dossiers(ids) if ids else {}
    heirs = Heirs(sync, set(by_id))
    for place, change in enumerate(compared.changes):
        if change.kind == "delete_user" and change.fluix_id:
            dossier = dossiers.get(change.fluix_id)
            found = heirs.of(by_id[change.fluix_id])
            compared.changes[place], findings = farewell(
                change, dossier, sync.farewells, found.email, ", ".join(found.chain)
            )
            compared.findings += findings
    return next((dossier.admins for dossier in dossiers.values() if dossier.admins is not None), None)


def look_at_returners(sync: Sync, request: Request, compared: Compared, now: datetime) -> None:
    """Say of new users whether they were deleted not long ago; and once a day, whose set-up cannot be recovered for long."""
    new = [change for change in compared.changes if change.kind == "create_user"]
    deleted = departures.of(sync.store, new, now)
    compared.changes, found = returning.welcome(compared.changes, deleted, now)
    compared.findings += found
    today = now.date().isoformat()
    if request.user is None and runs.recall(sync.store, "reminded") != today:
        ending = returning.remind(departures.recoverable(sync.store, now, older=returning.REMIND), now)
        if ending:
            runs.remember(sync.store, {"reminded": today})
            compared.findings += ending


def counts(leaver: Leaver, certified: Collection[str]) -> bool:
    """Whether this run's reads count towards `leavers.certified_absences`."""
    return all(link.key.source in certified for link in leaver.links)


def mark_admins(sync: Sync, changes: list[Change]) -> list[Change]:
    """The changes, with those marked that touch a user who holds a role or owns the account; asked only if a budget asks."""
    if not sync.policy.budgets.watches("admin"):
        return changes
    ids = {change.fluix_id for change in changes if change.fluix_id}
    dossiers = sync.target.dossiers(ids) if ids else {}
    admins = {fluix_id for fluix_id, dossier in dossiers.items() if dossier.role or dossier.owner}
    return [replace(change, admin=True) if change.fluix_id in admins else change for change in changes]


def look_at_adoptions(sync: Sync, request: Request, compared: Compared) -> int:
    """Say which accounts, there already, would become ours. Returns how many."""
    new = links.not_owned(sync.store, {link.fluix_id for link in compared.adoptions})
    if not new:
        return 0
    emails = {link.fluix_id: str(link.given.get("email")) for link in compared.adoptions if link.fluix_id in new}
    others = None if request.user else accounts.count_foreign(sync.store) - len(new)
    compared.findings.append(adoption(sorted(emails.values()), others))
    return len(new)


def facts(
    sync: Sync,
    request: Request,
    compared: Compared,
    read: SourcesRead,
    *,
    admins: int | None,
    doubts: Sequence[Doubt],
    plan: Plan,
) -> Facts:
    """What the review needs to know besides the plan."""
    counted = tallies.windows(sync.store, read.at)
    compared.findings += read.findings
    if counted.until:
        compared.findings.append(dated_ahead(counted.ahead, counted.until))
    ground = _budget_ground(sync, plan, counted)
    return Facts(
        managed=ground.managed,
        sources=[*(line.shown() for line in (read.lines | read.standing).values()), *_not_read(sync, read)],
        sizes=[
            *_source_sizes(sync, request, compared, read),
            *sizes.changed_groups(sync.store, read.certified, sync.rules.group_name, read.at),
        ],
        admins=admins,
        past=ground.past,
        members=ground.members,
        waiting=read.waiting,
        doubts=doubts,
        seats=sync.target.seats(),
        findings=compared.findings,
    )


def over_by_now(sync: Sync, left: Plan, now: datetime) -> Iterator[Finding]:
    """Budgets that what is left of an older plan would exceed by now, since others of its kind were done meanwhile."""
    ground = _budget_ground(sync, left, tallies.windows(sync.store, now))
    for finding in budgets.exceeded(left, sync.policy.budgets, ground):
        yield replace(finding, message=f"{finding.message}; this plan is older: make a new one with `syncd plan`")


def _budget_ground(sync: Sync, plan: Plan, counted: tallies.Counted) -> budgets.Ground:
    """What a plan's changes are counted with, and against; of accounts and members only if there is something to count."""
    each = sync.policy.budgets.each_group and plan.of_kind("remove_member")
    members = sizes.members(sync.store, sync.rules.group_name) if each else {}
    return budgets.Ground(counted.past, links.managed(sync.store) if plan.changes else 0, members)


def _not_read(sync: Sync, read: SourcesRead) -> Iterator[SourceRead]:
    """The sources in quarantine, as their last read had them."""
    lines = runs.last_reads(sync.store, read.waiting) if read.waiting else {}
    for name, trouble in read.waiting.items():
        line = lines.get(name)
        said = (f"in quarantine: {sentence(trouble)}",)
        yield SourceRead(name, line.records if line else 0, line.groups if line else 0, problems=said)


def _source_sizes(sync: Sync, request: Request, compared: Compared, read: SourcesRead) -> Iterator[Size]:
    """How many accounts each source keeps; kept in the history when it was read whole."""
    leaving = Counter(name for leaver in compared.leavers for name in {link.key.source for link in leaver.links})
    kept = [] if request.user else list(read.certified)
    linked = sizes.count_accounts(sync.store, {*leaving, *kept})
    highest = size_history.highest_of(sync.store, [(name, "") for name in leaving], read.at)
    for name, count in leaving.items():
        yield Size(name, None, linked.get(name, 0) - count, linked.get(name, 0), highest=highest.get((name, ""), 0))
    for name in kept:
        size_history.keep_source(sync.store, name, linked.get(name, 0) - leaving[name], linked.get(name, 0), read.at)


def accepts(plan: Plan, changed: Iterable[Size], policy: Policy) -> Accepts:
    """Which sizes are the measure from now on: a shrunken one only when all that rests on it was done."""
    taken: Accepts = []
    absences = Absences(plan)
    for size in changed:
        resting = list(absences.of(size)) if shrunk(size, policy.shrink) else []
        if size.group is not None or resting:
            taken.append((size.source, size.group or "", size.now, resting))
    return taken
