"""The steps of a deletion, each with its rule of the guide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy import delete as sql_delete

from connectors.fluix.account import retention
from connectors.fluix.account.connection import account_of, chunks
from connectors.fluix.account.dossiers import workflow_parts
from connectors.fluix.account.ids import as_number
from connectors.fluix.account.outcomes import done, failed, gone, record, text
from connectors.fluix.account.tables import documents, step_users, users
from connectors.fluix.account.users import by_id
from connectors.model import Outcome, Step, WorkflowPart


def reassign_documents(connection: Connection, steps: Sequence[Step], now: datetime) -> list[Outcome]:
    """Give users' drafts and assigned documents to somebody else, or give them up (an empty `to`)."""
    return [_reassign(connection, step, now) for step in steps]


def _reassign(connection: Connection, step: Step, now: datetime) -> Outcome:
    user_id, to = as_number(step.fluix_id), text(step, "to")
    if not by_id(connection, [step]):
        return gone(step)
    if to == step.fluix_id:
        return failed(step, f"the user {to} cannot take his or her own documents")
    theirs = documents.c.user_id == user_id
    if to == "":
        count = connection.execute(sql_delete(documents).where(theirs)).rowcount
        record(connection, [(user_id, "documents given up", str(count))], now)
        return done(step)
    query = select(users.c.user_id).where(users.c.account == account_of(connection), users.c.user_id == as_number(to))
    receiver = connection.execute(query).scalar()
    if receiver is None:
        return failed(step, f"there is no user with the id {to} to take the documents")
    count = connection.execute(update(documents).where(theirs).values(user_id=receiver)).rowcount
    record(connection, [(user_id, "documents reassigned", f"{count} to user {to}")], now)
    return done(step)


def leave_workflows(connection: Connection, steps: Sequence[Step], now: datetime) -> list[Outcome]:
    """Take users out of every step in which they are by name; never leaving a step without anyone."""
    return [_leave(connection, step, now) for step in steps]


def _leave(connection: Connection, step: Step, now: datetime) -> Outcome:
    user_id = as_number(step.fluix_id)
    if user_id is None or not by_id(connection, [step]):
        return gone(step)
    parts = workflow_parts(connection, [user_id]).get(user_id, [])
    alone = next((part for part in parts if part.alone), None)
    if alone:
        return failed(step, f"{alone.workflow} / {alone.step} would be left without anyone")
    connection.execute(sql_delete(step_users).where(step_users.c.user_id == user_id))
    names = ", ".join(sorted({part.workflow for part in parts}))
    record(connection, [(user_id, "left workflows", names)] if parts else [], now)
    return done(step)


def delete(connection: Connection, steps: Sequence[Step], now: datetime) -> list[Outcome]:
    """Delete users, keeping the whole set-up for a while. Who is gone already is deleted."""
    there = by_id(connection, steps)
    parts: dict[int, list[WorkflowPart]] = {}
    for chunk in chunks(row.user_id for row in there.values()):
        parts |= workflow_parts(connection, chunk)
    outcomes: list[Outcome] = []
    leaving: list[Row[Any]] = []
    happened: list[tuple[int | None, str, str]] = []
    for step in steps:
        row = there.get(step.fluix_id or "")
        if row is None:
            outcomes.append(done(step))
        elif row.owner:
            outcomes.append(failed(step, f"{row.email} is the owner of the account"))
        elif row.user_id in parts:
            names = ", ".join(sorted({part.workflow for part in parts[row.user_id]}))
            outcomes.append(failed(step, f"{row.email} takes part in workflows ({names}): remove them there first"))
        else:
            del there[str(row.user_id)]
            leaving.append(row)
            happened.append((row.user_id, "deleted", f"{row.name} <{row.email}>"))
            outcomes.append(done(step))
    retention.keep(connection, leaving, now)
    retention.remove(connection, (row.user_id for row in leaving), (row.email_key for row in leaving))
    record(connection, happened, now)
    return outcomes
