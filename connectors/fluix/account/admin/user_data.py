"""All that is held about one user, as a file that programs can read: what the guide calls requesting user data.

Left out are only secrets, which would open a door to whoever reads the file: the password's hash, a device's session, and
the texts of mails, which hold one-time links.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from connectors.fluix.account.admin.details import belongings, identity
from connectors.fluix.account.admin.people import find, moment
from connectors.fluix.account.connection import account_of
from connectors.fluix.account.mail import outbox
from connectors.fluix.account.mail.texts import Texts
from connectors.fluix.account.outcomes import record
from connectors.fluix.account.settings import Settings
from connectors.fluix.account.tables import activity, deleted, login_guards, mails, operations, passwords

FILE_NAME = "user-data.json"

_MAIL = ("kind", "email", "subject", "state", "tries", "error", "queued_at", "sent_at")


def collect(connection: Connection, email: str, now: datetime) -> dict[str, Any]:
    """What is held about a user.

    Raises:
        PermanentError: there is no such user.
    """
    return _collect(connection, find(connection, email), now)


def request(connection: Connection, email: str, settings: Settings, now: datetime) -> str:
    """Send a user what is held about him or her. Returns the address.

    Raises:
        PermanentError: there is no such user, or the mail's template is broken.
    """
    row = find(connection, email)
    held = _collect(connection, row, now)
    subject, text = Texts(settings.mail).render("user_data", {"name": row.name, "email": row.email})
    outbox.queue(
        connection,
        kind="user_data",
        email=row.email,
        now=now,
        user_id=row.user_id,
        subject=subject,
        text=text,
        attachment_name=FILE_NAME,
        attachment=as_text(held),
    )
    record(connection, [(row.user_id, "user data requested", row.email)], now)
    return str(row.email)


def as_text(held: dict[str, Any]) -> str:
    """The file's text."""
    return json.dumps(held, ensure_ascii=False, indent=2) + "\n"


def _collect(connection: Connection, row: Row[Any], now: datetime) -> dict[str, Any]:
    of, key = row.user_id, row.email_key
    happened = select(activity.c.at, activity.c.kind, activity.c.text).where(activity.c.user_id == of)
    sent = select(*(mails.c[name] for name in _MAIL)).where(mails.c.user_id == of).order_by(mails.c.mail_id)
    guards = select(login_guards.c.failures, login_guards.c.blocks, login_guards.c.blocked_until)
    earlier = (
        select(deleted.c.deleted_at, deleted.c.setup)
        .where(deleted.c.account == account_of(connection), deleted.c.email_key == key)
        .order_by(deleted.c.deleted_at)
    )
    done = select(operations.c.operation_id, operations.c.done_at).where(operations.c.user_id == of)
    return {
        "account": account_of(connection),
        "collected_at": now.isoformat(),
        "user": identity(connection, row),
        **belongings(connection, of),
        "password": _rows(connection, select(passwords.c.set_at).where(passwords.c.email_key == key)),
        "wrong_passwords": _rows(connection, guards.where(login_guards.c.email_key == key)),
        "mails": _rows(connection, sent),
        "activity": _rows(connection, happened.order_by(activity.c.activity_id)),
        "earlier_deletions": [
            {"deleted_at": moment(gone.deleted_at), "setup": _parsed(gone.setup)}
            for gone in connection.execute(earlier)
        ],
        "operations": _rows(connection, done.order_by(operations.c.done_at, operations.c.operation_id)),
    }


def _rows(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    result = connection.execute(query)
    names: Sequence[str] = list(result.keys())
    return [
        {name: moment(value) if isinstance(value, datetime) else value for name, value in zip(names, row, strict=True)}
        for row in result
    ]


def _parsed(setup: str | None) -> Any:
    """The set-up of a deleted user, which its room writes as JSON."""
    return None if setup is None else json.loads(setup)
