"""What the store knows of sources: whose people it holds, from where they tell what changed, what they want to remember."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Connection, Engine, delete, select

from connectors.model import Certificate
from syncd.store import runs
from syncd.store.engine import reading, writing
from syncd.store.sql import upsert
from syncd.store.tables import meta, records


def forgotten(engine: Engine, named: Collection[str]) -> list[str]:
    """Sources whose people are in the store, but which the configuration does not name (any more)."""
    with reading(engine) as connection:
        found = connection.execute(select(records.c.source).distinct()).scalars()
        return sorted(set(found) - set(named))


@dataclass(frozen=True, slots=True)
class Cursor:
    """From where a source tells what changed (`connectors.base.Incremental`)."""

    value: str
    full_at: datetime
    """When it was last read whole."""

    @classmethod
    def of(cls, certificate: Certificate, now: datetime) -> Cursor | None:
        """The cursor with which a full read ended."""
        return cls(certificate.cursor, now) if certificate.cursor and certificate.certified else None


def cursor_of(engine: Engine, source: str) -> Cursor | None:
    """Where the last commit of this source's records left off; None: it has to be read whole."""
    kept = runs.recall(engine, _cursor_name(source))
    if kept is None:
        return None
    value, full_at = orjson.loads(kept)
    return Cursor(value, datetime.fromisoformat(full_at))


def move_cursor(connection: Connection, source: str, cursor: Cursor | None) -> None:
    """Go on from here, in the transaction that writes what the cursor brought."""
    name = _cursor_name(source)
    if cursor is None:
        connection.execute(delete(meta).where(meta.c.name == name))
    else:
        value = orjson.dumps([cursor.value, cursor.full_at.isoformat()]).decode()
        connection.execute(upsert(connection, meta), {"name": name, "value": value})


def keep_cursor(engine: Engine, source: str, cursor: Cursor | None) -> None:
    """A full read has ended, and all that it brought is written; the same again writes nothing."""
    if cursor != cursor_of(engine, source):
        with writing(engine) as connection:
            move_cursor(connection, source, cursor)


def stamp_of(engine: Engine, source: str) -> str | None:
    """What told a source's last certified read from any other (`connectors.base.Stamped`)."""
    return runs.recall(engine, f"stamp of {source}")


def keep_stamp(engine: Engine, source: str, stamp: str) -> None:
    """Keep it, now that the read was certified."""
    runs.remember(engine, {f"stamp of {source}": stamp})


def _cursor_name(source: str) -> str:
    return f"cursor of {source}"


class SourceMemory:
    """What a source has seen in its last certified read, kept from one read to the next.

    Args:
        engine: the store's.
        source: the source's name.
    """

    def __init__(self, engine: Engine, source: str) -> None:
        self._engine = engine
        self._name = f"seen by {source}"

    def recall(self) -> Mapping[str, int]:
        """What was kept last; empty when nothing was yet."""
        kept = runs.recall(self._engine, self._name)
        found: dict[str, int] = orjson.loads(kept) if kept else {}
        return found

    def keep(self, seen: Mapping[str, int]) -> None:
        """Keep it in place of what was kept before."""
        written = orjson.dumps(dict(seen), option=orjson.OPT_SORT_KEYS).decode()
        runs.remember(self._engine, {self._name: written})
