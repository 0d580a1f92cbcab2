"""Guessing: counted before it is looked at, slower with each failure, and told."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest

from syncd.bootstrap import open_app
from syncd.config import load_config
from syncd.store.engine import reading, writing
from syncd.web.access import attempts
from syncd.web.access.attempts import ACCOUNT, ADDRESS
from syncd.web.roles import Role
from syncd.web.whole import whole_app
from tests.access_house import GOOD, OTHER, Place


def test_after_some_failures_the_right_password_is_answered_like_a_wrong_one(place: Place) -> None:
    place.hire("maria")
    browser = place.browser()
    for _ in range(ACCOUNT.free):
        assert browser.log_in("maria", OTHER).status_code == 401
    right, wrong = browser.log_in("maria"), browser.log_in("maria", OTHER)
    assert (right.status_code, right.text) == (wrong.status_code, wrong.text) == (401, right.text)
    assert place.audit("lock_out")[0]["subject"] == "user maria"
    assert place.audit("lock_out")[0]["detail"]["failures"] == ACCOUNT.free
    assert place.api("/access")["users"][0]["waits_seconds"] in {29, 30}
    place.house.clock.advance(seconds=31)
    assert browser.log_in("maria").status_code == 303
    assert place.api("/access")["users"][0]["waits_seconds"] == 0


def test_what_comes_too_early_is_not_looked_at(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.hire("maria")
    looked: list[str] = []

    def matches(stored: str | None, password: str) -> bool:
        looked.append(password)
        return False

    monkeypatch.setattr("syncd.web.access.entering.matches", matches)
    for number in range(12):
        place.browser(address=f"198.51.100.{number}").log_in("maria", OTHER)
    assert len(looked) == ACCOUNT.free


def test_each_failure_makes_the_next_wait_twice_as_long_up_to_a_quarter_of_an_hour(place: Place) -> None:
    waits = []
    for _ in range(12):
        with writing(place.app.store) as connection:
            now = place.app.clock()
            assert attempts.count(connection, "user maria", ACCOUNT, now)
            waits.append(round(attempts.waits(connection, "user maria", now)))
            assert waits[-1] == 0 or not attempts.count(connection, "user maria", ACCOUNT, now)
        place.house.clock.advance(seconds=waits[-1] + 1)
    assert waits == [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]
    place.house.clock.advance(days=2)
    with writing(place.app.store) as connection:
        assert attempts.count(connection, "user otto", ACCOUNT, place.app.clock())
        assert attempts.waits(connection, "user maria", place.app.clock()) == 0


def test_an_address_that_tries_many_names_is_told_to_wait(place: Place) -> None:
    place.hire("maria")
    browser = place.browser()
    for number in range(ADDRESS.free):
        assert browser.log_in(f"name{number}", OTHER).status_code == 401
    refused = browser.log_in("maria")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
    assert place.browser(address="198.51.100.9").log_in("maria").status_code == 303
    assert [row["subject"] for row in place.audit("lock_out")] == ["address 192.0.2.7"]


def test_an_account_of_ones_own_does_not_clear_the_address(place: Place) -> None:
    place.hire("mallory", Role.VIEWER)
    browser = place.browser()
    for number in range(ADDRESS.free - 1):
        browser.log_in(f"name{number}", OTHER)
    assert place.browser().log_in("mallory").status_code == 303
    assert browser.log_in("name", OTHER).status_code == 401
    assert browser.log_in("name", OTHER).status_code == 429


def test_a_hundred_guesses_at_the_same_moment_are_not_all_looked_at(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.hire("maria")
    looked: list[str] = []

    def matches(stored: str | None, password: str) -> bool:
        looked.append(password)
        return False

    monkeypatch.setattr("syncd.web.access.entering.matches", matches)
    browsers = [place.browser(address=f"198.51.100.{number}") for number in range(8)]
    tokens = [browser.token_of("/login") for browser in browsers]

    def guess(number: int) -> None:
        for _ in range(4):
            fields = {"csrf_token": tokens[number], "name": "maria", "password": OTHER}
            browsers[number].send("/login", fields)

    threads = [Thread(target=guess, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looked) == ACCOUNT.free


def test_an_admin_lets_somebody_in_at_once(place: Place) -> None:
    admin = place.inside("maria")
    place.hire("otto")
    other = place.browser(address="198.51.100.9")
    for _ in range(ACCOUNT.free):
        other.log_in("otto", OTHER)
    assert other.log_in("otto").status_code == 401
    admin.post(f"/console/access/users/{place.user('otto').id}/unlock", seen="/console/access")
    assert other.log_in("otto").status_code == 303


def test_the_present_password_cannot_be_guessed_from_inside_either(place: Place) -> None:
    browser = place.inside("maria")
    form: dict[str, Any] = {"new": OTHER, "again": OTHER}
    for _ in range(ACCOUNT.free):
        browser.post("/console/access/me/password", seen="/console/access/me", password="wrong", **form)
    right = browser.post("/console/access/me/password", seen="/console/access/me", password=GOOD, **form)
    assert (right.status_code, "too many attempts" in right.text) == (400, True)


def test_a_program_with_wrong_tokens_waits_and_one_with_a_right_one_does_not(place: Place) -> None:
    good, browser = place.token(), place.browser()
    answers = [browser.get("/api/v1/runs", headers={"Authorization": f"Bearer guess{n}"}) for n in range(9)]
    assert [answer.status_code for answer in answers] == [401] * 6 + [429] * 3
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert browser.get("/api/v1/runs", headers={"Authorization": f"Bearer {good}"}).status_code == 200


def test_every_process_counts_what_others_counted(place: Place) -> None:
    """Of wrong tokens, and of webhook calls that are not signed as they should be."""
    place.house.configure(
        serve={"listen": "127.0.0.1:0", "webhooks": [{"source": "people", "secret": {"file": "hook.secret"}}]}
    )
    (place.house.folder / "hook.secret").write_text("a secret of the two", encoding="utf-8")
    (place.house.folder / "hook.secret").chmod(0o600)
    processes = [whole_app(open_app(load_config(place.house.config))).test_client() for _ in range(2)]
    bearer = {"Authorization": "Bearer guess"}
    codes = [processes[number % 2].get("/api/v1/runs", headers=bearer).status_code for number in range(8)]
    assert codes == [401] * 6 + [429] * 2
    codes = [processes[number % 2].post("/hooks/run/people").status_code for number in range(22)]
    assert codes == [401] * 20 + [429] * 2


def test_names_of_nobody_do_not_fill_the_store(place: Place) -> None:
    place.hire("maria")
    place.browser().log_in("x" * 10_000, OTHER)
    with reading(place.app.store) as connection:
        kept = connection.exec_driver_sql("SELECT max(length(who)) FROM console_attempts").scalar_one()
    assert kept <= 210
