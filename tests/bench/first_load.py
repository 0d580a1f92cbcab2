"""`load`: the first load of a directory into the embedded account, every step journalled, with the whole product.

`python -m tests.bench.first_load COUNT` prints changes a second over all of `run` and over its apply loop alone, for each
tenth of the way.
"""

from __future__ import annotations

import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from syncd.bootstrap import open_app
from syncd.config import load_config
from syncd.run import run
from syncd.sync import Request
from tests.bench.data import people, write_csv
from tests.bench.measure import say

CONFIG = """
version: 1
store: sqlite:///syncd.db
sources:
  - {name: people, type: csv, path: people.csv, groups_separator: ";", settle_seconds: 0, columns:
     {id: Employee, display_name: User Name, email: Email, department: Department, groups: Group Name, active: Active}}
"""


def main(count: int) -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_csv(folder / "people.csv", people(count))
        (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
        ticks: list[tuple[float, int]] = []

        def progress(stage: str, done: int) -> None:
            if stage == "applied":
                ticks.append((time.perf_counter(), done))

        app = open_app(load_config(folder / "config.yaml"))
        start = time.perf_counter()
        report = run(app.sync(progress), Request("run"))
        end = time.perf_counter()
        done = report.outcome["done"]
        size = sum(file.stat().st_size for file in folder.glob("syncd.db*")) / 1e6
    begin = ticks[0][0]
    say(
        end - start,
        done=done,
        per_second=done / (end - start),
        apply_per_second=done / (ticks[-1][0] - begin),
        tenths=[round(rate) for rate in _tenths(ticks)],
        store_mb=round(size),
    )


def _tenths(ticks: list[tuple[float, int]]) -> list[float]:
    """Changes a second in each tenth of the way."""
    step = max(1, len(ticks) // 10)
    marks = ticks[::step]
    rates = []
    for (earlier, _), (later, _) in pairwise(marks):
        between = sum(done for at, done in ticks if earlier < at <= later)
        rates.append(between / (later - earlier))
    return rates


if __name__ == "__main__":
    main(int(sys.argv[1]))
