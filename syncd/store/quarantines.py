"""Which sources keep failing, since when, and when each is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import Engine, delete, select

from syncd.core.quarantine import Trouble
from syncd.store.engine import reading, writing
from syncd.store.sql import upsert
from syncd.store.tables import quarantines


def troubles(engine: Engine) -> dict[str, Trouble]:
    """The sources whose last read failed."""
    with reading(engine) as connection:
        return {row["source"]: Trouble(**row) for row in connection.execute(select(quarantines)).mappings()}


def keep(engine: Engine, changed: Mapping[str, Trouble | None]) -> None:
    """Keep how it stands with these sources; None: it is well."""
    if not changed:
        return
    rows = [asdict(trouble) for trouble in changed.values() if trouble]
    with writing(engine) as connection:
        if rows:
            connection.execute(upsert(connection, quarantines), rows)
        well = [name for name, trouble in changed.items() if trouble is None]
        connection.execute(delete(quarantines).where(quarantines.c.source.in_(well)))
