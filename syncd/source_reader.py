"""Reading one source: what changed, where it can tell; else everything. Nothing is concluded here from a part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from connectors.base import Incremental, Stamped
from connectors.errors import ConnectorError, CursorError
from connectors.model import Certificate, Known, Record, RecordKind
from syncd.store import sizes
from syncd.store.changes import Held, take_changes
from syncd.store.ingest import ingest
from syncd.store.runs import ReadLine
from syncd.store.sources import Cursor, cursor_of, keep_stamp, stamp_of
from syncd.sync import Request, Sync

_TELL_EVERY = 1000
_WHOLE = "{} was read whole: "

T = TypeVar("T")


@dataclass(slots=True)
class SourceReader:
    """Takes in the sources of one run, one after the other.

    Args:
        sync: what a run needs.
        request: what the call asks for.
        now: the time from which an absence counts.
    """

    sync: Sync
    request: Request
    now: datetime
    failures: list[ConnectorError] = field(default_factory=list)
    """Of the sources that could not be read at all."""
    failed: dict[str, str] = field(default_factory=dict)
    """The sources that could not be read as a whole, and why; rows that were skipped are no failure."""

    def take(self, name: str, before: ReadLine | None) -> ReadLine:
        """Take in what changed, where the source can tell; else everything."""
        store, why_whole = self.sync.store, list[str]()
        certificate = self._changes(name, before, why_whole) if before else None
        if certificate is None:
            certificate = self._everything(name)
            certificate = replace(certificate, notes=(*why_whole, *certificate.notes))
        if certificate.reasons:
            self.failed[name] = certificate.reasons[0]
        return ReadLine.of(name, certificate, sizes.count_groups(store, name))

    def _changes(self, name: str, before: ReadLine, why_whole: list[str]) -> Certificate | None:
        """What the source told since the last read; None when everything has to be read."""
        sync, source, since = self.sync, self.sync.sources[name], cursor_of(self.sync.store, name)
        if since is None or not isinstance(source, Incremental) or self.request.full or not self._lasts(name, since):
            return None
        stream = self._watched(source.changes(since.value, Held(sync.store, name)))
        try:
            told = take_changes(sync.store, name, stream, since, now=self.now, shape=sync.rules.address)
        except CursorError as error:
            why_whole.append(f"{_WHOLE.format(name)}{error.what}")
            return None
        # What only a full read notices goes on to be so; why that one was full does not.
        lasting = [note for note in before.notes if not note.startswith(_WHOLE.format(name))]
        notes = tuple(dict.fromkeys((*lasting, *told.certificate.notes)))
        return replace(told.certificate, records=before.records + told.grew, notes=notes)

    def _lasts(self, name: str, since: Cursor) -> bool:
        """Whether it is not yet time to read everything again; a clock that was set back makes it time."""
        return timedelta(0) <= self.now - since.full_at < self.sync.full_every.get(name, timedelta(0))

    def _everything(self, name: str) -> Certificate:
        sync, source = self.sync, self.sync.sources[name]

        def read(known: Known) -> Iterator[Record | Certificate]:
            counted = _Counted(known, lambda: sync.progress(f"read {name}", _TELL_EVERY))
            if self.request.full:
                counted.passages = None
            return self._watched(source.read(counted))

        stamp = _stamp(sync, name)
        certificate = ingest(sync.store, name, read, now=self.now, shape=sync.rules.address).certificate
        if stamp and certificate.certified:
            keep_stamp(sync.store, name, stamp)
        return certificate

    def _watched(self, stream: Iterator[T]) -> Iterator[T]:
        """A source's stream, whose failure is taken note of."""
        try:
            yield from stream
        except CursorError:
            raise
        except ConnectorError as error:
            self.failures.append(error)
            raise


def stands_as_before(sync: Sync, line: ReadLine | None, name: str) -> bool:
    """Whether a read could but repeat the last one, which was whole: for one person alone it is not done again."""
    stamp = _stamp(sync, name) if line and line.certified else None
    return stamp is not None and stamp == stamp_of(sync.store, name)


def _stamp(sync: Sync, name: str) -> str | None:
    source = sync.sources[name]
    return source.stamp() if isinstance(source, Stamped) else None


class _Counted(Known):
    """Tells the progress of what need not be handed over."""

    def __init__(self, known: Known, tell: Callable[[], None]) -> None:
        self.passages = known.passages
        self._known = known
        self._tell = tell
        self._met = 0

    def __call__(self, kind: RecordKind, external_id: str, version: bytes) -> bool:
        self._met += 1
        if self._met % _TELL_EVERY == 0:
            self._tell()
        return self._known(kind, external_id, version)
