"""SCIM as it is served: the provider, with the tenants of the configuration, their tokens, dialects, audit and events around it.

Only wires: what each part does is its own room's.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Event, Thread
from typing import Any, Final

import httpx
from flask import Flask, Request, g
from scim2_models import SCIMException
from scim2_server.responses import ScimResponse
from sqlalchemy import Connection

from scim import dialects
from scim.access.calls import Answered
from scim.access.errors import error_headers
from scim.access.gate import Gate
from scim.access.oauth import add_token_endpoint
from scim.access.settings import Call
from scim.access.settings import Subject as Known
from scim.app import PREFIX, Server, scim_blueprint
from scim.dialects import Answer
from scim.events.endpoints import add_event_endpoints
from scim.events.outbox import Change, Deed, Outbox
from scim.events.pushing import Courier
from scim.events.settings import Stream
from scim.events.signing import Signer
from scim.seams import Exchange, MayDelete, Seams
from scim.tenant import Tenant
from syncd.bootstrap import App
from syncd.config_scim_push import ScimPushSourceConfig
from syncd.letting_go import objections
from syncd.store import runs

_SEAL: Final = "scim cursors"
_TIMEOUT: Final = timedelta(seconds=20)

_DEEDS: Final[Mapping[str, Deed]] = {
    "create": Deed.CREATED,
    "replace": Deed.REPLACED,
    "patch": Deed.PATCHED,
    "delete": Deed.DELETED,
    "activate": Deed.ACTIVATED,
    "deactivate": Deed.DEACTIVATED,
}


def add_scim(web: Flask, app: App) -> None:
    """Serve `/scim/v2/<tenant>` for each source of type `scim_push`; without one nothing is served there."""
    sources = {source.name: source for source in app.config.sources if isinstance(source, ScimPushSourceConfig)}
    if not sources:
        return
    gate = Gate(app.store, {name: source.tenant for name, source in sources.items()}, app.clock)
    streams = {name: stream for name, source in sources.items() if (stream := source.stream)}
    wiring = Wiring(gate, Outbox(streams), lambda tenant, one: objections(app, tenant.name, one))
    tenants = {name: _tenant(source) for name, source in sources.items()}
    web.register_blueprint(
        scim_blueprint(Server(app.store, tenants.get, secret=_secret(app), seams=wiring.seams, clock=app.clock))
    )
    add_token_endpoint(web, gate, PREFIX)
    if streams:
        signer = Signer(app.store, app.clock)
        add_event_endpoints(web, gate, streams, signer, PREFIX)
        _deliver(app, streams, signer)


def _tenant(source: ScimPushSourceConfig) -> Tenant:
    dialect = source.tenant.dialect
    return Tenant(
        source.name,
        dialect.name,
        source.deletes,
        "resource" if dialect.user_patch is Answer.RESOURCE else "nothing",
        "resource" if dialect.group_patch is Answer.RESOURCE else "nothing",
        "ignore" if dialect.skips_unknown_members else "refuse",
    )


def _secret(app: App) -> str:
    """What cursors are sealed with: made once, and the same in every process."""
    kept = runs.recall(app.store, _SEAL)
    if kept is None:
        runs.remember_first(app.store, _SEAL, secrets.token_urlsafe(32))
        kept = runs.recall(app.store, _SEAL)
    assert kept is not None
    return kept


def _deliver(app: App, streams: Mapping[str, Stream], signer: Signer) -> None:
    """Push events as long as the process lives; of several processes one takes each event."""
    client = httpx.Client(timeout=_TIMEOUT.total_seconds(), follow_redirects=False)
    courier = Courier(app.store, streams, signer, client, app.clock)
    Thread(target=courier.run, args=(Event(),), name="events", daemon=True).start()


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who was let in, by a token: no user, so /Me stands for nobody."""

    known: Known

    @property
    def resource_id(self) -> str | None:
        return None


class Wiring:
    """What stands between the provider and the rooms around it.

    Args:
        gate: lets in, knows dialects, keeps the call audit.
        outbox: takes events.
        may_delete: says why somebody may not be deleted.
    """

    def __init__(self, gate: Gate, outbox: Outbox, may_delete: MayDelete) -> None:
        self._gate = gate
        self._outbox = outbox
        self._may_delete = may_delete

    @property
    def seams(self) -> Seams:
        """For the provider."""
        return Seams(self.admit, self.normalise, self.told, self.changed, self._may_delete)

    def admit(self, request: Request, tenant: Tenant) -> _Caller:
        """Let a request in, before its body is read.

        Raises:
            SCIMException: 401, 403, 429; with the headers that belong to it.
        """
        path = "/" + request.path.removeprefix(f"{PREFIX}/{tenant.name}").lstrip("/")
        g.scim_began = time.perf_counter()
        g.scim_call = Call(request.method, path, request.headers.get("Authorization"), request.remote_addr or "")
        try:
            return _Caller(self._gate.admit(g.scim_call, tenant.name))
        except SCIMException as error:
            error.headers = error_headers(error, self._gate.tenants[tenant.name])  # type: ignore[attr-defined]
            raise

    def normalise(self, tenant: Tenant, exchange: Exchange) -> Exchange:
        """The request in the RFCs' own form."""
        came = _as_dialects_see(exchange)
        read = self._gate.normalise(tenant.name, came)
        g.scim_attributes = _attributes(read)
        if not read.notes:
            return exchange
        return replace(exchange, query=dict(read.query), body=read.body, notes=[*exchange.notes, *read.notes])

    def told(self, tenant: Tenant, raw: Exchange, exchange: Exchange, response: ScimResponse) -> None:
        """Keep a call in the audit; of who was not let in the gate kept it."""
        caller = raw.subject
        if isinstance(caller, _Caller):
            seconds = time.perf_counter() - g.scim_began
            came, read = _as_dialects_see(raw), _as_dialects_see(exchange)
            answered = Answered(g.scim_call, caller.known, came, read, int(response.status), seconds)
            self._gate.told(tenant.name, answered)

    def changed(self, connection: Connection, tenant: str, kind: str, ids: list[str], deed: str) -> None:
        """Write the events of a change, in its own transaction."""
        attributes = g.get("scim_attributes", ())
        changes = [Change(f"{kind}s", one, [_DEEDS[deed]], attributes) for one in ids]
        self._outbox.changed(connection, tenant, changes, self._gate.clock())


def _as_dialects_see(exchange: Exchange) -> dialects.Exchange:
    return dialects.Exchange(
        exchange.method, exchange.path, exchange.query, exchange.body, tuple(map(str, exchange.notes))
    )


def _attributes(exchange: dialects.Exchange) -> tuple[str, ...]:
    """Which attributes a request gives, as PATCH paths name them; of a bulk request none."""
    match exchange.body:
        case {"Operations": list(operations)} if exchange.method == "PATCH":
            return tuple(name for operation in operations for name in _of_operation(operation))
        case dict(body) if exchange.base_schema:
            return tuple(name for name in body if name not in {"schemas", "id", "meta"})
    return ()


def _of_operation(operation: Any) -> tuple[str, ...]:
    match operation:
        case {"path": str(path)}:
            return (path,)
        case {"value": dict(value)}:
            return tuple(value)
    return ()
