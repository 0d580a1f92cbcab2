"""The process that runs: what is due, what a source announces, and what somebody asks for, one at a time.

It ends when it is stopped, or, to be started with another configuration, between two runs.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from syncd import collector
from syncd.bootstrap import App
from syncd.core.report import Report
from syncd.daemon.agenda import Agenda, Due
from syncd.daemon.alarms import Alarms
from syncd.daemon.asked import perform_next
from syncd.errors import Advice, Interrupted, LockedError, UsageError, advice
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
    """

    def __init__(self, app: App, telling: Telling) -> None:
        config = app.config
        self._app = app
        self._telling = telling
        self._stopper = Stopper()
        self._alarms = Alarms(app.store, app.clock, timedelta(hours=config.alerts.no_success_hours))
        self._alarms_at = float("-inf")
        self._patience = Patience(
            timedelta(minutes=config.serve.hung_after),
            timedelta(seconds=config.serve.drain_seconds),
            self._stopper.ask,
        )
        self._triggers = _triggers(app)
        self._quiet_until = Planned(config.schedule, app.clock()).quiet_until
        self._heard: set[str] = set()
        self._stirring = Stirring(app.store)
        self._wished = False
        self._fresh = True
        self._first = True
        self._leave = False

    def stay(self) -> None:
        """Run until a new configuration is to be taken (SIGHUP).

        Raises:
            Interrupted: asked to stop.
        """
        signal.signal(signal.SIGHUP, self._on_hangup)
        app = self._app
        with (
            self._stopper.listening(),
            Watcher(app.sync().sources, self._telling.note) as watcher,
            Agenda(self._triggers, self._missed) as agenda,
        ):
            while not self._leave:
                self._step(watcher, agenda)

    def _step(self, watcher: Watcher, agenda: Agenda) -> None:
        self._heard |= watcher.wait(LOOKS_EVERY)
        self._look_at_alarms()
        first = self._first and self._quiet_until(self._app.clock()) is None
        if self._stirring():
            self._wished = self._fresh or wishes.waiting(self._app.store) > 0
        if not (first or self._wished or self._heard or agenda.waits) or self._is_paused():
            return
        if self._wished:
            self._run_wish()
        elif first:
            self._first = False
            self._run("", ())
        elif self._heard:
            names, self._heard = self._heard, set()
            self._run("", tuple(name.name for name in self._app.config.sources if name.name in names))
        elif (due := agenda.next(self._app.clock())) is not None:
            try:
                self._run(due.name, self._names(due))
            finally:
                agenda.done(due)

    def _names(self, due: Due) -> tuple[str, ...]:
        """The sources of a run that is due; none where that means all."""
        if due.name:
            return (due.name,)
        others = tuple(source.name for source in self._app.config.sources if source.schedule is None)
        return others if len(others) < len(self._app.config.sources) else ()

    def _run(self, subject: str, names: tuple[str, ...]) -> None:
        """Read these, but for those that keep failing; where all of them do there is nothing to run, and an alarm says so."""
        troubles, now = quarantines.troubles(self._app.store), self._app.clock()
        if names and all(name in troubles and troubles[name].waits(now) for name in names):
            return
        self._perform(subject, lambda sync, _signs: run(sync, Request("run", names, patient=True)))

    def _run_wish(self) -> None:
        """The next wish; at first also those that a killed process began."""
        app, self._fresh = self._app, False
        self._perform(
            "", lambda sync, signs: perform_next(app.store, sync, app.clock, lambda: signs.run_id), asked=True
        )
        self._wished = wishes.waiting(app.store) > 0

    def _perform(self, subject: str, task: Callable[[Sync, Signs], Report | None], *, asked: bool = False) -> None:
        signs: Signs | None = None
        try:
            with self._locked() as signs:
                report = task(self._app.sync(signs.progress, self._stopper.critical, signs.began), signs)
            if report is not None:
                self._telling.done(report)
                self._alarms.well(subject)
                self._telling.afterwards()
        except Interrupted as error:
            if signs is None or not signs.hung:
                raise
            self._telling.failed(Advice(error.what, "", "see where it stood in `syncd runs`", error.exit_code))
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
    def _locked(self) -> Iterator[Signs]:
        app = self._app
        with (
            run_lock(app.store, "syncd serve", app.clock(), wait_seconds=_LOCK_SECONDS),
            Signs(app.store, app.clock, self._patience) as signs,
        ):
            collector.rest()
            yield signs

    def _is_paused(self) -> bool:
        return paused(self._app.store, self._app.clock()) is not None

    def _missed(self, name: str, what: str) -> None:
        if not self._is_paused():
            self._alarms.missed(name, what)

    def _look_at_alarms(self) -> None:
        if time.monotonic() - self._alarms_at >= _ALARMS_EVERY:
            self._alarms_at = time.monotonic()
            self._alarms.look()

    def _on_hangup(self, number: int, frame: object) -> None:
        del number, frame
        self._leave = True


def _triggers(app: App) -> dict[str, Planned]:
    """Of each source with a schedule of its own, and of the others together (empty name)."""
    now = app.clock()
    return {name: Planned(schedule, now) for name, schedule in schedules(app.config).items()}
