"""Which passwords a person may take here. They are hashed and compared as those of the embedded account are (argon2id)."""

from __future__ import annotations

import unicodedata
from typing import Final

from connectors.fluix.account.passwords import MAX_LENGTH
from syncd.errors import UsageError

FEWEST: Final = 12
"""Characters of a password."""
_STRONG: Final = 3
"""Of zxcvbn's scores 0 to 4: from here on it takes more than 10^8 guesses."""
_LOOKED_AT: Final = 72
"""Characters that zxcvbn looks at; more cost it seconds, and only make a password better."""


def check(password: str, name: str) -> None:
    """Whether a person may take this password.

    Raises:
        UsageError: with what is wrong with it, and never the password itself.
    """
    form = unicodedata.normalize("NFKC", password)
    if not FEWEST <= len(form) <= MAX_LENGTH:
        raise _refused(f"has {len(form)} characters, and takes {FEWEST} to {MAX_LENGTH}")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in form):
        raise _refused("has a character that cannot be typed")
    from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # noqa: PLC0415 - 90,000 words, for setting a password only

    found = zxcvbn(form[:_LOOKED_AT], user_inputs=[name, *name.split("@"), "fluix", "syncd", "fluix-syncd"])
    if found["score"] < _STRONG:
        why = found["feedback"]["warning"].rstrip(".")
        raise _refused("is guessed too soon" + (f": {why[0].lower()}{why[1:]}" if why else ""))


def _refused(why: str) -> UsageError:
    return UsageError(
        f"the password {why}", cure="take several words that do not belong together, or let a manager make one"
    )
