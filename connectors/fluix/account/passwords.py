"""Passwords: the account's rules, hashing, and the one row that an address has. Knows no users and no logins.

Hashed with argon2id as argon2-cffi sets it, which is RFC 9106's second recommendation: 3 passes over 64 MiB in 4 lanes, a
salt of 16 bytes, a hash of 32. A hash carries its parameters, so that older ones are known and made anew at a good login.

A password is compared in the form NFKC, so that the same letters typed on another keyboard are the same password.
"""

from __future__ import annotations

import base64
import functools
import unicodedata
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError
from sqlalchemy import Connection, Row, delete, insert, select, update

from connectors.errors import RefusedError, RetryableError
from connectors.fluix.account.settings import PasswordSettings
from connectors.fluix.account.tables import passwords

MAX_LENGTH = 128
"""Characters of a password. Whatever is longer is refused before anything is computed from it."""

_KINDS = ("small letters", "capital letters", "digits", "other signs")

_OWN = 3
"""From so many letters on, a name is looked for behind digits and signs as well."""

_TICK = timedelta(microseconds=1)

_hasher = PasswordHasher()


def check(password: str, settings: PasswordSettings, email: str, name: str) -> None:
    """Whether a person may take this password.

    Letters of a script that has no capital letters count as other signs.

    Raises:
        RefusedError: with everything that is wrong with it, and never the password itself.
    """
    if found := _faults(password, settings, email, name):
        raise RefusedError(f"the password {'; it '.join(found)}", where=email, cure="choose another one")


def _faults(password: str, settings: PasswordSettings, email: str, name: str) -> list[str]:
    if len(password) > MAX_LENGTH:
        return [f"has {len(password)} characters, and {MAX_LENGTH} are the most"]
    form = unicodedata.normalize("NFKC", password)
    found: list[str] = []
    if len(form) > MAX_LENGTH:
        found.append(f"has {len(form)} characters once they are spelled out, and {MAX_LENGTH} are the most")
    if len(form) < settings.min_length:
        found.append(f"has {len(form)} characters, and {settings.min_length} are the fewest")
    used = _kinds(form)
    if len(used) < settings.classes:
        missing = ", ".join(kind for kind in _KINDS if kind not in used)
        found.append(f"has {len(used)} of the {settings.classes} kinds of characters needed: it lacks {missing}")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in form):
        found.append("has a character that cannot be typed")
    if settings.refuse_common and form.casefold() in _common():
        found.append("is one of those that everybody tries first")
    if _is_own(form, email, name):
        found.append("is the email or the name")
    return found


def _kinds(form: str) -> set[str]:
    """Which of the four kinds of characters there are."""
    return {
        _KINDS[0] if c.islower() else _KINDS[1] if c.isupper() else _KINDS[2] if c.isdigit() else _KINDS[3]
        for c in form
    }


def _is_own(form: str, email: str, name: str) -> bool:
    """Whether it is the person's own email or name, in any case, even with digits and signs about it."""
    own = [unicodedata.normalize("NFKC", text).casefold() for text in (email, email.partition("@")[0], name)]
    if form.casefold() in own:
        return True
    letters = _letters(form.casefold())
    return len(letters) >= _OWN and letters in map(_letters, own)


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text))


@functools.cache
def _common() -> frozenset[str]:
    lists = import_module("zxcvbn.frequency_lists")  # 90,000 words, for setting a password only
    return frozenset(map(str.casefold, lists.FREQUENCY_LISTS["passwords"]))


def hashed(password: str) -> str:
    """A password's hash, with a salt of its own.

    Raises:
        RetryableError: there was no memory to compute it.
    """
    try:
        return _hasher.hash(unicodedata.normalize("NFKC", password))
    except HashingError as error:
        raise _no_memory(error) from error


def matches(stored: str | None, password: str) -> bool:
    """Whether it is the password of this hash; as much work without a hash as with one.

    Raises:
        RetryableError: there was no memory to compute it.
    """
    form = unicodedata.normalize("NFKC", password) if len(password) <= MAX_LENGTH else ""
    try:
        secret = form.encode()
    except UnicodeEncodeError:  # half a character: nobody has such a password
        secret = b""
    try:
        return _hasher.verify(stored or _nobodys(), secret) and bool(secret)
    except VerifyMismatchError:
        return False
    except (InvalidHashError, VerificationError) as error:
        if stored:  # a row that is damaged: as if there were none, so that a reset mends it
            return matches(None, password)
        raise _no_memory(error) from error


def _no_memory(error: Exception) -> RetryableError:
    cure = "look at the machine's free memory, and try again"
    return RetryableError(f"the password could not be looked at: {error}", cure=cure)


@functools.cache
def _nobodys() -> str:
    """A hash that no password has (all of it is zeros), with the parameters of the others."""
    salt, digest = (
        base64.b64encode(bytes(length)).decode().rstrip("=") for length in (_hasher.salt_len, _hasher.hash_len)
    )
    return f"$argon2id$v=19$m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}${salt}${digest}"


def held(connection: Connection, email_key: str) -> Row[Any] | None:
    """The address's row: hash, set_at."""
    return connection.execute(select(passwords).where(passwords.c.email_key == email_key)).first()


def keep(connection: Connection, email_key: str, new_hash: str, now: datetime) -> None:
    """Give an address a new password.

    Its moment is later than the one before, whatever the clock says: what was made for the former password is void.
    """
    before = held(connection, email_key)
    moment = now if before is None else max(now, before.set_at + _TICK)
    connection.execute(delete(passwords).where(passwords.c.email_key == email_key))
    connection.execute(insert(passwords).values(email_key=email_key, hash=new_hash, set_at=moment))


def renewed(stored: str, password: str) -> str | None:
    """The same password's hash with today's parameters; None when it has them already."""
    return hashed(password) if _hasher.check_needs_rehash(stored) else None


def renew(connection: Connection, email_key: str, stored: str, new_hash: str) -> None:
    """Put the hash in the place of the former one. It is still the password that was set when it was set."""
    row = (passwords.c.email_key == email_key, passwords.c.hash == stored)
    connection.execute(update(passwords).where(*row).values(hash=new_hash))
