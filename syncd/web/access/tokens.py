"""Tokens with which programs call the API: shown once, kept as hashes, with a role, an expiry and their last use."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from syncd.errors import UsageError
from syncd.sayings import Said
from syncd.store.console_tables import console_tokens
from syncd.web.access.keys import digest, new_key
from syncd.web.errors import NotFoundError, RefusedError
from syncd.web.roles import Role

_MARK: Final = "fxa_"
"""How a token of the console begins, so that a scanner for leaked secrets can know it."""
_SHOWN: Final = len(_MARK) + 8
_USED_EVERY: Final = timedelta(minutes=1)
_LONGEST: Final = 100


def issue(
    connection: Connection, name: str, role: Role, now: datetime, *, made_by: str, lasts: timedelta | None
) -> tuple[str, Row[Any]]:
    """Make a token: its secret, which nobody sees again, and its row.

    Raises:
        UsageError: it is no name.
        RefusedError: a valid token has this name.
    """
    name = name.strip()
    if not 1 <= len(name) <= _LONGEST or not name.isprintable():
        raise UsageError(Said("a token needs a name"), cure=Said("name the program that calls with it"))
    if any(usable(row, now) for row in listed(connection) if row.name == name):
        raise RefusedError(
            Said("there is a token named %(name)s already", name=name),
            cure=Said("revoke that one first, or take another name"),
        )
    secret = _MARK + new_key()
    values = {"hash": digest(secret), "prefix": secret[:_SHOWN], "name": name, "role": role.word, "made_by": made_by}
    until = now + lasts if lasts else None
    made = insert(console_tokens).values(made_at=now, expires_at=until, **values).returning(*console_tokens.c)
    return secret, connection.execute(made).one()


def find(connection: Connection, secret: str, now: datetime) -> Row[Any] | None:
    """The valid token with this secret."""
    row = connection.execute(select(console_tokens).where(console_tokens.c.hash == digest(secret))).one_or_none()
    return row if row is not None and usable(row, now) else None


def usable(row: Row[Any], now: datetime) -> bool:
    """Whether it is neither revoked nor expired."""
    return row.revoked_at is None and (row.expires_at is None or now < row.expires_at)


def state_of(row: Row[Any], now: datetime) -> str:
    """`valid`, `revoked` or `expired`."""
    if row.revoked_at:
        return "revoked"
    return "valid" if usable(row, now) else "expired"


def is_due(row: Row[Any], now: datetime) -> bool:
    """Whether its use would be noted now."""
    return row.used_at is None or now - row.used_at >= _USED_EVERY


def used(connection: Connection, token_id: int, now: datetime) -> None:
    """Note that it is used."""
    connection.execute(update(console_tokens).where(console_tokens.c.id == token_id).values(used_at=now))


def listed(connection: Connection) -> list[Row[Any]]:
    """Every token, the newest first."""
    return list(connection.execute(select(console_tokens).order_by(console_tokens.c.id.desc())))


def revoke(connection: Connection, token_id: int, now: datetime) -> Row[Any]:
    """Make a token worthless from this moment on.

    Raises:
        NotFoundError: there is none with this number.
    """
    mine = console_tokens.c.id == token_id
    connection.execute(update(console_tokens).where(mine, console_tokens.c.revoked_at.is_(None)).values(revoked_at=now))
    row = connection.execute(select(console_tokens).where(mine)).one_or_none()
    if row is None:
        raise NotFoundError(Said("there is no token %(number)s", number=token_id), cure=Said("see the list of tokens"))
    return row
