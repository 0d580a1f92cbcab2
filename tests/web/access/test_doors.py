"""Who comes in with a password, who does not, and how long."""

from __future__ import annotations

from threading import Thread

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from sqlalchemy import select

from syncd.store.console_tables import console_sessions, console_users
from syncd.store.engine import reading
from syncd.web.access.keys import digest
from syncd.web.roles import Role
from tests.access_house import GOOD, OTHER, Place


def test_a_login_leads_to_the_page_that_was_asked_for(place: Place) -> None:
    place.hire("maria")
    browser = place.browser()
    sent = browser.get("/console/runs?page=2")
    assert (sent.status_code, sent.headers["Location"]) == (302, "/login?back=/console/runs%3Fpage%3D2")
    assert 'value="/console/runs?page=2"' in browser.get(sent.headers["Location"]).text
    inside = browser.log_in("MARIA ", back="/console/runs?page=2")
    assert (inside.status_code, inside.headers["Location"]) == (303, "/console/runs?page=2")
    assert "<h1>Runs</h1>" in browser.get("/console/runs?page=2").text
    assert browser.get("/login").headers["Location"] == "/console/"
    assert place.audit("log_in")[0]["detail"] == {"how": "password", "address": "192.0.2.7"}


def test_a_wrong_password_and_an_unknown_name_are_not_told_apart(place: Place) -> None:
    place.hire("maria")
    one, other = place.browser(), place.browser()
    wrong, unknown = one.log_in("maria", OTHER), other.log_in("nobody", OTHER)
    assert wrong.status_code == unknown.status_code == 401
    plain = [answer.text.replace("maria", "NAME").replace("nobody", "NAME") for answer in (wrong, unknown)]
    tokens = [browser.token_of("/login") for browser in (one, other)]
    assert plain[0].replace(tokens[0], "") == plain[1].replace(tokens[1], "")
    assert "syncd" not in one.cookies()


def test_passwords_sessions_and_tokens_are_not_kept(place: Place) -> None:
    browser, token = place.inside("maria"), place.token()
    key = browser.cookies()["syncd"]
    kept = (
        place.house.folder.joinpath("syncd.db").read_bytes() + place.house.folder.joinpath("syncd.db-wal").read_bytes()
    )
    assert digest(key).encode() in kept
    for secret in (GOOD, key, token):
        assert secret.encode() not in kept


def test_a_password_is_hashed_with_argon2id_as_the_library_sets_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.hire("maria")
    assert "m=64,t=1,p=1" in place.user("maria").password
    monkeypatch.undo()
    assert place.browser().log_in("maria").status_code == 303
    default = PasswordHasher()
    now_kept = extract_parameters(place.user("maria").password)
    assert now_kept.type is Type.ID
    assert (now_kept.memory_cost, now_kept.time_cost) == (default.memory_cost, default.time_cost)


def test_whoever_comes_with_a_session_gets_another(place: Place) -> None:
    """Fixation: a key that an attacker put into the browser is worth nothing after the login, and the one before ends."""
    place.hire("maria")
    browser = place.browser()
    browser.client.set_cookie("syncd", "planted", domain="127.0.0.1")
    browser.log_in("maria")
    first = browser.cookies()["syncd"]
    assert first != "planted"
    token = browser.token_of("/console/runs")
    browser.send("/login", {"csrf_token": token, "name": "maria", "password": GOOD})
    second = browser.cookies()["syncd"]
    with reading(place.app.store) as connection:
        kept = connection.execute(select(console_sessions.c.hash)).scalars().all()
    assert first != second
    assert kept == [digest(second)]


def test_an_idle_session_is_over_and_a_used_one_too_in_the_end(place: Place) -> None:
    browser = place.inside("maria")
    for _ in range(23):
        place.house.clock.advance(minutes=31)
        assert browser.get("/console/").status_code == 200
    place.house.clock.advance(minutes=31)
    assert browser.get("/console/").status_code == 302, "after twelve hours"
    browser.log_in("maria")
    place.house.clock.advance(minutes=61)
    assert browser.get("/console/").status_code == 302, "after an hour without a request"


def test_logging_out_ends_the_session_itself(place: Place) -> None:
    browser = place.inside("maria")
    key = browser.cookies()["syncd"]
    assert browser.post("/logout", seen="/console/").headers["Location"] == "/login"
    assert "You are logged out." in browser.get("/login").text
    browser.client.set_cookie("syncd", key, domain="127.0.0.1")
    assert browser.get("/console/").status_code == 302


def test_a_session_that_an_admin_ends_is_over_at_once(place: Place) -> None:
    admin, other = place.inside("maria"), place.inside("otto", Role.VIEWER)
    sessions = {one["name"]: one for one in place.api("/access")["sessions"]}
    assert other.get("/console/").status_code == 200
    assert (
        admin.post(f"/console/access/sessions/{sessions['otto']['session_id']}/end", seen="/console/access").status_code
        == 303
    )
    assert other.get("/console/").status_code == 302
    assert admin.get("/console/").status_code == 200


def test_nobody_ends_somebody_elses_session_but_an_admin(place: Place) -> None:
    place.inside("maria")
    viewer = place.inside("otto", Role.VIEWER)
    of_maria = next(one["session_id"] for one in place.api("/access")["sessions"] if one["name"] == "maria")
    assert viewer.post(f"/console/access/sessions/{of_maria}/end", seen="/console/").status_code == 403
    assert viewer.post(f"/console/access/me/sessions/{of_maria}/end", seen="/console/").status_code == 404
    assert {one["name"] for one in place.api("/access")["sessions"]} == {"maria", "otto"}


def test_another_role_counts_at_once_and_ends_what_was_begun(place: Place) -> None:
    admin, other = place.inside("maria"), place.inside("otto", Role.OPERATOR)
    number, before = place.user("otto").id, other.cookies()["syncd"]
    assert admin.post(f"/console/access/users/{number}/role", seen="/console/access", role="viewer").status_code == 303
    assert other.get("/console/").status_code == 302
    other.log_in("otto")
    assert other.cookies()["syncd"] != before
    assert other.post("/console/runs/start", seen="/console/runs").status_code == 403


def test_the_last_admin_stays(place: Place) -> None:
    admin = place.inside("maria")
    number = place.user("maria").id
    for deed, fields in (("role", {"role": "viewer"}), ("remove", {})):
        refused = admin.post(f"/console/access/users/{number}/{deed}", seen="/console/access", **fields)
        assert (refused.status_code, "maria is the only admin" in refused.text) == (409, True)
    place.hire("otto")
    assert admin.post(f"/console/access/users/{number}/remove", seen="/console/access").status_code == 303
    assert admin.get("/console/").status_code == 302


def test_a_new_password_ends_every_session(place: Place) -> None:
    one, other = place.inside("maria"), place.browser()
    other.log_in("maria")
    form = {"password": GOOD, "new": OTHER, "again": OTHER}
    wrong = one.post("/console/access/me/password", seen="/console/access/me", **{**form, "password": OTHER})
    assert wrong.status_code == 400
    weak = one.post(
        "/console/access/me/password",
        seen="/console/access/me",
        **{**form, "new": "maria maria 1", "again": "maria maria 1"},
    )
    assert (weak.status_code, "guessed too soon" in weak.text) == (400, True)
    assert other.get("/console/").status_code == 200
    assert one.post("/console/access/me/password", seen="/console/access/me", **form).status_code == 303
    assert [browser.get("/console/").status_code for browser in (one, other)] == [302, 302]
    assert one.log_in("maria").status_code == 401
    assert one.log_in("maria", OTHER).status_code == 303


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "has 5 characters"),
        ("password1234", "guessed too soon"),
        ("maria@example.com", "guessed too soon"),
        ("aaaaaaaaaaaaaaaaaaaa", "guessed too soon"),
        ("x" * 129, "has 129 characters"),
        ("copper\x00lantern 47 up", "cannot be typed"),
    ],
)
def test_a_weak_password_is_refused_with_a_reason(place: Place, password: str, why: str) -> None:
    browser, path = place.browser(), place.link()
    key = path.partition("=")[2]
    answer = browser.post("/setup", seen=path, key=key, name="maria@example.com", password=password, again=password)
    assert (answer.status_code, why in answer.text, password in answer.text) == (
        422,
        True,
        password == "maria@example.com",
    )
    assert place.user("maria@example.com") is None


def test_without_anybody_everything_but_the_set_up_is_closed(place: Place) -> None:
    browser = place.browser()
    assert "syncd access link" in browser.get("/login").text
    assert browser.get("/console/").status_code == 302
    assert browser.get("/api/v1/runs").status_code == 401
    path = place.link()
    assert "Make the first admin" in browser.get(path).text
    sent = browser.post("/setup", seen=path, key=path.partition("=")[2], name="maria", password=GOOD, again=GOOD)
    assert (sent.status_code, browser.get("/console/access").status_code) == (303, 200)


def test_a_set_up_link_is_good_once(place: Place) -> None:
    path = place.link()
    key = path.partition("=")[2]
    one, other = place.browser(), place.browser()
    late = other.token_of(path)
    assert one.post("/setup", seen=path, key=key, name="maria", password=GOOD, again=GOOD).status_code == 303
    again = other.send("/setup", {"csrf_token": late, "key": key, "name": "mallory", "password": GOOD, "again": GOOD})
    assert (again.status_code, place.user("mallory")) == (410, None)
    assert place.browser().get(path).status_code == 410


def test_of_two_who_use_a_link_at_the_same_moment_one_wins(place: Place) -> None:
    path = place.link()
    key, codes = path.partition("=")[2], []

    def use(name: str) -> None:
        codes.append(
            place.browser().post("/setup", seen=path, key=key, name=name, password=GOOD, again=GOOD).status_code
        )

    threads = [Thread(target=use, args=(f"person{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(place.app.store) as connection:
        assert len(connection.execute(select(console_users)).all()) == 1
    assert codes.count(303) == 1


def test_a_set_up_link_is_good_for_an_hour_and_void_when_another_is_made(place: Place) -> None:
    path = place.link()
    place.house.clock.advance(minutes=59)
    assert place.browser().get(path).status_code == 200
    place.house.clock.advance(minutes=2)
    assert place.browser().get(path).status_code == 410
    former, path = place.link(), place.link()
    assert [place.browser().get(one).status_code for one in (former, path)] == [410, 200]
    assert place.browser().get("/setup?key=guessed").status_code == 410


def test_somebody_new_sets_a_password_with_a_link(place: Place) -> None:
    admin = place.inside("maria")
    made = admin.post("/console/access/users/add", seen="/console/access", name="otto", role="operator")
    path = made.text.partition('value="http://127.0.0.1:8480')[2].partition('"')[0]
    assert (made.status_code, path.startswith("/setup?key=")) == (200, True)
    twice = admin.post("/console/access/users/add", seen="/console/access", name="Otto", role="admin")
    assert (twice.status_code, "somebody named Otto already" in twice.text) == (409, True)
    otto = place.browser()
    assert otto.log_in("otto", "").status_code == 401, "nobody comes in without a password"
    sent = otto.post("/setup", seen=path, key=path.partition("=")[2], name="admin", password=OTHER, again=OTHER)
    assert (sent.status_code, place.user("admin")) == (303, None)
    assert otto.get("/console/access").status_code == 403
    assert path.partition("=")[2] not in str(place.audit("ask"))
