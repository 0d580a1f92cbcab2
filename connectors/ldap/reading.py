"""One read, from the first search to the certificate.

People are surveyed first (key and name of everybody), then read: so a manager is known wherever in the directory they come,
an entry that was moved between two pages is noticed, and the two counts must agree. Groups come last, and only when
everybody was met: a member who was not read would look like one who left the group.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from connectors.ldap.certificates import IncompleteError, Memory
from connectors.ldap.groups import USERS, GroupReader
from connectors.ldap.index import GONE, MET, NOBODY, Index
from connectors.ldap.lookups import Lookup, with_keys
from connectors.ldap.people import BadEntryError, PeopleReader
from connectors.model import Problem, Record
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from connectors.ldap.certificates import Doubts
    from connectors.ldap.kinds import Kind
    from connectors.ldap.search import Searcher
    from connectors.ldap.settings import Settings
    from connectors.ldap.wire import Entry
    from connectors.model import Certificate, Known

MISSED = 1000
"""So many people who were surveyed and not met again are looked for one by one; more mean that the read went wrong."""

SHAPES = 1000
"""So many different sets of attributes are counted together before they are added up: memory stays as it is."""


class Reading:
    """One read over one connection.

    Args:
        searcher: the server.
        kind: the kind of server.
        contexts: the names below which the server holds everything.
        settings: the source's.
        known: what the reader holds already.
        doubts: where doubts go.
        memory: what the last certified read had seen.
        now: the time at which accounts are active or not.
    """

    def __init__(
        self,
        searcher: Searcher,
        kind: Kind,
        *,
        contexts: Sequence[str],
        settings: Settings,
        known: Known,
        doubts: Doubts,
        memory: Memory,
        now: datetime,
    ) -> None:
        self._searcher = searcher
        self._kind = _keyed(kind, settings.people.key_attribute)
        self._group_kind = _keyed(kind, settings.groups.key_attribute if settings.groups else None)
        self._contexts = contexts
        self._settings = settings
        self._known = known
        self._doubts = doubts
        self._memory = memory
        self._filter = settings.people.filter or kind.people_filter
        self._users = settings.groups is not None and USERS in map(str.lower, kind.member_attributes)
        self._people = PeopleReader(self._kind, settings.people, now, ("uid",) if self._users else ())
        self._index = Index()
        self._records = 0
        self._seen: Counter[str] = Counter()
        self._shapes: Counter[tuple[str, ...]] = Counter()
        self._groups: GroupReader | None = None

    def records(self) -> Iterator[Record]:
        """Every person, then every group."""
        before = self._memory.recall()
        if self._hidden("people", self._settings.people.base, self._filter, before):
            return
        if self._survey():
            yield from self._read_people()
        if not self._records and not self._doubts.problems and not self._doubts.reasons:
            self._doubts.reasons.append(
                f"nobody below {shown(self._settings.people.base)} matches {self._filter}: "
                "an empty directory is never taken for the truth"
            )
        # Not `certified`: a person with a bad value was met, and is in the groups all the same.
        groups = self._settings.groups
        if groups is None or self._doubts.reasons:
            return
        self._groups = GroupReader(
            self._searcher,
            self._group_kind,
            groups,
            people_kind=self._kind,
            people=self._settings.people,
            index=self._index,
            doubts=self._doubts,
            make_lookup=self._lookup,
        )
        if not self._hidden("members", groups.base, groups.filter or self._kind.group_filter, before):
            yield from self._groups.records()

    def certificate(self) -> Certificate:
        """The statement about it; what was seen is remembered when nothing speaks against the read."""
        names = self._groups.names if self._groups else set[str]()
        certificate = self._doubts.certificate(self._records, names)
        if certificate.certified:
            self._memory.keep({**self._seen, **(self._groups.seen if self._groups else {})})
        return certificate

    def _hidden(self, what: str, base: str, search_filter: str, before: Mapping[str, int]) -> bool:
        """Whether an attribute is nobody's now that somebody had in the last certified read.

        Asked first, since a record without it would be taken for the truth.
        """
        missing = []
        for name, count in sorted(before.items()):
            kind, _, attribute = name.partition(" ")
            if kind == what and attribute and count:
                try:
                    there = self._searcher.exists(base, f"(&{search_filter}({attribute}=*))")
                except IncompleteError as error:
                    self._doubts.reasons.extend(error.reasons)
                    return True
                if not there:
                    missing.append(f"{attribute} (then {count} entries)")
        if missing:
            self._doubts.reasons.append(
                f"nothing below {shown(base)} has {', '.join(missing)} any more, as it had in the last certified read: "
                "let the bind user read it; if it is gone for good, take it out of the settings"
            )
        return bool(missing)

    def _survey(self) -> bool:
        """Meet everybody by key and name; False when not even that worked."""
        add, key_of = self._index.add, self._people.key
        try:
            for entry in self._searcher.entries(self._settings.people.base, self._filter, (self._kind.key_attribute,)):
                try:
                    add(key_of(entry), entry.dn)
                except BadEntryError:  # told when the person is read
                    self._index.doubtful(entry.dn)
        except IncompleteError as error:
            self._doubts.reasons.extend(error.reasons)
        return len(self._index) > 0 or not self._doubts.reasons

    def _read_people(self) -> Iterator[Record]:
        people = self._people
        try:
            for entry in self._searcher.entries(self._settings.people.base, self._filter, people.asked):
                record = self._person(entry)
                if record is not None:
                    yield record
        except IncompleteError as error:
            self._doubts.reasons.extend(reason for reason in error.reasons if reason not in self._doubts.reasons)
        if not self._doubts.reasons:
            yield from self._missed()
        self._count_shown()
        self._seen["people"] = self._records

    def _count_shown(self) -> None:
        """Count who showed which attribute; entries that show the same are taken together."""
        for names, count in self._shapes.items():
            for name in self._people.shown_by(names):
                self._seen[name] += count
        self._shapes.clear()

    def _missed(self) -> Iterator[Record]:
        """Look for those who were surveyed and not met again: moved, gone, or left out by the server."""
        missed = [(row, self._index.key(row)) for row in self._index.unmet()]
        if len(missed) > MISSED:
            self._doubts.reasons.append(
                f"{len(missed)} of {len(self._index)} people were counted and then not read: read again, when the "
                "directory is not being rebuilt"
            )
            return
        if not missed:
            return
        base, size = self._settings.people.base, self._settings.lookup_size
        try:
            found = list(
                with_keys(self._searcher, self._kind, base, [key for _, key in missed], self._people.asked, size=size)
            )
        except IncompleteError as error:
            self._doubts.reasons.extend(error.reasons)
            return
        for entry in found:
            if self._index.named(entry.dn) != NOBODY:
                self._doubts.reasons.append(
                    f"{shown(entry.dn.decode('utf-8', 'replace'))} was counted, is still there, and yet was not among the "
                    f"{len(self._index)} people that were read: ask what stands between us and the server"
                )
            record = self._person(entry)
            if record is not None:
                yield record
        for row in list(self._index.unmet()):
            self._index.mark(row, GONE)

    def _person(self, entry: Entry) -> Record | None:
        """The record of one entry; None when it is known, met before, or cannot be read."""
        people, index = self._people, self._index
        key = None
        try:
            key = people.key(entry)
            row, _ = index.add(key, entry.dn)
            if index.state(row) == MET:
                return None
            index.mark(row, MET)
            if self._users:
                for user in entry.attributes.get("uid", ()):
                    index.add_user(user, row)
            is_active = people.active(entry)
            manager = people.manager(entry, self._manager)
            version = people.version(entry, is_active=is_active, manager=manager)
            if not self._known("person", key, version):
                attributes = people.attributes(entry, is_active=is_active, manager=manager)
            else:
                attributes = None
        except BadEntryError as bad:
            self._bad(entry, key, bad)
            return None
        self._records += 1
        self._shapes[tuple(entry.attributes)] += 1
        if len(self._shapes) > SHAPES:
            self._count_shown()
        return None if attributes is None else Record("person", key, attributes, version)

    def _bad(self, entry: Entry, key: str | None, bad: BadEntryError) -> None:
        dn = entry.dn.decode("utf-8", "replace")
        if key is None:
            self._index.doubtful(entry.dn)
        mail = next(iter(entry.attributes.get("mail", ())), b"").decode("utf-8", "replace")
        self._doubts.problems.append(
            Problem(f"{shown(dn)}: {bad.reason}", column=bad.attribute, external_id=key, email=mail or None)
        )

    def _manager(self, dn: bytes) -> str | None:
        row = self._index.named(dn)
        return self._index.key(row) if row >= 0 else None

    def _lookup(self, known: bytes) -> Lookup:
        return Lookup(self._searcher, self._kind, self._contexts, known, self._settings.lookup_size)


def _keyed(kind: Kind, attribute: str | None) -> Kind:
    return kind.with_key(attribute) if attribute else kind
