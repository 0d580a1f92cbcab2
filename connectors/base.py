"""The two interfaces of the outside. `tests/contracts.py` holds the suites that every implementation passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, runtime_checkable

from connectors.model import Known, nothing_known

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from connectors.model import Account, AccountGroup, Certificate, Dossier, Gone, Outcome, Record, Step, Verb


class Source(Protocol):
    """Where people and groups come from. Read-only: a source never changes what it reads."""

    name: str
    """The source's name in the configuration; part of every record's key."""

    def read(self, known: Known = nothing_known) -> Iterator[Record | Certificate]:
        """Stream every record, each external id of a kind once, then one certificate as the last item.

        A source that has versions may ask `known` and leave out what the reader holds already.

        Memory does not grow with the number of records. A record that cannot be read whole is not handed over: it
        becomes a `Problem` of the certificate. A stream that raises, or just ends, has certified nothing.

        Raises:
            ConnectorError: nothing could be read (no file, no connection, no rights).
        """
        ...

    def check(self) -> Iterable[str]:
        """Every reason why a read would not work or not be whole, as sentences with a cure; none when all is well."""
        ...


class Told(NamedTuple):
    """One sentence of a check."""

    kind: Literal["problem", "note", "fact"]
    """`problem`: a read would not work or not be whole, or soon will not. `note`: a person should know it. `fact`: all well."""
    sentence: str


@runtime_checkable
class Explaining(Source, Protocol):
    """A source whose check also tells what is well."""

    def explain(self) -> Iterable[Told]:
        """Everything that was looked at, in that order. Its problems are what `check` yields."""
        ...


@runtime_checkable
class Stamped(Source, Protocol):
    """A source that can tell at once, without being read, whether it stands as it did before."""

    def stamp(self) -> str | None:
        """A text that becomes another one whenever a read might give something else: of what it reads, and how it reads it.

        None where that cannot be told, or where a read would fail.
        """
        ...


@runtime_checkable
class Searchable(Source, Protocol):
    """A source in which a few people are found sooner than it is read."""

    def find(self, texts: Collection[str]) -> Sequence[Record] | None:
        """Every record in which one of these texts stands, anywhere and in whatever case, as a read would give it now.

        None where only a whole read can tell.

        Raises:
            ConnectorError: as in `read`.
        """
        ...


@runtime_checkable
class Incremental(Source, Protocol):
    """A source that can tell what changed since it was read last, and need not be read whole each time."""

    def changes(self, cursor: str, known: Known) -> Iterator[Record | Gone | Certificate]:
        """Stream what changed since, whole records and those that are gone, then one certificate as the last item.

        The certificate speaks of the changes: when it is certified, the reader's records with these changes are what a
        full read would give; but for absences that this source cannot tell, which the next full read brings. Its `cursor`
        goes on from here; without one the next read has to be full. What is told twice does no harm, so a poll whose
        outcome was not kept is simply repeated from the same cursor.

        Args:
            cursor: of the last certificate that had one.
            known: asked for what the reader holds (`held`, `every`).

        Raises:
            CursorError: nothing can be told from this cursor; read everything.
            ConnectorError: as in `read`.
        """
        ...

    def watch(self, seconds: float) -> bool:
        """Wait until the source says that something changed, so long at most; True when it did.

        Keeps its connection from call to call; what was changed between two calls is told by the next one.

        Raises:
            ConnectorError: the source cannot be reached, or does not announce changes.
        """
        ...


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a target can do. A plan never contains what its target cannot do."""

    verbs: frozenset[Verb]
    knows_dossier: bool
    """False where role, owner, workflows and documents are unknown (an export that does not tell)."""


class Target(Protocol):
    """The Fluix side: an account that can be read, asked about one user, and changed step by step."""

    capabilities: Capabilities

    def read(self) -> Iterator[AccountGroup | Account | Certificate]:
        """Stream every group, then every user, then one certificate as the last item.

        Raises:
            ConnectorError: nothing could be read.
        """
        ...

    def get(self, fluix_ids: Iterable[str]) -> Mapping[str, Account]:
        """The users of these ids as they are now; who is not there is left out."""
        ...

    def dossiers(self, fluix_ids: Iterable[str]) -> Mapping[str, Dossier]:
        """What makes deleting these users dangerous, as it is now; who is not there is left out."""
        ...

    def seats(self) -> tuple[int, int] | None:
        """How many seats are taken, and how many there are; None where no limit is known."""
        ...

    def apply(self, steps: Sequence[Step]) -> Sequence[Outcome]:
        """Do the steps in their order, and tell what became of each, in the same order.

        A step that fails does not keep the others from being done. When the call itself raises, each step may or may not
        have been done: repeating it with the same operation ids is safe and does nothing twice (no second user, no second
        invitation).

        Raises:
            ConnectorError: the target could not be reached.
        """
        ...

    def check(self) -> Iterable[str]:
        """Every reason why reading or applying would not work, as sentences with a cure; none when all is well."""
        ...


@runtime_checkable
class Answering(Target, Protocol):
    """A target that can be asked for a few users by address, and need not be read whole for one person."""

    def every_group(self) -> Sequence[AccountGroup]:
        """All groups, as `read` would begin.

        Raises:
            ConnectorError: nothing could be read.
        """
        ...

    def find(self, emails: Iterable[str]) -> Mapping[str, Account]:
        """The users with one of these addresses, in whatever spelling, by id; an address that nobody has is left out.

        Raises:
            ConnectorError: nothing could be read.
        """
        ...
