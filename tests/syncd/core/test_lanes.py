"""What may be done side by side: nothing that has anything in common."""

from __future__ import annotations

from math import ceil
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncd.core.change import Change, RecordKey
from syncd.core.lanes import lanes, parcels, phases, share, tokens
from syncd.core.plan import Plan


def create(email: str, record: str = "") -> Change:
    records = (RecordKey("people", record or email),)
    return Change("create_user", email, after={"email": email, "display_name": "A", "groups": []}, records=records)


def update(fluix_id: str, user: str, **after: Any) -> Change:
    return Change("update_user", user, before={}, after=after, fluix_id=fluix_id)


def delete(fluix_id: str, email: str, *, before: dict[str, Any] | None = None, **after: Any) -> Change:
    return Change("delete_user", email, before=before or {}, after=after, fluix_id=fluix_id)


def member(fluix_id: str, email: str, group: str) -> Change:
    return Change("add_member", email, group, fluix_id=fluix_id)


def users(of: list[tuple[Change, ...]]) -> list[list[str | None]]:
    return [[change.user for change in lane] for lane in of]


def test_people_who_have_nothing_in_common_go_side_by_side() -> None:
    assert users(lanes([create("a@x.example"), create("b@x.example"), create("c@x.example")])) == [
        ["a@x.example"],
        ["b@x.example"],
        ["c@x.example"],
    ]


def test_one_persons_changes_stay_in_order() -> None:
    found = lanes(
        [member("1", "a@x.example", "Field"), member("2", "b@x.example", "Field"), member("1", "a@x.example", "Office")]
    )
    assert [[change.group for change in lane] for lane in found] == [["Field", "Office"], ["Field"]]


def test_an_address_that_is_handed_over_or_swapped_is_one_lane() -> None:
    chain = [
        update("1", "a@x.example", email="b@x.example"),
        update("2", "B@x.example", email="c@x.example"),
        update("3", "d@x.example", email="e@x.example"),
        update("4", "c@x.example", email="f@x.example"),
    ]
    assert users(lanes(chain)) == [["a@x.example", "B@x.example", "c@x.example"], ["d@x.example"]]


def test_who_takes_documents_and_who_shares_a_workflow_is_one_lane() -> None:
    part = {"workflows": [{"workflow": "Permits", "step": "Approve", "alone": False}]}
    found = lanes(
        [
            delete("1", "a@x.example", documents="c@x.example"),
            delete("2", "b@x.example", before=part),
            delete("3", "c@x.example"),
            delete("4", "d@x.example", before=part),
            delete("5", "e@x.example", documents="discard"),
            delete("6", "f@x.example", documents="discard"),
        ]
    )
    assert users(found) == [
        ["a@x.example", "c@x.example"],
        ["b@x.example", "d@x.example"],
        ["e@x.example"],
        ["f@x.example"],
    ]


def test_admins_are_deleted_one_after_the_other() -> None:
    found = lanes(
        [
            delete("1", "a@x.example", before={"role": "admin"}),
            delete("2", "b@x.example"),
            delete("3", "c@x.example", before={"owner": True}),
        ]
    )
    assert users(found) == [["a@x.example", "c@x.example"], ["b@x.example"]]


def test_groups_that_take_each_others_names_are_one_lane() -> None:
    renamed = [
        Change("rename_group", None, "Field", after={"display_name": "Site"}),
        Change("rename_group", None, "Office", after={"display_name": "Desk"}),
        Change("rename_group", None, "site ", after={"display_name": "Yard"}),
    ]
    assert [[change.group for change in lane] for lane in lanes(renamed)] == [["Field", "site "], ["Office"]]


def test_kinds_are_phases_in_the_plans_order() -> None:
    plan = Plan.of(
        [
            delete("1", "a@x.example"),
            create("b@x.example"),
            Change("create_group", None, "Field"),
            create("c@x.example"),
        ]
    )
    assert [(phase.kind, len(phase.lanes)) for phase in phases(plan.changes)] == [
        ("create_group", 1),
        ("create_user", 2),
        ("delete_user", 1),
    ]


CHANGES = st.lists(
    st.builds(
        lambda fluix_id, email, to: update(str(fluix_id), f"{email}@x.example", email=f"{to}@x.example"),
        st.integers(0, 12),
        st.integers(0, 12),
        st.integers(0, 12),
    ),
    max_size=30,
)


@given(CHANGES, st.integers(1, 7))
def test_lanes_have_nothing_in_common_and_hold_everything_in_order(changes: list[Change], size: int) -> None:
    found = lanes(changes)
    touched = [{token for change in lane for token in tokens(change)} for lane in found]
    assert sum(map(len, touched)) == len(set().union(*touched))
    for lane in found:
        assert list(lane) == [change for change in changes if any(change is one for one in lane)]
    together = parcels(found, size)
    assert sorted(map(id, (change for part in together for change in part))) == sorted(map(id, changes))
    assert all(len(part) >= size for part in together[:-1])


@given(st.integers(1, 5000), st.integers(1, 9), st.integers(1, 200))
def test_parcels_come_out_even_two_at_least_for_each_worker_and_none_too_large(
    changes: int, workers: int, most: int
) -> None:
    size = share(changes, workers, most)
    assert 1 <= size <= most
    assert ceil(changes / size) <= workers * max(2, ceil(changes / (workers * most)))


def test_four_hundred_for_two_are_four_parcels_and_no_rest() -> None:
    assert [share(400, workers, 100) for workers in (1, 2, 4)] == [100, 100, 50]
