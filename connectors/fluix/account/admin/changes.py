"""Adding, changing, inviting and deleting a user by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, update

from connectors.email import email_problem
from connectors.errors import RefusedError
from connectors.fluix.account import applying, seats
from connectors.fluix.account.admin.people import checked_name, find, find_group
from connectors.fluix.account.dossiers import count_admins
from connectors.fluix.account.tables import users
from connectors.model import Step, Verb, normalise_email, normalise_name


def do(connection: Connection, now: datetime, verb: Verb, where: str, user_id: int | None = None, **values: Any) -> str:
    """Do one step by hand. Returns the id of its user.

    Raises:
        RefusedError: the verb's rules do not allow it.
    """
    step = Step(operation(), verb, None if user_id is None else str(user_id), values)
    (outcome,) = applying.apply(connection, [step], now)
    if outcome.state == "failed":
        raise RefusedError(outcome.message, where=where, cure=_CURES.get(verb, ""))
    return outcome.fluix_id or ""


def operation() -> str:
    """An operation id that no other step has."""
    return f"by hand:{uuid4()}"


def add_user(connection: Connection, name: str, email: str, names: Iterable[str], now: datetime) -> str:
    """Add one user, who is invited.

    Raises:
        RefusedError: the email exists or is none, the name is none, a group is missing, or no seat is free.
    """
    require_email(email)
    named = checked_name(name, "user", email)
    if seats.free(connection) == 0:
        raise RefusedError(seats.full(connection), where=email, cure=seats.CURE)
    return do(connection, now, "create_user", email, email=email, display_name=named, groups=tuple(names))


def require_email(email: str) -> None:
    """Refuse what is no email address.

    Raises:
        RefusedError: with the reason.
    """
    if wrong := email_problem(email):
        raise RefusedError(f'"{email}" is no email address ({wrong})', where=email, cure="correct it")


def edit_user(
    connection: Connection,
    email: str,
    now: datetime,
    *,
    new_name: str | None = None,
    new_email: str | None = None,
    add_groups: Iterable[str] = (),
    remove_groups: Iterable[str] = (),
) -> None:
    """Change a user's name, email and groups: all of it, or nothing.

    An address that was refused is not called so any more once it is another one.

    Raises:
        PermanentError: there is no such user or group.
        RefusedError: a value is none, the email is somebody else's, or a group is to be joined and left at once.
    """
    row = find(connection, email)
    joined = {normalise_name(name): find_group(connection, name).name for name in add_groups}
    left = {normalise_name(name): find_group(connection, name).name for name in remove_groups}
    if both := sorted(joined[key] for key in joined.keys() & left.keys()):
        raise RefusedError(f"{both[0]} is to be joined and left at once", where=email, cure="name it once")
    values: dict[str, str] = {}
    if new_name is not None:
        values["display_name"] = checked_name(new_name, "user", email)
    if new_email is not None:
        require_email(new_email)
        values["email"] = new_email
    if values:
        do(connection, now, "update_user", email, row.user_id, **values)
    if new_email is not None and normalise_email(new_email) != row.email_key:
        connection.execute(update(users).where(users.c.user_id == row.user_id).values(refused=None))
    for name in joined.values():
        do(connection, now, "add_member", email, row.user_id, group=name)
    for name in left.values():
        do(connection, now, "remove_member", email, row.user_id, group=name)


def invite(connection: Connection, email: str, now: datetime) -> None:
    """Resend an invitation."""
    do(connection, now, "resend_invite", email, find(connection, email).user_id)


def delete_user(connection: Connection, email: str, now: datetime, *, documents_to: str | None = None) -> None:
    """Delete one user, after giving the documents to somebody else where that is wanted.

    Raises:
        PermanentError: the user, or who is to take the documents, is not there.
        RefusedError: owner, last admin, or still in a workflow.
    """
    row = find(connection, email)
    if (row.role or row.owner) and count_admins(connection) == 1:
        cure = "give somebody else a role first"
        raise RefusedError(f"{row.email} is the last admin of the account", where=row.email, cure=cure)
    if documents_to is not None:
        receiver = find(connection, documents_to)
        do(connection, now, "reassign_documents", email, row.user_id, to=str(receiver.user_id))
    do(connection, now, "delete_user", email, row.user_id)


_CURES: dict[Verb, str] = {
    "create_user": "see `syncd users list`, and the groups in `syncd groups list`",
    "update_user": "see who has it with `syncd users show EMAIL`",
    "rename_group": "choose another name; see `syncd groups list`",
    "resend_invite": "see what was sent with `syncd account outbox`; who has logged in can reset the password",
    "delete_user": "see what it is tied to with `syncd users show EMAIL`",
    "leave_workflows": "put somebody else into the step first; see `syncd workflows show NAME`",
    "reassign_documents": "name another user",
}
