"""A company whose first day is done, and its console."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house import House, staff
from tests.web.people_house import copied, furnished
from tests.web_house import Console, console_of


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    made.hire(staff(12))
    return made


@pytest.fixture
def console(house: House) -> Console:
    return console_of(house)


@pytest.fixture(scope="session")
def first_company(tmp_path_factory: pytest.TempPathFactory) -> House:
    return furnished(House(tmp_path_factory.mktemp("company")))


@pytest.fixture
def company(first_company: House, tmp_path: Path) -> House:
    return copied(first_company, tmp_path)


@pytest.fixture
def desk(company: House) -> Console:
    return console_of(company)
