"""The first steps of a run: read and ingest the sources and the account. Nothing is concluded from a part of either."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

from connectors.errors import ConnectorError
from connectors.model import Certificate, Known, Record, RecordKind, normalise_name
from syncd.core.diff import Ground
from syncd.core.groups import Renames, renames
from syncd.errors import SyncdError, UsageError
from syncd.store import accounts, clusters, groups, runs, sizes
from syncd.store.ingest import ingest
from syncd.store.runs import ReadLine
from syncd.sync import Request, Sync

_TELL_EVERY = 1000


def read_sources(sync: Sync, request: Request, run_id: int, now: datetime) -> dict[str, ReadLine]:
    """Read and ingest. A source that cannot be read at all certifies nothing; when none can be, that is the error."""
    wanted = request.sources or tuple(sync.sources)
    if unknown := [name for name in wanted if name not in sync.sources]:
        raise UsageError(f"there is no source {unknown[0]}", cure=f"sources are: {', '.join(sync.sources)}")
    before = runs.last_reads(sync.store, wanted)
    runs.keep_reads(sync.store, run_id, [line.under_way() for line in before.values()])
    lines: dict[str, ReadLine] = {}
    failures: list[ConnectorError] = []
    for name in wanted:
        taken = ingest(
            sync.store,
            name,
            partial(_watched, sync, name, failures, full=request.full),
            now=now,
            shape=sync.rules.address,
        )
        lines[name] = ReadLine.of(name, taken.certificate, sizes.count_groups(sync.store, name))
    runs.keep_reads(sync.store, run_id, lines.values())
    if len(failures) == len(wanted):
        raise failures[0]
    if request.full or runs.recall(sync.store, "rules") != sync.rules_digest:
        clusters.dirty_all(sync.store, sync.rules)
        runs.remember(sync.store, {"rules": sync.rules_digest})
    return lines


def _watched(
    sync: Sync, name: str, failures: list[ConnectorError], known: Known, *, full: bool
) -> Iterator[Record | Certificate]:
    """A source's stream, with its progress told."""
    counted = _Counted(known, lambda: sync.progress(f"read {name}", _TELL_EVERY))
    if full:
        counted.passages = None
    try:
        yield from sync.sources[name].read(counted)
    except ConnectorError as error:
        failures.append(error)
        raise


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


def read_account(sync: Sync) -> Ground:
    """Read and ingest the account.

    Returns:
        The policy of comparing, with the account's groups.

    Raises:
        ConnectorError, SyncdError: it could not be read, or not whole.
    """
    there, certificate = accounts.ingest_accounts(sync.store, sync.target.read())
    if not certificate.certified:
        reasons = [*certificate.reasons, *(problem.message for problem in certificate.problems)]
        raise SyncdError(
            f"the Fluix account was not read whole: {'; '.join(reasons)}",
            cure="nothing is planned from half an account: mend this, and run it again",
        )
    able = "create_group" in sync.target.capabilities.verbs
    return replace(
        sync.ground,
        create_groups=sync.ground.create_groups and able,
        groups={normalise_name(group.display_name): group.display_name for group in there},
    )


def frozen_groups(sync: Sync, lines: Iterable[ReadLine]) -> frozenset[str]:
    """Fluix's group names (as compared) that a source did not read whole."""
    names = (sync.rules.group_name(name) for line in lines for name in line.frozen_groups)
    return frozenset(normalise_name(name) for name in names if name)


def rename_groups(sync: Sync, ground: Ground) -> Renames:
    """The groups that were renamed in sources which give groups an immutable id."""
    found = groups.group_records(sync.store)
    if not found or "rename_group" not in sync.target.capabilities.verbs:
        return Renames()
    renamed = renames(found, groups.group_names(sync.store), ground.groups, sync.rules.group_name)
    groups.name_groups(sync.store, renamed.names)
    return renamed
