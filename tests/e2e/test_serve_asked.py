"""What the daemon is asked for, and when: pause, wishes, calls of webhooks, files that change, schedules of sources, hung runs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from syncd.errors import Exit
from syncd.store import runs, whatifs, wishes
from syncd.store.alerts import open_alerts
from syncd.store.leases import find as lease
from syncd.store.progress import find as progress
from syncd.store.wishes import StoredWish, Wish
from syncd.web.hooks import sign
from tests.house import COLUMNS, House, Person, staff
from tests.serving import serving, until

SECRET = "a secret of the two"
HOLDS = """
import syncd.run, syncd.reading, time, os
read = syncd.run.read_sources
def held(sync, request, run_id, now):
    sync.progress("read people", 1)
    while os.path.exists(os.environ["HOLD"]):
        time.sleep(0.05)
    return read(sync, request, run_id, now)
syncd.run.read_sources = held
"""
"""A source that does not come to an end as long as a file is there."""


@pytest.fixture
def company(house: House) -> House:
    house.configure(serve={"listen": "127.0.0.1:0"}, schedule={"every": "1h"})
    house.hire(staff(2))
    return house


@pytest.fixture
def store(company: House) -> Iterator[Engine]:
    engine = company.app().store
    yield engine
    engine.dispose()


def lines(store: Engine) -> list[Any]:
    return runs.history(store, 1000)


def done(store: Engine) -> int:
    return sum(1 for line in lines(store) if line.state == "done")


def ended(store: Engine, number: int) -> StoredWish:
    until(lambda: (one := wishes.find(store, number)) and one.ended_at)
    found = wishes.find(store, number)
    assert found is not None
    return found


def wish(store: Engine, kind: wishes.Kind, **more: Any) -> int:
    return wishes.ask(store, Wish(kind, "anna by the console", datetime.now(UTC), **more))


def test_what_is_asked_for_is_done_and_told(company: House, store: Engine) -> None:
    with serving(company) as daemon:
        until(lambda: done(store) == 1)
        company.hire(staff(3))
        planned = ended(store, wish(store, "plan"))
        assert (planned.state, planned.message) == ("done", "1 changes planned")
        assert lines(store)[0].actor == "anna by the console"
        line = runs.find(store, planned.run_id or 0)
        assert line is not None
        applied = ended(store, wish(store, "apply", plan_id=line.plan_id))
        assert (applied.state, applied.message) == ("done", "1 changes planned, 1 done")
        company.hire([*staff(3), Person("E9"), Person("E8")])
        assert ended(store, wish(store, "user_run", email="e9@example.com")).state == "done"
        assert ended(store, wish(store, "run", sources=("people",))).message == "1 changes planned, 1 done"
        refused = ended(store, wish(store, "apply", plan_id=99))
        assert (refused.state, "no plan 99" in refused.message) == ("refused", True)
        assert ended(store, wish(store, "run", sources=("nobody",))).state == "refused"
        assert daemon.well()


def test_a_paused_daemon_waits_and_goes_on(company: House, store: Engine) -> None:
    with serving(company) as daemon:
        until(lambda: done(store) == 1)
        assert company.syncd("pause", "--reason", "migration", "--json").json["reason"] == "migration"
        assert daemon.well()
        number = wish(store, "run")
        company.hire(staff(4))
        by_hand = company.syncd("run")  # the daemon looks several times meanwhile
        assert (done(store), wishes.waiting(store)) == (2, 1)
        assert by_hand.code == 0
        assert "paused" in by_hand.err
        assert "migration" in company.syncd("check").out
        assert company.syncd("resume", "--json").json == {"resumed": True}
        assert ended(store, number).state == "done"
    assert company.syncd("audit", "export", "--out", "a.csv", "--format", "csv").code == 0
    told = (company.folder / "a.csv").read_text(encoding="utf-8")
    assert ",pause," in told
    assert ",resume," in told


def test_a_pause_ends_by_itself(company: House, store: Engine) -> None:
    assert company.syncd("pause", "--until", "2s").code == 0
    with serving(company):
        until(lambda: done(store) == 1)


def test_a_what_if_of_the_console_is_worked_out_while_runs_are_paused(company: House, store: Engine) -> None:
    assert company.syncd("run").code == 0
    company.hire(staff(1))
    assert company.syncd("plan").code == Exit.HELD
    assert company.syncd("pause").code == 0
    now = datetime.now(UTC)
    with serving(company):
        number = whatifs.ask(store, "leavers: {grace_days: 14}", "maria", now)
        until(lambda: whatifs.unanswered(store) == 0)
    answer = whatifs.find(store, number, now)
    assert answer is not None
    assert answer.answer is not None
    assert [change["kind"] for change in answer.answer["only_now"]] == ["delete_user"]


def test_a_what_if_of_the_console_does_not_wait_for_a_long_run(company: House, store: Engine) -> None:
    assert company.syncd("run").code == 0
    hold = company.folder / "hold"
    hold.touch()
    now = datetime.now(UTC)
    with serving(company, {"HOLD": str(hold)}, HOLDS):
        until(lambda: lines(store)[0].state == "running")
        number = whatifs.ask(store, "leavers: {grace_days: 14}", "maria", now)
        until(lambda: whatifs.unanswered(store) == 0)
        assert lines(store)[0].state == "running"
        hold.unlink()
        until(lambda: lines(store)[0].state == "done")
    answer = whatifs.find(store, number, now)
    assert answer is not None
    assert answer.state == "done"


@pytest.mark.parametrize("until_", ["yesterday", "2020-01-01T00:00", "25:00", "0h"])
def test_a_time_that_cannot_be_meant_is_refused(company: House, until_: str) -> None:
    assert company.syncd("pause", "--until", until_).code == 2


def test_a_file_that_changed_is_read_without_waiting_for_the_next_turn(company: House, store: Engine) -> None:
    with serving(company):
        until(lambda: done(store) == 1)
        company.hire(staff(5))
        until(lambda: done(store) == 2)


def test_a_source_with_a_schedule_of_its_own_is_read_alone(company: House, store: Engine) -> None:
    source = {"type": "csv", "settle_seconds": 0, "columns": COLUMNS, "groups_separator": ";"}
    quick = {**source, "name": "quick", "path": "quick.csv", "schedule": {"every": "1s"}}
    slow = {**source, "columns": dict(COLUMNS), "name": "slow", "path": "people.csv"}
    (company.folder / "quick.csv").write_text(
        company.people.read_text(encoding="utf-8").replace("E00", "Q00").replace("e00", "q00")
    )
    company.configure(sources=[quick, slow])
    with serving(company):
        until(lambda: done(store) >= 4)
    read = [[one["name"] for one in line.reads] for line in reversed(lines(store)) if line.state == "done"]
    assert read[0] == ["quick", "slow"]
    assert set(map(tuple, read[1:])) == {("quick",)}


def test_live_progress_can_be_seen_from_elsewhere(company: House, store: Engine) -> None:
    hold = company.folder / "hold"
    hold.touch()
    with serving(company, {"HOLD": str(hold)}, HOLDS):
        until(lambda: lines(store) and progress(store, lines(store)[0].id))
        stage = progress(store, lines(store)[0].id)
        assert stage is not None
        assert (stage.stage, stage.count) == ("read people", 1)
        held = lease(store)
        assert held is not None
        assert held.run_id == stage.run_id
        hold.unlink()
        until(lambda: done(store) == 1)
        until(lambda: lease(store) is None)


def test_a_run_of_a_killed_process_is_told_and_its_wish_taken_once_more(company: House, store: Engine) -> None:
    hold = company.folder / "hold"
    with serving(company, {"HOLD": str(hold)}, HOLDS) as daemon:
        until(lambda: done(store) == 1)
        hold.touch()
        number = wish(store, "run")
        until(lambda: (found := wishes.find(store, number)) and found.state == "running")
        until(lambda: lease(store))
        killed = lease(store)
        assert killed is not None
        os.kill(daemon.part("runs")[0], signal.SIGKILL)
        hold.unlink()
        again = ended(store, number)
        assert (again.state, again.taken) == ("done", 2)
        line = runs.find(store, killed.run_id or 0)
        assert line is not None
        assert line.state == "interrupted"
        assert "last sign of life" in line.error


@pytest.mark.parametrize("stubborn", [False, True], ids=["it stops when asked", "its process is killed"])
def test_a_run_that_hangs_is_ended_and_told(company: House, store: Engine, stubborn: bool) -> None:
    hold = company.folder / "hold"
    hold.touch()
    company.configure(serve={"listen": "127.0.0.1:0", "hung_after": 1, "drain_seconds": 1})
    quick = "import syncd.config_daemon as c, syncd.daemon.running as r\nfrom datetime import timedelta\n"
    quick += "class Quick(timedelta):\n    def __new__(cls, minutes=None, **k):\n        return timedelta(seconds=8) if minutes else timedelta(**k)\n"
    quick += "r.timedelta = Quick\n"
    held = (
        HOLDS.replace("    while", "    with sync.critical():\n     while").replace("        time", "         time")
        if stubborn
        else HOLDS
    )
    with serving(company, {"HOLD": str(hold)}, quick + held) as daemon:
        until(daemon.well)
        until(lambda: [alert.kind for alert in open_alerts(store)] == ["hung_run"])
        until(lambda: lines(store)[0].error)
        assert "no progress" in lines(store)[0].error
        if stubborn:
            until(lambda: daemon.tells("the process `runs` ended (exit -9)"))
            hold.unlink()
        else:
            hold.unlink()
            until(lambda: daemon.tells("stopped by hung"))
            company.hire(staff(3))
        until(lambda: done(store) == 1)
        until(lambda: open_alerts(store) == [])


def test_a_run_that_fails_raises_an_alarm_until_one_goes_well(company: House, store: Engine) -> None:
    company.configure(schedule={"every": "1s"})
    company.people.rename(company.folder / "away.csv")
    with serving(company):
        until(lambda: {alert.kind for alert in open_alerts(store)} >= {"failed_run"})
        (company.folder / "away.csv").rename(company.people)
        until(lambda: "failed_run" not in {alert.kind for alert in open_alerts(store)})
    assert company.syncd("check").code == 0


# --- webhooks -----------------------------------------------------------------------------------------------------


def call(url: str, at: float, body: bytes = b"{}", secret: str = SECRET, source: str = "people") -> httpx.Response:
    timestamp = str(int(at))
    headers = {"X-Syncd-Timestamp": timestamp, "X-Syncd-Signature": sign(secret, timestamp, body)}
    return httpx.post(f"{url}/hooks/run/{source}", content=body, headers=headers)


def test_a_signed_call_asks_for_a_run(company: House, store: Engine) -> None:
    hook = {"source": "people", "secret": {"env": "HOOK"}}
    company.configure(serve={"listen": "127.0.0.1:0", "webhooks": [hook]})
    with serving(company, {"HOOK": SECRET}) as daemon:
        until(daemon.well)
        until(lambda: done(store) == 1)
        now = time.time()
        answer = call(daemon.url, now)
        assert answer.status_code == 202
        told = ended(store, answer.json()["wish"])
        assert (told.state, told.wish.asked_by, told.wish.sources) == ("done", "webhook people", ("people",))
        assert call(daemon.url, now).status_code == 401, "the same call again"
        assert call(daemon.url, now, b"{ }", secret="another").status_code == 401
        assert call(daemon.url, now - 330).status_code == 401
        assert call(daemon.url, now + 330).status_code == 401
        assert call(daemon.url, now, source="nobody").status_code == 401
        assert call(daemon.url, now, source="nobody", secret="").status_code == 401
        assert httpx.post(f"{daemon.url}/hooks/run/people").status_code == 401
        assert call(daemon.url, now, b"x" * 70_000).status_code == 413
        codes = [call(daemon.url, now, secret="no").status_code for _ in range(40)]
        assert set(codes) == {401, 429}
        assert call(daemon.url, now, b"[]").status_code == 429
    assert len(wishes.newest(store)) == 1
