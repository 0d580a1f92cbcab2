"""People in the console: lists, one person, what may be done and by whom, and deleting with its cases."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import select

from connectors.fluix.account.signing_in import Device
from connectors.fluix.account.tables import mails
from syncd.run import make_plan, run
from syncd.store import audit
from syncd.store.engine import reading
from syncd.store.lock import run_lock
from syncd.sync import Request
from syncd.web.roles import Role
from tests.house import House, staff
from tests.web.people_house import account_of, person_id, signing_in
from tests.web_house import Console, console_of


def emails(found: dict[str, object]) -> list[str]:
    return [one["email"] for one in found["people"]]  # type: ignore[attr-defined]


def test_the_list_tells_where_everybody_comes_from(desk: Console) -> None:
    found = desk.json("/people?size=4")
    assert (found["total"], len(found["people"])) == (15, 4)
    assert found["people"][0]["origins"][0] == {
        "source": "people",
        "external_id": "E001",
        "leaving_since": None,
        "gone_since": None,
    }
    html = desk.page("/people")
    assert "people: E001" in html
    assert "by hand" in html


def test_the_list_is_searched_filtered_and_sorted(desk: Console) -> None:
    assert emails(desk.json("/people?search=łuka")) == ["zoe.obrien-lukasiewicz@subsidiary.example.com"]
    assert emails(desk.json("/people?group=office")) == ["hand@example.com"]
    assert emails(desk.json("/people?role=owner")) == ["owner@example.com"]
    assert len(emails(desk.json("/people?state=active"))) == 4
    assert emails(desk.json("/people?sort=name&size=1")) == ["hand@example.com"]
    assert emails(desk.json("/people?sort=name&size=1&page=15")) == ["zoe.obrien-lukasiewicz@subsidiary.example.com"]
    desk.page("/people?page=9", 409)


def test_a_new_user_is_invited(desk: Console, company: House) -> None:
    assert "Add and invite" in desk.page("/people/new")
    go = desk.do("/people/add", name="Nina New", email="nina@example.com", **{"groups[]": ["Office"]}).location
    assert "Nina New" in desk.client.get(go).text
    assert account_of(company).show_user("nina@example.com")["groups"] == ["Office"]
    assert "exists" in desk.do("/people/add", 409, name="Nina", email="nina@example.com").text


def test_an_address_that_changes_is_an_update(desk: Console, company: House) -> None:
    here = f"/people/{person_id(company, 'hand@example.com')}"
    desk.do(f"{here}/edit", name="Hanna Second", email="hanna@example.com")
    assert desk.json(here)["email"] == "hanna@example.com"
    assert desk.json(here)["name"] == "Hanna Second"
    with reading(desk.app.store) as connection:
        *_, last = audit.stream(connection)
    assert (last["actor"], last["action"], last["subject"]) == ("maria", "users edit", "hand@example.com")


def test_groups_are_joined_and_left(desk: Console, company: House) -> None:
    here = f"/people/{person_id(company, 'hand@example.com')}"
    desk.do(f"{here}/join", group="field")
    assert desk.json(here)["groups"] == ["Field", "Office"]
    desk.do(f"{here}/leave", group="Office")
    assert desk.json(here)["groups"] == ["Field"]


def test_only_who_never_logged_in_is_invited_again(desk: Console, company: House) -> None:
    invited, active = (f"/people/{person_id(company, one)}" for one in ("hand@example.com", "e001@example.com"))
    assert "Resend the invitation" in desk.page(invited)
    assert "Resend the invitation" not in desk.page(active)
    desk.do(f"{invited}/invite")
    desk.do(f"{active}/invite", 409)
    desk.do(f"{active}/reset-password")
    desk.do(f"{active}/request-data")


def test_one_device_is_logged_out(desk: Console, company: House) -> None:
    sign = signing_in(company)
    sign.send_reset("e001@example.com")
    here = f"/people/{person_id(company, 'e001@example.com')}"
    token = _reset_token(company)
    sign.reset(token, "a long enough pass phrase 7")
    sign.sign_in("e001@example.com", "a long enough pass phrase 7", Device("ipad-1", "Anna's iPad", "iPadOS 18"))
    (device,) = desk.json(here)["devices"]
    assert "session" not in device
    desk.do(f"{here}/devices/{device['device_id']}/sign-out")
    assert desk.json(here)["devices"] == []


def _reset_token(company: House) -> str:
    with reading(company.app().store) as connection:
        text = connection.execute(select(mails.c.text).where(mails.c.kind == "password_reset")).scalars().all()[-1]
    found = re.search(r"[?&]token=([\w.\-]+)|/([\w.\-]{20,})\s", text) or re.search(r"([\w\-]{8,}\.[\w\-.]{8,})", text)
    assert found, text
    return next(one for one in found.groups() if one)


def test_the_newest_plan_is_told(desk: Console, company: House) -> None:
    company.hire([one for one in staff(12) if one.id != "E005"])
    make_plan(company.app().sync(), Request("plan"))
    page = desk.json(f"/people/{person_id(company, 'e005@example.com')}")
    assert [one["kind"] for one in page["planned"]] == ["delete_user"]
    assert page["origins"][0]["gone_since"]


def test_a_participant_of_a_workflow_leaves_it_first(desk: Console, company: House) -> None:
    here = f"/people/{person_id(company, 'e002@example.com')}"
    assert "cannot be deleted yet" in desk.page(f"{here}/delete")
    assert "Permits" in desk.do(f"{here}/delete", 409).text
    desk.do(f"{here}/leave-workflow", workflow="Permits")
    desk.do(f"{here}/delete")
    desk.page(here, 404)


def test_documents_are_given_away_or_given_up_by_a_word(desk: Console, company: House) -> None:
    here = f"/people/{person_id(company, 'e001@example.com')}"
    assert "drafts or assigned documents" in desk.do(f"{here}/delete", 409).text
    assert "nobody is named" in desk.do(f"{here}/delete", 409, documents="reassign").text
    desk.do(f"{here}/delete", documents="reassign", documents_to="hand@example.com")
    titles = {one["title"] for one in account_of(company).show_user("hand@example.com")["documents"]}
    assert titles == {"Form 7", "Crane inspection"}
    assert "e001@example.com" in company.syncd("restore", "list", "--json").out


def test_an_admin_goes_only_when_the_address_is_typed(desk: Console, company: House) -> None:
    here = f"/people/{person_id(company, 'e003@example.com')}"
    assert "administrative rights" in desk.do(f"{here}/delete", 409).text
    desk.do(f"{here}/delete", 409, confirm="e002@example.com")
    desk.do(f"{here}/delete", confirm="E003@example.com")
    owner = f"/people/{person_id(company, 'owner@example.com')}"
    assert "cannot be deleted" in desk.do(f"{owner}/delete", 409, confirm="owner@example.com").text


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.VIEWER, "/people/add", 403),
        (Role.VIEWER, "/people/export", 403),
        (Role.OPERATOR, "/people/1/delete", 403),
        (Role.OPERATOR, "/people/1/reset-password", 303),
        (Role.OPERATOR, "/documents/discard", 403),
        (Role.OPERATOR, "/groups/delete", 403),
        (Role.OPERATOR, "/scim/tokens/create", 403),
    ],
)
def test_each_role_does_what_it_may(desk: Console, role: Role, path: str, status: int) -> None:
    desk.somebody.role = role
    desk.do(path, status)


def test_a_viewer_sees_no_buttons(desk: Console) -> None:
    desk.somebody.role = Role.VIEWER
    for path in ("/people", "/people/1", "/scim"):
        _, _, main = desk.page(path).partition("<main")
        assert "csrf_token" not in main


def test_nothing_is_changed_in_the_middle_of_a_run(desk: Console, company: House) -> None:
    with run_lock(desk.app.store, "syncd run", company.clock()):
        assert "another run is under way" in desk.do("/people/1/edit", 409, name="Other").text


def test_another_target_is_only_looked_at(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.hire(staff(3))
    run(house.app().sync(), Request("run"))
    columns = {"display_name": "User Name", "email": "Email", "groups": "Group Name"}
    house.configure(target={"type": "portal", "exports": "exports", "orders": "orders", "columns": columns})
    desk = console_of(house)
    html = desk.page("/people")
    assert "Admin Portal is the target" in html
    assert "e001@example.com" in html
    assert "New user" not in html
    assert "Admin Portal is the target" in desk.page("/people/1")
    assert "embedded account" in desk.do("/people/add", 400, name="N", email="n@example.com").text
