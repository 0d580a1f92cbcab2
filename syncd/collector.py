"""How often Python looks for cycles. A run makes millions of short-lived values and hardly a cycle."""

from __future__ import annotations

import gc

_YOUNG, _MIDDLE, _OLD = 100_000, 50, 1000


def rest() -> None:
    """Let the cyclic collector look seldom, and never again at what was imported.

    Values without cycles are freed at once as ever, so memory stays flat. Measured at a million people of whom 1 % changed: an
    eighth less time. Told again it does nothing: a process that stays makes garbage that must not be frozen.
    """
    if gc.get_freeze_count():
        return
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
