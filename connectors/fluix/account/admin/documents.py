"""Documents by their users: the list to download, and giving them to somebody else, as Document Status has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, update

from connectors.errors import RefusedError
from connectors.fluix.account.admin.changes import do
from connectors.fluix.account.admin.people import find
from connectors.fluix.account.connection import account_of
from connectors.fluix.account.outcomes import record
from connectors.fluix.account.reading import PAGE
from connectors.fluix.account.tables import documents, users


def stream_documents(
    connection: Connection, email: str | None = None, state: str | None = None
) -> Iterator[dict[str, Any]]:
    """Documents by user, then title.

    Raises:
        PermanentError: there is no such user.
    """
    query = (
        select(documents.c.title, documents.c.state, users.c.email, users.c.name)
        .join(users, users.c.user_id == documents.c.user_id)
        .where(users.c.account == account_of(connection))
        .order_by(users.c.email_key, documents.c.title, documents.c.document_id)
    )
    if email is not None:
        query = query.where(users.c.user_id == find(connection, email).user_id)
    if state is not None:
        query = query.where(documents.c.state == state)
    for page in connection.execute(query, execution_options={"yield_per": PAGE}).partitions():
        for title, of_state, address, name in page:
            yield {"title": title, "state": of_state, "user": address, "name": name}


def page_of_documents(
    connection: Connection, email: str | None, state: str | None, limit: int, skip: int
) -> tuple[list[dict[str, Any]], int]:
    """A page of what `stream_documents` gives, with the users' ids, and how many there are in all.

    Raises:
        PermanentError: there is no such user.
    """
    conditions = [users.c.account == account_of(connection)]
    if email is not None:
        conditions.append(users.c.user_id == find(connection, email).user_id)
    if state is not None:
        conditions.append(documents.c.state == state)
    joined = documents.join(users, users.c.user_id == documents.c.user_id)
    total = connection.execute(select(func.count()).select_from(joined).where(*conditions)).scalar_one()
    query = (
        select(documents.c.title, documents.c.state, users.c.email, users.c.name, users.c.user_id)
        .select_from(joined)
        .where(*conditions)
        .order_by(users.c.email_key, documents.c.title, documents.c.document_id)
        .limit(limit)
        .offset(skip)
    )
    found = [
        {"title": title, "state": of_state, "user": address, "name": name, "fluix_id": str(user_id)}
        for title, of_state, address, name, user_id in connection.execute(query)
    ]
    return found, total


def discard(connection: Connection, email: str, state: str | None, now: datetime) -> int:
    """Delete a user's documents, or only the drafts or the assigned ones, for good. Returns how many.

    Raises:
        PermanentError: there is no such user.
        RefusedError: there is nothing to delete.
    """
    row = find(connection, email)
    count = _counted(connection, row, state)
    connection.execute(delete(documents).where(*_theirs(row, state)))
    told = f"{count} ({state})" if state else str(count)
    record(connection, [(row.user_id, "documents discarded", told)], now)
    return count


def _theirs(row: Row[Any], state: str | None) -> list[ColumnElement[bool]]:
    return [documents.c.user_id == row.user_id, *([documents.c.state == state] if state else [])]


def _counted(connection: Connection, row: Row[Any], state: str | None) -> int:
    """How many there are; refused where there are none."""
    query = select(func.count()).select_from(documents).where(*_theirs(row, state))
    count = connection.execute(query).scalar_one()
    if not count:
        kind = {"draft": "drafts", "assigned": "assigned documents"}.get(state or "", "documents")
        raise RefusedError(f"{row.email} has no {kind}", where=row.email, cure="see `syncd documents list`")
    return count


def reassign(connection: Connection, email: str, to: str, state: str | None, now: datetime) -> int:
    """Give a user's documents, or only the drafts or the assigned ones, to somebody else. Returns how many.

    Raises:
        PermanentError: one of the two is not there.
        RefusedError: they are one user, or there is nothing to give.
    """
    row, receiver = find(connection, email), find(connection, to)
    if receiver.user_id == row.user_id:
        what = f"{row.email} cannot take his or her own documents"
        raise RefusedError(what, where=email, cure="name another user")
    count = _counted(connection, row, state)
    if state is None:
        do(connection, now, "reassign_documents", email, row.user_id, to=str(receiver.user_id))
    else:
        connection.execute(update(documents).where(*_theirs(row, state)).values(user_id=receiver.user_id))
        told = f"{count} ({state}) to user {receiver.user_id}"
        record(connection, [(row.user_id, "documents reassigned", told)], now)
    return count
