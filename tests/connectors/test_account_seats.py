"""Seats: how many users there can be. What is over them is refused with the numbers, and never half done."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.errors import RefusedError
from connectors.fluix.account import EmbeddedAccount
from connectors.fluix.account.settings import Settings
from connectors.fluix.csv_files import ImportRow
from tests.target_contract import DATA, Hand

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
THERE = len(DATA["users"])


@pytest.fixture
def make(engine):
    def make(seats, name="main"):
        account = EmbeddedAccount(engine, lambda: NOW, Settings(name=name, seats=seats))
        account.load(DATA)
        return account

    return make


def new(number):
    return [ImportRow(f"u{n}@example.com", f"U {n}", (), "new", "") for n in range(number)]


@pytest.mark.parametrize(("seats", "free"), [(None, None), (THERE + 2, 2), (THERE, 0), (THERE - 2, 0), (0, 0)])
def test_free_seats_are_counted_and_never_below_none(make, seats, free):
    account = make(seats)
    assert account.free_seats() == free
    assert account.seats() == (None if seats is None else (THERE, seats))


def test_an_invited_user_takes_a_seat(make):
    account = make(THERE + 1)
    account.add_user("A", "a@example.com")
    assert account.free_seats() == 0


def test_each_account_counts_its_own(make):
    one, other = make(THERE + 1), make(THERE + 1, "other")
    one.add_user("A", "a@example.com")
    assert (one.free_seats(), other.free_seats()) == (0, 1)


def test_a_deleted_user_frees_a_seat(make):
    account = make(THERE)
    account.delete_user("ida@example.com")
    assert account.free_seats() == 1
    account.add_user("A", "a@example.com")


def test_adding_a_user_beyond_the_seats_is_refused_with_the_numbers(make):
    account = make(THERE)
    with pytest.raises(RefusedError, match=f"no seat is free: {THERE} of {THERE} are taken") as caught:
        account.add_user("A", "a@example.com")
    assert "target.seats" in caught.value.cure
    assert len(account.list_users()) == THERE


def test_an_import_beyond_the_seats_is_refused_as_a_whole(make):
    account = make(THERE + 2)
    with pytest.raises(RefusedError, match=f"3 users are to be added, and 2 of {THERE + 2} seats are free"):
        account.import_users([*new(3), ImportRow("bob@example.com", "Bob", (), "exists", "x")])
    assert len(account.list_users()) == THERE
    assert account.import_users(new(2)) == 2


def test_an_import_of_only_those_who_exist_needs_no_seat(make):
    assert make(THERE).import_users([ImportRow("bob@example.com", "Bob", (), "exists", "x")]) == 0


def test_steps_beyond_the_seats_fail_and_the_others_are_done(make):
    account = make(THERE + 2)
    hand = Hand(account)
    steps = [hand.step("create_user", email=f"u{n}@example.com", display_name="U", groups=()) for n in range(4)]
    outcomes = account.apply(steps)
    assert [outcome.state for outcome in outcomes] == ["done", "done", "failed", "failed"]
    assert {outcome.message for outcome in outcomes[2:]} == {f"no seat is free: {THERE + 2} of {THERE + 2} are taken"}
    assert len(account.list_users()) == THERE + 2


def test_a_step_that_failed_for_want_of_a_seat_is_done_when_there_is_one(make):
    account = make(THERE)
    hand = Hand(account)
    step = hand.step("create_user", email="a@example.com", display_name="A", groups=())
    assert account.apply([step])[0].state == "failed"
    account.delete_user("ida@example.com")
    assert account.apply([step])[0].state == "done"
    assert account.apply([step])[0].state == "done"
    assert account.free_seats() == 0


def test_an_account_that_is_over_its_seats_can_still_be_changed_and_told_of(make):
    account = make(THERE - 2)
    account.edit_user("bob@example.com", name="Robert")
    with pytest.raises(RefusedError, match=f"{THERE} of {THERE - 2} are taken"):
        account.add_user("A", "a@example.com")
