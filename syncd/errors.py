"""The program's own errors, and the one place that turns any error into advice and an exit code.

    SyncdError            something a person can cause, and mend
    ├── UsageError        the call's words, or the configuration, are wrong (exit 2)
    ├── StoreError        the store cannot be used (exit 1)
    │   └── DeposedError  another process took over: this one writes no more (exit 1)
    ├── LockedError       another run holds the lock (exit 1)
    └── Interrupted       a person or the system asked to stop (exit 130)

What the outside raises (`connectors.errors.ConnectorError`), and what a managed app config must not hold
(`mdm.errors.MdmError`), ends as exit 1 as well.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import IntEnum

from connectors.errors import ConnectorError, RetryableError
from mdm.errors import MdmError


class Exit(IntEnum):
    """What a script can rely on."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    HELD = 3
    REFUSED = 4
    PARTLY = 5
    PENDING = 6
    INTERRUPTED = 130


class SyncdError(Exception):
    """Something a person can cause, and mend.

    Args:
        what: what is wrong, as a sentence.
        where: the file, key or address that it is about.
        cure: what to do.
    """

    exit_code = Exit.FAILED

    def __init__(self, what: str, *, where: str = "", cure: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.cure = cure


class UsageError(SyncdError):
    """The call's words, or the configuration, are wrong."""

    exit_code = Exit.USAGE


class StoreError(SyncdError):
    """The store cannot be used."""


class DeposedError(StoreError):
    """Another process took over what this one held: nothing of this one is written any more, and nothing is lost."""


class LockedError(SyncdError):
    """Another run holds the lock."""


class Interrupted(SyncdError):  # noqa: N818 - it is no mistake of anybody
    """A person or the system asked to stop; what was begun is finished or goes on with the next run."""

    exit_code = Exit.INTERRUPTED


@dataclass(frozen=True, slots=True)
class Advice:
    """An error as it is shown: what, where, what to do, and with which exit code."""

    what: str
    where: str
    cure: str
    exit_code: Exit

    @property
    def sentence(self) -> str:
        """What, and what to do, in one text."""
        return f"{self.what}. {self.cure}".rstrip(". ")


def advice(error: BaseException) -> Advice | None:
    """What to tell a person; None for a mistake of the program itself, whose traceback is worth more."""
    if isinstance(error, SyncdError):
        return Advice(error.what, error.where, error.cure, error.exit_code)
    if isinstance(error, ConnectorError):
        cure = error.cure or ("try again later" if isinstance(error, RetryableError) else "")
        return Advice(error.what, error.where, cure, Exit.FAILED)
    if isinstance(error, MdmError):
        return Advice(error.what, error.where, error.cure, Exit.FAILED)
    if isinstance(error, KeyboardInterrupt):
        return Advice("interrupted", "", "run it again: it goes on where it stopped", Exit.INTERRUPTED)
    if isinstance(error, OSError):
        cure = "free some space, and run it again" if error.errno == errno.ENOSPC else ""
        return Advice(error.strerror or str(error), str(error.filename or ""), cure, Exit.FAILED)
    return None
