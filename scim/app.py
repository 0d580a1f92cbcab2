"""The service provider on Flask: `/scim/v2/<tenant>/…`. Reads a request, hands it through the seams, writes the answer.

Every answer is SCIM's, errors too (RFC 7644 §3.12). What we did not foresee is a 500 without its message, and logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson
from flask import Blueprint, Flask, Response, current_app, request
from scim2_models import Error, NotFoundException, PayloadTooLargeException, SCIMException
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from scim.connections import Store
from scim.handler import TenantHandler
from scim.limits import Limits, check_body, check_characters, read_json
from scim.moments import Clock, utc_now
from scim.provider import build_provider
from scim.seams import Exchange, Seams, headers_of
from scim.service import TenantService
from scim.storage import SqlStorage
from scim.tenant import PREFIX, Tenant, Tenants

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_HEADERS: Final = ("If-Match", "If-None-Match", "Content-Type")


class Server:
    """What serves requests of all tenants.

    Args:
        engine: the store's.
        tenants: finds a tenant by its name.
        secret: what cursors are sealed with; the same in each process.
        seams: what others put in.
        limits: of requests.
        clock: for meta.
        address: the root as clients see it, when that is not what the request says: `https://scim.example.com`.
        write_options: see `scim.connections`.
    """

    def __init__(
        self,
        engine: Engine,
        tenants: Tenants,
        *,
        secret: str | bytes,
        seams: Seams | None = None,
        limits: Limits | None = None,
        clock: Clock = utc_now,
        address: str | None = None,
        write_options: Mapping[str, Any] | None = None,
    ) -> None:
        self.store = Store.of(engine, write_options)
        self.tenants = tenants
        self.secret = secret
        self.seams = seams or Seams()
        self.limits = limits or Limits()
        self.clock = clock
        self.address = address
        self.provider = build_provider(self.limits.bulk_body, self.limits.bulk_operations, self.limits.page)
        self._services: dict[Tenant, TenantService] = {}

    def service_of(self, tenant: Tenant) -> TenantService:
        """The service of a tenant, made once for each state of its settings."""
        service = self._services.get(tenant)
        if service is None:
            service = TenantService(self.provider, tenant, secret=self.secret, limits=self.limits)
            self._services[tenant] = service
        return service

    def serve(self, name: str, path: str) -> Response:
        """Answer the request that Flask is serving."""
        tenant = self.tenants(name)
        if tenant is None:
            return _response(_error(NotFoundException(detail=f"there is no tenant {name[:64]!r}")))
        service = self.service_of(tenant)
        method = "GET" if request.method == "HEAD" else request.method
        raw = exchange = Exchange(method, "/" + path, request.args.to_dict())
        try:
            raw.subject = self.seams.admit(request, tenant)
            self._read(raw)
            exchange = self.seams.normalise(tenant, replace(raw, query=dict(raw.query)))
            answer = self._answer(tenant, service, raw, exchange)
        except SCIMException as error:
            answer = service.error_response(error)
            answer.headers.update(headers_of(error))
        except OperationalError as error:
            answer = _busy(error)
        self.seams.told(tenant, raw, exchange, answer)
        return _response(answer)

    def _read(self, exchange: Exchange) -> None:
        check_characters(exchange.path)
        for name, value in exchange.query.items():
            check_characters(name + value)
        if exchange.method in {"GET", "DELETE"}:
            return
        bulk = exchange.path.strip("/") == "Bulk"
        most = self.limits.bulk_body if bulk else self.limits.body
        exchange.raw = request.stream.read(most + 1)
        if len(exchange.raw) > most:
            raise PayloadTooLargeException(detail=f"the body has more than {most} bytes")
        if exchange.raw:
            exchange.body = read_json(exchange.raw)
            check_body(self.limits, exchange.body)

    def _answer(self, tenant: Tenant, service: TenantService, raw: Exchange, exchange: Exchange) -> ScimResponse:
        root = self.address or _root(request.scheme, request.host, request.root_path)
        asked = ScimRequest(
            method=exchange.method,
            base_url=f"{root}{PREFIX}/{tenant.name}",
            path=exchange.path,
            query=exchange.query,
            headers={name: value for name in _HEADERS if (value := request.headers.get(name)) is not None},
            body=raw.raw if exchange.body is raw.body else orjson.dumps(exchange.body),
            subject=exchange.subject,
        )
        reads = exchange.method == "GET" or exchange.path.endswith("/.search")
        storage = SqlStorage(
            self.store, tenant, self.provider, clock=self.clock, changed=self.seams.changed, reads=reads
        )
        storage.notes = exchange.notes
        return TenantHandler(service, storage, self.seams.may_delete).handle(asked)


@lru_cache(maxsize=256)
def _root(scheme: str, host: str, below: str) -> str:
    return f"{scheme}://{host}{below}".rstrip("/")


def scim_blueprint(server: Server) -> Blueprint:
    """The routes, for an application that serves more than SCIM."""
    blueprint = Blueprint("scim", __name__, url_prefix=PREFIX)

    def view(tenant: str, path: str = "") -> Response:
        try:
            return server.serve(tenant, path)
        except HTTPException as error:
            return _http_error(error)
        except Exception:
            current_app.logger.exception("SCIM: %s %s failed", request.method, request.path)
            return _response(
                _plain(HTTPStatus.INTERNAL_SERVER_ERROR, "this is a mistake of the server, and was logged")
            )

    for rule in ("/<tenant>", "/<tenant>/", "/<tenant>/<path:path>"):
        blueprint.add_url_rule(
            rule, "serve", view, methods=_METHODS, provide_automatic_options=False, strict_slashes=True
        )
    return blueprint


def scim_app(engine: Engine, tenants: Tenants, *, secret: str | bytes, **how: Any) -> Flask:
    """An application that serves SCIM only; see `Server` for what it takes."""
    app = Flask("scim", static_folder=None)
    app.url_map.merge_slashes = False
    app.register_blueprint(scim_blueprint(Server(engine, tenants, secret=secret, **how)))
    app.register_error_handler(HTTPException, _http_error)
    return app


def _http_error(error: HTTPException) -> Response:
    answer = _plain(HTTPStatus(error.code or 500), error.description or "")
    kept = {name: value for name, value in error.get_headers() if name.lower() == "allow"}
    answer.headers.update(kept)
    return _response(answer)


def _error(error: SCIMException) -> ScimResponse:
    said = error.to_error()
    return ScimResponse(HTTPStatus(said.status or 500), said.model_dump())


def _plain(status: HTTPStatus, detail: str) -> ScimResponse:
    return ScimResponse(status, Error(status=status, detail=detail).model_dump())


def _busy(error: OperationalError) -> ScimResponse:
    """The database is locked for long, or gone: the client may come again."""
    del error
    answer = _plain(HTTPStatus.SERVICE_UNAVAILABLE, "the store is busy or cannot be reached: try again")
    answer.headers["Retry-After"] = "5"
    return answer


class _Answer(Response):
    """An answer whose addresses are absolute and clean as they are: nothing is left to mend."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """The headers as they are."""
        del environ
        return self.headers


def _response(answer: ScimResponse) -> Response:
    body = b"" if answer.body is None else orjson.dumps(answer.body)
    headers = {**answer.headers, "Content-Length": str(len(body))}
    if answer.status == HTTPStatus.NO_CONTENT:
        del headers["Content-Length"]
    return _Answer(body, status=int(answer.status), headers=headers, content_type="application/scim+json")
