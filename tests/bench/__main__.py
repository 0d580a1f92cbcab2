"""Runs the benchmarks and prints ratios; see the package's docstring."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.account import account
from tests.bench.console import console as console_pages
from tests.bench.daemon import daemon
from tests.bench.data import prepare
from tests.bench.ldap import ldap
from tests.bench.ldap_changes import ldap_changes
from tests.bench.ldap_follow import ldap_follow
from tests.bench.mdm import mdm
from tests.bench.measure import Measured, in_turn, once
from tests.bench.million import million
from tests.bench.portal import portal
from tests.bench.postgresql import postgresql
from tests.bench.report import FILE, write
from tests.bench.review import review
from tests.bench.scim import scim
from tests.bench.servers import servers
from tests.bench.workers import failover, workers

console = Console(width=110)
Results = list[dict[str, Any]]


def ingest(scratch: Path, *, quick: bool) -> Results:
    """Ingest + diff beside polars, and the growth from 10k to 1M (goal: time <= 1.2 x, memory <= 1/4, < 400 MB).

    polars does the same job when it keeps today's state for tomorrow; `forgetting` is the anti-joins alone.
    """
    results: Results = []
    for count in (1_000, 10_000, 100_000) if quick else (10_000, 100_000, 1_000_000):
        folder = scratch / f"people-{count}"
        prepare(folder, count)
        for day in ("0", "1"):
            sides = {
                "ours": ("tests.bench.ours", str(folder), day),
                "polars": ("tests.bench.with_polars", str(folder), day),
                "polars, forgetting": ("tests.bench.with_polars", str(folder), day, "forget"),
            }
            found = in_turn(sides, rounds=3)
            results += _beside(f"ingest + diff, {count:,} people, {day} % changed", found, same_counts=True)
    return results


def peers(scratch: Path, *, quick: bool) -> Results:
    """The same beside the libraries diffsync and deepdiff, at 100,000 people."""
    count = 10_000 if quick else 100_000
    folder = scratch / f"people-{count}"
    prepare(folder, count)
    sides = {
        "ours": ("tests.bench.ours", str(folder), "1"),
        "diffsync": ("tests.bench.with_diffsync", str(folder), "1"),
        "deepdiff": ("tests.bench.with_deepdiff", str(folder), "1"),
    }
    return _beside(f"ingest + diff, {count:,} people, 1 % changed", in_turn(sides, rounds=1), same_counts=False)


def load(scratch: Path, *, quick: bool) -> Results:
    """First load into the embedded account, every step journalled (goal: >= 4,000 changes a second, flat)."""
    del scratch
    count = 10_000 if quick else 100_000
    measured = once("tests.bench.first_load", str(count))
    said = measured.said
    name = f"first load, {count:,} people"
    console.print(f"[bold]{name}[/]: {said['per_second']:,.0f} changes/s over the whole run")
    console.print(f"  apply loop alone {said['apply_per_second']:,.0f}/s; by tenths of the way: {said['tenths']}")
    console.print(f"  {measured.memory:,.0f} MB, store {said['store_mb']:,} MB\n")
    return [{"bench": name, "side": "ours", **_row(measured)}]


def deletions(scratch: Path, *, quick: bool) -> Results:
    """Leavers deleted from the embedded account, every step journalled and each read back (goal: >= 500 a second)."""
    del scratch
    count = 1_000 if quick else 10_000
    measured = once("tests.bench.deletions", str(count))
    said = measured.said
    name = f"{count:,} deletions"
    console.print(f"[bold]{name}[/]: {said['per_second']:,.0f}/s over the whole run")
    console.print(f"  apply loop alone {said['apply_per_second']:,.0f}/s; {measured.memory:,.0f} MB\n")
    return [{"bench": name, "side": "ours", **_row(measured)}]


def start(scratch: Path, *, quick: bool) -> Results:
    """`syncd --help` beside an empty Python (goal: under 150 ms)."""
    del scratch
    sides = {
        "syncd --help": [str(Path(sys.executable).with_name("syncd")), "--help"],
        "python -c pass": [sys.executable, "-c", "pass"],
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(5 if quick else 21):
        for name, command in sides.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - began)
    found = {name: median(taken) * 1000 for name, taken in times.items()}
    console.print("[bold]start[/]: " + ", ".join(f"{name} {taken:.0f} ms" for name, taken in found.items()) + "\n")
    return [{"bench": "start", "side": name, "seconds": taken / 1000} for name, taken in found.items()]


def _beside(name: str, found: dict[str, Measured], *, same_counts: bool) -> Results:
    table = Table("side", "seconds", "x ours", "MB", "x ours ", "said", title=name, title_justify="left")
    ours = found["ours"]
    for side, measured in found.items():
        counts = {key: value for key, value in measured.said.items() if key not in {"seconds", "ingest"}}
        table.add_row(
            side,
            f"{measured.said['seconds']:.2f}",
            f"{measured.said['seconds'] / ours.said['seconds']:.2f}",
            f"{measured.memory:.0f}",
            f"{measured.memory / ours.memory:.2f}",
            json.dumps(counts),
        )
        if same_counts:
            mine = {key: value for key, value in ours.said.items() if key not in {"seconds", "ingest"}}
            assert counts == mine, f"{side} found {counts}, ours {mine}"
    console.print(table)
    console.print()
    return [{"bench": name, "side": side, **_row(measured)} for side, measured in found.items()]


def _row(measured: Measured) -> dict[str, Any]:
    return {"wall": measured.wall, "cpu": measured.cpu, "memory_mb": measured.memory, **measured.said}


BENCHES = {
    "ingest": ingest,
    "peers": peers,
    "load": load,
    "deletions": deletions,
    "start": start,
    "account": account,
    "portal": portal,
    "ldap": ldap,
    "ldap-changes": ldap_changes,
    "ldap-follow": ldap_follow,
    "review": review,
    "scim": scim,
    "mdm": mdm,
    "million": million,
    "postgresql": postgresql,
    "console": console_pages,
    "daemon": daemon,
    "servers": servers,
    "workers": workers,
    "failover": failover,
}


def main(args: list[str]) -> None:
    """Run the named benchmarks, or all."""
    quick = "--quick" in args
    names = [arg for arg in args if not arg.startswith("--")] or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        raise SystemExit(f"no benchmark {unknown[0]}: there are {', '.join(BENCHES)}")
    console.print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians, sides in turn\n"
    )
    results: Results = []
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as scratch:
        for name in names:
            results += BENCHES[name](Path(scratch), quick=quick)
    page = write(results, keep="--keep" in args)
    console.print(f"written to {FILE} and {page}")


if __name__ == "__main__":
    main(sys.argv[1:])
