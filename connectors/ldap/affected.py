"""Which groups a change of people or groups makes to be read again, by key.

May not: read their members (`groups` does).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.ldap.certificates import IncompleteError
from connectors.ldap.kinds import primary_group_sid, sid_bytes
from connectors.ldap.lookups import both, with_keys
from connectors.ldap.members import USERS
from connectors.ldap.search import any_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connectors.ldap.meeting import Meeting
    from connectors.ldap.scopes import Scope
    from connectors.ldap.wire import Entry


class Affected:
    """Grows from the groups that changed.

    Args:
        meeting: with groups in its scopes.
        there: the groups that changed and are there, by key.
    """

    def __init__(self, meeting: Meeting, there: dict[str, Entry]) -> None:
        self._meeting = meeting
        self.keys = {key: entry.dn for key, entry in there.items()}
        """Key -> name."""
        self._read: set[str] = set()

    def containing(self, names: Sequence[bytes], users: Sequence[bytes]) -> list[bytes]:
        """Add the groups that name somebody of these, as a member or owner; gives the names of the added ones."""
        kind = self._scope.kind
        attributes = [*(name for name in kind.member_attributes if name.lower() != USERS), kind.owner_attribute]
        added: list[bytes] = []
        size = max(1, self._meeting.settings.lookup_size // max(1, len(attributes)))
        for at in range(0, len(names), size):
            part = names[at : at + size]
            added += self._search("(|" + "".join(any_of(attribute, part) for attribute in attributes) + ")")
        if self._meeting.by_user:
            size = self._meeting.settings.lookup_size
            for at in range(0, len(users), size):
                added += self._search(any_of("memberUid", users[at : at + size]))
        return added

    def ancestors(self) -> None:
        """Add the groups in which these are, level by level."""
        groups = self._meeting.settings.groups
        level = list(self.keys.values()) if groups and groups.nested else []
        while level:
            level = self.containing(level, ())

    def primary(self, people: Sequence[str]) -> None:
        """Add the primary groups of these people, by key: no member list names them there."""
        if not (self._scope.kind.primary_groups and people):
            return
        searcher, scope = self._meeting.searcher, self._meeting.scopes.people
        size = self._meeting.settings.lookup_size
        sids = set()
        for entry in with_keys(searcher, scope.kind, scope.base, people, ("objectSid", "primaryGroupID"), size=size):
            sid, number = (b"".join(entry.attributes.get(name, ())) for name in ("objectsid", "primarygroupid"))
            try:
                sids.add(primary_group_sid(sid, number))
            except ValueError as error:
                raise IncompleteError([f"{entry.dn.decode('utf-8', 'replace')}: {error}"]) from None
        if sids:
            self._search(any_of("objectSid", map(sid_bytes, sorted(sids))))

    def entries(self, asked: Sequence[str]) -> Iterator[Entry]:
        """All of them, with these attributes."""
        scope, settings = self._scope, self._meeting.settings
        size = settings.groups.page_size if settings.groups else settings.lookup_size
        for entry in with_keys(
            self._meeting.searcher,
            scope.kind,
            scope.base,
            sorted(self.keys),
            asked,
            size=size,
            search_filter=scope.filter,
        ):
            self._read.add(self._key(entry))
            yield entry

    def all_read(self) -> None:
        """Have a doubt when one of them was not met when they were read: it changed meanwhile."""
        if missing := self.keys.keys() - self._read:
            self._meeting.doubts.reasons.append(
                f"{len(missing)} groups changed while they were read ({min(missing)}): they are read again in the next poll"
            )

    @property
    def _scope(self) -> Scope:
        scope = self._meeting.scopes.groups
        assert scope is not None
        return scope

    def _search(self, wanted: str) -> list[bytes]:
        scope, added = self._scope, []
        for entry in self._meeting.searcher.entries(
            scope.base, both(scope.filter, wanted), (scope.kind.key_attribute,)
        ):
            key = self._key(entry)
            if key not in self.keys:
                self.keys[key] = entry.dn
                added.append(entry.dn)
        return added

    def _key(self, entry: Entry) -> str:
        try:
            return self._scope.kind.key(entry.attributes)
        except ValueError as error:
            raise IncompleteError([f"group {entry.dn.decode('utf-8', 'replace')}: {error}"]) from None
