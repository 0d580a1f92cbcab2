"""Tokens that were just looked up: a worker keeps them for a fifth of a second, so that a busy client costs few look-ups.

So long a revoked token may still pass in a worker that has just seen it (docs/decisions/0009-calls.md).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from scim.access.tokens import Credential

FOR: Final = timedelta(milliseconds=200)

_MOST = 1000


class Remembered:
    """What was found lately, by the token's hash. Safe for threads: each step is one of the dictionary's own."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[Credential, datetime]] = {}

    def get(self, hashed: str, now: datetime) -> Credential | None:
        """The credential with this hash, if it was looked up a moment ago."""
        found = self._found.get(hashed)
        return found[0] if found is not None and now < found[1] else None

    def put(self, hashed: str, credential: Credential, now: datetime) -> None:
        """Keep what was found now."""
        if len(self._found) >= _MOST:
            self._found.clear()
        self._found[hashed] = (credential, now + FOR)
