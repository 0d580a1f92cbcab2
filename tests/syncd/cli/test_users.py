"""users: the embedded account as an admin changes it by hand."""

from __future__ import annotations

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
    assert call("users", "add", "--name", "Zoë", "--email", "zoe@example.com", "--group", "Field").code == 0
    zoe = {"email": "zoe@example.com", "name": "Zoë", "state": "invited", "role": None, "owner": False}
    assert call("users", "list", "--search", "ZOË", "--json").json == [{**zoe, "groups": ["Field"]}]
    assert call("users", "invite", "zoe@example.com").code == 0
    shown = call("users", "show", "ZOE@example.com", "--json").json
    assert list(shown) == [
        *("fluix_id", "email", "name", "state", "role", "owner", "groups", "created_at"),
        *("workflows", "documents", "invitations", "activity"),
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
    told = call("users", "import", "new.csv", "--dry-run").out
    assert told.splitlines()[0] == "new       a@x.example (A: New)"
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
