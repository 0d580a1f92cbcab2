"""The same promises, for a source that gives its groups as records of their own (as LDAP and SCIM do)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import RetryableError
from connectors.model import Certificate, Problem, Record
from syncd.core.change import Decision
from tests.depth import examples
from tests.property.world import World, deleted, policies, several

few = settings(max_examples=examples(10, 40))

KEYS = ["E1", "E2", "E3", "E4", "E5"]
people = st.builds(
    lambda key, email, active: Record(
        "person", key, {"email": f"{email}@x.example", "display_name": key, "active": active}
    ),
    st.sampled_from(KEYS),
    st.sampled_from("abcdef"),
    st.sampled_from([True, True, True, False]),
)
groups = st.builds(
    lambda key, name, members: Record("group", key, {"display_name": name, "members": tuple(sorted(members))}),
    st.sampled_from(["G1", "G2", "G3"]),
    st.sampled_from(["A", "B", "b", "C", "D"]),
    st.frozensets(st.sampled_from([*KEYS, "E9"]), max_size=4),
)
Day = dict[tuple[str, str], Record]
days = st.tuples(st.lists(people, max_size=6), st.lists(groups, max_size=3)).map(
    lambda found: {(record.kind, record.external_id): record for part in found for record in part}
)
histories = several(days)
ills = st.sampled_from(["", "", "", "cut", "problem", "frozen", "absent and frozen", "twice", "fails", "groups first"])


@dataclass
class Directory:
    """Reads a day, with a fault."""

    name: str
    day: Day
    ill: str = ""

    def read(self, known: object = None) -> Iterator[Record | Certificate]:
        """What a source with this fault hands over."""
        del known
        everything = list(self.day.values())
        if self.ill == "groups first":
            everything.reverse()
        named = [record for record in everything if record.kind == "group"]
        if self.ill in {"cut", "fails"}:
            yield from everything[: len(everything) // 2]
            if self.ill == "fails":
                raise RetryableError("connection lost", where=self.name)
            return
        if self.ill == "problem" and everything:
            bad = everything.pop()
            yield from everything
            yield Certificate(len(everything), problems=(Problem("bad", external_id=bad.external_id),))
            return
        frozen = frozenset(str(record.attributes["display_name"]) for record in named[:1])
        if self.ill == "absent and frozen":
            everything = [record for record in everything if record not in named[:1]]
        if self.ill == "frozen":
            everything = [self._half(record) if record in named[:1] else record for record in everything]
        yield from everything
        if self.ill == "twice" and everything:
            yield everything[-1]._replace(attributes={**everything[-1].attributes, "display_name": "D"})
        yield Certificate(len(everything), frozen_groups=frozen if "frozen" in self.ill else frozenset())

    def check(self) -> Sequence[str]:
        """Nothing."""
        return ()

    def _half(self, group: Record) -> Record:
        """A group of which only some members could be read."""
        members = group.attributes["members"]
        assert isinstance(members, tuple)
        return group._replace(attributes={**group.attributes, "members": members[:1]})


@contextmanager
def world(configuration: dict[str, Any]) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "one").mkdir()
        made = World(Path(folder) / "one", configuration)
        yield made
        made.engine.dispose()


def wanted(day: Day, configuration: dict[str, Any]) -> set[str]:
    """Who should have an account on this day, as the directory really is."""
    names: dict[str, list[str]] = {}
    for (kind, _), record in day.items():
        for member in record.attributes.get("members", ()) if kind == "group" else ():
            names.setdefault(member, []).append(str(record.attributes["display_name"]))
    return {
        f"hr/{key}"
        for (kind, key), record in day.items()
        if kind == "person" and configuration["rules"].shape(record.attributes, names.get(key, ())).wanted
    }


@few
@given(histories, policies(), st.lists(ills, min_size=4, max_size=4))
def test_nobody_whom_the_directory_has_is_deleted_whatever_is_read(
    history: list[Day], configuration: dict[str, Any], faults: list[str]
) -> None:
    with world(configuration) as one:
        for place, day in enumerate(history):
            assert not deleted(one.run(Directory("hr", day, faults[place]))) & wanted(day, configuration)


@settings(max_examples=examples(20, 80))
@given(histories, policies(), st.lists(ills, min_size=4, max_size=4))
def test_incremental_equals_full(history: list[Day], configuration: dict[str, Any], faults: list[str]) -> None:
    with world(configuration) as one:
        for place, day in enumerate(history):
            ill = faults[place] if faults[place] != "fails" else ""
            full, part = one.twin("full"), one.twin("part")
            wide, narrow = full.plan(Directory("hr", day, ill), full=True), part.plan(Directory("hr", day, ill))
            assert (wide.plan, wide.plan.digest) == (narrow.plan, narrow.plan.digest)
            assert wide.review.decisions == narrow.review.decisions
            full.engine.dispose()
            part.engine.dispose()
            one.run(Directory("hr", day, faults[place]))
            one.run(Directory("hr", day, faults[place]))  # what needs nothing any more is looked at no longer
            if place % 2:
                one.meddle(place)


@few
@given(histories, policies())
def test_applying_leaves_nothing_to_do(history: list[Day], configuration: dict[str, Any]) -> None:
    with world(configuration) as one:
        for day in history:
            last = [one.run(Directory("hr", day), hours=hours) for hours in (20, 0, 0, *(0 for _ in day))][-1]
            assert last is not None
            assert (last.outcome["failed"], last.outcome["done"]) == (0, 0), [
                change.key for change in last.plan.changes
            ]
            assert all(last.decisions[change.key] is not Decision.PROCEED for change in last.plan.changes)


@few
@given(histories, policies(), st.lists(ills, min_size=4, max_size=4))
def test_the_store_counts_members_right(history: list[Day], configuration: dict[str, Any], faults: list[str]) -> None:
    with world(configuration) as one:
        for place, day in enumerate(history):
            one.run(Directory("hr", day, faults[place]))
            assert one.counted() == one.recounted()
