"""What makes deleting a user dangerous: role, owner, workflows, documents. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, func, select, text

from connectors.fluix.account.connection import account_of, chunks
from connectors.fluix.account.ids import as_numbers
from connectors.fluix.account.tables import (
    ADMIN_CONDITION,
    documents,
    step_groups,
    step_users,
    users,
    workflow_steps,
    workflows,
)
from connectors.model import Dossier, WorkflowPart

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection


def dossiers(connection: Connection, fluix_ids: Iterable[str]) -> dict[str, Dossier]:
    """The dossiers of these users; who is not there is left out."""
    admins = count_admins(connection)
    found: dict[str, Dossier] = {}
    for chunk in chunks(as_numbers(fluix_ids)):
        parts = workflow_parts(connection, chunk)
        counts = _documents(connection, chunk)
        here = (users.c.account == account_of(connection), users.c.user_id.in_(chunk))
        people = select(users.c.user_id, users.c.owner, users.c.role).where(*here)
        for user_id, owner, role in connection.execute(people.order_by(users.c.user_id)):
            found[str(user_id)] = Dossier(
                fluix_id=str(user_id),
                owner=owner,
                role=role,
                admins=admins,
                workflows=tuple(parts.get(user_id, ())),
                drafts=counts.get((user_id, "draft"), 0),
                assigned=counts.get((user_id, "assigned"), 0),
            )
    return found


def count_admins(connection: Connection) -> int:
    """How many users of the whole account hold a role or own it."""
    here = (users.c.account == account_of(connection), text(ADMIN_CONDITION))
    return connection.execute(select(func.count()).select_from(users).where(*here)).scalar_one()


def workflow_parts(connection: Connection, user_ids: Sequence[int]) -> dict[int, list[WorkflowPart]]:
    """The steps in which these users (at most one chunk of them) take part by name, in the workflows' order."""
    others = step_users.alias("others")
    somebody_else = exists().where(others.c.step_id == step_users.c.step_id, others.c.user_id != step_users.c.user_id)
    some_group = exists().where(step_groups.c.step_id == step_users.c.step_id)
    statement = (
        select(
            step_users.c.user_id,
            workflows.c.name,
            workflow_steps.c.name,
            somebody_else.correlate(step_users).label("somebody_else"),
            some_group.correlate(step_users).label("some_group"),
        )
        .join_from(step_users, workflow_steps, step_users.c.step_id == workflow_steps.c.step_id)
        .join(workflows, workflow_steps.c.workflow_id == workflows.c.workflow_id)
        .where(step_users.c.user_id.in_(user_ids))
        .order_by(step_users.c.user_id, workflows.c.name_key, workflow_steps.c.position)
    )
    parts: dict[int, list[WorkflowPart]] = {}
    for user_id, workflow, step, somebody, group in connection.execute(statement):
        parts.setdefault(user_id, []).append(WorkflowPart(workflow, step, alone=not (somebody or group)))
    return parts


def _documents(connection: Connection, user_ids: Sequence[int]) -> dict[tuple[int, str], int]:
    statement = (
        select(documents.c.user_id, documents.c.state, func.count())
        .where(documents.c.user_id.in_(user_ids))
        .group_by(documents.c.user_id, documents.c.state)
    )
    return {(user_id, state): count for user_id, state, count in connection.execute(statement)}
