"""Not more than so many requests a second: times are taken ahead, a few at once, and each request waits for its own.

Who gives the times out may serve many processes (`Reserve`); by itself it serves one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

Reserve = Callable[[int], float]
"""Takes so many times, one after the other, for whoever asks. Returns in how many seconds the first one is."""

_AHEAD: Final = 0.1
"""Seconds for which times are taken ahead: what is not used by then is lost, and nobody else waits long for it."""


class Pace:
    """Waits until the next request may be made.

    Args:
        rate: requests a second.
        reserve: gives times out; None: this process asks nobody.
        monotonic: a clock, in seconds.
        sleep: seconds; to be replaced in tests.
    """

    def __init__(
        self,
        rate: float,
        reserve: Reserve | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 1 / rate
        self._many = max(1, int(rate * _AHEAD))
        self._reserve = reserve or self._alone
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = Lock()
        self._next = 0.0
        self._left = 0
        self._free_at = 0.0

    def __call__(self) -> None:
        """Wait for the next time."""
        with self._lock:
            now = self._monotonic()
            late = max(0, int((now - self._next) / self._gap))  # times that passed unused
            self._left -= min(self._left, late)
            self._next += late * self._gap
            if not self._left:
                self._next = now + self._reserve(self._many)
                self._left = self._many
            at, self._next, self._left = self._next, self._next + self._gap, self._left - 1
        if (wait := at - now) > 0:
            self._sleep(wait)

    def _alone(self, many: int) -> float:
        now = self._monotonic()
        first = max(now, self._free_at)
        self._free_at = first + many * self._gap
        return first - now
