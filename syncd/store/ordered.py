"""Between the journal and a work order: why a step was ordered, and what follows once it is seen to be done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from connectors.fluix.portal.book import Closed, Item, Why
from connectors.model import Outcome, Step
from syncd.core.change import Change
from syncd.core.plan import change_from_dict
from syncd.store import links
from syncd.store.audit import Event, append
from syncd.store.sql import chunks
from syncd.store.tables import approvals, journal, plan_changes, plans


class Asked(NamedTuple):
    """A step of the journal, and the change that asked for it."""

    operation_id: str
    run_id: int
    plan_id: int
    change: Change


Places = dict[int, dict[str, int]]
"""Plan -> key of a change -> its place. A plan never changes, so this may be kept as long as it is of use."""


def whys(connection: Connection, operation_ids: Iterable[str], places: Places) -> dict[str, Why]:
    """Why these operations of the journal are wanted, and who approved them."""
    rows = list(_asked(connection, operation_ids, places))
    approvers = {plan_id: _approvers(connection, plan_id) for plan_id in {row.plan_id for row in rows}}
    found: dict[str, Why] = {}
    for row in rows:
        change = row.change
        by = approvers[row.plan_id].get(change.key, "")
        user = change.user or change.group or ""
        found[row.operation_id] = Why(change.key, user, change.reason, by, dict(change.before or {}))
    return found


def _asked(connection: Connection, operation_ids: Iterable[str], places: Places) -> Iterator[Asked]:
    table = journal.c
    query = select(table.operation_id, table.run_id, table.plan_id, table.key)
    for part in chunks(operation_ids):
        by_plan: dict[int, list[Any]] = defaultdict(list)
        for row in connection.execute(query.where(table.operation_id.in_(part))):
            by_plan[row.plan_id].append(row)
        for plan_id, rows in by_plan.items():
            changes = _changes(connection, plan_id, {row.key for row in rows}, places)
            yield from (Asked(row.operation_id, row.run_id, plan_id, changes[row.key]) for row in rows)


def _changes(connection: Connection, plan_id: int, keys: Iterable[str], places: Places) -> dict[str, Change]:
    """Changes of one plan by their keys."""
    # By place: for want of statistics, SQLite walks through the whole plan for each key that is asked for.
    if plan_id not in places:
        query = select(plan_changes.c.key, plan_changes.c.place).where(plan_changes.c.plan_id == plan_id)
        places[plan_id] = dict(connection.execute(query).all())
    known = places[plan_id]
    query = select(plan_changes.c.key, plan_changes.c.change).where(plan_changes.c.plan_id == plan_id)
    found: dict[str, Change] = {}
    for part in chunks(known[key] for key in keys if key in known):
        rows = connection.execute(query.where(plan_changes.c.place.in_(part)))
        found.update((key, change_from_dict(change)) for key, change in rows)
    return found


def _approvers(connection: Connection, plan_id: int) -> dict[str, str]:
    """Change key -> who approved it, of one plan."""
    digest = select(plans.c.digest).where(plans.c.id == plan_id).scalar_subquery()
    query = (
        select(approvals.c["keys"], approvals.c.approver).where(approvals.c.digest == digest).order_by(approvals.c.id)
    )
    return {key: approver for keys, approver in connection.execute(query) for key in keys}


def conclude(connection: Connection, closed: Sequence[Closed], seen_in: str, actor: str, now: datetime) -> None:
    """Write that ordered steps are done, with the links and the audit's lines that follow from it.

    Args:
        connection: in whose transaction.
        closed: what was seen.
        seen_in: the export's file, or who said so.
        actor: for the audit.
        now: the time.
    """
    rows = {row.operation_id: row for row in _asked(connection, {done.item.of for done in closed}, {})}
    own = [done for done in closed if done.item.of == done.item.operation_id and done.item.of in rows]
    statement = (
        update(journal)
        .where(journal.c.operation_id == bindparam("of"), journal.c.state == "ordered")
        .values(state="done", fluix_id=bindparam("id"), message=f"seen in {seen_in}", ended_at=now)
    )
    if own:
        connection.execute(statement, [{"of": done.item.of, "id": done.fluix_id} for done in own])
    ended = [_ended(done, rows[done.item.of]) for done in closed if done.item.of in rows]
    links.follow(connection, ended)
    events = [
        Event(
            actor,
            step.verb,
            change.user or change.group or "",
            {
                "run": rows[done.item.of].run_id,
                "key": done.item.why.key,
                "state": "done",
                "reason": change.reason,
                "work_order": f"w{done.item.order}",
                "seen_in": seen_in,
            },
        )
        for done, (change, step, _) in zip((done for done in closed if done.item.of in rows), ended, strict=True)
    ]
    append(connection, events, now)


def give_up(connection: Connection, items: Iterable[Item], actor: str, now: datetime) -> None:
    """Write that ordered steps are not to be done any more, after an admin was told so."""
    items = list(items)
    statement = (
        update(journal)
        .where(journal.c.operation_id == bindparam("of"), journal.c.state == "ordered")
        .values(state="stale", message=bindparam("why"), ended_at=now)
    )
    if items:
        connection.execute(statement, [{"of": item.operation_id, "why": item.withdrawn_why} for item in items])
    append(connection, [_withdrawal(item, actor) for item in items], now)


def _withdrawal(item: Item, actor: str) -> Event:
    detail = {"key": item.why.key, "work_order": f"w{item.order}", "reason": item.withdrawn_why, "state": "stale"}
    return Event(actor, item.verb, item.why.user, detail)


def _ended(done: Closed, row: Asked) -> tuple[Change, Step, Outcome]:
    """A step that ended, as `links.follow` takes it."""
    change, item = row.change, done.item
    outcome = Outcome(item.of, "done", done.fluix_id)
    if item.verb == "create_user":
        # What the export shows was given, and no more: what is missing there is asked for by the next plan.
        change = replace(change, after={**(change.after or {}), "groups": list(done.groups)})
    elif item.of != item.operation_id:
        group = str(item.values["group"])
        by = (change.after or {}).get("given_by", {}).get(group)
        records = tuple(key for key in change.records if by is None or key.source in by)
        change = Change("add_member", change.user, group, fluix_id=done.fluix_id, records=records)
    return change, Step(item.of, item.verb, done.fluix_id, item.values), outcome
