"""The in-memory twin of every source, for tests and rehearsals. `connectors/memory_target.py` has the target's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.errors import RetryableError
from connectors.model import Certificate, Known, normalise_name, nothing_known

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connectors.model import Record


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


def _complete(records: tuple[Record, ...]) -> Certificate:
    groups: set[str] = set()
    for record in records:
        names = record.attributes.get("groups" if record.kind == "person" else "display_name")
        if isinstance(names, str):
            groups.add(normalise_name(names))
        elif isinstance(names, tuple):
            groups.update(map(normalise_name, names))
    return Certificate(records=sum(record.kind == "person" for record in records), groups=len(groups))
