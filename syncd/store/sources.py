"""What the store knows of sources: whose people it holds, and what a source wants to remember."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import orjson
from sqlalchemy import Engine, select

from syncd.store import runs
from syncd.store.engine import reading
from syncd.store.tables import records


def forgotten(engine: Engine, named: Collection[str]) -> list[str]:
    """Sources whose people are in the store, but which the configuration does not name (any more)."""
    with reading(engine) as connection:
        found = connection.execute(select(records.c.source).distinct()).scalars()
        return sorted(set(found) - set(named))


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
        """Keep it in place of what was kept before; the same again writes nothing."""
        if dict(seen) != self.recall():
            runs.remember(self._engine, {self._name: orjson.dumps(dict(seen)).decode()})
