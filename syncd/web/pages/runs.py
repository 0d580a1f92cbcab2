"""Runs: the list, one of them, and asking for a new one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from syncd.store import runs as lines
from syncd.store.engine import reading
from syncd.store.tables import runs as table
from syncd.web.desk import Desk, Document, Done, Form, Paged, Paging, Query
from syncd.web.frame import Room
from syncd.web.problems import NotFoundError
from syncd.web.roles import Role

room = Room()


class RunLine(Document):
    """One run, as it stands in the list."""

    run_id: int
    command: str
    actor: str
    started_at: datetime
    ended_at: datetime | None
    state: str
    plan_id: int | None
    decision: str | None
    outcome: dict[str, int]
    error: str


class Runs(Paged):
    """Runs, the newest first."""

    runs: list[RunLine]


class StartRun(Form):
    """What is to be run."""

    sources: tuple[str, ...] = ()
    """Read only these; none means all."""


def line_of(row: Any) -> RunLine:
    """A row of the table."""
    return RunLine(
        run_id=row.id,
        command=row.command,
        actor=row.actor,
        started_at=row.started_at,
        ended_at=row.ended_at,
        state=row.state,
        plan_id=row.plan_id,
        decision=row.decision,
        outcome=row.outcome or {},
        error=row.error or "",
    )


@room.page("/runs", "runs.html")
def list_runs(desk: Desk, asked: Paging) -> Runs:
    """Runs, the newest first."""
    with reading(desk.store) as connection:
        total = connection.execute(select(func.count()).select_from(table)).scalar_one()
        query = select(table).order_by(table.c.id.desc()).limit(asked.size).offset(asked.offset)
        found = [line_of(row) for row in connection.execute(query)]
    return Runs(total=total, page=asked.page, size=asked.size, runs=found)


@room.page("/runs/<int:run_id>", "run.html")
def show_run(desk: Desk, asked: Query, run_id: int) -> RunLine:
    """One run."""
    del asked
    row = lines.find(desk.store, run_id)
    if row is None:
        raise NotFoundError(f"there is no run r{run_id}")
    return line_of(row)


@room.deed("/runs/start", Role.OPERATOR)
def start_run(desk: Desk, form: StartRun) -> Done:
    """Ask for a run: what may proceed is applied."""
    number = desk.wish("run", sources=list(form.sources))
    desk.note("ask_run", f"wish {number}", sources=list(form.sources))
    return Done(message="A run was asked for; it begins as soon as no other is under way.", go="/runs")
