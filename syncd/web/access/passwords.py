"""Which passwords a person may take here. They are hashed and compared as those of the embedded account are (argon2id)."""

from __future__ import annotations

import unicodedata
from typing import Final

from connectors.fluix.account.passwords import MAX_LENGTH
from syncd.errors import UsageError
from syncd.sayings import Said

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
        counts = {"count": len(form), "fewest": FEWEST, "most": MAX_LENGTH}
        raise _refused(Said("the password has %(count)s characters, and takes %(fewest)s to %(most)s", **counts))
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in form):
        raise _refused(Said("the password has a character that cannot be typed"))
    from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # noqa: PLC0415 - 90,000 words, for setting a password only

    found = zxcvbn(form[:_LOOKED_AT], user_inputs=[name, *name.split("@"), "fluix", "syncd", "fluix-syncd"])
    if found["score"] < _STRONG:
        why = found["feedback"]["warning"].rstrip(".")
        if not why:
            raise _refused(Said("the password is guessed too soon"))
        because = Said(f"{why[0].lower()}{why[1:]}")  # of zxcvbn's own sentences, which `vocabulary` holds
        raise _refused(Said("the password is guessed too soon: %(because)s", because=because))


def _refused(why: Said) -> UsageError:
    return UsageError(why, cure=Said("take several words that do not belong together, or let a manager make one"))
