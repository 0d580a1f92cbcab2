"""Where a source's changes go on: one server's own token, and everything that must be as it was for it to mean something.

Pure. May not: trust what it is given. What is not exactly a cursor of these settings and this server is none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from connectors.errors import CursorError

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything until here is known."""

    feed: str
    """Which feed told the tokens (`feeds.Feed.name`)."""
    url: str
    server: str
    """What tells this server and its database from every other, and from itself before it was set up anew."""
    settings: str
    """`scopes.fingerprint` of the settings."""
    tokens: Mapping[str, str]
    until: datetime | None = None
    """From then on somebody is not active any more, without any change in the directory."""

    def text(self) -> str:
        """The cursor as the reader keeps it."""
        parts = {
            "format": _FORMAT,
            "feed": self.feed,
            "url": self.url,
            "server": self.server,
            "settings": self.settings,
            "tokens": dict(self.tokens),
            "until": self.until.isoformat() if self.until else None,
        }
        return json.dumps(parts, separators=(",", ":"))

    def check(self, *, url: str, settings: str, now: datetime) -> None:
        """Refuse to go on where it could not be told what changed.

        Args:
            url: the server that answered.
            settings: the fingerprint of today's.
            now: the time.

        Raises:
            CursorError: with the reason.
        """
        if self.url != url:
            raise CursorError(f"{url} answered, and the cursor is of {self.url}", where=url)
        if self.settings != settings:
            raise CursorError("the settings changed, or what the server says of itself", where=url)
        if self.until is not None and now >= self.until:
            raise CursorError(f"an account expired at {self.until:%Y-%m-%d %H:%M} UTC", where=url)


def parse_cursor(text: str) -> Cursor:
    """The cursor that was kept.

    Raises:
        CursorError: it is none, or one of another version of this program.
    """
    try:
        parts = json.loads(text)
        until = datetime.fromisoformat(parts["until"]).astimezone(UTC) if parts["until"] else None
        words = [parts[name] for name in ("feed", "url", "server", "settings")]
        tokens = {str(name): value for name, value in parts["tokens"].items()}
        known = parts["format"] == _FORMAT and all(isinstance(word, str) for word in (*words, *tokens.values()))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise CursorError("what was kept is no cursor of this source") from error
    if not known:
        raise CursorError("what was kept is a cursor of another version of this program")
    feed, url, server, settings = words
    return Cursor(feed, url, server, settings, tokens, until)
