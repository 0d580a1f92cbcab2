"""Whether two names may be one human's. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable


def same_name(name: str, known: Iterable[object]) -> bool:
    """Whether a name may be one of those known: `Berg, Anna (Agency)` and `Anna Berg` are; so is any where none is known."""
    words = _words(name)
    others = [found for one in known if isinstance(one, str) and (found := _words(one))]
    return not others or any(words <= other or other <= words for other in others)


def _words(name: str) -> set[str]:
    return set(re.findall(r"\w+", unicodedata.normalize("NFC", name).casefold()))
