"""Who leads, of any number of `serve` on one store: it alone has schedules, wishes and triggers. On SQLite the only one does.

The lead is a lock on a connection of its own. A thread looks every second whether that lives: when it does not, somebody else may
lead already, and what this process has under way is stopped at once.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Final

from syncd.bootstrap import App
from syncd.errors import StoreError
from syncd.store import nodes
from syncd.store.lock_postgresql import Lead, lead_lock

LOOKS_EVERY: Final = 1.0
_BEATS_EVERY: Final = 5.0


class Leading:
    """One time of leading.

    Args:
        app: the program, whose store is fenced with the leader's number.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.lost = False


@contextlib.contextmanager
def leading(app: App, stop: Callable[[str], None]) -> Iterator[Leading | None]:
    """Lead, if nobody else does; None: somebody does. It does not wait.

    Args:
        app: the program.
        stop: stops the main thread, and is told why; called when the lead is lost.
    """
    if app.store.dialect.name != "postgresql":
        yield Leading(app)
        return
    with lead_lock(app.store) as lead:
        if lead is None:
            yield None
            return
        mine = Leading(app.on(lead.store))
        nodes.lead(lead.store, app.calling, app.clock())
        ended = Event()
        thread = Thread(target=_watch, args=(mine, lead, stop, ended), name="lead", daemon=True)
        thread.start()
        try:
            yield mine
        finally:
            ended.set()
            thread.join(LOOKS_EVERY * 4)
            with contextlib.suppress(StoreError):
                nodes.leave(lead.store)


def _watch(mine: Leading, lead: Lead, stop: Callable[[str], None], ended: Event) -> None:
    beat = time.monotonic()
    while not ended.wait(LOOKS_EVERY):
        if not lead.alive():
            mine.lost = True
            stop("the loss of the lead: its connection ended")
            return
        if time.monotonic() - beat >= _BEATS_EVERY:
            beat = time.monotonic()
            with contextlib.suppress(StoreError):
                nodes.beat(lead.store, mine.app.clock())
