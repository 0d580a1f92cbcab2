"""Approvals over the days: who may give one, what is asked again, and what is said about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from syncd.approving import SCHEDULER, approve
from syncd.core.report import Report
from syncd.errors import UsageError
from syncd.run import apply_plan, make_plan
from syncd.store import runs
from syncd.sync import Request
from tests.e2e.test_days import go
from tests.house import House, Person, staff

STRICT = {"run": {"delete": {"count": 0}}}
HOURS = timedelta(hours=72)


@pytest.fixture
def strict(house: House) -> House:
    """Every deletion is held; two of ten people have left."""
    house.configure(budgets=STRICT, shrink={"max_percent": 100})
    house.hire(staff(10))
    go(house)
    house.hire(staff(8))
    return house


def yes(house: House, report: Report, **how: Any) -> Any:
    app = house.app()
    usual = {"approver": "maria", "comment": "HR-17", "now": app.clock(), "lasts": HOURS}
    return approve(app.store, report.plan_id, **{**usual, **how})


def key(number: int) -> str:
    return f"delete_user:e{number:03d}@example.com"


def again(report: Report) -> list[str]:
    return [finding.message for finding in report.review.findings if finding.check == "approve_again"]


def test_a_plan_that_has_changed_asks_again_and_says_what_changed(strict: House) -> None:
    report = go(strict)
    yes(strict, report)
    strict.clock.advance(days=1)
    strict.hire([*staff(7), staff(9)[8]])  # E009 is back, E008 left
    changed = go(strict)
    (said,) = again(changed)
    assert said.startswith("approved on 2026-11-02 08:00 UTC by maria as plan p")
    assert f"since then: 1 added ({key(8)}), 1 gone ({key(9)}), 1 as they were: approve again" in said
    assert changed.outcome["skipped"] == 2, "an item that is the same is asked again as well"
    yes(strict, changed)
    assert apply_plan(strict.app().sync(), changed.plan_id).outcome["done"] == 2
    strict.hire(staff(6))
    assert again(go(strict)) == [], "all of the last approval was done"


def test_as_long_as_nothing_changes_nothing_is_asked_again(strict: House) -> None:
    yes(strict, go(strict), only=[key(9)])
    report = go(strict)
    assert (again(report), report.outcome["done"]) == ([], 1)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"only": ["delete_user:nobody@x.example"]}, "delete_user:nobody@x.example is not in the plan"),
        ({"without": ["create_user:new@example.com"]}, "create_user:new@example.com needs no approval"),
        ({"only": [key(9)]}, f"{key(9)} is refused, whoever approves"),
        ({"without": [key(10)]}, "holds nothing that could be approved"),
        ({"comment": " "}, "needs a comment"),
    ],
)
def test_what_cannot_be_approved_is_named(strict: House, how: dict[str, Any], said: str) -> None:
    strict.configure(leavers={"grace_days": 0, "certified_absences": 1, "protected": ["e009@example.com"]})
    strict.hire([*staff(8), Person("N1", "New", "new@example.com")])
    app = strict.app()
    report = make_plan(app.sync(), Request("plan"))
    with pytest.raises(UsageError) as caught:
        yes(strict, report, **how)
    assert said in str(caught.value)


def test_a_plan_that_is_old_unknown_or_damaged_is_not_approved(strict: House) -> None:
    report = go(strict)
    with pytest.raises(UsageError, match="there is no plan p99"):
        approve(strict.app().store, 99, approver="m", comment="c", now=strict.clock(), lasts=HOURS)
    strict.clock.advance(hours=73)
    with pytest.raises(UsageError, match="older than 72 hours"):
        yes(strict, report)


def test_with_four_eyes_who_asked_for_the_plan_does_not_approve_it(strict: House) -> None:
    report = go(strict)
    store = strict.app().store
    runs.write(store, report.run_id, actor="maria")
    for who in ("maria", "Maria as root"):
        with pytest.raises(UsageError, match="was asked for by maria"):
            yes(strict, report, approver=who, four_eyes=True)
    assert yes(strict, report, approver="paul", four_eyes=True).approver == "paul"
    assert yes(strict, report, approver="maria").approver == "maria"
    runs.write(store, report.run_id, actor=SCHEDULER)
    assert yes(strict, report, approver=SCHEDULER, four_eyes=True)


def test_four_eyes_is_a_setting_and_show_names_approvals(strict: House) -> None:
    plan_id = strict.syncd("run", "--json").json["plan_id"]
    strict.configure(approvals={"four_eyes": True})
    ran = strict.syncd("approve", plan_id, "--comment", "x")
    assert (ran.code, "approvals.four_eyes" in ran.err) == (2, True)
    strict.configure(approvals={"four_eyes": False})
    assert strict.syncd("approve", plan_id, "--only", key(9), "--comment", "left, HR-9").code == 0
    assert "left, HR-9" in strict.syncd("show", plan_id).out
    (one,) = strict.syncd("show", plan_id, "--json").json["approvals"]
    assert (one["approved"], one["comment"]) == ([key(9)], "left, HR-9")
