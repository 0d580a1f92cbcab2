import pytest

from syncd.core.change import KINDS, Decision, Finding
from syncd.core.plan import Plan
from syncd.core.safety import Facts, Limit, Policy, Size, SourceRead, absences, needs, review, shrunk, within
from tests.syncd.core.build import (
    account,
    change,
    checks,
    compare,
    deletion,
    dossier,
    entry,
    ground,
    link,
    part,
)

ADMIN = dossier(role="Admin")


def many(kind, count, **more):
    return [
        change(kind, f"u{n}@x.example", "Field" if "member" in kind else None, records=["people/E1"], **more)
        for n in range(count)
    ]


def deletions(count, **more):
    return [deletion(f"d{n}@x.example", **more) for n in range(count)]


def judge(changes, policy=None, **facts):
    plan = Plan.of(changes)
    return review(plan, Facts(**{"managed": 100, **facts}), policy or Policy())


def held(reviewed):
    return {name for name, decision in reviewed.decisions.items() if decision is not Decision.PROCEED}


# --- the review ---------------------------------------------------------------------------------------------------


def test_a_plan_with_nothing_against_it_proceeds():
    reviewed = judge(many("create_user", 3))
    assert reviewed.findings == ()
    assert reviewed.decision is Decision.PROCEED
    assert set(reviewed.decisions.values()) == {Decision.PROCEED}


def test_each_change_gets_the_worst_of_its_findings_and_the_worst_is_shown_first():
    first, second = deletions(2)
    found = [
        Finding("said", Decision.PROCEED, "", (first.key,)),
        Finding("owner", Decision.REFUSE, "", (first.key,)),
        Finding("admin", Decision.HOLD, "", (first.key, second.key)),
        Finding("other", Decision.REFUSE, "", ("delete_user:nobody",)),
    ]
    reviewed = judge([first, second], findings=found)
    assert reviewed.decisions == {first.key: Decision.REFUSE, second.key: Decision.HOLD}
    assert [finding.decision.word for finding in reviewed.findings] == ["refuse", "refuse", "hold", "proceed"]
    assert reviewed.decision is Decision.REFUSE


def test_what_does_not_proceed_is_counted_by_kind():
    plan = Plan.of([*deletions(3), *many("create_user", 2)])
    reviewed = review(plan, Facts(100), Policy({"delete": Limit(0)}))
    assert reviewed.held(plan) == {"delete_user": 3}


def test_all_checks_run_though_one_refuses():
    reviewed = judge(
        deletions(2, of=ADMIN),
        Policy({"delete": Limit(1)}),
        admins=2,
        sources=[SourceRead("people")],
        sizes=[Size("people", None, 1, 9)],
    )
    assert {name for name, _ in checks(reviewed.findings)} == {
        "certificate",
        "shrink",
        "last_admin",
        "budget",
    }


# --- sources ------------------------------------------------------------------------------------------------------


def test_a_source_that_was_not_read_whole_holds_the_run_and_none_of_its_changes():
    reviewed = judge(
        many("create_user", 1),
        sources=[SourceRead("people", problems=("line 7 is bad",)), SourceRead("ad", certified=True)],
    )
    assert checks(reviewed.findings) == [("certificate", "hold")]
    assert reviewed.findings[0].message == "people was not read whole, so nobody more counts as gone: line 7 is bad"
    assert held(reviewed) == set()


def test_many_problems_of_a_source_are_named_in_short():
    (finding,) = judge([], sources=[SourceRead("people", problems=tuple("abcdefg"))]).findings
    assert finding.message.endswith("a; b; c; d; e; and 2 more")
    (finding,) = judge([], sources=[SourceRead("people", problems=tuple("abcde"))]).findings
    assert finding.message.endswith("a; b; c; d; e")


# --- shrinking ----------------------------------------------------------------------------------------------------


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
    assert shrunk(Size("people", None, now, 100), Policy()) is is_shrunk


def test_a_source_met_for_the_first_time_cannot_have_shrunk():
    assert not shrunk(Size("people", None, 0, 0), Policy(shrink_percent=0))


def test_an_empty_source_has_shrunk_however_small_it_was():
    assert shrunk(Size("people", None, 0, 1), Policy())


def test_a_small_group_is_not_watched():
    assert not shrunk(Size("people", "Field", 0, 9), Policy())
    assert shrunk(Size("people", "Field", 0, 10), Policy())


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
    assert absences(Plan.of([member]), Size("people", "field", 1, 100)) == (member.key,)
    assert (
        absences(Plan.of([change("remove_member", "a@x.example", records=["people/E1"])]), Size("people", "x", 1, 9))
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


# --- budgets ------------------------------------------------------------------------------------------------------

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
        reviewed = judge(make(3), Policy({kind: Limit(count=2)}, block="kind"))
        assert len(held(reviewed)) == (3 if other == kind else 0), other


@pytest.mark.parametrize("kind", BUDGETED)
def test_exactly_the_budget_is_not_over_it(kind):
    assert judge(BUDGETED[kind](2), Policy({kind: Limit(count=2)})).findings == ()
    assert judge(BUDGETED[kind](5), Policy({kind: Limit(percent=5)})).findings == ()


def test_a_budget_of_zero_holds_every_change():
    assert len(held(judge(deletions(1), Policy({"delete": Limit(count=0)})))) == 1
    assert judge([], Policy({"delete": Limit(count=0)})).findings == ()


def test_a_budget_in_percent_is_of_the_managed_accounts():
    reviewed = judge(deletions(6), Policy({"delete": Limit(percent=5)}), managed=100)
    assert len(held(reviewed)) == 6
    assert reviewed.findings[0].message == (
        "6 changes of kind delete: 6.00 % is over the budget of 5 % (6/100 managed accounts)"
    )


def test_a_percentage_counts_users_and_a_count_counts_changes():
    groups = [change("remove_member", "a@x.example", f"G{n}", records=["people/E1"]) for n in range(30)]
    assert judge(groups, Policy({"remove_member": Limit(percent=20)})).findings == ()
    assert len(held(judge(groups, Policy({"remove_member": Limit(count=29)})))) == 30


def test_both_figures_are_named_when_both_are_exceeded():
    message = judge(deletions(30), Policy({"delete": Limit(25, 5)})).findings[0].message
    assert "30 is over the budget of 25 a run and 30.00 % is over the budget of 5 %" in message


def test_percentages_are_not_applied_below_the_minimum_population_and_counts_are():
    policy = Policy({"delete": Limit(count=3, percent=5)}, minimum_population=20)
    assert judge(deletions(3), policy, managed=19).findings == ()
    assert len(held(judge(deletions(3), policy, managed=20))) == 3
    assert len(held(judge(deletions(4), policy, managed=19))) == 4


def test_a_percentage_of_no_accounts_at_all_is_no_accident():
    """The first load, with `minimum_population: 0`."""
    reviewed = judge(many("create_user", 1), Policy({"create": Limit(percent=50)}, minimum_population=0), managed=0)
    assert checks(reviewed.findings) in ([], [("budget", "hold")])


MIXED = [*deletions(1), *many("create_user", 1), *many("remove_member", 3), *many("add_member", 1)]


def test_block_deletes_holds_the_kind_and_every_deletion():
    reviewed = judge(MIXED, Policy({"remove_member": Limit(2)}, block="deletes"))
    assert {name.split(":")[0] for name in held(reviewed)} == {"remove_member", "delete_user"}
    assert len(held(reviewed)) == 4


def test_block_kind_holds_the_kind_alone():
    assert {name.split(":")[0] for name in held(judge(MIXED, Policy({"remove_member": Limit(2)}, block="kind")))} == {
        "remove_member"
    }


def test_block_all_holds_the_whole_run():
    assert len(held(judge(MIXED, Policy({"remove_member": Limit(2)}, block="all")))) == len(MIXED)


def test_deletions_over_their_budget_are_named_once():
    (finding,) = judge(deletions(3), Policy({"delete": Limit(2)})).findings
    assert len(finding.changes) == len(set(finding.changes)) == 3


def test_a_tripped_deletion_does_not_hold_newcomers():
    assert held(judge([*deletions(3), *many("create_user", 1)], Policy({"delete": Limit(2)}))) == {
        made.key for made in deletions(3)
    }


def test_two_budgets_may_trip_at_once():
    policy = Policy({"delete": Limit(0), "create": Limit(0)})
    assert checks(judge([*deletions(1), *many("create_user", 1)], policy).findings) == [("budget", "hold")] * 2


# --- admins, workflows, capabilities ------------------------------------------------------------------------------


def test_the_last_admins_of_a_plan_are_refused():
    reviewed = judge(deletions(2, of=ADMIN), admins=2)
    assert set(reviewed.decisions.values()) == {Decision.REFUSE}
    assert judge(deletions(2, of=ADMIN), admins=3).findings == ()


def test_two_leavers_who_share_a_workflow_step_do_not_leave_it_empty_without_a_word():
    """Neither is alone, but together they may be everybody: `remove_first` has no finding for either."""
    both = deletions(2, of=dossier(workflows=(part(),)), after={"workflows": "leave"})
    assert held(judge(both)) == {made.key for made in both}


def test_leavers_of_different_steps_or_a_single_one_are_nobodys_question():
    one = deletion("a@x.example", of=dossier(workflows=(part("Permits", "Approve"),)), after={"workflows": "leave"})
    two = deletion("b@x.example", of=dossier(workflows=(part("Permits", "Sign"),)), after={"workflows": "leave"})
    three = deletion("c@x.example", of=dossier(workflows=(part("Audit", "Approve"),)), after={"workflows": "leave"})
    assert judge([one, two, three, deletion("d@x.example", of=dossier(workflows=None))]).findings == ()


def test_a_shared_step_is_named_with_all_who_leave_it():
    made = [
        deletion(f"{name}@x.example", of=dossier(workflows=(part("Audit", name), part())), after={"workflows": "leave"})
        for name in "ab"
    ]
    (finding,) = judge(made).findings
    assert (finding.check, finding.decision) == ("workflow_shared", Decision.HOLD)
    assert finding.message == "a@x.example, b@x.example all leave Permits / Approve: see in Fluix who is left there"


def test_a_plan_never_contains_what_its_target_cannot_do_and_says_so():
    changes = [*deletions(2), *many("create_user", 1)]
    possible, findings = within(changes, frozenset(KINDS) - {"delete_user"})
    assert [made.kind for made in possible] == ["create_user"]
    assert [(finding.check, finding.decision, finding.message) for finding in findings] == [
        (
            "capability",
            Decision.HOLD,
            "the target cannot do delete_user: 2 changes of kind delete_user are left out",
        )
    ]
    assert within(changes, frozenset(KINDS)) == (changes, [])


@pytest.mark.parametrize("after", [{"documents": "boss@x.example"}, {"workflows": "leave"}])
def test_a_deletion_whose_steps_the_target_cannot_do_is_left_out(after):
    """A deletion is a saga: `reassign_documents` and `leave_workflows` are verbs of their own."""
    possible, findings = within([deletion(after=after)], frozenset(KINDS))
    assert possible == []
    assert len(findings) == 1
    assert within([deletion(after=after)], {"delete_user", "reassign_documents", "leave_workflows"})[1] == []


def test_what_is_left_out_is_counted_by_kind_and_by_the_first_verb_that_is_missing():
    steps = {"documents": "discard", "workflows": "leave"}
    changes = [*deletions(2), deletion("e@x.example", after=steps), *many("add_member", 1)]
    possible, findings = within(changes, {"leave_workflows"})
    assert possible == []
    assert [finding.message for finding in findings] == [
        "the target cannot do delete_user: 2 changes of kind delete_user are left out",
        "the target cannot do reassign_documents: 1 changes of kind delete_user are left out",
        "the target cannot do add_member: 1 changes of kind add_member are left out",
    ]


def test_a_change_needs_its_own_verb_and_a_deletion_those_of_its_steps_in_their_order():
    assert needs(deletion()) == ("delete_user",)
    steps = {"workflows": "leave", "documents": "discard"}
    assert needs(deletion(after=steps)) == ("reassign_documents", "leave_workflows", "delete_user")
    for kind in set(KINDS) - {"delete_user"}:
        assert needs(change(kind, after=steps)) == (kind,)


# --- seats --------------------------------------------------------------------------------------------------------


def test_who_is_beyond_the_seats_waits_with_the_numbers():
    reviewed = judge(many("create_user", 3), seats=(248, 250))
    assert [(found.check, found.message) for found in reviewed.findings] == [
        ("seats", "1 person waits for a seat: 248 of 250 are taken")
    ]
    assert held(reviewed) == {"create_user:u2@x.example"}
    assert len(held(judge(many("create_user", 3), seats=(260, 250)))) == 3
    assert "3 people wait" in judge(many("create_user", 3), seats=(250, 250)).findings[0].message


@pytest.mark.parametrize("seats", [None, (0, 3), (7, 10)])
def test_nobody_waits_while_there_are_seats(seats):
    assert judge([*many("create_user", 3), *deletions(0)], seats=seats).findings == ()
