"""Who has a managed app config with the email written out, and who changed since: so that a delta costs what changed.

Every read of the target notes the accounts that changed, once something was rendered. A delta looks at these alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, delete, exists, select, true

from mdm.model import Change, Person
from syncd.store.engine import reading, snapshot
from syncd.store.sql import among, chunks, many_rows_of, upsert
from syncd.store.tables import accounts, mdm_people, meta

_STATE: Final = "mdm"


@dataclass(frozen=True, slots=True)
class State:
    """What was rendered last."""

    number: int
    """Of the render or delta; the next one's is one higher."""
    order: str
    """Digest of what every person's config was made with."""


def note(connection: Connection, fluix_ids: Collection[str]) -> None:
    """These accounts changed, or are gone. Costs nothing where nothing was ever rendered."""
    if fluix_ids and _state(connection):
        rows = [{"fluix_id": one, "email": None, "dirty": True} for one in fluix_ids]
        connection.execute(upsert(connection, mdm_people, keep=("email",)), rows)


def state(engine: Engine) -> State | None:
    """What was rendered last; None when nothing was."""
    with reading(engine) as connection:
        return _state(connection)


def _state(connection: Connection) -> State | None:
    found = connection.execute(select(meta.c.value).where(meta.c.name == _STATE)).scalar()
    return State(**orjson.loads(found)) if found else None


def everybody(engine: Engine) -> Iterator[Person]:
    """The target's users as they were last read, in the order of their emails."""
    with snapshot(engine) as connection:
        order = accounts.c.address.collate("C" if connection.dialect.name == "postgresql" else "BINARY")
        query = select(accounts.c.fluix_id, accounts.c.attributes).order_by(order, accounts.c.fluix_id)
        for fluix_id, attributes in many_rows_of(connection, query):
            yield Person(fluix_id, orjson.loads(attributes)["email"])


def changes(connection: Connection) -> Iterator[Change]:
    """Everybody whose account changed since the last render or delta, in the order of their emails; who left is last."""
    query = (
        select(mdm_people.c.fluix_id, mdm_people.c.email, accounts.c.address, accounts.c.attributes)
        .join_from(mdm_people, accounts, accounts.c.fluix_id == mdm_people.c.fluix_id, isouter=True)
        .where(mdm_people.c.dirty == true())
    )
    found = connection.execute(query).all()
    shared = _shared(connection, {row.address for row in found if row.address})
    for row in sorted(found, key=lambda row: (row.address is None, row.address or "", row.fluix_id)):
        if row.attributes is None:
            yield Change(Person(row.fluix_id, ""), row.email, left=True)
        else:
            others = tuple(one for one in shared.get(row.address, ()) if one != row.fluix_id)
            yield Change(Person(row.fluix_id, row.attributes["email"], others), row.email)


def _shared(connection: Connection, addresses: Collection[str]) -> dict[str, list[str]]:
    by_address: dict[str, list[str]] = {}
    for part in chunks(sorted(addresses)):
        query = select(accounts.c.address, accounts.c.fluix_id).where(accounts.c.address.in_(among(connection, part)))
        for address, fluix_id in connection.execute(query.order_by(accounts.c.fluix_id)):
            by_address.setdefault(address, []).append(fluix_id)
    return {address: ids for address, ids in by_address.items() if len(ids) > 1}


def keep_render(connection: Connection, engine: Engine, left_out: Collection[str], now: State) -> None:
    """Everything was rendered: who got a file, and who did not and is looked at again by the next delta."""
    connection.execute(delete(mdm_people))
    waiting = frozenset(left_out)
    rows: Iterable[dict[str, Any]] = (
        {"fluix_id": one.id, "email": None if one.id in waiting else one.email, "dirty": one.id in waiting}
        for one in everybody(engine)
    )
    for part in chunks(rows, 5000):
        connection.execute(mdm_people.insert(), part)
    _keep(connection, now)


def keep_delta(connection: Connection, done: Iterable[Change], now: State) -> None:
    """A delta was written: these were given what they are to have; who was left out stays noted."""
    for part in chunks(done):
        left = [change.person.id for change in part if change.left]
        connection.execute(delete(mdm_people).where(mdm_people.c.fluix_id.in_(left)))
        rows = [
            {"fluix_id": change.person.id, "email": change.person.email, "dirty": False}
            for change in part
            if not change.left
        ]
        if rows:
            connection.execute(upsert(connection, mdm_people), rows)
    _keep(connection, now)


def _keep(connection: Connection, now: State) -> None:
    value = orjson.dumps({"number": now.number, "order": now.order}).decode()
    connection.execute(upsert(connection, meta), {"name": _STATE, "value": value})


def any_account(engine: Engine) -> bool:
    """Whether the target was ever read, and has users."""
    with reading(engine) as connection:
        return bool(connection.execute(select(exists().select_from(accounts))).scalar())
