"""What holds for every small company, every configuration and every fault."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.model import Account
from syncd.core.change import Decision
from syncd.core.recheck import replaced
from tests.depth import examples
from tests.property.world import FOREIGN, Day, Faulty, World, days, deleted, faults, policies, several, wanted

few = settings(max_examples=examples(10, 40))
histories = several(days)


@contextmanager
def world(configuration: dict[str, Any]) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "one").mkdir()
        made = World(Path(folder) / "one", configuration)
        yield made
        made.engine.dispose()


def accounts(one: World) -> list[Account]:
    return [item for item in one.target.read() if isinstance(item, Account)]


@settings(max_examples=examples(20, 80))
@given(several(days, least=3), policies(), faults)
def test_a_fault_never_adds_a_deletion(
    history: list[Day], configuration: dict[str, Any], fault: tuple[str, int]
) -> None:
    """On the day of the fault nobody is deleted; and on the day after it nobody whom the directory really has."""
    *before, today, tomorrow = history
    with world(configuration) as one:
        for day in before:
            assert not deleted(one.run(Faulty("hr", day), hours=30)) & wanted(day, configuration)
        assert deleted(one.run(Faulty("hr", today, fault), hours=30)) == set()
        for _ in range(2):
            assert not deleted(one.run(Faulty("hr", tomorrow))) & wanted(tomorrow, configuration)


@few
@given(histories, policies(), faults)
def test_one_source_with_a_fault_does_not_delete_the_people_of_another(
    history: list[Day], configuration: dict[str, Any], fault: tuple[str, int]
) -> None:
    other = history[0]
    with world(configuration) as one:
        for day in history[:-1]:
            one.run(Faulty("hr", day), Faulty("ad", other))
        gone = deleted(one.run(Faulty("hr", history[-1], fault), Faulty("ad", other)))
        assert not {key for key in gone if key.startswith("hr/")}
        assert not gone & {key.replace("hr/", "ad/") for key in wanted(other, configuration)}


@few
@given(histories, policies())
def test_applying_leaves_nothing_to_do(history: list[Day], configuration: dict[str, Any]) -> None:
    """What follows when an address becomes free takes one run more, for each who waits for another's; then only what is held is left."""
    with world(configuration) as one:
        for day in history:
            last = [one.run(Faulty("hr", day), hours=hours) for hours in (20, 0, 0, *(0 for _ in day))][-1]
            assert last is not None
            assert last.outcome["failed"] == 0
            assert last.outcome["done"] == 0, [change.key for change in last.plan.changes]
            assert all(last.decisions[change.key] is not Decision.PROCEED for change in last.plan.changes)


@few
@given(
    histories,
    policies(),
    st.lists(st.none() | faults, min_size=4, max_size=4),
    st.lists(st.sampled_from([0, 0, 1, 2, 5]), min_size=4, max_size=4),
    st.booleans(),
)
def test_incremental_equals_full(
    history: list[Day],
    configuration: dict[str, Any],
    ills: list[tuple[str, int] | None],
    breaks: list[int],
    approved: bool,
) -> None:
    """After whatever was applied, held, approved, broken off in the middle, and done by hand."""
    with world(configuration) as one:
        for place, day in enumerate(history):
            ill = ills[place] if ills[place] and ills[place][0] != "fails" else None
            full, part = one.twin("full"), one.twin("part")
            wide, narrow = full.plan(Faulty("hr", day, ill), full=True), part.plan(Faulty("hr", day, ill))
            assert (wide.plan, wide.plan.digest) == (narrow.plan, narrow.plan.digest)
            assert wide.review.decisions == narrow.review.decisions
            full.engine.dispose()
            part.engine.dispose()
            one.break_at(breaks[place])
            report = one.run(Faulty("hr", day, ills[place]))
            if approved:
                one.approve(report, Faulty("hr", day))
            one.break_at(0)
            one.run(Faulty("hr", day, ills[place]))  # what needs nothing any more is looked at no longer
            one.give_by_hand(place)
            one.meddle(place)


@few
@given(histories, policies())
def test_what_others_gave_and_own_is_never_touched(history: list[Day], configuration: dict[str, Any]) -> None:
    with world(configuration) as one:
        for place, day in enumerate(history):
            one.run(Faulty("hr", day))
            one.give_by_hand(place)
            held = {item.fluix_id for item in accounts(one) if "Hand" in item.groups}
            one.run(Faulty("hr", day))
            there = {item.fluix_id: item for item in accounts(one)}
            assert all("Hand" in there[fluix_id].groups for fluix_id in held if fluix_id in there)
            one.approve(one.run(Faulty("hr", day)), Faulty("hr", day))
            there = {item.fluix_id: item for item in accounts(one)}
            assert all("Hand" in there[fluix_id].groups for fluix_id in held if fluix_id in there)
            foreign = [item for item in there.values() if item.email == FOREIGN["email"]]
            assert [sorted(item.groups) for item in foreign] == [["A"]]


@few
@given(histories, policies(), st.booleans())
def test_an_old_plan_that_is_approved_late_deletes_and_takes_over_only_what_fits_today(
    history: list[Day], configuration: dict[str, Any], applied: bool
) -> None:
    """A plan is made on each day; all of them are approved and applied after the last."""
    today = history[-1]
    with world(configuration) as one:
        made = []
        for day in history:
            made.append(one.plan(Faulty("hr", day)))
            if applied:
                one.run(Faulty("hr", day))
        for plan in made:
            before, there = one.owners(), {item.fluix_id for item in accounts(one)}
            fresh = one.plan(Faulty("hr", today)).plan
            report = one.approve(plan, Faulty("hr", today))
            gone = there - {item.fluix_id for item in accounts(one)}
            leavers = [change for change in (report.plan.changes if report else ()) if change.fluix_id in gone]
            assert not {str(key) for change in leavers for key in change.records} & wanted(today, configuration)
            assert gone <= {change.fluix_id for change in fresh.of_kind("delete_user")}
            taken_over = {(change.fluix_id, str(change.records[0])) for change in fresh.changes if replaced(change)}
            adopted = {(link.fluix_id, str(link.key)) for link in fresh.links}
            for fluix_id, keys in one.owners().items():
                new = {(fluix_id, key) for key in keys - before.get(fluix_id, set())}
                assert fluix_id not in there or new <= taken_over | adopted


@few
@given(histories, policies(), st.lists(st.none() | faults, min_size=4, max_size=4))
def test_the_store_counts_members_right(
    history: list[Day], configuration: dict[str, Any], ills: list[tuple[str, int] | None]
) -> None:
    with world(configuration) as one:
        for place, day in enumerate(history):
            one.run(Faulty("hr", day, ills[place]))
            assert one.counted() == one.recounted()
