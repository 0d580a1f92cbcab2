"""The first page, runs and what is asked for; and streams of a run that is under way."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from sqlalchemy import insert, update

from syncd.store import alerts, pauses, progress, runs, wishes
from syncd.store.engine import writing
from syncd.store.tables import journal, size_history
from syncd.store.tables import runs as table
from tests.house import COLUMNS, House, staff
from tests.web_house import Console, console_of


def test_before_anything_ran_the_first_steps_are_told(console: Console) -> None:
    assert "Nothing has run yet" in console.page("/")
    assert console.json("/")["sources"][0]["state"] == "waiting"


def test_how_it_stands(console: Console, house: House) -> None:
    house.configure(
        budgets={"run": {"delete": {"count": 2}}, "week": {"create": {"count": 40}}}, schedule={"cron": "0 3 * * *"}
    )
    house.syncd("run")
    house.hire(staff(8))
    house.syncd("plan")
    console = console_of(house)
    now = console.app.clock()
    alerts.raise_alert(console.app.store, "no_success", "", "no run ended well for 26 hours", now)
    pauses.pause(console.app.store, pauses.Pause("anna", now, None, "moving house"))
    shown = console.json("/")
    bars = {(bar["window"], bar["kind"]): (bar["used"], bar["limit"]) for bar in shown["budgets"]}
    assert (bars["run", "delete"], bars["week", "create"], bars["day", "delete"]) == ((4, 2), (12, 40), (0, 50))
    assert (shown["held"]["plan_id"], shown["held"]["waiting"], shown["held"]["by_kind"]) == (2, 4, {"delete_user": 4})
    assert (shown["sources"][0]["records"], shown["sources"][0]["state"]) == (8, "ok")
    assert shown["next_run"] is None
    text = console.page("/")
    assert "no run ended well for 26 hours" in text
    assert "paused by anna" in text
    assert "moving house" in text


def test_the_next_run_knows_each_schedule_quiet_hours_and_a_pause(house: House) -> None:
    (house.folder / "more.csv").write_text("Employee,User Name,Email\n", encoding="utf-8")
    more = {"name": "more", "type": "csv", "path": "more.csv", "columns": dict(COLUMNS), "schedule": {"every": "1h"}}
    cron = {"cron": "0 3 * * *", "time_zone": "UTC", "quiet_hours": "02:00-05:30"}
    house.configure(sources=[*house.settings["sources"], more], schedule=cron)
    console = console_of(house)
    assert [(one["source"], one["at"]) for one in console.json("/")["next_runs"]][1] == ("more", None), "never read"
    house.syncd("run")
    last = console.json("/runs")["runs"][0]["started_at"]
    ours, own = console.json("/")["next_runs"]
    assert (ours["source"], ours["quiet_hours"], ours["at"][11:16]) == ("", "02:00-05:30", "05:30")
    assert datetime.fromisoformat(own["at"]) == datetime.fromisoformat(last) + timedelta(hours=1)
    now = console.app.clock()
    until = now + timedelta(days=3)
    pauses.pause(console.app.store, pauses.Pause("anna", now, until, ""))
    paused = console.json("/")
    assert all(datetime.fromisoformat(one["at"]) >= until for one in paused["next_runs"])
    assert datetime.fromisoformat(paused["next_run"]) == min(
        datetime.fromisoformat(one["at"]) for one in paused["next_runs"]
    )
    assert "the others" in console.page("/")


def test_people_over_time_keep_the_last_number_until_it_changes(console: Console, house: House) -> None:
    house.syncd("run")
    row = {
        "source": "people",
        "group_name": "",
        "day": "2026-01-01",
        "at": console.app.clock(),
        "size": 7,
        "highest": 7,
    }
    with writing(console.app.store) as connection:
        connection.execute(insert(size_history), [row])
    people = console.json("/")["people"]
    assert people["days"][0] == "2026-01-01"
    assert people["series"][0]["values"][0] == 7
    assert "data-chart" in console.page("/")


def test_what_ended_badly_is_named(console: Console, house: House) -> None:
    house.syncd("run")
    with writing(console.app.store) as connection:
        connection.execute(
            update(journal).where(journal.c.key.like("create_user:e003%")).values(state="failed", message="no seats")
        )
    shown = console.json("/runs/1")
    assert [(one["key"], one["state"], one["message"]) for one in shown["bad_ends"]] == [
        ("create_user:e003@example.com", "failed", "no seats")
    ]
    assert shown["sources"][0]["certified"]
    assert "no seats" in console.page("/runs/1")


def test_asking_for_a_run_a_plan_and_one_person(console: Console) -> None:
    console.do("/runs/start", kind="run", **{"sources[]": ""})
    console.do("/runs/start", kind="plan", **{"sources[]": "people"})
    console.do("/runs/start", email="e001@example.com")
    asked = [(one.wish.kind, one.wish.sources, one.wish.email) for one in wishes.newest(console.app.store)]
    assert asked == [("user_run", (), "e001@example.com"), ("plan", ("people",), None), ("run", (), None)]
    assert console.json("/runs")["waiting"] == 3
    assert "e001@example.com" in console.page("/runs")
    assert "there is no source x" in console.json("/runs/start", 400, sent={"sources": ["x"]})["detail"]
    assert console.json("/runs/start", 400, sent={"kind": "plan", "email": "a@b.example"})


def test_a_run_is_told_until_it_ends(console: Console) -> None:
    store, now = console.app.store, console.app.clock()
    run_id = runs.start(store, "run", "anna", now)
    progress.keep(store, progress.Stage(run_id, "applied", 1200, 4800, now))
    answer = console.client.get(f"/console/runs/{run_id}/live", buffered=False)
    stream = iter(answer.response)
    assert next(stream).startswith(b"retry")
    said = json.loads(next(stream).decode().removeprefix("data: "))
    assert said == {"run_id": 1, "state": "running", "stage": "applied", "count": "1,200", "share": 0.25}
    with writing(store) as connection:
        connection.execute(update(table).values(state="done"))
    assert b'"state":"done"' in next(stream)
    assert next(stream) == b"event: end\ndata: {}\n\n"
    answer.close()


def test_the_list_is_loaded_anew_when_another_run_begins(console: Console) -> None:
    runs.start(console.app.store, "run", "anna", console.app.clock())
    answer = console.client.get("/console/runs/live?seen=0")
    assert b'"run_id":1,"state":"running"' in answer.data
    assert answer.data.endswith(b"event: end\ndata: {}\n\n")


def test_few_watch_at_a_time_and_a_place_comes_free(console: Console) -> None:
    runs.start(console.app.store, "run", "anna", console.app.clock())
    watching = [console.client.get("/console/runs/1/live", buffered=False) for _ in range(2)]
    refused = console.client.get("/console/runs/1/live")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "15")
    for answer in watching:
        answer.close()
    assert console.client.get("/console/runs/1/live", buffered=False).status_code == 200


def test_a_stream_is_for_who_is_logged_in(console: Console) -> None:
    assert "there is no run r7" in console.client.get("/console/runs/7/live").text
    console.somebody.absent = True
    assert console.client.get("/console/runs/7/live").status_code == 302
