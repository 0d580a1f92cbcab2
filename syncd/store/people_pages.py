"""What pages about people ask the store: where accounts come from, and the accounts of a target that is not ours. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Engine, String, and_, cast, func, select

from connectors.model import normalise_email
from syncd.store.engine import reading
from syncd.store.sql import chunks
from syncd.store.tables import accounts, links, records


@dataclass(frozen=True, slots=True)
class Origin:
    """One record that an account was made from, or that it was matched with."""

    source: str
    external_id: str
    given: dict[str, Any]
    """What we last gave: email, display_name, groups."""
    leaving_since: datetime | None
    gone_since: datetime | None
    """When a certified read first missed the record."""
    attributes: dict[str, Any]
    """The record as it was last read; empty where it is not there any more."""


def origins(engine: Engine, fluix_ids: Iterable[str]) -> dict[str, list[Origin]]:
    """The records behind these accounts, by account; an account that is not ours is left out."""
    same = and_(
        records.c.source == links.c.source, records.c.external_id == links.c.external_id, records.c.kind == "person"
    )
    query = (
        select(links, records.c.gone_since, records.c.attributes)
        .join_from(links, records, same, isouter=True)
        .order_by(links.c.fluix_id, links.c.source, links.c.external_id)
    )
    found: dict[str, list[Origin]] = {}
    with reading(engine) as connection:
        for part in chunks(fluix_ids):
            for row in connection.execute(query.where(links.c.fluix_id.in_(part))):
                one = Origin(
                    row.source, row.external_id, row.given, row.leaving_since, row.gone_since, row.attributes or {}
                )
                found.setdefault(row.fluix_id, []).append(one)
    return found


def gives_group(engine: Engine, name: str) -> str | None:
    """A source that put somebody into this group; None: no source did."""
    named = cast(links.c.given, String).contains(orjson.dumps(name).decode(), autoescape=True)
    with reading(engine) as connection:
        source: str | None = connection.execute(select(links.c.source).where(named).limit(1)).scalar()
        return source


def known_accounts(engine: Engine, search: str, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
    """One page of the target's users as they were last read, by address, and how many fit.

    Args:
        engine: the store's.
        search: part of an address or a name; empty: everybody.
        limit: so many of them.
        offset: after so many.
    """
    fits: list[ColumnElement[bool]] = []
    if part := normalise_email(search):
        said = func.lower(cast(accounts.c.attributes, String))
        fits.append(said.contains(part, autoescape=True))
    query = select(accounts.c.fluix_id, accounts.c.attributes).where(*fits).order_by(accounts.c.address)
    with reading(engine) as connection:
        rows = connection.execute(query.limit(limit).offset(offset)).all()
        total = connection.execute(select(func.count()).select_from(accounts).where(*fits)).scalar_one()
    return [{"fluix_id": row.fluix_id, **row.attributes} for row in rows], total


def known_account(engine: Engine, fluix_id: str) -> dict[str, Any] | None:
    """One user of the target as last read; None: nobody has this id."""
    with reading(engine) as connection:
        attributes = connection.execute(
            select(accounts.c.attributes).where(accounts.c.fluix_id == fluix_id)
        ).scalar_one_or_none()
    return None if attributes is None else {"fluix_id": fluix_id, **attributes}
