"""What other rules would do, worked out for the console beside the runs: one at a time, in a thread of the process that leads.

Nothing outside is asked, and runs are not held up: a comparison reads one state of the store and calculates on a copy.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from syncd import log
from syncd.bootstrap import App
from syncd.errors import StoreError, advice
from syncd.store import whatifs
from syncd.store.whatifs import WhatIf

_LOOKS_EVERY: Final = 1.0
"""Seconds between two looks while a run is under way."""


class _LeftError(Exception):
    """The process is to end."""


class Supposing:
    """Works out what somebody asks, as long as the `with` lasts; what is under way then is left for whoever leads next.

    Args:
        app: the program.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._leaves = Event()
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        whatifs.reopen(self._app.store)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaves.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> None:
        """Begin the next one, if one waits and none is under way."""
        if (self._thread is None or not self._thread.is_alive()) and (next_one := whatifs.take(self._app.store)):
            self._thread = Thread(target=self._work_out, args=(next_one,), name="what-if")
            self._thread.start()

    @contextlib.contextmanager
    def beside(self) -> Iterator[None]:
        """Look as long as the `with` lasts, too: a first load can take an hour."""
        over = Event()
        looking = Thread(target=self._look_until, args=(over,), name="looks for what-ifs")
        looking.start()
        try:
            yield
        finally:
            over.set()
            looking.join()

    def _look_until(self, over: Event) -> None:
        while not over.wait(_LOOKS_EVERY):
            with contextlib.suppress(StoreError):  # the run itself says what is wrong with the store
                self.look()

    def _work_out(self, asked: WhatIf) -> None:
        # Where the store is away it stays begun, and is taken again by whoever leads next.
        with contextlib.suppress(StoreError):
            self._answer(asked)

    def _answer(self, asked: WhatIf) -> None:
        from syncd.outlooks import suppose  # noqa: PLC0415 - seldom needed: an idle daemon goes without

        store = self._app.store
        try:
            whatifs.answered(store, asked.id, suppose(self._app, asked.fragment, self._progress))
        except _LeftError:
            whatifs.give_back(store, asked.id)
        except Exception as error:  # noqa: BLE001 - told to who asked
            told = advice(error)
            if told is None:
                log.tell("whatif_failed", number=asked.id, error=repr(error))
            message = told.sentence if told else "a mistake of the program: see its log"
            whatifs.failed(store, asked.id, message)

    def _progress(self, stage: str, count: int) -> None:
        del stage, count
        if self._leaves.is_set():
            raise _LeftError
