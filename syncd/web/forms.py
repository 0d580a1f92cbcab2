"""Sentences that the store keeps in English, told in the language of who reads, as far as their form is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from flask_babel import gettext

from syncd.sayings import Said

_PLACE = re.compile(r"%\\\((\w+)\\\)s")


class Forms:
    """Forms that a sentence may have.

    Args:
        forms: the first that fits counts. A place (`%(name)s`) stands for any text, as short as possible.
        parts: name of a place -> what forms stand there; without, what stands there is told as it is.
        between: what stands between several sentences, if there may be several.
    """

    def __init__(self, *forms: Said, parts: Mapping[str, Forms] | None = None, between: str = "") -> None:
        self.forms = forms
        self._parts = parts or {}
        self._between = between

    def told(self, text: str) -> str:
        """The sentence in the reader's language; one of no known form as it is. Never anything but text."""
        if not self._between:
            return self._one(text)
        return str(gettext(self._between)).join(map(self._one, text.split(self._between)))

    def _one(self, text: str) -> str:
        for form, pattern in self._patterns:
            if found := pattern.fullmatch(text):
                return str(
                    gettext(form, **{name: self._part(name, value) for name, value in found.groupdict().items()})
                )
        return text

    def _part(self, name: str, value: Any) -> Any:
        return self._parts[name].told(value) if name in self._parts else value

    @cached_property
    def _patterns(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        return tuple((str(form), _pattern(form)) for form in self.forms)


def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(_PLACE.sub(r"(?P<\1>.+?)", re.escape(form)).replace("%%", "%"), re.DOTALL)
