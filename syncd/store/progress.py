"""How far the run is that is under way: one small row, so that any process can show it while it moves.

Written at most twice a second, without waiting for the disk; the run's own line says how it ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, delete, select

from syncd.store.daemon_tables import run_progress
from syncd.store.engine import reading, writing
from syncd.store.sql import upsert

SELDOM: Final = 0.5
"""Seconds between two writes."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a run does at the moment."""

    run_id: int
    stage: str
    count: int
    total: int | None
    """None: nobody knows."""
    at: datetime
    """When it moved last."""


class Keeper:
    """Keeps how far one run is; call it as `sync.Progress` is called.

    Args:
        engine: the store's.
        run_id: of the run.
        clock: for `at`.
        monotonic: how seldom it is written is measured with it.
    """

    def __init__(
        self, engine: Engine, run_id: int, clock: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._run_id = run_id
        self._clock = clock
        self._monotonic = monotonic
        self._counts: dict[str, int] = {}
        self._written = float("-inf")

    def __call__(self, stage: str, count: int) -> None:
        """Told the name of a stage and how much of it was done since the last call."""
        self._counts[stage] = self._counts.get(stage, 0) + count
        now = self._monotonic()
        if now - self._written >= SELDOM:
            self._written = now
            keep(self._engine, Stage(self._run_id, stage, self._counts[stage], None, self._clock()))


def keep(engine: Engine, stage: Stage) -> None:
    """Bring the row up to date; those of other runs go."""
    row = {
        "run_id": stage.run_id,
        "stage": stage.stage,
        "count": stage.count,
        "total": stage.total,
        "at": stage.at,
    }
    with writing(engine, read_again=True) as connection:
        connection.execute(delete(run_progress).where(run_progress.c.run_id != stage.run_id))
        connection.execute(upsert(connection, run_progress), [row])


def find(engine: Engine, run_id: int) -> Stage | None:
    """How far this run is; None: it has not begun, or others came after it."""
    with reading(engine) as connection:
        row = connection.execute(select(run_progress).where(run_progress.c.run_id == run_id)).mappings().first()
    return Stage(**row) if row else None


def forget(engine: Engine, run_id: int) -> None:
    """The run has ended."""
    if find(engine, run_id) is not None:
        with writing(engine, read_again=True) as connection:
            connection.execute(delete(run_progress).where(run_progress.c.run_id == run_id))
