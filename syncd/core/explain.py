"""Why one person is decided as they are: each step from the record to the change, with its values and its rules. Pure.

    read -> scope -> map -> match -> merge -> diff -> policy -> approval -> outcome

Nothing is decided a second time: what resolving, comparing and reviewing came to is taken apart and said in words. The values
are here; `explain_records` has the steps up to the merge, `explain_deeds` the others, also those of a past run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from connectors.model import Value
from syncd.core.change import Decision, Finding, RecordKey
from syncd.core.humans import Entry, Isolated, Leaver, Link, Verdict
from syncd.core.rules import Rules

StepName = Literal["read", "scope", "map", "match", "merge", "diff", "policy", "approval", "outcome"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A key of the configuration, and where it stands."""

    key: str
    line: int | None = None
    """None: it is not in the file, and its default holds."""


Place = Callable[[str], Rule]
"""From a key to where it stands."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was seen or decided."""

    says: str
    values: Mapping[str, Any] = field(default_factory=dict)
    """Name -> value, as JSON can hold it: what the sentence rests on."""
    rules: tuple[Rule, ...] = ()
    """What of the configuration decided it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step, and all that is to be said of it."""

    name: StepName
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """One human, from the record to the outcome."""

    who: str
    says: str
    """How it stands, in one sentence."""
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """When a source was read."""

    run_id: int
    at: datetime
    certified: bool
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """One record as the store has it."""

    attributes: Mapping[str, Value]
    groups: tuple[str, ...] = ()
    """Further groups, known through group records."""
    last: Reading | None = None
    """The last read of its source."""
    certified: Reading | None = None
    """The last that was whole."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The operator's rules, and where they stand."""

    rules: Rules
    place: Place
    precedence: tuple[str, ...] = ()
    """Names of the sources, in the order of the configuration."""

    def source(self, name: str) -> tuple[Rule, ...]:
        """Where a source stands."""
        return (self.place(f"sources[{self.precedence.index(name)}]"),) if name in self.precedence else ()


@dataclass(frozen=True, slots=True)
class Human:
    """One human of a cluster: what was decided of them, and the records it rests on."""

    entries: tuple[Entry, ...]
    links: tuple[Link, ...] = ()
    verdict: Verdict | None = None
    """None: no record asks for an account, and none was made before."""

    @property
    def records(self) -> frozenset[RecordKey]:
        """Their keys."""
        return frozenset((*(entry.key for entry in self.entries), *(link.key for link in self.links)))


def humans(entries: Sequence[Entry], links: Sequence[Link], verdicts: Sequence[Verdict]) -> list[Human]:
    """A cluster's verdicts with the records that each is about, and the records that are nobody's."""
    by_key, linked = {entry.key: entry for entry in entries}, {link.key: link for link in links}
    found: list[Human] = []
    for verdict in verdicts:
        if isinstance(verdict, Isolated):
            keys = [*verdict.records, *(link.key for link in links if link.fluix_id in verdict.accounts)]
        elif isinstance(verdict, Leaver):
            keys = [link.key for link in verdict.links]
        else:
            keys = [*verdict.all_records, *(link.key for link in verdict.links)]
        keys = list(dict.fromkeys(keys))
        mine = tuple(by_key[key] for key in keys if key in by_key)
        found.append(Human(mine, tuple(linked[key] for key in keys if key in linked), verdict))
    met = {key for human in found for key in human.records}
    return found + [
        Human((entry,), tuple(linked[key] for key in (entry.key,) if key in linked))
        for entry in entries
        if entry.key not in met
    ]


_DECIDED_BY: Mapping[str, tuple[str, ...]] = {
    "shrink": ("shrink.max_percent",),
    "waiting": ("leavers.grace_days", "leavers.certified_absences"),
    "drift": ("people.on_drift",),
    "not_ours": ("people.adopt",),
    "adoption": ("people.adopt",),
    "group_missing": ("groups.create",),
    "protected": ("leavers.protected",),
    "workflow": ("leavers.workflows",),
    "documents": ("leavers.documents",),
    "unreadable": ("people.scope", "people.map"),
}
"""Check -> the keys of the configuration on which it rests; a check without a line here rests on none."""


def of_finding(finding: Finding, place: Place) -> Fact:
    """What a check found, with the keys of the configuration that decided it."""
    named = re.findall(r"budgets\.[a-z_.]+", finding.message) if finding.check == "budget" else ()
    keys = tuple(dict.fromkeys(named)) or _DECIDED_BY.get(finding.check, ())
    word = "note" if finding.decision is Decision.PROCEED else finding.decision.word
    return Fact(f"{word}, {finding.check}: {finding.message}", {}, tuple(map(place, keys)))


def plain(value: object) -> object:
    """A value as JSON can hold it."""
    return list(value) if isinstance(value, tuple) else value


def moment(when: datetime) -> str:
    """`2026-11-02 08:00 UTC`."""
    return f"{when:%Y-%m-%d %H:%M} UTC"
