"""What was given to MDM products, and what came of it: one row for each target and place (an app, or a device).

A row is written before the call and after it, so that a push that is broken off goes on with the same commands.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, Engine, select

from mdm.errors import MdmError
from mdm.plist import full_plist
from mdm.push.base import Settings, State
from mdm.push.track import Delivery
from mdm.reading import read
from syncd.store.audit import Event, append
from syncd.store.engine import reading, writing
from syncd.store.mdm_tables import mdm_deliveries
from syncd.store.sql import upsert


def known(engine: Engine, target: str, place: str | None = None) -> dict[str, Delivery]:
    """What is known of a target's places, or of one of them."""
    query = select(mdm_deliveries).where(mdm_deliveries.c.target == target)
    if place is not None:
        query = query.where(mdm_deliveries.c.place == place)
    with reading(engine) as connection:
        found = [_delivery(dict(row)) for row in connection.execute(query).mappings()]
    return {one.place: one for one in found}


def keep(engine: Engine, one: Delivery, events: Iterable[Event], now: datetime) -> None:
    """Keep what is known now, and what the audit is told of it, together."""
    with writing(engine) as connection:
        _keep(connection, one)
        append(connection, events, now)


def _keep(connection: Connection, one: Delivery) -> None:
    row = {
        "target": one.target,
        "place": one.place,
        "state": one.state.value,
        "at": one.at,
        "digest": one.digest,
        "round": one.round,
        "command": one.command,
        "question": one.question,
        "older": " ".join(one.older),
        "applied": one.applied,
        "held": None if one.held is None else full_plist(one.held).decode(),
        "note": one.note,
    }
    connection.execute(upsert(connection, mdm_deliveries), row)


def _delivery(row: dict[str, object]) -> Delivery:
    """From its row. What a device held is not known any more where a person in it was erased."""
    held: Settings | None = None
    text = row.pop("held")
    if isinstance(text, str):
        try:
            held = read(text.encode(), "mdm_deliveries").settings
        except MdmError:
            held = None
    state = State(str(row.pop("state")))
    older = tuple(str(row.pop("older")).split())
    return Delivery(**row, state=state, older=older, held=held)  # type: ignore[arg-type]
