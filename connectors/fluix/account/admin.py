"""What an admin does by hand: listing, adding, importing, inviting, deleting. Each change is one step, with the same rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, or_, select

from connectors.email import email_problem
from connectors.errors import PermanentError, RefusedError
from connectors.fluix.account import applying, reading
from connectors.fluix.account.connection import account_of, chunks
from connectors.fluix.account.dossiers import count_admins, workflow_parts
from connectors.fluix.account.groups import group_ids
from connectors.fluix.account.tables import activity, documents, groups, mails, memberships, users
from connectors.fluix.csv_files import ImportRow
from connectors.model import Step, Verb, normalise_email, normalise_name


def list_users(
    connection: Connection, search: str | None, state: str | None, group: str | None
) -> list[dict[str, Any]]:
    """Users by email."""
    query = select(users).where(users.c.account == account_of(connection)).order_by(users.c.email_key)
    if search:
        part = normalise_name(search).replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        like = f"%{part}%"
        query = query.where(or_(users.c.email_key.like(like, escape="\\"), users.c.name_key.like(like, escape="\\")))
    if state:
        query = query.where(users.c.state == state)
    if group:
        members = (
            select(memberships.c.user_id)
            .join(groups, groups.c.group_id == memberships.c.group_id)
            .where(groups.c.account == account_of(connection), groups.c.name_key == normalise_name(group))
        )
        query = query.where(users.c.user_id.in_(members))
    rows = connection.execute(query).all()
    there = reading.accounts(connection, (str(row.user_id) for row in rows))
    return [summary(row, there[str(row.user_id)].groups) for row in rows]


def summary(row: Row[Any], names: Iterable[str]) -> dict[str, Any]:
    """A user as lists and files show it."""
    return {
        "email": row.email,
        "name": row.name,
        "state": row.state,
        "role": row.role or None,
        "owner": row.owner,
        "groups": sorted(names),
    }


def show_user(connection: Connection, email: str) -> dict[str, Any]:
    """Everything that is held of one user."""
    row = _find(connection, email)
    here = str(row.user_id)
    names = reading.accounts(connection, [here])[here].groups
    parts = workflow_parts(connection, [row.user_id]).get(row.user_id, [])
    theirs = select(documents).where(documents.c.user_id == row.user_id).order_by(documents.c.title)
    sent = select(mails).where(mails.c.user_id == row.user_id, mails.c.kind == "invitation").order_by(mails.c.mail_id)
    happened = select(activity).where(activity.c.user_id == row.user_id).order_by(activity.c.activity_id)
    return {
        "fluix_id": here,
        **summary(row, names),
        "created_at": row.created_at.isoformat(),
        "workflows": [{"workflow": part.workflow, "step": part.step, "alone": part.alone} for part in parts],
        "documents": [{"title": doc.title, "state": doc.state} for doc in connection.execute(theirs)],
        "invitations": [{"to": mail.email, "sent_at": mail.queued_at.isoformat()} for mail in connection.execute(sent)],
        "activity": [
            {"at": one.at.isoformat(), "kind": one.kind, "text": one.text} for one in connection.execute(happened)
        ],
    }


def addresses(connection: Connection) -> set[str]:
    """The emails of all users, as they are compared."""
    query = select(users.c.email_key).where(users.c.account == account_of(connection))
    return set(connection.execute(query).scalars())


def add_user(connection: Connection, name: str, email: str, names: Iterable[str], now: datetime) -> str:
    """Add one user, who is invited."""
    if wrong := email_problem(email):
        raise RefusedError(f'"{email}" is no email address ({wrong})', where=email, cure="correct it")
    if not name.strip():
        raise RefusedError("a user needs a name", where=email, cure="give one")
    values: dict[str, str | tuple[str, ...]] = {"email": email, "display_name": name, "groups": tuple(names)}
    return _do(connection, Step(_operation(), "create_user", None, values), now, email)


def import_users(connection: Connection, rows: Iterable[ImportRow], *, create_groups: bool, now: datetime) -> int:
    """Add the new ones of an import."""
    new = [row for row in rows if row.verdict == "new"]
    names = {normalise_name(name): name for row in new for name in row.groups}
    there = group_ids(connection, names.values())
    missing = sorted(name for key, name in names.items() if key not in there)
    if missing and not create_groups:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if missing[5:] else "")
        cure = "create them first, or import with --create-groups"
        raise RefusedError(f"{len(missing)} groups of the file are not in Fluix: {shown}", cure=cure)
    steps = [Step(_operation(), "create_group", None, {"display_name": name}) for name in missing]
    for row in new:
        values = {"email": row.email, "display_name": row.name}
        steps.append(Step(_operation(), "create_user", None, {**values, "groups": row.groups}))
    failed = []
    for part in chunks(steps):
        failed += [outcome.message for outcome in applying.apply(connection, part, now) if outcome.state == "failed"]
    if failed:
        raise RefusedError("; ".join(failed[:5]), cure="look at the file again: somebody else changed the account")
    return len(new)


def invite(connection: Connection, email: str, now: datetime) -> None:
    """Resend an invitation."""
    row = _find(connection, email)
    _do(connection, Step(_operation(), "resend_invite", str(row.user_id)), now, email)


def delete_user(connection: Connection, email: str, now: datetime) -> None:
    """Delete one user."""
    row = _find(connection, email)
    if (row.role or row.owner) and count_admins(connection) == 1:
        cure = "give somebody else a role first"
        raise RefusedError(f"{row.email} is the last admin of the account", where=row.email, cure=cure)
    _do(connection, Step(_operation(), "delete_user", str(row.user_id)), now, email)


def _find(connection: Connection, email: str) -> Row[Any]:
    here = (users.c.account == account_of(connection), users.c.email_key == normalise_email(email))
    row = connection.execute(select(users).where(*here)).first()
    if row is None:
        raise PermanentError(f"there is no user {email}", where=email, cure="see `syncd users list`")
    return row


def _operation() -> str:
    return f"by hand:{uuid4()}"


def _do(connection: Connection, step: Step, now: datetime, email: str) -> str:
    (outcome,) = applying.apply(connection, [step], now)
    if outcome.state == "failed":
        raise RefusedError(outcome.message, where=email, cure=_CURES.get(step.verb, ""))
    return outcome.fluix_id or ""


_CURES: dict[Verb, str] = {
    "create_user": "see `syncd users list`, and the groups in `syncd account dump`",
    "resend_invite": "nothing is to be done: the user can log in, or reset the password",
    "delete_user": "see what it is tied to with `syncd users show EMAIL`",
}
