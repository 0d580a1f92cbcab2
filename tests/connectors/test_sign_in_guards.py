"""Somebody who guesses passwords is stopped; who has the right one is let in, and when is noted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from connectors.errors import RefusedError
from connectors.fluix.account import logins, passwords
from connectors.fluix.account.credentials import left
from connectors.fluix.account.settings import LoginSettings, Settings
from connectors.fluix.account.tables import activity, devices, login_guards, users
from connectors.fluix.account.tables import passwords as password_rows
from tests.signing_in import GOOD, PHONE, Place, quick_hashes

ANNA = "Anna@example.com"
NOBODY = "nobody@example.com"


@pytest.fixture
def place(tmp_path, monkeypatch):
    quick_hashes(monkeypatch)
    return Place(f"sqlite:///{tmp_path}/store.db")


def guess(place, email=ANNA, password="wrong"):
    with pytest.raises(RefusedError) as caught:
        place.door.sign_in(email, password, PHONE)
    assert caught.value.cure
    return caught.value.what


def test_the_last_login_is_noted(place):
    user_id = place.user(ANNA)
    guess(place)
    assert place.row(users).last_login_at is None
    place.later(hours=3)
    place.door.sign_in(f" {ANNA.upper()} ", GOOD, PHONE)
    assert place.row(users).last_login_at == place.now
    assert place.happened(user_id)[-1] == ("signed in", "Phone")


def test_three_wrong_passwords_block_and_each_block_is_longer(place):
    user_id = place.user(ANNA)
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        assert guess(place) == guess(place) == "the email or the password is wrong"
        until = logins.moment(place.now + timedelta(minutes=minutes))
        assert f"until {until}" in guess(place)
        place.later(minutes=minutes, seconds=-1)
        assert guess(place, password=GOOD) == f"too many wrong passwords: nobody can sign in with {ANNA} until {until}"
        place.later(seconds=1)
    place.door.sign_in(ANNA, GOOD, PHONE)
    assert [kind for kind, _ in place.happened(user_id)].count("blocked") == 8
    assert place.rows(login_guards) == []
    assert "wrong" in guess(place)
    guess(place)
    assert "08:" in guess(place) or "until" in guess(place)


def test_after_a_good_login_counting_begins_anew(place):
    place.user(ANNA)
    for _ in range(5):
        guess(place)
        guess(place)
        place.door.sign_in(ANNA, GOOD, PHONE)


def test_a_blocked_password_is_not_looked_at(place, monkeypatch):
    place.user(ANNA)
    for _ in range(3):
        guess(place)
    looked = []
    monkeypatch.setattr(passwords, "matches", lambda *words: looked.append(words))
    assert "too many" in guess(place, password=GOOD)
    assert looked == []


def test_how_many_and_how_long_are_settings(tmp_path, monkeypatch):
    quick_hashes(monkeypatch)
    logins = LoginSettings(tries=1, block=timedelta(minutes=5), longest_block=timedelta(minutes=7))
    place = Place(f"sqlite:///{tmp_path}/store.db", Settings(logins=logins))
    place.user(ANNA)
    for minutes in (5, 7, 7):
        assert "until" in guess(place)
        place.later(minutes=minutes, seconds=-1)
        assert "too many" in guess(place, password=GOOD)
        place.later(seconds=1)
    place.door.sign_in(ANNA, GOOD, PHONE)


def test_what_is_said_and_done_is_the_same_for_an_address_that_nobody_has(place, monkeypatch):
    place.user(ANNA)
    place.add("invited@example.com")
    real, looked = passwords.matches, []
    monkeypatch.setattr(passwords, "matches", lambda *words: looked.append(words) or real(*words))
    said = {}
    for email in (ANNA, NOBODY, "invited@example.com"):
        looked.clear()
        said[email] = [guess(place, email).replace(email, "X") for _ in range(5)], len(looked)
    assert said[ANNA] == said[NOBODY] == said["invited@example.com"]
    assert said[ANNA][1] == 3


def test_nothing_of_a_stranger_is_left_in_the_activity(place):
    for _ in range(3):
        guess(place, NOBODY)
    assert place.rows(activity) == []


def test_a_guard_is_shared_by_the_accounts_of_a_person(place):
    place.user(ANNA)
    south = place.beside()
    south.door.accept(south.invite(ANNA, south.add(ANNA)), None)
    guess(place)
    guess(south)
    guess(place)
    assert "too many" in guess(south, password=GOOD)


def test_the_password_of_another_account_opens_only_where_one_is_a_user(place):
    place.user(ANNA)
    south = place.beside()
    assert guess(south, password=GOOD) == "the email or the password is wrong"


@pytest.mark.parametrize("wrong", [40])
def test_guesses_at_the_same_moment_do_not_slip_through(place, monkeypatch, wrong):
    place.user(ANNA)
    real, looked = passwords.matches, []
    monkeypatch.setattr(passwords, "matches", lambda *words: looked.append(words) or real(*words))

    def attempt(number):
        try:
            place.door.sign_in(ANNA, f"guess {number}", PHONE)
        except RefusedError as error:
            return error.what
        return "in"

    with ThreadPoolExecutor(12) as pool:
        said = list(pool.map(attempt, range(wrong)))
    assert len(looked) == 3
    assert sum("too many" in what for what in said) == wrong - 3
    assert "in" not in said


def test_devices_that_sign_in_at_the_same_moment_stay_within_the_limit(tmp_path, monkeypatch):
    quick_hashes(monkeypatch)
    place = Place(f"sqlite:///{tmp_path}/store.db", Settings(logins=LoginSettings(tries=100)))
    user_id = place.user(ANNA)
    with ThreadPoolExecutor(8) as pool:
        made = pool.map(lambda n: place.door.sign_in(ANNA, GOOD, type(PHONE)(f"d{n}", f"Device {n}")), range(16))
        sessions = list(made)
    assert len(place.rows(devices, devices.c.user_id == user_id)) == 3
    assert len({session.secret for session in sessions}) == 16
    assert sum(len(session.signed_out) for session in sessions) == 13


def test_a_password_that_is_reset_meanwhile_does_not_open(place, monkeypatch):
    place.user(ANNA)
    real = passwords.matches

    def meanwhile(*words):
        found = real(*words)
        with place.writing() as connection:
            passwords.keep(connection, ANNA.casefold(), passwords.hashed("Another-One-11"), place.now)
        return found

    monkeypatch.setattr(passwords, "matches", meanwhile)
    assert "changed at this moment" in guess(place, password=GOOD)
    assert place.rows(devices) == []


@pytest.mark.parametrize(
    "email", ["", " ", "no address", "a@b@c", "\ud800@x.example", "a\0@x.example", "x" * 100_000 + "@x.y"]
)
def test_what_is_no_address_is_refused_and_not_kept(place, email):
    assert guess(place, email) == "the email or the password is wrong"
    assert place.rows(login_guards) == []


@pytest.mark.parametrize("email", ["' OR 1=1 --@x.example", "%@example.com", "anna%40example.com@example.com"])
def test_an_address_is_never_a_pattern(place, email):
    place.user(ANNA)
    assert guess(place, email, GOOD) == "the email or the password is wrong"


def test_strangers_are_forgotten_after_a_day_and_users_are_not(place):
    place.user(ANNA)
    for email in (ANNA, NOBODY, "other@example.com"):
        for _ in range(4):
            guess(place, email)
    guess(place, "once@example.com")
    assert place.door.forget_strangers() == 0
    place.later(hours=25)
    guess(place, "fresh@example.com")
    assert place.door.forget_strangers() == 3
    assert {row.email_key for row in place.rows(login_guards)} == {ANNA.casefold(), "fresh@example.com"}


def test_the_password_and_the_guard_go_with_the_last_user_of_an_address(place):
    place.user(ANNA)
    south = place.beside()
    south.door.accept(south.invite(ANNA, south.add(ANNA)), None)
    guess(place)
    for account, rows in (("main", 1), ("south", 0)):
        with place.writing() as connection:
            connection.execute(users.delete().where(users.c.account == account))
            left(connection, [ANNA.casefold()])
        assert len(place.rows(password_rows)) == len(place.rows(login_guards)) == rows
