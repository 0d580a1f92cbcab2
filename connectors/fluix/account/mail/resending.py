"""How often, and how soon, a user who never logged in can be invited again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from connectors.fluix.account.connection import chunks
from connectors.fluix.account.settings import InvitationSettings
from connectors.fluix.account.tables import mails

INVITATIONS = "fluix_invitations"
"""The execution option that holds the account's `InvitationSettings`; without it nothing is limited."""


@dataclass(frozen=True, slots=True)
class Invited:
    """How a user was invited until now."""

    times: int
    last: datetime

    def again(self, now: datetime) -> Invited:
        """And once more."""
        return Invited(self.times + 1, now)


def invited(connection: Connection, user_ids: Iterable[int]) -> dict[int, Invited]:
    """User -> how often, and when last; who was never invited is left out."""
    found: dict[int, Invited] = {}
    for part in chunks(user_ids):
        query = (
            select(mails.c.user_id, func.count(), func.max(mails.c.queued_at))
            .where(mails.c.user_id.in_(part), mails.c.kind == "invitation")
            .group_by(mails.c.user_id)
        )
        found.update((user_id, Invited(times, last)) for user_id, times, last in connection.execute(query))
    return found


def rules_of(connection: Connection) -> InvitationSettings | None:
    """What the account's owner set."""
    rules = connection.get_execution_options().get(INVITATIONS)
    assert rules is None or isinstance(rules, InvitationSettings)
    return rules


def why_not(before: Invited | None, rules: InvitationSettings | None, now: datetime) -> str | None:
    """Why a user is not invited again now, as half a sentence."""
    if before is None or rules is None:
        return None
    if before.times > rules.resend_limit:
        return f"was invited {_counted(before.times, 'time')}, the limit is {_counted(rules.resend_limit, 'resend')}"
    free = before.last + rules.resend_pause
    if now >= free:
        return None
    shown = free + timedelta(minutes=1) if free.second or free.microsecond else free  # never told a moment too early
    day = f"{shown:%H:%M} UTC" if shown.date() == now.date() else f"{shown:%Y-%m-%d at %H:%M} UTC"
    return f"was invited {_ago(now - before.last)} ago; wait until {day}"


def _ago(span: timedelta) -> str:
    seconds = max(int(span.total_seconds()), 0)
    if seconds < 60:  # noqa: PLR2004 - a minute
        return _counted(seconds, "second")
    if seconds < 7200:  # noqa: PLR2004 - two hours
        return _counted(seconds // 60, "minute")
    return _counted(seconds // 3600, "hour")


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
