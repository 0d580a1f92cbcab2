"""Who and what is below the bases, and what we may read of it: for `syncd check`, in a few quick searches.

Everybody is counted by key alone; values are looked at in a handful of entries. What we may not read looks as if it were
not there, and so an attribute that nobody shows is named. May not: take the handful for everybody without saying so.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from connectors.base import Told
from connectors.ldap.certificates import IncompleteError
from connectors.ldap.groups import NEVER_EMPTY
from connectors.ldap.members import group_name
from connectors.ldap.people import BadEntryError, PeopleReader
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from datetime import datetime

    from connectors.ldap.kinds import Kind
    from connectors.ldap.search import Searcher
    from connectors.ldap.settings import Groups, Settings
    from connectors.ldap.wire import Entry

HANDFUL = 200
"""So many people are looked at with all their values."""
_SMALLER_PAGES = (500, 100)
_LIMITS = frozenset({4, 11, 12, 53})
"""Results with which servers answer to pages that are too large."""
_NAMED = 5
_STATE = "which of its accounts are disabled"


class Survey:
    """One look at a server.

    Args:
        searcher: the server, bound.
        kind: what kind it is.
        settings: the source's.
        now: the time at which accounts are active or not.
        before: what the last certified read had seen (`Memory`).
    """

    def __init__(
        self, searcher: Searcher, kind: Kind, settings: Settings, now: datetime, before: Mapping[str, int]
    ) -> None:
        self._searcher = searcher
        self._before = before
        self._settings = settings
        key, groups = settings.people.key_attribute, settings.groups
        self._kind = kind.with_key(key) if key else kind
        self._group_kind = kind.with_key(groups.key_attribute) if groups and groups.key_attribute else kind
        self._reader = PeopleReader(self._kind, settings.people, now)
        self._problems: Counter[str] = Counter()

    def told(self) -> Iterator[Told]:
        """Everything that was looked at."""
        people = yield from self._people()
        groups: int | None = 0
        if self._settings.groups:
            groups = yield from self._groups(self._settings.groups)
        for problem in list(self._problems)[:_NAMED]:
            yield Told("problem", problem)
        if len(self._problems) > _NAMED:
            yield Told("problem", f"and {len(self._problems) - _NAMED} more of these")
        if people:
            counted = f"{people:,} people" if people > 1 else "1 person"
            if groups is not None and self._settings.groups:
                counted += f", {groups:,} group" + "s" * (groups != 1)
            yield Told("fact", f"{self._searcher.session.url}: {counted}")

    def _people(self) -> Generator[Told, None, int | None]:
        base = self._settings.people.base
        search_filter = self._settings.people.filter or self._kind.people_filter
        keys: set[str] = set()
        without: Counter[str] = Counter()

        def meet(entry: Entry) -> None:
            try:
                key = self._reader.key(entry)
            except BadEntryError as bad:
                without[bad.reason] += 1
                return
            if key in keys:
                self._problems[f"several people have the key {shown(key)} ({self._kind.key_attribute})"] += 1
            keys.add(key)

        size = self._settings.page_size
        count = yield from self._count(base, search_filter, (self._kind.key_attribute,), size, meet)
        for reason, times in without.most_common(_NAMED):
            yield Told(
                "problem",
                f"{times:,} of {count:,} people below {shown(base)}: {reason}: let the bind user read it, or set `key`",
            )
        if count == 0:
            cure = "correct the base or the filter, or let the bind user see them"
            yield Told("problem", f"nobody below {shown(base)} matches {search_filter}: {cure}")
        elif count:
            yield from self._values(base, search_filter, count)
        return count

    def _values(self, base: str, search_filter: str, count: int) -> Iterator[Told]:
        """What a handful shows, and whether anybody shows the rest."""
        try:
            entries = self._searcher.some(base, search_filter, self._reader.asked, HANDFUL)
        except IncompleteError as error:
            yield Told("problem", str(error))
            return
        seen: set[str] = set()
        for entry in entries:
            seen.update(name.partition(";")[0] for name in entry.attributes)
            self._look_at(entry)
        everybody = len(entries) >= count
        yield from self._lost(f"people below {shown(base)}", "people", base, search_filter, seen)
        hidden = []
        for name, of in self._reader.sources():
            if not seen.intersection(of) and (everybody or not self._anybody(base, search_filter, of)):
                hidden.append((name, of))
        where = f"nobody below {shown(base)} shows"
        for name, of in hidden:
            if name == "email":
                cure = "let the bind user read it, or name the attribute that holds addresses (`people.attributes`)"
                yield Told("problem", f"{where} {' or '.join(of)}, and without an email nobody gets an account: {cure}")
        rest = ", ".join(f"{' or '.join(of)} ({name})" for name, of in hidden if name != "email")
        if rest:
            yield Told("note", f"{where} {rest}: nobody has it, or it is hidden from the bind user")
        if not seen.intersection(self._reader.marks) and (
            everybody or not self._anybody(base, search_filter, self._reader.marks)
        ):
            yield Told(
                "note",
                f"{where} an attribute that says {_STATE}: nobody is, or they are hidden from the bind user "
                f"({', '.join(self._reader.marks)})",
            )

    def _lost(self, who: str, what: str, base: str, search_filter: str, seen: set[str]) -> Iterator[Told]:
        """What the last certified read had seen, and nobody shows any more: then nothing is certified."""
        for name, count in sorted(self._before.items()):
            kind, _, attribute = name.partition(" ")
            unseen = kind == what and attribute and count and attribute not in seen
            if unseen and not self._anybody(base, search_filter, [attribute]):
                cure = "let the bind user read it; if it is gone for good, take it out of the settings"
                yield Told("problem", f"none of the {who} shows {attribute}, as {count:,} did in the last read: {cure}")

    def _look_at(self, entry: Entry) -> None:
        """Note what would make this person a problem of a read."""
        try:
            self._reader.key(entry)
        except BadEntryError:
            return  # told of everybody, by the count
        try:
            is_active = self._reader.active(entry)
            self._reader.attributes(entry, is_active=is_active, manager=None)
        except BadEntryError as bad:
            self._problems[f"{shown(entry.dn.decode('utf-8', 'replace'))}: {bad.reason}"] += 1

    def _anybody(self, base: str, search_filter: str, attributes: Sequence[str]) -> bool:
        clauses = "".join(f"({attribute}=*)" for attribute in attributes)
        try:
            return self._searcher.exists(base, f"(&{search_filter}(|{clauses}))")
        except IncompleteError:
            return True  # then nothing is said of it

    def _groups(self, groups: Groups) -> Generator[Told, None, int | None]:
        kind, base = self._group_kind, groups.base
        search_filter = groups.filter or kind.group_filter
        empty: dict[bytes, str] = {}

        def meet(entry: Entry) -> None:
            where = shown(entry.dn.decode("utf-8", "replace"))
            try:
                kind.key(entry.attributes)
                group_name(entry.attributes, groups.name)
            except ValueError as error:
                self._problems[f"group {where}: {error}"] += 1
            classes = {value.lower() for value in entry.attributes.get("objectclass", ())}
            if kind.name == "openldap" and not NEVER_EMPTY.isdisjoint(classes):
                empty[entry.dn] = where

        asked = (kind.key_attribute, groups.name, "objectClass")
        count = yield from self._count(base, search_filter, asked, groups.page_size, meet)
        if count == 0:
            cure = "correct `groups`, or let the bind user see them"
            yield Told("note", f"no group below {shown(base)} matches {search_filter}, so nobody is in a group: {cure}")
        if count:
            yield from self._members(base, search_filter, groups.page_size, empty)
        return count

    def _members(self, base: str, search_filter: str, size: int, empty: dict[bytes, str]) -> Iterator[Told]:
        """Which groups show that they have members; nobody's names are asked for."""
        seen: set[str] = set()
        try:
            for entry in self._searcher.entries(
                base, search_filter, self._group_kind.member_attributes, page_size=size, types_only=True
            ):
                if entry.attributes:
                    seen.update(name.partition(";")[0] for name in entry.attributes)
                    empty.pop(entry.dn, None)
        except IncompleteError:
            return  # told by the count
        yield from self._lost(f"groups below {shown(base)}", "members", base, search_filter, seen)
        if not seen:
            members = " or ".join(self._group_kind.member_attributes)
            yield Told(
                "note", f"no group below {shown(base)} shows {members}: all are empty, or the bind user may not see it"
            )
        for where in list(empty.values())[:_NAMED]:
            cure = "let the bind user read member and uniqueMember"
            yield Told(
                "problem",
                f"group {where} shows no member, and its object class wants one, so it stays as it is: {cure}",
            )
        if len(empty) > _NAMED:
            yield Told("problem", f"and {len(empty) - _NAMED} more groups that show no member")

    def _count(
        self, base: str, search_filter: str, asked: Sequence[str], size: int, meet: Callable[[Entry], None]
    ) -> Generator[Told, None, int | None]:
        """How many match; None when the server did not give all of them, and then why."""
        count = 0
        try:
            for entry in self._searcher.entries(base, search_filter, asked, page_size=size):
                count += 1
                meet(entry)
        except IncompleteError as error:
            fits = self._smaller(base, search_filter, size) if error.code in _LIMITS else None
            more = f"; it does in pages of {fits}: write `page_size: {fits}`" if fits else ""
            yield Told("problem", f"{error}{more}")
            return None
        return count

    def _smaller(self, base: str, search_filter: str, size: int) -> int | None:
        """The page size with which the server gives everything."""
        for smaller in _SMALLER_PAGES:
            if smaller < size or not size:
                try:
                    for _ in self._searcher.entries(base, search_filter, ("1.1",), page_size=smaller):
                        pass
                except IncompleteError:
                    continue
                return smaller
        return None
