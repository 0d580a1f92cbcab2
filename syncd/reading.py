"""The first steps of a run: read and ingest the sources and the account. Nothing is concluded from a part of either."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Engine

from connectors.base import Answering, Incremental, Stamped
from connectors.errors import ConnectorError, CursorError
from connectors.model import AccountGroup, Certificate, Known, Record, RecordKind, normalise_email, normalise_name
from syncd.core.diff import Ground
from syncd.core.groups import Renames, renames
from syncd.core.rules import Rules
from syncd.errors import SyncdError, UsageError
from syncd.store import accounts, clusters, groups, runs, sizes
from syncd.store.changes import Held, take_changes
from syncd.store.ingest import ingest
from syncd.store.runs import ReadLine
from syncd.store.sources import Cursor, cursor_of
from syncd.store.sql import chunks
from syncd.sync import Request, Sync

_TELL_EVERY = 1000

T = TypeVar("T")


def read_sources(sync: Sync, request: Request, run_id: int, now: datetime) -> dict[str, ReadLine]:
    """Read and ingest. A source that cannot be read at all certifies nothing; when none can be, that is the error.

    For one person alone a source that stands as it was last read, whole, is not read again; and so it is not in the answer.
    """
    wanted: Sequence[str] = request.sources or tuple(sync.sources)
    if unknown := [name for name in wanted if name not in sync.sources]:
        raise UsageError(f"there is no source {unknown[0]}", cure=f"sources are: {', '.join(sync.sources)}")
    before = runs.last_reads(sync.store, wanted)
    if request.user:
        wanted = [name for name in wanted if not _stands_as_before(sync, before.get(name), name)]
        before = {name: line for name, line in before.items() if name in wanted}
    runs.keep_reads(sync.store, run_id, [line.under_way() for line in before.values()])
    reader = _Reader(sync, request, now)
    lines = {name: reader.take(name, before.get(name)) for name in wanted}
    runs.keep_reads(sync.store, run_id, lines.values())
    if reader.failures and len(reader.failures) == len(wanted):
        raise reader.failures[0]
    if request.full or runs.recall(sync.store, "rules") != sync.rules_digest:
        clusters.dirty_all(sync.store, sync.rules)
        runs.remember(sync.store, {"rules": sync.rules_digest})
    return lines


@dataclass(slots=True)
class _Reader:
    """Takes in the sources of one run, one after the other."""

    sync: Sync
    request: Request
    now: datetime
    failures: list[ConnectorError] = field(default_factory=list)
    """Of the sources that could not be read at all."""

    def take(self, name: str, before: ReadLine | None) -> ReadLine:
        """Take in what changed, where the source can tell; else everything."""
        store, why_whole = self.sync.store, list[str]()
        certificate = self._changes(name, before, why_whole) if before else None
        if certificate is None:
            certificate = self._everything(name)
            certificate = replace(certificate, notes=(*why_whole, *certificate.notes))
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
            why_whole.append(f"{name} was read whole: {error.what}")
            return None
        return replace(told.certificate, records=before.records + told.grew)

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
            runs.remember(sync.store, {f"stamp:{name}": stamp})
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


def _stands_as_before(sync: Sync, line: ReadLine | None, name: str) -> bool:
    """Whether a read could but repeat the last one, which was whole: for one person alone it is not done again."""
    stamp = _stamp(sync, name) if line and line.certified else None
    return stamp is not None and stamp == runs.recall(sync.store, f"stamp:{name}")


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


def read_account(sync: Sync, request: Request) -> Ground:
    """Read and ingest the account: for one person only whoever they concern, where the target can be asked.

    Returns:
        The policy of comparing, with the account's groups.

    Raises:
        ConnectorError, SyncdError: it could not be read, or not whole.
    """
    if request.user and isinstance(sync.target, Answering):
        return _ground(sync, _read_some(sync, sync.target, request.user))
    there, certificate = accounts.ingest_accounts(sync.store, sync.target.read())
    if not certificate.certified:
        reasons = [*certificate.reasons, *(problem.message for problem in certificate.problems)]
        raise SyncdError(
            f"the Fluix account was not read whole: {'; '.join(reasons)}",
            cure="nothing is planned from half an account: mend this, and run it again",
        )
    return _ground(sync, there)


def _read_some(sync: Sync, target: Answering, email: str) -> Sequence[AccountGroup]:
    """Read and ingest the accounts that one person concerns, now and as the store has it; returns the account's groups."""
    addresses, ids = {normalise_email(email)}, set[str]()
    asked_addresses, asked_ids = set[str](), set[str]()
    while addresses or ids:
        asked_addresses |= addresses
        asked_ids |= ids
        there = {**target.find(addresses), **target.get(ids)}
        accounts.ingest_some(sync.store, ids, there.values())
        asked_ids |= there.keys()
        addresses, ids = clusters.reach(sync.store, email, sync.rules)
        addresses -= asked_addresses
        ids -= asked_ids
    return target.every_group()


def note_changed(sync: Sync, fluix_ids: Iterable[str]) -> None:
    """Take in again the accounts that were just changed, so that what the store tells of them until the next read is true."""
    for part in chunks(fluix_ids):
        accounts.ingest_some(sync.store, part, sync.target.get(part).values())
    if isinstance(sync.target, Answering):
        _keep_groups(sync, sync.target.every_group())


def _keep_groups(sync: Sync, there: Iterable[AccountGroup]) -> None:
    runs.remember(sync.store, {"groups": json.dumps([group.display_name for group in there])})


def _ground(sync: Sync, there: Sequence[AccountGroup]) -> Ground:
    _keep_groups(sync, there)
    able = "create_group" in sync.target.capabilities.verbs
    return replace(
        sync.ground,
        create_groups=sync.ground.create_groups and able,
        groups={normalise_name(group.display_name): group.display_name for group in there},
    )


def known_groups(store: Engine) -> dict[str, str]:
    """The account's groups as they were last read: name as compared -> name."""
    return {normalise_name(name): name for name in json.loads(runs.recall(store, "groups") or "[]")}


def frozen_groups(rules: Rules, lines: Iterable[ReadLine]) -> frozenset[str]:
    """Fluix's group names (as compared) that a source did not read whole."""
    names = (rules.group_name(name) for line in lines for name in line.frozen_groups)
    return frozenset(normalise_name(name) for name in names if name)


def rename_groups(sync: Sync, ground: Ground) -> Renames:
    """The groups that were renamed in sources which give groups an immutable id."""
    if "rename_group" not in sync.target.capabilities.verbs:
        return Renames()
    renamed = renames_known(sync.store, sync.sources, sync.rules, ground.groups)
    groups.name_groups(sync.store, renamed.names)
    return renamed


def renames_known(store: Engine, sources: Iterable[str], rules: Rules, there: Mapping[str, str]) -> Renames:
    """The same, with nothing written.

    Args:
        store: the store.
        sources: the names of all sources.
        rules: which names groups get.
        there: the account's groups, name as compared -> name.
    """
    found = groups.group_records(store, sources)
    return renames(found, groups.group_names(store), there, rules.group_name) if found else Renames()
