"""Characters that a person cannot see, and how to show a value that may hold them.

Two names that look alike and differ, or a text that reads backwards, have no business in a directory. Only looking and
naming happens here; what follows from it is the caller's affair.
"""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"
"""ZERO WIDTH NON-JOINER and JOINER: Persian and Indic names, and joined emoji, are spelled with them."""

# Category Cf, and yet they have a shape of their own (Unicode: prepended concatenation marks).
_VISIBLE_FORMAT = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
_NAMES = {"\0": "a NUL", "\n": "a line break", "\r": "a line break", "\t": "a tab"}
_SHOWN = 60


def unwanted_character(text: str, *, joiners: bool = False) -> str | None:
    """The first control, invisible or direction-changing character of a text, named: `a NUL (U+0000)`.

    Letters, marks and spaces of every script, private-use and yet unassigned characters are wanted.

    Args:
        text: one value, its outer white space trimmed.
        joiners: let U+200C and U+200D pass, as names need them.

    Returns:
        The character's name and code point, or None when there is no such character.
    """
    if text.isprintable():
        return None
    for character in text:
        if character.isprintable() or (joiners and character in JOINERS) or character in _VISIBLE_FORMAT:
            continue
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            name = _NAMES.get(character) or unicodedata.name(character, "a control character")
            return f"{name} (U+{ord(character):04X})"
    return None


def shown(text: str) -> str:
    """A value as a message may show it: in double quotes, at most 60 characters, whatever does not print escaped."""
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut) + '"'
