"""Who did what and when, as a chain: each row's hash covers the row before, so that nothing can be changed unnoticed.

What a row tells of people stands under a seal: the chain covers the seal, not the words. So they can be erased when their
time is over, and the chain stays whole. An erasure is a row itself, which names the places; a row that is blank, and that no
later row names, was blanked by somebody else.

Where the chain ends (its *head*) is kept beside it as well, so that rows taken off its end are missed. Old rows are taken off
its beginning only by `retire`, which says so in a row: the last of these is where the chain begins now.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, delete, func, select, update

from syncd.store.engine import snapshot
from syncd.store.sql import chunks, upsert
from syncd.store.tables import audit, meta

ERASE: Final = "erase"
"""The action of the rows that name erased places."""

RETIRE: Final = "retire"
"""The action of the rows that say up to which place older ones were taken away."""

_HEAD: Final = "audit_head"
_WRITER: Final = 0x6175646974  # "audit"
"""Key of PostgreSQL's advisory lock: one writer of the chain at a time, as SQLite has it by nature."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One place of the chain, and the hash that its row has; written `1234:9f2c…`."""

    place: int = 0
    hash: bytes = b""

    def __str__(self) -> str:
        return f"{self.place}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> Mark:
        """The mark that was written so.

        Raises:
            ValueError: it is none.
        """
        place, colon, digest = text.strip().partition(":")
        if not (place.isascii() and place.isdigit() and colon) or (len(digest) != _DIGITS and int(place)):
            raise ValueError(text)
        return cls(int(place), bytes.fromhex(digest))


_DIGITS: Final = 64


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
    """The place of the first row that is changed, missing (at the end, too), out of order or blanked by somebody else; None:
    none is."""
    erased: int
    """How many rows were erased, as later rows say."""
    begins: int = 1
    """The place of the first row: rows before it were retired, as the last row about that says."""
    head: Mark = field(default_factory=Mark)
    """The last row."""
    marked: bool | None = None
    """Whether the row that was asked about is there just so; None: none was asked about."""


_heard: ContextVar[list[Event] | None] = ContextVar("heard", default=None)


@contextmanager
def hearing() -> Iterator[list[Event]]:
    """What this thread tells the audit while the block runs."""
    told: list[Event] = []
    before = _heard.set(told)
    try:
        yield told
    finally:
        _heard.reset(before)


def append(connection: Connection, events: Iterable[Event], now: datetime) -> None:
    """Add rows to the end of the chain, inside the transaction of what they tell of: writers take turns until it ends."""
    events = list(events)
    if (heard := _heard.get()) is not None:
        heard += events
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_WRITER)))
    last = connection.execute(select(audit.c.place, audit.c.hash).order_by(audit.c.place.desc()).limit(1)).first()
    head = _head(connection) or Mark(*(last or ()))
    # Rows that somebody put behind the head are not taken for ours, and not written over either: the walk names them.
    place, previous = max(head.place, last.place if last else 0), head.hash
    rows = []
    for event in events:
        place += 1
        told = {"subject": event.subject, "detail": dict(event.detail), "salt": secrets.token_bytes(16)}
        row = {"place": place, "at": now, "actor": event.actor, "action": event.action, "seal": _seal(told)}
        previous = _hash(previous, row)
        rows.append({**row, **told, "hash": previous})
    if rows:
        connection.execute(audit.insert(), rows)
        connection.execute(upsert(connection, meta), {"name": _HEAD, "value": str(Mark(place, previous))})


def _head(connection: Connection) -> Mark | None:
    """Where the chain ended when it was last written; None before the first row, and where somebody spoiled it."""
    written = connection.execute(select(meta.c.value).where(meta.c.name == _HEAD)).scalar()
    try:
        return Mark.parse(written) if written else None
    except ValueError:
        return None


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


def walk(engine: Engine, mark: Mark | None = None) -> Walk:
    """Walk the chain, and count what was erased from it.

    Args:
        engine: the store's.
        mark: a row that was written down elsewhere, to be looked for.
    """
    blank, allowed = set[int](), set[int]()
    with snapshot(engine) as connection:
        total = connection.execute(select(func.count()).select_from(audit)).scalar_one()
        head, here = _head(connection), _anchor(connection)
        begins = here.place + 1
        marked = None if mark is None else mark in {here, Mark()}
        query = select(audit).order_by(audit.c.place).execution_options(yield_per=2000)
        for row in map(dict[str, Any], connection.execute(query).mappings()):
            place = here.place + 1
            if row["place"] != place or row["hash"] != _hash(here.hash, row) or not _sealed(row):
                return Walk(total, place, len(blank & allowed), begins, here, marked)
            here = Mark(place, row["hash"])
            marked = marked or here == mark if marked is not None else None
            if row["salt"] is None:
                blank.add(place)
            elif row["action"] == ERASE:
                allowed |= _places(row["detail"], place)
    cut = here.place + 1 if here != (head or Mark()) else None
    broken = min([*(blank - allowed), *([cut] if cut else [])], default=None)
    return Walk(total, broken, len(blank & allowed), begins, here, marked)


def _anchor(connection: Connection) -> Mark:
    """The last row that was retired, as the last row about that says; nothing was when there is none, or it is no such row."""
    query = select(audit.c.detail).where(audit.c.action == RETIRE).order_by(audit.c.place.desc()).limit(1)
    detail = connection.execute(query).scalar()
    try:
        return Mark.parse(detail["through"]) if detail else Mark()
    except (KeyError, TypeError, ValueError):
        return Mark()


def stream(connection: Connection, since: datetime | None = None) -> Iterator[dict[str, Any]]:
    """Every row, in the chain's order, as plain values: whoever has salt, seal and hash can walk the chain without us."""
    query = select(audit).order_by(audit.c.place).execution_options(yield_per=2000)
    if since is not None:
        query = query.where(audit.c.at >= since)
    for row in connection.execute(query).mappings():
        secret = {name: row[name].hex() if row[name] is not None else None for name in ("salt", "seal", "hash")}
        yield {**{str(name): value for name, value in row.items()}, "at": row["at"].isoformat(), **secret}


def older(connection: Connection, before: datetime) -> bool:
    """Whether the chain begins with rows that are older."""
    first = begins(connection)
    return first is not None and first < before


def begins(connection: Connection) -> datetime | None:
    """When the first row was written that is still there; None: there is none."""
    return connection.execute(select(audit.c.at).order_by(audit.c.place).limit(1)).scalar()


def retire(connection: Connection, before: datetime, actor: str, now: datetime) -> int:
    """Take the rows before the first one that is not older than `before` off the beginning, and say so in a new one.

    Returns:
        How many rows that were.
    """
    first = connection.execute(select(func.min(audit.c.place)).where(audit.c.at >= before)).scalar()
    last = select(audit.c.place, audit.c.hash).order_by(audit.c.place.desc()).limit(1)
    row = connection.execute(last.where(audit.c.place < first) if first else last).first()
    if row is None:
        return 0
    through = Mark(row.place, row.hash)
    gone = connection.execute(delete(audit).where(audit.c.place <= through.place)).rowcount
    append(
        connection, [Event(actor, RETIRE, f"{gone} rows", {"through": str(through), "before": before.isoformat()})], now
    )
    return gone


def _sealed(row: Mapping[str, Any]) -> bool:
    """Whether what the row tells is under its seal, or erased altogether; what erases or retires is never erased."""
    if row["salt"] is None:
        return row["subject"] is None and row["detail"] is None and row["action"] not in {ERASE, RETIRE}
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
