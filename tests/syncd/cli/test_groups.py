"""groups, workflows, documents: what an admin does with them by hand."""

from __future__ import annotations

import sqlite3

import pytest
import yaml

from syncd.cli import COMMANDS

LIFE = {
    "users": [{"email": "e001@example.com", "state": "active"}],
    "workflows": [
        {
            "name": "Permits",
            "steps": [{"name": "Approve", "groups": ["Field"]}, {"name": "Sign", "users": ["e001@example.com"]}],
        },
        {"name": "Repairs", "steps": [{"name": "Report", "users": ["e001@example.com", "e002@example.com"]}]},
    ],
    "documents": [
        {"title": "=Form", "state": "draft", "user": "e001@example.com"},
        {"title": "Plan", "state": "assigned", "user": "e001@example.com"},
    ],
}


@pytest.fixture
def life(small, call, monkeypatch):
    """Two people at work."""
    for name in ("groups", "workflows", "documents"):
        monkeypatch.setitem(COMMANDS, name, (f"syncd.cli.{name}:{name}", f"The {name}."))
    (small.folder / "life.yaml").write_text(yaml.safe_dump(LIFE))
    assert call("account", "load", "life.yaml").code == 0
    return small


def last_action(house):
    with sqlite3.connect(house.folder / "syncd.db") as connection:
        return connection.execute("SELECT action, subject FROM audit ORDER BY place DESC").fetchone()


def test_groups_are_made_filled_renamed_and_deleted(life, call):
    assert call("groups", "create", " Night ", "--json").json == {"name": "Night"}
    assert call("groups", "add", "night", "E001@example.com", "e002@example.com", "--json").json == {
        "name": "night",
        "users": ["e001@example.com", "e002@example.com"],
    }
    assert last_action(life) == ("groups add", "night")
    assert call("groups", "remove", "Night", "e002@example.com").out == "e002@example.com not in Night any more\n"
    assert call("groups", "rename", "night", "Late", "--json").json == {"before": "night", "name": "Late"}
    assert call("groups", "list", "--json").json == [
        {"name": "Field", "members": 2, "workflows": []},
        {"name": "Late", "members": 1, "workflows": []},
    ]
    assert call("groups", "list").out.splitlines()[-1] == "2 groups"
    assert call("groups", "delete", "LATE", "--json").json == {"name": "LATE", "members": 1}
    assert last_action(life) == ("groups delete", "LATE")


def test_workflows_are_shown_left_and_given(life, call):
    assert call("workflows", "give", "permits", "--add", "field", "--json").json == {
        "name": "permits",
        "groups": ["Field"],
    }
    assert [one["name"] for one in call("workflows", "list", "--json").json] == ["Permits", "Repairs"]
    assert call("workflows", "list").out.splitlines()[-1] == "2 workflows"
    assert call("workflows", "show", "Permits").out.splitlines() == [
        "Permits",
        "  given by  Field",
        "  Approve: group Field",
        "  Sign: e001@example.com",
    ]
    left = call("workflows", "leave", "e001@example.com", "--workflow", "repairs", "--json").json
    assert left == {"email": "e001@example.com", "left": ["Repairs / Report"]}
    assert last_action(life) == ("workflows leave", "e001@example.com")
    shown = call("users", "show", "e001@example.com").out
    assert "Permits (through Field)" in shown
    assert "Permits / Approve (through Field)" in shown
    assert "Permits / Sign (alone)" in shown


def test_documents_are_listed_written_and_given_away(life, call):
    listed = call("documents", "list", "--user", "E001@example.com", "--state", "draft", "--json").json
    assert [(one["title"], one["user"]) for one in listed] == [("=Form", "e001@example.com")]
    assert call("documents", "list").out.splitlines()[-1] == "2 documents"
    assert call("documents", "list", "--csv", "all.csv", "--json").json == {"documents": 2, "file": "all.csv"}
    lines = (life.folder / "all.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[:2] == ["Title,State,Email,User Name", "'=Form,draft,e001@example.com,Person E001"]
    given = call(
        "documents", "reassign", "e001@example.com", "--to", "e002@example.com", "--state", "draft", "--json"
    ).json
    assert given == {"email": "e001@example.com", "to": "e002@example.com", "documents": 1}
    assert last_action(life) == ("documents reassign", "e001@example.com")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["groups", "create", "  "], "a group needs a name"),
        (["groups", "create", "FIELD"], "there is a group FIELD already"),
        (["groups", "rename", "Field", "Field"], "called Field already"),
        (["groups", "delete", "Field"], "Permits / Approve would be left without anyone"),
        (["groups", "delete", "None"], "there is no group None"),
        (["groups", "add", "Field", "e001@example.com", "x@x.example"], "there is no user x@x.example"),
        (["groups", "remove", "None", "e001@example.com"], "there is no group None"),
        (["workflows", "show", "None"], "there is no workflow None"),
        (["workflows", "leave", "e001@example.com"], "Permits / Sign would be left without anyone"),
        (["workflows", "leave", "e002@example.com", "--workflow", "Permits"], "no step of Permits by name"),
        (["workflows", "give", "Permits", "--add", "None"], "there is no group None"),
        (["documents", "list", "--user", "x@x.example"], "there is no user x@x.example"),
        (["documents", "list", "--user", "x@x.example", "--csv", "none.csv"], "there is no user x@x.example"),
        (["documents", "reassign", "e002@example.com", "--to", "e001@example.com"], "has no documents"),
        (["documents", "reassign", "e001@example.com", "--to", "E001@example.com"], "own documents"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_says_why_and_is_not_in_the_audit(life, call, words, said):
    before = last_action(life), call("account", "dump", "--json").json
    ran = call(*words, "--json")
    assert ran.code == ran.json["exit_code"] == 1
    assert said in ran.json["error"]["what"]
    assert ran.json["error"]["to_do"]
    assert (last_action(life), call("account", "dump", "--json").json) == before
    assert not (life.folder / "none.csv").exists()


def test_giving_nothing_is_a_wrong_call(life, call):
    assert call("workflows", "give", "Permits").code == 2


def test_names_are_shown_as_they_are_written(life, call):
    name = "[red]A :smile: \\[x]"
    assert call("groups", "create", name).code == 0
    assert name in call("groups", "list").out
