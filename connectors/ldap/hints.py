"""Which entries may have changed, as a feed names them, and what every feed is. Values only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connectors.ldap.wire import Entry
    from connectors.model import Known, RecordKind

MANY = 20_000
"""When so many entries changed, everything is read: that is no slower, and takes less memory."""


def _sets() -> defaultdict[RecordKind, set[str]]:
    return defaultdict(set)


@dataclass(slots=True)
class Hints:
    """What a feed told. Keys are external ids."""

    tokens: Mapping[str, str]
    """From where the feed goes on."""
    changed: defaultdict[RecordKind, set[str]] = field(default_factory=_sets)
    """Added or changed; a feed that knows no filter names entries of any sort here."""
    deleted: defaultdict[RecordKind, set[str]] = field(default_factory=_sets)
    """Deleted, or not among the entries any more."""
    names: dict[str, bytes] = field(default_factory=dict)
    """Key -> the entry's name, where it was told."""
    filtered: bool = False
    """Whether what changed was matched by base and filter: then it must be found there."""
    final: bool = True
    """Whether who is not found is gone; False: this feed never tells."""

    def keys(self, kind: RecordKind) -> set[str]:
        """Everything that is to be read again."""
        return self.changed[kind] | self.deleted[kind]

    def too_many(self, kind: RecordKind) -> bool:
        """Whether reading everything is no slower. Asked for every entry, so the two are joined only when it is near."""
        return len(self.changed[kind]) + len(self.deleted[kind]) > MANY and len(self.keys(kind)) > MANY


class Feed(Protocol):
    """One way of telling what changed.

    A feed only hints. What it names is read again by its key, and that decides; so it may name too much, and never too
    little.
    """

    name: str
    survey_attributes: Sequence[str] = ()
    """What `survey` wants to see of everybody; when it is nothing, it is not called."""

    def identity(self) -> str:
        """What tells the server and its database from every other."""
        ...

    def start(self) -> bool:
        """Take the token, before a read; False: the server does not offer this.

        Raises:
            IncompleteError: it did not say.
        """
        ...

    def survey(self, entry: Entry) -> None:
        """One entry of the read that follows."""
        del entry

    def started(self) -> Mapping[str, str] | None:
        """The token, after the read; None: there is none."""
        ...

    def hints(self, tokens: Mapping[str, str], known: Known) -> Hints:
        """What changed since.

        Raises:
            CursorError: the server cannot tell from there.
            IncompleteError: it did not tell everything.
            ConnectorError: the connection broke.
        """
        ...
