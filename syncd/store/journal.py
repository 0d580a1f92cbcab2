"""What is about to be done, written before; what became of it, written after: with links and audit in one transaction.

A step that is intended and has no end was under way when a process ended. It is taken up again, with the same operation
id, so that the target does nothing twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, func, literal_column, select, update

from connectors.model import Outcome, Step
from syncd.core.change import Change
from syncd.core.report import Applied
from syncd.core.saga import Verify, Work
from syncd.store import links, tallies
from syncd.store.audit import Event, append
from syncd.store.engine import reading, writing
from syncd.store.plans import change_of
from syncd.store.sql import upsert
from syncd.store.tables import journal

_OPEN = journal.c.state == literal_column("'intended'")
_DOUBTED = journal.c.state == literal_column("'unproven'")
"""As literals, since only then SQLite answers them from the partial index."""


class Journal:
    """The journal of one run.

    Args:
        engine: the store's.
        run_id: which run writes.
        actor: who runs it, for the audit.
        clock: tells the time of each entry.
    """

    def __init__(self, engine: Engine, run_id: int, actor: str, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._run_id = run_id
        self._actor = actor
        self._clock = clock

    def intend(self, plan_id: int, steps: Iterable[tuple[Change, int, Work]]) -> None:
        """Write steps (change, place inside the change, step) before they are done."""
        now = self._clock()
        rows = [self._row(plan_id, placed, now, "intended") for placed in steps]
        if rows:
            with writing(self._engine) as connection:
                connection.execute(upsert(connection, journal), rows)

    def conclude(self, ended: Sequence[tuple[Change, Work, Outcome]], doubted: Mapping[str, str] | None = None) -> None:
        """Write what became of steps, and what follows from it: links, counts, and a line in the audit for each.

        Args:
            ended: change, step and outcome.
            doubted: operations that were acknowledged and are unproven -> why. Nothing follows from them.
        """
        if not ended:
            return
        now, doubted = self._clock(), doubted or {}
        ends = [
            (out.operation_id, "unproven", out.fluix_id, doubted[out.operation_id])
            if out.operation_id in doubted
            else (out.operation_id, out.state, out.fluix_id, out.message)
            for _, _, out in ended
        ]
        with writing(self._engine) as connection:
            self._end(connection, ends, now)
            done = [
                (change, step, out)
                for change, step, out in ended
                if isinstance(step, Step) and out.state == "done" and out.operation_id not in doubted
            ]
            links.follow(connection, done)
            tallies.add(connection, _counting(ended), now)
            # Our own look before a deletion stands in the journal; why it stopped one, the deletion's own line says.
            told = ((row, end) for row, end in zip(ended, ends, strict=True) if not isinstance(row[1], Verify))
            append(connection, [self._event(row[0], row[1].verb, end[1], end[3]) for row, end in told], now)

    def drop(self, plan_id: int, stale: Iterable[tuple[Change, Work, str]]) -> None:
        """Write that changes dropped out, because the account is not as it was when they were planned."""
        dropped = list(stale)
        if not dropped:
            return
        now = self._clock()
        rows = [self._row(plan_id, (change, 0, step), now, "stale", why) for change, step, why in dropped]
        with writing(self._engine) as connection:
            connection.execute(upsert(connection, journal), rows)
            append(connection, [self._event(change, step.verb, "stale", why) for change, step, why in dropped], now)

    def open(self, plan_id: int | None = None, keys: Collection[str] = ()) -> list[tuple[int, Change, int, Work]]:
        """Every step that was intended and has no end: (plan number, change, place, step), in their order.

        Args:
            plan_id: only of these changes of this plan; None: of all.
            keys: see there.
        """
        of_these = () if plan_id is None else (journal.c.plan_id == plan_id, journal.c.key.in_(keys))
        query = select(journal).where(_OPEN, *of_these).order_by(journal.c.plan_id, journal.c.key, journal.c.place)
        with reading(self._engine) as connection:
            return [
                (row.plan_id, change_of(connection, row.plan_id, row.key), row.place, _step(row.step))
                for row in connection.execute(query)
            ]

    def doubted(self) -> list[tuple[Change, Work, Outcome]]:
        """Every step that the target acknowledged, and that could not be proven, with the outcome that was said."""
        query = select(journal).where(_DOUBTED).order_by(journal.c.plan_id, journal.c.key, journal.c.place)
        with reading(self._engine) as connection:
            return [
                (
                    change_of(connection, row.plan_id, row.key),
                    _step(row.step),
                    Outcome(row.operation_id, "done", row.fluix_id, "proven later"),
                )
                for row in connection.execute(query)
            ]

    def done_keys(self, plan_id: int) -> set[str]:
        """The changes of a plan that are done already."""
        all_done = [of(journal.c.state) == "done" for of in (func.min, func.max)]
        query = select(journal.c.key).where(journal.c.plan_id == plan_id).group_by(journal.c.key).having(*all_done)
        with reading(self._engine) as connection:
            return set(connection.execute(query).scalars())

    def ended(self, plan_id: int, changes: Iterable[Change]) -> Applied:
        """What became of those of these changes that ended in this run, as whoever applied them counted it."""
        found, applied = defaultdict[str, list[tuple[str, str]]](list), Applied()
        columns = (journal.c.key, journal.c.state, journal.c.message)
        query = select(*columns).where(journal.c.plan_id == plan_id, journal.c.run_id == self._run_id)
        with reading(self._engine) as connection:
            for key, state, message in connection.execute(query.order_by(journal.c.key, journal.c.place)):
                found[key].append((state, message))
        for change in changes:
            states = [state for state, _ in found.get(change.key, ())]
            why = dict(reversed(found.get(change.key, ())))
            if not states or "intended" in states:
                continue
            if "stale" in states:
                applied.stale.append((change, why["stale"]))
            elif "failed" in states:
                applied.failed.append((change, why["failed"]))
            elif "unproven" in states:
                applied.unproven.append((change, why["unproven"]))
            else:
                (applied.ordered if "ordered" in states else applied.done)[change.kind] += 1
        return applied

    def ended_keys(self, plan_id: int) -> set[str]:
        """The changes of a plan that this run has ended, however."""
        query = select(journal.c.key, journal.c.state)
        query = query.where(journal.c.plan_id == plan_id, journal.c.run_id == self._run_id)
        open_, seen = set[str](), set[str]()
        with reading(self._engine) as connection:
            for key, state in connection.execute(query):
                (open_ if state == "intended" else seen).add(key)
        return seen - open_

    def _row(
        self, plan_id: int, placed: tuple[Change, int, Work], now: datetime, state: str, message: str = ""
    ) -> dict[str, Any]:
        change, place, step = placed
        return {
            "operation_id": step.operation_id,
            "run_id": self._run_id,
            "plan_id": plan_id,
            "key": change.key,
            "place": place,
            "step": {
                "operation_id": step.operation_id,
                "verb": step.verb,
                "fluix_id": step.fluix_id,
                "values": dict(step.values),
            },
            "state": state,
            "fluix_id": step.fluix_id,
            "message": message,
            "intended_at": now,
            "ended_at": None if state == "intended" else now,
        }

    def _end(self, connection: Connection, ends: Iterable[tuple[str, str, str | None, str]], now: datetime) -> None:
        statement = (
            update(journal)
            .where(journal.c.operation_id == bindparam("of"))
            .values(state=bindparam("to"), fluix_id=bindparam("id"), message=bindparam("why"), ended_at=now)
        )
        rows = [{"of": operation, "to": state, "id": fluix_id, "why": why} for operation, state, fluix_id, why in ends]
        connection.execute(statement, rows)

    def _event(self, change: Change, verb: str, state: str, message: str) -> Event:
        detail: dict[str, Any] = {"run": self._run_id, "key": change.key, "state": state, "reason": change.reason}
        if message:
            detail["message"] = message
        if change.before or change.after:
            detail |= {"before": change.before, "after": change.after}
        return Event(self._actor, verb, change.user or change.group or "", detail)


def _counting(ended: Iterable[tuple[Change, Work, Outcome]]) -> list[Change]:
    """What counts for the budgets: once a change, with its own step; what a person was asked to do counts as done."""
    return [change for change, step, out in ended if step.verb == change.kind and out.state in {"done", "ordered"}]


def _step(data: Mapping[str, Any]) -> Work:
    if data["verb"] == "verify":
        return Verify(data["operation_id"], data["fluix_id"])
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in data["values"].items()}
    return Step(data["operation_id"], data["verb"], data["fluix_id"], values)
