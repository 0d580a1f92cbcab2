from datetime import timedelta

import pytest

from syncd.core.approval import Approval, Since, UnknownKeyError, ask_again, choose, decide, same_person, since
from syncd.core.change import Decision
from syncd.core.plan import Plan
from tests.syncd.core.build import NOW, change, deletion

PLAN = Plan.of(
    [deletion("a@x.example"), deletion("b@x.example"), deletion("c@x.example"), change("create_user", "d@x.example")]
)
A, B, C, D = (f"delete_user:{name}@x.example" for name in "abcd")
DECISIONS = {A: Decision.HOLD, B: Decision.HOLD, C: Decision.REFUSE, "create_user:d@x.example": Decision.PROCEED}


def approval(*keys, digest=PLAN.digest, begins=NOW, lasts=timedelta(hours=72)):
    return Approval(digest, frozenset(keys), "boss", "fine", begins, begins + lasts)


def approved(*approvals, now=NOW):
    outcome = decide(PLAN, DECISIONS, approvals, now)
    assert outcome.keys() == DECISIONS.keys()
    return {key for key, decision in outcome.items() if decision is Decision.PROCEED and DECISIONS[key] is not decision}


def test_without_approval_what_is_held_stays_held():
    assert decide(PLAN, DECISIONS, [], NOW) == DECISIONS


def test_an_approval_lets_through_what_it_names_and_nothing_else():
    assert approved(approval(A)) == {A}
    assert approved(approval(A, B)) == {A, B}
    assert approved(approval()) == set()


def test_approvals_of_several_people_add_up_item_by_item():
    assert approved(approval(A), approval(B)) == {A, B}


def test_what_is_refused_is_never_let_through():
    assert approved(approval(A, C)) == {A}
    assert decide(PLAN, DECISIONS, [approval(C)], NOW)[C] is Decision.REFUSE


def test_an_approval_of_another_digest_is_a_no():
    assert approved(approval(A, digest="0" * 32)) == set()
    assert approved(approval(A, digest="")) == set()


def test_a_damaged_plan_is_no_plan_that_was_approved():
    assert decide(Plan(PLAN.changes, (), "damaged: 1"), DECISIONS, [approval(A)], NOW)[A] is Decision.HOLD


def test_an_approval_lapses_at_its_very_expiry():
    last = NOW + timedelta(hours=72)
    assert approved(approval(A), now=last - timedelta(seconds=1)) == {A}
    assert approved(approval(A), now=last) == set()


def test_an_approval_from_the_future_is_a_no():
    assert approved(approval(A), now=NOW - timedelta(seconds=1)) == set()


def test_a_key_that_the_plan_does_not_know_adds_nothing():
    assert approved(approval(D)) == set()


def test_approving_without_names_means_everything_that_is_held():
    assert choose(DECISIONS) == {A, B}


def test_only_and_except_choose_item_by_item():
    assert choose(DECISIONS, only=[A]) == {A}
    assert choose(DECISIONS, without=[A]) == {B}
    assert choose(DECISIONS, only=[A, B], without=[B]) == {A}
    assert choose(DECISIONS, without=[A, B]) == set()
    assert choose(DECISIONS, only=[A], without=[A]) == set()


@pytest.mark.parametrize("name", [C, D, "create_user:d@x.example", ""])
def test_naming_what_is_refused_unknown_or_not_held_is_an_error(name):
    with pytest.raises(UnknownKeyError, match="no held changes of this plan") as caught:
        choose(DECISIONS, only=[A, name])
    assert caught.value.keys == (name,)
    with pytest.raises(UnknownKeyError):
        choose(DECISIONS, without=[name])


def test_all_that_cannot_be_approved_is_named():
    with pytest.raises(UnknownKeyError, match=r"^no held changes of this plan: x, y$"):
        choose(DECISIONS, only=["y", "x"])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("maria", "maria", True),
        ("Maria", "maria as root", True),
        ("maria as root", "maria as syncd", True),
        ("maria", "mario", False),
        ("root", "maria as root", False),
    ],
)
def test_whoever_became_another_user_is_the_same_person(one, other, same):
    assert same_person(one, other) is same


def test_what_changed_since_an_approval_is_told_by_kind():
    a, b, c, d = (deletion(f"{name}@x.example") for name in "abcd")
    other = deletion("b@x.example", groups=["Field"])
    assert since([a, b, c], [a, b, c], [a, other, d]) == Since((d.key,), (c.key,), (b.key,), (a.key,))
    assert since([a], [a, b], [a, b]) == Since((), (), (), (a.key,)), "what was left out before is not added"


def test_asking_again_names_who_said_yes_and_what_changed():
    found = Since((A, B), (C,), (), ())
    assert ask_again(12, approval(A), found) == (
        f"approved on 2026-03-10 12:00 UTC by boss as plan p12; since then: 2 added ({A}, {B}), 1 gone ({C}): approve again"
    )
    assert "5 added (a, b, c, d, e):" in ask_again(12, approval(A), Since(tuple("abcde"), (), (), ()))
    many = Since(tuple("abcdefg"), (), ("x",), ("y", "z"))
    assert "7 added (a, b, c, d, e and 2 more), 1 changed (x), 2 as they were:" in ask_again(12, approval(A), many)
