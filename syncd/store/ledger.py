"""Deleted users and their set-ups, kept as long as Fluix support can recover them; and who of them returned.

A row is there before the deed, and confirmed after it: whatever kills the process, no deletion is without its row. What is
left in doubt is settled by asking the account. `erasure` takes the personal data away when the time is over.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, select, update

from connectors.model import Account, Outcome, normalise_email
from syncd.core.change import Change, RecordKey
from syncd.core.returning import joined, setup_of
from syncd.core.saga import Work
from syncd.store import departures
from syncd.store.engine import reading, writing
from syncd.store.journal import Journal
from syncd.store.sql import chunks
from syncd.store.tables import approvals, journal, ledger, ledger_records, links, plans

Placed = tuple[Change, int, Work]

_UNSURE: Final = ("intended", "begun")


class Ledger:
    """The journal of one run, and around it what is kept of the users whom the run deletes.

    Rows are written before the journal's intents and confirmed after its outcomes, each in a transaction of its own.

    Args:
        inner: the journal.
        engine: the store's.
        run_id: which run deletes.
        actor: who runs it.
        clock: tells the time of each deletion.
    """

    def __init__(self, inner: Journal, engine: Engine, run_id: int, actor: str, clock: Callable[[], datetime]) -> None:
        self._inner = inner
        self._engine = engine
        self._run_id = run_id
        self._actor = actor
        self._clock = clock

    def intend(self, plan_id: int, steps: Iterable[Placed]) -> None:
        """Write steps, and the set-ups of those who are to be deleted, before anything is done."""
        steps = list(steps)
        deleting = [(change, step) for change, _, step in steps if step.verb == "delete_user"]
        if deleting:
            now = self._clock()
            with writing(self._engine) as connection:
                approvers = _approvers(connection, plan_id)
                rows = [
                    {
                        "operation_id": step.operation_id,
                        "fluix_id": change.fluix_id,
                        "setup": setup_of(change),
                        "deleted_at": now,
                        "plan_id": plan_id,
                        "run_id": self._run_id,
                        "actor": self._actor,
                        "approvers": sorted(approvers[change.key]),
                    }
                    for change, step in deleting
                ]
                _keep(connection, rows, [change.records for change, _ in deleting])
        self._inner.intend(plan_id, steps)

    def conclude(self, ended: Sequence[tuple[Change, Work, Outcome]], doubted: Mapping[str, str] | None = None) -> None:
        """Write what became of steps; then confirm deletions, and note who returned.

        A deletion that is unproven stays as it was intended, until it is known what became of it.
        """
        self._inner.conclude(ended, doubted)
        ended = [row for row in ended if row[2].operation_id not in (doubted or {})]
        deletions = [(step, outcome) for _, step, outcome in ended if step.verb == "delete_user"]
        created = [
            (change.user or "", change.records, outcome.fluix_id)
            for change, step, outcome in ended
            if step.verb == "create_user" and outcome.state == "done" and outcome.fluix_id
        ]
        if not (deletions or (created and departures.anybody(self._engine))):
            return
        now = self._clock()
        with writing(self._engine) as connection:
            _confirm(connection, [step.operation_id for step, outcome in deletions if outcome.state == "done"])
            for step, outcome in deletions:
                if outcome.state == "failed":
                    _give_up(connection, step.operation_id)
            departures.returned(connection, created, now)

    def drop(self, plan_id: int, stale: Iterable[tuple[Change, Work, str]]) -> None:
        """Write that changes dropped out."""
        dropped = list(stale)
        self._inner.drop(plan_id, dropped)
        given_up = [step.operation_id for _, step, _ in dropped if step.verb == "delete_user"]
        if given_up:
            with writing(self._engine) as connection:
                for operation_id in given_up:
                    _give_up(connection, operation_id)


@contextlib.contextmanager
def by_hand(
    engine: Engine,
    user: Mapping[str, Any],
    actor: str,
    clock: Callable[[], datetime],
    documents_to: str | None = None,
) -> Iterator[None]:
    """Around the deletion of a user by hand: its set-up is kept, and given up again when the deletion fails.

    Args:
        engine: the store's.
        user: as `EmbeddedAccount.show_user` gives it, just before.
        actor: who deletes.
        clock: tells the time.
        documents_to: who gets the documents; None: they are given up.
    """
    documents = [{"title": one["title"], "state": one["state"]} for one in user["documents"]]
    setup = {
        "email": user["email"],
        "display_name": user["name"],
        **{name: user[name] for name in ("state", "role", "owner", "groups", "workflows")},
        "drafts": sum(one["state"] == "draft" for one in documents),
        "assigned": sum(one["state"] == "assigned" for one in documents),
        "documents": documents,
        "documents_to": (documents_to or "discard") if documents else None,
        "reason": "deleted by hand",
    }
    operation = f"by hand:{uuid4()}"
    row = {"operation_id": operation, "fluix_id": user["fluix_id"], "setup": setup, "deleted_at": clock()}
    with writing(engine) as connection:
        query = select(links.c.source, links.c.external_id).where(links.c.fluix_id == user["fluix_id"])
        records = [RecordKey(*key) for key in connection.execute(query)]
        _keep(connection, [{**row, "plan_id": None, "run_id": None, "actor": actor, "approvers": []}], [records])
    try:
        yield
    except Exception:
        with writing(engine) as connection:
            _give_up(connection, operation)
        raise
    with writing(engine) as connection:
        _confirm(connection, [operation])


def settle(engine: Engine, get: Callable[[Iterable[str]], Mapping[str, Account]]) -> None:
    """Find out what became of deletions that were intended when a process ended, or that a person was asked to make.

    Args:
        engine: the store's.
        get: `Target.get`, asked about those of whom the journal does not tell.
    """
    query = (
        select(ledger.c.operation_id, ledger.c.fluix_id, journal.c.state)
        .outerjoin(journal, journal.c.operation_id == ledger.c.operation_id)
        .where(ledger.c.state == "intended")
    )
    with reading(engine) as connection:
        unsure = [row for row in connection.execute(query) if row.state not in {"intended", "ordered"}]
    if not unsure:
        return
    silent = [row.fluix_id for row in unsure if row.state != "done"]
    there = get(silent) if silent else {}
    with writing(engine) as connection:
        for row in unsure:
            if row.state == "done" or row.fluix_id not in there:
                _confirm(connection, [row.operation_id])
            else:
                _give_up(connection, row.operation_id)


def _keep(connection: Connection, rows: Sequence[Mapping[str, Any]], records: Sequence[Iterable[RecordKey]]) -> None:
    """Write intents, and the records of each. What an earlier try began goes into them."""
    setups = {row["fluix_id"]: row["setup"] for row in rows}
    for ids in chunks(setups):
        here = (ledger.c.fluix_id.in_(ids), ledger.c.state.in_(_UNSURE))
        query = select(ledger.c.fluix_id, ledger.c.setup).where(*here).order_by(ledger.c.id.desc())
        for fluix_id, begun in connection.execute(query).all():
            setups[fluix_id] = joined(begun, setups[fluix_id])
        _forget(connection, *here)
    new = [
        {**row, "setup": setup, "address": normalise_email(setup["email"]), "state": "intended"}
        for row in rows
        for setup in [setups[row["fluix_id"]]]
    ]
    connection.execute(ledger.insert(), new)
    numbers: dict[str, int] = {}
    for operations in chunks(row["operation_id"] for row in rows):
        found = select(ledger.c.operation_id, ledger.c.id).where(ledger.c.operation_id.in_(operations))
        numbers.update(connection.execute(found).all())
    keys = [
        {"source": key.source, "external_id": key.external_id, "ledger_id": numbers[row["operation_id"]]}
        for row, owned in zip(rows, records, strict=True)
        for key in owned
    ]
    if keys:
        connection.execute(ledger_records.insert(), keys)


def _confirm(connection: Connection, operation_ids: Sequence[str]) -> None:
    """They were done. Where the journal says when, that is the day; else that of the intent, so as not to promise too much."""
    ended = select(journal.c.ended_at).where(journal.c.operation_id == ledger.c.operation_id).scalar_subquery()
    when = func.coalesce(ended, ledger.c.deleted_at)
    for part in chunks(operation_ids):
        here = (ledger.c.operation_id.in_(part), ledger.c.state.in_(_UNSURE))
        connection.execute(update(ledger).where(*here).values(state="deleted", deleted_at=when))


def _give_up(connection: Connection, operation_id: str) -> None:
    """The user is still there. What earlier steps took away is kept for the next try; else nothing is to be kept."""
    here = (ledger.c.operation_id == operation_id, ledger.c.state.in_(_UNSURE))
    of_plan = select(ledger.c.plan_id).where(*here).scalar_subquery()
    key = operation_id.partition(":")[2].removesuffix(":delete_user")
    earlier = select(journal.c.operation_id).where(
        journal.c.plan_id == of_plan,
        journal.c.key == key,
        journal.c.state == "done",
        journal.c.operation_id != f"{operation_id.removesuffix(':delete_user')}:verify",  # takes nothing away
    )
    if connection.execute(earlier.limit(1)).first():
        connection.execute(update(ledger).where(*here).values(state="begun"))
    else:
        _forget(connection, *here)


def _forget(connection: Connection, *which: ColumnElement[bool]) -> None:
    ids = connection.execute(select(ledger.c.id).where(*which)).scalars().all()
    for part in chunks(ids):
        connection.execute(delete(ledger_records).where(ledger_records.c.ledger_id.in_(part)))
        connection.execute(delete(ledger).where(ledger.c.id.in_(part)))


def _approvers(connection: Connection, plan_id: int) -> dict[str, set[str]]:
    """Who approved of each change of a plan."""
    found: dict[str, set[str]] = defaultdict(set)
    query = (
        select(approvals.c.approver, approvals.c["keys"])
        .join(plans, plans.c.digest == approvals.c.digest)
        .where(plans.c.id == plan_id)
    )
    for approver, keys in connection.execute(query):
        for key in keys:
            found[key].add(approver)
    return found
