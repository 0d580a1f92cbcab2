"""The values that the room is spoken to with. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from scim.dialects import DIALECTS, Dialect


class Log(StrEnum):
    """What the call audit keeps of requests. Passwords and tokens never are, whatever is set."""

    FULL = "full"
    """Bodies and queries as they came."""
    KEYS = "keys"
    """Which attributes were sent and asked for, without their values."""
    NONE = "none"
    """Neither."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant, and how it is treated.

    Attributes:
        name: as in /scim/v2/<name>; the name of its source.
        dialect: which identity provider calls.
        rate: requests a second that each token may send for long; None: no limit.
        burst: how many requests may come at once, before `rate` counts.
        log: what the call audit keeps.
        log_for: how long it keeps it; zero: for ever.
        access_for: how long an access token lasts that a client got by its credentials.
    """

    name: str
    dialect: Dialect = DIALECTS["generic"]
    rate: float | None = 1000.0
    burst: int = 10_000
    log: Log = Log.KEYS
    log_for: timedelta = timedelta(days=30)
    access_for: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Call:
    """What is known of a request before anything of it was read.

    Attributes:
        method: in capitals.
        path: below the tenant's base path.
        authorization: the header; None where there is none.
        address: who calls.
    """

    method: str
    path: str
    authorization: str | None
    address: str
