"""The first page: how it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time

from syncd.bootstrap import budgets_of
from syncd.config_daemon import ScheduleConfig, span
from syncd.core.budgets import NOTHING, BudgetKind, Budgets, Limit, Past, Tally, Window
from syncd.planned import Planned, schedules
from syncd.store import alerts, glance, links, nodes, pauses, plan_pages, plans, quarantines, runs, tallies, wishes
from syncd.store.plan_pages import Head
from syncd.web.desk import Desk, Document, Query
from syncd.web.frame import Room
from syncd.web.pages.plans import approvers, lasts
from syncd.web.pages.runs import RunLine, line_of
from syncd.web.words import told

room = Room()

_PROBLEMS = 3
"""So many problems of a source are named."""
_OF_A_PLAN: dict[BudgetKind, str] = {
    "create": "create_user",
    "delete": "delete_user",
    "remove_member": "remove_member",
}
"""Budgets of a run, and the kind of change that uses them up; the others cannot be told without reading each change."""


class SourceHealth(Document):
    """How it stands with one source."""

    name: str
    state: str
    """ok | stale (not read whole the last time) | failed (left alone for a while) | waiting (never read)"""
    read_at: datetime | None = None
    whole_at: datetime | None = None
    run_id: int | None = None
    records: int = 0
    groups: int = 0
    problems: tuple[str, ...] = ()
    more_problems: int = 0
    failures: int = 0
    """Reads in a row that failed."""
    retry_at: datetime | None = None
    """When it is tried again; None: with every run."""


class AlertLine(Document):
    """What somebody has to be told."""

    kind: str
    subject: str
    message: str
    raised_at: datetime


class Held(Document):
    """What waits for a yes."""

    plan_id: int
    waiting: int
    by_kind: dict[str, int]
    until: datetime


class Bar(Document):
    """How much of a budget is used."""

    window: str
    kind: str
    used: int
    limit: int


class Series(Document):
    """One line of the chart."""

    label: str
    values: list[int | None]


class Chart(Document):
    """People over time: one point a day on which any source changed."""

    days: list[date]
    labels: list[int]
    """The same as seconds since 1970."""
    series: list[Series]

    @property
    def plain(self) -> list[dict[str, object]]:
        """The series as the page's script takes them."""
        return [one.model_dump() for one in self.series]


class NextRun(Document):
    """One schedule, and when it comes next."""

    source: str
    """The source that is read alone; empty: all the others together."""
    schedule: str
    quiet_hours: str
    """In which nothing begins by itself; empty: there are none."""
    at: datetime | None
    """None: as soon as the time since the last one is over, or when the pause ends."""


class Overview(Document):
    """How it stands, at a glance."""

    sources: list[SourceHealth]
    alerts: list[AlertLine]
    paused: str
    """By whom, since when and why; empty: it is not."""
    schedule: str
    next_run: datetime | None
    """The earliest of `next_runs`; None: none is known."""
    next_runs: list[NextRun]
    leader: str
    """Which process leads, of several machines (HOST:PID); empty: none does, or there is only one machine."""
    waiting: int
    """How many wishes wait."""
    running: RunLine | None
    held: Held | None
    budgets: list[Bar]
    people: Chart
    last_runs: list[RunLine]


@room.page("/", "overview.html")
def overview(desk: Desk, asked: Query) -> Overview:
    """How it stands, at a glance."""
    del asked
    names = [source.name for source in desk.app.config.sources]
    last = [line_of(row) for row in runs.history(desk.store, 5)]
    pause = pauses.paused(desk.store, desk.now)
    next_runs = list(_next_runs(desk, pause))
    number = plans.newest(desk.store)
    newest = plan_pages.head(desk.store, number) if number else None
    return Overview(
        sources=list(_health(desk, names)),
        alerts=[
            AlertLine(kind=one.kind, subject=one.subject, message=one.message, raised_at=one.raised_at)
            for one in alerts.open_alerts(desk.store)
        ],
        paused=told(pause.sentence) if pause else "",
        schedule=_said(desk.app.config.schedule),
        next_run=min((one.at for one in next_runs if one.at), default=None),
        next_runs=next_runs,
        leader=_leader(desk),
        waiting=wishes.waiting(desk.store),
        running=next((run for run in last if run.state == "running"), None),
        held=_held(desk, newest),
        budgets=list(_bars(desk, newest)),
        people=_chart(glance.people_over_time(desk.store, names), desk.now.date()),
        last_runs=last,
    )


def _leader(desk: Desk) -> str:
    found = nodes.leader(desk.store) if desk.store.dialect.name == "postgresql" else None
    return found.holder if found else ""


def _next_runs(desk: Desk, pause: pauses.Pause | None) -> Iterator[NextRun]:
    """When each schedule comes next. What is written as `every` counts from the last read: the daemon's own count is near it."""
    config = desk.app.config
    reads = glance.last_reads(desk.store, [source.name for source in config.sources])
    after = pause.until if pause else desk.now
    for name, schedule in schedules(config).items():
        with_it = [name] if name else [source.name for source in config.sources if source.schedule is None]
        last = max((reads[one].at for one in with_it if one in reads), default=None)
        counted = schedule.cron is not None or (last is not None and last + span(schedule.every) >= desk.now)
        at = Planned(schedule, last or desk.now).begins(after) if after and counted else None
        yield NextRun(
            source=name,
            schedule=_said(schedule),
            quiet_hours=schedule.quiet_hours or "",
            at=at.astimezone(UTC) if at else None,
        )


def _said(schedule: ScheduleConfig) -> str:
    return schedule.cron or f"every {schedule.every}"


def _health(desk: Desk, names: Iterable[str]) -> Iterator[SourceHealth]:
    names = list(names)
    reads, troubles = glance.last_reads(desk.store, names), quarantines.troubles(desk.store)
    for name in names:
        last, trouble = reads.get(name), troubles.get(name)
        if last is None:
            yield SourceHealth(name=name, state="waiting")
            continue
        state = "failed" if trouble and trouble.waits(desk.now) else "ok" if last.said.certified else "stale"
        yield SourceHealth(
            name=name,
            state=state,
            read_at=last.at,
            whole_at=last.whole_at,
            run_id=last.run_id,
            records=last.said.records,
            groups=last.said.groups,
            problems=tuple(last.said.problems[:_PROBLEMS]),
            more_problems=max(0, len(last.said.problems) - _PROBLEMS),
            failures=trouble.failures if trouble else 0,
            retry_at=trouble.until if trouble else None,
        )


def _held(desk: Desk, head: Head | None) -> Held | None:
    """What the newest plan holds, and nobody approved."""
    if head is None or head.decision != "hold" or desk.now - head.created_at > lasts(desk):
        return None
    counts = plan_pages.counts(desk.store, head.plan_id, head.digest)
    by_kind = {kind: count for (decision, kind), count in counts.items() if decision == "hold"}
    approved = approvers(plans.approvals_of(desk.store, head.digest), head.digest, desk.now)
    waiting = sum(by_kind.values()) - len(approved)
    if waiting <= 0:
        return None
    return Held(plan_id=head.plan_id, waiting=waiting, by_kind=by_kind, until=head.created_at + lasts(desk))


def _bars(desk: Desk, newest: Head | None) -> Iterator[Bar]:
    budgets = budgets_of(desk.app.config)
    past = tallies.windows(desk.store, desk.now).past
    managed = links.managed(desk.store) if _percents(budgets) else 0
    planned = plan_pages.counts(desk.store, newest.plan_id, newest.digest) if newest else {}
    for window in ("run", "day", "week"):
        for kind, limit in budgets.of(window).items():
            if window == "run" and kind not in _OF_A_PLAN:
                continue
            used = _planned(planned, kind) if window == "run" else _done(past, window, kind)
            if (most := _most(limit, managed, budgets.minimum_population)) is not None:
                yield Bar(window=window, kind=kind, used=used.changes, limit=most)


def _percents(budgets: Budgets) -> bool:
    windows = (budgets.run, budgets.day, budgets.week)
    return any(limit.percent is not None for window in windows for limit in window.values())


def _planned(planned: Mapping[tuple[str, str], int], kind: BudgetKind) -> Tally:
    number = sum(count for (_, of), count in planned.items() if of == _OF_A_PLAN[kind])
    return Tally(number, number)


def _done(past: Past, window: Window, kind: BudgetKind) -> Tally:
    return past.of(window).get((kind, ""), NOTHING)


def _most(limit: Limit, managed: int, minimum: int) -> int | None:
    """The tighter of count and percent; None where neither is measured."""
    found = [limit.count] if limit.count is not None else []
    if limit.percent is not None and managed >= max(1, minimum):
        found.append(int(managed * limit.percent / 100))
    return min(found, default=None)


def _chart(sizes_of: dict[str, dict[date, int]], today: date) -> Chart:
    days = sorted({day for found in sizes_of.values() for day in found} | ({today} if sizes_of else set()))
    labels = [int(datetime.combine(day, time(), UTC).timestamp()) for day in days]
    series = []
    for name, found in sizes_of.items():
        values: list[int | None] = []
        for day in days:
            values.append(found.get(day, values[-1] if values else None))
        series.append(Series(label=name, values=values))
    return Chart(days=days, labels=labels, series=series)
