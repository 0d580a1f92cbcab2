"""Sessions: who is logged in with which browser. They stand in the store, so that ending one ends it in every process at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from syncd.store.console_tables import console_sessions, console_users
from syncd.web.access.keys import digest, new_key

_SEEN_EVERY: Final = timedelta(minutes=1)
_AGENT: Final = 300
_NAMED = (console_users.c.name, console_users.c.role, console_users.c.language)


@dataclass(frozen=True, slots=True)
class Lasts:
    """How long a session lasts."""

    idle: timedelta
    """Since it was used last."""
    longest: timedelta
    """Since the login, however much it is used."""


def begin(
    connection: Connection, user_id: int, now: datetime, *, address: str, agent: str, id_token: str | None = None
) -> str:
    """Log somebody in. Returns what the cookie holds: always a new one, never what a browser came with."""
    key = new_key()
    values = {"hash": digest(key), "user_id": user_id, "began_at": now, "seen_at": now}
    connection.execute(
        insert(console_sessions).values(address=address, agent=agent[:_AGENT], id_token=id_token, **values)
    )
    return key


def find(connection: Connection, key: str, lasts: Lasts, now: datetime) -> Row[Any] | None:
    """The session behind a cookie, with the person's `name`, `role` and `language`; None: there is none, or it is over."""
    query = select(console_sessions, *_NAMED).join(console_users, console_users.c.id == console_sessions.c.user_id)
    row = connection.execute(query.where(console_sessions.c.hash == digest(key))).one_or_none()
    return row if row is not None and _lasts(row, lasts, now) else None


def is_due(row: Row[Any], now: datetime) -> bool:
    """Whether its use would be noted now."""
    return bool(now - row.seen_at >= _SEEN_EVERY)


def seen(connection: Connection, session_id: int, now: datetime) -> None:
    """Note that it is used."""
    connection.execute(update(console_sessions).where(console_sessions.c.id == session_id).values(seen_at=now))


def listed(connection: Connection, lasts: Lasts, now: datetime, user_id: int | None = None) -> list[Row[Any]]:
    """Who is logged in, the newest first; only one person's where it is said whose."""
    query = select(console_sessions, *_NAMED).join(console_users, console_users.c.id == console_sessions.c.user_id)
    if user_id is not None:
        query = query.where(console_sessions.c.user_id == user_id)
    return [row for row in connection.execute(query.order_by(console_sessions.c.id.desc())) if _lasts(row, lasts, now)]


def end(connection: Connection, session_id: int, user_id: int | None = None) -> bool:
    """Log a browser out; only if it is this person's, where it is said whose. Returns whether there was one."""
    gone = delete(console_sessions).where(console_sessions.c.id == session_id)
    if user_id is not None:
        gone = gone.where(console_sessions.c.user_id == user_id)
    return bool(connection.execute(gone).rowcount)


def id_token(connection: Connection, session_id: int) -> str | None:
    """What the identity provider said when this session began; None: a password let the person in."""
    query = select(console_sessions.c.id_token).where(console_sessions.c.id == session_id)
    said: str | None = connection.execute(query).scalar_one_or_none()
    return said


def forget(connection: Connection, lasts: Lasts, now: datetime) -> None:
    """Take away those that are over."""
    over = or_(console_sessions.c.seen_at <= now - lasts.idle, console_sessions.c.began_at <= now - lasts.longest)
    connection.execute(delete(console_sessions).where(over))


def _lasts(row: Row[Any], lasts: Lasts, now: datetime) -> bool:
    return bool(now < row.seen_at + lasts.idle and now < row.began_at + lasts.longest)
