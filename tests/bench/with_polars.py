"""polars' side of `ingest`: the same CSV against yesterday's state in Parquet, by anti-joins.

`python -m tests.bench.with_polars FOLDER DAY [forget]`. Like ours it keeps today's state, so that tomorrow can be compared with
it; with `forget` it does the anti-joins alone. It is always let off what ours does besides: validating rows, a write that
survives a crash, and saying who is one human.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from tests.bench.measure import say


def main(folder: Path, day: str, *, forget: bool) -> None:
    """Measure one day's work."""
    start = time.perf_counter()
    today = pl.read_csv(folder / f"{day}.csv")
    users, memberships = today.drop("Group Name"), _memberships(today)
    old_users = pl.read_parquet(folder / "users.parquet")
    old_memberships = pl.read_parquet(folder / "memberships.parquet")
    key, values = ["Employee"], users.columns
    new = users.join(old_users, on=key, how="anti")
    gone = old_users.join(users, on=key, how="anti")
    changed = users.join(old_users, on=values, how="anti").join(new, on=key, how="anti")
    pair = ["Employee", "Group"]
    added = memberships.join(old_memberships, on=pair, how="anti").join(new, on=key, how="anti")
    removed = old_memberships.join(memberships, on=pair, how="anti").join(gone, on=key, how="anti")
    counts = {
        "add_member": added.height,
        "create_user": new.height,
        "gone": gone.height,
        "remove_member": removed.height,
        "update_user": changed.height,
    }
    if not forget:
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            users.write_parquet(Path(scratch) / "users.parquet")
            memberships.write_parquet(Path(scratch) / "memberships.parquet")
            end = time.perf_counter()
    else:
        end = time.perf_counter()
    say(end - start, **{kind: count for kind, count in counts.items() if count})


def _memberships(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select("Employee", pl.col("Group Name").str.split(";").alias("Group")).explode("Group")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], forget="forget" in sys.argv)
