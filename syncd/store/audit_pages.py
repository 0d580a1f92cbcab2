"""Looking for rows of the audit, page by page from the newest: by whom, what, about whom, and when.

A page begins behind the last one's last place, so that page 1,000 costs what page 1 does. Who is looked for by the beginning of
a subject is found by an index; for everything else a page looks back over so many rows and no further, and says where it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, func, select

from syncd.store.engine import reading
from syncd.store.tables import audit
from syncd.store.tracing import begins

LOOKS_BACK: Final = 200_000


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; what is empty lets everything through."""

    subject: str = ""
    """How it begins: an address, `plan 12`."""
    actor: str = ""
    """Exactly."""
    action: str = ""
    """Exactly."""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One page."""

    rows: Sequence[Row[Any]]
    """The newest first."""
    older: int | None
    """Behind which place the next page begins; None: nothing is older."""


def search(engine: Engine, wanted: Search, before: int | None, limit: int) -> Found:
    """A page of what is looked for: rows whose place is lower than `before`."""
    with reading(engine) as connection:
        # Each by itself: asked for both at once, SQLite reads all rows.
        ends = [select(of(audit.c.place)).scalar_subquery() for of in (func.min, func.max)]
        first, last = connection.execute(select(*ends)).one()
        if first is None:
            return Found((), None)
        top = min(before or last + 1, last + 1)
        if wanted.until:
            top = min(top, _first_at(connection, first, last, wanted.until))
        bottom = _first_at(connection, first, last, wanted.since) if wanted.since else first
        floor = bottom if wanted.subject else max(bottom, top - LOOKS_BACK)
        # By the index of subjects, which holds places too: SQLite would go by places, through everything.
        place = audit.c.place + 0 if wanted.subject else audit.c.place
        where = [place < top, place >= floor]
        if wanted.subject:
            where.append(begins(connection, audit.c.subject, wanted.subject))
        if wanted.actor:
            where.append(audit.c.actor == wanted.actor)
        if wanted.action:
            where.append(audit.c.action == wanted.action)
        places = select(audit.c.place).where(*where).order_by(place.desc()).limit(limit + 1)
        query = select(audit).where(audit.c.place.in_(places)).order_by(audit.c.place.desc())
        rows = connection.execute(query).all()
    if len(rows) > limit:
        return Found(rows[:limit], rows[limit - 1].place)
    return Found(rows, floor if floor > bottom else None)


def _first_at(connection: Connection, first: int, last: int, moment: datetime) -> int:
    """The first place that is not older, by halving: places are without a gap, and times follow them."""
    last += 1
    while first < last:
        middle = (first + last) // 2
        at = connection.execute(select(audit.c.at).where(audit.c.place == middle)).scalar()
        if at is None or at < moment:
            first = middle + 1
        else:
            last = middle
    return first
