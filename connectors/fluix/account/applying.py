"""One call of `apply`: steps in their order, each done once however often it is asked for.

Steps of one verb that follow each other are done together, so that a first load costs statements by the batch. All of a
call is one transaction: a killed call has done nothing, and is simply made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, insert, select

from connectors.fluix.account import groups, leaving, users
from connectors.fluix.account.connection import chunks
from connectors.fluix.account.ids import as_number
from connectors.fluix.account.tables import operations
from connectors.model import Outcome, Step, Verb

Handler = Callable[[Connection, Sequence[Step], datetime], list[Outcome]]
"""Does steps of one verb, and tells what became of each, in their order."""

VERBS: dict[Verb, Handler] = {
    "create_group": groups.create,
    "rename_group": groups.rename,
    "create_user": users.create,
    "update_user": users.update,
    "add_member": groups.add_members,
    "remove_member": groups.remove_members,
    "resend_invite": users.resend_invites,
    "reassign_documents": leaving.reassign_documents,
    "leave_workflows": leaving.leave_workflows,
    "delete_user": leaving.delete,
}


def apply(connection: Connection, steps: Sequence[Step], now: datetime) -> list[Outcome]:
    """Do the steps, and tell what became of each, in the same order."""
    known = _known(connection, steps)
    outcomes: dict[str, Outcome] = {}
    for verb, run in groupby(_unknown(steps, known), key=lambda step: step.verb):
        outcomes.update((outcome.operation_id, outcome) for outcome in VERBS[verb](connection, list(run), now))
    rows = [
        {"operation_id": outcome.operation_id, "user_id": as_number(outcome.fluix_id), "done_at": now}
        for outcome in outcomes.values()
        if outcome.state == "done"
    ]
    if rows:
        connection.execute(insert(operations), rows)
    return [known.get(step.operation_id) or outcomes[step.operation_id] for step in steps]


def _known(connection: Connection, steps: Sequence[Step]) -> dict[str, Outcome]:
    """What was done by an earlier call."""
    found: dict[str, Outcome] = {}
    for ids in chunks(step.operation_id for step in steps):
        query = select(operations.c.operation_id, operations.c.user_id).where(operations.c.operation_id.in_(ids))
        for operation_id, user_id in connection.execute(query):
            fluix_id = None if user_id is None else str(user_id)
            found[operation_id] = Outcome(operation_id, "done", fluix_id, "was done before")
    return found


def _unknown(steps: Sequence[Step], known: dict[str, Outcome]) -> Iterator[Step]:
    """The steps still to be done, each once."""
    met = set(known)
    for step in steps:
        if step.operation_id not in met:
            met.add(step.operation_id)
            yield step
