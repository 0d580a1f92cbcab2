"""The workflows of a rehearsal copy, out and in; see `rehearsal`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, ScalarSelect, delete, insert, select, update

from connectors.fluix.account.connection import account_of
from connectors.fluix.account.groups import group_ids
from connectors.fluix.account.tables import step_groups, step_users, workflow_groups, workflow_steps, workflows
from connectors.fluix.account.users import by_address
from connectors.model import normalise_name


def dump(connection: Connection, emails: Mapping[int, str], names: Mapping[int, str]) -> list[dict[str, Any]]:
    """All workflows by name, with their steps in their order."""
    found: dict[int, dict[str, Any]] = {}
    here = workflows.c.account == account_of(connection)
    ours = ids_of(workflows.c.workflow_id, here)
    ours_steps = ids_of(workflow_steps.c.step_id, workflow_steps.c.workflow_id.in_(ours))
    for row in connection.execute(select(workflows).where(here).order_by(workflows.c.name_key)):
        found[row.workflow_id] = {"name": row.name, "steps": []}
    for row in connection.execute(select(workflow_groups).where(workflow_groups.c.workflow_id.in_(ours))):
        found[row.workflow_id].setdefault("groups", []).append(names[row.group_id])
    steps: dict[int, dict[str, Any]] = {}
    query = select(workflow_steps).where(workflow_steps.c.workflow_id.in_(ours))
    for row in connection.execute(query.order_by(workflow_steps.c.position)):
        steps[row.step_id] = {"name": row.name, "users": [], "groups": []}
        found[row.workflow_id]["steps"].append(steps[row.step_id])
    for row in connection.execute(select(step_users).where(step_users.c.step_id.in_(ours_steps))):
        steps[row.step_id]["users"].append(emails[row.user_id])
    for row in connection.execute(select(step_groups).where(step_groups.c.step_id.in_(ours_steps))):
        steps[row.step_id]["groups"].append(names[row.group_id])
    for workflow in found.values():
        if "groups" in workflow:
            workflow["groups"].sort()
    for step in steps.values():
        step["users"].sort()
        step["groups"].sort()
    return list(found.values())


def ids_of(column: Column[Any], condition: ColumnElement[bool]) -> ScalarSelect[Any]:
    """The ids that a condition picks, to be asked for inside of another question."""
    return select(column).where(condition).scalar_subquery()


def load(connection: Connection, entry: Mapping[str, Any]) -> None:
    """Make a workflow, or bring it to what the copy says."""
    key = normalise_name(entry["name"])
    account = account_of(connection)
    query = select(workflows.c.workflow_id).where(workflows.c.account == account, workflows.c.name_key == key)
    workflow_id = connection.execute(query).scalar()
    if workflow_id is None:
        new = connection.execute(
            insert(workflows).values(account=account, name=entry["name"], name_key=key)
        ).inserted_primary_key
        assert new is not None
        workflow_id = new[0]
    else:
        connection.execute(update(workflows).where(workflows.c.workflow_id == workflow_id).values(name=entry["name"]))
    if "groups" in entry:
        connection.execute(delete(workflow_groups).where(workflow_groups.c.workflow_id == workflow_id))
        for group_id in sorted(set(group_ids(connection, entry["groups"] or ()).values())):
            connection.execute(insert(workflow_groups).values(workflow_id=workflow_id, group_id=group_id))
    if "steps" not in entry:
        return
    steps = select(workflow_steps.c.step_id).where(workflow_steps.c.workflow_id == workflow_id)
    for table in (step_users, step_groups):
        connection.execute(delete(table).where(table.c.step_id.in_(steps.scalar_subquery())))
    connection.execute(delete(workflow_steps).where(workflow_steps.c.workflow_id == workflow_id))
    for position, step in enumerate(entry.get("steps") or ()):
        values = {"workflow_id": workflow_id, "position": position, "name": step["name"]}
        made = connection.execute(insert(workflow_steps).values(values)).inserted_primary_key
        assert made is not None
        people = set(by_address(connection, step.get("users") or ()).values())
        teams = set(group_ids(connection, step.get("groups") or ()).values())
        for user_id in sorted(people):
            connection.execute(insert(step_users).values(step_id=made[0], user_id=user_id))
        for group_id in sorted(teams):
            connection.execute(insert(step_groups).values(step_id=made[0], group_id=group_id))
