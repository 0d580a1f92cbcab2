"""How it stands, at a glance: what the last reads of each source said, and how many people each kept over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Engine, select

from syncd.core.safety import SourceRead
from syncd.store.engine import reading
from syncd.store.runs import ReadLine
from syncd.store.tables import runs, size_history

_FAR: Final = 200
"""So many runs are looked back: a source that was never read whole does not cost the whole history."""


@dataclass(slots=True)
class LastReads:
    """What is known of one source's reads."""

    at: datetime
    run_id: int
    said: SourceRead
    whole_at: datetime | None = None
    """The last certified read; None: none of late."""


def last_reads(engine: Engine, sources: Collection[str]) -> dict[str, LastReads]:
    """The newest read of each source, and when it was last read whole; who was not read of late has none."""
    found: dict[str, LastReads] = {}
    query = select(runs.c.id, runs.c.started_at, runs.c.reads).where(runs.c.reads.is_not(None))
    with reading(engine) as connection:
        rows = connection.execution_options(yield_per=20).execute(query.order_by(runs.c.id.desc()).limit(_FAR))
        for run_id, at, reads in rows:
            for line in (ReadLine(**one) for one in reads):
                one = found.setdefault(line.name, LastReads(at, run_id, line.shown()))
                if line.certified and one.whole_at is None:
                    one.whole_at = at
            if all(name in found and found[name].whole_at for name in sources):
                break
    return {name: one for name, one in found.items() if name in sources}


def people_over_time(engine: Engine, sources: Collection[str]) -> dict[str, dict[date, int]]:
    """How many people each source kept, at the end of each day on which that changed."""
    found: dict[str, dict[date, int]] = defaultdict(dict)
    table = size_history.c
    query = select(table.source, table.day, table.size).where(table.group_name == "", table.source.in_(list(sources)))
    with reading(engine) as connection:
        for source, day, size in connection.execute(query.order_by(table.day)):
            found[source][date.fromisoformat(day)] = size
    return dict(found)
