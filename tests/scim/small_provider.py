"""A small SCIM provider for tests: scim2-flask over scim2-server's own memory, with a dialect in front of it."""

from __future__ import annotations

import functools
import json
from http import HTTPStatus
from typing import Any

from flask import Flask
from scim2_flask import ScimServer
from scim2_models import ResourceType, Schema, ScimPolicy, ScimProvider
from scim2_server.memory import InMemoryStorage
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.service import ScimService
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)

from scim.access.gate import Gate
from scim.access.oauth import add_token_endpoint
from scim.access.server import GuardedServer
from scim.dialects import Answer, Dialect, Exchange, normalise


@functools.cache
def provider_of(policy: ScimPolicy) -> ScimProvider:
    """The RFC's own schemas under a dialect's tolerances; made once, since that takes most of a second."""
    schemas: list[Schema] = list(load_default_schemas().values())
    types: list[ResourceType] = list(load_default_resource_types().values())
    config = load_default_service_provider_config()
    return ScimProvider.from_discovery(schemas, types, config=config, policy=policy)


class Service(ScimService):
    """Answers a PATCH as the dialect wants it."""

    dialect: Dialect

    def patch_response(self, base_url: str, resource: Any, response_parameters: Any) -> ScimResponse:
        if self.dialect.answer(self.endpoint_of(self.get_resource_type_of(resource))) is Answer.EMPTY:
            return ScimResponse(HTTPStatus.NO_CONTENT)
        return self.replacement_response(base_url, resource, response_parameters)


class Server(ScimServer):
    """Brings each request into the RFCs' form before scim2-server reads it."""

    dialect: Dialect

    def read_request(self) -> ScimRequest:
        request = super().read_request()
        try:
            body = json.loads(request.body) if request.body else None
        except ValueError:
            return request
        done = normalise(self.dialect, Exchange(request.method, request.path, dict(request.query), body))
        request.query = done.query
        request.body = b"" if body is None else json.dumps(done.body).encode()
        return request


def small_app(dialect: Dialect, base: str = "/scim/v2/people") -> Flask:
    """An app that serves one tenant."""
    app = Flask("small")
    app.secret_key = "x"
    provider = provider_of(dialect.policy)
    service = Service(provider, secret="x")
    service.dialect = dialect
    server = Server(InMemoryStorage(), provider, service=service, url_prefix=base)
    server.dialect = dialect
    server.init_app(app)
    return app


def guarded_app(gate: Gate) -> Flask:
    """An app that serves every tenant of a gate, and its OAuth clients."""
    app = Flask("small")
    app.secret_key = "x"
    for name, tenant in gate.tenants.items():
        provider = provider_of(tenant.dialect.policy)
        service = Service(provider, secret="x")
        service.dialect = tenant.dialect
        server = GuardedServer(InMemoryStorage(), provider, service=service, url_prefix=f"/scim/v2/{name}", name=name)
        server.gate, server.tenant_name = gate, name
        server.init_app(app)
    add_token_endpoint(app, gate)
    return app
