"""What is kept of deleted users, and for how long: the whole set-up for 30 days, and then nothing that is personal.

The guide says that deleted data is kept 30 days (GDPR). It is kept for a person who recovers it by hand: no function here,
and none elsewhere, gives a user back.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from connectors.fluix.account import credentials
from connectors.fluix.account.connection import account_of, chunks
from connectors.fluix.account.settings import DEFAULTS
from connectors.fluix.account.tables import (
    activity,
    deleted,
    devices,
    documents,
    groups,
    mails,
    memberships,
    role_groups,
    users,
)

_GIVEN_AWAY = ("left workflows", "documents reassigned", "documents given up")
"""What the steps of a deletion took away before it, as the activity calls it."""


@dataclass(frozen=True, slots=True)
class Due:
    """A deleted user whose time is over."""

    user_id: int
    address: str
    """The last email, as it is compared."""
    emails: tuple[str, ...]
    """Every address that is known of the user, as written."""
    names: tuple[str, ...]


def keep(connection: Connection, rows: Iterable[Row[Any]], now: datetime) -> None:
    """Keep the whole set-up of users who are about to be removed."""
    account = account_of(connection)
    for part in chunks(rows):
        setups = _setups(connection, part)
        kept = [
            {
                "user_id": row.user_id,
                "account": account,
                "email_key": row.email_key,
                "setup": json.dumps(setups[row.user_id], ensure_ascii=False),
                "deleted_at": now,
                "erased_at": None,
            }
            for row in part
        ]
        connection.execute(insert(deleted), kept)


def _setups(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, dict[str, Any]]:
    """User id -> everything that makes the user's place in the account; at most one chunk of them."""
    ids = [row.user_id for row in rows]
    setups: dict[int, dict[str, Any]] = {
        row.user_id: {
            "email": row.email,
            "name": row.name,
            "state": row.state,
            "role": row.role,
            "owner": row.owner,
            "created_at": row.created_at.isoformat(),
            "last_login_at": row.last_login_at.isoformat() if row.last_login_at else None,
        }
        for row in rows
    }
    lists: dict[int, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for name, table in (("groups", memberships), ("role_groups", role_groups)):
        query = select(table.c.user_id, groups.c.name).join(groups, groups.c.group_id == table.c.group_id)
        for user_id, group in connection.execute(query.where(table.c.user_id.in_(ids)).order_by(groups.c.name_key)):
            lists[user_id][name].append(group)
    for doc in connection.execute(select(documents).where(documents.c.user_id.in_(ids)).order_by(documents.c.title)):
        lists[doc.user_id]["documents"].append({"title": doc.title, "state": doc.state})
    for one in connection.execute(select(devices).where(devices.c.user_id.in_(ids)).order_by(devices.c.device_id)):
        lists[one.user_id]["devices"].append({"name": one.name, "platform": one.platform})
    given = select(activity).where(activity.c.user_id.in_(ids), activity.c.kind.in_(_GIVEN_AWAY))
    for row in connection.execute(given.order_by(activity.c.activity_id)):
        lists[row.user_id]["given_away"].append({"at": row.at.isoformat(), "kind": row.kind, "text": row.text})
    names = ("groups", "role_groups", "documents", "devices", "given_away")
    return {user_id: {**setup, **{name: lists[user_id][name] for name in names}} for user_id, setup in setups.items()}


def remove(connection: Connection, user_ids: Iterable[int], email_keys: Iterable[str]) -> None:
    """Remove users, and what goes with them; the password stays for who is a user of another account as well."""
    for part in chunks(user_ids):
        for table in (documents, memberships, role_groups, devices, users):
            connection.execute(delete(table).where(table.c.user_id.in_(part)))
    credentials.left(connection, email_keys)


def kept(connection: Connection, user_id: int) -> dict[str, Any] | None:
    """The set-up of a deleted user; None once it was erased, or when there is no such user."""
    setup = connection.execute(select(deleted.c.setup).where(deleted.c.user_id == user_id)).scalar()
    found: dict[str, Any] | None = json.loads(setup) if setup else None
    return found


def due(connection: Connection, now: datetime, keep_deleted: timedelta = DEFAULTS.keep_deleted) -> list[Due]:
    """The deleted users, of every account of the store, whose set-ups have been kept long enough."""
    query = select(deleted).where(deleted.c.erased_at.is_(None), deleted.c.deleted_at <= now - keep_deleted)
    rows = connection.execute(query.order_by(deleted.c.user_id)).all()
    written: dict[int, set[str]] = defaultdict(set)
    for part in chunks(row.user_id for row in rows):
        sent = select(mails.c.user_id, mails.c.email).where(
            mails.c.user_id.in_(part), mails.c.kind.in_(["invitation", "password_reset", "user_data"])
        )
        for user_id, email in connection.execute(sent):
            written[user_id].add(email)
    found = []
    for row in rows:
        setup = json.loads(row.setup) if row.setup else {}
        emails = {setup.get("email"), row.email_key, *written[row.user_id]} - {None, ""}
        names = (setup["name"],) if setup.get("name") else ()
        found.append(Due(row.user_id, row.email_key or "", tuple(sorted(emails)), names))
    return found


def erase(connection: Connection, user_ids: Iterable[int], now: datetime) -> None:
    """Take everything personal out of what is about these users; that something was, and when, stays."""
    nothing = {"email": "", "subject": "", "text": "", "attachment_name": None, "attachment": None, "error": None}
    for part in chunks(user_ids):
        theirs = mails.c.user_id.in_(part)
        # What was not sent by now is not sent any more.
        connection.execute(delete(mails).where(theirs, mails.c.state.in_(["queued", "sending"])))
        connection.execute(update(mails).where(theirs).values(nothing))
        connection.execute(update(activity).where(activity.c.user_id.in_(part)).values(text=""))
        gone = {"email_key": None, "setup": None, "erased_at": now}
        connection.execute(update(deleted).where(deleted.c.user_id.in_(part)).values(gone))
