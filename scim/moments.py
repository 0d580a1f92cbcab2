"""Moments as they are stored and published: text in UTC, of one width in the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The clock of the wall."""
    return datetime.now(UTC)


def text_of(moment: datetime) -> str:
    """A moment as stored: 2026-11-24T18:58:53.123456Z."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def published(text: str) -> str:
    """A stored moment as it is published: as scim2 writes it, without a fraction that is nothing."""
    return text.replace(".000000Z", "Z")
