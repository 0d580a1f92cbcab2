"""The `diffsync` library's side of `peers`: two adapters, one model a user. `python -m tests.bench.with_diffsync FOLDER DAY`."""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path
from typing import ClassVar

from diffsync import Adapter, DiffSyncModel

from tests.bench.measure import say


class User(DiffSyncModel):
    """A person."""

    _modelname = "user"
    _identifiers = ("employee",)
    _attributes = ("name", "email", "groups")
    employee: str
    name: str
    email: str
    groups: list[str]


class Side(Adapter):
    """One side."""

    user = User
    top_level: ClassVar = ["user"]

    def take(self, path: Path) -> None:
        """Read a CSV."""
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                groups = row["Group Name"].split(";")
                self.add(User(employee=row["Employee"], name=row["User Name"], email=row["Email"], groups=groups))


def main(folder: Path, day: str) -> None:
    """Measure."""
    start = time.perf_counter()
    old, new = Side(), Side()
    old.take(folder / "0.csv")
    new.take(folder / f"{day}.csv")
    summary = old.diff_from(new).summary()
    say(
        time.perf_counter() - start, **{kind: count for kind, count in summary.items() if count and kind != "no-change"}
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
