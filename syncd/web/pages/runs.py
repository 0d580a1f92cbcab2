"""Runs: the list, one of them, what was asked for, and asking for a new one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from flask_babel import gettext as _
from sqlalchemy import func, select

from syncd.errors import UsageError
from syncd.store import runs as lines
from syncd.store import wishes
from syncd.store.engine import reading
from syncd.store.runs import ReadLine
from syncd.store.tables import runs as table
from syncd.store.wishes import StoredWish
from syncd.web.desk import Desk, Document, Done, Form, Paged, Paging
from syncd.web.errors import NotFoundError
from syncd.web.frame import Room
from syncd.web.roles import Role

room = Room()

_WISHES = 8
"""So many of the last ones are shown."""
_PROBLEMS = 20
"""So many problems of a source are named."""


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


class WishLine(Document):
    """What somebody asked the daemon for, and what became of it."""

    wish: int
    kind: str
    what: str
    """The plan, the sources or the address that it is about; empty: everything."""
    asked_by: str
    asked_at: datetime
    state: str
    run_id: int | None
    message: str


class Runs(Paged):
    """Runs, the newest first."""

    runs: list[RunLine]
    running: int
    """The run that is under way; 0: none is."""
    wishes: list[WishLine]
    """The last ones, the newest first."""
    waiting: int
    """How many of them wait."""
    sources: list[str]


class SourceRead(Document):
    """What one source said in a run."""

    name: str
    records: int
    groups: int
    certified: bool
    problems: list[str]
    more_problems: int
    notes: list[str]


class BadEnd(Document):
    """A change that was not done as it was wanted."""

    key: str
    state: str
    """failed | stale (the account was not as it was) | unproven"""
    message: str


class RunPage(Paged):
    """One run, and a page of what ended badly."""

    run: RunLine
    sources: list[SourceRead]
    bad_ends: list[BadEnd]


class StartRun(Form):
    """What is to be run."""

    kind: Literal["run", "plan"] = "run"
    """A plan changes nothing."""
    sources: tuple[str, ...] = ()
    """Read only these; none means all."""
    email: str | None = None
    """Only whoever has, or should have, this address; goes with a run of all sources."""


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
    """Runs, the newest first, and what was asked for."""
    with reading(desk.store) as connection:
        total = connection.execute(select(func.count()).select_from(table)).scalar_one()
        query = select(*(column for column in table.c if column is not table.c.reads))
        query = query.order_by(table.c.id.desc()).limit(asked.size).offset(asked.offset)
        found = [line_of(row) for row in connection.execute(query)]
    running = lines.under_way(desk.store)
    return Runs(
        total=total,
        page=asked.page,
        size=asked.size,
        runs=found,
        running=running.id if running else 0,
        wishes=[_wish(one) for one in wishes.newest(desk.store, _WISHES)],
        waiting=wishes.waiting(desk.store),
        sources=[source.name for source in desk.app.config.sources],
    )


@room.page("/runs/<int:run_id>", "run.html")
def show_run(desk: Desk, asked: Paging, run_id: int) -> RunPage:
    """One run: its plan, what each source said, and what ended badly."""
    row = lines.find(desk.store, run_id)
    if row is None:
        raise NotFoundError(_("there is no run r%(run_id)s", run_id=run_id), cure=_("see the list of runs"))
    total, ended = lines.bad_ends(desk.store, run_id, asked.size, asked.offset)
    return RunPage(
        total=total,
        page=asked.page,
        size=asked.size,
        run=line_of(row),
        sources=[_read(ReadLine(**one)) for one in row.reads or ()],
        bad_ends=[BadEnd(key=one.key, state=one.state, message=one.message) for one in ended],
    )


@room.deed("/runs/start", Role.OPERATOR)
def start_run(desk: Desk, form: StartRun) -> Done:
    """Ask for a run, of which what may proceed is applied; or for a plan, which changes nothing."""
    known = {source.name for source in desk.app.config.sources}
    sources = tuple(filter(None, form.sources))  # a browser sends "all" as an empty one
    if unknown := set(sources) - known:
        raise UsageError(
            _("there is no source %(unknown)s", unknown=", ".join(sorted(unknown))),
            cure=_("there are %(known)s", known=", ".join(sorted(known))),
        )
    if form.email and (form.kind == "plan" or sources):
        raise UsageError(
            _("one person goes with a run of all sources"), cure=_("leave out the address, or the other two")
        )
    kind: wishes.Kind = "user_run" if form.email else form.kind
    desk.wish(kind, sources=sources, email=form.email)
    plan = _("A plan was asked for; it begins as soon as no other is under way.")
    return Done(
        message=plan if form.kind == "plan" else _("A run was asked for; it begins as soon as no other is under way."),
        go="/runs",
    )


def _wish(one: StoredWish) -> WishLine:
    wish = one.wish
    what = f"p{wish.plan_id}" if wish.plan_id else wish.email or ", ".join(wish.sources)
    return WishLine(
        wish=one.id,
        kind=wish.kind,
        what=what,
        asked_by=wish.asked_by,
        asked_at=wish.asked_at,
        state=one.state,
        run_id=one.run_id,
        message=one.message,
    )


def _read(line: ReadLine) -> SourceRead:
    return SourceRead(
        name=line.name,
        records=line.records,
        groups=line.groups,
        certified=line.certified,
        problems=line.problems[:_PROBLEMS],
        more_problems=max(0, line.problem_count - _PROBLEMS),
        notes=line.notes[:_PROBLEMS],
    )
