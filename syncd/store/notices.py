"""Messages to people, from the moment they are due until a receiver took them: at least once, and never twice at a time.

A row is written in one transaction with the look at what was told already, so that of several processes one tells it. A process
that is killed while it sends leaves a row that is due again when its time is over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, and_, delete, func, or_, select, update

from syncd.store.engine import reading, writing
from syncd.store.notice_tables import notification_outbox as outbox

KEPT: Final = timedelta(days=60)
"""So long what was told stays, at least: longer than anything that is told once."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that people are to be told."""

    event: str
    key: str
    """What it is about. The same is told once: ever, or as long as it lasts."""
    facts: Mapping[str, Any]


def queue(
    engine: Engine,
    wanted: Mapping[str, Sequence[Notice]],
    lasting: Collection[str],
    now: datetime,
    forget: Collection[str] = (),
) -> int:
    """Put what is new into the outbox, and note what is over.

    Args:
        engine: the store's.
        wanted: of each target, what it is to be told: of lasting events all that is so now.
        lasting: events that can be over, and come again.
        now: the time.
        forget: lasting events that are of no use to anybody once they are over: what still waits of them is not sent.

    Returns:
        How many rows are new.
    """
    with reading(engine) as connection:
        if not any(_differences(connection, wanted, lasting)):
            return 0
    with writing(engine) as connection:
        new, over = _differences(connection, wanted, lasting)
        if over:
            here = outbox.c.id.in_(over)
            unsent = and_(here, outbox.c.state == "waiting", outbox.c.event.in_(list(forget)))
            connection.execute(update(outbox).where(unsent).values(state="over"))
            connection.execute(update(outbox).where(here).values(ended_at=now))
        if new:
            same = {"state": "waiting", "tries": 0, "queued_at": now, "next_at": now}
            rows = [
                {"target": target, "event": one.event, "key": one.key, "facts": dict(one.facts), **same}
                for target, one in new
            ]
            connection.execute(outbox.insert(), rows)
            old = and_(outbox.c.queued_at < now - KEPT, outbox.c.state.in_(["sent", "failed", "over"]))
            connection.execute(delete(outbox).where(old, or_(outbox.c.event.not_in(list(lasting)), ~_LASTS)))
        return len(new)


_LASTS = outbox.c.ended_at.is_(None)


def _differences(
    connection: Connection, wanted: Mapping[str, Sequence[Notice]], lasting: Collection[str]
) -> tuple[list[tuple[str, Notice]], list[int]]:
    """What was not told yet, and the rows of what is over."""
    told = connection.execute(select(outbox.c.id, outbox.c.target, outbox.c.event, outbox.c.key).where(_LASTS)).all()
    known = {(row.target, row.key) for row in told}
    now = {(target, one.key) for target, several in wanted.items() for one in several}
    new = [(target, one) for target, several in wanted.items() for one in several if (target, one.key) not in known]
    over = [row.id for row in told if row.event in lasting and (row.target, row.key) not in now]
    return list({(target, one.key): (target, one) for target, one in new}.values()), over


def told_before(engine: Engine, event: str) -> set[tuple[str, str]]:
    """(target, key) of what was queued of this event."""
    with reading(engine) as connection:
        rows = connection.execute(select(outbox.c.target, outbox.c.key).where(outbox.c.event == event))
        return {(row.target, row.key) for row in rows}


def due(engine: Engine, target: str, now: datetime) -> list[Row[Any]]:
    """What is to be sent to a target, oldest first."""
    with reading(engine) as connection:
        return list(connection.execute(select(outbox).where(_due(target, now)).order_by(outbox.c.id)))


def sent_since(engine: Engine, target: str, since: datetime) -> int:
    """How many messages a target took since then, or is just taking."""
    with reading(engine) as connection:
        query = select(func.count(func.distinct(outbox.c.message)))
        taken = or_(outbox.c.sent_at > since, outbox.c.state == "sending")
        return int(connection.execute(query.where(outbox.c.target == target, taken)).scalar_one())


def take(engine: Engine, target: str, ids: Iterable[int], message: str, *, now: datetime, lease: timedelta) -> bool:
    """Take rows to be sent as one message. False when another process took one of them meanwhile: then none is."""
    ids = list(ids)
    with writing(engine) as connection:
        query = select(outbox.c.id).where(_due(target, now), outbox.c.id.in_(ids)).with_for_update(skip_locked=True)
        if len(connection.execute(query).all()) < len(ids):
            return False
        values = {"state": "sending", "message": message, "next_at": now + lease, "tries": outbox.c.tries + 1}
        connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(values))
    return True


def taken(engine: Engine, message: str, now: datetime) -> None:
    """The receiver took the message."""
    _conclude(engine, message, state="sent", sent_at=now, error=None)


def refused(engine: Engine, message: str, error: str, again: datetime | None) -> None:
    """The receiver did not take the message: it is due again then, or given up (None)."""
    values = {"state": "waiting", "next_at": again} if again else {"state": "failed"}
    _conclude(engine, message, error=error, **values)


def _conclude(engine: Engine, message: str, **values: Any) -> None:
    with writing(engine) as connection:
        here = (outbox.c.message == message, outbox.c.state == "sending")
        connection.execute(update(outbox).where(*here).values(**values))


def states(engine: Engine) -> dict[str, int]:
    """How many there are of each state."""
    with reading(engine) as connection:
        return dict(connection.execute(select(outbox.c.state, func.count()).group_by(outbox.c.state)).all())


def listed(engine: Engine, limit: int, state: str | None = None) -> list[Row[Any]]:
    """The newest, newest first."""
    query = select(outbox).order_by(outbox.c.id.desc()).limit(limit)
    with reading(engine) as connection:
        return list(connection.execute(query.where(outbox.c.state == state) if state else query))


def _due(target: str, now: datetime) -> Any:
    return and_(outbox.c.target == target, outbox.c.state.in_(["waiting", "sending"]), outbox.c.next_at <= now)
