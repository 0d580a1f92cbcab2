"""Where bounces come in. Values only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Imap:
    """A folder on an IMAP server."""

    host: str
    user: str
    password: Callable[[], str]
    """Read each time that it is needed, and never kept."""
    port: int = 993
    security: Literal["tls", "starttls", "none"] = "tls"
    folder: str = "INBOX"
    timeout: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class BounceSettings:
    """The mailbox of the sender: one of the two."""

    path: Path | None = None
    """An mbox file, or a Maildir."""
    imap: Imap | None = None
