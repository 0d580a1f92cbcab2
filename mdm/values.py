"""What may stand in a managed app config: characters, emails, tokens, keys, identifiers. Nothing is ever rewritten here.

`$ % { }` are legal in an email, and MDMs expand them: a hostile "email" `$PASSWORD$@x.example` could put a password into
the login field. So a literal that holds the token syntax of any vendor is refused, whichever vendor it is for.
"""

from __future__ import annotations

import re
import unicodedata

MAX_EMAIL = 254
"""Characters of a whole address (RFC 5321, 4.5.3.1.3)."""
MAX_LOCAL = 64
"""Characters before the @ (RFC 5321, 4.5.3.1.1)."""
MAX_BUNDLE_ID = 155
MAX_KEY = 255
_SHOWN = 60

# Nearly every email: no character that any vendor expands, nothing that could be invisible, and short enough.
_ORDINARY = re.compile(
    r"[A-Za-z0-9!#&'*+/=?^_`|~-][A-Za-z0-9!#&'*+/=?^_`|~.-]{0,63}@[A-Za-z0-9-]{1,46}(?:\.[A-Za-z0-9-]{1,46}){0,3}"
).fullmatch
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_BUNDLE_ID = re.compile(rf"{_LABEL}(?:\.{_LABEL})+").fullmatch

_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f"
_SURROGATES = "\ud800-\udfff"
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
# Category Cf without those that have a shape of their own; line and paragraph separators; letters that show nothing.
_INVISIBLE = (
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f\u2028\u2029"
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
)
_UNWRITABLE = re.compile(f"[{_CONTROLS}{_SURROGATES}{_NONCHARACTERS}]").search
_HIDDEN = re.compile(f"[{_INVISIBLE}]").search
_NOT_IN_EMAIL = re.compile(r'[\s()<>\[\]:;,\\"]').search

_TOKEN = re.compile(r"\$\{|\$[A-Za-z_]|\{[^{}]*\}|\{\{|\}\}|%\s*[^%\s][^%]*%").search

_WHOLE_TOKEN = re.compile(r"\$\{[^}]*\}?|\$\w+\$?|\{\{.*?\}\}|\{[^{}]*\}|%[^%]*%", re.DOTALL).match


def shown(text: str) -> str:
    """A value as a message may show it: in double quotes, at most 60 characters, whatever does not print escaped."""
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut) + '"'


def token_in(text: str) -> str | None:
    """What some MDM would take for a variable and replace (`$PASSWORD`, `{{mail}}`, `%Email%`); None when there is nothing.

    Full-width forms of the signs count as well, since a server may fold them.
    """
    found = _TOKEN(text) or _TOKEN(unicodedata.normalize("NFKC", text))
    if found is None:
        return None
    whole = _WHOLE_TOKEN(found.string, found.start())
    return whole.group() if whole else found.group()


def unwritable(text: str) -> str | None:
    """Why a text cannot be written so that every reader gets it back; None when it can."""
    if found := _UNWRITABLE(text):
        return f"it contains {_called(found.group())}"
    return None


def text_problem(text: str) -> str | None:
    """Why a text has no business in a config: as half a sentence (`it contains a NUL (U+0000)`), or None.

    Refused are what cannot be written, what nobody can see or what turns the direction of reading, white space at the
    edges, and what is not in Normalisation Form C (nothing is normalised silently).
    """
    if problem := unwritable(text):
        return problem
    if found := _HIDDEN(text):
        return f"it contains {_called(found.group())}"
    if text != text.strip():
        return "it begins or ends with white space"
    if not unicodedata.is_normalized("NFC", text):
        return "it is not in Unicode's Normalisation Form C"
    return None


def literal_problem(text: str) -> str | None:
    """The same for a value that no MDM shall replace anything in."""
    if problem := text_problem(text):
        return problem
    if token := token_in(text):
        return f"an MDM would take {shown(token)} in it for a variable"
    return None


def email_problem(text: str) -> str | None:
    """Why a text is no email that may be written out for a person, as half a sentence; None when it is good."""
    if _ORDINARY(text):
        return None
    if not text:
        return "it is empty"
    local, _, domain = text.partition("@")
    if problem := literal_problem(text):
        return problem
    if found := _NOT_IN_EMAIL(text):
        return f"it contains {_called(found.group())}"
    asked = (
        ("@" not in text, "there is no @"),
        ("@" in domain, "there is more than one @"),
        (not local, "nothing before the @"),
        (not domain, "nothing after the @"),
        (len(text) > MAX_EMAIL, f"it has {len(text)} characters, {MAX_EMAIL} at most"),
        (len(local) > MAX_LOCAL, f"it has {len(local)} characters before the @, {MAX_LOCAL} at most"),
        (domain.startswith(".") or domain.endswith(".") or ".." in domain, "its domain has an empty part"),
    )
    return next((reason for wrong, reason in asked if wrong), None)


def key_problem(key: str) -> str | None:
    """Why a text is no key of a config; None when it is one."""
    if not key:
        return "it is empty"
    if len(key) > MAX_KEY:
        return f"it has {len(key)} characters, {MAX_KEY} at most"
    return literal_problem(key)


def bundle_id_problem(text: str) -> str | None:
    """Why a text is no bundle identifier (letters, digits, hyphens; parts between dots, at least two); None when it is one."""
    if len(text) > MAX_BUNDLE_ID:
        return f"it has {len(text)} characters, {MAX_BUNDLE_ID} at most"
    if _BUNDLE_ID(text):
        return None
    if not text:
        return "it is empty"
    odd = next((c for c in text if not re.fullmatch(r"[A-Za-z0-9.-]", c)), None)
    if odd is not None:
        return f"it contains {_called(odd)}; only letters, digits, hyphens and dots may stand in it"
    return "it must have at least two parts with a dot between, none empty, none beginning or ending with a hyphen"


def _called(character: str) -> str:
    plain = {"\0": "a NUL", "\n": "a line break", "\r": "a carriage return", "\t": "a tab", " ": "a space"}
    name = plain.get(character) or (character if character.isprintable() and character.isascii() else "")
    name = name or unicodedata.name(character, "a character that has no name")
    return name if len(name) == 1 else f"{name} (U+{ord(character):04X})"
