"""The daemon's parts with clocks that are turned: what is due, what hangs, what an alarm is raised about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from syncd.config_daemon import ScheduleConfig
from syncd.core.quarantine import Trouble
from syncd.daemon.agenda import LATE, Agenda, Due
from syncd.daemon.alarms import Alarms
from syncd.planned import Planned
from syncd.signs import Patience, Signs
from syncd.store import leases, progress, quarantines, runs
from syncd.store.alerts import open_alerts, raise_alert
from syncd.store.engine import open_engine, require_current
from syncd.store.stirring import Stirring
from tests.serving import until

START = datetime(2026, 11, 2, 8, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path}/syncd.db")
    require_current(engine)
    return engine


def open_kinds(store: Engine) -> set[tuple[str, str]]:
    return {(alert.kind, alert.subject) for alert in open_alerts(store)}


# --- agenda -------------------------------------------------------------------------------------------------------


def next_due(agenda: Agenda, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Due:
    until(lambda: agenda.waits)
    due = agenda.next(now())
    assert due is not None
    return due


def test_what_is_due_again_while_it_waits_is_left_out_and_told() -> None:
    missed: list[tuple[str, str]] = []
    trigger = Planned(ScheduleConfig(every="1s"), datetime.now(UTC))
    with Agenda({"ad": trigger}, lambda name, what: missed.append((name, what))) as agenda:
        due = next_due(agenda)
        assert due.name == "ad"
        until(lambda: missed)
        assert not agenda.waits, "it still goes on"
        agenda.done(due)
        again = next_due(agenda)
    assert again.planned > due.planned
    assert missed[0][0] == "ad"
    assert "while the one before still waited or went on" in missed[0][1]


def test_what_begins_late_is_begun_all_the_same_and_told() -> None:
    missed: list[str] = []
    trigger = Planned(ScheduleConfig(every="1s"), datetime.now(UTC))
    with Agenda({"": trigger}, lambda _name, what: missed.append(what)) as agenda:
        due = next_due(agenda, lambda: datetime.now(UTC) + timedelta(seconds=LATE + 5))
    assert due.name == ""
    assert "could not begin in time" in missed[-1]


# --- signs of life ------------------------------------------------------------------------------------------------


class Seconds:
    """A clock that is turned, for both kinds of time."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def moment(self) -> datetime:
        return START + timedelta(seconds=self.now)


def signs_of(store: Engine, clock: Seconds, events: list[str]) -> Signs:
    patience = Patience(timedelta(minutes=30), timedelta(seconds=60), events.append, lambda: events.append("killed"))
    return Signs(store, clock.moment, patience, clock)


def test_a_run_that_moves_is_let_be_and_one_that_stands_still_is_stopped_and_then_killed(store: Engine) -> None:
    clock, events = Seconds(), list[str]()
    signs = signs_of(store, clock, events)
    number = runs.start(store, "run", "test", START)
    signs.began(number)
    for _ in range(4):
        clock.now += 29 * 60
        signs.progress("read people", 1)
        signs.look()
    assert events == []
    clock.now += 30 * 60
    signs.look()
    assert events == ["hung: no progress for 30 minutes in `read people`"]
    assert signs.hung
    clock.now += 59
    signs.look()
    assert len(events) == 1
    clock.now += 1
    signs.look()
    assert events[1:] == ["killed"]
    assert open_kinds(store) == {("hung_run", f"r{number}")}
    line = runs.find(store, number)
    assert line is not None
    assert line.error == events[0]


def test_progress_and_signs_of_life_stand_in_the_store_and_go_with_the_run(store: Engine) -> None:
    clock = Seconds()
    number = runs.start(store, "run", "test", START)
    with Signs(store, clock.moment, None, clock) as signs:
        signs.began(number)
        for count in (2, 3):
            signs.progress("applied", count)
        clock.now += 6
        signs.look()
        stage, lease = progress.find(store, number), leases.find(store)
        assert stage is not None
        assert (stage.stage, stage.count) == ("applied", 5)
        assert lease is not None
        assert (lease.run_id, lease.beat_at) == (number, clock.moment())
    assert progress.find(store, number) is None
    assert leases.find(store) is None


def test_a_run_whose_process_was_killed_is_told_by_the_next_one(store: Engine) -> None:
    clock = Seconds()
    first = runs.start(store, "run", "test", START)
    signs_of(store, clock, []).began(first)
    clock.now = 100
    signs_of(store, clock, []).began(runs.start(store, "run", "test", clock.moment()))
    line = runs.find(store, first)
    assert line is not None
    assert (line.state, line.ended_at) == ("interrupted", START)
    assert "its last sign of life was at 08:00:00" in line.error


# --- alarms -------------------------------------------------------------------------------------------------------


def test_hours_without_a_success_raise_an_alarm_until_there_is_one(store: Engine) -> None:
    clock = Seconds()
    alarms = Alarms(store, clock.moment, timedelta(hours=24))
    clock.now = 24 * 3600 - 1
    alarms.look()
    assert open_kinds(store) == set()
    number = runs.start(store, "run", "test", clock.moment())
    runs.write(store, number, state="failed", ended_at=clock.moment())
    clock.now += 1
    alarms.look()
    assert open_kinds(store) == {("no_success", "")}
    alarms.well("")
    assert open_kinds(store) == set()


def test_a_success_of_one_source_ends_only_its_own_alarms(store: Engine) -> None:
    alarms = Alarms(store, lambda: START, timedelta(hours=24))
    alarms.failed("hr", "no answer")
    alarms.failed("ad", "no answer")
    alarms.missed("hr", "late")
    raise_alert(store, "hung_run", "r7", "stood", START)
    alarms.well("hr")
    assert open_kinds(store) == {("failed_run", "ad")}
    alarms.well("")
    assert open_kinds(store) == set()


def test_a_source_in_quarantine_is_an_alarm_as_long_as_it_is_there(store: Engine) -> None:
    alarms = Alarms(store, lambda: START, timedelta(hours=24))
    quarantines.keep(store, {"hr": Trouble("hr", 3, START, START + timedelta(minutes=5), "no answer")})
    alarms.look()
    assert open_kinds(store) == {("quarantine", "hr")}
    quarantines.keep(store, {"hr": None})
    alarms.look()
    assert open_kinds(store) == set()


# --- stirring -----------------------------------------------------------------------------------------------------


def test_a_write_by_anybody_is_seen_once(store: Engine) -> None:
    stirring = Stirring(store)
    assert stirring()
    assert not stirring()
    runs.start(store, "run", "test", START)
    assert stirring()
    other = open_engine(str(store.url))
    runs.start(other, "run", "test", START)
    other.dispose()
    assert stirring()
    assert not stirring()
    stirring.close()
