"""Signs of life of a run: how far it is, that its process lives, and whether it hangs.

A thread writes them to the store, so that a run never waits for it. A run *hangs* when nothing moved for too long: then it is
asked to stop, and what does not stop is ended with its process; what was begun goes on with the next run.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from sqlalchemy import Engine

from syncd.errors import StoreError
from syncd.store import leases, progress, runs
from syncd.store.alerts import raise_alert
from syncd.store.leases import Lease
from syncd.store.progress import Stage

SELDOM: Final = 0.5
"""Seconds between two writes of how far it is."""
BEAT: Final = 5.0
"""Seconds between two signs of life."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a run may stand still."""

    hung_after: timedelta
    """Without progress, until it is asked to stop."""
    drain: timedelta
    """Since it was asked to, until its process is killed."""
    stop: Callable[[str], None]
    """Asks it to stop, and says why."""
    kill: Callable[[], None] = lambda: os.kill(os.getpid(), signal.SIGKILL)


class Signs:
    """The signs of one run after another, as long as the `with` lasts. Hold the store's lock meanwhile.

    Args:
        engine: the store's.
        clock: for the store.
        patience: with a run that stands still; None: it is let be.
        monotonic: how long it stands still is measured with it.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], datetime],
        patience: Patience | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._patience = patience
        self._monotonic = monotonic
        self._counts: dict[str, int] = {}
        self._stage = ""
        self._moved = self._beat = monotonic()
        self._written = 0
        self._told = 0
        self._asked: float | None = None
        self._ended = Event()
        self._thread = Thread(target=self._watch, name="signs of life", daemon=True)
        self.run_id: int | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(SELDOM * 4)
        with contextlib.suppress(StoreError):
            if self.run_id is not None:
                leases.release(self._engine, leases.RUN)
                progress.forget(self._engine, self.run_id)

    @property
    def hung(self) -> bool:
        """Whether it was asked to stop because nothing moved."""
        return self._asked is not None

    def began(self, run_id: int) -> None:
        """A run has its number: the lease is its own now. A holder that was killed is told of in its run's line."""
        now = self._clock()
        self._counts, self._stage, self._moved = {}, "begin", self._monotonic()
        before = leases.hold(self._engine, Lease(leases.RUN, leases.holder(), run_id, now, now))
        self.run_id = run_id
        line = runs.find(self._engine, before.run_id) if before and before.run_id else None
        if before and line and line.state == "running":
            error = (
                line.error
                or f"the process {before.holder} ended; its last sign of life was at {before.beat_at:%H:%M:%S} UTC"
            )
            runs.write(self._engine, line.id, state="interrupted", error=error, ended_at=before.beat_at)

    def progress(self, stage: str, count: int) -> None:
        """As `sync.Progress` is called; writes nothing itself."""
        self._counts[stage] = self._counts.get(stage, 0) + count
        self._stage = stage
        self._moved = self._monotonic()
        self._told += 1

    def look(self) -> None:
        """What the thread does twice a second."""
        if self.run_id is None:
            return
        now = self._monotonic()
        with contextlib.suppress(
            StoreError
        ):  # the next look tries again; the run itself says what is wrong with the store
            if self._told != self._written:
                self._written, stage = self._told, self._stage
                progress.keep(self._engine, Stage(self.run_id, stage, self._counts.get(stage, 0), None, self._clock()))
            if now - self._beat >= BEAT:
                self._beat = now
                leases.beat(self._engine, leases.RUN, self._clock())
        if self._patience:
            self._judge(self._patience, self.run_id, now)

    def _judge(self, patience: Patience, run_id: int, now: float) -> None:
        stands = now - self._moved
        if self._asked is None and stands >= patience.hung_after.total_seconds():
            self._asked = now
            why = f"hung: no progress for {stands / 60:.0f} minutes in `{self._stage}`"
            patience.stop(why)
            with contextlib.suppress(StoreError):
                runs.write(self._engine, run_id, error=why)
                raise_alert(self._engine, "hung_run", f"r{run_id}", f"r{run_id} {why}; it was ended", self._clock())
        elif self._asked is not None and now - self._asked >= patience.drain.total_seconds():
            patience.kill()

    def _watch(self) -> None:
        while not self._ended.wait(SELDOM):
            self.look()
