"""What is due: APScheduler knows when, and hands it to whoever performs it, one at a time.

A run that is due again while it still waits or goes on is left out, and one that begins late is begun all the same; both are
told. What came due several times meanwhile is done once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobExecutionEvent, JobSubmissionEvent
from apscheduler.executors.base import BaseExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

LATE: Final = 60
"""Seconds after which a run that is due counts as missed; it is begun all the same."""

Missed = Callable[[str, str], None]
"""Told the name of a source (empty: all that have no schedule of their own), and in a sentence what was missed."""


@dataclass(frozen=True, slots=True)
class Due:
    """One run that is due."""

    name: str
    """The source; empty: all that have no schedule of their own."""
    planned: datetime


class Agenda:
    """Knows what is due, as long as the `with` lasts.

    Args:
        triggers: of each source with a schedule of its own, and of the others (empty name).
        missed: see there.
    """

    def __init__(self, triggers: Mapping[str, BaseTrigger], missed: Missed) -> None:
        self._queue = _Queue()
        self._missed = missed
        self._scheduler = BackgroundScheduler(executors={"default": self._queue}, timezone="UTC")
        self._scheduler.add_listener(self._tell, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        for name, trigger in triggers.items():
            self._scheduler.add_job(
                _nothing, trigger, id=f"={name}", coalesce=True, max_instances=1, misfire_grace_time=LATE
            )

    def __enter__(self) -> Self:
        self._scheduler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scheduler.shutdown(wait=False)

    @property
    def waits(self) -> bool:
        """Whether anything is due."""
        return self._queue.waits

    def next(self, now: datetime) -> Due | None:
        """What has been due for the longest time, to be performed now; `done` says that it was."""
        found = self._queue.next(now)
        return Due(found[0][1:], found[1]) if found else None

    def done(self, due: Due) -> None:
        """It was performed, however it ended."""
        self._queue.done(f"={due.name}")

    def _tell(self, event: Any) -> None:
        name = event.job_id[1:]
        if isinstance(event, JobSubmissionEvent):
            at = event.scheduled_run_times[-1]
            self._missed(name, f"a run was due at {_when(at)} while the one before still waited or went on")
        elif isinstance(event, JobExecutionEvent):
            self._missed(name, f"a run was due at {_when(event.scheduled_run_time)} and could not begin in time")


class _Queue(BaseExecutor):  # type: ignore[misc]  # APScheduler has no types
    """An executor that performs nothing by itself."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[tuple[str, datetime]] = deque()

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        self._waiting.append((job.id, run_times[-1]))

    @property
    def waits(self) -> bool:
        """Whether anything is due."""
        return bool(self._waiting)

    def next(self, now: datetime) -> tuple[str, datetime] | None:
        """The next one; the scheduler's listeners are told when it is late."""
        if not self._waiting:
            return None
        name, planned = self._waiting.popleft()
        if (now - planned).total_seconds() > LATE:
            self._scheduler._dispatch_event(JobExecutionEvent(EVENT_JOB_MISSED, name, "default", planned))  # noqa: SLF001 - as APScheduler's executors do
        return name, planned

    def done(self, name: str) -> None:
        """Let it be due again."""
        self._run_job_success(name, ())


def _nothing() -> None:
    """APScheduler wants a function; what is due is performed elsewhere."""


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}".strip()
