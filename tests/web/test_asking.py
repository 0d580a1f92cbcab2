"""What if, settings, the restore ledger and work orders in the console."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from errno import ENOSPC
from threading import Event
from typing import Any
from zipfile import ZipFile

import pytest

from syncd import outlooks
from syncd.bootstrap import App
from syncd.daemon.supposing import Supposing
from syncd.store import departures, whatifs
from syncd.sync import Progress
from syncd.web.pages import whatif
from syncd.web.roles import Role
from tests.e2e.test_portal import SETTINGS
from tests.house import House, staff
from tests.portal_server import Portal, User
from tests.serving import PATIENCE, until
from tests.web_house import Console, console_of


@pytest.fixture
def console(house: House) -> Console:
    house.syncd("run")
    house.hire(staff(9))
    house.syncd("plan")
    return console_of(house)


def test_other_rules_are_tried_out(console: Console) -> None:
    told = console.json("/whatif", sent={"fragment": "leavers: {grace_days: 14}"})
    assert [change["kind"] for change in told["only_now"]] == ["delete_user"] * 3
    assert (told["now"]["counts"], told["then"]["counts"]) == ({"delete_user": 3}, {})
    page = console.do("/whatif", 200, file=(io.BytesIO(b"leavers: {grace_days: 14}"), "other.yaml"))
    assert "Not any more" in page.text


def test_a_whole_configuration_is_taken_for_its_rules(console: Console, house: House) -> None:
    house.configure(leavers={"grace_days": 14})
    told = console.json("/whatif", sent={"fragment": house.config.read_text(encoding="utf-8")})
    assert len(told["only_now"]) == 3
    assert told["notes"][0].endswith("sources, store, version")


@pytest.mark.parametrize(
    ("fragment", "status", "said"),
    [
        ("target: {type: account}", 422, "target"),
        ("leavers: {grace: 14}", 422, "leavers.grace"),
        ("- 1", 400, "no section is given"),
        ("&a [*a]", 400, "no plain YAML"),
    ],
)
def test_what_is_no_rule_is_refused(console: Console, fragment: str, status: int, said: str) -> None:
    assert said in str(console.json("/whatif", status, sent={"fragment": fragment}))


def test_who_may_not_ask_and_what_is_too_long(console: Console) -> None:
    assert console.json("/whatif", 422, sent={"fragment": "x" * 70_000})
    console.somebody.role = Role.VIEWER
    assert console.json("/whatif", 403, sent={"fragment": "leavers: {grace_days: 1}"})


@pytest.fixture
def crowd(console: Console, monkeypatch: pytest.MonkeyPatch) -> Console:
    """More people than are answered for at once."""
    monkeypatch.setattr(whatif, "_AT_ONCE", 8)
    return console


def test_for_many_people_the_daemon_works_it_out(crowd: Console) -> None:
    ask = {"fragment": "leavers: {grace_days: 14}"}
    asked = crowd.json("/whatif", sent=ask)
    assert (asked["state"], asked["then"]) == ("waiting", None)
    assert "Look for the answer" in crowd.do("/whatif", 200, **ask).text
    with Supposing(crowd.app) as supposing:
        supposing.look()
        until(lambda: crowd.json(f"/whatif/{asked['number']}")["state"] == "done")
    told = crowd.json(f"/whatif/{asked['number']}")
    assert [change["kind"] for change in told["only_now"]] == ["delete_user"] * 3
    assert "Not any more" in crowd.page(f"/whatif/{asked['number']}")
    assert crowd.json("/whatif/99", 404)


def test_the_daemon_is_not_asked_what_is_no_rule_nor_too_much_at_a_time(crowd: Console) -> None:
    assert crowd.json("/whatif", 422, sent={"fragment": "leavers: {grace: 14}"})
    for _ in range(5):
        crowd.json("/whatif", sent={"fragment": "leavers: {grace_days: 14}"})
    refused = crowd.json("/whatif", 409, sent={"fragment": "leavers: {grace_days: 14}"})
    assert refused["detail"] == "5 such questions wait for the daemon already"


def test_a_daemon_that_ends_leaves_a_what_if_to_the_next_one(crowd: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    number = crowd.json("/whatif", sent={"fragment": "leavers: {grace_days: 14}"})["number"]
    begun = Event()

    def works(app: App, text: str, progress: Progress) -> dict[str, Any]:
        begun.set()
        while True:
            progress("compared", 1)

    with monkeypatch.context() as patched:
        patched.setattr(outlooks, "suppose", works)
        with Supposing(crowd.app) as supposing:
            supposing.look()
            assert begun.wait(PATIENCE)
    assert crowd.json(f"/whatif/{number}")["state"] == "waiting"
    with Supposing(crowd.app) as supposing:
        supposing.look()
        until(lambda: crowd.json(f"/whatif/{number}")["state"] == "done")


def test_one_that_cannot_be_worked_out_says_why(crowd: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    number = crowd.json("/whatif", sent={"fragment": "leavers: {grace_days: 14}"})["number"]

    def full(app: App, text: str, progress: Progress) -> dict[str, Any]:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(outlooks, "suppose", full)
    with Supposing(crowd.app) as supposing:
        supposing.look()
        until(lambda: crowd.json(f"/whatif/{number}")["state"] == "failed")
    assert "No space left on device. free some space" in crowd.page(f"/whatif/{number}")


def test_one_during_which_the_process_is_killed_twice_is_given_up(crowd: Console) -> None:
    store, number = crowd.app.store, crowd.json("/whatif", sent={"fragment": "leavers: {grace_days: 14}"})["number"]
    for _ in range(2):
        assert whatifs.take(store)
        whatifs.reopen(store)
    assert whatifs.take(store) is None
    assert "killed each time" in crowd.json(f"/whatif/{number}")["message"]


def test_answers_are_gone_after_a_day(crowd: Console) -> None:
    number = crowd.json("/whatif", sent={"fragment": "leavers: {grace_days: 14}"})["number"]
    later = crowd.app.clock() + whatifs.LASTS
    assert whatifs.find(crowd.app.store, number, later) is None
    whatifs.forget_old(crowd.app.store, later)
    assert whatifs.unanswered(crowd.app.store) == 0


def test_settings_say_where_each_comes_from_and_no_secret(house: House) -> None:
    push = {"name": "okta", "type": "scim_push"}
    house.configure(
        sources=[*house.settings["sources"], push], store="sqlite:///syncd.db", store_password={"env": "HUSH"}
    )
    lines = {line["text"]: line for line in console_of(house).json("/settings")["lines"]}
    assert lines["  grace_days: 0.0"]["line"]
    assert lines["  expire_hours: 72"] == {"text": "  expire_hours: 72", "line": None, "value": True}
    assert '  env: "HUSH"' in lines
    assert "grace_days" in console_of(house).page("/settings")


def test_who_was_deleted_and_the_ticket(console: Console, house: House) -> None:
    house.syncd("run")
    (one, *others) = console.json("/restore")["departures"]
    assert (len(others), one["days_left"], one["returned_as"]) == (2, 30, None)
    shown = console.json(f"/restore/{one['number']}")
    assert shown["text"].startswith("Subject: Please recover the set-up of a deleted user: ")
    assert "The text for Fluix support" in console.page(f"/restore/{one['number']}")
    console.do(f"/restore/{one['number']}/written")
    assert departures.recoverable(console.app.store, console.app.clock())[0].ticket == "written"
    console.do(f"/restore/{one['number']}/close")
    assert console.json(f"/restore/{one['number']}")["departure"]["ticket"] == "done"
    assert console.json("/audit?action=restore close")["rows"][0]["actor"] == "maria"
    assert console.page("/restore/99", 404)


def test_work_orders_are_looked_at_downloaded_and_confirmed(house: House) -> None:
    house.configure(target=SETTINGS)
    portal = Portal(groups={"Field"})
    portal.users["old@example.com"] = User("Old", set(), "Active")
    (house.folder / "exports").mkdir()
    portal.export(house.folder / "exports", datetime.now(UTC))
    done = house.syncd("run")
    assert done.code == 0, done.err
    console = console_of(house)
    (order,) = console.json("/workorders")["orders"]
    assert order["open"] == order["items"] > 0
    assert "What is to be done" in console.page("/workorders/1")
    archive = console.client.get("/console/workorders/1/export")
    assert ZipFile(io.BytesIO(archive.data)).namelist()
    console.do("/workorders/1/confirm", **{"items[]": "1"})
    assert console.json("/workorders/1")["items"][0]["confirmed_by"] == "maria"
    assert console.json("/workorders/1/confirm", 409, sent={"items": ["999"]})["detail"] == "w1 has no item 999"
    assert console.page("/workorders/2", 404)


def test_without_a_portal_there_are_no_work_orders(console: Console) -> None:
    assert "where the target is the portal" in console.page("/workorders")
    assert console.page("/workorders/1", 404)
