"""What others put in: who may call, how a dialect is understood, who is told. Small protocols, with defaults that do nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from flask import Request
from scim2_server.responses import ScimResponse

from scim.tenant import Tenant
from scim.writing import Changed, nobody_told


@dataclass(slots=True)
class Exchange:
    """One request as it is understood: a dialect's normalisation gives another."""

    method: str
    path: str
    """Below the tenant: `/Users/2819c223`."""
    query: dict[str, str]
    body: Any = None
    """The parsed JSON; None when there is none."""
    raw: bytes = b""
    """The body as it came."""
    subject: Subject | None = None
    notes: list[str] = field(default_factory=list)
    """Sentences for the audit: what was passed over, and why."""


class Subject(Protocol):
    """Who calls."""

    @property
    def resource_id(self) -> str | None:
        """The id of the User that /Me stands for; None: the caller is no user."""
        ...


class Admit(Protocol):
    """Lets a request in; before its body is read."""

    def __call__(self, request: Request, tenant: Tenant, /) -> Subject | None:
        """Who calls.

        Raises:
            SCIMException: 401, 403, 429 …; with an attribute `headers` (a mapping) these are answered too.
        """
        ...


class Normalise(Protocol):
    """Makes a vendor's request one of the RFC's."""

    def __call__(self, tenant: Tenant, exchange: Exchange, /) -> Exchange:
        """The request as it is meant: a new exchange, or the same."""
        ...


class Told(Protocol):
    """Is told of each call, after its answer is made and its transaction is over."""

    def __call__(self, tenant: Tenant, raw: Exchange, exchange: Exchange, response: ScimResponse, /) -> None:
        """Take note of a call: as it came, as it was understood, and what was answered."""
        ...


class MayDelete(Protocol):
    """Is asked before a DELETE of a tenant that would rather refuse."""

    def __call__(self, tenant: Tenant, resource_id: str, /) -> str | None:
        """Why not, for the client to read; None: it may be deleted."""
        ...


def admit_all(request: Request, tenant: Tenant) -> Subject | None:
    """The default: everybody, as nobody in particular."""
    del request, tenant
    return None


def as_it_is(tenant: Tenant, exchange: Exchange) -> Exchange:
    """The default: nothing to normalise."""
    del tenant
    return exchange


def unheard(tenant: Tenant, raw: Exchange, exchange: Exchange, response: ScimResponse) -> None:
    """The default: nobody listens."""
    del tenant, raw, exchange, response


def always(tenant: Tenant, resource_id: str) -> str | None:
    """The default: everything may be deleted."""
    del tenant, resource_id
    return None


@dataclass(frozen=True, slots=True)
class Seams:
    """What others put in."""

    admit: Admit = admit_all
    normalise: Normalise = as_it_is
    told: Told = unheard
    changed: Changed = nobody_told
    may_delete: MayDelete = always


def headers_of(exception: BaseException) -> Mapping[str, str]:
    """The headers that an exception wants answered."""
    found: Mapping[str, str] = getattr(exception, "headers", {}) or {}
    return found
