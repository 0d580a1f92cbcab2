"""The account's mails as the command line and the daemon use them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from email import message_from_bytes
from email.policy import default
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine

from connectors.errors import PermanentError, RefusedError
from connectors.fluix.account import applying, users
from connectors.fluix.account.connection import reading, writing
from connectors.fluix.account.mail import outbox
from connectors.fluix.account.mail.bounces import Bounced, read_bounces
from connectors.fluix.account.mail.box_settings import BounceSettings
from connectors.fluix.account.mail.letters import Letters
from connectors.fluix.account.mail.message import build, sender_of
from connectors.fluix.account.mail.resending import INVITATIONS
from connectors.fluix.account.mail.sending import Delivered, Delivery
from connectors.fluix.account.settings import DEFAULTS, Settings
from connectors.model import Step, normalise_email


def _nobody_watches(_count: int) -> None: ...


class Mailing:
    """The mails of one account.

    Args:
        engine: of the store that holds the account's tables.
        clock: tells the time (aware, UTC).
        settings: the account's.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime], settings: Settings = DEFAULTS) -> None:
        self._engine = engine
        self._clock = clock
        self._settings = settings

    def deliver(
        self,
        progress: Callable[[int], None] = _nobody_watches,
        critical: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> Delivered:
        """Send what is due. No mail is sent twice by itself, whatever happens, and however many processes do this.

        Args:
            progress: called with 1 for each mail.
            critical: a block in which no signal stops us: what the server said is written.

        Returns:
            What became of the mails, and (`stopped`) why the rest was not tried.

        Raises:
            PermanentError: no mail server is configured, the sender is none, or a template is broken; nothing was sent.
            RetryableError: another process is sending.
        """
        smtp = self._settings.mail.smtp
        if smtp is None:
            cure = "name one in the configuration (`target: {mail: …}`), or read the mails with `syncd account outbox`"
            raise PermanentError("no mail server is configured: mails stay in the outbox", cure=cure)
        return Delivery(
            self._engine, self._clock, self._settings, smtp=smtp, progress=progress, critical=critical
        ).run()

    def bounces(self, box: BounceSettings, progress: Callable[[int], None] = _nobody_watches) -> Bounced:
        """Read what came back.

        Raises:
            ConnectorError: the mailbox cannot be read.
        """
        return read_bounces(self._engine, self._clock, self._settings, box, progress)

    def outbox(self, state: str | None = None, limit: int = 100) -> tuple[int, list[dict[str, Any]]]:
        """How many mails there are, and the newest of them."""
        with reading(self._engine, self._settings.name) as connection:
            return outbox.listed(connection, state, limit)

    def waiting(self) -> int:
        """How many mails wait."""
        with reading(self._engine, self._settings.name) as connection:
            return outbox.waiting(connection)

    def show(self, mail_id: int) -> dict[str, Any]:
        """One mail with its headers and text: as it went out, or as it would go out now.

        Raises:
            PermanentError: there is none, or its template is broken.
        """
        sender = sender_of(self._settings.mail.sender)
        # The first link of a store makes the key that it is signed with.
        with writing(self._engine, self._settings.name) as connection:
            mail = outbox.find(connection, mail_id)
            moment = mail.sent_at or self._clock()
            # What went out shows its address; what waits shows where it would go.
            user = outbox.user_of(connection, mail)
            email = outbox.to_whom_now(mail, user) if mail.state == "queued" else str(mail.email)
            message_id = mail.message_id or f"<{mail_id}.@{sender.domain}>"
            letter = Letters(self._settings).letter(connection, mail, user, email, moment)
        try:
            headers = message_from_bytes(build(letter, sender, message_id, moment), policy=default)
            shown = {name: str(headers[name]) for name in ("From", "To", "Subject", "Date")}
        except ValueError:  # an address that no mail can have
            shown = {"From": self._settings.mail.sender, "To": email, "Subject": letter.subject}
        if mail.message_id:
            shown["Message-ID"] = mail.message_id
        attachment = {"name": mail.attachment_name, "text": mail.attachment} if mail.attachment is not None else None
        return {**outbox.as_listed(mail), "headers": shown, "text": letter.text, "attachment": attachment}

    def requeue(self, mail_id: int) -> str:
        """Have an unsure or refused mail sent once more. Returns to whom.

        Raises:
            RefusedError: it is neither, or nobody needs it any more.
        """
        with writing(self._engine, self._settings.name) as connection:
            return str(outbox.requeue(connection, mail_id).email)

    def resend(self, email: str) -> None:
        """Invite a user again, who never logged in, within the limits that are set.

        Raises:
            RefusedError: the user logged in, or was invited too often or just now.
        """
        limited = self._engine.execution_options(**{INVITATIONS: self._settings.invitations})
        with writing(limited, self._settings.name) as connection:
            user_id = users.by_address(connection, [email]).get(normalise_email(email))
            if user_id is None:
                raise PermanentError(f"there is no user {email}", where=email, cure="see `syncd users list`")
            step = Step(f"by hand:{uuid4()}", "resend_invite", str(user_id))
            (outcome,) = applying.apply(connection, [step], self._clock())
        if outcome.state == "failed":
            raise RefusedError(outcome.message, where=email, cure="see `syncd account outbox` for what was sent")
