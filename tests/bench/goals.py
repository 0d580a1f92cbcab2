"""What the benches are held against: each goal names a bench, a side, a number, and a limit or a peer of the same run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal; it holds for every row that it fits."""

    title: str
    bench: str
    """How the bench's name begins, as a regular expression."""
    side: str
    """The side's name, as a regular expression."""
    number: str
    """Which number of the row."""
    limit: float
    """At most so much; in parts of the peer's where there is one."""
    peer: str = ""
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Met:
    """A goal, beside what was measured."""

    title: str
    bench: str
    value: float
    limit: float
    peer: str
    at_least: bool

    @property
    def used(self) -> float:
        """How much of the limit is used; up to 1 the goal is met."""
        return self.limit / self.value if self.at_least else self.value / self.limit


GOALS = (
    Goal(
        "time of ingest and diff", r"ingest \+ diff, (100,000|1,000,000) people, . %", "ours", "seconds", 1.2, "polars"
    ),
    Goal("memory of ingest and diff", r"ingest \+ diff, 1,000,000 people, . %", "ours", "memory_mb", 0.25, "polars"),
    Goal("MB of ingest and diff", r"ingest \+ diff, 1,000,000", "ours", "memory_mb", 400),
    Goal("changes a second of a first load", "first load", "ours", "per_second", 4000, at_least=True),
    Goal("deletions a second", r".* deletions$", "ours", "per_second", 500, at_least=True),
    Goal("seconds of syncd --help", "start", "syncd --help", "seconds", 0.15),
    Goal("time of a directory's entries", "LDAP, .*10 attributes", "ours, entries", "seconds", 1 / 0.6, "ldapsearch"),
    Goal("MB of a directory of 100,000", "LDAP, 100,000", "ours, whole read", "memory_mb", 60),
    Goal("time of a plan of a directory", "LDAP to plan", "ours, plan", "seconds", 3, "ldapsearch, people and groups"),
    Goal("searches for 1,000 groups in groups", "LDAP, 1,000 groups", "ours, all groups", "searches", 10),
    Goal("seconds of a review", "review, 1,000,000", "facts and review.*", "seconds", 1),
    Goal("seconds of plan --user", "review, 1,000,000", "plan --user, nothing changed", "seconds", 1),
    Goal("seconds of a work order", "work order", "work order", "seconds", 5),
    Goal("time of managed app configs", "mdm, .* literal", "ours", "seconds", 2, "plistlib + zipfile"),
    Goal("MB of managed app configs", "mdm, .* literal", "ours", "memory_mb", 150),
    Goal("seconds of a lint", "mdm lint", ".*", "seconds", 0.05),
    Goal("ms of a page, 95 of 100", "console ", ".*", "p95_ms", 100),
    Goal("KB of a page", "console ", ".*", "kb", 200),
)


def met(rows: Iterable[Row], goals: Iterable[Goal] = GOALS) -> list[Met]:
    """Every goal that something was measured for, once for each bench: of several sides the worst."""
    rows = list(rows)
    found = []
    for goal in goals:
        fitting = [row for row in rows if re.match(goal.bench, row["bench"]) and goal.number in row]
        for bench in dict.fromkeys(row["bench"] for row in fitting):
            of = [row for row in fitting if row["bench"] == bench]
            peers = [row[goal.number] for row in of if row.get("side") == goal.peer]
            if goal.peer and not peers:
                continue
            values = [
                row[goal.number] / (peers[0] if peers else 1)
                for row in of
                if re.fullmatch(goal.side, row.get("side", ""))
            ]
            if values:
                worst = min(values) if goal.at_least else max(values)
                found.append(Met(goal.title, bench, worst, goal.limit, goal.peer, goal.at_least))
    return found
