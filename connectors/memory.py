"""The in-memory twin of every source, for tests and rehearsals. `connectors/memory_target.py` has the target's."""

from __future__ import annotations

from dataclasses import replace
from threading import Condition
from typing import TYPE_CHECKING

from connectors.errors import CursorError, RetryableError
from connectors.model import Certificate, Gone, Known, normalise_name, nothing_known

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connectors.model import Record, RecordKind


class MemorySource:
    """A source that reads what it was given.

    Args:
        name: the source's name.
        records: what a read hands over, in this order.
        certificate: how a read ends; None computes that of a complete read.
        fail_after: a read breaks off with a RetryableError after so many records; None: never.
    """

    def __init__(
        self,
        name: str,
        records: Iterable[Record],
        certificate: Certificate | None = None,
        fail_after: int | None = None,
    ) -> None:
        self.name = name
        self._records = tuple(records)
        self._certificate = certificate or _complete(self._records)
        self._fail_after = fail_after

    def read(self, known: Known = nothing_known) -> Iterator[Record | Certificate]:
        """Stream the records, then the certificate.

        Raises:
            RetryableError: after `fail_after` records.
        """
        for record in self._records[: self._fail_after]:
            if record.version is None or not known(record.kind, record.external_id, record.version):
                yield record
        if self._fail_after is not None:
            raise RetryableError(self._broken(), where=self.name, cure="read again later")
        yield self._certificate

    def check(self) -> Iterator[str]:
        """One sentence for each cause why a read is not whole."""
        if self._fail_after is not None:
            yield self._broken()
        yield from (problem.message for problem in self._certificate.problems)
        yield from self._certificate.reasons

    def _broken(self) -> str:
        return f"{self.name} breaks off after {self._fail_after} records"


class MemoryJournal:
    """A source that keeps a journal of what changes in it, and tells from it (`base.Incremental`).

    Args:
        name: the source's name.
        records: what it holds at first.
    """

    def __init__(self, name: str, records: Iterable[Record] = ()) -> None:
        self.name = name
        self._held = {(record.kind, record.external_id): record for record in records}
        self._journal: list[tuple[RecordKind, str]] = []
        self._watched = 0
        self._told = Condition()
        self.began = 0
        """Cursors from before this place of the journal are not known any more."""

    def put(self, record: Record) -> None:
        """A record comes, or changes."""
        self._held[record.kind, record.external_id] = record
        self._note(record.kind, record.external_id)

    def remove(self, kind: RecordKind, external_id: str) -> None:
        """A record goes away."""
        del self._held[kind, external_id]
        self._note(kind, external_id)

    def read(self, known: Known = nothing_known) -> Iterator[Record | Certificate]:
        """Stream what it holds, then the certificate with a cursor."""
        records = tuple(self._held.values())
        cursor = str(len(self._journal))
        yield from MemorySource(self.name, records, replace(_complete(records), cursor=cursor)).read(known)

    def changes(self, cursor: str, known: Known) -> Iterator[Record | Gone | Certificate]:
        """Stream what changed since.

        Raises:
            CursorError: the journal does not go back so far.
        """
        place, end = int(cursor), len(self._journal)
        if not self.began <= place <= end:
            raise CursorError(f"the journal begins at {self.began}, and the cursor is {place}", where=self.name)
        touched = dict.fromkeys(self._journal[place:end])
        for kind in ("person", "group"):
            lost = {key for key in touched if key[0] == kind} - self._held.keys()
            yield from (Gone(kind, held) for held in sorted(known.held(kind, [name for _, name in lost])))
        records = tuple(self._held[key] for key in touched if key in self._held)
        yield from records
        yield replace(_complete(records), cursor=str(end))

    def watch(self, seconds: float) -> bool:
        """Wait until anything changed since the last call."""
        with self._told:
            changed = self._told.wait_for(lambda: self._watched != len(self._journal), seconds)
            self._watched = len(self._journal)
        return changed

    def _note(self, kind: RecordKind, external_id: str) -> None:
        with self._told:
            self._journal.append((kind, external_id))
            self._told.notify_all()

    def check(self) -> Iterator[str]:
        """Nothing is ever wrong with it."""
        return iter(())


def _complete(records: tuple[Record, ...]) -> Certificate:
    groups: set[str] = set()
    for record in records:
        names = record.attributes.get("groups" if record.kind == "person" else "display_name")
        if isinstance(names, str):
            groups.add(normalise_name(names))
        elif isinstance(names, tuple):
            groups.update(map(normalise_name, names))
    return Certificate(records=sum(record.kind == "person" for record in records), groups=len(groups))
