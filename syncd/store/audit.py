"""Who did what and when, as a chain: each row's hash covers the row before, so that nothing can be changed unnoticed.

What a row tells of people stands under a seal: the chain covers the seal, not the words. So they can be erased when their
time is over, and the chain stays whole. An erasure is a row itself, which names the places; a row that is blank, and that no
later row names, was blanked by somebody else.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, func, select, update

from syncd.store.engine import reading
from syncd.store.sql import chunks
from syncd.store.tables import audit

ERASE: Final = "erase"
"""The action of the rows that name erased places."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was done."""

    actor: str
    action: str
    """A word of the interface: a change's kind, `approve`, `load`, …"""
    subject: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Walk:
    """What walking the chain came to."""

    rows: int
    first_broken: int | None
    """The place of the first row that is changed, missing, out of order or blanked by somebody else; None: none is."""
    erased: int
    """How many rows were erased, as later rows say."""


def append(connection: Connection, events: Iterable[Event], now: datetime) -> None:
    """Add rows to the end of the chain, inside the transaction of what they tell of."""
    last = connection.execute(select(audit.c.place, audit.c.hash).order_by(audit.c.place.desc()).limit(1)).first()
    place, previous = (last.place, last.hash) if last else (0, b"")
    rows = []
    for event in events:
        place += 1
        told = {"subject": event.subject, "detail": dict(event.detail), "salt": secrets.token_bytes(16)}
        row = {"place": place, "at": now, "actor": event.actor, "action": event.action, "seal": _seal(told)}
        previous = _hash(previous, row)
        rows.append({**row, **told, "hash": previous})
    if rows:
        connection.execute(audit.insert(), rows)


def erase(connection: Connection, places: Iterable[int], actor: str, now: datetime) -> None:
    """Blank rows, and say so in a new one: inside the transaction of what else is erased."""
    places = sorted(set(places))
    if not places:
        return
    for part in chunks(places):
        blank = update(audit).where(audit.c.place.in_(part)).values(subject=None, detail=None, salt=None)
        connection.execute(blank)
    append(connection, [Event(actor, ERASE, f"{len(places)} rows", {"places": _stretches(places)})], now)


def verify(engine: Engine) -> tuple[int, int | None]:
    """Walk the chain.

    Returns:
        How many rows there are, and the place of the first one that is changed, missing or out of order (None: none is).
    """
    walked = walk(engine)
    return walked.rows, walked.first_broken


def walk(engine: Engine) -> Walk:
    """Walk the chain, and count what was erased from it."""
    previous, expected = b"", 0
    blank, allowed = set[int](), set[int]()
    with reading(engine) as connection:
        total = connection.execute(select(func.count()).select_from(audit)).scalar_one()
        query = select(audit).order_by(audit.c.place).execution_options(yield_per=2000)
        for row in map(dict[str, Any], connection.execute(query).mappings()):
            expected += 1
            if row["place"] != expected or row["hash"] != _hash(previous, row) or not _sealed(row):
                return Walk(total, expected, len(blank & allowed))
            previous = row["hash"]
            if row["salt"] is None:
                blank.add(expected)
            elif row["action"] == ERASE:
                allowed |= _places(row["detail"], expected)
    return Walk(total, min(blank - allowed, default=None), len(blank & allowed))


def _sealed(row: Mapping[str, Any]) -> bool:
    """Whether what the row tells is under its seal, or erased altogether; what erases is never erased."""
    if row["salt"] is None:
        return row["subject"] is None and row["detail"] is None and row["action"] != ERASE
    return bool(row["seal"] == _seal(row))


def _places(detail: Mapping[str, Any], here: int) -> set[int]:
    """The places that a row about an erasure names; only earlier ones count."""
    return {place for first, last in detail["places"] for place in range(first, min(last + 1, here))}


def _stretches(places: Iterable[int]) -> list[list[int]]:
    """Sorted places as [first, last]: thousands in a row take no room."""
    found: list[list[int]] = []
    for place in places:
        if found and found[-1][1] == place - 1:
            found[-1][1] = place
        else:
            found.append([place, place])
    return found


def _seal(row: Mapping[str, Any]) -> bytes:
    body = orjson.dumps([row["subject"], row["detail"]], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(row["salt"] + body, digest_size=32).digest()


def _hash(previous: bytes, row: Mapping[str, Any]) -> bytes:
    parts = {name: row[name] for name in ("place", "actor", "action")}
    body = {**parts, "at": row["at"].isoformat(), "seal": (row["seal"] or b"").hex()}
    return hashlib.blake2b(previous + orjson.dumps(body, option=orjson.OPT_SORT_KEYS), digest_size=32).digest()
