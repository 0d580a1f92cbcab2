"""Waiting for a lock that somebody else may hold, whatever kind of lock it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from syncd.errors import LockedError

_POLL_SECONDS: Final = 0.2


def take_turn(
    take: Callable[[], bool], refused: Callable[[], LockedError], wait_seconds: float, monotonic: Callable[[], float]
) -> None:
    """Try until it is had.

    Args:
        take: tries once; whether it is had.
        refused: says who has it, when the waiting is over.
        wait_seconds: how long to wait for another holder.
        monotonic: the clock of the waiting.

    Raises:
        LockedError: somebody else holds it.
    """
    until = monotonic() + wait_seconds
    while not take():
        if monotonic() >= until:
            raise refused()
        time.sleep(_POLL_SECONDS)
