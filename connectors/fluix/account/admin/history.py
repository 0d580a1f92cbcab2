"""The activity: what users and admins did, the newest first. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from connectors.fluix.account.admin.people import find
from connectors.fluix.account.connection import account_of
from connectors.fluix.account.reading import PAGE
from connectors.fluix.account.tables import activity, users


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of the activity."""

    email: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Up to, and without, this moment."""
    kind: str | None = None


def stream_activity(
    connection: Connection, asked: Asked, limit: int | None = None, skip: int = 0
) -> Iterator[dict[str, Any]]:
    """What happened, the newest first: at, email (as it is now; None: the account, or a user who is gone), kind, text.

    Raises:
        PermanentError: there is no such user.
    """
    query = (
        select(activity.c.at, users.c.email, activity.c.kind, activity.c.text)
        .outerjoin(users, users.c.user_id == activity.c.user_id)
        .where(*_conditions(connection, asked))
        .order_by(activity.c.at.desc(), activity.c.activity_id.desc())
        .limit(limit)
        .offset(skip)
    )
    for page in connection.execute(query, execution_options={"yield_per": PAGE}).partitions():
        for at, email, kind, text in page:
            yield {"at": at.isoformat(), "email": email, "kind": kind, "text": text}


def count_activity(connection: Connection, asked: Asked) -> int:
    """How much there is of it."""
    query = select(func.count()).select_from(activity).where(*_conditions(connection, asked))
    return connection.execute(query).scalar_one()


def _conditions(connection: Connection, asked: Asked) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [activity.c.account == account_of(connection)]
    if asked.email is not None:
        found.append(activity.c.user_id == find(connection, asked.email).user_id)
    if asked.since is not None:
        found.append(activity.c.at >= asked.since)
    if asked.until is not None:
        found.append(activity.c.at < asked.until)
    if asked.kind is not None:
        found.append(activity.c.kind == asked.kind)
    return found
