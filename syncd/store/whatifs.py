"""What-ifs that somebody asked for, and what they came to: worked out by the daemon, one at a time, and gone after a day.

What they came to names people, so it is personal data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import Column, Engine, Integer, Row, String, Table, Text, delete, func, insert, select, update

from syncd.store import claims
from syncd.store.engine import reading, write_if_any, writing
from syncd.store.tables import Json, Moment, metadata

LASTS: Final = timedelta(days=1)
State = Literal["waiting", "running", "done", "failed"]
OPEN: Final = ("waiting", "running")

whatifs = Table(
    "whatifs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("fragment", Text, nullable=False, comment="the other rules, as YAML"),
    Column("asked_by", String, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("state", String, nullable=False, comment="waiting | running | done | failed"),
    Column("taken", Integer, nullable=False, comment="how often somebody began it"),
    Column("answer", Json, comment="of one that is done: what differs"),
    Column("message", Text, nullable=False, comment="of one that failed: why"),
    comment="what other rules would do, asked for in the console; gone after a day",
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One of them."""

    id: int
    fragment: str
    state: State
    answer: Mapping[str, Any] | None
    message: str


def ask(engine: Engine, fragment: str, who: str, now: datetime) -> int:
    """Ask the daemon. Returns the number by which the answer is found."""
    forget_old(engine, now)
    row = {"fragment": fragment, "asked_by": who, "asked_at": now, "state": "waiting", "taken": 0, "message": ""}
    with writing(engine) as connection:
        number = connection.execute(insert(whatifs).values(row)).inserted_primary_key
        assert number is not None
        return int(number[0])


def find(engine: Engine, number: int, now: datetime) -> WhatIf | None:
    """One of them; None: there is none, or not any more."""
    query = select(whatifs).where(whatifs.c.id == number, whatifs.c.asked_at > now - LASTS)
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    return _whatif(row) if row else None


def unanswered(engine: Engine) -> int:
    """How many wait or are worked out."""
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).where(whatifs.c.state.in_(OPEN))).scalar_one())


def take(engine: Engine) -> WhatIf | None:
    """Begin the one that has waited longest; None: nobody waits. One that was begun too often is given up."""
    row = claims.take(engine, whatifs)
    return _whatif(row) if row else None


def answered(engine: Engine, number: int, answer: Mapping[str, Any]) -> None:
    """Write down what it came to."""
    _conclude(engine, number, {"state": "done", "answer": answer})


def failed(engine: Engine, number: int, message: str) -> None:
    """Write down why it could not be worked out."""
    _conclude(engine, number, {"state": "failed", "message": message})


def give_back(engine: Engine, number: int) -> None:
    """Let it be taken again: whoever worked it out was asked to stop, which does not count as a try."""
    _conclude(engine, number, {"state": "waiting", "taken": whatifs.c.taken - 1})


def reopen(engine: Engine) -> None:
    """Let those be taken again that a killed process began. Call it where no other process can be at one."""
    claims.reopen(engine, whatifs)


def forget_old(engine: Engine, now: datetime) -> None:
    """Take away what is older than a day. Writes nothing where there is none."""
    write_if_any(engine, delete(whatifs).where(whatifs.c.asked_at <= now - LASTS))


def _conclude(engine: Engine, number: int, values: Mapping[str, Any]) -> None:
    with writing(engine) as connection:
        connection.execute(update(whatifs).where(whatifs.c.id == number).values(**values))


def _whatif(row: Row[Any]) -> WhatIf:
    return WhatIf(row.id, row.fragment, row.state, row.answer, row.message)
