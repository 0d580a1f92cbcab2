"""Whom names and user names mean, when not everybody was met: asked for in batches, or of everybody at once when they are many.

May not: leave a doubt untold. Who could not be looked up takes the poll's certificate away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.keys import NOBODY
from connectors.ldap.certificates import IncompleteError
from connectors.ldap.lookups import both
from connectors.ldap.names import normalise_dn
from connectors.ldap.search import any_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.ldap.lookups import Lookup
    from connectors.ldap.meeting import Meeting

FEW = 2000
"""So many are looked up; more, and everybody is asked for by key and name, which takes less time then."""


class Acquaintance:
    """Makes the index know whoever is asked for.

    Args:
        meeting: whose index it is.
    """

    def __init__(self, meeting: Meeting) -> None:
        self._meeting = meeting
        self._asked: set[bytes] = set()
        self._everybody = False
        self._lookup: Lookup | None = None

    def meet(self, names: Sequence[bytes], users: Sequence[bytes]) -> None:
        """Whoever of the people has these names, or these user names, is in the index then."""
        if self._everybody:
            return
        index = self._meeting.index
        new_names = {normalise_dn(name): name for name in names if name and index.named(name) == NOBODY}
        new_users = {user.lower(): user for user in users if index.user(user) == NOBODY}
        wanted_names = [name for normal, name in new_names.items() if b"n" + normal not in self._asked]
        wanted_users = [user for lower, user in new_users.items() if b"u" + lower not in self._asked]
        if len(self._asked) + len(wanted_names) + len(wanted_users) > FEW:
            self.meet_everybody()
            return
        self._asked.update(b"n" + normal for normal in new_names)
        self._asked.update(b"u" + lower for lower in new_users)
        if wanted_names:
            self._by_name(wanted_names)
        if wanted_users:
            self._by_user(wanted_users)

    def meet_everybody(self) -> None:
        """All people are in the index then, and nothing is asked any more."""
        if not self._everybody:
            self._everybody = True
            self._take(self._meeting.scopes.people.filter)

    @property
    def _attributes(self) -> tuple[str, ...]:
        key = self._meeting.scopes.people.kind.key_attribute
        return (key, "uid") if self._meeting.by_user else (key,)

    def _by_name(self, names: list[bytes]) -> None:
        if self._lookup is None:
            self._lookup = self._meeting.lookup(self._meeting.scopes.people.base.encode(), people=True)
        found = self._lookup.find(names, self._attributes)
        self._meeting.doubts.reasons.extend(dict.fromkeys(found.unsure.values()))
        for entry in found.entries.values():
            self._meeting.acquaint(entry)

    def _by_user(self, users: list[bytes]) -> None:
        size = self._meeting.settings.lookup_size
        search_filter = self._meeting.scopes.people.filter
        for at in range(0, len(users), size):
            self._take(both(search_filter, any_of("uid", users[at : at + size])))

    def _take(self, search_filter: str) -> None:
        meeting = self._meeting
        try:
            for entry in meeting.searcher.entries(meeting.scopes.people.base, search_filter, self._attributes):
                meeting.acquaint(entry)
        except IncompleteError as error:
            meeting.doubts.reasons.extend(error.reasons)
