"""Our side of `ingest`: read a CSV, compare with the store, and name every change.

`python -m tests.bench.ours FOLDER DAY [STORE]`: with a copy of the folder's store, or with another, as it is.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from connectors.csv_source import CsvSource
from connectors.model import normalise_name
from syncd import collector
from syncd.core.diff import Ground, diff
from syncd.core.resolve import resolve
from syncd.core.rules import Rules
from syncd.store import clusters
from syncd.store.engine import open_engine
from syncd.store.ingest import ingest
from tests.bench.data import COLUMNS, GROUPS
from tests.bench.measure import say


def source(path: Path) -> CsvSource:
    """The CSV as an operator would configure it."""
    return CsvSource("people", path, COLUMNS, groups_separator=";", settle_seconds=0)


def main(folder: Path, day: str, store: str = "") -> None:
    """Measure one day's work."""
    collector.rest()
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        if not store:
            shutil.copy(folder / "syncd.db", scratch)
        engine = open_engine(store or f"sqlite:///{scratch}/syncd.db")
        rules = Rules()
        groups = {normalise_name(name): name for name in (f"Group {i:03d}" for i in range(GROUPS))}
        start = time.perf_counter()
        now = datetime.now(UTC)
        ingest(engine, "people", source(folder / f"{day}.csv").read, now=now, shape=rules.address)
        read = time.perf_counter()
        trust = clusters.Trust(frozenset({"people"}))
        ground = Ground(now, groups)
        counts: Counter[str] = Counter()
        for cluster in clusters.dirty_clusters(engine, rules, trust):
            for verdict in resolve(cluster):
                difference = diff(verdict, ground)
                counts.update(change.kind for change in difference.changes)
                counts["gone"] += difference.leaving is not None
        end = time.perf_counter()
        engine.dispose()
    say(end - start, ingest=read - start, **{kind: count for kind, count in sorted(counts.items()) if count})


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
