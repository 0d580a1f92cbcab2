"""A delta looks at those alone whose accounts changed since; nothing is noted before anything was rendered."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from sqlalchemy import Engine, select

from connectors.model import Account, Certificate
from syncd.store import mdm_people
from syncd.store.accounts import ingest_accounts, ingest_some
from syncd.store.engine import reading, writing
from syncd.store.mdm_people import State
from syncd.store.tables import mdm_people as table

ANNA, BERTA = Account("1", "anna@example.com", "Anna"), Account("2", "Berta@example.com", "Berta")


def read(store: Engine, *accounts: Account, certified: bool = True) -> None:
    reasons = () if certified else ("cut",)
    ingest_accounts(store, [*accounts, Certificate(len(accounts), reasons=reasons)])


def render(store: Engine, left_out: Iterable[str] = ()) -> None:
    with writing(store) as connection:
        mdm_people.keep_render(connection, store, set(left_out), State(1, "order"))


def changes(store: Engine) -> list[tuple[str, str, str | None]]:
    with reading(store) as connection:
        return [(one.kind, one.person.email, one.before) for one in mdm_people.changes(connection)]


def test_nothing_is_noted_before_anything_was_rendered(store: Engine) -> None:
    read(store, ANNA, BERTA)
    with reading(store) as connection:
        assert connection.execute(select(table)).all() == []
    assert mdm_people.state(store) is None


def test_who_is_new_has_another_email_or_left(store: Engine) -> None:
    read(store, ANNA, BERTA)
    render(store)
    assert changes(store) == []
    read(store, Account("1", "married@example.com", "Anna"), Account("3", "carl@example.com", "Carl"))
    assert changes(store) == [
        ("new", "carl@example.com", None),
        ("changed", "married@example.com", "anna@example.com"),
        ("left", "", "Berta@example.com"),
    ]


def test_a_read_that_is_not_certified_lets_nobody_leave(store: Engine) -> None:
    read(store, ANNA, BERTA)
    render(store)
    read(store, ANNA, certified=False)
    assert changes(store) == []


def test_what_was_given_is_not_due_again_and_whoever_was_left_out_stays_due(store: Engine) -> None:
    read(store, ANNA, BERTA)
    render(store, left_out=["2"])
    assert changes(store) == [("new", "Berta@example.com", None)]
    with reading(store) as connection:
        due = list(mdm_people.changes(connection))
    with writing(store) as connection:
        mdm_people.keep_delta(connection, due, State(2, "order"))
    assert changes(store) == []
    assert mdm_people.state(store) == State(2, "order")


@pytest.mark.parametrize("others", [("2",), ("2", "3")])
def test_who_shares_an_email_is_told_with_whom(store: Engine, others: tuple[str, ...]) -> None:
    read(store)
    render(store)
    read(store, ANNA, *(Account(one, "ANNA@example.com", "Twin") for one in others))
    with reading(store) as connection:
        shared = {one.person.id: one.person.shared_with for one in mdm_people.changes(connection)}
    assert shared["1"] == others


def test_people_come_in_the_order_of_their_emails(store: Engine) -> None:
    read(store, Account("9", "b@x.example", "B"), Account("8", "A@x.example", "A"), Account("7", "Ä@x.example", "Ä"))
    assert [one.email for one in mdm_people.everybody(store)] == ["A@x.example", "b@x.example", "Ä@x.example"]


def test_an_account_that_was_only_asked_for_is_noted_too(store: Engine) -> None:
    read(store, ANNA, BERTA)
    render(store)
    ingest_some(store, ["1", "2"], [BERTA])
    assert changes(store) == [("left", "", "anna@example.com")]
