"""One read, from the first search to the certificate.

People are surveyed first (key and name of everybody), then read: so a manager is known wherever in the directory they come,
an entry that was moved between two pages is noticed, and the two counts must agree. Groups come last, and only when
everybody was met: a member who was not read would look like one who left the group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.keys import NOBODY
from connectors.ldap.certificates import IncompleteError, Memory
from connectors.ldap.index import GONE
from connectors.ldap.lookups import with_keys
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.ldap.groups import GroupReader
    from connectors.ldap.hints import Feed
    from connectors.ldap.meeting import Meeting
    from connectors.model import Certificate, Known, Record

MISSED = 1000
"""So many people who were surveyed and not met again are looked for one by one; more mean that the read went wrong."""


class Reading:
    """One read over one connection.

    Args:
        meeting: nobody was met in it yet.
        known: what the reader holds already.
        memory: what the last certified read had seen.
        feed: what takes its token from this read; None: nothing does.
    """

    def __init__(
        self,
        meeting: Meeting,
        *,
        known: Known,
        memory: Memory,
        feed: Feed | None = None,
    ) -> None:
        self._meeting = meeting
        self._searcher = meeting.searcher
        self._scope = meeting.scopes.people
        self._settings = meeting.settings
        self._known = known
        self._doubts = meeting.doubts
        self._memory = memory
        self._feed = feed
        self._people = meeting.people
        self._index = meeting.index
        self._groups: GroupReader | None = None

    def records(self) -> Iterator[Record]:
        """Every person, then every group."""
        before = self._memory.recall()
        meeting, base, search_filter = self._meeting, self._scope.base, self._scope.filter
        if meeting.hidden("people", base, search_filter, before):
            return
        if self._survey():
            yield from self._read_people()
        if not meeting.records and not self._doubts.problems and not self._doubts.reasons:
            self._doubts.reasons.append(
                f"nobody below {shown(base)} matches {search_filter}: an empty directory is never taken for the truth"
            )
        # Not `certified`: a person with a bad value was met, and is in the groups all the same.
        scope = meeting.scopes.groups
        if scope is None or self._doubts.reasons:
            return
        self._groups = meeting.group_reader()
        if self._groups and not meeting.hidden("members", scope.base, scope.filter, before):
            yield from self._groups.records()

    def certificate(self) -> Certificate:
        """The statement about it; what was seen is remembered when nothing speaks against the read."""
        names = self._groups.names if self._groups else set[str]()
        certificate = self._doubts.certificate(self._meeting.records, names)
        if certificate.certified:
            self._memory.keep({**self._meeting.seen, **(self._groups.seen if self._groups else {})})
        return certificate

    @property
    def has_searches(self) -> bool:
        """Whether some group is a search: then the change of anybody may change it, and no feed names it."""
        return self._groups is not None and self._groups.has_searches

    def _survey(self) -> bool:
        """Meet everybody by key and name; False when not even that worked."""
        more = self._feed.survey_attributes if self._feed else ()
        acquaint, watch = self._meeting.acquaint, self._feed.survey if self._feed and more else None
        try:
            for entry in self._searcher.entries(
                self._scope.base, self._scope.filter, (self._scope.kind.key_attribute, *more), ahead=True
            ):
                acquaint(entry)
                if watch is not None:
                    watch(entry)
        except IncompleteError as error:
            self._doubts.reasons.extend(error.reasons)
        return len(self._index) > 0 or not self._doubts.reasons

    def _read_people(self) -> Iterator[Record]:
        people, person = self._people, self._meeting.person
        try:
            for entry in self._searcher.entries(self._scope.base, self._scope.filter, people.asked, ahead=True):
                record = person(entry, self._known)
                if record is not None:
                    yield record
        except IncompleteError as error:
            self._doubts.reasons.extend(reason for reason in error.reasons if reason not in self._doubts.reasons)
        if not self._doubts.reasons:
            yield from self._missed()
        self._meeting.count_shown()
        self._meeting.seen["people"] = self._meeting.records

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
        base, size = self._scope.base, self._settings.lookup_size
        try:
            found = list(
                with_keys(
                    self._searcher, self._scope.kind, base, [key for _, key in missed], self._people.asked, size=size
                )
            )
        except IncompleteError as error:
            self._doubts.reasons.extend(error.reasons)
            return
        person = self._meeting.person
        for entry in found:
            if self._index.named(entry.dn) != NOBODY:
                self._doubts.reasons.append(
                    f"{shown(entry.dn.decode('utf-8', 'replace'))} was counted, is still there, and yet was not among the "
                    f"{len(self._index)} people that were read: ask what stands between us and the server"
                )
            record = person(entry, self._known)
            if record is not None:
                yield record
        for row in list(self._index.unmet()):
            self._index.mark(row, GONE)
