"""What counts as an email address: a conservative rule, since a wrong address sends an invitation to a stranger.

Nothing is rewritten here (no IDN, no lower case); `connectors.model.normalise_email` is the form for comparing.
"""

from __future__ import annotations

import re
import unicodedata

from connectors.text import JOINERS, unwanted_character

MAX_EMAIL = 254
"""Characters of a whole address (RFC 5321, 4.5.3.1.3)."""
MAX_LOCAL = 64
"""Characters before the @ (RFC 5321, 4.5.3.1.1)."""

# What nearly every address looks like: one match instead of a dozen questions. Its bounds keep it under MAX_EMAIL.
_ORDINARY = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,46}(?:\.[A-Za-z0-9-]{1,46}){0,3}"
).fullmatch
# RFC 5322 allows these only inside quotes or domain literals; in a directory they mean two addresses in one cell,
# or a display name around one.
_SPECIALS = frozenset('()<>[]:;,\\"')
# Letters by their category, and yet they show nothing (Hangul and Braille blanks, the grapheme joiner).
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def email_problem(text: str) -> str | None:
    """Why a text is no email address.

    Args:
        text: the address as written, its outer white space trimmed.

    Returns:
        The reason as half a sentence (`nothing after the @`), or None when the address is good. `anna@corp.local` and
        non-ASCII addresses are good.
    """
    if _ORDINARY(text):
        return None
    return _bad_character(text) or _bad_shape(text)


def _bad_character(text: str) -> str | None:
    if hidden := unwanted_character(text):
        return f"it contains {hidden}"
    for character in text:
        if character.isspace():
            return f"it contains white space (U+{ord(character):04X})"
        if character in _BLANKS or character in JOINERS:
            return f"it contains {unicodedata.name(character)} (U+{ord(character):04X})"
        if character in _SPECIALS:
            return f"it contains {character}"
    return None


def _bad_shape(text: str) -> str | None:
    local, _, domain = text.partition("@")
    asked = (
        (not text, "it is empty"),
        ("@" not in text, "there is no @"),
        ("@" in domain, "there is more than one @"),
        (not local, "nothing before the @"),
        (not domain, "nothing after the @"),
        (len(text) > MAX_EMAIL, f"{len(text)} characters, {MAX_EMAIL} at most"),
        (len(local) > MAX_LOCAL, f"{len(local)} characters before the @, {MAX_LOCAL} at most"),
        (domain.startswith("."), "its domain begins with a dot"),
        (domain.endswith("."), "its domain ends with a dot"),
        (".." in domain, "its domain has two dots in a row"),
    )
    return next((reason for wrong, reason in asked if wrong), None)
