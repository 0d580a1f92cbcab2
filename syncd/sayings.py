"""Sentences that may be shown in another language, raised where nobody knows in which one.

`Said("there is no token %(number)s", number=7)` is that English sentence, and stands so in the log, in the audit and on the
command line. It remembers what it was made of, so that the console can tell it in the language of its reader
(`syncd.web.words.told`), and `make messages` finds it. Imports nothing: where there is no console no catalogue is loaded.
"""

from __future__ import annotations

from typing import Any, Self


class Said(str):
    """A sentence in English that can be told in another language.

    Args:
        message: the sentence as the catalogues know it, with `%(name)s` for what is filled in.
        values: what is filled in; one that is `Said` itself is translated, too.
    """

    __slots__ = ("message", "values")
    message: str
    values: dict[str, Any]

    def __new__(cls, message: str, **values: Any) -> Self:
        """The sentence with its values."""
        made = super().__new__(cls, message % values if values else message)
        made.message = message
        made.values = values
        return made
