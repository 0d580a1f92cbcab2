"""What the leader does: what is due, what a source announces, and what somebody asks for, one at a time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from syncd import collector
from syncd.bootstrap import App
from syncd.core.report import Report
from syncd.daemon.agenda import Agenda, Due
from syncd.daemon.alarms import Alarms
from syncd.daemon.asked import perform_next
from syncd.daemon.firing import Firing
from syncd.daemon.supposing import Supposing
from syncd.errors import Advice, DeposedError, Interrupted, LockedError, UsageError, advice
from syncd.planned import Planned, schedules
from syncd.run import run
from syncd.signs import Patience, Signs
from syncd.stopper import Stopper
from syncd.store import quarantines, wishes
from syncd.store.lock import run_lock
from syncd.store.pauses import paused
from syncd.store.stirring import Stirring
from syncd.sync import Request, Sync
from syncd.watching import Watcher

LOOKS_EVERY: Final = 0.25
"""Seconds between two looks at what is due and what somebody wishes."""
_LOCK_SECONDS: Final = 60.0
"""So long a run waits for one that somebody began by hand."""
_ALARMS_EVERY: Final = 60.0


@dataclass(frozen=True, slots=True)
class Telling:
    """Who is told what happens."""

    note: Callable[[str], None]
    """What is worth a line."""
    failed: Callable[[Advice], None]
    """What went wrong."""
    done: Callable[[Report], None]
    """What a run came to."""
    afterwards: Callable[[], None]
    """Called after each run: mails that it left are sent."""


class Running:
    """Runs until it is stopped.

    Args:
        app: the program, with a store that is this process's own.
        telling: see there.
        stopper: stops a run.
    """

    def __init__(self, app: App, telling: Telling, stopper: Stopper) -> None:
        config = app.config
        self._app = app
        self._telling = telling
        self._stopper = stopper
        self._alarms = Alarms(app.store, app.clock, timedelta(hours=config.alerts.no_success_hours))
        self._alarms_at = float("-inf")
        self._patience = Patience(
            timedelta(minutes=config.serve.hung_after),
            timedelta(seconds=config.serve.drain_seconds),
            self._stopper.ask,
        )
        self._firing = Firing(app.store)
        self._triggers = _triggers(app, self._firing)
        self._quiet_until = Planned(config.schedule, app.clock()).quiet_until
        self._heard: set[str] = set()
        self._stirring = Stirring(app.store)
        self._supposing = Supposing(app)
        self._wished = False
        self._fresh = True
        self._first = True
        self._left: deque[Due] = deque()
        """What the leader before left."""

    def stay(self, leaves: Callable[[], bool], *, took_over: bool = False) -> None:
        """Run until it is to end.

        Args:
            leaves: whether it is.
            took_over: whether another one led before: then nothing runs because this one begins, only what that one left.

        Raises:
            Interrupted: asked to stop.
        """
        app = self._app
        if took_over:
            self._first = False
            self._left.extend(self._firing.left(self._triggers, app.clock()))
        with (
            Watcher(app.sync().sources, self._telling.note) as watcher,
            Agenda(self._triggers, self._missed) as agenda,
            self._supposing,
        ):
            while not leaves():
                self._step(watcher, agenda)

    def _step(self, watcher: Watcher, agenda: Agenda) -> None:
        self._heard |= watcher.wait(LOOKS_EVERY)
        self._look_at_alarms()
        first = self._first and self._quiet_until(self._app.clock()) is None
        if self._stirring():
            self._wished = self._fresh or wishes.waiting(self._app.store) > 0
            self._supposing.look()
        if not (first or self._left or self._wished or self._heard or agenda.waits) or self._is_paused():
            return
        if self._wished:
            self._run_wish()
        elif first:
            self._first = False
            now = self._app.clock()
            self._run_due("", (), [Due(name, now) for name in self._triggers])
        elif self._left:
            left = self._left.popleft()
            self._run_due(left.name, self._names(left), [left])
        elif self._heard:
            names, self._heard = self._heard, set()
            self._run("", tuple(name.name for name in self._app.config.sources if name.name in names))
        elif (due := agenda.next(self._app.clock())) is not None:
            try:
                self._run_due(due.name, self._names(due), [due])
            finally:
                agenda.done(due)

    def _names(self, due: Due) -> tuple[str, ...]:
        """The sources of a run that is due; none where that means all."""
        if due.name:
            return (due.name,)
        others = tuple(source.name for source in self._app.config.sources if source.schedule is None)
        return others if len(others) < len(self._app.config.sources) else ()

    def _run_due(self, subject: str, names: tuple[str, ...], dues: Sequence[Due]) -> None:
        """What is due: noted before and after. What is interrupted stays begun, for whoever leads next."""
        for due in dues:
            self._firing.begin(due)
        self._run(subject, names, dues)
        for due in dues:
            self._firing.done(due)

    def _run(self, subject: str, names: tuple[str, ...], dues: Sequence[Due] = ()) -> None:
        """Read these, but for those that keep failing; where all of them do there is nothing to run, and an alarm says so."""
        troubles, now = quarantines.troubles(self._app.store), self._app.clock()
        if names and all(name in troubles and troubles[name].waits(now) for name in names):
            return

        def task(sync: Sync, _signs: Signs) -> Report:
            return run(replace(sync, began=lambda run_id: began(sync, run_id)), Request("run", names, patient=True))

        def began(sync: Sync, run_id: int) -> None:
            sync.began(run_id)
            for due in dues:
                self._firing.ran(due, run_id)

        self._perform(subject, task)

    def _run_wish(self) -> None:
        """The next wish; at first also those that a killed process began."""
        app, self._fresh = self._app, False
        self._perform(
            "", lambda sync, signs: perform_next(sync.store, sync, app.clock, lambda: signs.run_id), asked=True
        )
        self._wished = wishes.waiting(app.store) > 0

    def _perform(self, subject: str, task: Callable[[Sync, Signs], Report | None], *, asked: bool = False) -> None:
        signs: Signs | None = None
        try:
            with self._locked() as (app, signs):
                report = task(app.sync(signs.progress, self._stopper.critical, signs.began), signs)
            if report is not None:
                self._telling.done(report)
                self._alarms.well(subject)
                self._telling.afterwards()
        except Interrupted as error:
            if signs is None or not signs.hung:
                raise
            self._telling.failed(Advice(error.what, "", "see where it stood in `syncd runs`", error.exit_code))
        except DeposedError as error:  # whoever took over goes on with it
            self._telling.failed(Advice(error.what, error.where, error.cure, error.exit_code))
        except LockedError as error:
            self._telling.failed(Advice(error.what, error.where, error.cure, error.exit_code))
            self._alarms.missed(subject, error.what)
        except Exception as error:
            told = advice(error)
            if not (asked and isinstance(error, UsageError)):
                self._alarms.failed(subject, told.what if told else f"a mistake of the program: {error!r}")
            if told is None:
                raise
            self._telling.failed(told)
        self._alarms_at = float("-inf")

    @contextmanager
    def _locked(self) -> Iterator[tuple[App, Signs]]:
        app = self._app
        with (
            run_lock(app.store, "syncd serve", app.clock(), wait_seconds=_LOCK_SECONDS) as store,
            Signs(store, app.clock, self._patience) as signs,
            self._supposing.beside(),
        ):
            collector.rest()
            yield app.on(store), signs

    def _is_paused(self) -> bool:
        return paused(self._app.store, self._app.clock()) is not None

    def _missed(self, name: str, what: str) -> None:
        if not self._is_paused():
            self._alarms.missed(name, what)

    def _look_at_alarms(self) -> None:
        if time.monotonic() - self._alarms_at >= _ALARMS_EVERY:
            self._alarms_at = time.monotonic()
            self._alarms.look()


def _triggers(app: App, firing: Firing) -> dict[str, Planned]:
    """Of each source with a schedule of its own, and of the others together (empty name); `every` goes on as it was counted."""
    now = app.clock()
    return {name: Planned(schedule, firing.last(name) or now) for name, schedule in schedules(app.config).items()}
