"""How far the run is that is under way: one small row, so that any process can show it while it moves.

Written at most twice a second (`syncd.signs`), without waiting for the disk; the run's own line says how it ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, delete, select

from syncd.store.daemon_tables import run_progress
from syncd.store.engine import reading, writing
from syncd.store.sql import upsert


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
