"""Budgets: each kind on its own, in one run, in 24 hours and in 7 days."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from syncd.core.budgets import Budgets, Limit, Past, Tally, count, dated_ahead
from syncd.core.safety import Policy
from tests.syncd.core.build import change, checks, deletion, deletions, held, judge, many


def budgets(run, **more):
    return Policy(Budgets(run, **more))


BUDGETED = {
    "create": lambda n: many("create_user", n),
    "update": lambda n: many("update_user", n, after={"display_name": "X"}),
    "email_change": lambda n: many("update_user", n, after={"email": "y@x.example"}),
    "delete": deletions,
    "remove_member": lambda n: many("remove_member", n),
}


@pytest.mark.parametrize("kind", BUDGETED)
def test_the_budget_of_each_kind_counts_its_own_changes(kind):
    for other, make in BUDGETED.items():
        reviewed = judge(make(3), budgets({kind: Limit(count=2)}, block="kind"))
        assert len(held(reviewed)) == (3 if other == kind else 0), other


@pytest.mark.parametrize("kind", BUDGETED)
def test_exactly_the_budget_is_not_over_it(kind):
    assert judge(BUDGETED[kind](2), budgets({kind: Limit(count=2)})).findings == ()
    assert judge(BUDGETED[kind](5), budgets({kind: Limit(percent=5)})).findings == ()


def test_a_budget_of_zero_holds_every_change():
    assert len(held(judge(deletions(1), budgets({"delete": Limit(count=0)})))) == 1
    assert judge([], budgets({"delete": Limit(count=0)})).findings == ()


def test_a_budget_in_percent_is_of_the_managed_accounts():
    reviewed = judge(deletions(6), budgets({"delete": Limit(percent=5)}), managed=100)
    assert len(held(reviewed)) == 6
    assert reviewed.findings[0].message == (
        "6 deletions in this plan: 6.00 % is over the budget of 5 % "
        "(6/100 managed accounts; budgets.run.delete.percent)"
    )


def test_a_percentage_counts_users_and_a_count_counts_changes():
    groups = [change("remove_member", "a@x.example", f"G{n}", records=["people/E1"]) for n in range(30)]
    assert judge(groups, budgets({"remove_member": Limit(percent=20)})).findings == ()
    assert len(held(judge(groups, budgets({"remove_member": Limit(count=29)})))) == 30


def test_both_figures_are_named_when_both_are_exceeded():
    message = judge(deletions(30), budgets({"delete": Limit(25, 5)})).findings[0].message
    assert (
        "30 is over the budget of 25 a run (budgets.run.delete.count) and 30.00 % is over the budget of 5 %" in message
    )


def test_percentages_are_not_applied_below_the_minimum_population_and_counts_are():
    policy = budgets({"delete": Limit(count=3, percent=5)}, minimum_population=20)
    assert judge(deletions(3), policy, managed=19).findings == ()
    assert len(held(judge(deletions(3), policy, managed=20))) == 3
    assert len(held(judge(deletions(4), policy, managed=19))) == 4


def test_a_percentage_of_no_accounts_at_all_is_no_accident():
    """The first load, with `minimum_population: 0`; from the first account on there is a percentage."""
    policy = budgets({"create": Limit(percent=50)}, minimum_population=0)
    assert judge(many("create_user", 1), policy, managed=0).findings == ()
    assert checks(judge(many("create_user", 1), policy, managed=1).findings) == [("budget", "hold")]


MIXED = [*deletions(1), *many("create_user", 1), *many("remove_member", 3), *many("add_member", 1)]


def test_block_deletes_holds_the_kind_and_every_deletion():
    reviewed = judge(MIXED, budgets({"remove_member": Limit(2)}, block="deletes"))
    assert {name.split(":")[0] for name in held(reviewed)} == {"remove_member", "delete_user"}
    assert len(held(reviewed)) == 4


def test_block_kind_holds_the_kind_alone():
    assert {name.split(":")[0] for name in held(judge(MIXED, budgets({"remove_member": Limit(2)}, block="kind")))} == {
        "remove_member"
    }


def test_block_all_holds_the_whole_run():
    assert len(held(judge(MIXED, budgets({"remove_member": Limit(2)}, block="all")))) == len(MIXED)


def test_deletions_over_their_budget_are_named_once():
    (finding,) = judge(deletions(3), budgets({"delete": Limit(2)})).findings
    assert len(finding.changes) == len(set(finding.changes)) == 3


def test_a_tripped_deletion_does_not_hold_newcomers():
    assert held(judge([*deletions(3), *many("create_user", 1)], budgets({"delete": Limit(2)}))) == {
        made.key for made in deletions(3)
    }


def test_two_budgets_may_trip_at_once():
    policy = budgets({"delete": Limit(0), "create": Limit(0)})
    assert checks(judge([*deletions(1), *many("create_user", 1)], policy).findings) == [("budget", "hold")] * 2


# --- 24 hours and 7 days ------------------------------------------------------------------------------------------


def past(window, kind, changes, users=None, group=""):
    return Past(**{window: {(kind, group): Tally(changes, changes if users is None else users)}})


@pytest.mark.parametrize(("window", "said"), [("day", "24 hours"), ("week", "7 days")])
def test_what_was_done_counts_together_with_what_the_plan_adds(window, said):
    policy = Policy(Budgets(**{window: {"delete": Limit(15)}}))
    assert judge(deletions(3), policy, past=past(window, "delete", 12)).findings == ()
    reviewed = judge(deletions(3), policy, past=past(window, "delete", 14))
    assert len(held(reviewed)) == 3
    assert reviewed.findings[0].message == (
        f"14 deletions in the last {said} and 3 in this plan: 17 is over the budget of 15 a {window} "
        f"(budgets.{window}.delete.count)"
    )


def test_one_deletion_reads_like_a_sentence():
    (finding,) = judge(
        deletions(1), Policy(Budgets(week={"delete": Limit(1)})), past=past("week", "delete", 1)
    ).findings
    assert finding.message.startswith("1 deletion in the last 7 days and 1 in this plan: 2 is over")


def test_a_spent_budget_is_no_matter_to_a_plan_without_its_kind():
    policy = Policy(Budgets(week={"delete": Limit(1)}, block="all"))
    assert judge(many("create_user", 1), policy, past=past("week", "delete", 50)).findings == ()


def test_each_window_is_held_against_what_was_done_in_it():
    policy = Policy(Budgets(day={"delete": Limit(5)}, week={"delete": Limit(20)}))
    assert judge(deletions(3), policy, past=past("week", "delete", 9)).findings == ()
    assert checks(judge(deletions(3), policy, past=past("day", "delete", 9)).findings) == [("budget", "hold")]


def test_a_window_in_percent_is_of_the_accounts_that_were_managed_before_its_deletions():
    policy = Policy(Budgets(week={"delete": Limit(percent=10)}))
    assert judge(deletions(2), policy, managed=92, past=past("week", "delete", 8)).findings == ()
    (finding,) = judge(deletions(3), policy, managed=92, past=past("week", "delete", 8)).findings
    assert "11.00 % is over the budget of 10 % (11/100 managed accounts; budgets.week.delete.percent)" in (
        finding.message
    )


def test_a_window_counts_users_for_its_percentage():
    policy = Policy(Budgets(day={"remove_member": Limit(percent=10)}))
    assert judge([], policy, past=past("day", "remove_member", 500, 9)).findings == ()
    assert judge(many("remove_member", 1), policy, past=past("day", "remove_member", 500, 9)).findings == ()
    assert len(held(judge(many("remove_member", 2), policy, past=past("day", "remove_member", 500, 9)))) == 2


def test_counts_that_lie_ahead_are_said():
    finding = dated_ahead(12, datetime(2027, 11, 2, 8, tzinfo=UTC))
    assert (finding.check, finding.decision.word) == ("clock", "proceed")
    assert finding.message == (
        "12 counted changes are dated ahead, up to 2027-11-02 08:00 UTC: the clock was wrong then, or is now. "
        "The budgets of 24 hours and 7 days take them for done now"
    )


# --- each group ---------------------------------------------------------------------------------------------------


def removals(group, number, first=0):
    return [
        change("remove_member", f"m{n}@x.example", group, records=["people/E1"]) for n in range(first, first + number)
    ]


EACH = {"remove_member": Limit(per_group=Limit(3, 20))}


def test_a_group_that_loses_too_many_is_held_and_no_other():
    changes = [*removals("Field", 4), *removals("Office", 3)]
    reviewed = judge(changes, budgets(EACH, block="kind"))
    assert held(reviewed) == {made.key for made in removals("Field", 4)}
    assert reviewed.findings[0].message == (
        "4 removals from Field in this plan: 4 is over the budget of 3 a run (budgets.run.remove_member.per_group.count)"
    )


@pytest.mark.parametrize("block", ["deletes", "all"])
def test_however_many_groups_lose_too_many_each_change_is_held_by_one_finding_or_two(block):
    changes = [*deletions(50), *(one for group in range(40) for one in removals(f"Group {group}", 4))]
    reviewed = judge(changes, budgets(EACH, block=block))
    assert len(reviewed.findings) == 40
    assert held(reviewed) == {made.key for made in changes}
    assert sum(len(finding.changes) for finding in reviewed.findings) <= 2 * len(changes)


def test_a_groups_percentage_is_of_its_members():
    members = {"field": 40, "office": 10}
    policy = Policy(Budgets({"remove_member": Limit(per_group=Limit(percent=20))}, block="kind"))
    assert judge([*removals("Field", 8), *removals("Office", 9)], policy, members=members).findings == ()
    (finding,) = judge(removals("Field", 9), policy, members=members).findings
    assert "22.50 % is over the budget of 20 % (9/40 members; budgets.run.remove_member.per_group.percent)" in (
        finding.message
    )


def test_a_group_whose_size_is_not_known_has_no_percentage():
    policy = budgets({"remove_member": Limit(per_group=Limit(percent=1))}, minimum_population=1)
    assert judge(removals("Field", 90), policy).findings == ()


def test_a_groups_percentage_in_a_window_is_of_the_members_before_its_removals():
    policy = Policy(Budgets(week={"remove_member": Limit(per_group=Limit(percent=24))}, block="kind"))
    before = past("week", "remove_member", 5, group="field")
    assert judge(removals("Field", 1), policy, past=before, members={"field": 20}).findings == (), "6 of 25"
    assert (
        "(7/25 members" in judge(removals("Field", 2), policy, past=before, members={"field": 20}).findings[0].message
    )


def test_a_group_that_loses_too_many_holds_what_is_to_be_blocked_as_well():
    changes = [*removals("Field", 4), *many("create_user", 1), *deletions(1)]
    assert len(held(judge(changes, budgets(EACH, block="all")))) == 6
    assert len(held(judge(changes, budgets(EACH, block="deletes")))) == 5


def test_a_user_is_known_by_id_and_before_there_is_one_by_address():
    made = change("create_user", "a@x.example"), change("create_user", "b@x.example")
    assert count(made)["create", ""] == Tally(2, 2)
    renamed = [replace(one, kind="update_user", fluix_id="f1", after={"display_name": "A"}) for one in made]
    assert count(renamed)["update", ""] == Tally(2, 1)


def test_what_a_group_lost_before_counts_for_it_alone():
    policy = Policy(Budgets(week={"remove_member": Limit(per_group=Limit(3, 50))}, block="kind"))
    before = past("week", "remove_member", 3, group="field")
    reviewed = judge([*removals("FIELD", 1), *removals("Office", 3)], policy, past=before, members={"field": 20})
    assert held(reviewed) == {made.key for made in removals("FIELD", 1)}
    assert reviewed.findings[0].message.startswith(
        "3 removals from FIELD in the last 7 days and 1 in this plan: 4 is over"
    )
    assert "(" in reviewed.findings[0].message
    assert "%" not in reviewed.findings[0].message, "4 of 23 members"


def test_only_removals_are_counted_by_group():
    changes = [*removals("Field", 2), *removals("Office", 1), *many("add_member", 2), *deletions(1)]
    assert count(changes) == {
        ("remove_member", ""): Tally(3, 2),
        ("remove_member", "field"): Tally(2, 2),
        ("remove_member", "office"): Tally(1, 1),
        ("delete", ""): Tally(1, 1),
    }


def test_a_budget_for_each_group_is_known_as_one():
    assert Budgets(day=EACH).each_group
    assert not Budgets({"remove_member": Limit(1)}).each_group


# --- admins -------------------------------------------------------------------------------------------------------


def test_changes_of_admins_have_a_budget_of_their_own_whatever_their_kind():
    admins = [replace(made, admin=True) for made in [*many("add_member", 1), *many("update_user", 1), deletion()]]
    others = [*deletions(2), *many("remove_member", 2)]
    reviewed = judge([*admins, *others], budgets({"admin": Limit(2)}, block="kind"))
    assert held(reviewed) == {made.key for made in admins}
    assert reviewed.findings[0].message.startswith("3 changes of admins in this plan: 3 is over the budget of 2 a run")
    assert judge([*admins, *others], budgets({"admin": Limit(3)})).findings == ()


def test_whether_anything_limits_a_kind_is_asked_before_the_target_is():
    assert Budgets(week={"admin": Limit(1)}).watches("admin")
    assert not Budgets({"delete": Limit(1)}).watches("admin")
