"""The connected parts of a heap of records, links and accounts: what shares an address or an account belongs together. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from connectors.model import Account
from syncd.core.humans import Entry, Link


@dataclass(slots=True, eq=False)
class Part:
    """A cluster that is being put together."""

    entries: list[Entry] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    into: Part | None = None
    """The part that took this one in, once they turned out to share something."""

    def take_in(self, other: Part) -> None:
        """Become one with another part."""
        self.entries += other.entries
        self.links += other.links
        self.accounts += other.accounts
        other.into = self


class Parts:
    """The parts of what was gathered, by the records, addresses and accounts that hold them together."""

    def __init__(self) -> None:
        self._made: list[Part] = []
        self._of: dict[object, Part] = {}

    def joined(self, *nodes: object) -> Part:
        """The one part in which all of these are from now on."""
        part: Part | None = None
        for node in nodes:
            there = self._of.get(node)
            while there is not None and there.into is not None:
                there = there.into
            if part is None:
                part = there
            elif there is not None and there is not part:
                part.take_in(there)
        if part is None:
            part = Part()
            self._made.append(part)
        for node in nodes:
            self._of[node] = part
        return part

    def __iter__(self) -> Iterator[Part]:
        """The parts that are left, in the order in which they were begun."""
        return (part for part in self._made if part.into is None)
