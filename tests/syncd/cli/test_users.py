"""users: the embedded account as an admin changes it by hand."""

from __future__ import annotations

import io
import json
import os
import pty
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from syncd.store.audit import verify
from tests.house import House

ROOT = Path(__file__).parent.parent.parent.parent
NEW = "User Name,Email,Group Name\nA,a@x.example,New\nB,b@x.example,\nC,nobody,\nD,d@x.example,\nE,d@x.example,\nP,e001@example.com,\n"


def audited(house: House) -> list[tuple[str, str]]:
    with sqlite3.connect(house.folder / "syncd.db") as connection:
        rows = connection.execute("SELECT action, subject FROM audit ORDER BY place").fetchall()
    assert verify(house.app().store) == (len(rows), None)
    return rows


def emails(call, *words):
    return [user["email"] for user in call("users", "list", "--json", *words).json]


def test_a_user_is_added_found_shown_and_invited_again(small, call):
    small.configure(target={"type": "account", "invitations": {"resend_pause_minutes": 0}})
    assert call("users", "add", "--name", "Zoë", "--email", "zoe@example.com", "--group", "Field").code == 0
    zoe = {"email": "zoe@example.com", "name": "Zoë", "state": "invited", "role": None, "owner": False}
    assert call("users", "list", "--search", "ZOË", "--json").json == [{**zoe, "groups": ["Field"]}]
    assert call("users", "invite", "zoe@example.com").code == 0
    shown = call("users", "show", "ZOE@example.com", "--json").json
    assert list(shown) == [
        *("fluix_id", "email", "name", "state", "role", "owner", "groups", "created_at"),
        *("role_groups", "last_login", "refused"),
        *("workflows", "workflows_by_group", "documents", "devices", "invitations", "activity"),
    ]
    assert [mail["to"] for mail in shown["invitations"]] == ["zoe@example.com"] * 2
    assert "Zoë  zoe@example.com" in call("users", "show", "zoe@example.com").out
    assert audited(small)[-2:] == [("users add", "zoe@example.com"), ("users invite", "zoe@example.com")]


def test_lists_are_narrowed(small, call):
    (small.folder / "life.yaml").write_text(
        "users:\n- {email: e001@example.com, state: active, role: admin, groups: [Office]}\n"
    )
    assert call("account", "load", "life.yaml").code == 0
    assert emails(call, "--state", "active") == emails(call, "--group", "office") == ["e001@example.com"]
    assert emails(call, "--state", "invited", "--group", "Field") == ["e002@example.com"]
    assert emails(call, "--search", "%") == []
    assert call("users", "list", "--search", "nobody").out == "0 users\n"
    assert call("users", "list", "--state", "gone").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["add", "--name", "A", "--email", "E001@example.com"],
        ["add", "--name", "A", "--email", "a"],
        ["add", "--name", " ", "--email", "a@x.example"],
        ["add", "--name", "A", "--email", "a@x.example", "--group", "None"],
        ["show", "nobody@x.example"],
        ["invite", "nobody@x.example"],
        ["delete", "nobody@x.example", "--yes"],
        ["delete", "e001@example.com", "--documents-to", "nobody@x.example", "--yes"],
        ["edit", "nobody@x.example", "--name", "A"],
        ["edit", "e001@example.com", "--email", "E002@example.com"],
        ["edit", "e001@example.com", "--name", " "],
        ["edit", "e001@example.com", "--name", "A", "--add-group", "None"],
        ["role", "e001@example.com", "owner"],
        ["role", "e001@example.com", "Manager"],  # who never logged in
        ["list", "--page", "2"],
        ["activity", "nobody@x.example"],
        ["request-data", "nobody@x.example"],
        ["request-data", "nobody@x.example", "--out", "data.json"],
        ["early-access"],
        ["import", "none.csv"],
        ["import", "binary"],
        ["import", "other.csv"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_changes_nothing_and_is_not_in_the_audit(small, call, words):
    (small.folder / "binary").write_bytes(bytes(range(256)))
    (small.folder / "other.csv").write_text("a,b\n1,2\n")
    before = emails(call), audited(small)
    ran = call("users", *words, "--json")
    assert ran.code == ran.json["exit_code"] == 1
    assert ran.err.startswith("error ")
    assert ran.json["error"]["to_do"]
    assert (emails(call), audited(small)) == before


@pytest.mark.parametrize(
    "words",
    [
        ["edit", "e001@example.com"],
        ["list", "--page", "0"],
        ["list", "--per-page", "1001"],
        ["list", "--last-login", "week"],
        ["activity", "--since", "yesterday"],
        ["activity", "--since", "2026-11-03", "--until", "2026-11-02"],
        ["activity", "--until", "9999-12-31"],
        ["activity", "--page", "2"],
        ["activity", "--csv", "all.csv", "--limit", "5"],
        ["export", "--select", "E001@example.com", "--select", "x@x.example"],
    ],
    ids=" ".join,
)
def test_words_that_make_no_sense_are_a_wrong_call(small, call, words):
    before = audited(small)
    ran = call("users", *words, "--json")
    assert ran.code == ran.json["exit_code"] == 2
    assert audited(small) == before
    assert not (small.folder / "all.csv").exists()


def test_a_page_of_the_list_is_an_object_with_its_numbers(small, call):
    whole = call("users", "list", "--json").json
    page = call("users", "list", "--page", "2", "--per-page", "1", "--json").json
    assert (page["total"], page["page"], page["pages"]) == (2, 2, 2)
    assert page["users"] == [{**whole[1], "last_login": None, "refused": None}]
    assert call("users", "list", "--per-page", "1").out.endswith("2 users, page 1 of 2\n")


def active(small, call, **more):
    """The first of the two has logged in."""
    entry = {"email": "e001@example.com", "state": "active", "last_login": "2026-11-01T08:00:00+00:00", **more}
    (small.folder / "life.yaml").write_text(yaml.safe_dump({"users": [entry]}))
    assert call("account", "load", "life.yaml").code == 0


def test_a_user_is_edited_and_given_a_role(small, call):
    active(small, call)
    assert call("groups", "create", "Night").code == 0
    edited = call(
        *("users", "edit", "e001@example.com", "--name", "New Name", "--email", "new@example.com"),
        *("--add-group", "night", "--remove-group", "FIELD", "--json"),
    ).json
    assert {key: edited[key] for key in ("email", "name", "groups")} == {
        "email": "new@example.com",
        "name": "New Name",
        "groups": ["Night"],
    }
    assert call("users", "role", "new@example.com", "Manager", "--group", "night", "--json").json == {
        "email": "new@example.com",
        "role": "Manager",
        "role_groups": ["Night"],
    }
    assert emails(call, "--role", "manager") == ["new@example.com"]
    shown = call("users", "show", "new@example.com").out
    assert "Manager, for Night only" in shown
    assert "login   2026-11-01 08:00 UTC" in shown
    assert call("users", "role", "new@example.com", "NONE").code == 1  # the last admin
    actions = [action for action, _ in audited(small)][-3:]
    assert actions == ["groups create", "users edit", "users role"]


def test_an_invited_user_with_another_address_is_to_be_invited_there(small, call):
    ran = call("users", "edit", "e001@example.com", "--email", "new@example.com")
    assert "`syncd users invite new@example.com`" in ran.out


def test_the_activity_is_shown_paged_and_written(small, call):
    call("groups", "create", "=cmd")
    all_of_it = call("users", "activity", "--json").json
    assert all_of_it.keys() == {"activity", "total", "page", "pages"}
    newest = all_of_it["activity"][0]
    assert newest.keys() == {"at", "email", "kind", "text"}
    assert (newest["kind"], newest["text"], newest["email"]) == ("group created", "=cmd", None)
    today = newest["at"][:10]
    assert call("users", "activity", "--since", today, "--until", today, "--json").json == all_of_it
    assert call("users", "activity", "--until", "2000-01-01", "--json").json["total"] == 0
    one = call("users", "activity", "E001@example.com", "--kind", "added", "--limit", "1", "--json").json
    assert [(entry["kind"], entry["email"]) for entry in one["activity"]] == [("added", "e001@example.com")]
    assert "group created" in call("users", "activity", "--limit", "1").out
    assert call("users", "activity", "--csv", "all.csv", "--json").json == {
        "entries": all_of_it["total"],
        "file": "all.csv",
    }
    lines = (small.folder / "all.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "At,Email,Kind,Text"
    assert lines[1].endswith(",,group created,'=cmd")
    assert len(lines) == all_of_it["total"] + 1


def test_user_data_is_sent_or_written(small, call):
    assert call("users", "request-data", "E001@example.com", "--json").json == {"email": "e001@example.com"}
    with sqlite3.connect(small.folder / "syncd.db") as connection:
        rows = connection.execute("SELECT email, attachment FROM account_mails WHERE kind = 'user_data'").fetchall()
    assert [(email, json.loads(data)["user"]["email"]) for email, data in rows] == [("e001@example.com",) * 2]
    assert call("users", "request-data", "e001@example.com", "--out", "data.json").code == 0
    held = json.loads((small.folder / "data.json").read_text(encoding="utf-8"))
    assert [mail["kind"] for mail in held["mails"]] == ["invitation", "user_data"]
    assert audited(small)[-2:] == [
        ("users request-data", "E001@example.com"),
        ("users request-data", "e001@example.com"),
    ]


def test_the_request_for_early_access_and_its_testers(small, call):
    small.configure(target={"type": "account", "early_access": ["Field"]})
    call("users", "edit", "e001@example.com", "--name", "=Anna Berg")
    call("users", "edit", "e002@example.com", "--name", "Bob")
    text = call("users", "early-access").out
    assert "Account: main" in text
    assert "Testers: 2" in text
    assert "TestFlight" in text
    ran = call("users", "early-access", "--csv", "testers.csv")
    assert "without a last name: e002@example.com" in ran.out
    assert (small.folder / "testers.csv").read_bytes().decode() == (
        "First Name,Last Name,Email\r\n'=Anna,Berg,e001@example.com\r\nBob,,e002@example.com\r\n"
    )
    assert call("users", "early-access", "--json").json["one_word_names"] == ["e002@example.com"]


def test_names_are_shown_as_they_are_written(small, call):
    name = "[red]A :smile: \\[x]"
    assert call("users", "add", "--name", name, "--email", "a@x.example").code == 0
    assert name in call("users", "list").out
    assert name in call("users", "show", "a@x.example").out


# --- import and export --------------------------------------------------------------------------------------------


def test_an_import_says_a_verdict_for_each_person(small, call):
    (small.folder / "new.csv").write_text(NEW)
    before = audited(small)
    dry = call("users", "import", "new.csv", "--dry-run", "--json").json
    assert {row["email"]: row["verdict"] for row in dry["rows"]} == {
        "a@x.example": "new",
        "b@x.example": "new",
        "e001@example.com": "exists",
        "nobody": "invalid",
        "d@x.example": "duplicate",
    }
    assert dry["rows"][0].keys() == {"email", "name", "groups", "verdict", "message"}
    assert dry["added"] == 0
    assert dry["missing_groups"] == ["New"]
    told = call("users", "import", "new.csv", "--dry-run").out
    assert told.splitlines()[0] == "new       a@x.example (A: New)"
    assert "1 group New are missing: create them, or import with --create-groups" in told
    assert "New would be created" in call("users", "import", "new.csv", "--dry-run", "--create-groups").out
    assert told.endswith("2 would be added, 1 exists, 1 duplicate, 1 invalid\n")
    assert (len(emails(call)), audited(small)) == (2, before)


def test_the_new_ones_are_imported_or_only_the_selected(small, call):
    (small.folder / "new.csv").write_text(NEW)
    assert call("users", "import", "new.csv").code == 1  # there is no group New
    assert call("users", "import", "new.csv", "--select", "z@x.example").code == 2
    assert len(emails(call)) == 2
    chosen = call("users", "import", "new.csv", "--select", "B@x.example", "--json").json
    assert ([row["email"] for row in chosen["rows"]], chosen["added"]) == (["b@x.example"], 1)
    assert call("users", "import", "new.csv", "--create-groups", "--json").json["added"] == 1
    assert emails(call, "--group", "New") == ["a@x.example"]
    assert audited(small)[-1] == ("users import", "new.csv")


def test_what_goes_out_comes_in_again(small, call):
    assert call("users", "export", "--out", "all.csv", "--json").json == {"users": 2, "file": "all.csv"}
    rows = call("users", "import", "all.csv", "--json").json["rows"]
    assert [row["verdict"] for row in rows] == ["exists", "exists"]
    printed = call("users", "export").out
    assert (small.folder / "all.csv").read_text(encoding="utf-8-sig") == printed.replace("\r\n", "\n")
    assert call("users", "export", "--select", "E001@example.com").out.count("\n") == 2
    assert call("users", "export", "--json").json == call("users", "list", "--json").json
    assert call("users", "export", "--select", "nobody@x.example").code == 2


@pytest.mark.parametrize("file", ["no/such/folder.csv", ".", "", "folder", "loop", "people.csv/x"])
def test_a_file_that_cannot_be_written_is_named(small, call, file):
    (small.folder / "folder").mkdir()
    (small.folder / "loop").symlink_to("loop")
    there = sorted(small.folder.iterdir())
    ran = call("users", "export", "--out", file, "--json")
    assert ran.code == ran.json["exit_code"] == 2
    assert ran.json["error"]["what"].startswith("the file cannot be written: ")
    assert sorted(small.folder.iterdir()) == there


def test_a_file_is_written_whole_or_not_at_all(small, call, monkeypatch):
    file, real = small.folder / "real.csv", small.folder / "link.csv"
    file.write_text("before")
    real.symlink_to(file)

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert call("users", "export", "--out", "link.csv").code == 2
    assert file.read_text() == "before"
    assert not list(small.folder.glob(".syncd-*"))
    assert call("users", "export", "--out", "link.csv").code == 0
    assert real.is_symlink()
    assert "e001@example.com" in file.read_text()


def test_a_device_is_written_and_not_replaced(small, call):
    assert call("users", "export", "--out", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


# --- delete -------------------------------------------------------------------------------------------------------


def test_without_a_terminal_deleting_needs_yes(small):
    ran = small.syncd("users", "delete", "e001@example.com", "--json")
    assert (ran.code, ran.json["error"]["to_do"]) == (2, "add --yes")


def test_several_are_deleted_and_the_refused_ones_named(small, call):
    copy = {"users": [{"email": "e001@example.com", "owner": True}]}
    (small.folder / "life.yaml").write_text(yaml.safe_dump(copy))
    assert call("account", "load", "life.yaml").code == 0
    assert call("users", "delete", "e001@example.com", "nobody@x.example", "--yes").code == 1
    ran = call("users", "delete", "e001@example.com", "e002@example.com", "E002@example.com", "--yes", "--json")
    assert (ran.code, ran.json["deleted"]) == (5, ["e002@example.com"])
    (failed,) = ran.json["failed"]
    assert failed.keys() == {"email", "message"}
    assert "last admin" in failed["message"]
    assert audited(small)[-1] == ("users delete", "e002@example.com")
    assert emails(call) == ["e001@example.com"]


def test_documents_are_given_away_before_their_user_is_deleted(small, call):
    documents = [{"title": "Form", "state": "draft", "user": "e001@example.com"}]
    (small.folder / "life.yaml").write_text(yaml.safe_dump({"documents": documents}))
    assert call("account", "load", "life.yaml").code == 0
    assert call("users", "delete", "e001@example.com", "--documents-to", "e002@example.com", "--yes").code == 0
    assert [one["user"] for one in call("documents", "list", "--json").json] == ["e002@example.com"]


def test_on_a_terminal_each_case_of_the_guide_is_told_before_it_asks(small, call, monkeypatch):
    life = {
        "users": [{"email": "e001@example.com", "role": "Admin"}, {"email": "e002@example.com", "role": "Manager"}],
        "documents": [
            {"title": title, "state": state, "user": "e002@example.com"}
            for title, state in (("A", "draft"), ("B", "assigned"))
        ],
        "workflows": [{"name": "Permits", "steps": [{"name": "Sign", "users": ["e002@example.com"]}]}],
    }
    (small.folder / "life.yaml").write_text(yaml.safe_dump(life))
    assert call("account", "load", "life.yaml").code == 0
    monkeypatch.setattr("sys.stdin", type("Terminal", (io.StringIO,), {"isatty": lambda _: True})("n\n"))
    ran = call("users", "delete", "e001@example.com", "e002@example.com", "nobody@x.example")
    told = " ".join(ran.err.split())
    assert ran.code == 1
    assert "e001@example.com: has administrative rights (Admin)" in told
    assert "e002@example.com: has administrative rights (Manager), 1 draft, 1 assigned document" in told
    assert "cannot be deleted: takes part in workflows (Permits)" in told
    assert "there is no user nobody@x.example" in told
    assert len(emails(call)) == 2


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 1), ("n\n", 1, 2), ("\x04", 130, 2)])
def test_on_a_terminal_it_asks(small, call, answer, code, left):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "syncd", "users", "delete", "e001@example.com", "--json"],
        cwd=small.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.write(ours, answer.encode())
    out, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == code
    assert "Delete e001@example.com" in err
    assert "Delete" not in out
    assert len(emails(call)) == left
