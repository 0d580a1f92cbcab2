"""Workflows: their steps, and who takes part."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from flask_babel import gettext as _
from pydantic import Field

from connectors.errors import PermanentError
from syncd.web.by_hand import account_of, changing, read_only
from syncd.web.desk import Desk, Document, Done, Form, Paged, Paging, Query
from syncd.web.errors import NotFoundError
from syncd.web.frame import Room
from syncd.web.roles import Role

room = Room()


class WorkflowLine(Document):
    """One workflow, as it stands in the list."""

    name: str
    steps: int
    users: int
    """Who take part by name."""
    groups: list[str]
    """Those that give it to their members."""


class Workflows(Paged):
    """Workflows by name."""

    workflows: list[WorkflowLine]
    read_only: str


class OneAsked(Query):
    """Which workflow."""

    name: Annotated[str, Field(max_length=500, description="The workflow's.")]


class Participant(Document):
    """Somebody who takes part in a step by name."""

    email: str
    person_id: str
    alone: bool
    """Nobody else stands in this step: he or she cannot be taken out."""


class StepLine(Document):
    """One step."""

    name: str
    users: list[Participant]
    groups: list[str]


class WorkflowPage(Document):
    """One workflow, with its steps in their order."""

    name: str
    groups: list[str]
    steps: list[StepLine]


class Leave(Form):
    """Who leaves which workflow."""

    workflow: str
    email: str


@room.page("/workflows", "workflows.html")
def list_workflows(desk: Desk, asked: Paging) -> Workflows:
    """Workflows by name: steps, users who take part by name, and the groups that give them."""
    why = read_only(desk)
    found = [] if why else account_of(desk).list_workflows()
    shown = [WorkflowLine(**one) for one in found[asked.offset : asked.offset + asked.size]]
    return Workflows(total=len(found), page=asked.page, size=asked.size, workflows=shown, read_only=why)


@room.page("/workflows/one", "workflow.html")
def show_workflow(desk: Desk, asked: OneAsked) -> WorkflowPage:
    """One workflow's steps, and who takes part in each."""
    account = account_of(desk)
    try:
        found = account.show_workflow(asked.name)
    except PermanentError as error:
        raise NotFoundError(error.what) from None
    ids = {
        one.email: one.fluix_id
        for one in account.find({email for step in found["steps"] for email in step["users"]}).values()
    }
    steps = [
        StepLine(
            name=step["name"],
            users=[
                Participant(email=email, person_id=ids[email], alone=len(step["users"]) == 1 and not step["groups"])
                for email in step["users"]
            ],
            groups=step["groups"],
        )
        for step in found["steps"]
    ]
    return WorkflowPage(name=found["name"], groups=found["groups"], steps=steps)


@room.deed("/workflows/leave", Role.OPERATOR)
def remove_participant(desk: Desk, form: Leave) -> Done:
    """Take a user out of a workflow's steps; refused where a step would be left without anyone."""
    with changing(desk, "workflows leave", form.email, workflow=form.workflow):
        left = account_of(desk).leave_workflows(form.email, form.workflow)
    message = _("%(email)s left %(steps)s.", email=form.email, steps=", ".join(left))
    return Done(message=message, go=f"/workflows/one?{urlencode({'name': form.workflow})}")
