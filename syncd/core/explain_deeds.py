"""From the person to the deed: what differs, what checks said, who approved, what became of it; now, or in a past run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.model import Account, normalise_name
from syncd.core.approval import Approval
from syncd.core.change import Change, Decision, Finding, worst
from syncd.core.diff import Difference
from syncd.core.drift import drifted
from syncd.core.explain import Explained, Fact, Human, Reading, Rule, Step, Ways, moment, of_finding
from syncd.core.humans import Isolated, Leaver, Present
from syncd.core.ownership import Owners, as_compared, gave
from syncd.core.returning import Departure


@dataclass(frozen=True, slots=True)
class Planned:
    """What one kept plan holds about one human."""

    plan_id: int
    run_id: int
    at: datetime
    changes: tuple[tuple[Change, Decision], ...] = ()
    findings: tuple[Finding, ...] = ()
    """Those that name one of these changes, or the human."""
    approvals: tuple[Approval, ...] = ()
    """All that name the plan's digest."""

    @property
    def keys(self) -> frozenset[str]:
        """Of the changes."""
        return frozenset(change.key for change, _ in self.changes)


@dataclass(frozen=True, slots=True)
class Deed:
    """One step of the journal."""

    run_id: int
    plan_id: int
    key: str
    verb: str
    state: str
    """`intended`, `done`, `failed`, `stale` or `ordered`."""
    at: datetime
    message: str = ""


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run's own line."""

    run_id: int
    command: str
    actor: str
    started_at: datetime
    state: str
    readings: Mapping[str, Reading]
    """Source -> what this run read of it."""


@dataclass(frozen=True, slots=True)
class History:
    """What is kept of one human's changes."""

    planned: Planned | None = None
    """The newest plan with a change of theirs, or the one of the run that is asked about."""
    deeds: Sequence[Deed] = ()
    """Newest first."""
    departures: Sequence[Departure] = ()


def headline(human: Human, difference: Difference | None) -> str:
    """How it stands, in one sentence."""
    verdict, changes = human.verdict, difference.changes if difference else []
    match verdict:
        case Isolated():
            return "no program can decide this: nothing is changed until a person mends it"
        case Leaver():
            waits = "is due to be deleted" if any(change.kind == "delete_user" for change in changes) else "waits"
            return f"left: the account {verdict.account.fluix_id} {waits}"
        case Present(account=None):
            return "should have an account, and has none"
        case Present(account=account) if account is not None:
            due = f"{len(changes)} change{'s' * (len(changes) != 1)} due" if changes else "as the directory wants it"
            return f"has the account {account.fluix_id}: {due}"
    why = "; ".join(entry.why_dead for entry in human.entries)
    return f"has no account{f': {why}' if why else ''}"


def of_deeds(human: Human, difference: Difference | None, history: History, ways: Ways, now: datetime) -> list[Step]:
    """The steps after the person is known: diff, policy, approval, outcome."""
    changes = difference.changes if difference else []
    findings = difference.findings if difference and not isinstance(human.verdict, Isolated) else []
    planned = history.planned if history.planned and _same(changes, history.planned) else None
    return [
        Step("diff", tuple(_diff(human, changes, ways))),
        Step("policy", tuple(_policy(changes, findings, planned, ways))),
        Step("approval", tuple(_approval(planned, now))),
        Step("outcome", tuple(_outcome(history))),
    ]


def past(who: str, run: PastRun, history: History, ways: Ways, now: datetime) -> Explained:
    """What is kept of one human in a run that is over.

    Args:
        who: as they were asked for.
        run: which.
        history: of that run's plan.
        ways: as they are now: what they were then is not kept.
        now: the present moment.
    """
    planned = history.planned
    reads = tuple(
        Fact(f"{name} was {'read whole' if one.certified else 'not read whole'}", {"problems": list(one.problems)})
        if one.problems
        else Fact(f"{name} was {'read whole' if one.certified else 'not read whole'}")
        for name, one in run.readings.items()
    )
    steps = [Step("read", reads or (Fact("this run read no source"),))]
    if planned is None:
        steps.append(Step("diff", (Fact("this run made no plan"),)))
    else:
        changes = [change for change, _ in planned.changes]
        steps.append(Step("diff", tuple(map(_due, changes)) or (Fact("nothing was to be changed for this person"),)))
        steps.append(Step("policy", tuple(_policy(changes, (), planned, ways))))
        steps.append(Step("approval", tuple(_approval(planned, now))))
    steps.append(Step("outcome", tuple(_outcome(history))))
    says = f"in run r{run.run_id} ({run.command} by {run.actor}, {moment(run.started_at)}: {run.state})"
    return Explained(who, says, tuple(steps))


def _same(changes: Iterable[Change], planned: Planned) -> bool:
    """Whether the plan speaks of what is due now."""
    return {change.key for change in changes} <= planned.keys


def _diff(human: Human, changes: Sequence[Change], ways: Ways) -> Iterator[Fact]:
    verdict = human.verdict
    if isinstance(verdict, Present) and verdict.account and not verdict.replaces:
        yield from _attributes(verdict, verdict.account, gave(human.links), ways)
        yield from _groups(verdict, verdict.account, Owners(human.links, {}), ways)
    yield from map(_due, changes)
    if not changes:
        yield Fact("nothing is to be changed")


def _due(change: Change) -> Fact:
    values = {name: dict(value) for name, value in (("before", change.before), ("after", change.after)) if value}
    return Fact(f"{change.key}: {change.reason}", values)


def _attributes(person: Present, account: Account, given: Mapping[str, Any], ways: Ways) -> Iterator[Fact]:
    for name, has, wants in (
        ("email", account.email, person.wanted.email),
        ("display_name", account.display_name, person.wanted.display_name),
    ):
        if as_compared(name, has) == as_compared(name, wants):
            yield Fact(f"{name} is as wanted")
            continue
        by_hand = drifted(given, name, has)
        says = f"{name} was changed in Fluix by hand" if by_hand else f"{name} is not as wanted"
        rules = (ways.place("people.on_drift"),) if by_hand else ()
        yield Fact(says, {"account": has, "wanted": wants, "given": given.get(name)}, rules)


def _groups(person: Present, account: Account, owners: Owners, ways: Ways) -> Iterator[Fact]:
    has = {normalise_name(name): name for name in account.groups}
    wants = {normalise_name(name): name for name in person.wanted.groups}
    for key, name in sorted({**has, **wants}.items()):
        givers = [str(giver) for giver in owners.of(key)]
        rules: tuple[Rule, ...] = ()
        if key in has and key in wants:
            says = "is there, as wanted" if givers else "is there, and wanted; an admin gave it by hand: it stays"
        elif key in wants:
            says = "is wanted, and was taken away in Fluix by hand" if givers else "is wanted, and not there"
            rules = (ways.place("people.on_drift"),) if givers else ()
        elif givers:
            says = "is there because we gave it, and is not wanted any more"
        else:
            says = "is there, and we did not give it: left alone"
        yield Fact(f"group {name} {says}", {"given_by": givers} if givers else {}, rules)


def _policy(
    changes: Sequence[Change], findings: Iterable[Finding], planned: Planned | None, ways: Ways
) -> Iterator[Fact]:
    met = {(finding.check, finding.message) for finding in findings}
    said = [*findings, *(one for one in (planned.findings if planned else ()) if (one.check, one.message) not in met)]
    yield from (of_finding(finding, ways.place) for finding in said)
    if not changes:
        if not said:
            yield Fact("nothing to check")
    elif planned is None:
        yield Fact("no plan holds these changes yet: the next one checks them, with its budgets")
    else:
        mine = {change.key for change in changes}
        decision = worst(word for change, word in planned.changes if change.key in mine)
        nothing = "" if said else ", nothing speaks against it"
        yield Fact(f"plan p{planned.plan_id} of {moment(planned.at)} decided {decision.word}{nothing}")


def _approval(planned: Planned | None, now: datetime) -> Iterator[Fact]:
    held = [change.key for change, word in planned.changes if word is Decision.HOLD] if planned else []
    if planned is None or not held:
        yield Fact("none was needed")
        return
    for key in held:
        yes = [one for one in planned.approvals if key in one.keys]
        for one in yes:
            lapsed = ", which has lapsed" if one.expires_at <= now else ""
            says = f"{key} was approved by {one.approver} on {moment(one.approved_at)}{lapsed}"
            yield Fact(says, {"comment": one.comment, "expires_at": one.expires_at.isoformat()})
        if not yes:
            yield Fact(f"{key} waits for one: syncd approve p{planned.plan_id} --only {key}")


def _outcome(history: History) -> Iterator[Fact]:
    for deed in history.deeds:
        why = f": {deed.message}" if deed.message else ""
        says = f"{moment(deed.at)} r{deed.run_id} {deed.key} {_STATES[deed.state]}{why}"
        yield Fact(says, {"plan": f"p{deed.plan_id}", "step": deed.verb} if deed.verb not in deed.key else {})
    for gone in history.departures:
        says = f"{moment(gone.deleted_at)} {gone.email} was deleted by {gone.actor}"
        yield Fact(says, {"returned_as": gone.returned_as} if gone.returned_as else {})
    if not history.deeds and not history.departures:
        yield Fact("nothing was done for this person" + (" by this plan" if history.planned else " so far"))


_STATES = {
    "intended": "was begun, and has no end yet: the next run finishes it",
    "done": "done",
    "failed": "failed",
    "stale": "dropped out",
    "ordered": "ordered (syncd workorders list)",
}
