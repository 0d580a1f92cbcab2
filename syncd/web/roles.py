"""Who calls, and what that person may do. Roles include each other: an approver may do what an operator may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol


class Role(IntEnum):
    """What a person, or a token, may do."""

    VIEWER = 1
    """Look at everything."""
    OPERATOR = 2
    """Start runs and plans, pause, export, look after users and groups where nothing is lost."""
    APPROVER = 3
    """Approve what is held."""
    ADMIN = 4
    """Delete by hand, tokens, and who else may."""

    @property
    def word(self) -> str:
        """As it stands in the configuration and is shown."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Role:
        """The role that is written so."""
        return cls[word.upper()]


@dataclass(frozen=True, slots=True)
class Who:
    """The person, or the program, behind a request."""

    name: str
    """For the audit, and for the two pairs of eyes."""
    role: Role
    language: str | None = None
    """The language that was chosen; None: the browser's."""
    user_id: int | None = None
    """The person's number; None: a program with a token."""
    session_id: int | None = None
    """The number of the session behind the request."""


class Access(Protocol):
    """Tells who calls. What is refused is raised as an HTTP exception, or answered with a redirect to the login."""

    def by_session(self) -> Who | None:
        """Who is logged in with this browser; None: nobody."""

    def by_token(self) -> Who | None:
        """Whose token the call bears; None: it bears none, or one that is not valid any more."""

    def csrf_token(self) -> str:
        """What each form of the console carries as `csrf_token`."""

    def check_csrf(self) -> None:
        """Refuse a form that was not ours (HTTP 400)."""

    def login_address(self, back_to: str) -> str:
        """Where a person logs in, and comes back from."""
