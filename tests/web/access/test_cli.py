"""The machine's own way in: links and tokens by command, and the link that the daemon prints."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncd.web.access.attempts import ACCOUNT
from syncd.web.roles import Role
from tests.access_house import GOOD, OTHER, Place
from tests.house import House
from tests.web.access.test_second_factor import set_up

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def now_is_now(house: House) -> None:
    """The commands run by the clock of the machine."""
    house.clock.now = datetime.now(house.clock.now.tzinfo)


def test_a_link_by_command_makes_an_admin_though_there_is_one(place: Place) -> None:
    place.hire("maria")
    made = place.house.syncd("access", "link", "--json").json
    assert (made["user"], made["link"].startswith("http://127.0.0.1:8480/setup?key=")) == (None, True)
    assert datetime.fromisoformat(made["expires_at"]) - place.house.clock.now < timedelta(hours=1, minutes=5)
    path = made["link"].removeprefix("http://127.0.0.1:8480")
    sent = place.browser().post("/setup", seen=path, key=path.partition("=")[2], name="otto", password=GOOD, again=GOOD)
    assert (sent.status_code, place.user("otto").role) == (303, "admin")
    assert place.audit("access link")[0]["subject"] == "a new admin"


def test_the_last_admin_who_is_locked_out_and_lost_the_phone_comes_in_again(place: Place) -> None:
    set_up(place, place.inside("maria"))
    browser = place.browser()
    for _ in range(ACCOUNT.free + 1):
        browser.log_in("maria", OTHER)
    made = place.house.syncd("access", "link", "--user", "Maria", "--json").json
    path = made["link"].removeprefix("http://127.0.0.1:8480")
    sent = browser.post("/setup", seen=path, key=path.partition("=")[2], password=OTHER, again=OTHER)
    assert (sent.status_code, sent.headers["Location"]) == (303, "/console/")
    assert place.browser().log_in("maria", OTHER).status_code == 303


def test_a_link_for_nobody_is_refused(place: Place) -> None:
    refused = place.house.syncd("access", "link", "--user", "nobody")
    assert (refused.code, "there is nobody named nobody" in refused.err) == (2, True)


def test_a_token_by_command_is_shown_once_and_revoked_at_once(place: Place) -> None:
    made = place.house.syncd("access", "token", "create", "robot", "--role", "operator", "--days", "7", "--json").json
    bearer = {"Authorization": f"Bearer {made['token']}"}
    browser = place.browser()
    assert browser.get("/api/v1/runs", headers=bearer).status_code == 200
    assert browser.get("/api/v1/access", headers=bearer).json["detail"] == "this token is operator; this takes admin"
    listed = place.house.syncd("access", "token", "list")
    assert ("robot" in listed.out, made["token"] in listed.out, "valid" in listed.out) == (True, False, True)
    twice = place.house.syncd("access", "token", "create", "robot", "--role", "viewer")
    assert (twice.code, "a token named robot already" in twice.err) == (1, True)
    assert place.house.syncd("access", "token", "revoke", str(made["id"]), "--json").json["state"] == "revoked"
    assert browser.get("/api/v1/runs", headers=bearer).status_code == 401
    assert place.house.syncd("access", "token", "revoke", "99").code == 1


def test_a_token_has_its_days_and_its_last_use(place: Place) -> None:
    browser, good = place.browser(), place.token(Role.VIEWER, lasts=timedelta(days=1))
    bearer = {"Authorization": f"Bearer {good}"}
    assert browser.get("/api/v1/runs", headers=bearer).status_code == 200
    (line,) = [one for one in place.api("/access")["tokens"] if one["name"] == "program viewer"]
    assert line["used_at"] is not None
    place.house.clock.advance(days=1, seconds=1)
    assert browser.get("/api/v1/runs", headers=bearer).status_code == 401


def test_what_a_program_does_stands_in_the_audit_under_its_name(place: Place) -> None:
    bearer = {"Authorization": f"Bearer {place.token(Role.OPERATOR)}"}
    browser = place.browser()
    sent: dict[str, Any] = {"json": {"sources": ["people"]}}
    done = browser.client.post("/api/v1/runs/start", headers=bearer, base_url=browser.base, **sent)
    assert done.status_code == 200
    (asked,) = place.audit("ask")
    assert (asked["actor"], asked["subject"]) == ("token program operator", "start_run")
    assert asked["detail"] == {"by": "api", "path": {}, "form": {"sources": ["people"]}}


def test_what_fails_stands_in_the_audit_as_well(place: Place) -> None:
    admin = place.inside("maria")
    admin.post(f"/console/access/users/{place.user('maria').id}/remove", seen="/console/access")
    (failed,) = place.audit("fail")
    assert (failed["actor"], failed["subject"]) == ("maria", "remove_user")
    assert failed["detail"]["why"] == "maria is the only admin"


def test_the_daemon_prints_a_link_while_there_is_nobody(house: House) -> None:
    house.configure(serve={"listen": "127.0.0.1:0", "workers": 1})
    process = subprocess.Popen(
        [sys.executable, "-m", "syncd", "serve", "--config", str(house.config)],
        cwd=house.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        first, second = process.stdout.readline(), process.stdout.readline()
        address = re.search(r"http://\S+/setup\?key=\S+", second)
        assert address, (first, second)
        with httpx.Client(base_url=str(httpx.URL(address[0]).join("/")), timeout=60) as client:
            page = client.get(address[0])
            token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
            assert token
            key = httpx.URL(address[0]).params["key"]
            form = {"csrf_token": token[1], "key": key, "name": "maria", "password": GOOD, "again": GOOD}
            assert client.post("/setup", data=form).status_code == 303
            assert client.get("/console/").status_code == 200
            assert client.get(address[0]).status_code == 410
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        process.stdout.close()
    with_somebody = house.syncd("access", "token", "list")
    assert with_somebody.code == 0
