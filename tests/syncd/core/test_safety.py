"""The review: every check runs, the worst counts, and what needs numbers of the account."""

import pytest

from syncd.core.budgets import Budgets, Limit
from syncd.core.change import KINDS, Decision, Finding
from syncd.core.plan import Plan
from syncd.core.safety import Facts, Policy, SourceRead, needs, review, within
from syncd.core.shrinkage import Size
from tests.syncd.core.build import change, checks, deletion, deletions, dossier, held, judge, many, part

ADMIN = dossier(role="Admin")


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
    reviewed = review(plan, Facts(100), Policy(Budgets({"delete": Limit(0)})))
    assert reviewed.held(plan) == {"delete_user": 3}


def test_all_checks_run_though_one_refuses():
    reviewed = judge(
        deletions(2, of=ADMIN),
        Policy(Budgets({"delete": Limit(1)})),
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
    (finding,) = judge([], sources=[SourceRead("people", problems=tuple("abcdef"))]).findings
    assert finding.message.endswith("a; b; c; d; e; and 1 more")


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
