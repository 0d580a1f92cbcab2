"""What somebody asks the daemon to do: the console, the API or a webhook writes a wish, the daemon takes and performs it.

A wish is taken by one process only. One that was begun by a process that was killed is taken once more, and then given up.
May not: perform anything, or decide whether the asker may ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Engine, Row, delete, func, select, update

from syncd.store import claims
from syncd.store.daemon_tables import wishes
from syncd.store.engine import reading, write_if_any, writing

Kind = Literal["run", "plan", "apply", "user_run"]
Ending = Literal["done", "failed", "refused"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for."""

    kind: Kind
    asked_by: str
    """For the audit: who asks, and from where."""
    asked_at: datetime
    plan_id: int | None = None
    """`apply`: this plan."""
    sources: tuple[str, ...] = ()
    """`run`, `plan`: read only these; none means all."""
    email: str | None = None
    """`user_run`: only whoever has, or should have, this address."""


@dataclass(frozen=True, slots=True)
class StoredWish:
    """A wish, and what became of it."""

    id: int
    wish: Wish
    state: str
    """waiting | running | done | failed | refused"""
    taken: int
    run_id: int | None
    message: str
    """What it came to, in a sentence; empty while it waits."""
    ended_at: datetime | None


def ask(engine: Engine, wish: Wish) -> int:
    """Ask the daemon for something. Returns the wish's number; the daemon takes it within a second."""
    row = {
        "kind": wish.kind,
        "plan_id": wish.plan_id,
        "sources": list(wish.sources),
        "email": wish.email,
        "asked_by": wish.asked_by,
        "asked_at": wish.asked_at,
        "state": "waiting",
        "taken": 0,
        "message": "",
    }
    with writing(engine) as connection:
        number = connection.execute(wishes.insert().values(row)).inserted_primary_key
        assert number is not None
        return int(number[0])


def take(engine: Engine, now: datetime) -> StoredWish | None:
    """Take the wish that has waited longest: nobody else gets it. None: nobody waits.

    Args:
        engine: the store's.
        now: when a wish that was begun too often is given up.
    """
    row = claims.take(engine, wishes, wishes.c.ended_at.is_(None), ended_at=now)
    return _wish(row) if row else None


def reopen(engine: Engine) -> int:
    """Let those be taken again that a killed process began. Call it where no other process can be performing one.

    Returns:
        How many there were.
    """
    return claims.reopen(engine, wishes)


def conclude(
    engine: Engine, number: int, state: Ending, now: datetime, *, run_id: int | None = None, message: str = ""
) -> None:
    """Write down what became of a wish."""
    values = {"state": state, "run_id": run_id, "message": message, "ended_at": now}
    with writing(engine) as connection:
        connection.execute(update(wishes).where(wishes.c.id == number).values(values))


def find(engine: Engine, number: int) -> StoredWish | None:
    """One wish."""
    with reading(engine) as connection:
        row = connection.execute(select(wishes).where(wishes.c.id == number)).first()
    return _wish(row) if row else None


def waiting(engine: Engine) -> int:
    """How many wait; looked up in an index that holds the open ones only."""
    with reading(engine) as connection:
        query = select(func.count()).select_from(wishes).where(wishes.c.state == "waiting", wishes.c.ended_at.is_(None))
        return int(connection.execute(query).scalar_one())


def newest(engine: Engine, limit: int = 20) -> list[StoredWish]:
    """The last wishes, newest first."""
    with reading(engine) as connection:
        return [_wish(row) for row in connection.execute(select(wishes).order_by(wishes.c.id.desc()).limit(limit))]


def forget_people(engine: Engine, before: datetime) -> int:
    """Forget who was asked about before this moment: wishes that name an address. Returns how many there were."""
    old = (wishes.c.email.is_not(None), wishes.c.ended_at.is_not(None), wishes.c.asked_at < before)
    return write_if_any(engine, delete(wishes).where(*old))


def _wish(row: Row[Any]) -> StoredWish:
    wish = Wish(row.kind, row.asked_by, row.asked_at, row.plan_id, tuple(row.sources), row.email)
    return StoredWish(row.id, wish, row.state, row.taken, row.run_id, row.message, row.ended_at)
