"""Whom one read or one poll met: from entries to persons' records, with everything that depends on others.

Shared by both, so that a person who is polled is the same record as one who is read. May not: decide who is looked for.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from connectors.ldap.certificates import IncompleteError
from connectors.ldap.groups import GroupReader
from connectors.ldap.index import MET, Index
from connectors.ldap.lookups import Lookup
from connectors.ldap.members import USERS
from connectors.ldap.people import BadEntryError, PeopleReader
from connectors.model import Problem, Record
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from connectors.ldap.certificates import Doubts
    from connectors.ldap.groups import Acquaint
    from connectors.ldap.scopes import Scopes
    from connectors.ldap.search import Searcher
    from connectors.ldap.settings import Settings
    from connectors.ldap.wire import Entry
    from connectors.model import Known

SHAPES = 1000
"""So many different sets of attributes are counted together before they are added up: memory stays as it is."""


class Meeting:
    """Everybody who was met over one connection.

    Args:
        searcher: the server.
        scopes: which entries are people and groups there.
        settings: the source's.
        doubts: where doubts go.
        now: the time at which accounts are active or not.
    """

    def __init__(
        self, searcher: Searcher, scopes: Scopes, settings: Settings, *, doubts: Doubts, now: datetime
    ) -> None:
        self.searcher = searcher
        self.scopes = scopes
        self.settings = settings
        self.doubts = doubts
        self.now = now
        kinds = scopes.groups.kind.member_attributes if scopes.groups else ()
        self.by_user = USERS in map(str.lower, kinds)
        """Whether groups name people by their user name, too."""
        self.people = PeopleReader(scopes.people.kind, settings.people, now, ("uid",) if self.by_user else ())
        self.index = Index()
        self.records = 0
        self.seen: Counter[str] = Counter()
        """`people mail` -> how many showed it, as `Memory` keeps it; after `count_shown`."""
        self._shapes: Counter[tuple[str, ...]] = Counter()
        self.until: datetime | None = None
        """When the first of them expires."""

    def person(self, entry: Entry, known: Known) -> Record | None:
        """The record of one entry; None when it is known, met before, or cannot be read."""
        people, index = self.people, self.index
        key = None
        try:
            key = people.key(entry)
            row, _ = index.add(key, entry.dn)
            if index.state(row) == MET:
                return None
            index.mark(row, MET)
            self._add_users(entry, row)
            is_active = people.active(entry)
            manager = people.manager(entry, self._manager)
            version = people.version(entry, is_active=is_active, manager=manager)
            if not known("person", key, version):
                attributes = people.attributes(entry, is_active=is_active, manager=manager)
            else:
                attributes = None
        except BadEntryError as bad:
            self._bad(entry, key, bad)
            return None
        self.records += 1
        self._shapes[tuple(entry.attributes)] += 1
        if len(self._shapes) > SHAPES:
            self.count_shown()
        if is_active:
            self.expires(people.next_change(entry))
        return None if attributes is None else Record("person", key, attributes, version)

    def count_shown(self) -> None:
        """Count who showed which attribute; entries that show the same are taken together."""
        for names, count in self._shapes.items():
            for name in self.people.shown_by(names):
                self.seen[name] += count
        self._shapes.clear()

    def acquaint(self, entry: Entry) -> None:
        """Know who has this name, and nothing more of them."""
        try:
            row, _ = self.index.add(self.people.key(entry), entry.dn)
        except BadEntryError:  # told when the person is read
            self.index.doubtful(entry.dn)
        else:
            self._add_users(entry, row)

    def expires(self, moment: datetime | None) -> None:
        """Somebody's state changes then."""
        if moment is not None and (self.until is None or moment < self.until):
            self.until = moment

    def hidden(
        self, what: str, base: str, search_filter: str, before: Mapping[str, int], shown_now: Collection[str] = ()
    ) -> bool:
        """Whether an attribute is nobody's now that somebody had in the last certified read.

        Asked before anything is handed over, since a record without it would be taken for the truth.

        Args:
            what: `people` or `members`.
            base: where they are.
            search_filter: which they are.
            before: what `Memory` kept.
            shown_now: what needs no question, because an entry at hand shows it.
        """
        missing = []
        for name, count in sorted(before.items()):
            kind, _, attribute = name.partition(" ")
            if kind == what and attribute and count and name not in shown_now:
                try:
                    there = self.searcher.exists(base, f"(&{search_filter}({attribute}=*))")
                except IncompleteError as error:
                    self.doubts.reasons.extend(error.reasons)
                    return True
                if not there:
                    missing.append(f"{attribute} (then {count} entries)")
        if missing:
            self.doubts.reasons.append(
                f"nothing below {shown(base)} has {', '.join(missing)} any more, as it had in the last certified read: "
                "let the bind user read it; if it is gone for good, take it out of the settings"
            )
        return bool(missing)

    def lookup(self, known: bytes, *, people: bool = False) -> Lookup:
        """What looks names up.

        Args:
            known: a name that is there for sure.
            people: whether only people are wanted.
        """
        scope = self.scopes.people
        within = (scope.base, scope.filter) if people else None
        return Lookup(self.searcher, scope.kind, self.scopes.contexts, known, self.settings.lookup_size, within=within)

    def group_reader(self, acquaint: Acquaint | None = None) -> GroupReader | None:
        """What reads the groups; None where the settings want none.

        Args:
            acquaint: what makes us know the members of some groups, when not everybody was met.
        """
        groups = self.scopes.groups
        if groups is None or self.settings.groups is None:
            return None
        return GroupReader(
            self.searcher,
            groups.kind,
            self.settings.groups,
            people_kind=self.scopes.people.kind,
            people=self.settings.people,
            index=self.index,
            doubts=self.doubts,
            make_lookup=self.lookup,
            acquaint=acquaint,
        )

    def _add_users(self, entry: Entry, row: int) -> None:
        if self.by_user:
            for user in entry.attributes.get("uid", ()):
                self.index.add_user(user, row)

    def _bad(self, entry: Entry, key: str | None, bad: BadEntryError) -> None:
        dn = entry.dn.decode("utf-8", "replace")
        if key is None:
            self.index.doubtful(entry.dn)
        mail = next(iter(entry.attributes.get("mail", ())), b"").decode("utf-8", "replace")
        self.doubts.problems.append(
            Problem(f"{shown(dn)}: {bad.reason}", column=bad.attribute, external_id=key, email=mail or None)
        )

    def _manager(self, dn: bytes) -> str | None:
        row = self.index.named(dn)
        return self.index.key(row) if row >= 0 else None
