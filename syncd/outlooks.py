"""`whatif` with everything that it needs, put together: for the command, the console and the daemon."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from connectors.fluix.account import EmbeddedAccount
from connectors.ordering import Ordering
from syncd.bootstrap import App
from syncd.config import Config
from syncd.config_file import Section
from syncd.config_people import GroupsConfig, PeopleConfig
from syncd.config_safety import BudgetsConfig, LeaversConfig, ShrinkConfig
from syncd.core.outlook import Contrast, Outlook
from syncd.errors import UsageError
from syncd.plain_yaml import PlainYamlError, parse
from syncd.render_whatif import contrast_document
from syncd.sayings import Said
from syncd.sync import Progress
from syncd.whatif import Compare, whatif

_LISTS: Final = ("only_then", "only_now", "otherwise", "findings_then", "findings_now")
_SHOWN: Final = 100
"""So many differences of a sort are shown."""
_NAMED: Final = 10
"""So many changes of a finding are named."""


class Fragment(Section):
    """What may be tried out; everything else of the configuration stays as it is."""

    people: PeopleConfig | None = None
    groups: GroupsConfig | None = None
    leavers: LeaversConfig | None = None
    budgets: BudgetsConfig | None = None
    shrink: ShrinkConfig | None = None


def fragment_of(text: str) -> tuple[Fragment, list[str]]:
    """Other rules, as they are written in the configuration; of a whole one its rules are taken, and a note says so.

    Raises:
        UsageError: it is no plain YAML, or holds no section.
        ValidationError: a section is not as it must be.
    """
    try:
        said = parse(text)
    except PlainYamlError as error:
        raise UsageError(
            Said("this is no plain YAML: %(error)s", error=error), cure=Said("write it as in the configuration's file")
        ) from error
    if not isinstance(said, dict) or not said:
        raise UsageError(Said("no section is given"), cure=Said("begin with one, as `leavers:`"))
    whole = {"version", "sources"} & said.keys()
    kept = {name: value for name, value in said.items() if name in Fragment.model_fields or not whole}
    left = sorted(said.keys() - kept.keys())
    notes = [f"of this file these sections were left out of the comparison: {', '.join(left)}"] if left else []
    return Fragment.model_validate(kept), notes


def suppose(app: App, text: str, progress: Progress = lambda _stage, _count: None) -> dict[str, Any]:
    """What other rules would do, short enough for a page: the keys of `contrast_document`, with `more` for what is cut off.

    Raises:
        As `fragment_of` and `compare`.
    """
    other, notes = fragment_of(text)
    given = {name: value for name in Fragment.model_fields if (value := getattr(other, name)) is not None}
    now, then, found, more = compare(app, app.config.model_copy(update=given), progress)
    whole = contrast_document("", now, then, found, [*notes, *more])
    shown: dict[str, Any] = {name: whole[name][:_SHOWN] for name in _LISTS}
    for finding in (*shown["findings_then"], *shown["findings_now"]):
        finding["count"], finding["changes"] = len(finding["changes"]), finding["changes"][:_NAMED]
    cut = {name: len(whole[name]) - len(shown[name]) for name in _LISTS}
    return {"now": whole["now"], "then": whole["then"], **shown, "more": cut, "notes": whole["notes"]}


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
