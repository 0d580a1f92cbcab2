"""People and groups from any SCIM 2.0 service: the source that the configuration's `type: scim` names.

Every read is proven whole (`connectors.scim.listing`), or it is not certified. May not: write to the service.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from connectors.errors import PermanentError
from connectors.model import Known, nothing_known
from connectors.scim.checking import explain_source
from connectors.scim.cursor import mark, parse_cursor
from connectors.scim.reading import Reading
from connectors.scim.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connectors.base import Told
    from connectors.model import Certificate, Gone, Record
    from connectors.scim.settings import SourceSettings


class ScimSource:
    """A source that pulls from a SCIM service.

    Args:
        name: the source's name in the configuration.
        settings: where the service is, and what is read.
        log: told each request, and what was left out or frozen.
        sleep: seconds; to be replaced in tests.
        clock: the time (aware, UTC).
    """

    def __init__(
        self,
        name: str,
        settings: SourceSettings,
        *,
        log: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self._settings = settings
        self._log = log
        self._sleep = sleep
        self._clock = clock

    def read(self, known: Known = nothing_known) -> Iterator[Record | Certificate]:
        """Stream every person that is not known already, then every group, then the certificate.

        Raises:
            RetryableError: the service cannot be reached, failed, or asks for time.
            RefusedError: it does not let us in.
            PermanentError: it is no SCIM service, or has no groups while groups are configured.
        """
        with self._service() as service:
            reading = Reading(service, self._settings)
            yield from reading.everything(known)
            yield self._certificate(reading)

    def changes(self, cursor: str, known: Known) -> Iterator[Record | Gone | Certificate]:
        """Stream what was made or changed since. Who is gone is not told: that the number fell asks for a full read.

        Raises:
            CursorError: nothing can be told from this cursor, or somebody went; read everything.
            ConnectorError: as in `read`.
        """
        since = parse_cursor(
            cursor, url=self._settings.access.url.rstrip("/"), settings=mark(self._settings.fingerprint())
        )
        with self._service() as service:
            reading = Reading(service, self._settings)
            yield from reading.changes(since, known)
            yield self._certificate(reading)

    def watch(self, seconds: float) -> bool:
        """Nothing is announced by SCIM itself: it is asked in turn.

        Raises:
            PermanentError: always.
        """
        del seconds
        raise PermanentError("a SCIM service does not announce changes", where=self._settings.access.url)

    def check(self) -> Iterator[str]:
        """Every reason why a read would fail or not be whole, as far as a few requests tell."""
        yield from (told.sentence for told in self.explain() if told.kind == "problem")

    def explain(self) -> Iterator[Told]:
        """What the service says of itself, and what is to be seen in its first page."""
        with self._service() as service:
            yield from explain_source(service, self._settings)

    def _service(self) -> Service:
        return Service(self._settings.access, self._log, self._sleep, self._clock)

    def _certificate(self, reading: Reading) -> Certificate:
        certificate = reading.certificate()
        for note in certificate.notes:
            self._log(f"# {note}")
        cursor = reading.cursor.text() if reading.cursor and certificate.certified else None
        return replace(certificate, cursor=cursor)
