"""What if: what other rules would do to the same people. Nothing outside is asked, and nothing is kept.

Done at once, while the browser waits: with more people than `_PEOPLE` it would take minutes, and the command is the place.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from flask_babel import gettext as _
from pydantic import Field
from sqlalchemy import func, select

from syncd.config_file import Section
from syncd.config_people import GroupsConfig, PeopleConfig
from syncd.config_safety import BudgetsConfig, LeaversConfig, ShrinkConfig
from syncd.errors import UsageError
from syncd.outlooks import compare
from syncd.plain_yaml import PlainYamlError, parse
from syncd.render_whatif import contrast_document
from syncd.store.engine import reading
from syncd.store.tables import records
from syncd.web.desk import Desk, Document, Form, Query
from syncd.web.errors import RefusedError
from syncd.web.frame import Room
from syncd.web.roles import Role

room = Room()

_PEOPLE: Final = 20_000
_MOST: Final = 65_536
"""Bytes of a fragment."""
_SHOWN: Final = 100
"""So many differences of a sort are shown."""


class Fragment(Section):
    """What may be tried out; everything else of the configuration stays as it is."""

    people: PeopleConfig | None = None
    groups: GroupsConfig | None = None
    leavers: LeaversConfig | None = None
    budgets: BudgetsConfig | None = None
    shrink: ShrinkConfig | None = None


class WhatIf(Form):
    """Other rules, as YAML: written, or as a file. A whole section takes the place of the present one."""

    fragment: Annotated[str, Field(max_length=_MOST)] = ""
    file: Annotated[bytes, Field(max_length=_MOST)] = b""


class Outlook(Document):
    """What one configuration would plan."""

    decision: str
    counts: dict[str, int]
    held: dict[str, int]
    adopted: int


class Contrast(Document):
    """The difference."""

    fragment: str
    now: Outlook | None
    then: Outlook | None
    only_then: list[dict[str, Any]]
    only_now: list[dict[str, Any]]
    otherwise: list[dict[str, Any]]
    findings_then: list[dict[str, Any]]
    findings_now: list[dict[str, Any]]
    more: dict[str, int]
    """How many more there are of each sort than are named."""
    notes: list[str]


@room.page("/whatif", "whatif.html", Role.OPERATOR)
def whatif_form(desk: Desk, asked: Query) -> Contrast:
    """Where other rules are written down, to see what they would do."""
    del desk, asked
    return _contrast("", {}, [])


@room.question("/whatif", "whatif.html", Role.OPERATOR)
def whatif(desk: Desk, form: WhatIf) -> Contrast:
    """What other rules would do to the same people."""
    text = form.fragment or form.file.decode("utf-8-sig", "replace")
    other, notes = _parsed(text)
    with reading(desk.store) as connection:
        people = connection.execute(
            select(func.count()).select_from(records).where(records.c.kind == "person")
        ).scalar_one()
    if people > _PEOPLE:
        cure = _("write it into a copy of the configuration, then: syncd whatif --with COPY")
        raise RefusedError(
            _(
                "%(people)s people would take minutes; here it is done up to %(most)s",
                people=f"{people:,}",
                most=f"{_PEOPLE:,}",
            ),
            cure=cure,
        )
    given = {name: value for name in Fragment.model_fields if (value := getattr(other, name)) is not None}
    now, then, found, more = compare(desk.app, desk.app.config.model_copy(update=given))
    return _contrast(text, contrast_document("", now, then, found, []), [*notes, *more])


def _parsed(text: str) -> tuple[Fragment, list[str]]:
    try:
        said = parse(text)
    except PlainYamlError as error:
        raise UsageError(
            _("this is no plain YAML: %(error)s", error=error), cure=_("write it as in the configuration's file")
        ) from error
    if not isinstance(said, dict) or not said:
        raise UsageError(_("no section is given"), cure=_("begin with one, as `leavers:`"))
    whole = {"version", "sources"} & said.keys()
    kept = {name: value for name, value in said.items() if name in Fragment.model_fields or not whole}
    left = sorted(said.keys() - kept.keys())
    notes = [f"of this file these sections were left out of the comparison: {', '.join(left)}"] if left else []
    return Fragment.model_validate(kept), notes


_LISTS: Final = ("only_then", "only_now", "otherwise", "findings_then", "findings_now")


def _contrast(text: str, told: dict[str, Any], notes: list[str]) -> Contrast:
    lists: dict[str, Any] = {name: told.get(name, [])[:_SHOWN] for name in _LISTS}
    for finding in (*lists["findings_then"], *lists["findings_now"]):
        finding["count"], finding["changes"] = len(finding["changes"]), finding["changes"][:10]
    more = {name: len(told.get(name, [])) - len(shown) for name, shown in lists.items()}
    return Contrast(fragment=text, now=told.get("now"), then=told.get("then"), more=more, notes=notes, **lists)
