"""A company whose first day is done, and its console."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.house import House, staff
from tests.web_house import CHROMIUM, Console, browser, console_of


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    made.hire(staff(12))
    return made


@pytest.fixture
def console(house: House) -> Console:
    return console_of(house)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("needs chromium")
    with browser() as started:
        yield started
