"""The menu: which pages stand in it, in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from flask import g, request
from flask_babel import gettext, lazy_gettext

from syncd.web.frame import Entry

Line = tuple[str, str, bool]
"""What it says, where it leads, and whether that is here."""

_GROUPS: Final[Sequence[Sequence[tuple[object, str]]]] = (
    ((lazy_gettext("Overview"), "/"), (lazy_gettext("Runs"), "/runs"), (lazy_gettext("Plans"), "/plans")),
    (
        (lazy_gettext("People"), "/people"),
        (lazy_gettext("Groups"), "/groups"),
        (lazy_gettext("Workflows"), "/workflows"),
        (lazy_gettext("Documents"), "/documents"),
        (lazy_gettext("Why"), "/why"),
        (lazy_gettext("What if"), "/whatif"),
    ),
    (
        (lazy_gettext("Work orders"), "/workorders"),
        (lazy_gettext("Restore ledger"), "/restore"),
        (lazy_gettext("MDM"), "/mdm"),
        (lazy_gettext("SCIM"), "/scim"),
    ),
    (
        (lazy_gettext("Audit"), "/audit"),
        (lazy_gettext("Who may"), "/access"),
        (lazy_gettext("Settings"), "/settings"),
    ),
)


_OWN: Final = "/access/me"
"""Stands beside the menu, and not below `Who may`."""


def menu(root: str, entries: Iterable[Entry]) -> Callable[[], list[list[Line]]]:
    """The menu for the request at hand; what is not served, or not for this person, does not stand in it."""
    served = {entry.path: entry.role for entry in entries if entry.kind == "page"}
    groups = [[(label, path) for label, path in group if path in served] for group in _GROUPS]

    def lines() -> list[list[Line]]:
        here, who = request.path.removeprefix(root), g.who
        return [
            [
                (gettext(str(label)), root + path, _leads(path, here))
                for label, path in group
                if who.role >= served[path]
            ]
            for group in groups
        ]

    return lines


def _leads(path: str, here: str) -> bool:
    below = path != "/" and here.startswith(f"{path}/") and not here.startswith(_OWN)
    return here == path or below
