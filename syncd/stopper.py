"""Stopping when asked: SIGINT and SIGTERM end a run at once, but never in the middle of a batch that is being applied.

Another thread may ask as well (`ask`): it wakes the main one with SIGUSR1, whatever that waits for.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from syncd.errors import Interrupted


class Stopper:
    """Turns the signals into `Interrupted`; inside `critical`, only after the block.

    A second signal inside the block does not hurry it: a batch takes well under a second, and a target that hangs has its
    own time-out.
    """

    def __init__(self) -> None:
        self._asked = ""
        self._asked_by_thread = ""
        self._depth = 0
        self.out_of_time = False
        """Whether a block took longer than it may."""

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Listen to SIGINT and SIGTERM while the block runs (main thread only)."""
        heard = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
        before = {number: signal.signal(number, self._on_signal) for number in heard}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def critical(self) -> Iterator[None]:
        """A block that is finished before a signal is heard."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        if self._asked and not self._depth:
            self._stop()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """A block, inside of `listening`, that is stopped after so long, whatever it waits for.

        Raises:
            Interrupted: it took longer; `out_of_time` says so.
        """
        timer = threading.Timer(seconds, self._end_time, [seconds])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()  # what it asked for is heard here, and by nobody else

    def _end_time(self, seconds: float) -> None:
        self.out_of_time = True
        self.ask(f"the end of its {seconds:g} seconds")

    def ask(self, why: str) -> None:
        """Stop what is listening, from another thread.

        Args:
            why: stands in the error.
        """
        self._asked_by_thread = why
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._asked = self._asked_by_thread if number == signal.SIGUSR1 else signal.Signals(number).name
        if not self._depth:
            self._stop()

    def _stop(self) -> None:
        asked, self._asked = self._asked, ""
        raise Interrupted(f"stopped by {asked}", cure="run it again: it goes on where it stopped")
