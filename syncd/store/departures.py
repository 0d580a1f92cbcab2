"""Who was deleted and can still be recovered by Fluix support, and who of them is back: what the ledger tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, literal_column, or_, select, update

from connectors.model import normalise_email
from syncd.core.change import Change, RecordKey
from syncd.core.returning import KEPT, Departure, TicketState, best
from syncd.store.engine import reading, writing
from syncd.store.sql import chunks
from syncd.store.tables import accounts, ledger, ledger_records, links

Returner = tuple[str, Sequence[RecordKey], str]
"""A new user: email, records, Fluix id."""


def recoverable(engine: Engine, now: datetime, older: timedelta = timedelta(0)) -> list[Departure]:
    """Everybody who was deleted, and whose set-up can still be recovered; the last one first.

    Args:
        engine: the store's.
        now: the present moment.
        older: leave out whose deletion is not so long ago.
    """
    when = [ledger.c.deleted_at > now - KEPT]
    when += [ledger.c.deleted_at <= now - older] if older else []
    with reading(engine) as connection:
        return _departures(connection, *_alive(), *when)


def of(engine: Engine, people: Iterable[Change], now: datetime) -> list[Departure]:
    """The deletions, not older than 30 days, of whoever might be meant by these new users."""
    people = list(people)
    if not people or not anybody(engine):
        return []
    with reading(engine) as connection:
        wanted = [(change.user or "", change.records) for change in people]
        return _candidates(connection, wanted, now)


def mark(connection: Connection, number: int, ticket: TicketState) -> None:
    """Keep how far a ticket is."""
    connection.execute(update(ledger).where(ledger.c.id == number).values(ticket=ticket))


def anybody(engine: Engine) -> bool:
    """Whether anybody was deleted of late."""
    with reading(engine) as connection:
        return connection.execute(select(ledger.c.id).where(*_alive()).limit(1)).first() is not None


def _alive() -> tuple[ColumnElement[bool], ...]:
    return (ledger.c.state == literal_column("'deleted'"),)


def note_returns(engine: Engine, now: datetime) -> None:
    """Notice those who returned in another way: made by hand, adopted, or when a process was killed right after."""
    if not anybody(engine):
        return
    alive = (*_alive(), ledger.c.returned_at.is_(None), ledger.c.deleted_at > now - KEPT)
    by_address = (
        select(accounts.c.fluix_id, accounts.c.attributes)
        .join(ledger, ledger.c.address == accounts.c.address)
        .where(*alive, ledger.c.fluix_id != accounts.c.fluix_id)
    )
    by_record = (
        select(links.c.fluix_id, links.c.given, links.c.source, links.c.external_id)
        .join(
            ledger_records,
            (ledger_records.c.source == links.c.source) & (ledger_records.c.external_id == links.c.external_id),
        )
        .join(ledger, ledger.c.id == ledger_records.c.ledger_id)
        # A link to the same id is a new one as well, unless the user was deleted by hand: a run takes the old one away.
        .where(*alive, or_(ledger.c.fluix_id != links.c.fluix_id, ledger.c.plan_id.is_not(None)))
    )
    with reading(engine) as connection:
        found: list[Returner] = [
            (attributes["email"], (), fluix_id) for fluix_id, attributes in connection.execute(by_address)
        ]
        found += [
            (given.get("email", ""), (RecordKey(source, key),), fluix_id)
            for fluix_id, given, source, key in connection.execute(by_record)
        ]
    if found:
        with writing(engine) as connection:
            returned(connection, found, now)


def returned(connection: Connection, people: Iterable[Returner], now: datetime) -> None:
    """Open a ticket for each of these new users who was deleted not long ago."""
    people = list(people)
    found = {one.number: one for one in _candidates(connection, [(email, keys) for email, keys, _ in people], now)}
    for email, keys, fluix_id in people:
        free = [one for one in found.values() if one.returned_at is None]
        back = best(free, email, keys)
        if back is None:
            continue
        values = {"returned_at": now, "returned_as": email, "returned_id": fluix_id, "ticket": back.ticket or "open"}
        connection.execute(update(ledger).where(ledger.c.id == back.number).values(values))
        found[back.number] = replace(back, returned_at=now)


def _candidates(
    connection: Connection, people: Sequence[tuple[str, Sequence[RecordKey]]], now: datetime
) -> list[Departure]:
    numbers: set[int] = set()
    for part in chunks({normalise_email(email) for email, _ in people}):
        numbers.update(connection.execute(select(ledger.c.id).where(ledger.c.address.in_(part))).scalars())
    keys: dict[str, list[str]] = defaultdict(list)
    for _, records in people:
        for key in records:
            keys[key.source].append(key.external_id)
    for source, external_ids in keys.items():
        for part in chunks(external_ids):
            query = select(ledger_records.c.ledger_id).where(
                ledger_records.c.source == source, ledger_records.c.external_id.in_(part)
            )
            numbers.update(connection.execute(query).scalars())
    return [
        one
        for ids in chunks(sorted(numbers))
        for one in _departures(connection, *_alive(), ledger.c.deleted_at > now - KEPT, ledger.c.id.in_(ids))
    ]


def _departures(connection: Connection, *which: ColumnElement[bool]) -> list[Departure]:
    rows = connection.execute(
        select(ledger).where(*which).order_by(ledger.c.deleted_at.desc(), ledger.c.id.desc())
    ).all()
    keys: dict[int, set[RecordKey]] = defaultdict(set)
    for part in chunks(row.id for row in rows):
        for source, external_id, number in connection.execute(
            select(ledger_records).where(ledger_records.c.ledger_id.in_(part))
        ):
            keys[number].add(RecordKey(source, external_id))
    return [_departure(row, keys[row.id]) for row in rows]


def _departure(row: Row[Any], records: Iterable[RecordKey]) -> Departure:
    return Departure(
        number=row.id,
        fluix_id=row.fluix_id,
        email=row.setup["email"],
        setup=row.setup,
        deleted_at=row.deleted_at,
        records=frozenset(records),
        plan_id=row.plan_id,
        actor=row.actor,
        approvers=tuple(row.approvers),
        returned_at=row.returned_at,
        returned_as=row.returned_as,
        returned_id=row.returned_id,
        ticket=row.ticket,
    )
