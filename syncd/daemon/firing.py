"""What is due happens once, whoever leads: on PostgreSQL it is written down before and after, and a new leader does what is left.

On SQLite there is one daemon, which knows by itself; nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import Engine

from syncd.daemon.agenda import Due
from syncd.planned import Planned
from syncd.store import firings


class Firing:
    """The book of what was due.

    Args:
        store: where it is kept.
    """

    def __init__(self, store: Engine) -> None:
        self._store = store
        self._kept = store.dialect.name == "postgresql"

    def last(self, name: str) -> datetime | None:
        """When it was due last; None: never yet, or nobody wrote it down."""
        return firings.last(self._store, name) if self._kept else None

    def begin(self, due: Due) -> None:
        """It is about to happen."""
        if self._kept:
            firings.begin(self._store, due.name, due.planned)

    def ran(self, due: Due, run_id: int) -> None:
        """It came to this run."""
        if self._kept:
            firings.ran(self._store, due.name, due.planned, run_id)

    def done(self, due: Due) -> None:
        """It happened, however it ended."""
        if self._kept:
            firings.done(self._store, due.name, due.planned)

    def left(self, triggers: Mapping[str, Planned], now: datetime) -> Iterator[Due]:
        """What the leader before left: begun and not ended, or due since. Each name once, however often it was due."""
        for name, trigger in triggers.items() if self._kept else ():
            last, begun = firings.last(self._store, name), firings.left(self._store, name)
            if begun is not None:
                yield Due(name, begun)
            elif last is None or trigger.came_due(last, now):
                yield Due(name, now)
