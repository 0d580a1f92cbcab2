"""An admin at the console, in a real Chromium: an import with a selection, a rename that MDM gets, deletions of each case."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from syncd.run import make_plan
from syncd.sync import Request
from tests.house import House
from tests.web.people_house import account_of, person_id
from tests.web_house import DESKTOP, PHONE, Console, listening, needs_chromium, violations

pytestmark = needs_chromium


@pytest.fixture
def page(chromium: Browser, desk: Console) -> Iterator[Page]:
    with listening(desk) as at:
        context = chromium.new_context(viewport=DESKTOP, base_url=at.removesuffix("/console"))  # type: ignore[arg-type]
        yield context.new_page()
        context.close()


def test_an_import_of_those_who_are_ticked(page: Page, company: House, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text(
        "Full Name,Email,Groups\nNina New,nina@example.com,Field\nOtto,otto@example.com,\n,x@example.com,\n"
    )
    page.goto("/console/people")
    page.get_by_role("link", name="Import").click()
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Show what it holds").click()
    expect(page.get_by_role("heading", name="2 new users")).to_be_visible()
    expect(page.get_by_text("x@example.com has no name")).to_be_visible()
    page.get_by_label("nina@example.com").check()
    page.get_by_role("button", name="Import the ticked ones").click()
    expect(page.get_by_role("status")).to_contain_text("1 users were added")
    assert {"nina@example.com", "otto@example.com"} & account_of(company).addresses() == {"nina@example.com"}


def test_a_rename_reaches_the_delta_for_mdm(page: Page, company: House, tmp_path: Path) -> None:
    page.goto("/console/mdm")
    with page.expect_download():
        page.get_by_role("button", name="Download one ZIP").click()
    page.goto(f"/console/people/{person_id(company, 'hand@example.com')}")
    page.get_by_label("Email", exact=True).fill("hanna@example.com")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("hanna@example.com was changed")
    make_plan(company.app().sync(), Request("plan"))
    page.goto("/console/mdm")
    expect(page.get_by_text("1 with another email")).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("button", name="Download the changes").click()
    started.value.save_as(tmp_path / "delta.zip")
    with zipfile.ZipFile(tmp_path / "delta.zip") as bundle:
        assert "people/hanna@example.com.plist" in bundle.namelist()


def test_each_case_of_a_deletion_asks_for_its_own_word(page: Page, company: House) -> None:
    def begin(email: str) -> None:
        page.goto(f"/console/people/{person_id(company, email)}")
        page.get_by_role("link", name="Delete").click()

    begin("e002@example.com")
    expect(page.get_by_text("cannot be deleted yet")).to_be_visible()
    page.get_by_role("button", name="Take out of Permits").click()
    begin("e002@example.com")
    page.get_by_role("button", name="Delete this user").click()
    expect(page.get_by_role("status")).to_contain_text("e002@example.com was deleted")

    begin("e001@example.com")
    page.get_by_label("Give them to somebody else first").check()
    page.get_by_label("To the user with this address").fill("hand@example.com")
    page.get_by_role("button", name="Delete this user").click()
    expect(page.get_by_role("status")).to_contain_text("e001@example.com was deleted")

    begin("e003@example.com")
    page.get_by_label("Type e003@example.com to confirm").fill("e003@example.com")
    page.get_by_role("button", name="Delete this user").click()
    expect(page.get_by_role("status")).to_contain_text("e003@example.com was deleted")
    assert {f"e00{one}@example.com" for one in (1, 2, 3)}.isdisjoint(account_of(company).addresses())


def test_pages_of_one_thing_can_be_used_by_everybody(page: Page, company: House) -> None:
    admin = person_id(company, "e003@example.com")
    with_documents = person_id(company, "e001@example.com")
    for path in (
        f"/people/{with_documents}",
        f"/people/{with_documents}/delete",
        f"/people/{admin}/delete",
        "/groups/one?name=Field",
        "/workflows/one?name=Permits",
        "/documents?user=e001@example.com",
        "/scim",
        "/mdm",
    ):
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.goto(f"/console{path}")
            assert violations(page) == [], path
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wider <= 0, path
