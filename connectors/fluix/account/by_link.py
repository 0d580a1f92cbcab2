"""What a mail's link lets a person do: accept an invitation, set a new password. Whether a link still holds is asked here.

One transaction each; whoever calls hashes between two of them, and asks again in the second.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from connectors.errors import PermanentError, RefusedError
from connectors.fluix.account import passwords
from connectors.fluix.account.connection import account_of
from connectors.fluix.account.credentials import users_of
from connectors.fluix.account.devices import sign_out_everywhere
from connectors.fluix.account.logins import moment, succeeded
from connectors.fluix.account.mail import links, outbox
from connectors.fluix.account.mail.texts import Texts
from connectors.fluix.account.outcomes import record
from connectors.fluix.account.settings import PasswordSettings, Settings
from connectors.fluix.account.tables import mails, users
from connectors.model import normalise_email

RESET_PAUSE = timedelta(minutes=1)
"""The least time between two reset mails to one address."""

_PAST = "ask for a new one"
_LONGEST_LINK = 4096


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a link is about."""

    user_id: int
    email: str
    name: str
    hash: str | None = field(repr=False)
    """The password's hash that the person has already."""

    @property
    def has_password(self) -> bool:
        """Whether there is a password already."""
        return self.hash is not None


def user(connection: Connection, email: str) -> Row[Any] | None:
    """The user of this account with this address."""
    here = (users.c.account == account_of(connection), users.c.email_key == normalise_email(email))
    return connection.execute(select(users).where(*here)).first()


def invited(connection: Connection, token: str, settings: Settings, now: datetime) -> Person:
    """Who is invited by this link, and the password that the person has in another account of the store.

    Raises:
        RefusedError: it is forged, expired, used, or not the last one; or the user is gone or has another address now.
    """
    says = links.read(connection, "invitation", _bounded(token), settings.invitations.expire, now)
    here = (users.c.account == account_of(connection), users.c.user_id == says.get("user"))
    row = connection.execute(select(users).where(*here)).first()
    email = str(says.get("email"))
    if row is None:
        raise RefusedError(f"{email} is not a user any more", where=email, cure="ask an admin to add you again")
    if row.email_key != normalise_email(email):
        raise RefusedError(f"the invitation went to {email}, which is not the user's address any more", cure=_PAST)
    if row.state != "invited":
        raise RefusedError(f"{row.email} has accepted already", where=row.email, cure="sign in, or reset the password")
    last = select(func.max(mails.c.mail_id)).where(mails.c.user_id == row.user_id, mails.c.kind == "invitation")
    if connection.execute(last).scalar() != says.get("mail"):
        what = f"a newer invitation was sent to {row.email}"
        raise RefusedError(what, where=row.email, cure="open the link of the last mail")
    stored = passwords.held(connection, row.email_key) if _active_anywhere(connection, row.email_key) else None
    return Person(row.user_id, row.email, row.name, stored.hash if stored else None)


def _active_anywhere(connection: Connection, email_key: str) -> bool:
    return any(there.state == "active" for there in users_of(connection, [email_key]))


def accept(connection: Connection, person: Person, new_hash: str | None, now: datetime) -> None:
    """Make an invited person a user, with this password or the one that there is."""
    if new_hash:
        passwords.keep(connection, normalise_email(person.email), new_hash, now)
        succeeded(connection, normalise_email(person.email))
    statement = update(users).where(users.c.user_id == person.user_id)
    connection.execute(statement.values(state="active", refused=None))  # the address works: its mail was read
    record(connection, [(person.user_id, "accepted the invitation", person.email)], now)


def send_reset(
    connection: Connection, email: str, settings: PasswordSettings, texts: Texts, now: datetime
) -> PermanentError | None:
    """Queue the mail with which a user sets a new password.

    Everything is done for an address that nobody has as well, and taken back: how long it takes must not tell.

    Returns:
        Why no mail goes out, for whom it may be told.

    Raises:
        PermanentError: a template of the owner's is broken.
    """
    row = user(connection, email)
    key = normalise_email(email)
    stored = passwords.held(connection, key)
    says = {"email": row.email if row else email, "set_at": stored.set_at.isoformat() if stored else None}
    token = links.sign(connection, "password_reset", says, now)
    expires = now + settings.reset_expire
    values = {
        "name": row.name if row else email,
        "email": row.email if row else email,
        "link": f"{settings.reset_link}?token={token}",
        "expires": f"{expires:%Y-%m-%d %H:%M} UTC",
    }
    subject, text = texts.render("password_reset", values)
    last = _last_reset(connection, key)
    mail_id = outbox.queue(
        connection,
        kind="password_reset",
        email=values["email"],
        user_id=row.user_id if row else None,
        subject=subject,
        text=text,
        now=now,
    )
    if (why_not := _why_no_mail(row, email, last, now)) or row is None:
        connection.execute(delete(mails).where(mails.c.mail_id == mail_id))
        return why_not
    record(connection, [(row.user_id, "password reset asked for", row.email)], now)
    return None


def _why_no_mail(row: Row[Any] | None, email: str, last: datetime | None, now: datetime) -> PermanentError | None:
    if row is None:
        return PermanentError(f"there is no user {email}", where=email, cure="see `syncd users list`")
    if row.state != "active":
        cure = "invite the user again instead"
        return RefusedError(
            f"{row.email} has not accepted the invitation: there is no password", where=email, cure=cure
        )
    if last is not None and last + RESET_PAUSE > now:
        cure = f"wait until {moment(last + RESET_PAUSE)}"
        return RefusedError(f"a mail for resetting the password went to {row.email} just now", where=email, cure=cure)
    return None


def _last_reset(connection: Connection, email_key: str) -> datetime | None:
    """When the last reset mail was queued to this address, by any account."""
    ids = [row.user_id for row in users_of(connection, [email_key])]
    theirs = (mails.c.user_id.in_(ids), mails.c.kind == "password_reset")
    return connection.execute(select(func.max(mails.c.queued_at)).where(*theirs)).scalar()


def resetting(connection: Connection, token: str, settings: Settings, now: datetime) -> Person:
    """Who may set a new password with this link.

    Raises:
        RefusedError: it is forged, expired or used; or the user is gone or has another address now.
    """
    says = links.read(connection, "password_reset", _bounded(token), settings.passwords.reset_expire, now)
    email = str(says.get("email"))
    row = user(connection, email)
    if row is None or row.state != "active":
        raise RefusedError(f"there is no user {email} any more", where=email, cure="ask an admin")
    stored = passwords.held(connection, row.email_key)
    if says.get("set_at") != (stored.set_at.isoformat() if stored else None):
        raise RefusedError("the link was used, or the password was changed after it was sent", where=email, cure=_PAST)
    return Person(row.user_id, row.email, row.name, stored.hash if stored else None)


def reset(connection: Connection, person: Person, new_hash: str, now: datetime) -> None:
    """Give a person a new password. Every device is signed out, and a block ends: the mailbox proves who it is."""
    key = normalise_email(person.email)
    passwords.keep(connection, key, new_hash, now)
    succeeded(connection, key)
    record(connection, [(person.user_id, "password reset", person.email)], now)
    sign_out_everywhere(connection, key, "the password was reset", now)


def _bounded(token: str) -> str:
    """Nothing is computed from what is far too long to be a link of ours; an empty one is forged."""
    return token.strip() if len(token) <= _LONGEST_LINK else ""
