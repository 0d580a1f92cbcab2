"""Who did what and when, as a chain: each row's hash covers the row before, so that nothing can be changed unnoticed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, func, select

from syncd.store.engine import reading
from syncd.store.tables import audit


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was done."""

    actor: str
    action: str
    """A word of the interface: a change's kind, `approve`, `load`, …"""
    subject: str
    detail: Mapping[str, Any]


def append(connection: Connection, events: Iterable[Event], now: datetime) -> None:
    """Add rows to the end of the chain, inside the transaction of what they tell of."""
    last = connection.execute(select(audit.c.place, audit.c.hash).order_by(audit.c.place.desc()).limit(1)).first()
    place, previous = (last.place, last.hash) if last else (0, b"")
    rows = []
    for event in events:
        place += 1
        row = {
            "place": place,
            "at": now,
            "actor": event.actor,
            "action": event.action,
            "subject": event.subject,
            "detail": dict(event.detail),
        }
        previous = _hash(previous, row)
        rows.append({**row, "hash": previous})
    if rows:
        connection.execute(audit.insert(), rows)


def verify(engine: Engine) -> tuple[int, int | None]:
    """Walk the chain.

    Returns:
        How many rows there are, and the place of the first one that is changed, missing or out of order (None: none is).
    """
    previous, expected = b"", 0
    with reading(engine) as connection:
        total = connection.execute(select(func.count()).select_from(audit)).scalar_one()
        query = select(audit).order_by(audit.c.place).execution_options(yield_per=2000)
        for row in connection.execute(query).mappings():
            expected += 1
            body = {name: row[name] for name in ("place", "at", "actor", "action", "subject", "detail")}
            if row["place"] != expected or row["hash"] != _hash(previous, body):
                return total, expected
            previous = row["hash"]
    return total, None


def _hash(previous: bytes, row: Mapping[str, Any]) -> bytes:
    body = orjson.dumps({**row, "at": row["at"].isoformat()}, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(previous + body, digest_size=32).digest()
