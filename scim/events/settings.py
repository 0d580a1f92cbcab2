"""The values of a stream of events. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Stream:
    """One tenant's events, and who gets them (an event feed, RFC 9967, section 1.3).

    Attributes:
        tenant: whose people they are about.
        audience: the `aud` claim.
        issuer: the `iss` claim.
        push: where they are pushed to; None: they are polled.
        authorization: gives the Authorization header for `push`, read anew at each attempt.
        keep: how long one that nobody acknowledged is kept.
    """

    tenant: str
    audience: str
    issuer: str
    push: str | None = None
    authorization: Callable[[], str] | None = None
    keep: timedelta = timedelta(days=7)
