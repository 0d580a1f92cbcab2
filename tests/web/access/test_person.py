"""A person at a real Chromium: the first admin, a second factor, somebody else; with and without JavaScript, and by any eyes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from syncd.web.roles import Role
from tests.access_house import GOOD, OTHER, Place, place_of, served
from tests.house import House
from tests.web_house import DESKTOP, PHONE, needs_chromium, violations

pytestmark = needs_chromium

LOOKS = [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light")]


@pytest.fixture
def place(house: House) -> Place:
    oidc = {"issuer": "https://login.example.com", "client_id": "console", "roles": {"admins": "admin"}}
    return place_of(house, oidc=oidc)


@pytest.fixture
def address(place: Place) -> Iterator[str]:
    place.house.clock.now = datetime.now(place.house.clock.now.tzinfo)
    with served(place.web) as at:
        yield at


def looked_at(page: Page) -> None:
    """Nothing to object to, and nothing wider than the screen."""
    assert violations(page) == []
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"{page.url} is {wider} px wider than the screen"


def set_password(page: Page, name: str | None, password: str) -> None:
    if name:
        page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_label("The same once more").fill(password)
    page.get_by_role("button", name="Set it and log in").click()


def log_in(page: Page, at: str, name: str, password: str = GOOD) -> None:
    page.goto(f"{at}/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_from_the_first_link_to_a_second_factor_and_somebody_else(
    place: Place, address: str, chromium: Browser, scripts: bool
) -> None:
    context = chromium.new_context(java_script_enabled=scripts)
    refused: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    page.goto(address + place.link())
    set_password(page, "maria", GOOD)
    page.wait_for_url(f"{address}/console/")

    page.get_by_role("link", name="My account").click()
    page.get_by_role("button", name="Set up an authenticator app").click()
    picture = page.get_by_alt_text("QR code")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    app = pyotp.TOTP(page.locator(".secret code").inner_text())
    page.get_by_label("Code").fill(app.at(place.house.clock.now))
    page.get_by_role("button", name="Ask for codes from now on").click()
    assert page.locator(".codes li").count() == 10
    recovery = page.locator(".codes li").first.inner_text()
    page.get_by_role("link", name="I have it").click()

    page.goto(f"{address}/console/access")
    page.get_by_label("Name", exact=True).fill("otto")
    page.get_by_role("button", name="Let somebody in").click()
    link = page.get_by_label("Link").input_value()
    assert link.startswith(f"{address}/setup?key=")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{address}/login")

    log_in(page, address, "maria")
    page.get_by_label("Code").fill(recovery)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(f"{address}/console/")

    other = chromium.new_context(java_script_enabled=scripts).new_page()
    other.goto(link)
    set_password(other, None, OTHER)
    other.wait_for_url(f"{address}/console/")
    assert other.get_by_role("link", name="Who may").count() == 0
    assert other.get_by_role("link", name="Runs").count() == 1
    assert refused == []
    other.context.close()
    context.close()


def test_everybody_can_use_the_doors(place: Place, address: str, chromium: Browser) -> None:
    number, first = place.hire("maria.lindqvist-andersson@subsidiary.example.com"), place.link()
    place.hire("otto", Role.VIEWER)
    place.token(Role.OPERATOR)
    again = place.link(number)
    for size, theme in LOOKS:
        context = chromium.new_context(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
        page = context.new_page()
        for path in ("/login", first, again, "/setup?key=x", "/login/oidc/back"):
            page.goto(address + path)
            looked_at(page)
        log_in(page, address, "otto", OTHER)
        looked_at(page)
        log_in(page, address, "maria.lindqvist-andersson@subsidiary.example.com")
        page.wait_for_url(f"{address}/console/")
        _look_around(page, address)
        context.close()


def _look_around(page: Page, address: str) -> None:
    page.goto(f"{address}/console/access")
    page.locator("details.change summary").first.click()
    looked_at(page)
    page.goto(f"{address}/console/access/me")
    looked_at(page)
    if page.get_by_role("button", name="Set up an authenticator app").count():
        page.get_by_role("button", name="Set up an authenticator app").click()
        looked_at(page)


def test_a_page_of_another_site_can_neither_frame_nor_post(place: Place, address: str, chromium: Browser) -> None:
    """A real browser between a site at `localhost` and ours at 127.0.0.1: another site, though the same machine."""
    place.hire("maria")
    context: BrowserContext = chromium.new_context()
    page = context.new_page()
    log_in(page, address, "maria")
    page.wait_for_url(f"{address}/console/")
    body = f"""<form method="post" action="{address}/console/runs/start"><button>go</button></form>
               <iframe src="{address}/console/"></iframe>"""
    page.route("http://evil.example/", lambda route: route.fulfill(content_type="text/html", body=body))
    page.goto("http://evil.example/")
    assert page.frames[1].url != f"{address}/console/" or "Runs" not in page.frames[1].content()
    with page.expect_response(f"{address}/console/runs/start") as sent:
        page.get_by_role("button", name="go").click()
    assert sent.value.status in {302, 400, 403}
    assert place.audit("ask") == []
    context.close()
