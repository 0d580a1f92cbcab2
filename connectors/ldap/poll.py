"""One poll: what changed since a cursor, as whole records, and who is gone.

The feed names keys. People with these keys are read again by base and filter, exactly as in a full read: who is found is handed
over, who is not and was held is gone. What depends on them follows: the people whose manager came or went, and the groups
(`affected`). Nothing is gone in a poll that has a doubt.

What changes cannot tell, and a full read sets right, since nobody knows an entry's former name: a group or a manager attribute
that still holds the old name of somebody who was renamed, where the server does not follow (OpenLDAP without refint); that the
manager of somebody, or a member of a group, was deleted, which is told of the deleted alone; a changed
`uid` in memberUid lists that hold the old one; with syncrepl a change of a group outside of `groups.base` that is a member of
one inside; a changed value of a key attribute that is not the server's own id. May not: touch `Memory`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from connectors.errors import CursorError
from connectors.ldap.acquaintance import Acquaintance
from connectors.ldap.affected import Affected
from connectors.ldap.certificates import IncompleteError
from connectors.ldap.hints import MANY, Hints
from connectors.ldap.lookups import both, with_keys
from connectors.ldap.search import any_of
from connectors.model import Gone, nothing_known
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from connectors.ldap.certificates import Memory
    from connectors.ldap.hints import Feed
    from connectors.ldap.meeting import Meeting
    from connectors.ldap.scopes import Scope
    from connectors.ldap.wire import Entry
    from connectors.model import Certificate, Known, Record


class Poll:
    """One poll over one connection.

    Args:
        meeting: nobody was met in it yet.
        feed: what tells which entries changed.
        tokens: from where it goes on.
        known: what the reader holds.
        memory: what the last certified read had seen.
    """

    def __init__(
        self, meeting: Meeting, feed: Feed, tokens: Mapping[str, str], *, known: Known, memory: Memory
    ) -> None:
        self._meeting = meeting
        self._feed = feed
        self._since = tokens
        self._known = known
        self._memory = memory
        self._doubts = meeting.doubts
        self._acquaintance = Acquaintance(meeting)
        self._names: set[str] = set()
        self.tokens: Mapping[str, str] = {}
        """From where the next poll goes on."""

    def items(self) -> Iterator[Record | Gone]:
        """People, groups, and then who is gone.

        Raises:
            CursorError: nothing can be told from there.
            ConnectorError: the connection broke.
        """
        gone: list[Gone] = []
        try:
            hints = self._feed.hints(self._since, self._known)
            for scope in self._meeting.scopes.each:
                if (count := len(hints.keys(scope.of))) > MANY:
                    raise CursorError(f"{count:,} entries or more changed: reading everything takes no longer")
            self.tokens = hints.tokens
            yield from self._everything(hints, gone)
        except IncompleteError as error:
            self._doubts.reasons.extend(error.reasons)
        if self._doubts.certified and not self._doubts.frozen:
            yield from gone

    def certificate(self) -> Certificate:
        """The statement about the changes. A group that was not read whole is a reason here: the poll is repeated."""
        certificate = self._doubts.certificate(self._meeting.records, self._names)
        frozen = [f"group {shown(name)} changed and was not read whole" for name in sorted(certificate.frozen_groups)]
        return replace(certificate, reasons=(*certificate.reasons, *frozen), frozen_groups=frozenset())

    def _everything(self, hints: Hints, gone: list[Gone]) -> Iterator[Record | Gone]:
        scopes = self._meeting.scopes
        people = hints.keys("person")
        entries = self._found(scopes.people, people, hints, self._meeting.people.asked)
        held = self._known.held("person", people) if people else set()
        lost = held - entries.keys() if hints.final else set()
        fresh = {key: entry for key, entry in entries.items() if key not in held}
        former = self._former(lost, hints)
        moved = [entry.dn for entry in fresh.values()] + former
        entries |= self._reports(moved, entries)
        yield from self._people(entries)
        gone += [Gone("person", key) for key in sorted(lost)]
        if scopes.groups is None or self._doubts.reasons:
            return
        groups = hints.keys("group")
        there = self._found(scopes.groups, groups, hints, (scopes.groups.kind.key_attribute,))
        lost_groups = self._known.held("group", groups) - there.keys() if groups and hints.final else set()
        gone += [Gone("group", key) for key in sorted(lost_groups)]
        affected = Affected(self._meeting, there)
        affected.containing(moved, [user for entry in entries.values() for user in entry.attributes.get("uid", ())])
        affected.primary(list(fresh))
        affected.ancestors()
        yield from self._groups(affected, everything=bool(lost_groups))

    def _found(self, scope: Scope, keys: set[str], hints: Hints, asked: Sequence[str]) -> dict[str, Entry]:
        """Which of them are among the entries now."""
        if not keys:
            return {}
        searcher, size = self._meeting.searcher, self._meeting.settings.lookup_size
        found: dict[str, Entry] = {}
        for entry in with_keys(
            searcher, scope.kind, scope.base, sorted(keys), asked, size=size, search_filter=scope.filter
        ):
            try:
                found[scope.kind.key(entry.attributes)] = entry
            except ValueError as error:
                raise IncompleteError([f"{entry.dn.decode('utf-8', 'replace')}: {error}"]) from None
        absent = keys - found.keys()
        if hints.filtered and (strange := sorted(absent & hints.changed[scope.of] - hints.deleted[scope.of])):
            raise IncompleteError(
                [
                    f"{len(strange)} {scope.of} entries changed and are not found by {scope.kind.key_attribute} ({strange[0]})"
                ]
            )
        if absent and not found and not self._answers(scope):
            raise IncompleteError(
                [
                    f"nobody below {shown(scope.base)} matches {scope.filter} and shows {scope.kind.key_attribute} any more"
                ]
            )
        return found

    def _answers(self, scope: Scope) -> bool:
        """Whether a key that is not found means anything: somebody else is found by one. Groups may be none, people not."""
        exists = self._meeting.searcher.exists
        if exists(scope.base, both(scope.filter, f"({scope.kind.key_attribute}=*)")):
            return True
        return scope.of == "group" and not exists(scope.base, scope.filter)

    def _former(self, lost: set[str], hints: Hints) -> list[bytes]:
        """The names, where they can still be told, of those who are gone."""
        names = [hints.names[key] for key in lost if key in hints.names]
        rest = sorted(lost - hints.names.keys())
        scope = self._meeting.scopes.people
        size = self._meeting.settings.lookup_size
        return names + [
            entry.dn
            for entry in with_keys(self._meeting.searcher, scope.kind, scope.context, rest, ("1.1",), size=size)
        ]

    def _reports(self, names: list[bytes], entries: Mapping[str, Entry]) -> dict[str, Entry]:
        """The people whose manager came or went."""
        people, scope = self._meeting.people, self._meeting.scopes.people
        found: dict[str, Entry] = {}
        if not people.manager_attributes:
            return found
        size = max(1, self._meeting.settings.lookup_size // len(people.manager_attributes))
        for at in range(0, len(names), size):
            part = names[at : at + size]
            clauses = "".join(any_of(attribute, part) for attribute in people.manager_attributes)
            wanted = both(scope.filter, f"(|{clauses})")
            for entry in self._meeting.searcher.entries(scope.base, wanted, people.asked):
                try:
                    key = scope.kind.key(entry.attributes)
                except ValueError as error:
                    raise IncompleteError([f"{entry.dn.decode('utf-8', 'replace')}: {error}"]) from None
                if key not in entries:
                    found[key] = entry
        return found

    def _people(self, entries: Mapping[str, Entry]) -> Iterator[Record]:
        meeting = self._meeting
        shown_now = {name for entry in entries.values() for name in meeting.people.shown_by(entry.attributes)}
        scope = meeting.scopes.people
        if entries and meeting.hidden("people", scope.base, scope.filter, self._memory.recall(), shown_now):
            return
        for entry in entries.values():
            meeting.acquaint(entry)
        self._acquaintance.meet([dn for entry in entries.values() for dn in meeting.people.managers(entry)], ())
        for entry in entries.values():
            record = meeting.person(entry, nothing_known)
            if record is not None:
                yield record

    def _groups(self, affected: Affected, *, everything: bool) -> Iterator[Record]:
        """The groups to be handed over again.

        When a group is gone, nobody can say in which others it was a member; then all of them are read.
        """
        scope = self._meeting.scopes.groups
        nested = self._meeting.settings.groups is not None and self._meeting.settings.groups.nested
        everything = everything and nested
        if scope is None or self._doubts.reasons or not (everything or affected.keys):
            return
        if self._meeting.hidden("members", scope.base, scope.filter, self._memory.recall()):
            return
        if everything:  # page by page, and nothing else can be asked before the last one
            self._acquaintance.meet_everybody()
        reader = self._meeting.group_reader(self._acquaintance.meet)
        assert reader is not None
        entries: Iterable[Entry] | None = None if everything else affected.entries(reader.asked)
        yield from reader.records(entries)
        self._names = reader.names
        if not everything:
            affected.all_read()
