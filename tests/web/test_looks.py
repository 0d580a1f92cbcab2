"""Each page in a real Chromium: nothing axe-core objects to, in both themes and on a phone, and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from syncd.web import pages
from tests.house import House
from tests.web_house import DESKTOP, PHONE, console_of, listening, needs_chromium, violations

pytestmark = needs_chromium

PAGES = [entry.path for entry in pages.ALL if entry.kind == "page" and not entry.parts() and entry.template]
SAMPLES = ["/runs/1", "/plans/1", "/plans/1/findings", "/why?email=e001@example.com"]
"""Pages of one thing, as they are in the company of the fixture."""


@pytest.fixture
def address(house: House) -> Iterator[str]:
    house.syncd("run")
    with listening(console_of(house)) as at:
        yield at


@pytest.mark.parametrize("path", [*PAGES, *SAMPLES])
def test_everybody_can_use_it(chromium: Browser, address: str, path: str) -> None:
    asked: list[str] = []
    for size, theme in ((DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light"), (PHONE, "dark")):
        context = chromium.new_context(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address + path, wait_until="load")
        assert violations(page) == [], (size, theme)
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"{wider} px wider than a screen of {size['width']}"
        context.close()
    assert {url for url in asked if not url.startswith(address.removesuffix("/console"))} == set()
