"""Parcels: changes of the run under way, as workers are given them. On PostgreSQL.

A parcel has a number in `terms` for each time that it is given: who holds an earlier one writes no more. Its job in the queue
goes with it, in one transaction. What became of the changes stands in the journal and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, delete, select, update

from syncd.core.change import Change
from syncd.store import queue, terms
from syncd.store.engine import reading, writing
from syncd.store.fencing import fenced, number_of
from syncd.store.node_tables import parcels
from syncd.store.plans import change_of


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel, given for the so-manieth time."""

    id: int
    run_id: int
    plan_id: int
    term: int
    attempt: int
    keys: tuple[str, ...]
    fresh: bool
    actor: str
    job_id: int
    state: str
    """waiting | done | failed"""
    result: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose parcels they are."""

    calling: str
    run_id: int
    plan_id: int
    fresh: bool
    actor: str


def give(engine: Engine, sender: Sender, parts: Sequence[Sequence[Change]]) -> list[int]:
    """Give changes to whichever workers come first. Returns the parcels' numbers.

    Args:
        engine: the store as the run writes it.
        sender: see there.
        parts: the changes of each parcel.
    """
    with writing(engine) as connection:
        rows = [
            {
                "run_id": sender.run_id,
                "plan_id": sender.plan_id,
                "term": number_of(engine, terms.RUN),
                "attempt": 0,
                "keys": [change.key for change in part],
                "fresh": sender.fresh,
                "actor": sender.actor,
                "state": "waiting",
            }
            for part in parts
        ]
        made = connection.execute(parcels.insert().returning(parcels.c.id, sort_by_parameter_order=True), rows)
        numbers = list(made.scalars())
        _send(connection, sender.calling, numbers)
    return numbers


def give_again(engine: Engine, calling: str, numbers: Sequence[int]) -> list[int]:
    """Give those of these parcels anew that nobody is at: their worker died. Returns which."""
    if not numbers:
        return []
    with writing(engine) as connection:
        again = _lost(connection, numbers)
        if again:
            _send(connection, calling, again)
    return again


def take_back(engine: Engine, numbers: Sequence[int]) -> list[Parcel]:
    """Let no worker have those of these parcels that nobody is at: whoever calls does them itself."""
    if not numbers:
        return []
    with writing(engine) as connection:
        rows = _waiting(connection, numbers)
        queue.withdraw(connection, [row.job_id for row in rows])
        again = _lost(connection, numbers)
        for number in again:
            attempt = terms.take(connection, _name(number))
            connection.execute(update(parcels).where(parcels.c.id == number).values(attempt=attempt))
    return [one for one in all_of(engine, again) if one.state == "waiting"]


def all_of(engine: Engine, numbers: Iterable[int]) -> list[Parcel]:
    """These parcels, as they are now."""
    with reading(engine) as connection:
        found = connection.execute(select(parcels).where(parcels.c.id.in_(list(numbers))).order_by(parcels.c.id))
        return [_parcel(row) for row in found.mappings()]


def of_others(engine: Engine) -> list[Parcel]:
    """The parcels of runs before, which did not end."""
    with reading(engine) as connection:
        query = select(parcels).where(parcels.c.term != number_of(engine, terms.RUN))
        return [_parcel(row) for row in connection.execute(query).mappings()]


def changes_of(engine: Engine, parcel: Parcel) -> list[Change]:
    """What a parcel holds, in its order."""
    with reading(engine) as connection:
        return [change_of(connection, parcel.plan_id, key) for key in parcel.keys]


def store_of(engine: Engine, parcel: Parcel) -> Engine:
    """The store as a worker writes it that has this parcel: as long as the run goes on, and nobody else was given it."""
    return fenced(fenced(engine, terms.RUN, parcel.term), _name(parcel.id), parcel.attempt)


def end(store: Engine, number: int, state: str, result: dict[str, Any]) -> None:
    """Write that a parcel is done, or failed."""
    with writing(store) as connection:
        connection.execute(update(parcels).where(parcels.c.id == number).values(state=state, result=result))


def forget(engine: Engine, numbers: Sequence[int]) -> None:
    """They are over: who still holds one writes no more."""
    with writing(engine) as connection:
        jobs = connection.execute(select(parcels.c.job_id).where(parcels.c.id.in_(numbers))).scalars()
        queue.withdraw(connection, [job for job in jobs if job])
        connection.execute(delete(parcels).where(parcels.c.id.in_(numbers)))
        terms.forget(connection, map(_name, numbers))


def _name(number: int) -> str:
    return f"parcel {number}"


def _waiting(connection: Connection, numbers: Sequence[int]) -> list[Any]:
    here = (parcels.c.id.in_(numbers), parcels.c.state == "waiting")
    return list(connection.execute(select(parcels.c.id, parcels.c.job_id).where(*here).order_by(parcels.c.id)))


def _lost(connection: Connection, numbers: Sequence[int]) -> list[int]:
    # First the jobs, then the parcels: a job is gone only after its parcel says that it is done.
    jobs = [row.job_id for row in _waiting(connection, numbers)]
    lost = queue.lost(connection, jobs) if jobs else set()
    return [row.id for row in _waiting(connection, numbers) if row.job_id in lost]


def _send(connection: Connection, calling: str, numbers: Sequence[int]) -> None:
    sent = [{"parcel": number, "attempt": terms.take(connection, _name(number))} for number in numbers]
    jobs = queue.defer(connection, calling, sent)
    for one, job_id in zip(sent, jobs, strict=True):
        here = parcels.c.id == one["parcel"]
        connection.execute(update(parcels).where(here).values(attempt=one["attempt"], job_id=job_id))


def _parcel(row: Any) -> Parcel:
    return Parcel(**{**row, "keys": tuple(row["keys"])})
