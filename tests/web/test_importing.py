"""Importing people in the console: what was shown is what is imported."""

from __future__ import annotations

import base64
import io

import pytest

from syncd.store import previews
from tests.house import House
from tests.web.people_house import account_of
from tests.web_house import Console

FILE = """\
User Name,Email,Group Name
Nina New,nina@example.com,Field
Nina New,nina@example.com,Roads
Otto Other,otto@example.com,
Person E001,e001@example.com,Field
,nobody@example.com,
Bad Mail,bad@@example.com,Field
"""


def upload(desk: Console, text: str = FILE, status: int = 303) -> str:
    answer = desk.do("/people/import/read", status, file=(io.BytesIO(text.encode()), "people.csv"))
    return str(answer.headers.get("Location", "")).removeprefix("/console") or str(answer.text)


@pytest.mark.parametrize("header", ["User Name,Email,Group Name", "Full Name,Email,Groups"])
def test_both_layouts_are_shown_row_by_row(desk: Console, header: str) -> None:
    at = upload(desk, FILE.replace("User Name,Email,Group Name", header))
    found = desk.json(at)
    assert found["counts"] == {"new": 2, "exists": 1, "duplicate": 0, "invalid": 2}
    assert found["missing_groups"] == ["Roads"]
    said = {row["email"]: (row["verdict"], row["message"]) for row in found["rows"]}
    assert said["nobody@example.com"] == ("invalid", "nobody@example.com has no name")
    assert "more than one @" in said["bad@@example.com"][1]
    assert [row["email"] for row in desk.json(f"{at}?verdict=exists")["rows"]] == ["e001@example.com"]


def test_what_is_ticked_is_imported_and_no_more(desk: Console, company: House) -> None:
    at = upload(desk)
    assert desk.do(f"{at}/add", **{"emails[]": ["otto@example.com"]}).location == f"/console{at}"
    assert {"otto@example.com"} == {"otto@example.com", "nina@example.com"} & account_of(company).addresses()
    assert "Roads" in desk.do(f"{at}/add", 409, all_new="1").text
    assert desk.do(f"{at}/add", all_new="1", create_groups="true").location == "/console/people"
    assert account_of(company).show_user("nina@example.com")["groups"] == ["Field", "Roads"]
    desk.page(at, 404)


def test_nobody_is_imported_when_nobody_is_ticked(desk: Console) -> None:
    assert "nobody is ticked" in desk.do(f"{upload(desk)}/add", 409).text


def test_what_was_changed_meanwhile_is_looked_at_again(desk: Console, company: House) -> None:
    at = upload(desk)
    account_of(company).add_user("Otto", "otto@example.com")
    assert "look at the list again" in desk.do(f"{at}/add", 409, all_new="2", create_groups="true").text
    assert "look at the list again" in desk.do(f"{at}/add", 409, **{"emails[]": ["otto@example.com"]}).text
    assert "nina@example.com" not in account_of(company).addresses()


def test_a_file_that_is_none_is_refused(desk: Console) -> None:
    assert "one of the layouts" in upload(desk, "Colour,Size\nred,3\n", 409)
    larger = base64.b64encode(b"x" * (5 * 1024 * 1024 + 1)).decode()
    assert desk.json("/people/import/read", 422, sent={"file": larger})["faults"][0]["where"] == "file"
    headers = {"Authorization": "Bearer good", "Content-Type": "application/json"}
    far_larger = b"x" * (17 * 1024 * 1024)
    assert desk.client.post("/api/v1/people/import/read", data=far_larger, headers=headers).status_code == 413


def test_a_file_is_another_persons_and_lasts_an_hour(desk: Console, company: House) -> None:
    at = upload(desk)
    desk.somebody.name = "otto"
    desk.page(at, 404)
    desk.somebody.name = "maria"
    number = at.rsplit("/", 1)[1]
    later = desk.app.clock() + previews.LASTS
    assert previews.find(desk.app.store, number, "maria", later) is None
    previews.forget_old(desk.app.store, later)
    desk.page(at, 404)
    del company


def test_the_export_is_what_can_be_imported(desk: Console) -> None:
    answer = desk.do("/people/export", 200, **{"emails[]": ["hand@example.com"]})
    assert answer.headers["Content-Disposition"] == "attachment; filename=users.csv"
    assert answer.get_data().decode("utf-8-sig").splitlines() == [
        "User Name,Email,Group Name",
        "Hanna Hand,hand@example.com,Office",
    ]
    assert len(desk.do("/people/export", 200).get_data().splitlines()) == 16
