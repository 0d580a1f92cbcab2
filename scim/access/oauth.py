"""The token endpoint of OAuth 2 client credentials (RFC 6749, section 4.4), by Authlib.

`POST /scim/v2/<tenant>/oauth/token`, with the client's id and secret by HTTP Basic or in the form, gives a bearer token that
lasts an hour. The token is kept as a hash, as all are, and is worthless as soon as its client is revoked.
"""

from __future__ import annotations

import math
import secrets
from typing import Any, cast

import orjson
from authlib.integrations.flask_oauth2 import AuthorizationServer  # type: ignore[import-untyped]
from authlib.oauth2.rfc6749 import ClientMixin  # type: ignore[import-untyped]
from authlib.oauth2.rfc6749.errors import InvalidScopeError  # type: ignore[import-untyped]
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant  # type: ignore[import-untyped]
from authlib.oauth2.rfc6750 import BearerTokenGenerator  # type: ignore[import-untyped]
from flask import Flask, Response, request

from scim.access import tokens
from scim.access.calls import Answered
from scim.access.gate import Gate
from scim.access.metadata import reading, writing
from scim.access.scopes import Scope
from scim.access.settings import Call, Tenant
from scim.access.tokens import Credential, Wanted

_SECRET_BYTES = 32
_WAYS = ["client_secret_basic", "client_secret_post"]


class _Client(ClientMixin):  # type: ignore[misc]
    """A client as Authlib asks it."""

    def __init__(self, credential: Credential, hashed: str) -> None:
        self.credential = credential
        self._hashed = hashed

    def get_client_id(self) -> str:
        return self.credential.client_id or ""

    def check_client_secret(self, client_secret: str) -> bool:
        return tokens.is_secret(self._hashed, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return endpoint == "token" and method in _WAYS

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"

    def get_allowed_scope(self, scope: str | None) -> str:
        """A client gets what it has, or less of it where it asks for `read`."""
        wanted = (scope or self.credential.scope).split()
        if wanted == [self.credential.scope]:
            return self.credential.scope
        if wanted == ["read"] and self.credential.scope == "write":
            return "read"
        raise InvalidScopeError


class _Grant(ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = _WAYS


def add_token_endpoint(app: Flask, gate: Gate, prefix: str = "/scim/v2") -> None:
    """Serve `POST <prefix>/<tenant>/oauth/token` for each tenant of the gate."""

    def client_of(client_id: str) -> _Client | None:
        with reading(gate.engine) as connection:
            found = tokens.find_client(connection, client_id)
        name = cast("dict[str, Any]", request.view_args)["tenant"]
        if found is None or found[0].tenant != name or not found[0].usable(gate.clock()):
            return None
        return _Client(*found)

    def keep(token: dict[str, Any], asked: Any) -> None:
        client: Credential = asked.client.credential
        lasts = gate.tenant(client.tenant).access_for
        wanted = Wanted(client.tenant, cast("Scope", token["scope"]), client.label, lasts)
        with writing(gate.engine) as connection:
            tokens.issue_access(connection, client, wanted, gate.clock(), token["access_token"])
            tokens.used(connection, client, gate.clock())

    server = AuthorizationServer(app, query_client=client_of, save_token=keep)
    server.register_token_generator("default", BearerTokenGenerator(_new_token, None, _lasts(gate)))
    server.register_grant(_Grant)

    def token(tenant: str) -> Response:
        call = Call("POST", "/oauth/token", request.headers.get("Authorization"), request.remote_addr or "")
        if wait := gate.guard.waits(call.address, gate.clock()):
            error = {"error": "temporarily_unavailable", "error_description": "too many failures from this address"}
            headers = {"Retry-After": str(max(1, math.ceil(wait))), "Cache-Control": "no-store"}
            return Response(orjson.dumps(error), 429, headers, content_type="application/json")
        response: Response = server.create_token_response()
        reason = ""
        if response.status_code == 401 or b"invalid_client" in response.get_data():  # noqa: PLR2004 - the status itself
            failures, _ = gate.guard.failed(call.address, gate.clock())
            reason = f"no such client, or not its secret ({failures} failures from this address)"
        gate.told(tenant, Answered(call, None, None, None, response.status_code, 0.0, reason))
        return response

    # Each by name, so that no tenant's own routes come first; the endpoint has no dot, which would call the blueprint's hooks.
    for name in gate.tenants:
        app.add_url_rule(
            f"{prefix}/{name}/oauth/token", f"scim_oauth_{name}", token, methods=["POST"], defaults={"tenant": name}
        )


def _new_token(**_of: Any) -> str:
    return f"fxa_{secrets.token_urlsafe(_SECRET_BYTES)}"


def _lasts(gate: Gate) -> Any:
    def seconds(client: _Client, grant_type: str) -> int:
        del grant_type
        tenant: Tenant = gate.tenant(client.credential.tenant)
        return int(tenant.access_for.total_seconds())

    return seconds
