from collections import Counter

from syncd.core.change import Decision, Finding
from syncd.core.plan import Plan
from syncd.core.report import Applied, Report
from syncd.core.safety import Review
from tests.syncd.core.build import ANNA, change, deletion

DELETE, ADD = deletion(), change("add_member", ANNA, "Field")
PLAN = Plan.of([DELETE, ADD])


def report(delete, *findings, **more):
    decisions = {DELETE.key: delete, ADD.key: Decision.PROCEED}
    return Report(1, 2, PLAN, Review(tuple(findings), decisions), (), decisions, **more)


def test_the_decision_is_the_worst_of_the_changes_after_approvals():
    held = Finding("admin", Decision.HOLD, "", (DELETE.key,))
    assert report(Decision.HOLD, held).decision is Decision.HOLD
    assert report(Decision.PROCEED, held).decision is Decision.PROCEED
    assert report(Decision.REFUSE, held).decision is Decision.REFUSE


def test_a_finding_about_no_change_counts_whatever_was_approved():
    assert report(Decision.PROCEED, Finding("certificate", Decision.HOLD, "")).decision is Decision.HOLD


def test_where_nothing_was_applied_everything_is_zero():
    assert report(Decision.HOLD, skipped=1).outcome == {"done": 0, "failed": 0, "stale": 0, "skipped": 1}


def test_what_the_target_acknowledged_but_does_not_hold_counts_as_failed():
    applied = Applied(
        Counter(add_member=3, create_user=1), [(ADD, "no")], [(DELETE, "is back")], [(ADD, "it does not hold")], 2
    )
    assert report(Decision.HOLD, applied=applied).outcome == {
        "done": 4,
        "failed": 2,
        "stale": 1,
        "skipped": 0,
        "unproven": 1,
    }
