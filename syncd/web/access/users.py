"""People who may use the console. Whoever loses a role, a password or the account is logged out of everything at once."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from syncd.errors import UsageError
from syncd.sayings import Said
from syncd.store.console_tables import console_codes, console_links, console_sessions, console_users
from syncd.web.access.passwords import check
from syncd.web.errors import NotFoundError, RefusedError
from syncd.web.roles import Role

_LONGEST: Final = 200
_PROGRAM: Final = "token "


def key_of(name: str) -> str:
    """A name as it is compared."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def find(connection: Connection, user_id: int) -> Row[Any]:
    """One person.

    Raises:
        NotFoundError: there is none with this number.
    """
    row = connection.execute(select(console_users).where(console_users.c.id == user_id)).one_or_none()
    if row is None:
        raise NotFoundError(
            Said("there is no person %(number)s", number=user_id),
            cure=Said("see the list: somebody may have removed the person"),
        )
    return row


def by_name(connection: Connection, name: str) -> Row[Any] | None:
    """The person of this name, in whatever case it is written."""
    return connection.execute(select(console_users).where(console_users.c.name_key == key_of(name))).one_or_none()


def listed(connection: Connection) -> list[Row[Any]]:
    """Everybody, by name."""
    return list(connection.execute(select(console_users).order_by(console_users.c.name_key)))


def somebody(connection: Connection) -> bool:
    """Whether there is anybody at all."""
    return connection.execute(select(console_users.c.id).limit(1)).first() is not None


def add(connection: Connection, name: str, role: Role, now: datetime, **more: Any) -> int:
    """Let somebody in; without a password nobody comes in yet. Returns the person's number.

    Raises:
        UsageError: it is no name.
        RefusedError: somebody has it.
    """
    name = name.strip()
    if not 1 <= len(name) <= _LONGEST or not name.isprintable() or key_of(name).startswith(_PROGRAM):
        raise UsageError(
            Said('"%(name)s" is no name for a person here', name=name[:40]), cure=Said("an email address is one")
        )
    if by_name(connection, name):
        raise RefusedError(Said("there is somebody named %(name)s already", name=name), cure=Said("take another name"))
    values = {"name": name, "name_key": key_of(name), "role": role.word, "made_at": now, **more}
    return int(connection.execute(insert(console_users).values(values).returning(console_users.c.id)).scalar_one())


def set_password(connection: Connection, user: Row[Any], password: str, hashed: str) -> None:
    """Give somebody a new password, of which only the hash is kept.

    Raises:
        UsageError: it is too weak.
    """
    check(password, user.name)
    _write(connection, user.id, password=hashed)
    end_sessions(connection, user.id)


def set_role(connection: Connection, user: Row[Any], role: Role) -> None:
    """Let somebody do more, or less, from this moment on.

    Raises:
        RefusedError: nobody could look after the others any more, or the identity provider's groups decide.
    """
    if user.issuer:
        raise RefusedError(
            Said("what %(name)s may do is decided by groups of the identity provider", name=user.name),
            cure=Said("change them there"),
        )
    if role < Role.ADMIN:
        _keep_an_admin(connection, user)
    change_role(connection, user.id, role)


def change_role(connection: Connection, user_id: int, role: Role) -> None:
    """Let somebody do more, or less, whoever says so. What was begun with the role before ends."""
    _write(connection, user_id, role=role.word)
    end_sessions(connection, user_id)


def rename(connection: Connection, user: Row[Any], name: str) -> None:
    """Call somebody as the identity provider does now.

    Raises:
        RefusedError: somebody else has the name here.
    """
    other = by_name(connection, name)
    if other is not None and other.id != user.id:
        raise RefusedError(
            Said("there is somebody named %(name)s already", name=name), cure=Said("ask an admin of this console")
        )
    _write(connection, user.id, name=name, name_key=key_of(name))


def remove(connection: Connection, user: Row[Any]) -> None:
    """Let somebody in no longer.

    Raises:
        RefusedError: nobody could look after the others any more.
    """
    _keep_an_admin(connection, user)
    end_sessions(connection, user.id)
    connection.execute(delete(console_codes).where(console_codes.c.user_id == user.id))
    connection.execute(delete(console_links).where(console_links.c.user_id == user.id))
    connection.execute(delete(console_users).where(console_users.c.id == user.id))


def set_language(connection: Connection, user_id: int, language: str | None) -> None:
    """In which language somebody reads; None: the browser's."""
    _write(connection, user_id, language=language)


def logged_in(connection: Connection, user_id: int, now: datetime) -> None:
    """Note that somebody came in."""
    _write(connection, user_id, login_at=now)


def end_sessions(connection: Connection, user_id: int) -> None:
    """Log somebody out of everything."""
    connection.execute(delete(console_sessions).where(console_sessions.c.user_id == user_id))


def _keep_an_admin(connection: Connection, user: Row[Any]) -> None:
    admins = select(func.count()).select_from(console_users).where(console_users.c.role == Role.ADMIN.word)
    if user.role == Role.ADMIN.word and connection.execute(admins).scalar_one() == 1:
        raise RefusedError(
            Said("%(name)s is the only admin", name=user.name), cure=Said("make somebody else an admin first")
        )


def _write(connection: Connection, user_id: int, **values: Any) -> None:
    connection.execute(update(console_users).where(console_users.c.id == user_id).values(**values))
