"""The example company: that its files are what examples/README.md says, and differ in exactly the ways it says."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
import yaml

from connectors.email import email_problem

EXAMPLES = Path(__file__).parents[1] / "examples"
HEADER = ["Employee", "User Name", "Email", "Department", "Group Name", "Active", "Manager"]
LEAVERS = {
    "klaus.schafer",
    "marek.sikora",
    "yngve.sletten",
    "roar.kvamme",
    "uwe.jager",
    "jozef.mroz",
    "son.bui",
    "khaled.binsaid",
    "yang.liu",
    "nikos.karagiannis",
    "irmak.kilic",
    "joao.goncalves",
}


def _rows(name: str) -> list[dict[str, str]]:
    with (EXAMPLES / name).open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        rows = list(reader)
    assert reader.fieldnames == HEADER
    assert all(None not in row and None not in row.values() for row in rows)
    return rows


def _at(*people: str) -> set[str]:
    return {f"{person}@nordlys.example" for person in people}


@pytest.fixture(scope="module")
def day1():
    return {row["Employee"]: row for row in _rows("day1/people.csv")}


@pytest.fixture(scope="module")
def day2():
    return {row["Employee"]: row for row in _rows("day2/people.csv")}


@pytest.fixture(scope="module")
def account():
    return yaml.safe_load((EXAMPLES / "account.yaml").read_text(encoding="utf-8"))


def _groups(row: dict[str, str]) -> list[str]:
    return row["Group Name"].split(";")


def _changed(old: dict[str, dict[str, str]], new: dict[str, dict[str, str]]) -> dict[str, dict[str, tuple[str, str]]]:
    """Employee id -> column -> before and after, for who is in both."""
    both = sorted(old.keys() & new.keys())
    found = {i: {c: (old[i][c], new[i][c]) for c in HEADER if old[i][c] != new[i][c]} for i in both}
    return {i: columns for i, columns in found.items() if columns}


def test_day_one_is_two_hundred_good_rows():
    rows = _rows("day1/people.csv")
    assert [row["Employee"] for row in rows] == [f"N{number}" for number in range(1001, 1201)]
    assert len({row["Email"] for row in rows}) == 200
    for row in rows:
        assert re.fullmatch(r"[a-z0-9.-]+@nordlys\.example", row["Email"])
        assert email_problem(row["Email"]) is None
        assert row["User Name"].strip() == row["User Name"] != ""
        assert unicodedata.normalize("NFC", row["User Name"]) == row["User Name"]
        assert row["Active"] in {"yes", "no"}
        assert len(_groups(row)) == len(set(_groups(row)))
    assert {row["Email"] for row in rows if row["Active"] == "no"} == _at(
        "ragnhild.eide", "sabine.kruger", "thabo.nkosi", "jihoon.park"
    )
    assert [row["User Name"] for row in rows].count("Anna Berg") == 2


def test_the_names_are_of_many_scripts(day1):
    letters = "".join(row["User Name"] for row in day1.values())
    scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in letters if letter.isalpha()}
    assert scripts >= {"LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW", "DEVANAGARI", "CJK", "HANGUL"}
    assert set("ıİğşÞðæøåßłđ'ẹọ") <= set(unicodedata.normalize("NFC", letters))
    assert "\u200c" in letters


@pytest.mark.parametrize("name", ["day1/people.csv", "day2/people.csv"])
def test_there_are_twelve_groups_of_six_to_sixty(name):
    rows = _rows(name)
    for chosen in (rows, [row for row in rows if row["Active"] == "yes"]):
        sizes = Counter(group for row in chosen for group in _groups(row))
        assert len(sizes) == 12
        assert all(6 <= size <= 60 for size in sizes.values()), sizes


@pytest.mark.parametrize("name", ["day1/people.csv", "day2/people.csv", "day2/people-mended.csv"])
def test_the_managers_are_a_tree(name):
    rows = {row["Employee"]: row for row in _rows(name)}
    assert [row["Email"] for row in rows.values() if not row["Manager"]] == ["ingrid.solberg@nordlys.example"]
    for row in rows.values():
        seen = []
        while row["Manager"]:
            seen.append(row["Employee"])
            row = rows[row["Manager"]]  # noqa: PLW2901 - climbing
            assert row["Employee"] not in seen
        assert len(seen) <= 4


def test_day_two_is_day_one_a_day_later(day1, day2):
    assert len(_rows("day2/people.csv")) == len(day2) == 195
    assert {day1[i]["Email"] for i in day1.keys() - day2.keys()} == _at(*LEAVERS)
    assert day2.keys() - day1.keys() == {f"N{number}" for number in range(1201, 1208)}
    named = {day1[i]["Email"].partition("@")[0]: columns for i, columns in _changed(day1, day2).items()}
    assert named == {
        "hanne.lokken": {
            "User Name": ("Hanne Løkken", "Hanne Løkken Berge"),
            "Email": ("hanne.lokken@nordlys.example", "hanne.berge@nordlys.example"),
        },
        "petter.nilsen": {"Group Name": ("Field North", "Field South")},
        "randi.skaar": {"Group Name": ("Permits", "Survey")},
        "ragnhild.eide": {"Active": ("no", "yes")},
        "anabelen.munoz": {"Email": ("anabelen.munoz@nordlys.example", "anabelen.munoz(at)nordlys.example")},
    }


def test_six_joined_and_one_is_there_twice(day1, day2):
    new = [day2[f"N{number}"] for number in range(1201, 1208)]
    known = {row["Email"] for row in day1.values()}
    assert [row["Email"] in known for row in new] == [False] * 6 + [True]
    assert all(row["Active"] == "yes" and email_problem(row["Email"]) is None for row in new)
    twice = [email for email, count in Counter(row["Email"] for row in day2.values()).items() if count > 1]
    assert twice == ["stian.engen@nordlys.example"]
    assert [i for i, row in day2.items() if row["Email"] == twice[0]] == ["N1071", "N1207"]
    assert day1["N1071"]["Active"] == "yes"


def test_one_row_is_broken_and_mended_in_the_third_file(day1, day2):
    mended = {row["Employee"]: row for row in _rows("day2/people-mended.csv")}
    assert list(mended) == list(day2)
    broken = [i for i, row in day2.items() if email_problem(row["Email"])]
    assert _changed(day2, mended) == {
        broken[0]: {"Email": ("anabelen.munoz(at)nordlys.example", "anabelen.munoz@nordlys.example")}
    }
    assert mended[broken[0]] == day1[broken[0]]


def test_the_leavers_are_over_the_percentage_and_nothing_else(day1, day2):
    managed = sum(row["Active"] == "yes" for row in day1.values())
    leavers = [day1[i] for i in day1.keys() - day2.keys()]
    assert managed == 196
    assert all(row["Active"] == "yes" for row in leavers)
    assert (len(leavers) * 100 > 5 * managed, len(leavers) <= 25) == (True, True)
    managers = {row["Manager"] for row in day1.values()}
    assert not [row for row in leavers if row["Employee"] in managers]
    before, after = (
        Counter(group for row in rows.values() if row["Active"] == "yes" for group in _groups(row))
        for rows in (day1, day2)
    )
    assert all((size - after[group]) * 100 <= 30 * size for group, size in before.items())


def test_the_accounts_people_are_the_directorys(day1, account):
    rows = {row["Email"]: row for row in day1.values()}
    users = {user["email"]: user for user in account["users"]}
    assert len(users) == len(account["users"])
    for email, user in users.items():
        row = rows[email]
        assert (user["name"], user["state"], row["Active"]) == (row["User Name"], "active", "yes")
        assert user["groups"] == _groups(row)
    assert {group["name"] for group in account["groups"]} == {group for row in rows.values() for group in _groups(row)}


def test_the_account_has_an_owner_and_three_admins(account):
    assert {user["email"] for user in account["users"] if user.get("owner")} == _at("ingrid.solberg")
    admins = {user["email"] for user in account["users"] if user.get("role") == "admin"}
    assert admins == _at("alexandros.papadopoulos", "ayse.yildirim", "klaus.schafer")
    assert admins & _at(*LEAVERS) == _at("klaus.schafer")


def test_the_accounts_workflows(account):
    users = {user["email"] for user in account["users"]}
    groups = {group["name"] for group in account["groups"]}
    steps = {
        (flow["name"], step["name"]): (step.get("users", []), step.get("groups", []))
        for flow in account["workflows"]
        for step in flow["steps"]
    }
    assert len(account["workflows"]) == 4
    assert all(2 <= len(flow["steps"]) <= 3 for flow in account["workflows"])
    for by_name, by_group in steps.values():
        assert by_name or by_group
        assert set(by_name) <= users
        assert set(by_group) <= groups
    leaving = {step: who for step, who in steps.items() if set(who[0]) & _at(*LEAVERS)}
    assert {step: set(who[0]) & _at(*LEAVERS) for step, who in leaving.items()} == {
        ("Permit to Work", "Approve"): _at("marek.sikora"),
        ("Permit to Work", "Sign off"): _at("marek.sikora"),
    }
    assert [step for step, who in leaving.items() if len(who[0]) == 1 and not who[1]] == [
        ("Permit to Work", "Sign off")
    ]


def test_the_accounts_documents(account):
    users = {user["email"] for user in account["users"]}
    documents = account["documents"]
    assert len(documents) == len({document["title"] for document in documents}) == 15
    assert {document["user"] for document in documents} <= users
    assert len({document["user"] for document in documents}) >= 10
    leaving = Counter((d["user"], d["state"]) for d in documents if d["user"] in _at(*LEAVERS))
    assert leaving == {
        ("yngve.sletten@nordlys.example", "draft"): 2,
        ("yngve.sletten@nordlys.example", "assigned"): 1,
    }


def test_the_page_names_what_there_is():
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for file in EXAMPLES.rglob("*"):
        if file.is_file() and file.name != "README.md":
            assert f"`{file.relative_to(EXAMPLES)}`" in page
    leaving = [row["User Name"] for row in _rows("day1/people.csv") if row["Email"] in _at(*LEAVERS)]
    assert [name for name in leaving if name not in page] == []
