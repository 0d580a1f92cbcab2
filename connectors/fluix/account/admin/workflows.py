"""Workflows as an admin sees them: their steps, who takes part, and which groups give them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from connectors.errors import RefusedError
from connectors.fluix.account.admin.changes import do
from connectors.fluix.account.admin.people import find, find_group, find_workflow
from connectors.fluix.account.connection import account_of
from connectors.fluix.account.dossiers import workflow_parts
from connectors.fluix.account.outcomes import record
from connectors.fluix.account.tables import (
    groups,
    step_groups,
    step_users,
    users,
    workflow_groups,
    workflow_steps,
    workflows,
)

_GIVEN = (
    select(workflow_groups.c.workflow_id, groups.c.name)
    .join(groups, groups.c.group_id == workflow_groups.c.group_id)
    .order_by(groups.c.name_key)
)
"""Which groups give which workflow."""


def list_workflows(connection: Connection) -> list[dict[str, Any]]:
    """All workflows by name: how many steps, how many users by name, and the groups that give it."""
    steps = select(workflow_steps.c.workflow_id, func.count()).group_by(workflow_steps.c.workflow_id)
    people = (
        select(workflow_steps.c.workflow_id, func.count(step_users.c.user_id.distinct()))
        .join(step_users, step_users.c.step_id == workflow_steps.c.step_id)
        .group_by(workflow_steps.c.workflow_id)
    )
    steps_of: dict[int, int] = dict(connection.execute(steps).all())
    users_of: dict[int, int] = dict(connection.execute(people).all())
    given: dict[int, list[str]] = {}
    for workflow_id, group in connection.execute(_GIVEN):
        given.setdefault(workflow_id, []).append(group)
    query = select(workflows).where(workflows.c.account == account_of(connection)).order_by(workflows.c.name_key)
    return [
        {
            "name": row.name,
            "steps": steps_of.get(row.workflow_id, 0),
            "users": users_of.get(row.workflow_id, 0),
            "groups": given.get(row.workflow_id, []),
        }
        for row in connection.execute(query)
    ]


def show_workflow(connection: Connection, name: str) -> dict[str, Any]:
    """One workflow: its steps in their order with users and groups, and the groups that give it.

    Raises:
        PermanentError: there is no such workflow.
    """
    row = find_workflow(connection, name)
    steps = select(workflow_steps).where(workflow_steps.c.workflow_id == row.workflow_id)
    people = select(users.c.email).join(step_users, step_users.c.user_id == users.c.user_id).order_by(users.c.email_key)
    teams = (
        select(groups.c.name).join(step_groups, step_groups.c.group_id == groups.c.group_id).order_by(groups.c.name_key)
    )
    return {
        "name": row.name,
        "groups": _given_by(connection, row.workflow_id),
        "steps": [
            {
                "name": step.name,
                "users": list(connection.execute(people.where(step_users.c.step_id == step.step_id)).scalars()),
                "groups": list(connection.execute(teams.where(step_groups.c.step_id == step.step_id)).scalars()),
            }
            for step in connection.execute(steps.order_by(workflow_steps.c.position)).all()
        ],
    }


def leave(connection: Connection, email: str, name: str | None, now: datetime) -> list[str]:
    """Take a user out of every step in which he or she is by name, of one workflow or of all.

    Returns:
        The steps that were left: `Permits / Approve`.

    Raises:
        PermanentError: there is no such user or workflow.
        RefusedError: a step would be left without anyone, or the user is in none.
    """
    row = find(connection, email)
    workflow = None if name is None else find_workflow(connection, name)
    parts = workflow_parts(connection, [row.user_id]).get(row.user_id, [])
    parts = [part for part in parts if workflow is None or part.workflow == workflow.name]
    if not parts:
        where = "no workflow" if workflow is None else f"no step of {workflow.name}"
        what = f"{row.email} takes part in {where} by name"
        raise RefusedError(what, where=email, cure="see `syncd users show EMAIL`: a group may be what takes part")
    left = [f"{part.workflow} / {part.step}" for part in parts]
    if workflow is None:
        do(connection, now, "leave_workflows", email, row.user_id)
        return left
    if alone := [f"{part.workflow} / {part.step}" for part in parts if part.alone]:
        cure = "put somebody else into the step first; see `syncd workflows show NAME`"
        raise RefusedError(f"{', '.join(alone)} would be left without anyone", where=email, cure=cure)
    steps = select(workflow_steps.c.step_id).where(workflow_steps.c.workflow_id == workflow.workflow_id)
    connection.execute(
        delete(step_users).where(step_users.c.user_id == row.user_id, step_users.c.step_id.in_(steps.scalar_subquery()))
    )
    record(connection, [(row.user_id, "left workflows", workflow.name)], now)
    return left


def give(
    connection: Connection, name: str, now: datetime, *, adding: Iterable[str] = (), removing: Iterable[str] = ()
) -> list[str]:
    """Let groups give a workflow to their members, or not any more. Returns the groups that give it then.

    Raises:
        PermanentError: there is no such workflow or group.
        RefusedError: a group is to be added and removed at once.
    """
    workflow = find_workflow(connection, name)
    wanted = {row.group_id: row.name for row in (find_group(connection, team) for team in adding)}
    unwanted = {row.group_id: row.name for row in (find_group(connection, team) for team in removing)}
    if both := sorted(wanted[group_id] for group_id in wanted.keys() & unwanted.keys()):
        raise RefusedError(f"{both[0]} is to be added and removed at once", where=name, cure="name it once")
    here = workflow_groups.c.workflow_id == workflow.workflow_id
    there = set(connection.execute(select(workflow_groups.c.group_id).where(here)).scalars())
    for group_id in sorted(wanted.keys() - there):
        connection.execute(insert(workflow_groups).values(workflow_id=workflow.workflow_id, group_id=group_id))
        record(connection, [(None, "workflow given", f"{workflow.name} by {wanted[group_id]}")], now)
    for group_id in sorted(unwanted.keys() & there):
        connection.execute(delete(workflow_groups).where(here, workflow_groups.c.group_id == group_id))
        record(connection, [(None, "workflow withdrawn", f"{workflow.name} by {unwanted[group_id]}")], now)
    return _given_by(connection, workflow.workflow_id)


def _given_by(connection: Connection, workflow_id: int) -> list[str]:
    query = _GIVEN.where(workflow_groups.c.workflow_id == workflow_id)
    return [group for _, group in connection.execute(query)]
