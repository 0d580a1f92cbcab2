"""Bounces: mails that were taken and came back.

A report counts only when it names a Message-ID that we made; an address proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from connectors.fluix.account.connection import account_of, chunks, writing
from connectors.fluix.account.mail import outbox, refused
from connectors.fluix.account.mail.box_settings import BounceSettings
from connectors.fluix.account.mail.boxes import open_box
from connectors.fluix.account.mail.reports import Report, read_report
from connectors.fluix.account.mail.texts import Texts
from connectors.fluix.account.settings import Settings

_BATCH = 50
_MAIL_ID = re.compile(r"<(\d{1,18})\.")


@dataclass(slots=True)
class Bounced:
    """What was in the mailbox."""

    refused: int = 0
    """Mails that are refused now."""
    known: int = 0
    """Bounces that told nothing new."""
    other: int = 0
    """Reports of mails that are late, or arrived."""
    strange: int = 0
    """Reports of mails that are none of ours."""
    junk: int = 0
    """Everything else that lay there."""

    @property
    def read(self) -> int:
        """How many messages were read."""
        return self.refused + self.known + self.other + self.strange + self.junk


def read_bounces(
    engine: Engine,
    clock: Callable[[], datetime],
    settings: Settings,
    box_settings: BounceSettings,
    progress: Callable[[int], None],
) -> Bounced:
    """Read the mailbox once; a message is marked as read only after what it tells is written.

    Raises:
        ConnectorError: the mailbox cannot be read, a template is broken, or the store cannot be written.
    """
    Texts(settings.mail).check()
    done = Bounced()
    with open_box(box_settings) as box:
        for batch in chunks(_read(box.messages()), _BATCH):
            with writing(engine, settings.name) as connection:
                for _, report in batch:
                    verdict = _take(connection, report, settings, clock())
                    setattr(done, verdict, getattr(done, verdict) + 1)
            box.seen([key for key, _ in batch])
            progress(len(batch))
    return done


def _read(messages: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, Report]]:
    """Only what a report says is kept, and not the messages."""
    for key, content in messages:
        yield key, read_report(content)


def _take(connection: Connection, report: Report, settings: Settings, now: datetime) -> str:
    if report.kind != "failed":
        return report.kind
    found = _MAIL_ID.match(report.message_id)
    mail = connection.execute(outbox.by_id(int(found[1]), account_of(connection))).first() if found else None
    if mail is None or mail.message_id != report.message_id:
        return "strange"
    # What waits was put back by a person since, or never went out: the bounce is of an earlier life.
    if mail.state not in {"sending", "sent", "unsure"}:
        return "known"
    return "refused" if refused.refuse(connection, mail, report.said, settings.mail, now) else "known"
