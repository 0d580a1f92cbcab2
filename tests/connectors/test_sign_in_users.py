"""What changing and deleting users does to their passwords, guards and devices."""

from __future__ import annotations

import pytest

from connectors.errors import RefusedError
from connectors.fluix.account import EmbeddedAccount
from connectors.fluix.account.tables import devices, login_guards, passwords
from connectors.model import Step
from tests.signing_in import GOOD, OTHER, PHONE, Place, quick_hashes


@pytest.fixture
def place(tmp_path, monkeypatch):
    quick_hashes(monkeypatch)
    return Place(f"sqlite:///{tmp_path}/store.db")


def account_of(place):
    return EmbeddedAccount(place.engine, lambda: place.now, place.settings)


def change(place, *changes):
    """Give users (id, email) other addresses in one call."""
    steps = [Step(f"{n}", "update_user", str(user_id), {"email": email}) for n, (user_id, email) in enumerate(changes)]
    assert {outcome.state for outcome in account_of(place).apply(steps)} == {"done"}


def test_a_user_whose_email_changes_keeps_the_password_and_the_devices(place):
    user_id = place.user("a@example.com")
    session = place.door.sign_in("a@example.com", GOOD, PHONE)
    change(place, (user_id, "b@example.com"))
    assert place.door.session(session.secret).user_id == user_id
    place.door.sign_in("b@example.com", GOOD, PHONE)
    with pytest.raises(RefusedError):
        place.door.sign_in("a@example.com", GOOD, PHONE)
    assert [row.email_key for row in place.rows(passwords)] == ["b@example.com"]


def test_emails_that_go_round_in_one_call_mix_up_nobody(place):
    one, two = place.user("a@example.com", GOOD), place.user("b@example.com", OTHER)
    change(place, (one, "c@example.com"), (two, "a@example.com"), (one, "b@example.com"))
    assert place.door.sign_in("b@example.com", GOOD, PHONE).user_id == one
    assert place.door.sign_in("a@example.com", OTHER, PHONE).user_id == two


def test_an_invited_user_takes_nobodys_password_along(place):
    place.beside().user("a@example.com", OTHER)
    user_id = place.add("a@example.com")
    change(place, (user_id, "b@example.com"))
    assert [row.email_key for row in place.rows(passwords)] == ["a@example.com"]


def delete_user(place):
    account_of(place).delete_user("a@example.com")


def replace_by_a_copy(place):
    account_of(place).load({"users": [{"email": "b@example.com"}]}, replace=True)


@pytest.mark.parametrize("leave", [delete_user, replace_by_a_copy])
def test_with_the_last_user_of_an_address_go_the_password_the_guard_and_the_devices(place, leave):
    place.user("a@example.com")
    south = place.beside()
    south.door.accept(south.invite("a@example.com", south.add("a@example.com")), None)
    for there in (place, south):
        there.door.sign_in("a@example.com", GOOD, PHONE)
    with pytest.raises(RefusedError):
        place.door.sign_in("a@example.com", "wrong", PHONE)
    for there, left in ((place, 1), (south, 0)):
        leave(there)
        assert [len(place.rows(table)) for table in (devices, passwords, login_guards)] == [left] * 3
