"""What the guide says to look at before users are deleted: documents, administrative rights, workflows. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from connectors.fluix.account.admin.people import find_all
from connectors.fluix.account.dossiers import dossiers
from connectors.model import Dossier


def before_deletion(connection: Connection, emails: Iterable[str]) -> list[dict[str, Any]]:
    """For each of these users: drafts, assigned documents, role, workflows, and why the user cannot be deleted yet.

    Raises:
        PermanentError: one or more are not there; all of them are named.
    """
    rows = find_all(connection, emails)
    known = dossiers(connection, (str(row.user_id) for row in rows))
    return [_case(row.email, known[str(row.user_id)]) for row in rows]


def _case(email: str, dossier: Dossier) -> dict[str, Any]:
    workflows = sorted({part.workflow for part in dossier.workflows or ()})
    return {
        "email": email,
        "role": "owner" if dossier.owner else dossier.role or None,
        "drafts": dossier.drafts,
        "assigned": dossier.assigned,
        "workflows": workflows,
        "refused": _refusal(dossier, workflows),
    }


def _refusal(dossier: Dossier, workflows: list[str]) -> str | None:
    if (dossier.role or dossier.owner) and dossier.admins == 1:
        return "the last admin of the account"
    if dossier.owner:
        return "the owner of the account"
    return f"takes part in workflows ({', '.join(workflows)})" if workflows else None
