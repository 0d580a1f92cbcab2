"""Groups and who is in them: member lists, ranges, groups in groups, primary groups.

A group is handed over whole or not at all: what its record does not name is taken away from people. A group of which any
part is in doubt, its groups' groups included, is frozen. May not: name anybody who is not a person of this source.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING

from connectors.errors import CursorError
from connectors.ldap.active_directory import foreign_sid, guid_base
from connectors.ldap.certificates import IncompleteError
from connectors.ldap.index import GONE, SEVERAL
from connectors.ldap.kinds import guid_mixed
from connectors.ldap.left_out import LeftOut
from connectors.ldap.member_urls import MEMBER_URL, MemberUrls
from connectors.ldap.members import (
    USERS,
    Membership,
    cycles,
    group_name,
    is_group,
    named_by,
    shown_bytes,
    without_uid,
)
from connectors.ldap.names import normalise_dn
from connectors.ldap.primary import add_primary
from connectors.ldap.ranges import RangeRead
from connectors.model import Problem, Record
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from connectors.ldap.certificates import Doubts
    from connectors.ldap.index import Index
    from connectors.ldap.kinds import Kind
    from connectors.ldap.lookups import Lookup
    from connectors.ldap.search import Searcher
    from connectors.ldap.settings import Groups, People
    from connectors.ldap.wire import Entry

    Acquaint = Callable[[Sequence[bytes], Sequence[bytes]], None]
    """Takes names and user names."""

NEVER_EMPTY = frozenset({b"groupofnames", b"groupofuniquenames"})
"""Object classes that want a member (RFC 4519)."""


class GroupReader:
    """Reads the groups of one read, after its people.

    Args:
        searcher: the server.
        kind: the kind of server, with the key of groups.
        settings: which entries are groups.
        people_kind: the same, with the key of people.
        people: which entries are people, for primary groups.
        index: everybody who was met.
        doubts: where doubts go.
        make_lookup: given a name that is there, makes what looks others up.
        acquaint: told whom groups name before they are looked for in the index; None: everybody is in it.
    """

    def __init__(
        self,
        searcher: Searcher,
        kind: Kind,
        settings: Groups,
        *,
        people_kind: Kind,
        people: People,
        index: Index,
        doubts: Doubts,
        make_lookup: Callable[[bytes], Lookup],
        acquaint: Acquaint | None = None,
    ) -> None:
        self._searcher = searcher
        self._kind = kind
        self._settings = settings
        self._people_kind = people_kind
        self._people = people
        self._index = index
        self._doubts = doubts
        self._make_lookup = make_lookup
        self._acquaint = acquaint
        self._members = tuple(attribute.lower() for attribute in kind.member_attributes)
        self._owner = kind.owner_attribute.lower()
        self.asked = (
            *dict.fromkeys((kind.key_attribute, people_kind.key_attribute)),
            settings.name,
            "objectClass",
            *kind.member_attributes,
            kind.owner_attribute,
            *(("memberURL",) if kind.member_urls else ()),
            *(("objectSid",) if kind.primary_groups else ()),
            *(("uSNChanged",) if kind.ranged else ()),
        )
        """What to ask the server for."""
        self._groups: list[Membership] = []
        self._by_name: dict[bytes, int] = {}
        self._keys: set[str] = set()
        self._left_out = LeftOut()
        self._urls = MemberUrls(searcher, people_kind, index)
        self._ranges: list[RangeRead] = []
        self.names: set[str] = set()
        """The names of the groups that were handed over."""
        self.has_searches = False
        """Whether some group says by a search who is in it."""
        self.seen: Counter[str] = Counter()
        """What this read saw, for the next one to compare with (`Memory`)."""

    def records(self, entries: Iterable[Entry] | None = None) -> Iterator[Record]:
        """Every group that was read whole.

        Args:
            entries: the groups, with what `asked` names; None: every group below the base.
        """
        self._collect(self._all() if entries is None else entries)
        self._descend()
        if self._kind.primary_groups:
            self._primary()
        for cycle in cycles(self._groups):
            names = " -> ".join(shown(self._groups[number].name) for number in cycle)
            self._doubts.tell(f"groups are members of each other, and each counts once: {names}")
        for sentence in self._left_out.notes():
            self._doubts.tell(sentence)
        for group in self._groups:
            if group.listed:
                yield from self._record(group)

    def _all(self) -> Iterator[Entry]:
        search_filter = self._settings.filter or self._kind.group_filter
        return self._searcher.entries(
            self._settings.base, search_filter, self.asked, page_size=self._settings.page_size
        )

    def _collect(self, entries: Iterable[Entry]) -> None:
        """Take the groups as they come; where members must be asked for, some groups at a time."""
        size = self._settings.page_size if self._acquaint else 1
        waiting: list[Entry] = []
        try:
            for entry in entries:
                waiting.append(entry)
                if len(waiting) >= size:
                    self._take_all(waiting)
            self._take_all(waiting)
        except IncompleteError as error:
            self._doubts.reasons.extend(error.reasons)
        self.seen["groups"] = len(self._groups)
        self._follow_ranges()

    def _take_all(self, entries: list[Entry]) -> None:
        self._meet(entries)
        for entry in entries:
            self._take(entry, listed=True)
        entries.clear()

    def _meet(self, entries: Iterable[Entry]) -> None:
        """Let whom these groups name be known."""
        if self._acquaint is not None:
            self._acquaint(*named_by(entries, (*self._members, self._owner)))

    def _take(self, entry: Entry, *, listed: bool) -> int:
        """Note a group; the number under which it stands."""
        where = entry.dn.decode("utf-8", "replace")
        name, key = where, ""
        try:
            key = self._kind.key(entry.attributes)
            name = group_name(entry.attributes, self._settings.name)
        except ValueError as error:
            if listed:
                self._doubts.problems.append(Problem(f"group {shown(where)}: {error}", external_id=key or None))
            listed = False
        if listed and key in self._keys:  # moved while it was read, and so met twice
            listed = False
        self._keys.add(key)
        number = len(self._groups)
        group = Membership(key, name, entry.dn, array("I"), listed=listed)
        self._groups.append(group)
        self._by_name[normalise_dn(entry.dn)] = number
        self._fill(group, entry)
        return number

    def _fill(self, group: Membership, entry: Entry) -> None:
        some = False
        for name, values in entry.attributes.items():
            attribute, _, option = name.partition(";")
            if attribute == MEMBER_URL and self._kind.member_urls:
                self._note_searches(group, values)
            elif attribute in self._members and (not option or option.startswith("range=")):
                for value in values:
                    self._add(group, attribute, value)
                if option:
                    usn = entry.attributes.get("usnchanged")
                    self._ranges.append(RangeRead(group, attribute, self._where(group), name, len(values), usn))
            else:
                continue
            some = some or bool(values)
            if group.listed and values:
                self.seen[f"members {attribute}"] += 1
        classes = {value.lower() for value in entry.attributes.get("objectclass", ())}
        if not some and self._kind.name == "openldap" and not NEVER_EMPTY.isdisjoint(classes):
            group.why = "it shows no member, and its object class wants one: the bind user may not read them"
        group.owners = tuple(entry.attributes.get(self._owner, ()))
        if self._kind.primary_groups:
            group.sid = next(iter(entry.attributes.get("objectsid", ())), None)

    def _where(self, group: Membership) -> str:
        """The base of a search for the rest of its members: by its key where it can be, for it may be moved meanwhile."""
        by_key = self._kind.decode_key is guid_mixed and group.key
        return guid_base(group.key) if by_key else group.dn.decode("utf-8", "replace")

    def _note_searches(self, group: Membership, urls: list[bytes]) -> None:
        if self._acquaint:
            raise CursorError(f"{shown(group.name)} is a search (memberURL), which only a full read follows")
        self._urls.note(group, urls)
        self.has_searches = True

    def _add(self, group: Membership, attribute: str, value: bytes) -> None:
        if attribute == USERS:
            row = self._index.user(value)
            missing = "several people have the user name"
        else:
            if attribute == "uniquemember":
                value = without_uid(value)
            if not value:
                return
            row = self._index.named(value)
            missing = "nobody can say for certain who is"
        if row >= 0:
            if self._index.state(row) != GONE:
                group.rows.append(row)
        elif row == SEVERAL:
            group.why = f"{missing} {shown_bytes(value)}"
        elif attribute != USERS:
            group.pending.append(value)

    def _follow_ranges(self) -> None:
        ranges, self._ranges = self._ranges, []
        for part in ranges:
            try:
                rest: Iterable[bytes] = part.rest(self._searcher)
                if self._acquaint:
                    rest = list(rest)
                    self._acquaint(rest, ())
                for value in rest:
                    self._add(part.group, part.attribute, value)
            except IncompleteError as error:
                part.group.why = str(error)
        self._urls.follow()

    def _descend(self) -> None:
        """Level by level: whoever is in a group and no person is looked up, the whole level in one filter."""
        lookup = self._make_lookup(self._groups[0].dn) if self._groups else None
        level = range(len(self._groups))
        while lookup and level:
            waiting: dict[bytes, tuple[bytes, list[Membership]]] = {}
            for group in map(self._groups.__getitem__, level):
                for dn in group.pending:
                    self._settle(group, dn, waiting)
                group.pending.clear()
            found = lookup.find((dn for dn, _ in waiting.values()), self.asked)
            self._meet(found.entries.values())
            first = len(self._groups)
            for normal, (dn, groups) in waiting.items():
                why = found.unsure.get(normal)
                if why is None:
                    self._join(dn, found.entries.get(normal), groups)
                for group in groups:
                    group.why = group.why or (
                        f"its member {shown_bytes(dn)} could not be looked up: {why}" if why else ""
                    )
            self._follow_ranges()
            level = range(first, len(self._groups))

    def _join(self, dn: bytes, entry: Entry | None, groups: list[Membership]) -> None:
        """Put what was found under a member's name into the groups that have it."""
        if entry is None or foreign_sid(dn):
            self._left_out.absent(dn, groups)
        elif is_group(entry, self._members):
            child = self._take(entry, listed=False)
            for group in groups:
                group.children.append(child)
        elif (row := self._person(entry, groups)) is not None:
            for group in groups:
                group.rows.append(row)

    def _settle(
        self,
        group: Membership,
        dn: bytes,
        waiting: dict[bytes, tuple[bytes, list[Membership]]],
    ) -> None:
        """Find a member among the groups, or put it down to be looked up."""
        normal = normalise_dn(dn)
        child = self._by_name.get(normal)
        if child is not None:
            group.children.append(child)
        elif normal in waiting:
            waiting[normal][1].append(group)
        else:
            waiting[normal] = (dn, [group])

    def _person(self, entry: Entry, groups: list[Membership]) -> int | None:
        """Somebody who has another name than when the people were read, or who is none of them."""
        try:
            row = self._index.row(self._people_kind.key(entry.attributes))
        except ValueError as error:
            for group in groups:
                group.why = f"the member {shown_bytes(entry.dn)}: {error}"
            return None
        if row >= 0 and self._index.state(row) != GONE:
            return row
        self._left_out.stranger(entry.dn, groups)
        return None

    def _primary(self) -> None:
        people_filter = self._people.filter or self._kind.people_filter
        names = add_primary(self._searcher, self._people.base, people_filter, self._groups)
        if self._acquaint:
            self._acquaint(names, ())
        for group in self._groups:
            waiting, group.pending = group.pending, []
            for dn in waiting:
                self._add(group, "member", dn)

    def _record(self, group: Membership) -> Iterator[Record]:
        nested = self._settings.nested
        rows: set[int] = set()
        for part in group.reached(self._groups) if nested else (group,):
            if part.why:
                inside = "" if part is group else f"in its group {shown(part.name)}, "
                self._doubts.freeze(group.name, inside + part.why)
                return
            rows.update(part.rows)
        self.names.add(group.name)
        members = tuple(sorted(map(self._index.key, rows)))
        owner = self._owner_of(group)
        told = {"owner": owner} if owner else {}
        yield Record("group", group.key, {"display_name": group.name, "members": members, **told})

    def _owner_of(self, group: Membership) -> str | None:
        """The key of the first who answers for it and is one of our people."""
        rows = map(self._index.named, group.owners)
        return next((self._index.key(row) for row in rows if row >= 0 and self._index.state(row) != GONE), None)
