"""Accepting an invitation: a link that holds once, for the person it was sent to, and a first password."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from connectors.errors import RefusedError
from connectors.fluix.account.credentials import moved
from connectors.fluix.account.mail import links
from connectors.fluix.account.settings import InvitationSettings
from connectors.fluix.account.signing_in import SignIn
from connectors.fluix.account.tables import passwords, users
from tests.signing_in import GOOD, OTHER, PHONE, Place, quick_hashes

ANNA = "Anna@example.com"


@pytest.fixture
def place(tmp_path, monkeypatch):
    quick_hashes(monkeypatch)
    return Place(f"sqlite:///{tmp_path}/store.db")


def refused(place, token, password=GOOD):
    before = place.rows(users), place.rows(passwords), place.happened()
    with pytest.raises(RefusedError) as caught:
        place.door.accept(token, password)
    assert caught.value.cure
    assert (place.rows(users), place.rows(passwords), place.happened()) == before
    return caught.value.what


def test_an_invitation_that_is_accepted_makes_the_user_active_with_a_password(place):
    user_id = place.add(ANNA)
    token = place.invite(ANNA, user_id)
    person = place.door.invitation(token)
    assert (person.email, person.name, person.has_password) == (ANNA, "Anna Berg", False)
    assert place.door.accept(token, GOOD) == ANNA
    assert place.row(users).state == "active"
    assert place.row(users).last_login_at is None
    assert place.happened(user_id) == [("accepted the invitation", ANNA)]
    place.door.sign_in("anna@EXAMPLE.com", GOOD, PHONE)


def test_an_invited_user_cannot_sign_in_before_accepting(place):
    user_id = place.add(ANNA)
    with pytest.raises(RefusedError, match="the email or the password is wrong"):
        place.door.sign_in(ANNA, GOOD, PHONE)
    place.beside().user(ANNA)  # with the right password, of another account, it is told
    with pytest.raises(RefusedError, match="has not accepted the invitation"):
        place.door.sign_in(ANNA, GOOD, PHONE)
    assert place.row(users, users.c.user_id == user_id).last_login_at is None


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\0", "\ud800", "é" * 9000, "." * 4000])
def test_a_forged_link_is_refused(place, token):
    place.invite(ANNA, place.add(ANNA))
    assert "forged" in refused(place, token)


def test_a_link_of_which_one_letter_was_changed_is_refused(place):
    token = place.invite(ANNA, place.add(ANNA))
    for at in (0, len(token) // 2):
        assert "forged" in refused(place, token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :])


def test_a_link_of_another_purpose_or_account_is_refused(place):
    user_id = place.add(ANNA)
    place.invite(ANNA, user_id)
    with place.writing() as connection:
        token = links.sign(connection, "password_reset", {"user": user_id, "email": ANNA, "mail": 1}, place.now)
    assert "forged" in refused(place, token)
    south = place.beside()
    assert "forged" in refused(place, south.invite(ANNA, south.add(ANNA)))


def test_a_link_holds_until_it_expires_and_not_after(place):
    token = place.invite(ANNA, place.add(ANNA))
    place.later(days=14, seconds=1)
    assert "expired" in refused(place, token)
    place.later(seconds=-1)
    place.door.accept(token, GOOD)


def test_the_settings_say_how_long_a_link_holds(place):
    settings = replace(place.settings, invitations=InvitationSettings(expire=timedelta(hours=1)))
    token = place.invite(ANNA, place.add(ANNA))
    place.later(hours=1, seconds=1)
    with pytest.raises(RefusedError, match="expired"):
        SignIn(place.engine, lambda: place.now, settings).accept(token, GOOD)
    place.door.accept(token, GOOD)


def test_a_link_holds_once(place):
    token = place.invite(ANNA, place.add(ANNA))
    place.door.accept(token, GOOD)
    assert "accepted already" in refused(place, token, OTHER)


def test_only_the_last_invitation_holds(place):
    user_id = place.add(ANNA)
    first = place.invite(ANNA, user_id)
    second = place.invite(ANNA, user_id)
    assert "newer invitation" in refused(place, first)
    place.door.accept(second, GOOD)


def test_a_link_does_not_hold_when_the_user_is_gone_or_has_another_email(place):
    user_id = place.add(ANNA)
    token = place.invite(ANNA, user_id)
    with place.writing() as connection:
        connection.execute(update(users).values(email="b@example.com", email_key="b@example.com"))
    assert "not the user's address any more" in refused(place, token)
    with place.writing() as connection:
        connection.execute(delete(users))
    assert "not a user any more" in refused(place, token)


def test_a_change_of_capital_letters_in_the_email_keeps_the_link(place):
    token = place.invite(ANNA, place.add(ANNA))
    with place.writing() as connection:
        connection.execute(update(users).values(email="ANNA@example.com"))
    place.door.accept(token, GOOD)


def test_a_password_that_breaks_rules_leaves_the_invitation_open(place):
    token = place.invite(ANNA, place.add(ANNA))
    assert "10 are the fewest" in refused(place, token, "short")
    assert "is needed" in refused(place, token, None)
    assert "is needed" in refused(place, token, "")
    place.door.accept(token, GOOD)


# --- several accounts ---------------------------------------------------------------------------------------------


def test_a_user_of_several_accounts_has_one_password_for_all_of_them(place):
    place.user(ANNA)
    south = place.beside()
    token = south.invite(ANNA, south.add(ANNA))
    assert south.door.invitation(token).has_password
    south.door.accept(token, None)
    assert len(place.rows(passwords)) == 1
    south.door.sign_in(ANNA, GOOD, PHONE)
    place.door.sign_in(ANNA, GOOD, PHONE)


def test_the_password_of_another_account_must_fit_when_it_is_given(place):
    place.user(ANNA)
    south = place.beside()
    token = south.invite(ANNA, south.add(ANNA))
    with pytest.raises(RefusedError, match="wrong"):
        south.door.accept(token, OTHER)
    assert south.row(users, users.c.account == "south").state == "invited"
    south.door.accept(token, GOOD)


def test_guesses_at_accepting_are_counted_like_those_at_signing_in(place):
    place.user(ANNA)
    south = place.beside()
    token = south.invite(ANNA, south.add(ANNA))
    for _ in range(3):
        with pytest.raises(RefusedError, match="wrong"):
            south.door.accept(token, OTHER)
    with pytest.raises(RefusedError, match="too many"):
        south.door.accept(token, GOOD)


def test_a_password_that_no_active_user_has_counts_as_none(place):
    with place.writing() as connection:
        connection.execute(passwords.insert().values(email_key=ANNA.casefold(), hash="left over", set_at=place.now))
    token = place.invite(ANNA, place.add(ANNA))
    assert not place.door.invitation(token).has_password
    place.door.accept(token, GOOD)
    place.door.sign_in(ANNA, GOOD, PHONE)


def test_who_is_changed_while_the_password_is_hashed_is_asked_again(place, monkeypatch):
    user_id = place.add(ANNA)
    token = place.invite(ANNA, user_id)
    from connectors.fluix.account import passwords as rules

    real = rules.hashed

    def meanwhile(password):
        with place.writing() as connection:
            connection.execute(update(users).values(name="Other"))
        return real(password)

    with monkeypatch.context() as patched:
        patched.setattr(rules, "hashed", meanwhile)
        with pytest.raises(RefusedError, match="at this moment"):
            place.door.accept(token, GOOD)
    assert place.row(users).state == "invited"


# --- an address that changes --------------------------------------------------------------------------------------


def move(place, changes):
    """Give users of an account new addresses, as one call of apply does."""
    with place.writing() as connection:
        for number, old in enumerate(changes):
            there = (users.c.account == place.settings.name, users.c.email_key == old)
            connection.execute(update(users).where(*there).values(email_key=f"between {number}"))
        for number, new in enumerate(changes.values()):
            there = (users.c.account == place.settings.name, users.c.email_key == f"between {number}")
            connection.execute(update(users).where(*there).values(email=new, email_key=new))
        moved(connection, changes.items())


def opens(place, email, password):
    try:
        place.door.sign_in(email, password, PHONE)
    except RefusedError:
        return False
    return True


def test_a_password_goes_with_its_user_to_a_new_address(place):
    place.user("a@example.com")
    move(place, {"a@example.com": "b@example.com"})
    assert [row.email_key for row in place.rows(passwords)] == ["b@example.com"]
    assert opens(place, "b@example.com", GOOD)


def test_two_who_change_places_keep_their_own_passwords(place):
    place.user("a@example.com", GOOD)
    place.user("b@example.com", OTHER)
    move(place, {"a@example.com": "b@example.com", "b@example.com": "a@example.com"})
    assert opens(place, "b@example.com", GOOD)
    assert opens(place, "a@example.com", OTHER)
    assert not opens(place, "a@example.com", GOOD)


def test_what_is_left_over_at_the_new_address_is_nobodys(place):
    place.user("a@example.com", GOOD)
    with place.writing() as connection:
        connection.execute(passwords.insert().values(email_key="b@example.com", hash="left over", set_at=place.now))
    move(place, {"a@example.com": "b@example.com"})
    assert opens(place, "b@example.com", GOOD)


def test_a_chain_of_changes_mixes_up_nobody(place):
    place.user("a@example.com", GOOD)
    place.user("b@example.com", OTHER)
    move(place, {"b@example.com": "c@example.com", "a@example.com": "b@example.com"})
    assert opens(place, "c@example.com", OTHER)
    assert opens(place, "b@example.com", GOOD)


def test_a_password_stays_as_well_where_another_account_has_the_address(place):
    place.user("a@example.com")
    south = place.beside()
    south.door.accept(south.invite("a@example.com", south.add("a@example.com")), None)
    move(place, {"a@example.com": "b@example.com"})
    assert opens(place, "b@example.com", GOOD)
    assert opens(south, "a@example.com", GOOD)
    move(south, {"a@example.com": "b@example.com"})
    assert [row.email_key for row in place.rows(passwords)] == ["b@example.com"]
    assert opens(south, "b@example.com", GOOD)


def test_nobody_takes_over_the_address_of_somebody_in_another_account(place):
    south = place.beside()
    south.user("victim@example.com", OTHER)
    south.add("waiting@example.com")
    place.user("a@example.com", GOOD)
    move(place, {"a@example.com": "victim@example.com"})
    assert opens(south, "victim@example.com", OTHER)
    assert not opens(south, "victim@example.com", GOOD)
    place.user("b@example.com", GOOD)
    move(place, {"b@example.com": "waiting@example.com"})
    assert [row.email_key for row in place.rows(passwords)] == ["victim@example.com"]
