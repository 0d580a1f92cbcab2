"""What two configurations make of the same people."""

from __future__ import annotations

from syncd.core.change import Decision, Finding
from syncd.core.outlook import Outlook, contrast
from syncd.core.plan import Plan
from syncd.core.safety import Review
from tests.syncd.core.build import ANNA, change, keys, link

BOB = "bob@example.com"


def outlook(*changes, findings=(), links=(), held=()):
    plan = Plan.of(changes, links)
    decisions = {one.key: Decision.HOLD if one.user in held else Decision.PROCEED for one in plan.changes}
    return Outlook(plan, Review(tuple(findings), decisions))


def named(name, user=ANNA):
    return change("update_user", user, after={"display_name": name})


def test_the_same_twice_makes_no_difference():
    note = Finding("drift", Decision.PROCEED, "x")
    one = outlook(named("A"), findings=[note], links=[link("people/E1")])
    assert contrast(one, one).same


def test_what_only_one_would_do_stands_on_its_side():
    found = contrast(outlook(named("A")), outlook(named("B", BOB), held=[BOB]))
    assert keys(one for one, _ in found.only_now) == [f"update_user:{ANNA}"]
    assert [(one.key, word) for one, word in found.only_then] == [(f"update_user:{BOB}", Decision.HOLD)]
    assert not found.otherwise
    assert not found.same


def test_other_values_and_other_decisions_of_one_change_are_told():
    same, other, held = named("A", "c@x.example"), named("A"), named("A", BOB)
    found = contrast(outlook(same, other, held), outlook(same, named("B"), held, held=[BOB]))
    assert [(one.now.user, one.decided_now.word, one.decided_then.word) for one in found.otherwise] == [
        (ANNA, "proceed", "proceed"),
        (BOB, "proceed", "hold"),
    ]
    assert (found.only_now, found.only_then) == ((), ())


def test_findings_come_and_go_by_what_they_say():
    old, new, both = (Finding("budget", Decision.HOLD, text) for text in ("27", "28", "x"))
    found = contrast(outlook(findings=[old, both]), outlook(findings=[new, both]))
    assert (found.findings_now, found.findings_then) == ((old,), (new,))


def test_another_number_of_adoptions_is_a_difference():
    found = contrast(outlook(), outlook(links=[link("people/E1")]))
    assert found.adopted == (0, 1)
    assert not found.same
