"""From a row of the outbox to what its reader sees. An invitation's text is made here, with a link that is signed now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from connectors.fluix.account.mail import links
from connectors.fluix.account.mail.message import Letter
from connectors.fluix.account.mail.texts import Texts
from connectors.fluix.account.settings import Settings
from connectors.model import normalise_email

PURPOSE = "invitation"


class Letters:
    """The mails of one account, written out.

    Args:
        settings: the account's.
    """

    def __init__(self, settings: Settings) -> None:
        self.texts = Texts(settings.mail)
        self._invitations = settings.invitations

    def letter(
        self, connection: Connection, mail: Row[Any], user: Row[Any] | None, email: str, now: datetime
    ) -> Letter:
        """A mail as it goes out.

        Args:
            connection: of a writing transaction, because the first link of a store needs a key.
            mail: the row.
            user: whom it is about.
            email: to whom.
            now: when it goes out: a link's time begins then.

        Raises:
            PermanentError: the template is broken.
        """
        subject, text = mail.subject, mail.text
        if mail.kind == "invitation" and not text:
            payload = {"user": mail.user_id, "email": normalise_email(email), "mail": mail.mail_id}
            values = {
                "name": user.name if user is not None else email,
                "email": email,
                "link": f"{self._invitations.link}?token={links.sign(connection, PURPOSE, payload, now)}",
                "expires": f"{now + self._invitations.expire:%Y-%m-%d %H:%M} UTC",
            }
            subject, text = self.texts.render("invitation", values)
        return Letter(email, subject, text, mail.attachment_name, mail.attachment)
