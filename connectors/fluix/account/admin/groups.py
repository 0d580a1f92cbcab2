"""Groups as an admin keeps them: making, renaming, deleting, and who is in them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, func, select

from connectors.errors import RefusedError
from connectors.fluix.account import applying
from connectors.fluix.account.admin.changes import do, operation
from connectors.fluix.account.admin.people import checked_name, find_all, find_group, some
from connectors.fluix.account.connection import account_of, chunks
from connectors.fluix.account.groups import group_ids
from connectors.fluix.account.outcomes import record
from connectors.fluix.account.tables import (
    groups,
    memberships,
    role_groups,
    step_groups,
    step_users,
    users,
    workflow_groups,
    workflow_steps,
    workflows,
)
from connectors.model import Step, Verb, normalise_name


def list_groups(connection: Connection) -> list[dict[str, Any]]:
    """All groups by name: how many members, and which workflows a group gives them."""
    account = account_of(connection)
    # Counted in the index first and joined then: 500 groups of 500,000 memberships are one pass.
    counted = select(memberships.c.group_id, func.count().label("members")).group_by(memberships.c.group_id).subquery()
    query = (
        select(groups.c.group_id, groups.c.name, func.coalesce(counted.c.members, 0))
        .outerjoin(counted, counted.c.group_id == groups.c.group_id)
        .where(groups.c.account == account)
        .order_by(groups.c.name_key)
    )
    given = (
        select(workflow_groups.c.group_id, workflows.c.name)
        .join(workflows, workflows.c.workflow_id == workflow_groups.c.workflow_id)
        .where(workflows.c.account == account)
        .order_by(workflows.c.name_key)
    )
    names: dict[int, list[str]] = {}
    for group_id, name in connection.execute(given):
        names.setdefault(group_id, []).append(name)
    return [
        {"name": name, "members": members, "workflows": names.get(group_id, [])}
        for group_id, name, members in connection.execute(query)
    ]


def group_names(connection: Connection) -> list[str]:
    """The names of all groups, in their order."""
    query = select(groups.c.name).where(groups.c.account == account_of(connection)).order_by(groups.c.name_key)
    return list(connection.execute(query).scalars())


def create_group(connection: Connection, name: str, now: datetime) -> str:
    """Make a group. Returns its name as it is kept.

    Raises:
        RefusedError: there is one of this name already, or the name is none.
    """
    named = checked_name(name, "group", name)
    if group_ids(connection, [named]):
        raise RefusedError(f"there is a group {named} already", where=named, cure="see `syncd groups list`")
    do(connection, now, "create_group", named, display_name=named)
    return named


def rename_group(connection: Connection, name: str, new_name: str, now: datetime) -> None:
    """Give a group another name; its members and workflows stay.

    Raises:
        PermanentError: there is no such group.
        RefusedError: another group has the new name, it is the present one, or it is none.
    """
    row = find_group(connection, name)
    named = checked_name(new_name, "group", name)
    if named == row.name:
        raise RefusedError(f"the group is called {row.name} already", where=row.name, cure="nothing is to be done")
    do(connection, now, "rename_group", row.name, display_name=row.name, new_name=named)


def delete_group(connection: Connection, name: str, now: datetime) -> int:
    """Delete a group. Its members stay users, and lose the workflows that only this group gave them.

    Returns:
        How many members it had.

    Raises:
        PermanentError: there is no such group.
        RefusedError: a workflow's step would be left without anyone, or a role that is for this group only would become
            one for the whole account; all of them are named.
    """
    row = find_group(connection, name)
    here = row.group_id
    if steps := _alone_in(connection, here):
        raise RefusedError(
            f"{some(steps)} would be left without anyone",
            where=row.name,
            cure="put somebody else into the step first; see `syncd workflows show NAME`",
        )
    if admins := _roles_for(connection, here):
        what = f"the role of {some(admins)} is for {row.name} only, and would be for the whole account"
        raise RefusedError(what, where=row.name, cure="change it first with `syncd users role EMAIL`")
    query = select(memberships.c.user_id).where(memberships.c.group_id == here)
    members = list(connection.execute(query).scalars())
    for table in (memberships, workflow_groups, step_groups, role_groups, groups):
        connection.execute(delete(table).where(table.c.group_id == here))
    for part in chunks(members):
        record(connection, ((user_id, "left", row.name) for user_id in part), now)
    record(connection, [(None, "group deleted", row.name)], now)
    return len(members)


def change_members(
    connection: Connection, name: str, emails: Iterable[str], now: datetime, *, joining: bool
) -> list[str]:
    """Put users into a group, or take them out: all of them or nobody. Returns their emails as they are kept.

    Raises:
        PermanentError: the group, or one of the users, is not there.
    """
    group = find_group(connection, name)
    rows = find_all(connection, emails)
    verb: Verb = "add_member" if joining else "remove_member"
    for part in chunks(rows):
        steps = [Step(operation(), verb, str(row.user_id), {"group": group.name}) for row in part]
        applying.apply(connection, steps, now)
    return [row.email for row in rows]


def missing(connection: Connection, names: Iterable[str]) -> list[str]:
    """Those of these names that no group has."""
    wanted = {normalise_name(name): name for name in names}
    there = group_ids(connection, wanted.values())
    return sorted(name for key, name in wanted.items() if key not in there)


def _alone_in(connection: Connection, group_id: int) -> list[str]:
    """The steps in which nobody would be left without this group: `Permits / Approve`."""
    others = step_groups.alias("others")
    somebody = exists().where(step_users.c.step_id == step_groups.c.step_id)
    another = exists().where(others.c.step_id == step_groups.c.step_id, others.c.group_id != group_id)
    query = (
        select(workflows.c.name, workflow_steps.c.name)
        .join_from(step_groups, workflow_steps, workflow_steps.c.step_id == step_groups.c.step_id)
        .join(workflows, workflows.c.workflow_id == workflow_steps.c.workflow_id)
        .where(step_groups.c.group_id == group_id, ~somebody.correlate(step_groups), ~another.correlate(step_groups))
        .order_by(workflows.c.name_key, workflow_steps.c.position)
    )
    return [f"{workflow} / {step}" for workflow, step in connection.execute(query)]


def _roles_for(connection: Connection, group_id: int) -> list[str]:
    """The emails of the admins whose role is for this group and no other."""
    others = role_groups.alias("others")
    another = exists().where(others.c.user_id == role_groups.c.user_id, others.c.group_id != group_id)
    query = (
        select(users.c.email)
        .join_from(role_groups, users, users.c.user_id == role_groups.c.user_id)
        .where(role_groups.c.group_id == group_id, ~another.correlate(role_groups))
        .order_by(users.c.email_key)
    )
    return list(connection.execute(query).scalars())
