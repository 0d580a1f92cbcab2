"""How somebody comes in: what is counted, checked and written before there is a session. Knows no HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, update

from connectors.fluix.account.passwords import hashed, matches, renewed
from syncd.errors import UsageError
from syncd.sayings import Said
from syncd.store.audit import Event, append
from syncd.store.console_tables import console_users
from syncd.store.engine import reading, writing
from syncd.web.access import attempts, links, sessions, totp, users
from syncd.web.access.errors import TooManyError
from syncd.web.access.passwords import check
from syncd.web.roles import Role


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who stands at the door: nothing but an address, a browser and a moment."""

    address: str
    agent: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody writes who came with a link: a name (of the first admin alone), and a password twice."""

    name: str
    password: str
    again: str


def with_password(store: Engine, visitor: Visitor, name: str, password: str) -> Row[Any] | None:
    """The person with this name and password. None says nothing of which was wrong, or whether it was looked at.

    Raises:
        TooManyError: the address tried too often.
    """
    if not _counted(store, visitor, users.key_of(name)):
        return None
    with reading(store) as connection:
        user = users.by_name(connection, name)
    stored = user.password if user is not None else None
    right = matches(stored, password)  # as much work without a person as with one
    _concluded(store, visitor, users.key_of(name), right=right, whole=user is not None and user.totp is None)
    if user is None or not right:
        return None
    if newer := renewed(user.password, password):
        same = (console_users.c.id == user.id, console_users.c.password == user.password)
        with writing(store) as connection:
            connection.execute(update(console_users).where(*same).values(password=newer))
    return user


def with_code(store: Engine, visitor: Visitor, user_id: int, code: str) -> Row[Any] | None:
    """The person whose password was right already, once the second factor is, too; None as above.

    Raises:
        TooManyError: the address tried too often.
    """
    with reading(store) as connection:
        user = users.find(connection, user_id)
    if not _counted(store, visitor, user.name_key):
        return None
    with writing(store) as connection:
        right = totp.take(connection, user, code, visitor.now)
    _concluded(store, visitor, user.name_key, right=right, whole=True)
    return user if right else None


def is_password(store: Engine, user: Row[Any], password: str, now: datetime) -> bool:
    """Whether somebody who is in gave the password once more; counted like an attempt at the door."""
    account = attempts.of_account(user.name_key)
    with writing(store) as connection:
        if not attempts.count(connection, account, attempts.ACCOUNT, now):
            return False
    right = matches(user.password, password)
    with writing(store) as connection:
        attempts.forgive(connection, account) if right else attempts.failed(connection, account, now)
    return right


def let_in(
    store: Engine, visitor: Visitor, user: Row[Any], lasts: sessions.Lasts, how: str, *, id_token: str | None = None
) -> str:
    """Begin a session. Returns what the cookie holds.

    Args:
        store: the program's.
        visitor: who stands at the door.
        user: who that is.
        lasts: how long sessions last; those that are over are taken away.
        how: `password`, `code`, `link` or `oidc`, for the audit.
        id_token: what an identity provider said, to log the person out there as well.
    """
    with writing(store) as connection:
        sessions.forget(connection, lasts, visitor.now)
        users.logged_in(connection, user.id, visitor.now)
        where = {"address": visitor.address, "agent": visitor.agent}
        key = sessions.begin(connection, user.id, visitor.now, **where, id_token=id_token)
        detail = {"how": how, "address": visitor.address}
        append(connection, [Event(user.name, "log_in", "console", detail)], visitor.now)
    return key


def by_link(store: Engine, visitor: Visitor, key: str, wanted: Wanted) -> Row[Any] | None:
    """The person who has a password now by this link; None: it was used, or is over. With an error the link stays good.

    Raises:
        UsageError: the password is too weak or was not written twice, or the name is none.
        RefusedError: somebody has the name.
    """
    with reading(store) as connection:
        link = links.find(connection, key, visitor.now)
    if link is None:
        return None
    if wanted.password != wanted.again:
        raise UsageError(Said("the two passwords differ"), cure=Said("write the same one twice"))
    check(wanted.password, link.name or wanted.name)
    hashed_password = hashed(wanted.password)
    with writing(store) as connection:
        if not links.use(connection, key):
            return None
        user_id = link.user_id
        if user_id is None:
            user_id = users.add(connection, wanted.name, Role.ADMIN, visitor.now)
        user = users.find(connection, user_id)
        users.set_password(connection, user, wanted.password, hashed_password)
        attempts.forgive(connection, attempts.of_account(user.name_key))
        _note(connection, visitor, user.name, "set_password", made_by=link.made_by)
    return user


def _counted(store: Engine, visitor: Visitor, name_key: str) -> bool:
    with writing(store) as connection:
        address = attempts.of_address(visitor.address)
        if not attempts.count(connection, address, attempts.ADDRESS, visitor.now):
            wait = attempts.waits(connection, address, visitor.now)
        else:
            return attempts.count(connection, attempts.of_account(name_key), attempts.ACCOUNT, visitor.now)
    raise TooManyError(wait)


def _concluded(store: Engine, visitor: Visitor, name_key: str, *, right: bool, whole: bool) -> None:
    """Write down how an attempt ended; with a password alone somebody with a second factor is not in yet."""
    account, address = attempts.of_account(name_key), attempts.of_address(visitor.address)
    with writing(store) as connection:
        if not right:
            attempts.failed(connection, account, visitor.now)
            attempts.failed(connection, address, visitor.now)
            return
        attempts.take_back(connection, address, visitor.now)
        if whole:
            attempts.forgive(connection, account)
        else:
            attempts.take_back(connection, account, visitor.now)


def _note(connection: Connection, visitor: Visitor, who: str, action: str, **detail: Any) -> None:
    event = Event(who, action, "console", {**detail, "address": visitor.address})
    append(connection, [event], visitor.now)
