"""One person: everything that is known, and what an admin does. Deleting has a room of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from flask_babel import gettext as _
from pydantic import Field

from syncd.by_hand import signing_in
from syncd.store import people_pages, plans, tracing
from syncd.store.people_pages import Origin
from syncd.web.by_hand import account_of, changing, email_of, read_only
from syncd.web.desk import Desk, Document, Done, Form, Query
from syncd.web.errors import NotFoundError
from syncd.web.frame import Room
from syncd.web.pages.people import OFFERED, OriginLine, known, origin_line
from syncd.web.roles import Role

room = Room()

_RECENT = 25


class Provenance(OriginLine):
    """A record, what stands in it, and what it gave."""

    attributes: dict[str, Any]
    given: dict[str, Any]


class PlannedLine(Document):
    """What the newest plan has for this person."""

    key: str
    kind: str
    group: str | None
    reason: str
    decision: str


class PartLine(Document):
    """A step of a workflow in which the person takes part."""

    workflow: str
    step: str | None
    alone: bool
    """Nobody else stands in this step."""
    group: str | None
    """By which group; None: by name."""


class DocumentLine(Document):
    """A draft, or an assigned document."""

    title: str
    state: str


class DeviceLine(Document):
    """A connected device."""

    device_id: int
    name: str
    platform: str
    app_version: str
    signed_in_at: datetime
    seen_at: datetime


class ActivityLine(Document):
    """Something that happened."""

    at: datetime
    kind: str
    text: str


class PersonPage(Document):
    """Everything that is known of one person."""

    person_id: str
    email: str
    name: str
    state: str
    role: str | None
    role_groups: list[str]
    """What the role is for; empty: the whole account."""
    created_at: datetime | None
    last_login: datetime | None
    refused: str | None
    groups: list[str]
    all_groups: list[str]
    """The first that there are, to choose from."""
    workflows: list[PartLine]
    documents: list[DocumentLine]
    devices: list[DeviceLine]
    invitations: list[datetime]
    activity: list[ActivityLine]
    """The latest, the newest first."""
    origins: list[Provenance]
    plan_id: int | None
    planned: list[PlannedLine]
    read_only: str


class Edit(Form):
    """Another name, another address."""

    name: str | None = None
    email: Annotated[str | None, Field(description="The user logs in with it from now on.")] = None


class OneGroup(Form):
    """A group."""

    group: str


class OneWorkflow(Form):
    """A workflow."""

    workflow: str


@room.page("/people/<person_id>", "person.html")
def show_person(desk: Desk, asked: Query, person_id: str) -> PersonPage:
    """Everything that is known of one person."""
    del asked
    behind = [_provenance(one) for one in people_pages.origins(desk.store, [person_id]).get(person_id, [])]
    if why := read_only(desk):
        row = people_pages.known_account(desk.store, person_id)
        if row is None:
            raise NotFoundError(_("there is no user %(id)s", id=person_id))
        held: dict[str, Any] = {**known(row), "read_only": why}
    else:
        held = _held(desk, person_id)
    plan_id, planned = _planned(desk, held["email"])
    return PersonPage(person_id=person_id, origins=behind, plan_id=plan_id, planned=planned, **{**_NOTHING, **held})


_NOTHING: dict[str, Any] = {
    **dict.fromkeys(("role", "created_at", "last_login", "refused")),
    **{
        name: []
        for name in (
            *("role_groups", "all_groups", "workflows", "documents"),
            *("devices", "invitations", "activity"),
        )
    },
}


def _held(desk: Desk, person_id: str) -> dict[str, Any]:
    account, email = account_of(desk), email_of(desk, person_id)
    user = account.show_user(email)
    by_name = [PartLine(**part, group=None) for part in user["workflows"]]
    by_group = [PartLine(**part, alone=False) for part in user["workflows_by_group"]]
    devices = [{name: one[name] for name in DeviceLine.model_fields} for one in signing_in(desk.app).devices(email)]
    same = ("email", "name", "state", "role_groups", "created_at", "last_login", "refused", "groups", "documents")
    return {
        **{name: user[name] for name in same},
        "role": "owner" if user["owner"] else user["role"],
        "all_groups": account.group_names()[:OFFERED],
        "workflows": [*by_name, *by_group],
        "devices": devices,
        "invitations": [one["sent_at"] for one in user["invitations"]],
        "activity": user["activity"][: -_RECENT - 1 : -1],
        "read_only": "",
    }


def _provenance(one: Origin) -> Provenance:
    return Provenance(**origin_line(one).model_dump(), attributes=one.attributes, given=one.given)


def _planned(desk: Desk, email: str) -> tuple[int | None, list[PlannedLine]]:
    plan_id = plans.newest(desk.store)
    if plan_id is None:
        return None, []
    found = [
        PlannedLine(
            key=change.key, kind=change.kind, group=change.group, reason=change.reason, decision=decision.name.lower()
        )
        for _number, change, decision in tracing.history(desk.store, [email], [plan_id])
    ]
    return plan_id, found


@room.deed("/people/<person_id>/edit", Role.OPERATOR)
def edit_person(desk: Desk, form: Edit, person_id: str) -> Done:
    """Change a user's name, or address: with the address the user logs in from then on."""
    email = email_of(desk, person_id)
    said = {key: value for key, value in (("name", form.name), ("email", form.email)) if value is not None}
    with changing(desk, "users edit", email, **said):
        account_of(desk).edit_user(email, name=form.name, new_email=form.email)
    return Done(message=_("%(email)s was changed.", email=form.email or email), go=f"/people/{person_id}")


@room.deed("/people/<person_id>/join", Role.OPERATOR)
def join_group(desk: Desk, form: OneGroup, person_id: str) -> Done:
    """Put a user into a group."""
    email = email_of(desk, person_id)
    with changing(desk, "users edit", email, add_groups=[form.group]):
        account_of(desk).edit_user(email, add_groups=[form.group])
    return _done(person_id, _("%(email)s is in %(group)s now.", email=email, group=form.group))


@room.deed("/people/<person_id>/leave", Role.OPERATOR)
def leave_group(desk: Desk, form: OneGroup, person_id: str) -> Done:
    """Take a user out of a group."""
    email = email_of(desk, person_id)
    with changing(desk, "users edit", email, remove_groups=[form.group]):
        account_of(desk).edit_user(email, remove_groups=[form.group])
    return _done(person_id, _("%(email)s is not in %(group)s any more.", email=email, group=form.group))


@room.deed("/people/<person_id>/leave-workflow", Role.OPERATOR)
def leave_workflow(desk: Desk, form: OneWorkflow, person_id: str) -> Done:
    """Take a user out of a workflow's steps; refused where a step would be left without anyone."""
    email = email_of(desk, person_id)
    with changing(desk, "workflows leave", email, workflow=form.workflow):
        left = account_of(desk).leave_workflows(email, form.workflow)
    return _done(person_id, _("%(email)s left %(steps)s.", email=email, steps=", ".join(left)))


@room.deed("/people/<person_id>/invite", Role.OPERATOR)
def invite_again(desk: Desk, form: Form, person_id: str) -> Done:
    """Resend the invitation of a user who never logged in."""
    del form
    email = email_of(desk, person_id)
    with changing(desk, "users invite", email):
        account_of(desk).invite(email)
    return _done(person_id, _("%(email)s was invited again.", email=email))


@room.deed("/people/<person_id>/reset-password", Role.OPERATOR)
def reset_password(desk: Desk, form: Form, person_id: str) -> Done:
    """Send a user the mail for a new password; the present one holds until a new one is set."""
    del form
    email = email_of(desk, person_id)
    with changing(desk, "users reset-password", email):
        signing_in(desk.app).send_reset(email)
    return _done(person_id, _("A mail for a new password goes to %(email)s.", email=email))


@room.deed("/people/<person_id>/request-data", Role.OPERATOR)
def request_user_data(desk: Desk, form: Form, person_id: str) -> Done:
    """Send a user all that is held about him or her."""
    del form
    email = email_of(desk, person_id)
    with changing(desk, "users request-data", email):
        to = account_of(desk).request_user_data(email)
    return _done(person_id, _("The user data goes to %(email)s.", email=to))


@room.deed("/people/<person_id>/devices/<int:device_id>/sign-out", Role.OPERATOR)
def sign_out_device(desk: Desk, form: Form, person_id: str, device_id: int) -> Done:
    """Log a user out of one device."""
    del form
    email = email_of(desk, person_id)
    with changing(desk, "users devices", email, sign_out=device_id) as detail:
        detail["name"] = name = signing_in(desk.app).sign_out(email, device_id)
    return _done(person_id, _("%(email)s was logged out of %(device)s.", email=email, device=name))


def _done(person_id: str, message: str) -> Done:
    return Done(message=message, go=f"/people/{person_id}")
