"""Deleted users whose set-ups Fluix support can recover for 30 days, and the text that asks for it. Nothing is recovered here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from syncd import restoring
from syncd.core.returning import KEPT, Departure, TicketState
from syncd.store import departures
from syncd.web.desk import Desk, Document, Done, Form, Paged, Paging, Query
from syncd.web.errors import NotFoundError
from syncd.web.frame import Room
from syncd.web.roles import Role

room = Room()


class DepartureLine(Document):
    """Somebody who was deleted."""

    number: int
    email: str
    name: str
    deleted_at: datetime
    ends_at: datetime
    """When nobody can recover it any more."""
    days_left: int
    plan_id: int | None
    """None: deleted by hand."""
    actor: str
    approvers: list[str]
    returned_as: str | None
    """The address of the new user; None: the person is not back."""
    ticket: str | None
    """open | written | done; None while nobody returned"""


class Departures(Paged):
    """Who was deleted within the last 30 days, the last one first."""

    departures: list[DepartureLine]
    to_write: int
    """How many tickets are to be written."""


class DeparturePage(Document):
    """Somebody who was deleted, with the set-up and the text for Fluix support."""

    departure: DepartureLine
    setup: dict[str, Any]
    text: str


class Mark(Form):
    """Nothing is to be said."""


@room.page("/restore", "restore.html")
def list_departures(desk: Desk, asked: Paging) -> Departures:
    """Who was deleted within the last 30 days: days left, whether the person is back, and how far the ticket is."""
    found = departures.recoverable(desk.store, desk.now)
    shown = found[asked.offset : asked.offset + asked.size]
    return Departures(
        total=len(found),
        page=asked.page,
        size=asked.size,
        departures=[_line(desk, one) for one in shown],
        to_write=sum(one.ticket == "open" for one in found),
    )


@room.page("/restore/<int:number>", "departure.html")
def show_departure(desk: Desk, asked: Query, number: int) -> DeparturePage:
    """One deletion: what the user had, and the text that asks Fluix support to recover it."""
    del asked
    one = _find(desk, number)
    text = restoring.text(desk.app, one, desk.now)
    return DeparturePage(departure=_line(desk, one), setup=dict(one.setup), text=text)


@room.deed("/restore/<int:number>/written", Role.OPERATOR)
def ticket_written(desk: Desk, form: Mark, number: int) -> Done:
    """Say that the ticket was sent to Fluix support."""
    del form
    one = _find(desk, number)
    state: TicketState = "done" if one.ticket == "done" else "written"
    restoring.mark(desk.app, one, state, "restore ticket", actor=desk.who.name, now=desk.now)
    return Done(message=_("Noted: the ticket for %(email)s was sent.", email=one.email), go=f"/restore/{number}")


@room.deed("/restore/<int:number>/close", Role.OPERATOR)
def close_ticket(desk: Desk, form: Mark, number: int) -> Done:
    """Say that Fluix support has recovered the set-up, or never will."""
    del form
    one = _find(desk, number)
    restoring.mark(desk.app, one, "done", "restore close", actor=desk.who.name, now=desk.now)
    return Done(message=_("Closed: %(email)s. Nobody is reminded of it any more.", email=one.email), go="/restore")


def _find(desk: Desk, number: int) -> Departure:
    found = next((one for one in departures.recoverable(desk.store, desk.now) if one.number == number), None)
    if found is None:
        raise NotFoundError(_("nobody of this number was deleted within the last 30 days"), cure=_("see the list"))
    return found


def _line(desk: Desk, one: Departure) -> DepartureLine:
    new = restoring.new_user(desk.app, one)
    return DepartureLine(
        number=one.number,
        email=one.email,
        name=one.name,
        deleted_at=one.deleted_at,
        ends_at=one.deleted_at + KEPT,
        days_left=one.days_left(desk.now),
        plan_id=one.plan_id,
        actor=one.actor,
        approvers=list(one.approvers),
        returned_as=new[0] if new else None,
        ticket=one.ticket,
    )
