"""Deleting one user: what speaks against it is looked at first, and each case asks for its own word."""

from __future__ import annotations

from typing import Annotated, Literal

from flask_babel import gettext as _
from pydantic import Field

from connectors.model import normalise_email
from syncd.by_hand import delete_user
from syncd.web.by_hand import account_of, email_of
from syncd.web.desk import Desk, Document, Done, Form, Query
from syncd.web.errors import RefusedError
from syncd.web.frame import Room
from syncd.web.roles import Role

room = Room()


class Farewell(Document):
    """What is to be looked at before this user is deleted."""

    person_id: str
    email: str
    name: str
    role: str | None
    drafts: int
    assigned: int
    workflows: list[str]
    refused: str | None
    """Why the user cannot be deleted yet; None: nothing forbids it."""


class Delete(Form):
    """The words that the cases ask for."""

    documents: Annotated[
        Literal["delete", "reassign"] | None,
        Field(description="What becomes of drafts and assigned documents; asked for where there are any."),
    ] = None
    documents_to: Annotated[str | None, Field(description="Who gets them: an address.")] = None
    confirm: Annotated[
        str | None, Field(description="The user's address, typed again; asked for where the user is an admin.")
    ] = None


@room.page("/people/<person_id>/delete", "person_delete.html", Role.ADMIN)
def before_deletion(desk: Desk, asked: Query, person_id: str) -> Farewell:
    """What is to be looked at before this user is deleted."""
    del asked
    return _farewell(desk, person_id)


@room.deed("/people/<person_id>/delete", Role.ADMIN)
def delete_person(desk: Desk, form: Delete, person_id: str) -> Done:
    """Delete a user, when every case has its word."""
    one = _farewell(desk, person_id)
    if one.refused:
        raise RefusedError(
            _("%(email)s cannot be deleted: %(why)s", email=one.email, why=one.refused),
            cure=_("see what is to be done first on the page of the deletion"),
        )
    if one.role and normalise_email(form.confirm or "") != normalise_email(one.email):
        raise RefusedError(
            _("%(email)s has administrative rights (%(role)s)", email=one.email, role=one.role),
            cure=_("type the user's address again, if the account can do without this admin"),
        )
    if (one.drafts or one.assigned) and form.documents is None:
        raise RefusedError(
            _("%(email)s has drafts or assigned documents", email=one.email),
            cure=_("say whether they are not needed, or who gets them"),
        )
    if form.documents == "reassign" and not form.documents_to:
        raise RefusedError(_("nobody is named who gets the documents"), cure=_("type the address of a user"))
    to = form.documents_to if form.documents == "reassign" else None
    delete_user(desk.app, desk.who.name, one.email, to)
    return Done(message=_("%(email)s was deleted.", email=one.email), go="/people")


def _farewell(desk: Desk, person_id: str) -> Farewell:
    account, email = account_of(desk), email_of(desk, person_id)
    (case,) = account.before_deletion([email])
    return Farewell(person_id=person_id, name=account.get([person_id])[person_id].display_name, **case)
