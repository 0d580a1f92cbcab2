"""run --follow: stay, and run again as soon as a source says that something changed, and every so often in any case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from syncd.bootstrap import App
from syncd.cli.common import err, show_error
from syncd.errors import Interrupted, UsageError, advice
from syncd.sync import Request
from syncd.watching import Watcher


def follow_sources(app: App, names: Sequence[str], every: float, run: Callable[[Request], None]) -> NoReturn:
    """Until it is stopped. A run that fails is told, and the next one is tried all the same.

    Args:
        app: the program.
        names: of the sources; none means all.
        every: seconds after which to run though nothing was announced.
        run: one run, with its report.

    Raises:
        UsageError: there is no such source.
    """
    every_source = app.sync().sources
    listened = {name: source for name, source in every_source.items() if not names or name in names}
    with Watcher(listened, lambda sentence: err.print(f"[dim]note[/] {sentence}")) as watcher:
        while True:
            try:
                run(Request("run", names))
            except (Interrupted, UsageError):
                raise
            except Exception as error:
                told = advice(error)
                if told is None:
                    raise
                show_error(told)
            watcher.wait(every)
