"""Companies that the commands are called on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.house import Call, House, Person, staff


@pytest.fixture
def small(house: House, call: Call) -> House:
    """Two people in Fluix."""
    house.hire(staff(2))
    assert call("run").code == 0
    return house


@pytest.fixture
def second_day(house: House, call: Call) -> House:
    """Thirty people are in Fluix; a day later one of each kind of change is due, and some of it is held."""
    house.hire([*staff(30), Person("E040", "Müller, Zoë", groups=("Field", "Night"))])
    assert call("run").code == 0
    (house.folder / "life.yaml").write_text(
        "users:\n- {email: e029@example.com, role: admin}\n- {email: e001@example.com, owner: true}\n"
        "workflows:\n- name: Permits\n  steps: [{name: Sign, users: [e030@example.com]}]\n"
    )
    assert call("account", "load", "life.yaml").code == 0
    first, second, third = staff(3)
    house.hire(
        [
            replace(first, name="Person [bold]E001[/]", email="married@example.com"),
            replace(second, groups=("Office",)),
            third,
            Person("E099", "Nu Nguyễn", "nu@example.com", ("Field", "Office")),
            Person("E098", "Twin", "e003@example.com"),
            *staff(28)[3:],
        ]
    )
    return house
