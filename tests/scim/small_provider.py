"""A small SCIM provider for tests: scim2-flask over scim2-server's own memory, with a dialect in front of it."""

from __future__ import annotations

import functools
import json
import time
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Flask, Response, g, request
from scim2_flask import ScimServer
from scim2_models import ResourceType, Schema, SCIMException, ScimPolicy, ScimProvider
from scim2_server.memory import InMemoryStorage
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.service import ScimService
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)

from scim.access.calls import Answered
from scim.access.errors import error_headers
from scim.access.gate import Gate
from scim.access.oauth import add_token_endpoint
from scim.access.scopes import Subject
from scim.access.seams import call_of
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


class GuardedServer(ScimServer):
    """One tenant's endpoints behind the gate: scim2-flask with the gate in front of it."""

    gate: Gate
    tenant_name: str

    def create_blueprint(self) -> Blueprint:
        """The endpoints, each behind `admit`, and each answer told to the call audit."""
        blueprint = super().create_blueprint()
        blueprint.before_request(self._admit)
        blueprint.after_request(self._tell)
        return blueprint

    def get_subject(self) -> Subject | None:
        """Who was let in."""
        return getattr(g, "scim_subject", None)

    def read_request(self) -> ScimRequest:
        """The request in the RFCs' own form."""
        scim_request = super().read_request()
        try:
            body = json.loads(scim_request.body) if scim_request.body else None
        except (ValueError, RecursionError):  # the service says what is wrong with it
            return scim_request
        came = Exchange(scim_request.method, scim_request.path, dict(scim_request.query), body)
        read = self.gate.normalise(self.tenant_name, came)
        g.scim_came, g.scim_read = came, read
        if read.notes:
            scim_request.query = read.query
            scim_request.body = b"" if read.body is None else json.dumps(read.body).encode()
        return scim_request

    def _admit(self) -> None:
        g.scim_began = time.perf_counter()
        g.scim_call = call_of(self.url_prefix, request)
        g.scim_subject = self.gate.admit(g.scim_call, self.tenant_name)

    def _tell(self, response: Response) -> Response:
        subject = self.get_subject()
        if subject is not None:  # of who was not let in the gate told by itself
            seconds = time.perf_counter() - g.scim_began
            came, read = getattr(g, "scim_came", None), getattr(g, "scim_read", None)
            answered = Answered(g.scim_call, subject, came, read, response.status_code, seconds)
            self.gate.told(self.tenant_name, answered)
        return response

    def _handle_scim_exception(self, exception: SCIMException) -> Response:
        response: Response = super()._handle_scim_exception(exception)
        response.headers.update(error_headers(exception))
        return response


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
