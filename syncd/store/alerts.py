"""What somebody has to be told: raised once, open until it is well again. Who is told, and how, is another room's.

Kinds: `missed_run` (a run was due and could not begin), `hung_run`, `no_success` (for so many hours), `failed_run`,
`quarantine` (a source keeps failing).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Engine, select, update

from syncd.store.daemon_tables import alerts
from syncd.store.engine import reading, writing

AlertKind = Literal["missed_run", "hung_run", "no_success", "failed_run", "quarantine"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to be told."""

    id: int
    kind: AlertKind
    subject: str
    """A source, a run (`r12`); empty: the daemon as a whole."""
    message: str
    raised_at: datetime
    ended_at: datetime | None
    told_at: datetime | None


def raise_alert(engine: Engine, kind: AlertKind, subject: str, message: str, now: datetime) -> int | None:
    """Raise an alert. One of this kind and subject that is open already stays the same one; its message is brought up to date.

    Returns:
        The new alert's number; None: it was open already.
    """
    here = (alerts.c.kind == kind, alerts.c.subject == subject, alerts.c.ended_at.is_(None))
    query = select(alerts.c.id, alerts.c.message).where(*here)
    with reading(engine) as connection:
        there = connection.execute(query).first()
    if there and there.message == message:
        return None
    with writing(engine) as connection:
        there = connection.execute(query).first()
        if there:
            connection.execute(update(alerts).where(alerts.c.id == there.id).values(message=message))
            return None
        row = {"kind": kind, "subject": subject, "message": message, "raised_at": now}
        number = connection.execute(alerts.insert().values(row)).inserted_primary_key
        assert number is not None
        return int(number[0])


def end_alert(engine: Engine, kind: AlertKind, subject: str, now: datetime) -> bool:
    """It is well again. Returns whether it was open; else nothing is written."""
    here = (alerts.c.kind == kind, alerts.c.subject == subject, alerts.c.ended_at.is_(None))
    with reading(engine) as connection:
        if connection.execute(select(alerts.c.id).where(*here)).first() is None:
            return False
    with writing(engine) as connection:
        return bool(connection.execute(update(alerts).where(*here).values(ended_at=now)).rowcount)


def open_alerts(engine: Engine) -> list[Alert]:
    """What is not well now, oldest first."""
    with reading(engine) as connection:
        query = select(alerts).where(alerts.c.ended_at.is_(None)).order_by(alerts.c.id)
        return [Alert(**row) for row in connection.execute(query).mappings()]


def untold_alerts(engine: Engine) -> list[Alert]:
    """Those that nobody was told yet, ended or not, oldest first."""
    with reading(engine) as connection:
        query = select(alerts).where(alerts.c.told_at.is_(None)).order_by(alerts.c.id)
        return [Alert(**row) for row in connection.execute(query).mappings()]


def told(engine: Engine, number: int, now: datetime) -> None:
    """Somebody was told."""
    with writing(engine) as connection:
        connection.execute(update(alerts).where(alerts.c.id == number).values(told_at=now))
