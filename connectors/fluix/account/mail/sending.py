"""Sending what waits: one mail after another over one connection, each marked before the first word and concluded after the last.

The end of one mail and the beginning of the next are one transaction, because each has to be on the disk before it counts.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row

from connectors.email import email_problem
from connectors.errors import ConnectorError, RetryableError
from connectors.fluix.account.connection import reading, writing
from connectors.fluix.account.mail import outbox, refused
from connectors.fluix.account.mail.alone import sending_alone
from connectors.fluix.account.mail.letters import Letters
from connectors.fluix.account.mail.message import ascii_address, build, new_message_id, sender_of
from connectors.fluix.account.mail.smtp import Answer, Session
from connectors.fluix.account.settings import Settings, Smtp

MOST_TRIES = 40
"""So often a mail is tried that the server does not take yet: with the pauses between, about five days (RFC 5321, 4.5.4.1)."""
MOST_POLICY_TRIES = 8
"""The same for what may be meant for us and not for the address: about two hours."""
_TROUBLES = 3
"""After so many mails in a row for which it was not the address that failed, the delivery stops."""


@dataclass(slots=True)
class Delivered:
    """What a delivery came to."""

    sent: int = 0
    refused: int = 0
    again: int = 0
    """Not taken now: tried again later by themselves."""
    unsure: int = 0
    """Perhaps taken: sent again only when a person says so."""
    dropped: int = 0
    """Invitations that nobody needs any more."""
    waiting: int = 0
    """What is in the queue afterwards."""
    problems: list[str] = field(default_factory=list)
    stopped: ConnectorError | None = None
    """Why it ended early."""


@dataclass(frozen=True, slots=True)
class _Job:
    mail: Row[Any]
    address: str
    content: bytes


class Delivery:
    """One delivery of one account.

    Args:
        engine: of the store.
        clock: tells the time.
        settings: the account's.
        smtp: the server.
        progress: called before each mail.
        critical: a block in which nobody stops us.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], datetime],
        settings: Settings,
        *,
        smtp: Smtp,
        progress: Callable[[int], None],
        critical: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._settings = settings
        self._letters = Letters(settings)
        self._sender = sender_of(settings.mail.sender)
        self._session = Session(smtp, self._sender.address)
        self._progress = progress
        self._critical = critical
        self._last = 0
        self._troubles = 0
        self._done = Delivered()

    def run(self) -> Delivered:
        """Send everything that is due.

        Raises:
            ConnectorError: a template is broken, another process is sending, or the store cannot be written.
        """
        self._letters.texts.check()
        account = self._settings.name
        with sending_alone(self._engine, account):
            with writing(self._engine, account) as connection:
                self._done.unsure += outbox.left_behind(connection, self._clock())
            try:
                self._all()
            except BaseException:
                self._session.drop()
                raise
            self._session.close()
            with reading(self._engine, account) as connection:
                self._done.waiting = outbox.waiting(connection)
        return self._done

    def _all(self) -> None:
        account = self._settings.name
        if not self._connected():
            return
        with writing(self._engine, account) as connection:
            job = self._claim(connection)
        answer: Answer | None = None
        try:
            while job is not None:
                self._progress(1)
                answer = self._answer(job)
                with self._critical():
                    with writing(self._engine, account) as connection:
                        self._conclude(connection, job, answer)
                        following = None if self._done.stopped else self._claim(connection)
                    self._session.handed_over = False
                    job, answer = following, None
        except BaseException:
            if job is not None:
                with writing(self._engine, account) as connection:
                    self._let_go(connection, job, answer)
            raise

    def _connected(self) -> bool:
        """Before a mail is marked, so that a server that is away leaves none in doubt."""
        account = self._settings.name
        with reading(self._engine, account) as connection:
            first = outbox.next_due(connection, 0, self._clock())
        if first is None:
            return False
        try:
            self._session.open()
        except ConnectorError as error:
            self._done.stopped = error
            with writing(self._engine, account) as connection:
                outbox.postpone(connection, first, first.tries + 1, error.what, self._clock())
            self._done.again += 1
            return False
        return True

    def _answer(self, job: _Job) -> Answer:
        try:
            return self._session.send(job.address, job.content)
        except ConnectorError as error:
            self._done.stopped = error
            return Answer("lost", error.what)

    def _let_go(self, connection: Connection, job: _Job, answer: Answer | None) -> None:
        """Somebody stops us: what was not handed over waits on, as if it had not been begun."""
        if answer is not None:
            self._conclude(connection, job, answer)
        elif self._session.handed_over:
            outbox.unsure(connection, job.mail, "the program was stopped while it was being sent", self._clock())
        else:
            outbox.change(connection, job.mail.mail_id, "sending", state="queued", tries=job.mail.tries - 1)

    def _claim(self, connection: Connection) -> _Job | None:
        """Mark the next mail as being sent, and make it."""
        now = self._clock()
        while (mail := outbox.next_due(connection, self._last, now)) is not None:
            self._last = mail.mail_id
            user = outbox.user_of(connection, mail)
            if (pointless := outbox.why_pointless(mail, user)) is not None:
                outbox.change(connection, mail.mail_id, "queued", state="refused", error=pointless, next_try_at=None)
                self._done.dropped += 1
                continue
            email = outbox.to_whom_now(mail, user)
            if (problem := _unwritable(email)) is not None:
                refused.refuse(connection, mail, problem, self._settings.mail, now)
                self._done.refused += 1
                continue
            message_id = mail.message_id or new_message_id(mail.mail_id, self._sender)
            try:
                letter = self._letters.letter(connection, mail, user, email, now)
                content = build(letter, self._sender, message_id, now)
            except (ConnectorError, ValueError) as error:  # this one's values only: the templates were tried
                outbox.postpone(connection, mail, mail.tries + 1, str(error), now)
                self._done.again += 1
                self._done.problems.append(f"mail {mail.mail_id} to {email}: {error}")
                continue
            return _Job(outbox.mark(connection, mail, email, message_id), ascii_address(email), content)
        return None

    def _conclude(self, connection: Connection, job: _Job, answer: Answer) -> None:
        """Write what became of a mail, unless a bounce was quicker."""
        now, mail, kind, said = self._clock(), job.mail, answer.kind, answer.said
        most = {"again": MOST_TRIES, "against_us": MOST_POLICY_TRIES}.get(kind)
        if most is not None and mail.tries >= most:
            kind, said = "refused", f"{said} (tried {mail.tries} times)"
        if kind == "sent":
            outbox.change(connection, mail.mail_id, "sending", state="sent", sent_at=now, error=None)
            refused.accept(connection, mail)
            self._done.sent += 1
        elif kind == "refused":
            refused.refuse(connection, mail, said, self._settings.mail, now)
            self._done.refused += 1
        elif kind == "unsure":
            outbox.unsure(connection, mail, said, now)
            self._done.unsure += 1
        else:
            outbox.postpone(connection, mail, mail.tries, said, now)
            self._done.again += 1
        if kind not in {"sent", "refused"}:
            self._done.problems.append(f"mail {mail.mail_id} to {mail.email}: {said}")
        self._troubles = self._troubles + 1 if answer.kind in {"against_us", "lost", "unsure"} else 0
        if self._troubles >= _TROUBLES and self._done.stopped is None:
            what = f"{_TROUBLES} mails in a row failed, and not for their addresses: {said}"
            cure = "look at the mail server, and whether it takes mails from this machine and `sender`"
            self._done.stopped = RetryableError(what, where=self._settings.mail.sender, cure=cure)


def _unwritable(email: str) -> str | None:
    if (problem := email_problem(email)) is not None:
        return f"this is no email address ({problem})"
    try:
        ascii_address(email)
    except UnicodeError:
        return "no mail server can have this name"
    return None
