"""Why a change is made. A plan keeps it as an English sentence; here the commonest are told in the language of who reads."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from flask_babel import gettext

from syncd.sayings import Said

_BETWEEN: Final = "; "
FORMS: Final = (
    Said("the directory names it"),
    Said("taken out in Fluix by hand"),
    Said("changed in Fluix by hand"),
    Said("the account of %(record)s was deleted in Fluix by hand"),
    Said("%(new)s has the address of %(old)s, which asks for no account any more"),
    Said("%(record)s was renamed in its source"),
    Said("%(record)s is gone from its source"),
    Said("%(record)s is in %(group)s no longer"),
    Said("%(names)s changed in Fluix by hand"),
    Said("%(record)s changed"),
    Said("%(record)s is new"),
    Said("%(record)s is in %(group)s"),
)
"""As `core.diff` writes them; the first that fits counts."""
_PLACE = re.compile(r"%\\\((\w+)\\\)s")


def reason(text: str) -> str:
    """A reason in the reader's language, as far as its form is known; never anything but text."""
    return _BETWEEN.join(map(_part, text.split(_BETWEEN)))


def _part(text: str) -> str:
    for form, pattern in _patterns():
        if found := pattern.fullmatch(text):
            return str(gettext(form, **found.groupdict()))
    return text


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((str(form), re.compile(_PLACE.sub(r"(?P<\1>.+)", re.escape(form)))) for form in FORMS)
