"""When a directory that became smaller is not believed."""

from datetime import date, timedelta

import pytest

from syncd.core.plan import Plan
from syncd.core.shrinkage import Absences, DaySize, Shrinkage, Size, highest, shrunk
from tests.syncd.core.build import account, change, checks, compare, deletion, entry, ground, held, judge, link, many


def test_a_source_that_shrank_holds_its_absences():
    ours, others = deletion("a@x.example", records=["people/E1"]), deletion("b@x.example", records=["ad/7"])
    member = change("remove_member", "c@x.example", "Field", records=["people/E3"])
    reviewed = judge([ours, others, member, *many("create_user", 1)], sizes=[Size("people", None, 60, 100)])
    assert held(reviewed) == {ours.key, member.key}
    assert reviewed.findings[0].message == (
        "people shrank from 100 to 60 accounts (40.00 %, over shrink.max_percent 30 %): its absences are held"
    )


def test_a_deletion_that_rests_on_two_sources_is_held_when_either_shrank():
    both = deletion(records=["ad/7", "people/E1"])
    assert held(judge([both], sizes=[Size("people", None, 0, 1)])) == {both.key}


@pytest.mark.parametrize(
    ("now", "is_shrunk"), [(100, False), (71, False), (70, False), (69, True), (0, True), (130, False)]
)
def test_exactly_the_allowed_percentage_is_still_believed(now, is_shrunk):
    assert shrunk(Size("people", None, now, 100), Shrinkage()) is is_shrunk


def test_a_source_met_for_the_first_time_cannot_have_shrunk():
    assert not shrunk(Size("people", None, 0, 0), Shrinkage(0))


def test_an_empty_source_has_shrunk_however_small_it_was():
    assert shrunk(Size("people", None, 0, 1), Shrinkage())


def test_a_small_group_is_not_watched():
    assert not shrunk(Size("people", "Field", 0, 9), Shrinkage())
    assert shrunk(Size("people", "Field", 0, 10), Shrinkage())


def test_a_group_that_shrank_holds_only_its_own_removals():
    field, office = (
        change("remove_member", "a@x.example", "FIELD", records=["people/E1"]),
        change("remove_member", "a@x.example", "Office", records=["people/E1"]),
    )
    other = change("remove_member", "b@x.example", "Field", records=["ad/7"])
    gone = deletion("c@x.example")
    reviewed = judge([field, office, other, gone], sizes=[Size("people", "g-field", 1, 100, "Field")])
    assert held(reviewed) == {field.key}
    assert reviewed.findings[0].message.startswith("people, group g-field shrank from 100 to 1")


def test_a_group_without_a_mapping_goes_by_its_own_name():
    member = change("remove_member", "a@x.example", "Field", records=["people/E1"])
    assert Absences(Plan.of([member])).of(Size("people", "field", 1, 100)) == (member.key,)
    assert (
        Absences(Plan.of([change("remove_member", "a@x.example", records=["people/E1"])])).of(Size("people", "x", 1, 9))
        == ()
    )


def test_a_source_that_shrank_and_whose_leavers_still_wait_is_said():
    assert checks(judge([], sizes=[Size("people", None, 1, 100)]).findings) == [("shrink", "hold")]


def test_a_group_that_shrank_without_any_consequence_is_not_worth_a_word():
    assert judge([], sizes=[Size("people", "Field", 1, 100)]).findings == ()


def test_a_source_that_lost_everybody_holds_their_groups_though_another_source_keeps_them_alive():
    """Resolve, diff and review together: HR still names Anna, the directory came up empty."""
    given = {"groups": ["Field"]}
    parts = entry("hr/1"), link("hr/1", **given), entry("ad/7", groups=["Field"], gone=True), link("ad/7", **given)
    changes = compare(*parts, account(groups=["Field"]), on=ground("Field")).changes
    assert [made.kind for made in changes] == ["remove_member"]
    assert held(judge(changes, sizes=[Size("ad", None, 0, 100), Size("ad", "Field", 0, 100, "Field")])) == {
        changes[0].key
    }


# --- a little at a time -------------------------------------------------------------------------------------------

TODAY = date(2026, 3, 10)


def days(*sizes):
    """Sizes of some days before today: (days ago, highest, last)."""
    return [DaySize(TODAY - timedelta(days=ago), last, top) for ago, top, last in sizes]


@pytest.mark.parametrize(
    ("history", "is_highest"),
    [
        ([], 0),
        (days((0, 90, 90)), 90),
        (days((3, 100, 80), (1, 75, 70)), 100),
        (days((7, 100, 80)), 100),
        (days((8, 100, 80)), 80),
        (days((30, 412, 400), (9, 100, 90), (2, 50, 50)), 90),
        (days((1, 75, 70), (8, 100, 80), (9, 300, 300)), 80),
        (days((-365, 100, 100), (0, 50, 50)), 100),
    ],
    ids=[
        "nothing is known",
        "today",
        "a day of the week",
        "the first of the seven days",
        "the size with which they began",
        "of many older days only the last counts",
        "the order of the lines does not matter",
        "a day that lies ahead",
    ],
)
def test_the_highest_of_the_last_seven_days(history, is_highest):
    assert highest(history, TODAY) == is_highest


def test_a_loss_that_comes_a_little_at_a_time_is_seen():
    gone = deletion("a@x.example", records=["people/E1"])
    reviewed = judge([gone], sizes=[Size("people", None, 65, 73, highest=100)])
    assert held(reviewed) == {gone.key}
    assert reviewed.findings[0].message == (
        "people shrank from 100 to 65 accounts in the last 7 days (35.00 %, over shrink.max_percent 30 %): "
        "its absences are held"
    )


def test_a_slow_loss_on_which_nothing_rests_is_not_worth_a_word():
    assert judge([], sizes=[Size("people", None, 65, 73, highest=100)]).findings == ()


def test_a_loss_at_once_is_told_by_what_was_accepted():
    member = change("remove_member", "a@x.example", "Field", records=["people/E1"])
    (finding,) = judge([member], sizes=[Size("people", "Field", 0, 412, "Field", highest=500)]).findings
    assert finding.message.startswith("people, group Field shrank from 412 to 0 members (100.00 %")


def test_a_group_that_was_small_all_the_week_is_not_watched():
    assert not shrunk(Size("people", "Field", 0, 5, highest=9), Shrinkage())
    assert shrunk(Size("people", "Field", 5, 5, highest=10), Shrinkage())
