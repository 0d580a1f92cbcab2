"""The statements about events that wait: oldest first, and gone once their receiver took them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select, update

from scim.events.tables import events

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that nobody acknowledged yet."""

    event_id: int
    jti: str
    claims: dict[str, Any]
    tries: int
    next_try_at: datetime


def waiting(connection: Connection, tenant: str, limit: int) -> list[Waiting]:
    """The oldest events that wait."""
    mine = (events.c.tenant == tenant) & events.c.failed_at.is_(None)
    rows = connection.execute(select(events).where(mine).order_by(events.c.event_id).limit(limit))
    return [Waiting(row.event_id, row.jti, orjson.loads(row.claims), row.tries, row.next_try_at) for row in rows]


def acknowledge(connection: Connection, tenant: str, jtis: Sequence[str]) -> int:
    """The receiver has these: they go. Those that it cannot have are passed over.

    Returns:
        How many went.
    """
    gone = 0
    for start in range(0, len(jtis), _CHUNK):
        mine = (events.c.tenant == tenant) & events.c.jti.in_(jtis[start : start + _CHUNK])
        gone += connection.execute(delete(events).where(mine)).rowcount
    return gone


def give_up(connection: Connection, tenant: str, errors: Mapping[str, str], now: datetime) -> None:
    """The receiver said that it cannot take these: they are not delivered again, and stay to be looked at."""
    for jti, error in errors.items():
        mine = (events.c.tenant == tenant) & (events.c.jti == jti)
        connection.execute(update(events).where(mine).values(failed_at=now, error=error))


def claim(connection: Connection, one: Waiting, until: datetime) -> bool:
    """Take an event for one attempt, so that no other worker tries it meanwhile; False: another did."""
    mine = (events.c.event_id == one.event_id) & (events.c.tries == one.tries)
    return bool(connection.execute(update(events).where(mine).values(tries=one.tries + 1, next_try_at=until)).rowcount)


def postpone(connection: Connection, one: Waiting, until: datetime, error: str) -> None:
    """It did not arrive; it is tried again later."""
    mine = events.c.event_id == one.event_id
    connection.execute(update(events).where(mine).values(next_try_at=until, error=error))


def expire(connection: Connection, tenant: str, keep: timedelta, now: datetime) -> int:
    """Take away what waited for too long, or was given up so long ago.

    Returns:
        How many went.
    """
    old = (events.c.tenant == tenant) & (events.c.created_at < now - keep)
    return connection.execute(delete(events).where(old)).rowcount
