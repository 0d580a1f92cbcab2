"""How many requests a token may send: a bucket for each, in the store, so that all workers take from the same one.

The bucket is one number, the moment at which it will be full again (the generic cell rate algorithm): a request moves it on by
`1 / rate`, and passes when it is not more than `burst / rate` ahead. A worker takes several requests out at once and hands them
out by itself, so that the store is written once for many requests (docs/decisions/0009-calls.md). What it took and did not
hand out within some seconds is lost to the token, never the other way round.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, Row, case, insert, select, update
from sqlalchemy.exc import IntegrityError

from scim.access.metadata import reading, writing
from scim.access.settings import Tenant
from scim.access.tables import buckets

_PART = 0.1
"""A worker takes out what may come in this part of a second."""
_MOST = 100
_KEEPS = 5.0
"""Seconds after which what was taken out is not handed out any more."""


@dataclass(slots=True)
class _Taken:
    left: int
    until: float


class Limiter:
    """The buckets of all tokens.

    Args:
        engine: the store's.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._taken: dict[int, _Taken] = {}
        self._lock = threading.Lock()

    def take(self, credential_id: int, tenant: Tenant, now: datetime) -> float:
        """Count one request.

        Returns:
            0 when it may pass; otherwise after how many seconds one may.
        """
        if not tenant.rate:
            return 0.0
        moment = now.timestamp()
        with self._lock:
            held = self._taken.get(credential_id)
            if held and held.left and moment < held.until:
                held.left -= 1
                return 0.0
        return self._refill(credential_id, tenant.rate, tenant.burst, moment)

    def _refill(self, credential_id: int, rate: float, burst: int, moment: float) -> float:
        several = max(1, min(_MOST, int(rate * _PART), burst // 10))
        with writing(self._engine, light=True) as connection:
            for count in dict.fromkeys((several, 1)):
                if _move(connection, credential_id, count / rate, burst / rate, moment):
                    self._hold(credential_id, count - 1, moment)
                    return 0.0
        return self._wait(credential_id, rate, burst, moment)

    def _hold(self, credential_id: int, count: int, moment: float) -> None:
        with self._lock:
            self._taken[credential_id] = _Taken(count, moment + _KEEPS)

    def _wait(self, credential_id: int, rate: float, burst: int, moment: float) -> float:
        with reading(self._engine) as connection:
            row = _bucket(connection, credential_id)
        return max(1 / rate, (row.full_at if row else moment) + (1 - burst) / rate - moment)


def _bucket(connection: Connection, credential_id: int) -> Row[tuple[int, float]] | None:
    return connection.execute(select(buckets).where(buckets.c.credential_id == credential_id)).one_or_none()


def _move(connection: Connection, credential_id: int, cost: float, capacity: float, moment: float) -> bool:
    """Move the bucket on, if there is room in it."""
    full_at = buckets.c.full_at
    later = case((full_at > moment, full_at), else_=moment) + cost
    mine = buckets.c.credential_id == credential_id
    if connection.execute(update(buckets).where(mine, later <= moment + capacity).values(full_at=later)).rowcount:
        return True
    if _bucket(connection, credential_id) is not None:
        return False
    try:
        with connection.begin_nested():
            connection.execute(insert(buckets).values(credential_id=credential_id, full_at=moment + cost))
    except IntegrityError:  # another worker was a moment earlier
        return bool(
            connection.execute(update(buckets).where(mine, later <= moment + capacity).values(full_at=later)).rowcount
        )
    return cost <= capacity
