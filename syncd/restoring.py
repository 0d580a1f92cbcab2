"""Deleted users, and the ticket with which Fluix support is asked to recover a set-up: for the command and the console.

May not: recover anything; only Fluix support can.
"""

from __future__ import annotations

from datetime import datetime

from connectors.model import normalise_email
from syncd.bootstrap import App
from syncd.core.returning import Departure, TicketState, ticket
from syncd.errors import UsageError
from syncd.sayings import Said
from syncd.store import accounts, departures
from syncd.store.audit import Event, append
from syncd.store.engine import writing


def by_email(app: App, email: str, now: datetime) -> Departure:
    """The last deletion of whoever had this address then, or has it now; one that waits for a ticket before others.

    Raises:
        UsageError: there is none.
    """
    address = normalise_email(email)
    found = [
        one
        for one in departures.recoverable(app.store, now)
        if address in {normalise_email(one.email), normalise_email(one.returned_as or "")}
    ]
    if not found:
        raise UsageError(
            Said("%(email)s was not deleted within the last 30 days", email=email),
            where=email,
            cure=Said("see `syncd restore list`"),
        )
    return max(found, key=lambda one: (one.ticket in {"open", "written"}, one.deleted_at, one.number))


def mark(app: App, one: Departure, state: TicketState, action: str, *, actor: str, now: datetime) -> None:
    """Keep how far the ticket is, with a line in the audit."""
    with writing(app.store) as connection:
        departures.mark(connection, one.number, state)
        append(connection, [Event(actor, action, one.email, {"fluix_id": one.fluix_id, "ticket": state})], now)


def new_user(app: App, one: Departure) -> tuple[str, str] | None:
    """Email and id of the user who was made anew, by a run or in another way; as last read."""
    if one.returned_id:
        return one.returned_as or one.email, one.returned_id
    fluix_id = accounts.id_of(app.store, one.email)
    return (one.email, fluix_id) if fluix_id and fluix_id != one.fluix_id else None


def text(app: App, one: Departure, now: datetime) -> str:
    """The text for Fluix support."""
    account = str(getattr(app.config.target, "name", app.config.target.type))
    return ticket(one, account, new_user(app, one), now)
