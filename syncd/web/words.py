"""Small words for templates: moments, numbers, addresses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from flask import request
from markupsafe import Markup


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


HELPERS: Final[dict[str, Callable[..., Any]]] = {"moment": moment, "number": number, "same_page": same_page}
