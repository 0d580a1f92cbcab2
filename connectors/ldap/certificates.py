"""What takes a read's certificate away, collected while it goes on, and the sentences for it.

May not: weigh. One doubt about everybody leaves the read uncertified; one about a group freezes that group. Why a group is
frozen is one of the certificate's `notes`, because its `reasons` are about everybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from connectors.model import Certificate, Problem, normalise_name
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RESULTS: Mapping[int, tuple[str, str]] = {
    1: ("an error of the server's operations", "look into the server's log"),
    3: ("the time limit", "raise the time limit of the bind user"),
    4: ("the size limit", "raise the size limit of the bind user, for paged results too"),
    10: ("a referral to another server", "name that server, or read a global catalogue"),
    11: ("the administrative limit", "index the filter's attributes, or raise the limit"),
    12: ("no answers in pages", "set page_size to 0, and raise the size limit of the bind user"),
    32: ("the base is not there", "correct the base, or give the bind user the right to see it"),
    34: ("the base is no name", "correct the base"),
    50: ("no right to do this", "give the bind user the right to read"),
    51: ("the server is busy", "read again later"),
    52: ("the server is unavailable", "read again later"),
    53: ("the server is unwilling", "look into the server's log"),
    80: ("an internal error", "look into the server's log"),
}
"""Result code -> what it means, and what to do about it (RFC 4511, appendix A)."""
_OTHER = ("one that ends a search early", "look the code up in RFC 4511, appendix A")


class IncompleteError(Exception):
    """A search that ended, and did not give everything. What it gave is true, and not all."""

    def __init__(self, reasons: Sequence[str], code: int = 0) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)
        self.code = code


def result_reason(code: int, base: str, entries: int, message: str = "") -> str:
    """The sentence for a search that ended with another result than 0."""
    what, cure = RESULTS.get(code, _OTHER)
    detail = f" ({message})" if message else ""
    return f"the search below {shown(base)} ended after {entries} entries with result {code}, {what}{detail}: {cure}"


class Memory(Protocol):
    """What the last certified read of this source had seen, kept by the caller from one read to the next."""

    def recall(self) -> Mapping[str, int]:
        """`people mail` -> how many entries had that attribute; empty when there was no certified read yet."""
        ...

    def keep(self, seen: Mapping[str, int]) -> None:
        """Called at the end of a certified read."""
        ...


class NoMemory:
    """For a source without one: then an attribute that was hidden from us cannot be told from one nobody has."""

    def recall(self) -> Mapping[str, int]:
        """Nothing."""
        return {}

    def keep(self, seen: Mapping[str, int]) -> None:
        """Forget it."""


@dataclass(slots=True)
class Doubts:
    """Everything that speaks against a read, so far.

    Args:
        note: told each of `notes` as it comes.
    """

    note: Callable[[str], None]
    problems: list[Problem] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    frozen: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    @property
    def certified(self) -> bool:
        """Whether nothing speaks against it yet."""
        return not self.problems and not self.reasons

    def freeze(self, name: str, why: str) -> None:
        """Take one group's absences out of the certificate."""
        if name not in self.frozen:
            self.frozen.add(name)
            self.tell(f"group {shown(name)} was not read whole, and stays as it is: {why}")

    def tell(self, sentence: str) -> None:
        """Say what a person should know, and what takes nothing away."""
        self.notes.append(sentence)
        self.note(sentence)

    def certificate(self, records: int, group_names: set[str]) -> Certificate:
        """The statement at the end of the read."""
        groups = len({normalise_name(name) for name in group_names})
        problems, reasons = tuple(self.problems), tuple(self.reasons)
        return Certificate(records, groups, problems, reasons, frozenset(self.frozen), tuple(self.notes))
