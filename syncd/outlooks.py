"""`whatif` with everything that it needs, put together: for the command and the console."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.fluix.account import EmbeddedAccount
from connectors.ordering import Ordering
from syncd.bootstrap import App
from syncd.config import Config
from syncd.core.outlook import Contrast, Outlook
from syncd.sync import Progress
from syncd.whatif import Compare, whatif


def compare(
    app: App, other: Config, progress: Progress = lambda _stage, _count: None
) -> tuple[Outlook, Outlook, Contrast, list[str]]:
    """What the present configuration would plan, what the other would, the difference, and what this cannot show.

    Raises:
        UsageError: no source was ever read.
    """
    here = app.sync(progress)
    local = here.target if isinstance(here.target, EmbeddedAccount) else None
    both = Compare(
        here,
        App(other, app.store, app.clock).sync(progress),
        local.dossiers if local else lambda _ids: {},
        local.seats if local else lambda: None,
    )
    now, then, found = whatif(both)
    ordering = isinstance(here.target, Ordering)
    return now, then, found, list(_notes(app.config, other, told=local is not None, ordering=ordering))


def _notes(now: Config, then: Config, *, told: bool, ordering: bool) -> Iterator[str]:
    """What this comparison cannot show."""
    if now.sources != then.sources:
        yield "the sources are configured otherwise: records stand as they were last read; a `syncd plan` reads them anew"
    if now.target != then.target:
        yield "the target is configured otherwise: the account stands as it was last read, of the present target"
    if not told:
        yield "the target was not asked: roles, workflows, documents and seats are unknown, so every deletion is held"
    if ordering:
        yield "what waits in work orders is shown as if it had not been ordered yet"
