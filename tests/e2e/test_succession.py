"""Who gets a leaver's documents: the first manager up the chain who stays; when none does, a person is asked."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.fluix.account import EmbeddedAccount
from syncd.core.change import Decision
from syncd.core.report import Report
from syncd.run import apply_plan, make_plan, run
from syncd.sync import Request
from tests.house import House, Person, staff

CHAIN = [
    Person("E001"),
    Person("E002", manager="E001"),
    Person("E003", manager="E002"),
    Person("E004", manager="E003"),
    *staff(30)[4:],
]
"""E004 has documents; E003 is the manager, E002 the manager's manager, E001 the boss."""


def company(house: House, reassign: str, people: list[Person] = CHAIN) -> House:
    house.configure(
        leavers={"grace_days": 0, "certified_absences": 1, "documents": {"reassign": reassign}},
        shrink={"max_percent": 100},
        budgets={"run": {"delete": None}},
    )
    house.hire(people)
    app = house.app()
    run(app.sync(), Request("run"))
    account = app.target()
    assert isinstance(account, EmbeddedAccount)
    account.load({"users": [], "documents": [{"title": "Form 7", "state": "draft", "user": "e004@example.com"}]})
    return house


def leave(house: House, people: list[Person], *ids: str, **how: Any) -> Report:
    house.hire([person for person in people if person.id not in ids])
    return make_plan(house.app().sync(), Request("plan", **how))


def found(report: Report) -> tuple[str, list[str]]:
    (deletion,) = (change for change in report.plan.changes if change.key == "delete_user:e004@example.com")
    said = [finding.message for finding in report.review.findings if finding.check == "documents"]
    assert (report.decisions[deletion.key] is Decision.HOLD) == bool(said)
    return (deletion.after or {})["documents"], said


@pytest.mark.parametrize(
    ("ids", "to"),
    [
        (["E004"], "e003@example.com"),
        (["E004", "E003"], "e002@example.com"),
        (["E004", "E003", "E002"], "e001@example.com"),
        (["E004", "E002"], "e003@example.com"),
    ],
)
def test_the_first_manager_who_stays_gets_them(house: House, ids: list[str], to: str) -> None:
    assert found(leave(company(house, "manager"), CHAIN, *ids)) == (to, [])


def test_where_nobody_stays_it_is_held_and_the_chain_is_named(house: House) -> None:
    to, (said,) = found(leave(company(house, "manager"), CHAIN, "E001", "E002", "E003", "E004"))
    assert to == "discard"
    assert "E003 leaves as well, E002 leaves as well, E001 leaves as well, nobody is named above" in said


def test_managers_who_manage_each_other_end(house: House) -> None:
    circle = [Person("E001"), Person("E002", manager="E003"), Person("E003", manager="E002"), *CHAIN[3:]]
    to, (said,) = found(leave(company(house, "manager", circle), circle, "E002", "E003", "E004"))
    assert to == "discard"
    assert "E003 again" in said


def test_managers_by_address_are_walked_as_well(house: House) -> None:
    mails = [
        Person("E001"),
        Person("E002", manager="e001@example.com"),
        Person("E003", manager="E002@example.com"),
        Person("E004", manager="e003@example.com"),
        *CHAIN[4:],
    ]
    assert found(leave(company(house, "manager", mails), mails, "E003", "E004")) == ("e002@example.com", [])


def test_documents_for_somebody_who_is_deleted_too_are_held(house: House) -> None:
    """In one batch: A's documents go to B, and B leaves."""
    to, (said,) = found(leave(company(house, "e009@example.com"), CHAIN, "E004", "E009"))
    assert to == "discard"
    assert "e009@example.com leaves as well" in said


@pytest.mark.parametrize("reassign", ["manager", "e003@example.com"])
def test_a_plan_for_one_person_knows_that_the_receiver_leaves(house: House, reassign: str) -> None:
    report = leave(company(house, reassign), CHAIN, "E004", "E003", user="e004@example.com")
    to, said = found(report)
    assert (to, len(said)) == (("e002@example.com", 0) if reassign == "manager" else ("discard", 1))


def test_they_are_there_afterwards(house: House) -> None:
    company(house, "manager")
    house.hire([person for person in CHAIN if person.id not in {"E003", "E004"}])
    app = house.app()
    assert run(app.sync(), Request("run")).outcome["done"] == 2
    account = app.target()
    assert isinstance(account, EmbeddedAccount)
    assert account.dump()["documents"] == [{"title": "Form 7", "state": "draft", "user": "e002@example.com"}]


def test_who_leaves_since_the_plan_was_made_takes_nothing(house: House) -> None:
    company(house, "e009@example.com")
    report = leave(house, CHAIN, "E004")
    assert found(report) == ("e009@example.com", [])
    leave(house, CHAIN, "E004", "E009")
    applied = apply_plan(house.app().sync(), report.plan_id).applied
    assert applied is not None
    assert [why for _, why in applied.stale] == [
        "e009@example.com, who would take its documents, leaves as well by now"
    ]
