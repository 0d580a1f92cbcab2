"""The error tree of the outside.

ConnectorError              something outside did not work; nothing is assumed from it
├── CursorError             what changed since cannot be told; everything has to be read
├── RetryableError          the same call may work later (busy, time-out, connection lost)
└── PermanentError          it will not work until a person changes something
    ├── UnreadableError     a file or an answer is not what it should be
    └── RefusedError        the other side understood, and said no
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Something outside did not work.

    Args:
        what: what did not work, as a sentence.
        where: the file, address or user that it was about.
        cure: what a person can do about it.
    """

    def __init__(self, what: str, *, where: str = "", cure: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.cure = cure

    @property
    def reason(self) -> str:
        """What did not work, and where, as a part of a sentence."""
        return f"{self.what} ({self.where})" if self.where else self.what


class RetryableError(ConnectorError):
    """The same call may work later."""


class CursorError(ConnectorError):
    """What changed since this cursor cannot be told; everything has to be read. `what` says why."""


class PermanentError(ConnectorError):
    """It will not work until a person changes something."""


class UnreadableError(PermanentError):
    """A file or an answer is not what it should be."""


class RefusedError(PermanentError):
    """The other side understood, and said no."""
