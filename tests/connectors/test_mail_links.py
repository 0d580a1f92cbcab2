"""Signed links: what nobody else can make, and what is void in time."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import select

from connectors.errors import RefusedError
from connectors.fluix.account.connection import reading, writing
from connectors.fluix.account.mail import links
from connectors.fluix.account.tables import keys
from tests.mail_house import MailHouse

DAY = timedelta(days=1)
SAYS = {"user": 7, "email": "مريم@example.com", "mail": 3}


@pytest.fixture
def house(tmp_path):
    return MailHouse(tmp_path)


def sign(house, purpose="invitation", account="main", says=SAYS):
    with writing(house.engine, account) as connection:
        return links.sign(connection, purpose, says, house.clock.now)


def read(house, token, purpose="invitation", account="main", age=DAY):
    with reading(house.engine, account) as connection:
        return links.read(connection, purpose, token, age, house.clock.now)


def test_a_link_says_what_was_signed(house):
    token = sign(house)
    assert read(house, token) == SAYS
    assert token.isascii()
    assert not set(token) & set("?&=+/ #%")


def test_the_key_is_made_once_and_is_long(house):
    first, second = sign(house), sign(house)
    assert first == second
    with house.engine.connect() as connection:
        ((key,),) = connection.execute(select(keys.c.value)).all()
    assert len(bytes.fromhex(key)) == 32
    assert key not in first


def test_the_given_clock_decides_when_a_link_expires(house):
    token = sign(house)
    house.clock.advance(days=1)
    assert read(house, token) == SAYS
    house.clock.advance(seconds=1)
    with pytest.raises(RefusedError, match="expired: it was made on 2026-11-02 at 08:30 UTC") as caught:
        read(house, token)
    assert caught.value.cure
    house.clock.advance(days=-9)  # a clock that was set back
    assert read(house, token) == SAYS


def test_a_link_is_for_one_purpose_and_one_account(house):
    token = sign(house)
    for purpose, account in (("password_reset", "main"), ("invitation", "other"), ("", "main")):
        with pytest.raises(RefusedError, match="forged"):
            read(house, token, purpose, account)


def test_a_link_of_another_store_is_forged(house, tmp_path_factory):
    other = MailHouse(tmp_path_factory.mktemp("other"))
    token = sign(other)
    with pytest.raises(RefusedError, match="forged"):  # where no link was ever made
        read(house, token)
    sign(house)
    with pytest.raises(RefusedError, match="forged"):
        read(house, token)


@pytest.mark.parametrize(
    "token", ["", ".", "..", "...", "a.b.c", "ü.ü.ü", "\ud800", "\0", ".eJw.AAAA.AAAA", "A" * 100_000, "a b"]
)
def test_what_is_no_link_is_forged(house, token):
    sign(house)
    with pytest.raises(RefusedError, match="forged"):
        read(house, token)


def test_a_link_with_any_one_character_changed_is_forged(house):
    token = sign(house)
    chance = random.Random(7)
    for place in range(len(token) - 1):  # the last one holds bits that base64 does not use
        other = chance.choice([c for c in "abcXYZ019-_." if c != token[place]])
        with pytest.raises(RefusedError, match="forged"):
            read(house, token[:place] + other + token[place + 1 :])


def test_a_link_that_says_something_else_than_a_mapping_is_forged(house):
    with pytest.raises(RefusedError, match="forged"):
        read(house, sign(house, says=["user", 7]))
