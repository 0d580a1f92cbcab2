"""Where a source's changes go on: a moment by the service's clock, and how many there were at it.

Pure. May not: trust what it is given. What is not exactly a cursor of these settings and this service is none.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.errors import CursorError

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything until here is known."""

    url: str
    settings: str
    """Of `mark`."""
    since: datetime
    people: int
    """How many there were."""
    groups: int

    def text(self) -> str:
        """The cursor as the reader keeps it."""
        parts = {
            "format": _FORMAT,
            "url": self.url,
            "settings": self.settings,
            "since": self.since.isoformat(),
            "people": self.people,
            "groups": self.groups,
        }
        return json.dumps(parts, separators=(",", ":"))

    @property
    def filter(self) -> str:
        """What finds everything that was made or changed since."""
        return f'meta.lastModified ge "{self.since:%Y-%m-%dT%H:%M:%SZ}"'


def mark(settings: str) -> str:
    """Tells one set of settings from another."""
    return hashlib.blake2b(settings.encode(), digest_size=16).hexdigest()


def parse_cursor(text: str, *, url: str, settings: str) -> Cursor:
    """The cursor that was kept.

    Args:
        text: as it was kept.
        url: today's service.
        settings: today's, as `mark` tells them.

    Raises:
        CursorError: it is none, or of another service, other settings, or another version of this program.
    """
    try:
        parts = json.loads(text)
        since = datetime.fromisoformat(parts["since"]).astimezone(UTC)
        cursor = Cursor(str(parts["url"]), str(parts["settings"]), since, int(parts["people"]), int(parts["groups"]))
        known = parts["format"] == _FORMAT
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise CursorError("what was kept is no cursor of this source") from error
    if not known:
        raise CursorError("what was kept is a cursor of another version of this program")
    if cursor.url != url:
        raise CursorError(f"the cursor is of {cursor.url}, and {url} is configured", where=url)
    if cursor.settings != settings:
        raise CursorError("the settings changed", where=url)
    return cursor
