"""`syncd run --follow`: runs, as often as asked for and as soon as a source announces a change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from connectors.base import Source
from syncd.errors import Advice, Interrupted, UsageError, advice
from syncd.sync import Request
from syncd.watching import Watcher


def stay(
    sources: Mapping[str, Source],
    names: Sequence[str],
    every: float,
    run: Callable[[Request], None],
    *,
    note: Callable[[str], None],
    failed: Callable[[Advice], None],
) -> NoReturn:
    """Run, and run again, until it is stopped. A run that fails is told, and the next one is tried all the same.

    Args:
        sources: all of them, to listen to.
        names: of the sources to read; none means all.
        every: seconds until the next run, though nothing is announced.
        run: one run, with its report.
        note: told what is worth a line.
        failed: told what went wrong.

    Raises:
        Interrupted: asked to stop.
        UsageError: there is no such source.
    """
    listened = {name: source for name, source in sources.items() if not names or name in names}
    with Watcher(listened, note) as watcher:
        while True:
            try:
                run(Request("run", names))
            except (Interrupted, UsageError):
                raise
            except Exception as error:
                told = advice(error)
                if told is None:
                    raise
                failed(told)
            watcher.wait(every)
