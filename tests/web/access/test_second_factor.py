"""Codes of an authenticator app: set up, asked for, taken once; and what replaces them."""

from __future__ import annotations

import re
from datetime import timedelta
from xml.etree import ElementTree as ET

import pyotp

from syncd.web.access.attempts import ACCOUNT
from tests.access_house import GOOD, OTHER, Browser, Place

ME = "/console/access/me"


def set_up(place: Place, browser: Browser) -> tuple[pyotp.TOTP, list[str]]:
    """A second factor, and its recovery codes."""
    browser.post(f"{ME}/code/begin", seen=ME)
    secret = re.search(r'class="secret"><code>([A-Z2-7]+)<', browser.get(ME).text)
    assert secret
    app = pyotp.TOTP(secret[1])
    wrong = browser.post(f"{ME}/code/confirm", seen=ME, code="000000")
    assert wrong.status_code == 400
    shown = browser.post(f"{ME}/code/confirm", seen=ME, code=app.at(place.house.clock.now))
    codes = re.findall(r"<li><code>([a-z2-9-]+)</code>", shown.text)
    assert (shown.status_code, len(set(codes))) == (200, 10)
    place.house.clock.advance(seconds=60)
    return app, codes


def at_the_code(place: Place) -> Browser:
    browser = place.browser()
    assert browser.log_in("maria", back="/console/runs").headers["Location"] == "/login/code"
    return browser


def test_a_code_is_asked_for_and_nothing_is_open_before(place: Place) -> None:
    app, _ = set_up(place, place.inside("maria"))
    browser = at_the_code(place)
    assert browser.get("/console/").status_code == 302
    assert browser.post("/login/code", code="000000").status_code == 401
    sent = browser.post("/login/code", code=f" {app.at(place.house.clock.now)} ")
    assert (sent.status_code, sent.headers["Location"]) == (303, "/console/runs")
    assert browser.get("/console/").status_code == 200
    assert place.audit("log_in")[-1]["detail"]["how"] == "code"


def test_a_code_is_not_taken_twice_nor_one_before_it(place: Place) -> None:
    app, _ = set_up(place, place.inside("maria"))
    now = place.house.clock.now
    former, code = app.at(now - timedelta(seconds=30)), app.at(now)
    assert at_the_code(place).post("/login/code", code=code).status_code == 303
    for replayed in (code, former):
        assert at_the_code(place).post("/login/code", code=replayed).status_code == 401
    place.house.clock.advance(seconds=30)
    assert at_the_code(place).post("/login/code", code=app.at(place.house.clock.now)).status_code == 303


def test_the_code_that_set_it_up_does_not_let_anybody_in(place: Place) -> None:
    browser = place.inside("maria")
    browser.post(f"{ME}/code/begin", seen=ME)
    secret = re.search(r'class="secret"><code>([A-Z2-7]+)<', browser.get(ME).text)
    assert secret
    code = pyotp.TOTP(secret[1]).at(place.house.clock.now)
    assert browser.post(f"{ME}/code/confirm", seen=ME, code=code).status_code == 200
    assert at_the_code(place).post("/login/code", code=code).status_code == 401


def test_a_recovery_code_is_taken_once_and_only_its_owners(place: Place) -> None:
    _, codes = set_up(place, place.inside("maria"))
    place.hire("otto")
    assert at_the_code(place).post("/login/code", code=codes[0].upper()).status_code == 303
    assert at_the_code(place).post("/login/code", code=codes[0]).status_code == 401
    browser = at_the_code(place)
    browser.post("/login/code", code=codes[1])
    assert "You have 8 recovery codes left." in browser.get(ME).text
    shown = browser.post(f"{ME}/code/renew", seen=ME, password=GOOD)
    assert shown.status_code == 200
    assert at_the_code(place).post("/login/code", code=codes[2]).status_code == 401
    kept = (
        place.house.folder.joinpath("syncd.db").read_bytes() + place.house.folder.joinpath("syncd.db-wal").read_bytes()
    )
    assert not any(code.encode() in kept for code in codes)


def test_codes_are_guessed_no_faster_than_passwords(place: Place) -> None:
    app, _ = set_up(place, place.inside("maria"))
    browser = at_the_code(place)
    for _ in range(ACCOUNT.free):
        assert browser.post("/login/code", code="000000").status_code == 401
    code = app.at(place.house.clock.now)
    assert browser.post("/login/code", code=code).status_code == 401, "the right one, too early"
    assert place.audit("lock_out")[0]["subject"] == "user maria"


def test_the_password_and_the_code_belong_together_for_five_minutes(place: Place) -> None:
    app, _ = set_up(place, place.inside("maria"))
    browser = at_the_code(place)
    token = browser.token_of("/login/code")
    place.house.clock.advance(minutes=6)
    late = browser.send("/login/code", {"csrf_token": token, "code": app.at(place.house.clock.now)})
    assert late.headers["Location"] == "/login"
    assert place.browser().get("/login/code").headers["Location"] == "/login"


def test_a_password_that_was_changed_meanwhile_does_not_go_with_a_code(place: Place) -> None:
    inside = place.inside("maria")
    app, _ = set_up(place, inside)
    browser = at_the_code(place)
    inside.post(f"{ME}/password", seen=ME, password=GOOD, new=OTHER, again=OTHER)
    assert browser.post("/login/code", code=app.at(place.house.clock.now)).status_code == 401


def test_it_is_taken_away_with_the_password_alone(place: Place) -> None:
    inside = place.inside("maria")
    set_up(place, inside)
    assert inside.post(f"{ME}/code/remove", seen=ME, password=OTHER).status_code == 400
    assert inside.post(f"{ME}/code/remove", seen=ME, password=GOOD).status_code == 303
    assert place.browser().log_in("maria").headers["Location"] == "/console/"


def test_a_link_for_a_new_password_does_not_go_around_it(place: Place) -> None:
    admin = place.inside("maria")
    set_up(place, admin)
    path = place.link(place.user("maria").id)
    sent = place.browser().post("/setup", seen=path, key=path.partition("=")[2], password=OTHER, again=OTHER)
    assert sent.headers["Location"] == "/login/code"


def test_the_picture_is_drawn_for_whoever_sets_it_up(place: Place) -> None:
    browser = place.inside("maria")
    assert browser.get(f"{ME}/code.svg").status_code == 404
    browser.post(f"{ME}/code/begin", seen=ME)
    picture = browser.get(f"{ME}/code.svg")
    assert (picture.content_type, picture.headers["Cache-Control"]) == ("image/svg+xml", "no-store")
    assert ET.fromstring(picture.data).tag.endswith("svg")


def test_secrets_of_forms_stand_nowhere_in_the_audit(place: Place) -> None:
    inside = place.inside("maria")
    set_up(place, inside)
    inside.post(f"{ME}/password", seen=ME, password=GOOD, new=OTHER, again=OTHER)
    told = str([place.audit(action) for action in ("ask", "fail")])
    assert "change_password" in told
    assert GOOD not in told
    assert OTHER not in told
