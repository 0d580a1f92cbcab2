"""The first step of a run: read and ingest the sources, but for those that keep failing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from connectors.errors import ConnectorError
from syncd import log
from syncd.core import quarantine
from syncd.core.change import Finding
from syncd.core.quarantine import Trouble
from syncd.errors import SyncdError, UsageError
from syncd.reading_one import searched
from syncd.source_reader import SourceReader, stands_as_before
from syncd.spans import span
from syncd.store import clusters, quarantines, runs, size_history
from syncd.store.runs import ReadLine
from syncd.sync import Request, Sync


@dataclass(slots=True)
class SourcesRead:
    """What a run's reading came to."""

    at: datetime
    lines: dict[str, ReadLine] = field(default_factory=dict)
    """Of the sources that this run read."""
    standing: dict[str, ReadLine] = field(default_factory=dict)
    """Of those that it need not read: they stand as they were read last, whole, or were searched for the one person."""
    waiting: dict[str, Trouble] = field(default_factory=dict)
    """Sources that keep failing, and were left alone."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def certified(self) -> list[str]:
        """The sources that this run read whole."""
        return [line.name for line in self.lines.values() if line.certified]


def read_sources(sync: Sync, request: Request, run_id: int, now: datetime) -> SourcesRead:
    """Read and ingest. A source that cannot be read at all certifies nothing; when none can be, that is the error.

    For one person alone a source that stands as it was last read, whole, is not read again, and one that changed is searched.

    Raises:
        UsageError: there is no source of this name.
        ConnectorError: no source could be read.
        SyncdError: every source waits in quarantine.
    """
    wanted = request.sources or tuple(sync.sources)
    if unknown := [name for name in wanted if name not in sync.sources]:
        raise UsageError(f"there is no source {unknown[0]}", cure=f"sources are: {', '.join(sync.sources)}")
    troubles = quarantines.troubles(sync.store)
    asked = () if request.patient else request.sources
    waiting = quarantine.left_alone(troubles.values(), asked, now, every=request.full)
    read = SourcesRead(now, waiting={name: waiting[name] for name in wanted if name in waiting})
    if len(read.waiting) == len(wanted):
        raise _nothing_read(read.waiting.values())
    before = runs.last_reads(sync.store, [name for name in wanted if name not in waiting])
    if request.user:
        read.standing = {name: line for name, line in before.items() if stands_as_before(sync, line, name)}
        moved = {name: line for name, line in before.items() if name not in read.standing}
        read.standing |= {name: _noted(moved[name], request.user) for name in _searched(sync, request, moved)}
    names = [name for name in wanted if name not in waiting and name not in read.standing]
    runs.keep_reads(sync.store, run_id, [before[name].under_way() for name in names if name in before])
    reader = SourceReader(sync, request, now)
    read.lines = {name: _take(reader, name, before.get(name)) for name in names}
    runs.keep_reads(sync.store, run_id, read.lines.values())
    for name in read.certified:
        size_history.keep_groups(sync.store, name, now)
    after = _quarantine(sync, read, reader.failed, troubles)
    if reader.failures and len(reader.failures) == len(names):
        raise reader.failures[0]
    read.findings += quarantine.findings(
        read.waiting.values(),
        [troubles[name] for name, trouble in after.items() if trouble is None],
        [trouble for trouble in after.values() if trouble and trouble.until],
    )
    if request.full or runs.recall(sync.store, "rules") != sync.rules_digest:
        clusters.dirty_all(sync.store, sync.rules)
        runs.remember(sync.store, {"rules": sync.rules_digest})
    return read


def _searched(sync: Sync, request: Request, moved: Mapping[str, ReadLine]) -> set[str]:
    """The sources in which it is enough to search for the one person; one that cannot be searched now is read, and says why."""
    if not request.user or request.full:
        return set()
    with span("search"):
        try:
            return searched(sync, moved, request.user)
        except ConnectorError:
            return set()


def _noted(line: ReadLine, user: str) -> ReadLine:
    note = f"{line.name} changed since it was read: only what concerns {user} was looked up in it"
    return replace(line, notes=[*line.notes, note])


def _take(reader: SourceReader, name: str, before: ReadLine | None) -> ReadLine:
    with span("ingest", source=name) as step:
        line = reader.take(name, before)
        said = {"records": line.records, "groups": line.groups, "problems": line.problem_count}
        step.count(certified=line.certified, **said)
    log.tell("source_read", source=name, certified=line.certified, **said)
    return line


def _nothing_read(waiting: Iterable[Trouble]) -> SyncdError:
    said = "; ".join(f"{one.source}: {quarantine.sentence(one)}" for one in waiting)
    return SyncdError(f"no source was read. {said}", cure="mend what it says; `--full` tries every source now")


def _quarantine(
    sync: Sync, read: SourcesRead, failed: Mapping[str, str], before: Mapping[str, Trouble]
) -> dict[str, Trouble | None]:
    """Keep how it stands with the sources that were read: failed once more, or well again (None)."""
    after: dict[str, Trouble | None] = {
        name: quarantine.failed(before.get(name), name, why, read.at) for name, why in failed.items()
    }
    after |= {name: None for name in read.lines if name in before and name not in failed}
    quarantines.keep(sync.store, after)
    return after
