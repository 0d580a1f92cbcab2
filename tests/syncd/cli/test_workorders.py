"""`syncd workorders`: what waits, and saying that it was done."""

from __future__ import annotations

import pytest

from syncd.cli import COMMANDS
from tests.e2e.test_portal import SETTINGS
from tests.house import Person, staff
from tests.portal_server import Portal, User


@pytest.fixture
def portal(house, call, monkeypatch) -> Portal:
    """Two people are ordered, and a group; the clock is the real one."""
    monkeypatch.setitem(COMMANDS, "workorders", ("syncd.cli.workorders:workorders", "What an admin was asked to do."))
    house.configure(target=SETTINGS)
    there = Portal({f"old{n}@example.com": User(f"Old {n}", set(), "Active") for n in range(12)}, {"Field"})
    house.clock.now = house.app().clock()
    export(house, there)
    house.hire([Person("E1"), Person("E2", groups=())])
    ran = call("run", "--json")
    assert ran.code == 0
    assert ran.json["outcome"] == {"done": 0, "failed": 0, "stale": 0, "skipped": 0, "ordered": 3}
    return there


def export(house, there: Portal) -> None:
    import time
    from datetime import UTC, datetime

    there.export(house.folder / "exports", datetime.fromtimestamp(time.time(), UTC))


def test_list(portal, call):
    (told,) = call("workorders", "list", "--json").json
    assert {key: told[key] for key in ("order", "items", "open", "done", "withdrawn", "notice")} == {
        "order": "w1", "items": 3, "open": 3, "done": 0, "withdrawn": 0, "notice": "none",
    }  # fmt: skip
    assert "w1" in call("workorders", "list").out


def test_show(portal, call):
    told = call("workorders", "show", "w1", "--json").json
    assert [(one["item"], one["key"], one["state"]) for one in told["list"]] == [
        (1, "create_group:Field", "open"),
        (2, "create_user:e1@example.com", "open"),
        (3, "create_user:e2@example.com", "open"),
    ]
    assert told["list"][1]["in_import"] is True
    plain = call("workorders", "show", "1").out
    assert "1. Create the group Field" in plain
    assert "- Create a group named exactly Field" in plain


def test_export_writes_the_order_as_it_stands_now(portal, call, house):
    out = house.folder / "again"
    assert call("workorders", "export", "w1", "--out", str(out)).code == 0
    for file in (house.folder / "orders" / "workorder-1").iterdir():
        assert (out / "workorder-1" / file.name).read_bytes() == file.read_bytes()
    call("workorders", "confirm", "w1", "--item", "1")
    call("workorders", "export", "w1", "--out", str(out))
    assert "- [x] **1. Create the group Field**" in (out / "workorder-1" / "checklist.md").read_text()


def test_what_no_export_can_show_is_closed_by_a_persons_word(portal, call):
    told = call("workorders", "confirm", "w1", "--item", "create_group:Field", "--item", "2", "--json").json
    assert told == {"order": "w1", "confirmed": ["create_group:Field", "create_user:e1@example.com"], "closed": ["create_group:Field"]}  # fmt: skip
    states = [one["state"] for one in call("workorders", "show", "w1", "--json").json["list"]]
    assert states == ["done", "confirmed", "open"]
    assert call("audit", "verify").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "w9"], "there is no work order w9"),
        (["show", "x"], "is no number of a work order"),
        (["confirm", "w1", "--item", "9"], "w1 has no item 9"),
        (["confirm", "w1"], "Missing option '--item'"),
        (["export", "w1"], "Missing option '--out'"),
    ],
)
def test_a_slip_is_named(portal, call, words, said):
    ended = call("workorders", *words)
    assert ended.code == 2
    assert said in ended.err


def test_done_is_done(portal, call):
    call("workorders", "confirm", "w1", "--item", "1")
    ended = call("workorders", "confirm", "w1", "--item", "1")
    assert (ended.code, "w1 item 1 is done already" in ended.err) == (2, True)


def test_the_order_is_closed_by_the_export_that_shows_it(portal, call, house):
    portal.work_off(house.folder / "orders" / "workorder-1")
    export(house, portal)
    assert call("plan", "--json").json["changes"] == []
    (told,) = call("workorders", "list", "--json").json
    assert (told["open"], told["done"]) == (0, 3)
    assert call("runs").code == 0


def test_with_another_target_there_are_none(call, house, monkeypatch):
    monkeypatch.setitem(COMMANDS, "workorders", ("syncd.cli.workorders:workorders", "What an admin was asked to do."))
    house.hire(staff(1))
    ended = call("workorders", "list")
    assert ended.code == 2
    assert "the target is account" in ended.err


def test_check_tells_whether_the_export_can_be_believed(portal, call, house):
    assert call("check").code == 0
    other = Portal({f"x{n}@other.example": User("X") for n in range(12)})
    export(house, other)
    ended = call("check")
    assert ended.code == 1
    assert "only 0 of the 12 users of the last export" in ended.err
