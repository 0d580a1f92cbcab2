"""A password reset: a mail, a link that holds once, and every device signed out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete, update

from connectors.errors import PermanentError, RefusedError
from connectors.fluix.account.settings import MailSettings
from connectors.fluix.account.signing_in import SignIn
from connectors.fluix.account.tables import activity, devices, keys, mails, passwords, users
from tests.signing_in import GOOD, OTHER, PHONE, Place, quick_hashes

ANNA = "Anna@example.com"


@pytest.fixture
def place(tmp_path, monkeypatch):
    quick_hashes(monkeypatch)
    return Place(f"sqlite:///{tmp_path}/store.db")


def test_a_password_reset_sends_an_email_request(place):
    user_id = place.user(ANNA)
    place.door.send_reset("anna@example.com")
    mail = place.row(mails, mails.c.kind == "password_reset")
    assert (mail.email, mail.user_id, mail.state, mail.queued_at) == (ANNA, user_id, "queued", place.now)
    assert "http://127.0.0.1:8480/password?token=" in mail.text
    assert "2026-11-02 09:30 UTC" in mail.text
    assert mail.subject
    assert place.happened(user_id)[-1] == ("password reset asked for", ANNA)
    place.door.sign_in(ANNA, GOOD, PHONE)  # until a new one is set, the present one holds


def test_a_reset_sets_the_password_and_signs_out_every_device_in_every_account(place):
    user_id = place.user(ANNA)
    south = place.beside()
    south_id = south.add(ANNA)
    south.door.accept(south.invite(ANNA, south_id), None)
    sessions = [(place, place.door.sign_in(ANNA, GOOD, PHONE)), (south, south.door.sign_in(ANNA, GOOD, PHONE))]
    bob = place.user("bob@example.com")
    bobs = place.door.sign_in("bob@example.com", GOOD, PHONE)
    place.door.ask_reset(ANNA)
    assert place.door.reset(*place.reset_tokens(), OTHER) == ANNA
    for there, session in sessions:
        with pytest.raises(RefusedError, match="not signed in"):
            there.door.session(session.secret)
    assert place.door.session(bobs.secret).user_id == bob
    assert ("signed out", "Phone: the password was reset") in place.happened(user_id)
    assert south.happened(south_id)[-1] == ("signed out", "Phone: the password was reset")
    for there in (place, south):
        with pytest.raises(RefusedError):
            there.door.sign_in(ANNA, GOOD, PHONE)
        there.door.sign_in(ANNA, OTHER, PHONE)


def test_a_reset_link_holds_once_even_when_the_clock_stands(place):
    place.user(ANNA)
    place.door.ask_reset(ANNA)
    (token,) = place.reset_tokens()
    place.door.reset(token, OTHER)
    with pytest.raises(RefusedError, match="was used"):
        place.door.reset(token, GOOD)
    place.door.sign_in(ANNA, OTHER, PHONE)


def test_of_two_reset_links_the_one_that_is_used_voids_the_other(place):
    place.user(ANNA)
    place.door.ask_reset(ANNA)
    place.later(minutes=1)
    place.door.ask_reset(ANNA)
    first, second = place.reset_tokens()
    place.door.reset(first, OTHER)
    with pytest.raises(RefusedError, match="was used"):
        place.door.reset(second, GOOD)


def test_a_reset_link_expires(place):
    place.user(ANNA)
    place.door.ask_reset(ANNA)
    (token,) = place.reset_tokens()
    place.later(hours=1, seconds=1)
    with pytest.raises(RefusedError, match="expired"):
        place.door.reset(token, OTHER)
    place.later(seconds=-1)
    place.door.reset(token, OTHER)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\ud800", "." * 5000])
def test_a_forged_reset_link_is_refused(place, token):
    place.user(ANNA)
    with pytest.raises(RefusedError, match="forged"):
        place.door.reset(token, OTHER)


def test_an_invitations_link_resets_nothing(place):
    token = place.invite(ANNA, place.add(ANNA))
    with pytest.raises(RefusedError, match="forged"):
        place.door.reset(token, OTHER)


def test_a_reset_keeps_the_rules_and_the_link_holds_for_another_try(place):
    place.user(ANNA)
    session = place.door.sign_in(ANNA, GOOD, PHONE)
    place.door.ask_reset(ANNA)
    (token,) = place.reset_tokens()
    with pytest.raises(RefusedError, match="10 are the fewest"):
        place.door.reset(token, "short")
    place.door.session(session.secret)
    place.door.reset(token, OTHER)


def test_a_reset_link_does_not_hold_when_the_user_is_gone_or_has_another_email(place):
    place.user(ANNA)
    place.door.ask_reset(ANNA)
    (token,) = place.reset_tokens()
    with place.writing() as connection:
        connection.execute(update(users).values(email="b@example.com", email_key="b@example.com"))
    with pytest.raises(RefusedError, match=r"no user Anna@example\.com any more"):
        place.door.reset(token, OTHER)
    with place.writing() as connection:
        connection.execute(delete(users))
    with pytest.raises(RefusedError, match="any more"):
        place.door.reset(token, OTHER)


def test_a_reset_link_does_not_hold_for_a_user_who_is_only_invited(place):
    place.user(ANNA)
    place.door.ask_reset(ANNA)
    with place.writing() as connection:
        connection.execute(update(users).values(state="invited"))
    with pytest.raises(RefusedError, match="any more"):
        place.door.reset(*place.reset_tokens(), OTHER)


def test_a_user_who_came_without_a_password_gets_one_by_a_reset(place):
    place.add(ANNA, state="active")  # from a rehearsal's copy
    place.door.ask_reset(ANNA)
    (token,) = place.reset_tokens()
    place.door.reset(token, GOOD)
    with pytest.raises(RefusedError, match="was used"):
        place.door.reset(token, OTHER)
    place.door.sign_in(ANNA, GOOD, PHONE)


def test_a_reset_ends_a_block(place):
    place.user(ANNA)
    for _ in range(3):
        with pytest.raises(RefusedError):
            place.door.sign_in(ANNA, "wrong", PHONE)
    place.door.ask_reset(ANNA)
    place.door.reset(*place.reset_tokens(), OTHER)
    place.door.sign_in(ANNA, OTHER, PHONE)


@pytest.mark.parametrize(
    "email", ["nobody@example.com", "invited@example.com", "", "no address", "\ud800@x.y", "a" * 10_000]
)
def test_asking_says_the_same_whether_or_not_there_is_such_a_user(place, email):
    place.user(ANNA)
    place.add("invited@example.com")
    before = place.rows(mails), place.rows(activity)
    assert place.door.ask_reset(email) is None
    assert place.door.ask_reset(ANNA) is None
    assert place.door.ask_reset(ANNA) is None
    assert len(place.rows(mails)) == len(before[0]) + 1
    assert len(place.rows(activity)) == len(before[1]) + 1


def test_asking_writes_to_the_disk_for_an_address_that_nobody_has_too(place):
    place.user(ANNA)
    with place.engine.connect() as watching:
        for email in (ANNA, "nobody@example.com", "nobody@example.com"):
            version = watching.exec_driver_sql("PRAGMA data_version").scalar()
            watching.rollback()
            place.door.ask_reset(email)
            assert watching.exec_driver_sql("PRAGMA data_version").scalar() != version
            watching.rollback()


def test_an_address_gets_at_most_one_mail_a_minute_from_all_accounts(place):
    place.user(ANNA)
    south = place.beside()
    south.door.accept(south.invite(ANNA, south.add(ANNA)), None)
    place.door.ask_reset(ANNA)
    south.door.ask_reset(ANNA)
    place.later(seconds=59)
    place.door.ask_reset(ANNA)
    assert len(place.reset_tokens()) == 1
    with pytest.raises(RefusedError, match="just now") as caught:
        place.door.send_reset(ANNA)
    assert caught.value.cure == "wait until 2026-11-02 08:31:00 UTC"
    place.later(seconds=1)
    place.door.ask_reset(ANNA)
    assert len(place.reset_tokens()) == 2


def test_an_admin_is_told_why_no_mail_goes_out(place):
    place.add("invited@example.com")
    with pytest.raises(RefusedError, match="has not accepted the invitation"):
        place.door.send_reset("invited@example.com")
    with pytest.raises(PermanentError, match=r"there is no user nobody@example\.com"):
        place.door.send_reset("nobody@example.com")


def test_a_broken_template_is_told_and_not_passed_over(place, tmp_path):
    (tmp_path / "password_reset.en.txt").write_text("{{ broken")
    settings = replace(place.settings, mail=MailSettings(templates=tmp_path))
    for email in (ANNA, "nobody@example.com"):
        with pytest.raises(PermanentError, match="template"):
            SignIn(place.engine, lambda: place.now, settings).ask_reset(email)


def test_a_link_signed_before_the_keys_were_lost_is_forged(place):
    place.user(ANNA)
    place.door.ask_reset(ANNA)
    (token,) = place.reset_tokens()
    with place.writing() as connection:
        connection.execute(delete(keys))
    with pytest.raises(RefusedError, match="forged"):
        place.door.reset(token, OTHER)
    assert place.rows(devices) == []
    assert len(place.rows(passwords)) == 1
