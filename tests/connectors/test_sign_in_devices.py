"""Connected devices: a number of them, the first of which goes when there is one more; and what a user does on them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.errors import PermanentError, RefusedError
from connectors.fluix.account.devices import seen
from connectors.fluix.account.settings import Settings
from connectors.fluix.account.signing_in import Device, Session, SignIn
from connectors.fluix.account.tables import devices, documents
from tests.signing_in import GOOD, PHONE, Place, quick_hashes

ANNA = "anna@example.com"


@pytest.fixture
def place(tmp_path, monkeypatch):
    quick_hashes(monkeypatch)
    return Place(f"sqlite:///{tmp_path}/store.db")


def sign_in(place, name, **about):
    place.later(seconds=1)
    return place.door.sign_in(ANNA, GOOD, Device(name.lower(), name, **about))


def names(place, email=ANNA):
    return [one["name"] for one in place.door.devices(email)]


def test_one_device_more_than_three_logs_the_user_out_of_the_first(place):
    user_id = place.user(ANNA)
    first, second, third = (sign_in(place, name) for name in ("Phone", "Tablet", "Desk"))
    assert first.signed_out == second.signed_out == third.signed_out == ()
    fourth = sign_in(place, "Watch")
    assert fourth.signed_out == ("Phone",)
    assert names(place) == ["Tablet", "Desk", "Watch"]
    with pytest.raises(RefusedError, match="not signed in") as caught:
        place.door.session(first.secret)
    assert caught.value.cure == "sign in again"
    for session in (second, third, fourth):
        assert place.door.session(session.secret).device_id == session.device_id
    assert place.happened(user_id)[-2:] == [
        ("signed out", "Phone: Watch was one more than allowed"),
        ("signed in", "Watch"),
    ]


def test_the_number_of_devices_is_a_setting(place):
    place.user(ANNA)
    place.settings = replace(place.settings, devices=1)
    place.door = SignIn(place.engine, lambda: place.now, place.settings)
    sign_in(place, "Phone")
    assert sign_in(place, "Tablet").signed_out == ("Phone",)


def test_when_the_number_is_lowered_the_surplus_goes_at_the_next_sign_in(place):
    place.user(ANNA)
    sessions = [sign_in(place, name) for name in ("Phone", "Tablet", "Desk")]
    place.door = SignIn(place.engine, lambda: place.now, Settings(devices=2))
    assert place.door.session(sessions[0].secret)
    assert sign_in(place, "Desk").signed_out == ("Phone",)
    assert sign_in(place, "Watch").signed_out == ("Tablet",)


def test_the_same_identifier_is_the_same_device_refreshed(place):
    place.user(ANNA)
    first = place.door.sign_in(ANNA, GOOD, Device("x", "Phone", "iOS 18", "8.0"))
    sign_in(place, "Tablet")
    place.later(days=1)
    again = place.door.sign_in(ANNA, GOOD, Device(" x ", "Anna's phone", "iOS 19", "8.1"))
    assert again.device_id == first.device_id
    assert again.secret != first.secret
    with pytest.raises(RefusedError):
        place.door.session(first.secret)
    _, one = place.door.devices(ANNA)  # it signed in last
    assert one == {
        "device_id": first.device_id,
        "identifier": "x",
        "name": "Anna's phone",
        "platform": "iOS 19",
        "app_version": "8.1",
        "signed_in_at": place.now.isoformat(),
        "seen_at": place.now.isoformat(),
    }


def test_the_same_device_of_two_users_is_two_devices(place):
    place.user(ANNA)
    bob = place.user("bob@example.com")
    annas, bobs = (place.door.sign_in(email, GOOD, PHONE) for email in (ANNA, "bob@example.com"))
    assert annas.device_id != bobs.device_id
    assert place.door.session(bobs.secret).user_id == bob
    assert place.door.session(annas.secret).user_id != bob


def test_the_admin_can_log_one_device_out(place):
    user_id = place.user(ANNA)
    phone, tablet, desk = (sign_in(place, name) for name in ("Phone", "Tablet", "Desk"))
    assert place.door.sign_out(ANNA.upper(), phone.device_id) == "Phone"
    assert place.door.sign_out(ANNA, str(desk.device_id)) == "Desk"
    assert names(place) == ["Tablet"]
    assert place.door.session(tablet.secret)
    assert place.door.sign_out(ANNA, "tablet") == "Tablet"
    assert [text for kind, text in place.happened(user_id) if kind == "signed out"] == [
        "Phone: by an admin",
        "Desk: by an admin",
        "Tablet: by an admin",
    ]
    for session in (phone, tablet, desk):
        with pytest.raises(RefusedError):
            place.door.session(session.secret)


@pytest.mark.parametrize("which", [0, -1, 10**30, "", "phone ", "nothing", "\ud800", "%", "bobs"])
def test_a_device_that_is_not_there_is_named_and_nobody_is_logged_out(place, which):
    place.user(ANNA)
    place.user("bob@example.com")
    session = sign_in(place, "Phone")
    place.door.sign_in("bob@example.com", GOOD, Device("bobs", "Bob's"))
    with pytest.raises(PermanentError, match=rf"there are {session.device_id} \(Phone\)") as caught:
        place.door.sign_out(ANNA, which)
    assert caught.value.cure
    assert len(place.rows(devices)) == 2


def test_a_device_is_never_logged_out_by_somebody_elses_id(place):
    place.user(ANNA)
    place.user("bob@example.com")
    session = sign_in(place, "Phone")
    with pytest.raises(PermanentError, match="there is none"):
        place.door.sign_out("bob@example.com", session.device_id)
    assert names(place) == ["Phone"]


def test_an_identifier_cannot_pose_as_another_devices_id(place):
    place.user(ANNA)
    phone = sign_in(place, "Phone")
    place.door.sign_in(ANNA, GOOD, Device(str(phone.device_id), "Trick"))
    assert place.door.sign_out(ANNA, phone.device_id) == "Phone"


@pytest.mark.parametrize("ask", ["devices", "sign_out"])
def test_who_is_not_there_is_named(place, ask):
    with pytest.raises(PermanentError, match=r"no user nobody@example\.com"):
        getattr(place.door, ask)("nobody@example.com", *([1] if ask == "sign_out" else []))


@pytest.mark.parametrize(
    ("device", "said"),
    [
        (Device("", "Phone"), "identifier is empty"),
        (Device("  ", "Phone"), "identifier is empty"),
        (Device("x", " "), "name is empty"),
        (Device("x" * 201, "Phone"), "201 characters"),
        (Device("x", "P" * 101), "101 characters"),
        (Device("x", "Pho\nne"), "a line break"),
        (Device("x", "Pho\u202ene"), "RIGHT-TO-LEFT OVERRIDE"),
        (Device("x\0", "Phone"), "a NUL"),
        (Device("x", "\ud800"), "contains"),
        (Device("x", "Phone", "i\tOS"), "a tab"),
        (Device("x", "Phone", "iOS", "8" * 101), "app_version has 101"),
    ],
)
def test_a_device_that_describes_itself_badly_is_refused_before_the_password_is_looked_at(place, device, said):
    place.user(ANNA)
    for _ in range(4):  # and is no guess
        with pytest.raises(RefusedError, match=said):
            place.door.sign_in(ANNA, GOOD, device)
    assert place.rows(devices) == []
    sign_in(place, "مریم 📱")


# --- sessions -----------------------------------------------------------------------------------------------------


def test_a_session_is_a_random_secret_of_which_only_the_digest_is_stored(place):
    place.user(ANNA)
    session = sign_in(place, "Phone")
    assert len(session.secret) >= 43
    assert session.secret not in repr(session)
    assert place.row(devices).session == hashlib.sha256(session.secret.encode()).hexdigest()
    assert place.door.session(session.secret) == replace(session, signed_out=())


@pytest.mark.parametrize("secret", ["", "x", "\ud800", "\0", "x" * 1_000_000, "%"])
def test_a_session_that_never_was_is_refused(place, secret):
    place.user(ANNA)
    stored = place.door.sign_in(ANNA, GOOD, PHONE)
    for wrong in (secret, place.row(devices).session, stored.secret + " ", stored.secret.swapcase()):
        with pytest.raises(RefusedError, match="not signed in"):
            place.door.session(wrong)


def test_a_session_of_another_account_is_none_here(place):
    place.user(ANNA)
    session = sign_in(place, "Phone")
    with pytest.raises(RefusedError):
        place.beside().door.session(session.secret)


def test_when_a_device_was_seen_is_noted_at_most_once_a_minute(place):
    place.user(ANNA)
    session = place.door.sign_in(ANNA, GOOD, PHONE)
    signed_in_at = place.now

    def seen_after(seconds):
        place.later(seconds=seconds)
        place.door.session(session.secret)
        return (place.row(devices).seen_at - signed_in_at).total_seconds()

    assert [seen_after(seconds) for seconds in (59, 1, 30, 29, 1)] == [0, 60, 60, 60, 120]
    assert seen_after(-3600) == 120  # a clock that is put back takes nothing back
    assert place.row(devices).signed_in_at == signed_in_at


def test_of_two_calls_at_once_the_later_moment_stays(place):
    place.user(ANNA)
    device_id = place.door.sign_in(ANNA, GOOD, PHONE).device_id
    for minutes in (5, 4):
        with place.writing() as connection:
            seen(connection, device_id, place.now + timedelta(minutes=minutes))
    assert place.row(devices).seen_at == place.now + timedelta(minutes=5)


# --- documents ----------------------------------------------------------------------------------------------------


def assign(place, user_id, *made):
    with place.writing() as connection:
        connection.execute(documents.insert(), [{"title": t, "state": s, "user_id": user_id} for t, s in made])


def open_documents(place):
    return [(row.title, row.state) for row in place.rows(documents)]


def test_the_activity_tells_submitted_and_edited_documents(place):
    user_id = place.user(ANNA)
    session = sign_in(place, "Phone")
    place.door.edit_document(session, "Form 7")
    place.door.submit_document(session, " Form 7 ")
    assert place.happened(user_id)[-2:] == [("edited", "Form 7"), ("submitted", "Form 7")]


def test_a_document_that_is_submitted_is_not_open_any_more(place):
    user_id, bob = place.user(ANNA), place.user("bob@example.com")
    assign(place, user_id, ("Form 7", "assigned"), ("Form 7", "draft"), ("Form 8", "draft"))
    assign(place, bob, ("Form 7", "draft"))
    session = sign_in(place, "Phone")
    place.door.edit_document(session, "Form 7")
    assert len(open_documents(place)) == 4
    place.door.submit_document(session, "Form 7")
    assert open_documents(place) == [("Form 7", "assigned"), ("Form 8", "draft"), ("Form 7", "draft")]
    place.door.submit_document(session, "Form 7")
    place.door.submit_document(session, "Form 7")
    assert open_documents(place) == [("Form 8", "draft"), ("Form 7", "draft")]


@pytest.mark.parametrize("title", ["", "  ", "x" * 301, "a\0b", "a\nb", "\ud800"])
def test_a_title_that_is_none_is_refused(place, title):
    user_id = place.user(ANNA)
    session = sign_in(place, "Phone")
    before = place.happened(user_id)
    for use in (place.door.submit_document, place.door.edit_document):
        with pytest.raises(RefusedError) as caught:
            use(session, title)
        assert caught.value.cure
    assert place.happened(user_id) == before


def test_nothing_is_submitted_from_a_device_that_is_signed_out_or_made_up(place):
    user_id = place.user(ANNA)
    assign(place, user_id, ("Form 7", "draft"))
    session = sign_in(place, "Phone")
    place.door.sign_out(ANNA, "phone")
    for one in (session, Session("made up", user_id, 1), Session("", user_id, 1)):
        with pytest.raises(RefusedError, match="not signed in"):
            place.door.submit_document(one, "Form 7")
    assert open_documents(place) == [("Form 7", "draft")]
