"""How often Python looks for cycles. A run makes millions of short-lived values and hardly a cycle; modules make none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG, _MIDDLE, _OLD = 100_000, 50, 1000


@contextmanager
def loading() -> Iterator[None]:
    """Do not look for cycles while modules load, and, in a new process, never again at what they made.

    It was a fifth of the time that a command takes to start.
    """
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
        gc.enable()


def rest() -> None:
    """Let the cyclic collector look seldom, and never again at what is there.

    Values without cycles are freed at once as ever, so memory stays flat. Measured at a million people of whom 1 % changed: an
    eighth less time. Told again it does nothing: a process that stays makes garbage that must not be frozen.
    """
    if gc.get_threshold()[0] == _YOUNG:
        return
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
