"""A plan as it is reviewed and approved in the console: by number and name, item by item, and never twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from syncd.bootstrap import App
from syncd.store import plans, wishes
from syncd.web.app import web_app
from syncd.web.roles import Role
from tests.house import House, staff
from tests.web.people_house import copied
from tests.web_house import Console, console_of

PLAN = "/plans/2"


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Three people left, which is one more than may go unasked."""
    house = House(tmp_path_factory.mktemp("planned"), {"budgets": {"run": {"delete": {"count": 2}}}})
    house.hire(staff(12))
    house.syncd("run")
    house.hire(staff(9))
    assert house.syncd("plan").code == 3
    return house


@pytest.fixture
def house(planned: House, tmp_path: Path) -> House:
    """That company once more."""
    return copied(planned, tmp_path)


def form(console: Console, **other: Any) -> dict[str, Any]:
    """What the page's form carries."""
    shown = console.json(PLAN)
    return {"digest": shown["digest"], "seen": shown["seen"], "comment": "left, HR-17", "which": "matching", **other}


def test_it_says_what_becomes_of_what(console: Console) -> None:
    shown = console.json(f"{PLAN}?decision=hold")
    assert [change["key"] for change in shown["changes"]] == [f"delete_user:e0{n}@example.com" for n in (10, 11, 12)]
    assert (shown["waiting"], shown["counts"]["hold"], shown["newer"]) == (3, 3, None)
    text = console.page(PLAN)
    assert "3 deletions in this plan: 3 is over the budget of 2 a run" in text
    assert "What Fluix knows of this user" in text


def test_it_is_filtered_and_paged(console: Console) -> None:
    assert console.json(f"{PLAN}?text=E011@")["total"] == 1
    assert console.json(f"{PLAN}?text=e0%25")["total"] == 0
    assert console.json(f"{PLAN}?kind=create_user")["total"] == 0
    assert console.json(f"{PLAN}?source=people&size=2&page=2")["changes"][0]["user"] == "e012@example.com"
    assert console.json("/plans/1?group=Field&kind=create_group")["total"] == 1


def test_what_is_ticked_is_approved_and_nothing_else(console: Console) -> None:
    key = "delete_user:e011@example.com"
    console.do(f"{PLAN}/approve", **form(console, which="ticked"), **{"keys[]": key})
    shown = console.json(PLAN)
    assert {change["key"]: change["approved_by"] for change in shown["changes"]}[key] == "maria"
    assert (shown["approved"], shown["waiting"], shown["approvals"][0]["comment"]) == (1, 2, "left, HR-17")
    assert console.json(f"{PLAN}?decision=waiting")["total"] == 2


def test_all_that_match_a_filter_are_approved(console: Console) -> None:
    console.json(f"{PLAN}/approve", sent=form(console, text="e010"))
    assert console.json(PLAN)["approved"] == 1
    console.json(f"{PLAN}/approve", sent=form(console))
    assert console.json(PLAN)["waiting"] == 0
    approvals = plans.approvals_of(console.app.store, console.json(PLAN)["digest"])
    assert sorted(map(len, (one.keys for one in approvals))) == [1, 2]  # nobody was approved twice


def test_somebody_else_approved_meanwhile(console: Console) -> None:
    looked_at = form(console)
    console.somebody.name = "anna"
    console.do(f"{PLAN}/approve", **form(console))
    console.somebody.name = "maria"
    told = console.json(f"{PLAN}/approve", 409, sent=looked_at)
    assert told["detail"].startswith("anna approved 3 of it at")
    assert "nothing was added" in console.do(f"{PLAN}/approve", 409, **looked_at).text
    assert len(console.json(PLAN)["approvals"]) == 1


def test_two_at_once(console: Console, house: House) -> None:
    looked_at, both, answers = form(console), Barrier(2), []

    def say_yes() -> None:
        mine = console_of(house)
        both.wait()
        answers.append(
            mine.client.post(f"/console{PLAN}/approve", data={"csrf_token": "the token of this test", **looked_at})
        )

    threads = [Thread(target=say_yes) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert len(console.json(PLAN)["approvals"]) == 1


def test_another_plan_than_the_one_looked_at(console: Console) -> None:
    assert "is not the one" in console.json(f"{PLAN}/approve", 409, sent=form(console, digest="0" * 32))["detail"]


def test_nothing_ticked_is_no_yes_to_everything(console: Console) -> None:
    assert "no change was chosen" in console.json(f"{PLAN}/approve", 409, sent=form(console, which="ticked"))["detail"]
    assert console.json(f"{PLAN}/approve", 422, sent=form(console, comment="  "))["faults"][0]["where"] == "comment"
    assert console.json(PLAN)["approved"] == 0


def test_who_may_not(console: Console, house: House) -> None:
    console.somebody.role = Role.OPERATOR
    assert console.json(f"{PLAN}/approve", 403, sent=form(console))
    assert "Approving takes the role approver" in console.page(PLAN)
    house.configure(approvals={"four_eyes": True})
    careful = console_of(house)
    careful.somebody.name = careful.json("/runs/2")["run"]["actor"]
    assert "may not approve it as well" in careful.page(PLAN)
    assert "may not approve it as well" in careful.json(f"{PLAN}/approve", 409, sent=form(careful))["detail"]


def test_a_plan_that_is_too_old_offers_the_newer_one(console: Console, house: House) -> None:
    looked_at = form(console)
    house.hire(staff(8))
    house.syncd("plan")
    assert console.json(PLAN)["newer"] == 3
    assert '<a href="/console/plans/3">p3</a>' in console.page(PLAN)
    later = _at(house, console.app.clock() + timedelta(hours=73))
    assert "too old to be approved or applied" in later.page(PLAN)
    assert "older than 72 hours" in later.json(f"{PLAN}/approve", 409, sent=looked_at)["detail"]
    assert later.json(f"{PLAN}/apply", 409, sent={})


def _at(house: House, now: datetime) -> Console:
    made = console_of(house)
    app = App(made.app.config, made.app.store, lambda: now)
    return Console(app, web_app(app, made.somebody), made.somebody)


def test_applying_is_asked_of_the_daemon(console: Console) -> None:
    console.do(f"{PLAN}/apply")
    (wish,) = wishes.newest(console.app.store)
    assert (wish.wish.kind, wish.wish.plan_id, wish.wish.asked_by) == ("apply", 2, "maria")


def test_there_is_no_such_plan(console: Console) -> None:
    assert "there is no plan p9" in console.page("/plans/9", 404)
    assert console.json("/plans/9/approve", 404, sent=form(console))
