"""Wishes, progress and alerts: rows that several processes share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from syncd.store import progress, wishes
from syncd.store.alerts import end_alert, open_alerts, raise_alert, told, untold_alerts
from syncd.store.progress import Stage
from syncd.store.wishes import Wish

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
WISH = Wish("run", "anna", NOW, sources=("people",))


def test_a_wish_is_taken_once_in_the_order_of_asking(store: Engine) -> None:
    first, second = wishes.ask(store, WISH), wishes.ask(store, Wish("user_run", "bo", NOW, email="c@x.example"))
    assert wishes.waiting(store) == 2
    taken = wishes.take(store, NOW)
    assert taken is not None
    assert (taken.id, taken.wish, taken.state, taken.taken) == (first, WISH, "running", 1)
    assert (after := wishes.take(store, NOW)) is not None
    assert after.id == second
    assert after.wish.email == "c@x.example"
    assert wishes.take(store, NOW) is None
    assert [one.id for one in wishes.newest(store)] == [second, first]


def test_what_became_of_it_is_kept(store: Engine) -> None:
    number = wishes.ask(store, Wish("apply", "anna", NOW, plan_id=3))
    wishes.take(store, NOW)
    wishes.conclude(store, number, "done", NOW, run_id=7, message="2 changes")
    found = wishes.find(store, number)
    assert found is not None
    assert (found.state, found.run_id, found.message, found.wish.plan_id) == ("done", 7, "2 changes", 3)
    assert wishes.reopen(store) == 0
    assert wishes.find(store, 99) is None


def test_a_wish_whose_process_is_killed_twice_is_given_up(store: Engine) -> None:
    number = wishes.ask(store, WISH)
    for count in (1, 2):
        taken = wishes.take(store, NOW)
        assert taken is not None
        assert taken.taken == count
        assert wishes.reopen(store) == 1
    assert wishes.take(store, NOW) is None
    found = wishes.find(store, number)
    assert found is not None
    assert found.state == "failed"
    assert "2 times" in found.message


def test_only_the_progress_of_the_newest_run_is_kept(store: Engine) -> None:
    for run_id in (1, 2):
        progress.keep(store, Stage(run_id, "applied", 5, 9, NOW))
    assert progress.find(store, 1) is None
    assert progress.find(store, 2) == Stage(2, "applied", 5, 9, NOW)
    progress.forget(store, 2)
    assert progress.find(store, 2) is None


def test_an_alert_is_open_once_until_it_ends(store: Engine) -> None:
    number = raise_alert(store, "failed_run", "people", "no answer", NOW)
    assert number is not None
    assert raise_alert(store, "failed_run", "people", "no answer", NOW) is None
    assert raise_alert(store, "failed_run", "people", "another reason", NOW) is None
    assert raise_alert(store, "failed_run", "ad", "no answer", NOW) is not None
    oldest = open_alerts(store)[0]
    assert (oldest.id, oldest.message) == (number, "another reason")
    assert end_alert(store, "failed_run", "people", NOW)
    assert not end_alert(store, "failed_run", "people", NOW)
    later = NOW + timedelta(hours=1)
    assert raise_alert(store, "failed_run", "people", "again", later) not in {None, number}


def test_who_was_told_is_not_told_again(store: Engine) -> None:
    number = raise_alert(store, "no_success", "", "25 hours", NOW)
    assert number is not None
    end_alert(store, "no_success", "", NOW)
    assert [one.id for one in untold_alerts(store)] == [number]
    told(store, number, NOW)
    assert untold_alerts(store) == []
