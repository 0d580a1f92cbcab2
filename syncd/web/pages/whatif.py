"""What if: what other rules would do to the same people. Nothing outside is asked, and the answer is kept for a day at most.

For few people it is worked out at once, while the browser waits; for many the daemon does it, and the page tells when it is done.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from flask_babel import gettext as _
from pydantic import Field
from sqlalchemy import func, select

from syncd.outlooks import fragment_of, suppose
from syncd.store import whatifs
from syncd.store.engine import reading
from syncd.store.tables import records
from syncd.web.desk import Desk, Document, Form, Query
from syncd.web.errors import NotFoundError, RefusedError
from syncd.web.frame import Room
from syncd.web.roles import Role

room = Room()

_AT_ONCE: Final = 5_000
"""For so many people it takes a second or two."""
_WAITING: Final = 5
"""More do not wait at a time."""
_MOST: Final = 65_536
"""Bytes of a fragment."""


class WhatIf(Form):
    """Other rules, as YAML: written, or as a file. A whole section takes the place of the present one."""

    fragment: Annotated[str, Field(max_length=_MOST)] = ""
    file: Annotated[bytes, Field(max_length=_MOST)] = b""


class Outlook(Document):
    """What one configuration would plan."""

    decision: str
    counts: dict[str, int]
    held: dict[str, int]
    adopted: int


class Contrast(Document):
    """The difference."""

    fragment: str
    number: int = 0
    """Where the daemon works it out: what it is asked for by, at `/whatif/NUMBER`."""
    state: whatifs.State = "done"
    """waiting | running (ask again) | done | failed (`message` says why)"""
    message: str = ""
    now: Outlook | None = None
    then: Outlook | None = None
    only_then: tuple[dict[str, Any], ...] = ()
    only_now: tuple[dict[str, Any], ...] = ()
    otherwise: tuple[dict[str, Any], ...] = ()
    findings_then: tuple[dict[str, Any], ...] = ()
    findings_now: tuple[dict[str, Any], ...] = ()
    more: dict[str, int] = Field(default_factory=dict)
    """How many more there are of each sort than are named."""
    notes: tuple[str, ...] = ()


@room.page("/whatif", "whatif.html", Role.OPERATOR)
def whatif_form(desk: Desk, asked: Query) -> Contrast:
    """Where other rules are written down, to see what they would do."""
    del desk, asked
    return Contrast(fragment="")


@room.question("/whatif", "whatif.html", Role.OPERATOR)
def whatif(desk: Desk, form: WhatIf) -> Contrast:
    """What other rules would do to the same people; for many of them `number` tells where the answer will be."""
    text = form.fragment or form.file.decode("utf-8-sig", "replace")
    if _people(desk) <= _AT_ONCE:
        return Contrast(fragment=text, **suppose(desk.app, text))
    fragment_of(text)
    if whatifs.unanswered(desk.store) >= _WAITING:
        raise RefusedError(
            _("%(count)s such questions wait for the daemon already", count=_WAITING),
            cure=_("wait until one of them is answered"),
        )
    number = whatifs.ask(desk.store, text, desk.who.name, desk.now)
    return Contrast(fragment=text, number=number, state="waiting")


@room.page("/whatif/<int:number>", "whatif.html", Role.OPERATOR)
def whatif_answer(desk: Desk, asked: Query, number: int) -> Contrast:
    """What other rules would do, as the daemon worked it out, or how far it is."""
    del asked
    found = whatifs.find(desk.store, number, desk.now)
    if found is None:
        raise NotFoundError(_("there is no answer %(number)s, or not any more: it is kept for a day", number=number))
    told = found.answer or {}
    return Contrast(fragment=found.fragment, number=number, state=found.state, message=found.message, **told)


def _people(desk: Desk) -> int:
    with reading(desk.store) as connection:
        people = select(func.count()).select_from(records).where(records.c.kind == "person")
        return int(connection.execute(people).scalar_one())
