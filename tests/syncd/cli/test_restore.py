"""restore: the list of deleted users, and the text for Fluix support."""

from __future__ import annotations

import pytest

from syncd.cli import COMMANDS
from syncd.store.audit import walk
from tests.house import Person, staff

ANNA = Person("E9", "Anna Berg [x]", "anna@example.com")
COPY = "documents: [{title: Form 7, state: draft, user: anna@example.com}]\n"


@pytest.fixture
def left(house, call, monkeypatch):
    """Anna was deleted by a run."""
    monkeypatch.setitem(COMMANDS, "restore", ("syncd.cli.restore:restore", "Deleted users."))
    house.configure(
        leavers={"grace_days": 0, "certified_absences": 1, "documents": {"reassign": "e001@example.com"}},
        shrink={"max_percent": 100},
    )
    house.hire([*staff(5), ANNA])
    assert call("run").code == 0
    (house.folder / "copy.yaml").write_text(COPY)
    assert call("account", "load", "copy.yaml").code == 0
    house.hire(staff(5))
    assert call("run").code == 0
    return house


def back(house, call):
    house.hire([*staff(5), ANNA])
    return call("run", "--json").json


def test_nobody_was_deleted(house, call, monkeypatch):
    monkeypatch.setitem(COMMANDS, "restore", ("syncd.cli.restore:restore", "Deleted users."))
    assert call("restore", "list").out == "nobody was deleted within the last 30 days\n"
    assert call("restore", "list", "--json").json == []


def test_the_list_tells_who_when_and_how_long(left, call):
    (one,) = call("restore", "list", "--json").json
    assert one["deleted_at"].startswith("20")
    del one["deleted_at"], one["actor"]
    assert one == {
        "email": "anna@example.com",
        "name": "Anna Berg [x]",
        "fluix_id": "1",  # in the order of the emails
        "days_left": 30,
        "plan_id": "p2",
        "approvers": [],
        "returned": False,
        "returned_at": None,
        "new_user": None,
        "ticket": None,
    }
    shown = call("restore", "list").out
    assert "Anna Berg [x]" in shown
    assert "plan p2" in shown


def test_a_ticket_goes_from_open_to_written_to_done(left, call):
    report = back(left, call)
    assert "syncd restore ticket anna@example.com" in report["changes"][0]["reason"]
    assert "1 ticket to write" in call("restore", "list").out
    ran = call("restore", "ticket", "ANNA@example.com")
    assert (ran.code, ran.err) == (0, "")
    assert "Account:      main" in ran.out
    assert "New user:     anna@example.com (id 7)" in ran.out
    assert "1 draft and 0 assigned documents, which went to e001@example.com" in ran.out
    assert call("restore", "list", "--json").json[0]["ticket"] == "written"
    assert call("restore", "close", "anna@example.com").out == "closed: anna@example.com\n"
    assert call("restore", "close", "anna@example.com", "--json").json == {
        "email": "anna@example.com",
        "ticket": "done",
    }
    document = call("restore", "ticket", "anna@example.com", "--json").json
    assert (document["ticket"], document["setup"]["groups"]) == ("done", ["Field"])
    assert document["text"].startswith("Subject: Please recover the set-up of a deleted user: anna@example.com")
    assert call("audit", "verify", "--json").json["whole"]
    assert walk(left.app().store).rows > 8


def test_for_who_is_not_back_yet_the_text_says_so(left, call):
    ran = call("restore", "ticket", "anna@example.com")
    assert "New user:     not created yet" in ran.out
    assert ran.err == "\nnote: anna@example.com is no user yet. Create the person first: Fluix needs the new user.\n"


def test_nothing_says_that_the_program_restores_anybody(left, call):
    back(left, call)
    for words in (["list"], ["ticket", "anna@example.com"], ["--help"], ["ticket", "--help"]):
        said = call("restore", *words).out.lower()
        assert "restored" not in said
        assert "restores" not in said


@pytest.mark.parametrize("command", ["ticket", "close"])
def test_who_was_not_deleted_is_named(left, call, command):
    ran = call("restore", command, "e001@example.com", "--json")
    assert ran.code == 2
    assert ran.json["error"]["what"] == "e001@example.com was not deleted within the last 30 days"
    assert ran.json["error"]["to_do"] == "see `syncd restore list`"


def test_who_returned_with_another_email_is_found_by_either(left, call):
    left.hire([*staff(5), Person("E9", "Anna", "new@example.com")])
    assert call("run").code == 0
    for email in ("new@example.com", "anna@example.com"):
        assert "New user:     new@example.com (id 7)" in call("restore", "ticket", email).out
