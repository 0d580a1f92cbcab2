"""The outbox: mails that wait, are under way, and were sent. Statements only; nothing is sent here.

queued -> sending -> sent | refused | queued again | unsure. `sending` is written before a word is said to the mail server, so
that no mail that may have been taken is ever sent a second time by itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, or_, select, text, update

from connectors.errors import PermanentError, RefusedError
from connectors.fluix.account.connection import account_of
from connectors.fluix.account.outcomes import record
from connectors.fluix.account.tables import mails, users
from connectors.model import normalise_email

_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=4)

_WAITING = text("state IN ('queued', 'sending')")
"""The words of the partial index, without which no database uses it."""


def queue(
    connection: Connection,
    *,
    kind: str,
    email: str,
    now: datetime,
    user_id: int | None = None,
    subject: str = "",
    text: str = "",
    attachment_name: str | None = None,
    attachment: str | None = None,
) -> int:
    """Put a mail into the outbox, in the transaction of the deed that it tells of.

    Args:
        connection: of the writing transaction.
        kind: `invitation` (its subject and text are made when it is sent), `password_reset`, `user_data`, …
        email: to whom.
        now: when.
        user_id: whom it is about.
        subject: one line.
        text: plain.
        attachment_name: a file's name; its ending says what it is (.json, .csv, .txt).
        attachment: the file's text.

    Returns:
        The mail's id.
    """
    statement = insert(mails).values(
        account=account_of(connection),
        user_id=user_id,
        kind=kind,
        email=email,
        subject=subject,
        text=text,
        attachment_name=attachment_name,
        attachment=attachment,
        state="queued",
        tries=0,
        queued_at=now,
    )
    mail_id = connection.execute(statement.returning(mails.c.mail_id)).scalar_one()
    assert isinstance(mail_id, int)
    return mail_id


def next_due(connection: Connection, after: int, now: datetime) -> Row[Any] | None:
    """The first mail behind `after` that can be sent now."""
    query = (
        select(mails)
        .where(_WAITING, mails.c.account == account_of(connection), mails.c.state == "queued", mails.c.mail_id > after)
        .where(or_(mails.c.next_try_at.is_(None), mails.c.next_try_at <= now))
        .order_by(mails.c.mail_id)
        .limit(1)
    )
    return connection.execute(query).first()


def change(connection: Connection, mail_id: int, was: str, **values: Any) -> bool:
    """Change a mail that is in this state; False when it is in another one by now."""
    statement = update(mails).where(mails.c.mail_id == mail_id, mails.c.state == was).values(**values)
    return connection.execute(statement).rowcount == 1


def mark(connection: Connection, mail: Row[Any], email: str, message_id: str) -> Row[Any]:
    """A mail is being sent from now on. Returns it as it is now."""
    statement = update(mails).where(mails.c.mail_id == mail.mail_id)
    values = {
        "state": "sending",
        "tries": mail.tries + 1,
        "email": email,
        "message_id": message_id,
        "next_try_at": None,
    }
    return connection.execute(statement.values(**values).returning(mails)).one()


def postpone(connection: Connection, mail: Row[Any], tries: int, why: str, now: datetime) -> None:
    """Let a mail wait: a minute at first, and longer each time."""
    pause = min(_FIRST_PAUSE * 2 ** min(max(tries - 1, 0), 16), _LONGEST_PAUSE)
    change(connection, mail.mail_id, mail.state, state="queued", tries=tries, error=why, next_try_at=now + pause)


def unsure(connection: Connection, mail: Row[Any], why: str, now: datetime) -> bool:
    """Whether this mail arrived, nobody knows: only a person can have it sent again."""
    changed = change(connection, mail.mail_id, "sending", state="unsure", error=why, sent_at=mail.sent_at or now)
    if changed:
        record(connection, [(mail.user_id, "mail unsure", f"{mail.kind} to {mail.email}: {why}")], now)
    return changed


def left_behind(connection: Connection, now: datetime) -> int:
    """What a process that ended was just sending is unsure. Only for who holds the lock of the sending."""
    query = select(mails).where(_WAITING, mails.c.account == account_of(connection), mails.c.state == "sending")
    why = "the program ended while it was being sent"
    return sum(unsure(connection, mail, why, now) for mail in connection.execute(query).all())


def waiting(connection: Connection) -> int:
    """How many mails wait."""
    query = select(func.count()).select_from(mails)
    query = query.where(_WAITING, mails.c.account == account_of(connection), mails.c.state == "queued")
    return connection.execute(query).scalar_one()


def listed(connection: Connection, state: str | None, limit: int) -> tuple[int, list[dict[str, Any]]]:
    """How many mails there are, and the newest of them."""
    here = [mails.c.account == account_of(connection), *([mails.c.state == state] if state else [])]
    total = connection.execute(select(func.count()).select_from(mails).where(*here)).scalar_one()
    rows = connection.execute(select(mails).where(*here).order_by(mails.c.mail_id.desc()).limit(limit))
    return total, [as_listed(row) for row in rows]


def as_listed(mail: Row[Any]) -> dict[str, Any]:
    """A mail as lists show it."""
    return {
        "id": mail.mail_id,
        "to": mail.email,
        "kind": mail.kind,
        "state": mail.state,
        "tries": mail.tries,
        "queued_at": mail.queued_at.isoformat(),
        "sent_at": mail.sent_at and mail.sent_at.isoformat(),
        "next_try_at": mail.next_try_at and mail.next_try_at.isoformat(),
        "error": mail.error,
    }


def find(connection: Connection, mail_id: int) -> Row[Any]:
    """One mail of this account.

    Raises:
        PermanentError: there is none.
    """
    row = connection.execute(by_id(mail_id, account_of(connection))).first()
    if row is None:
        raise PermanentError(f"there is no mail {mail_id}", where=str(mail_id), cure="see `syncd account outbox`")
    return row


def by_id(mail_id: int, account: str) -> Select[Any]:
    """The query for one mail."""
    return select(mails).where(mails.c.mail_id == mail_id, mails.c.account == account)


def requeue(connection: Connection, mail_id: int) -> Row[Any]:
    """Have a mail sent once more, which only a person can ask for.

    A refused one gets another Message-ID, so that the bounce of its first life says nothing of its second; an unsure one
    keeps it, so that a mailbox that has it already can tell.

    Raises:
        RefusedError: it waits, or was sent.
    """
    mail = find(connection, mail_id)
    if mail.state not in {"unsure", "refused"}:
        what = f"mail {mail_id} is {mail.state}: only what is unsure or refused can be sent again"
        raise RefusedError(what, where=mail.email, cure="see `syncd account outbox`, or `syncd users invite EMAIL`")
    if (pointless := why_pointless(mail, user_of(connection, mail))) is not None:
        raise RefusedError(f"mail {mail_id} cannot be sent again: {pointless}", where=mail.email)
    message_id = mail.message_id if mail.state == "unsure" else None
    fresh = {"tries": 0, "error": None, "sent_at": None, "next_try_at": None, "message_id": message_id}
    change(connection, mail_id, mail.state, state="queued", **fresh)
    return mail


def why_pointless(mail: Row[Any], user: Row[Any] | None) -> str | None:
    """Why nobody needs this invitation any more, as half a sentence."""
    if mail.kind != "invitation":
        return None
    if user is None:
        return "the user was deleted"
    return None if user.state == "invited" and user.last_login_at is None else "the user has logged in"


def user_of(connection: Connection, mail: Row[Any]) -> Row[Any] | None:
    """Whom a mail is about."""
    if mail.user_id is None:
        return None
    here = (users.c.user_id == mail.user_id, users.c.account == account_of(connection))
    return connection.execute(select(users).where(*here)).first()


def to_whom_now(mail: Row[Any], user: Row[Any] | None) -> str:
    """An invitation goes to the address that the user has when it is sent; everything else to whom it was written."""
    if mail.kind != "invitation" or user is None or normalise_email(mail.email) == user.email_key:
        return str(mail.email)
    return str(user.email)
