"""`make guard`: a few benches at reduced size, judged by ratios alone, so that a slow or busy machine fails nothing.

Each side is a process of its own; they take turns, and medians of their processor time and memory are compared. What Python
and libraries take to begin is several times the work at such sizes: where work is meant it is measured without them. Bounds are
two to three times what was measured on two busy cores: three times the work goes beyond them, a bad day does not, and twice
the work may pass. The work of one person may be half as much again at the larger size. What is over its bound is
measured once more, and fails if it is so again. Without slapd it fails.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.data import prepare
from tests.bench.ldap_directory import ldapsearch, people
from tests.bench.measure import Measured, in_turn, once, turns
from tests.slapd import SLAPD, Slapd

ROUNDS = 3
SMALL, LARGE = 40_000, 160_000
"""People, of two sizes between which growth is measured; with fewer the work is lost in what Python takes to begin."""
ENTRIES = 10_000
"""People of the directory, and of the managed app config."""

Found = Mapping[str, Measured]


@dataclass(frozen=True, slots=True)
class Bound:
    """How much one measurement may be, in parts of another from the same run."""

    what: str
    of: Callable[[Found], float]
    most: float


IMPORTED = {
    "ours": "tests.bench.ours",
    "small": "tests.bench.ours",
    "directory": "connectors.ldap.search",
    "mdm": "mdm.bundle",
}
"""What a side's process loads before it works: that is measured alone, and is no part of the work."""


def _growth(at: Found) -> float:
    return (at["ours"].work / LARGE) / (at["small"].work / SMALL)


def _directory_work(at: Found) -> float:
    """Of its own process it imports what it needs late: that is measured alone, and taken off."""
    return (at["directory"].cpu - at["directory, imports"].cpu) / at["ldapsearch"].cpu


BOUNDS = (
    Bound("ingest + diff: processor time, polars' is 1", lambda at: at["ours"].cpu / at["polars"].cpu, 2.2),
    Bound("ingest + diff: memory, polars' is 1", lambda at: at["ours"].memory / at["polars"].memory, 0.6),
    Bound("ingest + diff: work of a person of 160,000, of 40,000 it is 1", _growth, 1.5),
    Bound(
        "ingest + diff: memory for 160,000, for 40,000 it is 1", lambda at: at["ours"].memory / at["small"].memory, 2.5
    ),
    Bound("directory: work for all entries, all of ldapsearch is 1", _directory_work, 10.0),
    Bound("managed app config: work, bare plistlib's is 1", lambda at: at["mdm"].work / at["plistlib"].work, 4.0),
    Bound("syncd --help: processor time, empty Python's is 1", lambda at: at["help"].cpu / at["python"].cpu, 3.0),
)


def measure(scratch: Path, rounds: int = ROUNDS) -> dict[str, Measured]:
    """Everything that the bounds ask for."""
    for count in (SMALL, LARGE):
        prepare(scratch / str(count), count)
    found = in_turn(
        {
            "ours": ("tests.bench.ours", str(scratch / str(LARGE)), "1"),
            "polars": ("tests.bench.with_polars", str(scratch / str(LARGE)), "1"),
            "small": ("tests.bench.ours", str(scratch / str(SMALL)), "1"),
            "mdm": ("tests.bench.mdm_ours", str(ENTRIES)),
            "plistlib": ("tests.bench.with_plistlib", str(ENTRIES)),
        },
        rounds,
    )
    return found | _directory(scratch, rounds) | _start(rounds)


def judged(found: Found, bounds: tuple[Bound, ...] = BOUNDS) -> list[tuple[Bound, float]]:
    """Each bound with its ratio."""
    return [(bound, bound.of(found)) for bound in bounds]


def over(judgement: list[tuple[Bound, float]]) -> list[str]:
    """What is more than it may be, as sentences."""
    return [f"{bound.what}: {ratio:.2f}, at most {bound.most:g}" for bound, ratio in judgement if ratio > bound.most]


def _directory(scratch: Path, rounds: int) -> dict[str, Measured]:
    if SLAPD is None:
        raise SystemExit("there is no slapd")
    slapd = Slapd(scratch / "slapd").stream(people(ENTRIES)).start()
    try:
        return turns(
            {
                "ldapsearch": lambda: ldapsearch(slapd.url, scratch),
                "directory": lambda: once("tests.bench.ldap_directory", "entries", slapd.url),
            },
            rounds,
        )
    finally:
        slapd.stop()


def _start(rounds: int) -> dict[str, Measured]:
    sides = {
        "python": ("tests.bench.nothing",),
        "help": ("tests.bench.nothing", "--help"),
        "directory, imports": ("tests.bench.nothing", "connectors.ldap.search", "connectors.ldap.session"),
    }
    return in_turn(sides, rounds)


def _judged_now() -> list[tuple[Bound, float]]:
    with tempfile.TemporaryDirectory(prefix="syncd-guard-") as scratch:
        return judged(measure(Path(scratch)))


def main() -> None:
    """Measure, show, and fail where something is over its bound."""
    judgement = _judged_now()
    if over(judgement):  # once may be the machine's fault
        again = _judged_now()
        judgement = [min(one, other, key=itemgetter(1)) for one, other in zip(judgement, again, strict=True)]
    table = Table("ratio", "is", "at most", title="Ratios at reduced size", title_justify="left")
    for bound, ratio in judgement:
        table.add_row(bound.what, f"{ratio:.2f}", f"{bound.most:g}")
    Console(width=110).print(table)
    if found := over(judgement):
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
