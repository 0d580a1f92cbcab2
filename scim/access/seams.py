"""The gate as the provider's app wants it: three functions that take the app's own tenant, request and exchange.

    admit = admitting(gate)            before a request is read; what it raises has the answer's `headers`
    normalise = normalising(gate)      once its body is parsed
    told = telling(gate)               when it was answered

An exchange is any dataclass with `method`, `path`, `query`, `body` and `notes`; a tenant is anything with a `name`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from flask import Request, g, has_request_context

from scim.access.calls import Answered
from scim.access.gate import Gate
from scim.access.scopes import Subject
from scim.access.settings import Call
from scim.dialects import Exchange


class Named(Protocol):
    """A tenant of the app's."""

    @property
    def name(self) -> str:
        """As in the address."""
        ...


class HasStatus(Protocol):
    """An answer of the app's."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...


E = TypeVar("E", bound=Any)


def admitting(gate: Gate, prefix: str = "/scim/v2") -> Callable[[Request, Named], Subject]:
    """`admit(request, tenant) -> subject`.

    Raises (when called):
        SCIMException: 401, 403 or 429, with `headers`.
    """

    def admit(request: Request, tenant: Named) -> Subject:
        call = call_of(f"{prefix}/{tenant.name}", request)
        g.scim_began, g.scim_call, g.scim_subject, g.scim_txn = time.perf_counter(), call, None, uuid.uuid4().hex
        subject = gate.admit(call, tenant.name)
        g.scim_subject = subject
        return subject

    return admit


def normalising(gate: Gate) -> Callable[[Named, E], E]:
    """`normalise(tenant, exchange) -> exchange`, with what was put right among its notes."""

    def normalise(tenant: Named, exchange: E) -> E:
        done = gate.normalise(tenant.name, plain(exchange))
        g.scim_read = done
        if not done.notes:
            return exchange
        changed: E = replace(exchange, query=dict(done.query), body=done.body, notes=[*exchange.notes, *done.notes])
        return changed

    return normalise


def telling(gate: Gate) -> Callable[[Named, Any, Any, HasStatus], None]:
    """`told(tenant, raw, exchange, response)`. Of who was not let in the gate told by itself."""

    def told(tenant: Named, raw: Any, exchange: Any, response: HasStatus) -> None:
        if g.get("scim_subject") is None:
            return
        read = replace(plain(exchange), notes=tuple(exchange.notes))
        seconds = time.perf_counter() - g.scim_began
        gate.told(tenant.name, Answered(g.scim_call, g.scim_subject, plain(raw), read, int(response.status), seconds))

    return told


def call_of(base: str, asked: Request) -> Call:
    """What is known of a request before anything of it is read; `base` is the tenant's path."""
    path = asked.path.removeprefix(base) or "/"
    return Call(asked.method, path, asked.headers.get("Authorization"), asked.remote_addr or "")


def plain(exchange: Any) -> Exchange:
    """The app's exchange as the dialects take it."""
    return Exchange(exchange.method, exchange.path, exchange.query, exchange.body)


def present_exchange() -> Exchange | None:
    """The request that is being answered, as it was read; None outside of one."""
    found: Exchange | None = g.get("scim_read") if has_request_context() else None
    return found


def present_transaction() -> str | None:
    """A name for what the request that is being answered does; None outside of one."""
    found: str | None = g.get("scim_txn") if has_request_context() else None
    return found
