"""A clock that jumps, a store that is an old copy, and days on which everything happens at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from syncd.run import apply_plan
from tests.e2e.test_days import BIG, account, approve, checks, give, go, held, kinds, message, users
from tests.house import House, Person, staff


@pytest.fixture
def house(tmp_path) -> House:
    """Thirty people in Fluix, who leave after a week of grace."""
    made = House(tmp_path, {**BIG, "leavers": {"grace_days": 7, "certified_absences": 2}})
    made.hire(staff(30))
    go(made)
    return made


def one_leaves(company: House) -> None:
    """Somebody is missing in two certified reads."""
    company.hire(staff(29))
    go(company)
    company.clock.advance(hours=1)
    go(company)


# --- the clock ----------------------------------------------------------------------------------------------------


def test_a_clock_that_jumps_a_year_ahead_lets_no_time_of_grace_run_out(house: House) -> None:
    one_leaves(house)
    house.clock.advance(days=365)
    report = go(house)
    assert "clock" in checks(report)
    assert "365 days after the last one" in message(report, "clock")
    assert held(report) == {"delete_user:e030@example.com"}
    house.clock.advance(hours=1)
    assert go(house).outcome["done"] == 0, "the next run holds them as well, though it comes an hour later"
    house.clock.advance(days=7)
    assert go(house).outcome["done"] == 1


def test_a_person_can_say_that_the_clock_is_right(house: House) -> None:
    one_leaves(house)
    house.clock.advance(days=40)
    report = go(house)
    approve(house, report)
    assert apply_plan(house.app().sync(), report.plan_id).outcome["done"] == 1
    assert checks(go(house)) == set()


def test_joiners_are_not_held_by_a_clock(house: House) -> None:
    one_leaves(house)
    house.clock.advance(days=365)
    house.hire([*staff(29), Person("N001")])
    assert go(house).outcome["done"] == 1
    assert "n001@example.com" in users(house)


def test_a_clock_that_is_set_back_holds_deletions_and_lets_a_leaver_wait_no_longer_than_the_grace(house: House) -> None:
    house.clock.advance(days=365)
    go(house)
    house.hire(staff(29))
    go(house)  # leaving since a year ahead
    house.clock.advance(days=-365)
    report = go(house)
    assert "before the last one" in message(report, "clock")
    assert "until 2026-11-09" in message(report, "waiting")
    house.clock.advance(days=8)
    assert go(house).outcome["done"] == 1


def test_a_clock_that_is_set_back_holds_who_has_waited_long_enough(house: House) -> None:
    one_leaves(house)
    house.configure(leavers={"grace_days": 0, "certified_absences": 1})
    house.clock.advance(days=-365)
    report = go(house)
    assert held(report) == {"delete_user:e030@example.com"}
    house.clock.advance(days=365)
    assert go(house).outcome["done"] == 0, "set right again it has jumped once more"
    house.clock.advance(days=1, hours=1)
    assert go(house).outcome["done"] == 1


def test_what_was_counted_ahead_of_time_counts_as_now_and_ages_like_anything_else(tmp_path) -> None:
    budgets = {"run": {"delete": None}, "week": {"delete": {"count": 3}}}
    leavers = {"grace_days": 0, "certified_absences": 1}
    company = House(tmp_path, {"shrink": {"max_percent": 100}, "budgets": budgets, "leavers": leavers})
    company.clock.advance(days=365)
    company.hire(staff(30))
    go(company)
    company.hire(staff(27))
    go(company)
    company.clock.advance(days=-365)
    go(company)
    company.clock.advance(days=2)
    company.hire(staff(26))
    report = go(company)
    assert "3 deletions in the last 7 days and 1 in this plan" in message(report, "budget")
    assert "33 counted changes are dated ahead, up to 2027-11-02 08:00 UTC" in message(report, "clock")
    company.clock.advance(days=6)
    assert go(company).outcome["done"] == 1


# --- a store that is an old copy ----------------------------------------------------------------------------------


def copy(company: House, to: str) -> Path:
    """A backup, as SQLite makes one."""
    target = company.folder / to
    with sqlite3.connect(company.folder / "syncd.db") as store, sqlite3.connect(target) as backup:
        store.backup(backup)
    return target


def restore(company: House, backup: Path) -> None:
    """The store of that day, with the account of today: it goes on elsewhere."""
    today = copy(company, "today.db")
    with sqlite3.connect(backup) as old, sqlite3.connect(company.folder / "syncd.db") as store:
        old.backup(store)
    with sqlite3.connect(company.folder / "syncd.db") as store:
        store.execute("ATTACH ? AS today", (str(today),))
        tables = store.execute(
            "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name LIKE 'account\\_%' ESCAPE '\\'"
        )
        for (name,) in tables.fetchall():
            store.execute(f"DELETE FROM main.{name}")
            store.execute(f"INSERT INTO main.{name} SELECT * FROM today.{name}")
        store.commit()


def a_week_passes(company: House) -> None:
    """Somebody who was leaving came back and left again, others came and went."""
    for day in range(6):
        company.clock.advance(days=1)
        company.hire([*staff(30 if day == 3 else 29), Person("N001"), Person("N002")])
        go(company)


@pytest.mark.parametrize("note", [True, False], ids=["with its note", "without"])
def test_a_store_restored_from_a_backup_holds_deletions_until_somebody_approves(house: House, *, note: bool) -> None:
    for _ in range(4):
        house.clock.advance(hours=1)
        go(house)
    one_leaves(house)
    backup = copy(house, "backup.db")
    a_week_passes(house)
    house.clock.advance(days=1)
    assert kinds(go(house)) == {}, "the leaver has waited for three days only"
    restore(house, backup)
    if not note:
        (house.folder / "syncd.db.witness").unlink()
    report = go(house)
    assert held(report) == {"delete_user:e030@example.com"}
    words = "the store knows runs up to r" if note else "2 accounts of new people appeared and 0 of ours vanished"
    assert words in message(report, "restored")
    assert {"n001@example.com", "n002@example.com", "e030@example.com"} <= users(house).keys()
    house.clock.advance(hours=1)
    report = go(house)
    assert report.outcome["done"] == 0, "it holds in every run"
    approve(house, report)
    assert apply_plan(house.app().sync(), report.plan_id).outcome["done"] == 1
    house.clock.advance(hours=1)
    assert checks(go(house)) == set()


def test_a_store_that_goes_on_is_no_old_copy(house: House) -> None:
    for _ in range(3):
        house.clock.advance(days=1)
        give(house, users=[{"email": "guest@example.com", "name": "Guest"}])
        assert checks(go(house)) <= {"adoption"}


def test_a_store_that_is_begun_anew_beside_an_old_note_is_a_new_one(house: House) -> None:
    for name in ("syncd.db", "syncd.db-wal", "syncd.db-shm"):
        (house.folder / name).unlink(missing_ok=True)
    assert checks(go(house)) == set()


def test_a_note_that_cannot_be_read_is_none(house: House) -> None:
    (house.folder / "syncd.db.witness").write_text('{"run": "many"}', encoding="utf-8")
    assert checks(go(house)) == set()


# --- everything at once -------------------------------------------------------------------------------------------


@pytest.fixture
def quick(house: House) -> Callable[[], House]:
    """The same, without a time of grace."""
    house.configure(leavers={"grace_days": 0, "certified_absences": 1})
    return lambda: house


def test_all_admins_leave_on_one_day(quick) -> None:
    company = quick()
    give(company, users=[{"email": f"e00{n}@example.com", "role": "Admin"} for n in (1, 2, 3)])
    company.hire(staff(30)[3:29])
    report = go(company)
    assert {"last_admin", "admin"} <= checks(report)
    refused = {key for key, decision in report.decisions.items() if decision.word == "refuse"}
    assert refused == {f"delete_user:e00{n}@example.com" for n in (1, 2, 3)}
    assert report.outcome["done"] == 1, "who is no admin leaves as ever"
    assert held(report) == set(), "nobody can approve of it"


def test_a_group_takes_the_name_of_another(quick) -> None:
    company = quick()
    company.configure(shrink={"max_percent": 30})
    company.hire([*staff(30), *[Person(f"S{n:02d}", groups=("Site",)) for n in range(12)]])
    go(company)
    company.hire([*staff(30, groups=("Site",)), *[Person(f"S{n:02d}", groups=("Site",)) for n in range(12)]])
    report = go(company)
    assert kinds(report) == {"add_member": 30, "remove_member": 30}
    assert report.outcome["done"] == 30
    assert {key.rpartition(":")[2] for key in held(report)} == {"Field"}
    assert "group Field shrank from 30 to 0" in message(report, "shrink")


def test_a_person_takes_the_address_of_a_leaver(quick) -> None:
    company = quick()
    ids = [account(company).show_user(f"e0{n}@example.com")["fluix_id"] for n in ("01", "30")]
    company.configure(leavers={"grace_days": 7, "certified_absences": 1})
    heir = replace(staff(1)[0], email="e030@example.com")
    company.hire([heir, *staff(29)[1:]])
    report = go(company)
    assert "taken" in checks(report) or "conflict" in checks(report)
    assert report.outcome["done"] == 0
    assert [account(company).show_user(f"e0{n}@example.com")["fluix_id"] for n in ("01", "30")] == ids
