"""Each deed stands in the audit once, under the name of who did it; what only asks stands nowhere."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.house import House
from tests.web.people_house import furnished, person_id
from tests.web_house import Console, console_of


@pytest.fixture
def console(house: House) -> Console:
    return console_of(furnished(house))


def lines(console: Console) -> list[Any]:
    return list(reversed(console.json("/audit?size=200")["rows"]))


def after(console: Console, deed: Any) -> list[tuple[str, str, str]]:
    """Actor, action and subject of what a deed left in the audit."""
    before = len(lines(console))
    deed()
    return [(row["actor"], row["action"], row["subject"]) for row in lines(console)[before:]]


def test_what_a_room_notes_is_not_noted_again(console: Console, house: House) -> None:
    one = person_id(house, "e005@example.com")
    assert after(console, lambda: console.json(f"/people/{one}/invite", sent={})) == [
        ("maria", "users invite", "e005@example.com")
    ]
    assert after(console, lambda: console.do("/groups/create", name="Crane")) == [("maria", "groups create", "Crane")]
    assert after(console, lambda: console.json("/scim/tokens/create", 200, sent={"tenant": "acme"})) == [
        ("maria", "token create", "token 1")
    ]


def test_what_no_room_notes_is_asked_for_once(console: Console) -> None:
    assert after(console, lambda: console.do("/runs/start", **{"sources[]": "people"})) == [
        ("maria", "ask", "start_run")
    ]


def test_what_fails_is_noted_once(console: Console) -> None:
    assert after(console, lambda: console.do("/groups/create", 409, name="Field")) == [
        ("maria", "fail", "create_group")
    ]


def test_a_question_is_no_deed(console: Console) -> None:
    ask = {"fragment": "leavers: {grace_days: 14}"}
    assert after(console, lambda: console.json("/whatif", sent=ask)) == []
    assert after(console, lambda: console.do("/whatif", 200, **ask)) == []
    file = (io.BytesIO(b"<x/>"), "config.xml")
    assert after(console, lambda: console.do("/mdm/lint", 200, file=file)) == []
