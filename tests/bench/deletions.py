"""`deletions`: leavers deleted from the embedded account, every step journalled, with the whole product.

`python -m tests.bench.deletions COUNT` has COUNT people leave, of three times as many; every tenth has a document that is
given to somebody else first. It prints deletions a second over all of `run` and over its apply loop alone.
"""

from __future__ import annotations

import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import yaml

from connectors.fluix.account import EmbeddedAccount
from syncd.bootstrap import open_app
from syncd.config import load_config
from syncd.run import run
from syncd.sync import Request
from tests.bench.measure import say
from tests.house import House, staff

SETTINGS = {
    "leavers": {"grace_days": 0, "certified_absences": 1, "documents": {"reassign": "e001@example.com"}},
    "budgets": {"run": {"delete": None}, "day": {"delete": None}, "week": {"delete": None}},
    "shrink": {"max_percent": 100},
}


def main(count: int) -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as scratch:
        house = House(Path(scratch), dict(SETTINGS))
        people = staff(count * 3)
        house.hire(people)
        app = open_app(load_config(house.config))
        run(app.sync(), Request("run"))
        account = app.target()
        assert isinstance(account, EmbeddedAccount)
        leavers = people[-count:]
        papers = [{"title": person.id, "state": "draft", "user": person.row()[2].lower()} for person in leavers[::10]]
        account.load(yaml.safe_load(yaml.safe_dump({"users": [], "documents": papers})))
        house.hire(people[:-count])
        ticks: list[tuple[float, int]] = []

        def progress(stage: str, done: int) -> None:
            ticks.append((time.perf_counter(), done if stage == "applied" else 0))

        start, cpu = time.perf_counter(), time.process_time()
        report = run(app.sync(progress), Request("run"))
        end, cpu = time.perf_counter(), time.process_time() - cpu
        begin = next(at for (at, _), (_, done) in pairwise(ticks) if done)
    assert report.outcome == {"done": count, "failed": 0, "stale": 0, "skipped": 0}, report.outcome
    say(
        end - start,
        deleted=count,
        per_cpu_second=count / cpu,
        per_second=count / (end - start),
        apply_per_second=count / (ticks[-1][0] - begin),
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
