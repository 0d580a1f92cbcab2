"""The rest of a member list that came as a range (`member;range=0-1499`), read once the page is over.

Only where the first part ended is kept, not its values: a thousand large groups would fill the memory. May not: take a range
that does not go on for the end; that leaves the group in doubt.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from connectors.errors import ConnectorError
from connectors.ldap.active_directory import all_values
from connectors.ldap.certificates import IncompleteError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from connectors.ldap.members import Membership
    from connectors.ldap.search import Searcher


class _LostError(Exception):
    """The connection broke: not the group's affair."""

    def __init__(self, error: ConnectorError) -> None:
        super().__init__()
        self.error = error


@dataclass(frozen=True, slots=True, eq=False)
class RangeRead:
    """One member list of which the first part came."""

    group: Membership
    attribute: str
    where: str
    """The base that addresses the group."""
    name: str
    """Of the first part, with its range."""
    count: int
    changed: list[bytes] | None
    """`uSNChanged` then."""

    def rest(self, searcher: Searcher) -> Iterator[bytes]:
        """The values after the first part.

        Raises:
            IncompleteError: the list does not go on, or changed meanwhile.
            ConnectorError: the connection broke.
        """

        def read(asked: tuple[str, ...]) -> Mapping[str, Sequence[bytes]]:
            try:
                entry = searcher.read(self.where, asked)
            except ConnectorError as error:
                raise _LostError(error) from error
            if entry is None:
                raise IncompleteError(["it is not there any more"])
            return entry.attributes

        first: dict[str, Sequence[bytes]] = {self.name: [b""] * self.count}
        if self.changed is not None:
            first["usnchanged"] = self.changed
        try:
            yield from islice(all_values(self.attribute, first, read, where=self.where), self.count, None)
        except _LostError as lost:
            raise lost.error from lost
        except ConnectorError as error:
            raise IncompleteError([error.what]) from error
