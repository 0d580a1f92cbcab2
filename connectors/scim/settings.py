"""What can be set for a SCIM service that we call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

Reveal = Callable[[], str]
"""Reads a secret at the moment of use, so that it can be exchanged while we run."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """A bearer token (RFC 6750)."""

    token: Reveal


@dataclass(frozen=True, slots=True)
class Basic:
    """A user name and a password (RFC 7617)."""

    user: str
    password: Reveal


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """A token that is fetched (RFC 6749, 4.4), kept until it ends, and fetched anew."""

    token_url: str
    client_id: str
    client_secret: Reveal
    scope: str | None = None
    send: Literal["header", "body"] = "header"
    """Where id and secret stand: in an Authorization header, or in the body (RFC 6749, 2.3.1)."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where the service is, and who we are to it."""

    url: str
    """Its base, without an end slash: `https://example.com/scim/v2`."""
    auth: Bearer | Basic | ClientCredentials | None = None
    ca_file: str | None = None
    timeout: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(seconds=300)
    """For one answer altogether."""
    tries: int = 5
    largest_answer: int = 64 << 20
    """Bytes."""
    pace: Callable[[], None] = lambda: None
    """Called before each request; it may wait."""


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What a source reads, and how."""

    access: Access
    page_size: int = 100
    people_filter: str | None = None
    groups: bool = True
    groups_filter: str | None = None
    groups_page_size: int = 10
    """Groups are large: all members of a page's groups are in memory at once."""
    nested: bool = True
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Attribute -> path of a SCIM attribute (RFC 7644, 3.10), on top of the usual ones."""
    paging: Literal["auto", "index", "cursor"] = "auto"
    tells_changes: bool = True

    def fingerprint(self) -> str:
        """Everything that gives an answer its meaning, as text."""
        return repr((self.people_filter, self.groups, self.groups_filter, self.nested, sorted(self.attributes.items())))


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """How a target is written."""

    access: Access
    page_size: int = 100
    paging: Literal["auto", "index", "cursor"] = "auto"
    bulk: bool = True
    """Whether Bulk is used where it is offered."""
