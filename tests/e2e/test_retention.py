"""Old rows of the audit go when that is configured, and never what is still of use."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest

from syncd.run import run
from syncd.store.audit import walk
from syncd.store.retention import Keep, retire_due
from syncd.sync import Request
from tests.house import House, staff


def day(house: House, count: int, **later: float) -> int:
    """A run; returns the place of the audit's first row after it."""
    house.clock.advance(**later)
    house.hire(staff(count))
    app = house.app()
    run(app.sync(), Request("run"))
    found = walk(app.store)
    assert found.first_broken is None
    return found.begins


@pytest.fixture
def house(house: House) -> House:
    house.configure(retention={"audit_days": 40})
    return house


def test_rows_older_than_configured_go_once_a_day(house: House) -> None:
    assert day(house, 3) == 1
    assert day(house, 4, days=20) == 1
    first = day(house, 5, days=25)
    assert first > 1, "the first day's rows are 45 days old"
    assert day(house, 5, hours=1) == first
    assert day(house, 5, days=30) > first


def test_without_a_limit_everything_stays(house: House) -> None:
    house.configure(retention={"audit_days": 0})
    day(house, 3)
    assert day(house, 4, days=4000) == 1


def test_what_can_still_be_recovered_keeps_what_tells_of_it(house: House) -> None:
    day(house, 10)
    house.configure(retention={"audit_days": 31})
    day(house, 9, days=10)
    kept = day(house, 9, days=29)
    assert kept > 1
    with sqlite3.connect(house.folder / "syncd.db") as connection:
        assert connection.execute("SELECT count(*) FROM audit WHERE action = 'delete_user'").fetchone() == (1,)


def test_a_deletion_in_doubt_keeps_its_rows_however_old(house: House) -> None:
    day(house, 3)
    day(house, 4, days=50)
    app = house.app()
    with sqlite3.connect(house.folder / "syncd.db") as connection:
        connection.execute("UPDATE journal SET state = 'unproven' WHERE plan_id = 2")
    rows = walk(app.store).rows
    late = house.clock() + timedelta(days=400)
    assert retire_due(app.store, Keep(timedelta(days=31)), late) == 0
    with sqlite3.connect(house.folder / "syncd.db") as connection:
        connection.execute("UPDATE journal SET state = 'done'")
    assert retire_due(app.store, Keep(timedelta(days=31)), late) == rows


def test_whoever_asks_for_less_gets_31_days(house: House) -> None:
    day(house, 3)
    app = house.app()
    assert retire_due(app.store, Keep(timedelta(days=1)), house.clock() + timedelta(days=30)) == 0
    assert retire_due(app.store, Keep(timedelta(days=1)), house.clock() + timedelta(days=32)) > 0


def counted(house: House) -> dict[str, int]:
    tables = ("plans", "plan_changes", "approvals", "journal", "runs")
    with sqlite3.connect(house.folder / "syncd.db") as connection:
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}


def test_old_plans_go_with_the_audits_rows_and_never_before(house: House) -> None:
    house.configure(retention={"audit_days": 40, "history_days": 60})
    day(house, 3)
    day(house, 4, days=10)
    assert counted(house) == {"plans": 2, "plan_changes": 5, "approvals": 0, "journal": 5, "runs": 2}
    day(house, 4, days=45)
    assert (counted(house)["plans"], counted(house)["journal"]) == (3, 5), "10 and 55 days are less than 60"
    day(house, 4, days=10)
    assert house.syncd("show", "p1").code == 2, "65 days old"
    assert (counted(house)["plans"], counted(house)["journal"]) == (3, 1)
    assert house.syncd("audit", "verify").code == 0
    assert house.syncd("why", "e003@example.com").code == 0


def test_what_runs_stand_on_stays_however_old_they_are(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.configure(retention={"audit_days": 40, "history_days": 40})
    monkeypatch.setattr("syncd.store.retention.NEWEST", 2)
    for _ in range(4):
        day(house, 3, days=1)
    house.clock.advance(days=100)
    app = house.app()
    app.sync()
    old = retire_due(app.store, Keep(timedelta(days=40), timedelta(days=40)), house.clock())
    left = counted(house)
    assert (old > 0, left["plans"], left["runs"]) == (True, 1, 3), (
        "the newest plan with its run, and the two newest runs"
    )
    assert run(house.app().sync(), Request("run")).plan.changes == ()


@pytest.mark.parametrize("kept", [{"history_days": 40}, {"audit_days": 60, "history_days": 40}])
def test_plans_cannot_go_before_the_audit(house: House, kept: dict[str, int]) -> None:
    house.configure(retention=kept)
    ran = house.syncd("runs")
    assert (ran.code, "give audit_days, and not less here" in ran.err) == (2, True)


@pytest.mark.parametrize("days", [1, 30, -1, 40_000])
def test_less_than_31_days_cannot_be_configured(house: House, days: int) -> None:
    house.configure(retention={"audit_days": days})
    ran = house.syncd("runs")
    assert (ran.code, "write 0 (for ever), or 31 to 36500 days" in ran.err) == (2, True)
