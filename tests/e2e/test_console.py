"""The whole way in a real browser, by keyboard and mouse: a held deletion is found, looked at, approved, and applied."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from syncd.store import wishes
from tests.house import House, staff
from tests.web_house import DESKTOP, console_of, listening, needs_chromium

pytestmark = needs_chromium


def test_from_a_held_deletion_to_its_application(house: House, chromium: Browser) -> None:
    house.hire(staff(12))
    house.configure(budgets={"run": {"delete": {"count": 2}}})
    house.syncd("run")
    house.hire(staff(9))
    assert house.syncd("run").code == 3
    console = console_of(house)
    with listening(console) as address:
        page = chromium.new_page(viewport=DESKTOP)
        page.goto(f"{address}/")
        page.get_by_role("link", name="Review plan p2").click()
        expect(page.get_by_text("3 is over the budget of 2 a run")).to_be_visible()
        page.get_by_text("What Fluix knows of this user").first.click()
        page.get_by_label("Approve delete_user:e011@example.com").check()
        page.get_by_role("button", name="Approve what is ticked").click()
        assert page.get_by_label("Why? It stays in the audit.").evaluate(
            "box => box.matches(':invalid')"
        )  # not without a reason
        page.get_by_label("Why? It stays in the audit.").fill("left, see HR-17")
        page.get_by_role("button", name="Approve what is ticked").press("Enter")
        expect(page.get_by_role("status")).to_contain_text("1 change of plan p2 approved")
        page.get_by_role("button", name="Apply now").click()
        expect(page.get_by_role("status")).to_contain_text("Plan p2 will be applied")
        expect(page.get_by_role("row", name="apply p2")).to_contain_text("waiting")
        (wish,) = wishes.newest(console.app.store)
        house.syncd("apply", f"p{wish.wish.plan_id}")
        page.goto(f"{address}/restore")
        expect(page.get_by_role("link", name="e011@example.com")).to_be_visible()
        expect(page.get_by_role("link", name="e010@example.com")).to_have_count(0)
        page.goto(f"{address}/audit?action=approve")
        expect(page.get_by_role("row", name="plan 2")).to_contain_text("maria")
        page.close()
