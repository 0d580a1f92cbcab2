"""SCIM as it is served: the provider, with the tenants of the configuration, their tokens, dialects, audit and events around it.

Only wires: what each part does is its own room's. What it loads takes 25 MB: imported only where a source is pushed.
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from flask import Flask
from scim2_models import ConflictException
from sqlalchemy import Connection

from scim.access.gate import Gate
from scim.access.oauth import add_token_endpoint
from scim.access.seams import admitting, normalising, telling
from scim.app import Server, scim_blueprint
from scim.dialects import Answer
from scim.events.hearing import hearing
from scim.events.outbox import Outbox
from scim.events.settings import Stream
from scim.seams import Seams
from scim.tenant import PREFIX, Tenant
from scim.writing import Changed
from syncd.bootstrap import App
from syncd.config_scim_push import ScimPushSourceConfig
from syncd.letting_go import objections
from syncd.web.health import watch
from syncd.web.seals import seal

if TYPE_CHECKING:
    from scim.events.signing import Signer

_SEAL: Final = "scim cursors"
_TIMEOUT: Final = 20.0
"""Seconds in which a receiver of events has to answer."""


def add_scim(web: Flask, app: App) -> None:
    """Serve `/scim/v2/<tenant>` for each source of type `scim_push`."""
    sources = {source.name: source for source in app.config.sources if isinstance(source, ScimPushSourceConfig)}
    gate = Gate(app.store, {name: source.tenant for name, source in sources.items()}, app.clock)
    streams = {name: stream for name, source in sources.items() if (stream := source.stream)}
    tenants = {name: _tenant(source) for name, source in sources.items()}
    seams = Seams(
        admitting(gate, PREFIX),
        normalising(gate),
        telling(gate),
        _refusing(app, tenants, hearing(Outbox(streams), app.clock)),
        lambda tenant, one: objections(app, tenant.name, one),
    )
    server = Server(app.store, tenants.get, secret=seal(app.store, _SEAL), seams=seams, clock=app.clock)
    atexit.register(gate.close)
    web.register_blueprint(scim_blueprint(server))
    add_token_endpoint(web, gate, PREFIX)
    if streams:
        from scim.events.endpoints import add_event_endpoints  # noqa: PLC0415 - 8 MB, and only where events are wanted
        from scim.events.signing import Signer  # noqa: PLC0415 - as above

        signer = Signer(app.store, app.clock)
        add_event_endpoints(web, gate, streams, signer, PREFIX)
        watch(web, _deliver(app, streams, signer))


def _refusing(app: App, tenants: Mapping[str, Tenant], heard: Changed) -> Changed:
    """Take a deactivation back, with its reason, where the tenant would rather refuse: it means what a DELETE means."""

    def changed(connection: Connection, tenant: str, kind: str, ids: list[str], deed: str) -> None:
        if deed == "deactivate" and tenants[tenant].deletes == "refuse":
            for one in ids:
                if reason := objections(app, tenant, one):
                    raise ConflictException(detail=reason)
        heard(connection, tenant, kind, ids, deed)

    return changed


def _tenant(source: ScimPushSourceConfig) -> Tenant:
    dialect = source.tenant.dialect
    return Tenant(
        source.name,
        dialect.name,
        source.deletes,
        "resource" if dialect.user_patch is Answer.RESOURCE else "nothing",
        "small" if dialect.group_patch is Answer.RESOURCE else "nothing",
        "ignore" if dialect.skips_unknown_members else "refuse",
    )


def _deliver(app: App, streams: Mapping[str, Stream], signer: Signer) -> Thread:
    """Push events as long as the process lives; of several processes one takes each event."""
    import httpx  # noqa: PLC0415 - as above

    from scim.events.pushing import Courier  # noqa: PLC0415 - as above

    client = httpx.Client(timeout=_TIMEOUT, follow_redirects=False)
    courier = Courier(app.store, streams, signer, client, app.clock)
    thread = Thread(target=courier.run, args=(Event(),), name="events", daemon=True)
    thread.start()
    return thread
