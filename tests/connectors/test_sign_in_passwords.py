"""Password complexity is an account setting; how passwords are hashed, and what is never one."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import HashingError, VerificationError
from argon2.low_level import Type
from argon2.profiles import RFC_9106_LOW_MEMORY

from connectors.errors import RefusedError, RetryableError
from connectors.fluix.account import passwords
from connectors.fluix.account.settings import PasswordSettings
from connectors.fluix.account.tables import passwords as table
from tests.signing_in import GOOD, PHONE, Place, quick_hashes

ANNA = "anna.berg@example.com"


@pytest.fixture
def place(tmp_path, monkeypatch):
    quick_hashes(monkeypatch)
    return Place(f"sqlite:///{tmp_path}/store.db")


def faults(password, **settings):
    with pytest.raises(RefusedError) as caught:
        passwords.check(password, PasswordSettings(**settings), ANNA, "Anna Berg")
    assert caught.value.where == ANNA
    assert caught.value.cure
    return caught.value.what


@pytest.mark.parametrize(
    "password", [GOOD, "pass word 12 Z", "Пароль-длинный-7", "密码密码密码密码aA1", "x" * 125 + "Y9!"]
)
def test_a_password_that_keeps_the_rules_is_taken(password):
    passwords.check(password, PasswordSettings(), ANNA, "Anna Berg")


@pytest.mark.parametrize(
    ("password", "settings", "said"),
    [
        ("", {}, "has 0 characters, and 10 are the fewest"),
        ("Aa1-Aa1-A", {}, "has 9 characters, and 10 are the fewest"),
        ("A" * 129, {}, "has 129 characters, and 128 are the most"),
        ("ﷺ" * 9 + "Aa1", {}, "characters once they are spelled out"),
        (
            "lamplamplamp",
            {},
            "has 1 of the 3 kinds of characters needed: it lacks capital letters, digits, other signs",
        ),
        ("Lamplamplamp", {}, "has 2 of the 3 kinds"),
        ("Lamplamplamp1", {"classes": 4}, "it lacks other signs"),
        ("PassWord", {"min_length": 1, "classes": 1}, "everybody tries first"),
        ("Password123", {}, "everybody tries first"),
        ("Sturdy-Lamp\x00-47", {}, "cannot be typed"),
        ("Sturdy-Lamp\ud800-47", {}, "cannot be typed"),
        ("Sturdy-Lamp\n-47", {}, "cannot be typed"),
        ("Anna.Berg@Example.com", {}, "the email or the name"),
        ("ANNA.BERG", {"min_length": 1, "classes": 1}, "the email or the name"),
        ("Anna Berg 1984!", {}, "the email or the name"),
        ("#annaBERG2026#", {}, "the email or the name"),
    ],
)
def test_password_complexity_is_an_account_setting(password, settings, said):
    assert said in faults(password, **settings)


def test_all_that_is_wrong_is_said_at_once_and_the_password_is_not():
    what = faults("qwerty")
    for part in ("10 are the fewest", "1 of the 3 kinds", "everybody tries first"):
        assert part in what
    assert "qwerty" not in what


def test_common_passwords_are_refused_only_when_the_account_says_so():
    settings = PasswordSettings(min_length=1, classes=1, refuse_common=False)
    passwords.check("password", settings, ANNA, "Anna Berg")


def test_what_follows_the_longest_password_is_not_looked_at(monkeypatch):
    monkeypatch.setattr(passwords, "unicodedata", None)
    assert "128 are the most" in faults("A" * 10_000_000)


def test_the_same_letters_typed_otherwise_are_the_same_password(place):
    place.user(ANNA, "Zoë-Ångström-①")
    for typed in ("Zoë-Ångström-①", "Zoe\u0308-A\u030angstro\u0308m-1"):
        place.door.sign_in(ANNA, typed, PHONE)
    with pytest.raises(RefusedError):
        place.door.sign_in(ANNA, "zoë-ångström-1", PHONE)


def test_passwords_are_hashed_with_argon2id_as_the_docstring_says():
    made = extract_parameters(passwords.hashed(GOOD))
    assert made == RFC_9106_LOW_MEMORY
    assert (made.type, made.time_cost, made.memory_cost, made.parallelism) == (Type.ID, 3, 64 * 1024, 4)
    assert (made.salt_len, made.hash_len) == (16, 32)
    assert passwords.hashed(GOOD) != passwords.hashed(GOOD)


def test_nobodys_hash_costs_as_much_as_the_others_and_fits_nothing():
    passwords._nobodys.cache_clear()
    assert extract_parameters(passwords._nobodys()) == extract_parameters(passwords.hashed(GOOD))
    assert not any(passwords.matches(None, password) for password in ("", GOOD, "\ud800", "x" * 500))


@pytest.mark.parametrize("password", ["", "x" * 129, "\ud800", "\0", GOOD + " ", GOOD.upper()])
def test_what_is_not_the_password_does_not_open(place, password):
    place.user(ANNA)
    with pytest.raises(RefusedError, match="the email or the password is wrong"):
        place.door.sign_in(ANNA, password, PHONE)


def test_a_damaged_row_opens_to_nobody_and_a_reset_mends_it(place):
    place.user(ANNA)
    for damaged in ("", "x", "$argon2id$v=19$m=8,t=1,p=1$", "$2b$12$abc"):
        with place.writing() as connection:
            connection.execute(table.update().values(hash=damaged))
        with pytest.raises(RefusedError, match="the email or the password is wrong"):
            place.door.sign_in(ANNA, GOOD, PHONE)
        place.later(hours=1)
    place.door.send_reset(ANNA)
    place.door.reset(place.reset_tokens()[-1], GOOD)
    place.door.sign_in(ANNA, GOOD, PHONE)


def test_a_good_login_makes_an_older_hash_anew(place, monkeypatch):
    place.user(ANNA)
    before = place.row(table)
    place.door.sign_in(ANNA, GOOD, PHONE)
    assert place.row(table).hash == before.hash
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    with pytest.raises(RefusedError):
        place.door.sign_in(ANNA, "wrong", PHONE)
    assert place.row(table).hash == before.hash
    place.later(minutes=5)
    place.door.sign_in(ANNA, GOOD, PHONE)
    after = place.row(table)
    assert extract_parameters(after.hash).time_cost == 2
    assert after.set_at == before.set_at  # a reset's link that is under way still holds
    place.door.sign_in(ANNA, GOOD, PHONE)


def test_the_password_is_stored_nowhere_in_the_clear(place, tmp_path):
    place.user(ANNA)
    secret = place.door.sign_in(ANNA, GOOD, PHONE).secret
    files = [file.read_bytes() for file in tmp_path.iterdir()]
    assert any(b"argon2id" in data for data in files)
    assert not any(word.encode() in data for data in files for word in (GOOD, secret))


def test_without_memory_nobody_hears_that_the_password_is_wrong(place, monkeypatch):
    place.user(ANNA)

    class Full:
        """A hasher on a machine without memory."""

        def __getattr__(self, name):
            return getattr(PasswordHasher(), name)

        def verify(self, *_words):
            raise VerificationError("Memory allocation error")

        def hash(self, *_words):
            raise HashingError("Memory allocation error")

    monkeypatch.setattr(passwords, "_hasher", Full())
    with pytest.raises(RetryableError, match="Memory"):
        place.door.sign_in(ANNA, GOOD, PHONE)
    with pytest.raises(RetryableError, match="Memory"):
        passwords.hashed(GOOD)
