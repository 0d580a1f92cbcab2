"""The `deepdiff` library's side of `peers`: two dictionaries. `python -m tests.bench.with_deepdiff FOLDER DAY`."""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path
from typing import Any

from deepdiff import DeepDiff

from tests.bench.measure import say


def load(path: Path) -> dict[str, dict[str, Any]]:
    """A CSV as one dictionary."""
    with path.open(encoding="utf-8", newline="") as stream:
        return {
            row["Employee"]: {
                "name": row["User Name"],
                "email": row["Email"],
                "groups": set(row["Group Name"].split(";")),
            }
            for row in csv.DictReader(stream)
        }


def main(folder: Path, day: str) -> None:
    """Measure."""
    start = time.perf_counter()
    found = DeepDiff(load(folder / "0.csv"), load(folder / f"{day}.csv"))
    say(time.perf_counter() - start, **{kind: len(items) for kind, items in found.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
