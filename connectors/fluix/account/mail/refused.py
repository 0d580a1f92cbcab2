"""An address that a mail server does not accept: the user's row says so, and the admins are told, once for each refusal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, text, update

from connectors.errors import PermanentError
from connectors.fluix.account.connection import account_of
from connectors.fluix.account.mail import outbox
from connectors.fluix.account.mail.texts import SAMPLES, Texts
from connectors.fluix.account.outcomes import record
from connectors.fluix.account.settings import MailSettings
from connectors.fluix.account.tables import ADMIN_CONDITION, users
from connectors.model import normalise_email

KIND = "refused_address"


def refuse(connection: Connection, mail: Row[Any], said: str, settings: MailSettings, now: datetime) -> bool:
    """A mail will never arrive.

    Args:
        connection: of the writing transaction.
        mail: in the state in which it was read.
        said: what the mail server said.
        settings: who is told, and in which language.
        now: when.

    Returns:
        False when the mail is in another state by now; then nothing was done.
    """
    if not outbox.change(connection, mail.mail_id, mail.state, state="refused", error=said, next_try_at=None):
        return False
    record(connection, [(mail.user_id, "address refused", f"{mail.kind} to {mail.email}: {said}")], now)
    if mail.kind == KIND:  # an admin's address: another mail to the admins would go round in a circle
        return True
    user = outbox.user_of(connection, mail)
    if user is not None and user.email_key == normalise_email(mail.email):
        connection.execute(update(users).where(users.c.user_id == user.user_id).values(refused=said))
    values = {"name": user.name if user is not None else mail.email, "email": mail.email, "said": said}
    subject, body = _rendered(settings, values)
    for admin in _admins(connection, settings, mail.email):
        outbox.queue(connection, kind=KIND, email=admin, user_id=mail.user_id, subject=subject, text=body, now=now)
    return True


def accept(connection: Connection, mail: Row[Any]) -> None:
    """The mail server took an invitation: what it said of the user's address before is out of date."""
    if mail.kind == "invitation":
        here = (users.c.user_id == mail.user_id, users.c.email_key == normalise_email(mail.email))
        connection.execute(update(users).where(*here, users.c.refused.is_not(None)).values(refused=None))


def _admins(connection: Connection, settings: MailSettings, refused: str) -> list[str]:
    if settings.admins:
        return [admin for admin in dict.fromkeys(settings.admins) if normalise_email(admin) != normalise_email(refused)]
    query = select(users.c.email).where(
        users.c.account == account_of(connection),
        text(ADMIN_CONDITION),
        users.c.email_key != normalise_email(refused),
    )
    return list(connection.execute(query.order_by(users.c.user_id)).scalars())


def _rendered(settings: MailSettings, values: dict[str, str]) -> tuple[str, str]:
    assert values.keys() == SAMPLES[KIND].keys()
    try:
        return Texts(settings).render(KIND, values)
    except PermanentError:  # the outcome of a mail must not be lost for the wording of another
        return Texts(MailSettings(language=settings.language)).render(KIND, values)
