"""Everything that is held of one user, for an admin who looks. Reads only."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select, union_all
from sqlalchemy import null as sql_null

from connectors.fluix.account import reading
from connectors.fluix.account.admin.people import find, moment, summary
from connectors.fluix.account.dossiers import workflow_parts
from connectors.fluix.account.tables import (
    activity,
    devices,
    documents,
    groups,
    mails,
    memberships,
    role_groups,
    step_groups,
    workflow_groups,
    workflow_steps,
    workflows,
)

RECENT = 100
"""So much of the latest activity is shown with a user; `history` has all of it."""


def show_user(connection: Connection, email: str) -> dict[str, Any]:
    """The details of one user.

    Raises:
        PermanentError: there is no such user.
    """
    row = find(connection, email)
    happened = (
        select(activity).where(activity.c.user_id == row.user_id).order_by(activity.c.activity_id.desc()).limit(RECENT)
    )
    latest = connection.execute(happened).all()[::-1]
    return {
        **identity(connection, row),
        **belongings(connection, row.user_id),
        "invitations": _invitations(connection, row.user_id),
        "activity": [{"at": one.at.isoformat(), "kind": one.kind, "text": one.text} for one in latest],
    }


def identity(connection: Connection, row: Row[Any]) -> dict[str, Any]:
    """Who the user is, with groups and role."""
    here = str(row.user_id)
    return {
        "fluix_id": here,
        **summary(row, reading.accounts(connection, [here])[here].groups),
        "created_at": row.created_at.isoformat(),
        "role_groups": scope(connection, row.user_id),
        "last_login": moment(row.last_login_at),
        "refused": row.refused,
    }


def belongings(connection: Connection, user_id: int) -> dict[str, Any]:
    """What the user takes part in, holds and is signed in on. Of a device never what its session is known by."""
    parts = workflow_parts(connection, [user_id]).get(user_id, [])
    theirs = select(documents).where(documents.c.user_id == user_id).order_by(documents.c.title)
    connected = select(devices).where(devices.c.user_id == user_id).order_by(devices.c.seen_at.desc())
    return {
        "workflows": [{"workflow": part.workflow, "step": part.step, "alone": part.alone} for part in parts],
        "workflows_by_group": through_groups(connection, user_id),
        "documents": [{"title": doc.title, "state": doc.state} for doc in connection.execute(theirs)],
        "devices": [
            {
                "name": device.name,
                "platform": device.platform,
                "app_version": device.app_version,
                "signed_in": device.session is not None,
                "signed_in_at": device.signed_in_at.isoformat(),
                "seen_at": device.seen_at.isoformat(),
            }
            for device in connection.execute(connected)
        ],
    }


def scope(connection: Connection, user_id: int) -> list[str]:
    """The names of the groups that the user's role is for; none: the whole account."""
    query = (
        select(groups.c.name)
        .join(role_groups, role_groups.c.group_id == groups.c.group_id)
        .where(role_groups.c.user_id == user_id)
        .order_by(groups.c.name_key)
    )
    return list(connection.execute(query).scalars())


def through_groups(connection: Connection, user_id: int) -> list[dict[str, Any]]:
    """The workflows that the user's groups give, or in whose steps they stand; `step` is None where a group gives it."""
    given = (
        select(
            workflows.c.name_key,
            workflows.c.name,
            sql_null().label("position"),
            sql_null().label("step"),
            groups.c.name,
        )
        .join_from(memberships, workflow_groups, memberships.c.group_id == workflow_groups.c.group_id)
        .join(workflows, workflows.c.workflow_id == workflow_groups.c.workflow_id)
        .join(groups, groups.c.group_id == memberships.c.group_id)
        .where(memberships.c.user_id == user_id)
    )
    standing = (
        select(workflows.c.name_key, workflows.c.name, workflow_steps.c.position, workflow_steps.c.name, groups.c.name)
        .join_from(memberships, step_groups, memberships.c.group_id == step_groups.c.group_id)
        .join(workflow_steps, workflow_steps.c.step_id == step_groups.c.step_id)
        .join(workflows, workflows.c.workflow_id == workflow_steps.c.workflow_id)
        .join(groups, groups.c.group_id == memberships.c.group_id)
        .where(memberships.c.user_id == user_id)
    )
    rows = connection.execute(union_all(given, standing)).all()
    rows = sorted(rows, key=lambda row: (row[0], -1 if row[2] is None else row[2], row[4]))
    return [{"workflow": row[1], "step": row[3], "group": row[4]} for row in rows]


def _invitations(connection: Connection, user_id: int) -> list[dict[str, Any]]:
    query = select(mails.c.email, mails.c.queued_at).where(mails.c.user_id == user_id, mails.c.kind == "invitation")
    sent = connection.execute(query.order_by(mails.c.mail_id))
    return [{"to": mail.email, "sent_at": mail.queued_at.isoformat()} for mail in sent]
