"""The audit and the chain of one person, as they are looked up in the console."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import update

from syncd.store import audit_pages
from syncd.store.audit import Event, append
from syncd.store.engine import writing
from syncd.store.tables import audit
from syncd.web.roles import Role
from tests.house import House
from tests.web_house import Console, console_of


@pytest.fixture
def console(house: House) -> Console:
    house.syncd("run")
    return console_of(house)


def test_the_audit_is_looked_through_from_the_newest(console: Console) -> None:
    first = console.json("/audit?size=5")
    then = console.json(f"/audit?size=5&before={first['older']}")
    places = [row["place"] for row in (*first["rows"], *then["rows"])]
    assert places == list(range(places[0], places[0] - 10, -1))
    assert "create_user" in console.page("/audit")


def test_it_is_searched_by_person_action_and_time(console: Console) -> None:
    found = console.json("/audit?subject=e003@example.com")["rows"]
    assert {row["subject"] for row in found} == {"e003@example.com"}
    assert {row["action"] for row in console.json("/audit?action=create_group")["rows"]} == {"create_group"}
    tomorrow = (console.app.clock() + timedelta(days=1)).date()
    assert console.json(f"/audit?since={tomorrow}") == {"rows": [], "older": None}
    assert console.json(f"/audit?until={tomorrow}&actor=nobody")["rows"] == []
    yesterday = tomorrow - timedelta(days=2)
    assert console.json(f"/audit?until={yesterday}") == {"rows": [], "older": None}
    assert console.json("/audit?since=soon", 422)


def test_days_are_found_by_halving(console: Console) -> None:
    now = console.app.clock()
    with writing(console.app.store) as connection:
        for day in range(1, 9):
            append(connection, [Event("anna", "look", f"day {day}", {})] * 3, now + timedelta(days=day))
    day = (now + timedelta(days=4)).date()
    assert [row["subject"] for row in console.json(f"/audit?since={day}&until={day}")["rows"]] == ["day 4"] * 3


def test_a_page_looks_back_only_so_far(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_pages, "LOOKS_BACK", 4)
    found = console.json("/audit?action=none")
    assert found["rows"] == []
    assert found["older"]
    assert "were not looked at yet" in console.page("/audit?action=none")
    assert console.json("/audit?subject=e001@")["rows"]  # a person is found wherever the row is


def test_the_chain_is_walked(console: Console) -> None:
    assert console.json("/audit/verify")["whole"]
    with writing(console.app.store) as connection:
        connection.execute(update(audit).where(audit.c.place == 3).values(actor="nobody"))
    assert console.json("/audit/verify")["first_broken"] == 3
    assert "Row 3 is not as it was written" in console.page("/audit/verify")


def test_a_file_holds_what_was_looked_for(console: Console) -> None:
    answer = console.client.get("/console/audit/export?form=jsonl&action=create_user")
    assert answer.headers["Content-Disposition"] == "attachment; filename=audit.jsonl"
    assert [json.loads(line)["action"] for line in answer.data.splitlines()] == ["create_user"] * 12
    assert console.client.get("/console/audit/export?form=csv").data.startswith(b"\xef\xbb\xbfplace,at,actor")
    assert console.json("/audit?action=export_audit")["rows"][1]["detail"]["wanted"] == {
        "action": "create_user",
        "form": "jsonl",
    }
    console.somebody.role = Role.VIEWER
    assert console.page("/audit/export", 403)


def test_why_tells_one_person(console: Console) -> None:
    told = console.json("/why?email=e002@example.com")
    assert told["people"][0]["who"] == "e002@example.com"
    assert "people/E002" in console.page("/why?email=e002@example.com")
    assert console.json("/why?email=e002@example.com&run=1")["not_kept"]
    assert "nobody is known by x@example.com" in console.page("/why?email=x@example.com")
    assert console.json("/why")["people"] == []
