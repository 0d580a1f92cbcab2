"""What is told, and how often."""

from __future__ import annotations

from sqlalchemy import select

from syncd.store import notices
from syncd.store.alerts import end_alert, raise_alert, untold_alerts
from syncd.store.engine import reading
from syncd.store.tables import plans
from tests.house import staff
from tests.syncd.notify.conftest import Told


def test_held_deletions_are_told_once_with_a_link(told: Told) -> None:
    told.run()
    told.house.hire(staff(2))
    told.run()
    assert told.tell().sent == 1
    (document,) = told.receiver.documents
    assert document["title"] == "2 changes wait for approval, 2 of them deletions (plan p2)"
    assert "https://sync.example.com/console/plans/2" in document["message"]
    assert "- budget" in document["message"]
    assert "@" not in document["message"]
    told.run()
    assert told.tell().sent == 0


def test_the_same_held_changes_in_another_plan_are_the_same_matter(told: Told) -> None:
    told.run()
    told.house.hire(staff(3))
    told.run()
    assert told.tell().sent == 1
    told.house.hire([*staff(3), *staff(9)[7:]])
    told.run()
    with reading(told.app.store) as connection:
        assert len(set(connection.execute(select(plans.c.digest)).scalars())) == 3
    assert told.tell().sent == 0
    told.house.hire([*staff(2), *staff(9)[7:]])
    told.run()
    assert told.tell().sent == 1
    assert told.receiver.titles[-1].startswith("2 changes")


def test_what_was_over_is_told_anew(told: Told) -> None:
    told.run()
    for people in (3, 4, 3):
        told.house.hire(staff(people))
        told.run()
        told.tell()
    assert len(told.receiver.titles) == 2


def test_what_was_over_before_it_was_sent_is_not_sent(told: Told) -> None:
    told.run()
    for people in (3, 4):
        told.house.hire(staff(people))
        told.run()
        told.gatherer.gather()
    assert told.tell().sent == 0
    assert notices.states(told.app.store) == {"over": 1}


def test_names_are_told_only_where_that_is_configured(told: Told) -> None:
    told.configure(personal="names")
    told.run()
    told.house.hire(staff(3))
    told.run()
    told.tell()
    assert "- e004@example.com" in told.receiver.documents[0]["message"]


def test_runs_that_fail_are_told_once_until_one_is_done(told: Told) -> None:
    told.run()
    told.house.people.unlink()
    told.run(fails=True)
    assert told.tell().sent == 1
    told.run(fails=True)
    assert told.tell().sent == 0
    assert told.receiver.titles == ["Run r2 failed"]
    told.house.hire(staff(4))
    told.run()
    told.tell()
    told.house.people.unlink()
    told.run(fails=True)
    assert told.tell().sent == 1
    assert told.receiver.titles[-1] == "Run r5 failed"


def test_a_source_in_quarantine_is_told_once_each_time(told: Told) -> None:
    told.configure(events=["quarantine"])
    told.house.people.unlink()
    for _ in range(3):
        told.run(fails=True)
        told.tell()
    assert told.receiver.titles == ["Source people keeps failing"]


def test_deleted_users_are_told_of_on_day_25_in_one_message(told: Told) -> None:
    told.house.configure(budgets={"run": {"delete": None}})
    told.configure(events=["ledger_day_25"], personal="names")
    told.run()
    told.house.hire(staff(2))
    told.run()
    assert told.tell().sent == 0
    told.house.clock.advance(days=25, hours=1)
    assert told.tell().sent == 1
    (document,) = told.receiver.documents
    assert document["title"].startswith("2 deleted users")
    assert "e003@example.com" in document["message"]
    told.house.clock.advance(days=1)
    assert told.tell().sent == 0
    told.house.clock.advance(days=5)
    assert "e003@example.com" in str([row.facts for row in notices.listed(told.app.store, 9)])
    told.run()
    assert "e003@example.com" not in str([row.facts for row in notices.listed(told.app.store, 9)])


def test_an_alert_is_told_though_it_is_over_by_then(told: Told) -> None:
    now = told.house.clock()
    raise_alert(told.app.store, "missed_run", "", "the run of 08:00 did not begin", now)
    end_alert(told.app.store, "missed_run", "", now)
    raise_alert(told.app.store, "quarantine", "people", "has an event of its own", now)
    assert told.tell().sent == 1
    assert told.receiver.titles == ["A run was missed"]
    assert [alert.kind for alert in untold_alerts(told.app.store)] == ["quarantine"]
    assert told.tell().sent == 0


def test_the_weekly_digest_comes_once_a_week(told: Told) -> None:
    told.configure(events=["weekly_digest"])
    told.run()
    assert told.tell().sent == 0
    told.house.clock.advance(days=6, hours=22)
    assert told.tell().sent == 0
    told.house.clock.advance(hours=2)
    assert told.tell().sent == 1
    told.house.clock.advance(days=2)
    assert told.tell().sent == 0
    (document,) = told.receiver.documents
    assert document["title"] == "Your week in Fluix, 2026-11-02 to 2026-11-08"
    assert "New users: 4" in document["message"]
    assert document["attachments"][0]["mimetype"] == "image/png"


def test_a_process_that_is_killed_after_a_run_loses_no_message(told: Told) -> None:
    """Nothing in a run writes messages: whoever looks next finds the same."""
    told.run()
    told.house.hire(staff(3))
    told.run()
    told.configure()
    assert told.tell().sent == 1
