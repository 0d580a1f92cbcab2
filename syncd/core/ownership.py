"""Who gave what: each link says what its own record's source gave the account. Pure.

A membership is ours where one of the account's links names it, and each of these links is an owner. What no link names, an
admin gave by hand: it stays the admin's even when a source begins to want it, until the admin takes it out and we give it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

from connectors.model import Account, normalise_email, normalise_name
from syncd.core.change import Change, Decision, Finding, RecordKey
from syncd.core.humans import Entry, Link, Present
from syncd.core.rules import Wanted

ATTRIBUTES = ("email", "display_name")


def as_compared(attribute: str, value: object) -> object:
    """An attribute's value as it is compared: of emails the case says nothing."""
    return normalise_email(value) if attribute == "email" and isinstance(value, str) else value


def same(attribute: str, one: object, other: object) -> bool:
    """Whether two values of an attribute are one."""
    return one == other or as_compared(attribute, one) == as_compared(attribute, other)


def gave(links: Iterable[Link]) -> Mapping[str, Any]:
    """The attributes that we last gave an account, as the first of its links tells that tells anything."""
    return next((link.given for link in links if link.given), {})


def gave_groups(given: Mapping[str, Any]) -> list[str]:
    """The groups that one link's source gave."""
    groups = given.get("groups", [])
    assert isinstance(groups, list)
    return groups


class Owners:
    """Who gave an account its groups."""

    def __init__(self, links: Iterable[Link], renames: Mapping[str, str]) -> None:
        """Of all links of one account; `renames` are groups that this plan renames, present name as compared -> new."""
        self._renames = renames
        self._of: dict[str, list[RecordKey]] = {}
        self._spelt: dict[str, str] = {}
        self._by: dict[RecordKey, set[str]] = {}
        for link in links:
            named = {self._key(name): name for name in gave_groups(link.given)}
            self._by[link.key] = set(named)
            for group, name in named.items():
                self._of.setdefault(group, []).append(link.key)
                self._spelt.setdefault(group, name)

    def __contains__(self, group: str) -> bool:
        """Whether we gave this group (as compared)."""
        return group in self._of

    def ours(self) -> AbstractSet[str]:
        """The groups that we gave, as compared."""
        return self._of.keys()

    def of(self, group: str) -> tuple[RecordKey, ...]:
        """The records whose sources gave this group (as compared)."""
        return tuple(self._of.get(group, ()))

    def spelt(self, groups: Iterable[str]) -> list[str]:
        """These groups as the links write them."""
        return sorted({self._spelt[group] for group in groups})

    def given_by(self, link: Link) -> set[str]:
        """The groups that one link's source gave, as compared."""
        return self._by[link.key]

    def _key(self, name: str) -> str:
        key = normalise_name(name)
        return normalise_name(self._renames[key]) if self._renames and key in self._renames else key


@dataclass(frozen=True, slots=True)
class Sides:
    """The three sides of one person's memberships."""

    person: Present
    account: Account
    owners: Owners
    have: Mapping[str, str]
    """The account's groups, under the names that this plan leaves them: as compared -> as written."""
    want: frozenset[str]
    """The groups that all sources together ask for, as compared."""


def as_given(person: Present, account: Account) -> bool:
    """Whether one source alone asks for exactly the groups that it gave and the account has: true of nearly everybody."""
    if len(person.links) != 1 or len(person.entries) != 1 or person.past or person.adopt:
        return False
    wanted = person.wanted.groups
    return list(wanted) == gave_groups(person.links[0].given) and account.groups == set(wanted)


def noted(sides: Sides) -> list[Link]:
    """Links that are to be written anew, for what their sources ask for is no longer what they gave; the account stays.

    A source that begins to name a group that another gave owns it as well; one that stops naming it gives its part up, unless
    the membership is about to be taken away for that. What somebody took away by hand, and nobody asks for, is forgotten:
    should an admin give it again, it is the admin's.
    """
    person, owners = sides.person, sides.owners
    entries = {entry.key: entry for entry in (*person.entries, *person.past)}
    found = []
    for link in person.links:
        entry = entries.get(link.key)
        if entry is None or not link.given:
            continue
        kept, names = owners.given_by(link), names_of(entry)
        dropped = {
            group for group in kept - names if entry.trusted and (group in sides.want or group not in sides.have)
        }
        claimed = {group for group in names - kept if group in owners and group in sides.have}
        news: dict[str, Any] = {**_confirmed(link.given, sides.account, person.wanted)}
        if dropped or claimed:
            news["groups"] = owners.spelt(kept - dropped | claimed)
        if news:
            found.append(replace(link, given={**link.given, **news}))
    return found


def confirmed(link: Link, account: Account, wanted: Wanted) -> list[Link]:
    """This link, if it is to be written anew for its attributes alone."""
    news = _confirmed(link.given, account, wanted) if link.given else {}
    return [replace(link, given={**link.given, **news})] if news else []


def _confirmed(given: Mapping[str, Any], account: Account, wanted: Wanted) -> dict[str, str]:
    """Attributes that are as the directory wants them, whoever made them so: what differs from them later is drift."""
    sides = {
        "email": (given.get("email"), account.email, wanted.email),
        "display_name": (given.get("display_name"), account.display_name, wanted.display_name),
    }
    return {
        name: wants
        for name, (gives, has, wants) in sides.items()
        if not same(name, gives, wants) and same(name, has, wants)
    }


def joined(person: Present, account: Account, owners: Owners) -> list[Link]:
    """The new links of an account: with what each source asks for, of what we gave, or of what is there already.

    A source that was not read whole may ask for any of what we gave, and so owns all of it until it is.
    """
    entries = {entry.key: entry for entry in person.entries}
    given = gave(person.links) or {"email": account.email, "display_name": account.display_name}
    attributes = {name: given[name] for name in ATTRIBUTES if name in given}
    if not person.links:
        there = {normalise_name(name): name for name in account.groups}
        names = {key: sorted(there[group] for group in names_of(entries[key]) & there.keys()) for key in person.adopt}
    else:
        names = {
            key: owners.spelt(names_of(entry) & owners.ours() if entry.trusted else owners.ours())
            for key in person.adopt
            if (entry := entries[key])
        }
    return [Link(key, account.fluix_id, {**attributes, "groups": names[key]}) for key in person.adopt]


def names_of(entry: Entry) -> set[str]:
    """The groups that a record asks for, as compared: none unless it is live."""
    wanted = entry.shaped.wanted
    return set(map(normalise_name, wanted.groups)) if entry.live and wanted else set()


def askers(entries: Sequence[Entry], group: str) -> tuple[Entry, ...]:
    """Those of these records that ask for a group."""
    return tuple(entry for entry in entries if normalise_name(group) in names_of(entry))


def shares(entries: Sequence[Entry], groups: Iterable[str]) -> dict[str, list[str]]:
    """Of each group, the names of the sources that ask for it."""
    return {group: [entry.key.source for entry in askers(entries, group)] for group in groups}


def share_of(change: Change, key: RecordKey) -> list[str]:
    """Those of a new account's groups that one of its records gives."""
    after = change.after or {}
    by = after.get("given_by")
    return [name for name in after.get("groups", ()) if by is None or key.source in by.get(name, ())]


def disagreement(person: Present) -> list[Finding]:
    """That the sources of one person name different addresses: the first source's counts, in every run."""
    if len(person.entries) == 1:
        return []
    wants = [(entry.key, entry.shaped.wanted) for entry in person.entries if entry.shaped.wanted]
    others = [f"{key} says {wanted.email}" for key, wanted in wants if wanted.address != person.wanted.address]
    if not others:
        return []
    first = wants[0][0]
    which = f"{first.source} stands first in `sources`, its email counts"
    message = f"{first} says {person.wanted.email}, {', '.join(others)}: {which}"
    return [Finding("email_differs", Decision.PROCEED, message)]
