"""Small words for pages: moments, numbers, addresses, and sentences from below in the language of who reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from flask import current_app, has_request_context, request
from flask_babel import gettext
from markupsafe import Markup

from syncd.sayings import Said
from syncd.web.findings import finding
from syncd.web.reasons import reason


def moment(at: datetime | None) -> Markup:
    """A moment: in UTC as it comes, in the reader's own zone once the page's script has seen it."""
    if at is None:
        return Markup("—")
    return Markup('<time datetime="{}">{} UTC</time>').format(at.isoformat(timespec="seconds"), f"{at:%Y-%m-%d %H:%M}")


def number(value: float) -> str:
    """1,234."""
    return f"{value:,}"


def same_page(**other: object) -> str:
    """This page's address with other values behind the question mark; None takes one away."""
    stays = [(name, value) for name, value in request.args.items(multi=True) if name not in other]
    kept = [*stays, *((name, value) for name, value in other.items() if value is not None)]
    return f"{request.path}?{urlencode(kept)}"


def known(text: str) -> str:
    """A word that `vocabulary` holds, in the reader's language; anything else as it is. No part of it is taken for HTML."""
    return str(gettext(text)) if text else ""


def shown(one: object, names: Mapping[str, str]) -> str:
    """What an attribute holds, whatever it is.

    Args:
        one: the value.
        names: of attributes, in the reader's language.
    """
    match one:
        case str():
            return one
        case None:
            return str(gettext("unknown"))
        case bool():
            return str(gettext("yes") if one else gettext("no"))
        case Mapping():
            return "; ".join(f"{names.get(name, name)} {shown(part, names)}" for name, part in one.items())
        case Iterable():
            return ", ".join(shown(part, names) for part in one) or str(gettext("none"))
        case _:
            return str(one)


def pairs(values: Mapping[str, object], names: Mapping[str, str], without: str = "") -> list[tuple[str, str]]:
    """Attributes and what they hold, without one of them; at once, since a page can have two thousand."""
    return [(names.get(name, name), shown(one, names)) for name, one in values.items() if name != without]


def told(text: str) -> str:
    """A sentence in the language of who reads the page. One that is not `Said`, or that nobody reads there, stays as it is."""
    if not isinstance(text, Said) or not has_request_context() or "babel" not in current_app.extensions:
        return str(text)
    values = {name: told(value) if isinstance(value, Said) else value for name, value in text.values.items()}
    return str(gettext(text.message, **values))


HELPERS: Final[dict[str, Callable[..., Any]]] = {
    "moment": moment,
    "number": number,
    "same_page": same_page,
    "known": known,
    "reason": reason,
    "said_of": finding,
    "shown": shown,
    "pairs": pairs,
}
