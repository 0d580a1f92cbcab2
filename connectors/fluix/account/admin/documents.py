"""Documents by their users: the list to download, and giving them to somebody else, as Document Status has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

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
    theirs = [documents.c.user_id == row.user_id, *([documents.c.state == state] if state else [])]
    count = connection.execute(select(func.count()).select_from(documents).where(*theirs)).scalar_one()
    if not count:
        kind = {"draft": "drafts", "assigned": "assigned documents"}.get(state or "", "documents")
        raise RefusedError(f"{row.email} has no {kind}", where=email, cure="see `syncd documents list`")
    if state is None:
        do(connection, now, "reassign_documents", email, row.user_id, to=str(receiver.user_id))
    else:
        connection.execute(update(documents).where(*theirs).values(user_id=receiver.user_id))
        told = f"{count} ({state}) to user {receiver.user_id}"
        record(connection, [(row.user_id, "documents reassigned", told)], now)
    return count
