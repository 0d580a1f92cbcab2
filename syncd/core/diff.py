"""From persons to changes: what the account holds against what it should hold. Pure.

Three sides are compared: what the directory wants, what the account has, and what we last gave. Where the account differs
from what we gave, somebody changed it in Fluix by hand (drift). A membership is taken away only if we gave it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, cast

from connectors.model import Account, normalise_name
from syncd.core.change import Change, Decision, Finding, RecordKey
from syncd.core.drift import BY_HAND, Attribute, OnDrift, attribute_finding, drifted, groups_finding, on_drift
from syncd.core.humans import Isolated, Leaver, Link, Present, Verdict
from syncd.core.ownership import (
    Owners,
    Sides,
    as_given,
    askers,
    confirmed,
    disagreement,
    gave,
    gave_groups,
    joined,
    noted,
    same,
    shares,
)

_SHOWN = 5
"""How many adopted accounts a finding names; all of them stand in the plan."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What every comparison of one run stands on."""

    now: datetime
    groups: Mapping[str, str] = field(default_factory=dict)
    """The account's groups: name as compared -> name as the account writes it."""
    renames: Mapping[str, str] = field(default_factory=dict)
    """Groups that this plan renames: present name as compared -> new name."""
    counted: frozenset[str] = frozenset()
    """Sources that this run read, and read whole: only these reads count towards `certified_absences`."""
    frozen: frozenset[str] = frozenset()
    """Fluix's group names (as compared) that a source did not read whole: their absences mean nothing."""
    create_groups: bool = True
    on_drift: OnDrift | Mapping[Attribute, OnDrift] = "repair"
    """What happens to what was changed in Fluix by hand: one word for all, or by attribute."""
    grace: timedelta = timedelta(days=7)
    certified_absences: int = 2
    strip_groups: bool = False
    """Whether a leaver loses the groups that we gave at once, while the account waits."""


@dataclass(slots=True)
class Difference:
    """What one verdict comes to."""

    changes: list[Change] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    """Adoptions: links to be written before anything is applied. No change of the account."""
    noted: list[Link] = field(default_factory=list)
    """Links of ours whose sources ask for something else than they gave, written anew at once: the account is as it was."""
    waits: bool = False
    """Whether something waits for a source to be read whole."""
    leaving: Leaver | None = None
    """A leaver: its time of waiting is counted on, or it is deleted by one of the changes."""

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do or to say: the next run need not look here until something changes."""
        return not (self.changes or self.findings or self.links or self.leaving or self.waits)


def diff(verdict: Verdict, ground: Ground) -> Difference:
    """The changes, findings and adoptions that one verdict comes to."""
    if isinstance(verdict, Isolated):
        decision = Decision.PROCEED if verdict.check == "not_ours" else Decision.HOLD
        return Difference(findings=[Finding(verdict.check, decision, verdict.message)])
    if isinstance(verdict, Leaver):
        return _leaver(verdict, ground)
    if verdict.account is None:
        return _create(verdict, ground)
    return _present(verdict, verdict.account, ground)


def _create(person: Present, ground: Ground) -> Difference:
    wanted, result = person.wanted, Difference()
    groups = tuple(_reachable(wanted.groups, wanted.email, ground, result))
    reason = f"{person.records[0]} is new"
    if person.vanished:
        reason = f"the account of {person.records[0]} was deleted in Fluix by hand"
    after: dict[str, object] = {"email": wanted.email, "display_name": wanted.display_name, "groups": list(groups)}
    if len(person.entries) > 1:
        after["given_by"] = shares(person.entries, groups)
    change = Change("create_user", wanted.email, after=after, reason=reason, records=person.records)
    result.changes.append(change)
    result.findings += disagreement(person)
    if person.vanished:
        message = (
            f"{wanted.email} was deleted in Fluix by hand, but is still in the directory: approve to create it again"
        )
        result.findings.append(Finding("deleted_by_hand", Decision.HOLD, message, (change.key,)))
    return result


def _present(person: Present, account: Account, ground: Ground) -> Difference:
    result = Difference()
    if person.replaces:
        return _new_key(person, account)
    result.findings += disagreement(person)
    _attributes(person, account, ground, result)
    if not ground.renames and as_given(person, account):
        result.noted = confirmed(person.links[0], account, person.wanted)
        return result
    have = {normalise_name(name): name for name in (_renamed(group, ground) for group in account.groups)}
    want = frozenset(map(normalise_name, person.wanted.groups))
    sides = Sides(person, account, Owners(person.links, ground.renames), have, want)
    result.links = joined(person, account, sides.owners) if person.adopt else []
    result.noted = noted(sides)
    _joining(sides, ground, result)
    _parting(sides, ground, result)
    return result


def _new_key(person: Present, account: Account) -> Difference:
    """The source's key changed and the address did not: the same person, or another with a freed address?"""
    old, new = ", ".join(map(str, person.replaces)), person.records[0]
    change = Change(
        "update_user",
        account.email,
        before={"record": old, "replaces": [list(key) for key in person.replaces]},
        after={"record": str(new)},
        reason=f"{new} has the address of {old}, which asks for no account any more",
        fluix_id=account.fluix_id,
        records=person.records,
    )
    message = (
        f"{account.email}: the key changed from {old} to {new}. The same person? Then approve, and the account goes on. "
        "Another person with that address? Then delete the account in Fluix first"
    )
    return Difference([change], [Finding("new_key", Decision.HOLD, message, (change.key,))])


def _attributes(person: Present, account: Account, ground: Ground, result: Difference) -> None:
    wants = {"email": person.wanted.email, "display_name": person.wanted.display_name}
    now = {"email": account.email, "display_name": account.display_name}
    differing = [name for name in wants if not same(name, now[name], wants[name])]
    if person.unsure or not differing:
        result.waits |= bool(differing)
        return
    given = gave(person.links)
    by_hand = [name for name in differing if drifted(given, name, now[name])]
    back = [name for name in by_hand if same(name, given[name], wants[name])]
    left = [name for name in back if on_drift(ground.on_drift, cast(Attribute, name)) == "report"]
    mended = [name for name in differing if name not in left]
    change = Change(
        "update_user",
        account.email,
        before={name: now[name] for name in mended},
        after={name: wants[name] for name in mended},
        reason=_why_updated(person, mended, [name for name in back if name not in left]),
        fluix_id=account.fluix_id,
        records=person.records,
    )
    if mended:
        result.changes.append(change)
    for name in by_hand:
        values, key = (now[name], given[name], wants[name]), None if name in left else change.key
        result.findings.append(attribute_finding(account.email, name, values, key))


def _why_updated(person: Present, mended: Sequence[str], back: Sequence[str]) -> str:
    if len(back) == len(mended):
        return BY_HAND
    return f"{person.records[0]} changed" + (f"; {' and '.join(back)} {BY_HAND}" if back else "")


def _joining(sides: Sides, ground: Ground, result: Difference) -> None:
    person, account, owners = sides.person, sides.account, sides.owners
    missing = [name for name in person.wanted.groups if normalise_name(name) not in sides.have]
    if not missing:
        return
    by_hand = [name for name in missing if normalise_name(name) in owners]
    report = on_drift(ground.on_drift, "groups") == "report"
    left = by_hand if report else []
    put_back = []
    for name in _reachable([name for name in missing if name not in left], account.email, ground, result):
        asking = tuple(entry.key for entry in askers(person.entries, name))
        taken = normalise_name(name) in owners
        reason = "taken out in Fluix by hand" if taken else f"{asking[0]} is in {name}"
        change = _member("add_member", account, name, reason, asking)
        result.changes.append(change)
        if taken:
            put_back.append(change.key)
    if left or put_back:
        givers = [key for name in by_hand for key in owners.of(normalise_name(name))]
        result.findings.append(groups_finding(account.email, by_hand, givers, report=report, changes=put_back))


def _parting(sides: Sides, ground: Ground, result: Difference) -> None:
    person, have = sides.person, sides.have
    parting = (have.keys() & sides.owners.ours()) - sides.want
    if not parting:
        return
    trusted = {entry.key for entry in (*person.entries, *person.past) if entry.trusted}
    unknown = any(key not in trusted for key in person.adopt)
    for group in sorted(parting):
        givers = sides.owners.of(group)
        if unknown or group in ground.frozen or not trusted.issuperset(givers):
            result.waits = True
            continue
        reason = f"{givers[0] if len(givers) == 1 else person.records[0]} is in {have[group]} no longer"
        change = _member("remove_member", sides.account, have[group], reason, person.all_records)
        if len(person.all_records) > 1:
            change = replace(change, before={"given_by": [key.source for key in givers]})
        result.changes.append(change)


def _reachable(names: Sequence[str], email: str, ground: Ground, result: Difference) -> Iterator[str]:
    """The groups that a person can be put into, in the account's spelling; a missing one is created, or named."""
    coming = {normalise_name(name): name for name in ground.renames.values()}
    for name in names:
        key = normalise_name(name)
        if there := coming.get(key) or (ground.groups.get(key) if key not in ground.renames else None):
            yield there
        elif ground.create_groups:
            result.changes.append(
                Change("create_group", None, name, after={"display_name": name}, reason="the directory names it")
            )
            yield name
        else:
            message = f"{email} should be in {name}, which is not in Fluix (groups.create: false): left out"
            result.findings.append(Finding("group_missing", Decision.PROCEED, message))


def _leaver(leaver: Leaver, ground: Ground) -> Difference:
    account = leaver.account
    records = tuple(link.key for link in leaver.links)
    result = Difference(leaving=leaver)
    assert leaver.links, "only what we own can leave"
    if due(leaver, ground):
        before = {"display_name": account.display_name, "state": account.state, "groups": _names_after(account, ground)}
        result.changes.append(
            Change(
                "delete_user",
                account.email,
                before=before,
                reason=leaver.reason,
                fluix_id=account.fluix_id,
                records=records,
            )
        )
        return result
    result.findings.append(_waiting(leaver, ground))
    if ground.strip_groups and leaver.certain:
        ours = {normalise_name(_renamed(name, ground)) for link in leaver.links for name in gave_groups(link.given)}
        for name in _names_after(account, ground):
            if normalise_name(name) in ours:
                reason = f"{leaver.reason} (leavers.on_leave: strip_groups)"
                result.changes.append(_member("remove_member", account, name, reason, records))
    return result


def due(leaver: Leaver, ground: Ground) -> bool:
    """Whether a leaver left for certain, and has waited for enough time and enough certified reads."""
    since, reads = _waited(leaver, ground)
    return leaver.certain and reads >= ground.certified_absences and ground.now - since >= ground.grace


def _waited(leaver: Leaver, ground: Ground) -> tuple[datetime, int]:
    """Since when, and for how many reads, with the one of this run."""
    since = min(ground.now, max(link.leaving_since or ground.now for link in leaver.links))
    counts = all(link.key.source in ground.counted for link in leaver.links)
    return since, min(link.leaving_reads for link in leaver.links) + counts


def _waiting(leaver: Leaver, ground: Ground) -> Finding:
    since, reads = _waited(leaver, ground)
    until = since + ground.grace
    parts = []
    if ground.now < until:
        parts.append(f"until {until:%Y-%m-%d %H:%M} UTC")
    if reads < ground.certified_absences:
        more = ground.certified_absences - reads
        parts.append(f"for {more} more certified read{'s' * (more > 1)}")
    if not leaver.certain:
        parts.append("for a certified read of its source")
    message = f"{leaver.account.email} left ({leaver.reason}); the account waits {' and '.join(parts)}"
    return Finding("waiting", Decision.PROCEED, message)


def _member(
    kind: Literal["add_member", "remove_member"],
    account: Account,
    group: str,
    reason: str,
    records: tuple[RecordKey, ...],
) -> Change:
    return Change(kind, account.email, group, reason=reason, fluix_id=account.fluix_id, records=records)


def _names_after(account: Account, ground: Ground) -> list[str]:
    """The account's groups as they are called once this plan's renames are done."""
    return sorted(_renamed(name, ground) for name in account.groups)


def _renamed(name: str, ground: Ground) -> str:
    return ground.renames.get(normalise_name(name), name) if ground.renames else name


def adoption(emails: Sequence[str], others: int | None) -> Finding:
    """What is said of accounts that are there already and would become ours.

    Args:
        emails: theirs.
        others: how many accounts match nobody; None when nothing can be said of everybody.
    """
    more = len(emails) - _SHOWN
    names = ", ".join(emails[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    one = len(emails) == 1
    message = f"{len(emails)} account{'' if one else 's'} there already become{'s' if one else ''} ours: {names}"
    if others is not None:
        rest = "other matches nobody and stays" if others == 1 else "others match nobody and stay"
        message += f"; {others} {rest} untouched"
    return Finding("adoption", Decision.PROCEED, message)
