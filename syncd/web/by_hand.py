"""What pages about the embedded account share: the account itself, who is meant, and changes in the name of who asks."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from flask_babel import gettext as _

from connectors.fluix.account import EmbeddedAccount
from syncd import by_hand
from syncd.web.desk import Desk
from syncd.web.errors import NotFoundError


def read_only(desk: Desk) -> str:
    """Why nothing can be changed here, as a sentence; empty: it can."""
    match desk.app.config.target.type:
        case "account":
            return ""
        case "portal":
            return str(
                _(
                    "Fluix's Admin Portal is the target: here is what its last export held. "
                    "Changes are made in the portal, by work orders."
                )
            )
        case _other:
            return str(
                _(
                    "An endpoint that speaks SCIM is the target: here is what was last read of it. "
                    "By hand changes are made there."
                )
            )


def account_of(desk: Desk) -> EmbeddedAccount:
    """The embedded account.

    Raises:
        UsageError: the target is another one.
    """
    return by_hand.embedded(desk.app)


def email_of(desk: Desk, person_id: str) -> str:
    """The present address of the user with this id.

    Raises:
        NotFoundError: there is none.
    """
    found = account_of(desk).get([person_id]).get(person_id)
    if found is None:
        raise NotFoundError(_("there is no user %(id)s", id=person_id), cure=_("the user may have been deleted"))
    return found.email


def changing(desk: Desk, action: str, subject: str, **detail: Any) -> AbstractContextManager[dict[str, Any]]:
    """A change by hand, in the name of who asks; `action` is called as the command that does the same."""
    return by_hand.by_hand(desk.app, desk.who.name, action, subject, **detail)
