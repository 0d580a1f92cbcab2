"""Serving requests: scim2-server's handler, with what is asked most answered from columns and documents, without models.

Both ways give the same answers; a test compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any, cast

from scim2_models import (
    BulkOperation,
    ConflictException,
    Meta,
    NotFoundException,
    PatchOp,
    Resource,
    ResourceType,
    ResponseParameters,
    SCIMException,
    SearchRequest,
)
from scim2_server.conditions import Conditions
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.routing import Operation
from sqlalchemy import Connection, Row

from scim import deeds, members, quick, rows
from scim.bulk import TwoPassPlan
from scim.modifying import Modifier
from scim.plain import plain_user
from scim.projection import Projection, projection_of
from scim.publishing import etag, location, members_of, publish, publish_all, publish_text
from scim.seams import MayDelete
from scim.service import SMALL, TenantService
from scim.shapes import Shape, shape_of
from scim.sorting import BY_ARRIVAL
from scim.storage import SqlStorage, dump

Parameters = ResponseParameters[Any]


class TenantHandler(ScimHandler):
    """The handler of one request of a tenant.

    Args:
        service: of the tenant.
        storage: of this request.
        may_delete: asked before a DELETE, where the tenant would rather refuse.
    """

    service: TenantService
    storage: SqlStorage

    def __init__(self, service: TenantService, storage: SqlStorage, may_delete: MayDelete) -> None:
        super().__init__(service, storage)
        self.may_delete = may_delete
        self._modifier = Modifier(service.provider, storage)

    def handle(self, request: ScimRequest) -> ScimResponse:
        """Serve a request by the method of its operation."""
        operation = self.service.match(request).operation
        response: ScimResponse = getattr(self, operation.value)(request)
        return response

    # --- reading --------------------------------------------------------------------------------------------------

    def query(self, request: ScimRequest) -> ScimResponse:
        """Read a resource (RFC 7644 §3.4.1)."""
        target = self.service.route(request, Operation.query)
        resource_type = self.service.resource_type_at(cast("str", target.endpoint))
        self.service.authorize(request, target, resource_type)
        kind = str(resource_type.name)
        projection = self._projection(kind, self._parameters(resource_type, request))
        with self.storage.reading() as connection:
            row = rows.by_id(connection, self.storage.tenant.name, kind, str(target.resource_id))
            if row is None:
                raise NotFoundException(detail=f"there is no {kind} {target.resource_id!r}")
            if not self.service.read_conditions(request).check(etag(row.version), "GET"):
                unchanged = ScimResponse(HTTPStatus.NOT_MODIFIED, None, {"ETag": etag(row.version)})
                return self.service.me_response(request, target, unchanged)
            response = self._answer(connection, request, row, projection)
        return self.service.me_response(request, target, response)

    def search(self, request: ScimRequest) -> ScimResponse:
        """Search with GET (RFC 7644 §3.4.2)."""
        target = self.service.route(request, Operation.search)
        types = self.service.searched_types(target.endpoint)
        allowed = self.service.authorized_types(request, target, types)
        if len(types) == 1:
            answer = self._quick(request, types[0])
            if answer is not None:
                return answer
        with self.service.provider:
            search, position = self.service.read_search_query(types, request.query)
            return self._found(request, types, allowed, search, position)

    def search_with_body(self, request: ScimRequest) -> ScimResponse:
        """Search with POST (RFC 7644 §3.4.3)."""
        target = self.service.route(request, Operation.search_with_body)
        types = self.service.searched_types(target.endpoint)
        allowed = self.service.authorized_types(request, target, types)
        with self.service.provider:
            search, position = self.service.read_search_body(types, request.body, request.header("Content-Type"))
            return self._found(request, types, allowed, search, position)

    def _quick(self, request: ScimRequest, resource_type: ResourceType) -> ScimResponse | None:
        kind = str(resource_type.name)
        shape = self._shape(kind)
        limits = self.service.limits
        pagination = self.service.config.pagination
        default = (pagination and pagination.default_page_size) or limits.page
        search = quick.read(shape, request.query, default, limits.page)
        if search is None:
            return None
        projection = self._projection(kind, self._parameters(resource_type, request))
        tenant = self.storage.tenant.name
        with self.storage.reading() as connection:
            if search.equal is None:
                condition = rows.where(tenant, {kind: None})
                page = rows.page_by_index(connection, condition, BY_ARRIVAL, search.start - 1, search.count)
                total, found = page.total, page.rows
            else:
                found = search.equal.rows(connection, tenant, kind, search.count + 1) if search.start == 1 else []
                total = len(found)
                if search.start > 1 or total > search.count:
                    return None  # more than fit on the page: the long way counts them
            resources = self._published(connection, request, found, {kind: projection})
        return _list(resources, total=total, start=search.start)

    def _found(
        self,
        request: ScimRequest,
        types: list[ResourceType],
        allowed: list[ResourceType],
        search: SearchRequest[Any],
        position: Any,
    ) -> ScimResponse:
        with self.storage.reading() as connection:
            page = self.storage.find(connection, [str(one.name) for one in allowed], search, position)
            projections = {kind: self._projection(kind, search) for kind in {row.kind for row in page.rows}}
            resources = self._published(connection, request, page.rows, projections)
        if search.cursor is None:
            return _list(resources, total=page.total, start=search.start_index)
        answer = _list(resources, total=page.total)
        for name, there in {"nextCursor": page.next, "previousCursor": page.previous}.items():
            if there is not None and search.count != 0:
                cast("dict[str, Any]", answer.body)[name] = self.service.sealed(types, search, there)
        return answer

    def _published(
        self,
        connection: Connection,
        request: ScimRequest,
        found: Sequence[Row[Any]],
        projections: dict[str, Projection],
    ) -> list[Any]:
        """As JSON; what is kept whole may be its text."""
        groups = "User" in projections and projections["User"].keeps("groups")
        held = "Group" in projections and projections["Group"].keeps("members")
        base, tenant = _base(request), self.storage.tenant.name
        if not any(projections.values()):
            return publish_all(connection, tenant, found, base, how=publish_text)
        documents = publish_all(connection, tenant, found, base, groups=groups, held=held)
        return [projections[row.kind].apply(document) for row, document in zip(found, documents, strict=True)]

    # --- writing --------------------------------------------------------------------------------------------------

    def create(self, request: ScimRequest) -> ScimResponse:
        """Create a resource (RFC 7644 §3.3): one validation, one dump, answered from what is stored."""
        with self.service.provider:
            target = self.service.route(request, Operation.create)
            resource_type = self.service.resource_type_at(cast("str", target.endpoint))
            self.service.authorize(request, target, resource_type)
            dumped = self._new(resource_type, request)
        kind = str(resource_type.name)
        told = members.wanted_of(dumped.get("members", []))
        document, shape = deeds.document_of(dumped), self._shape(kind)
        taken = deeds.taken_apart(self.storage.tenant.name, shape, document)
        with self.storage.writing() as work:
            made = deeds.create(
                work, shape, document, told, refuse_unknown=self.storage.tenant.refuses_unknown, taken=taken
            )
            held = members_of(work.connection, work.tenant, [made.id], _base(request)).get(made.id, ()) if told else ()
        where, version = location(_base(request), kind, made.id), etag(made.version)
        headers = {"Location": where, "Content-Location": where, "ETag": version}
        return ScimResponse(HTTPStatus.CREATED, publish(made, _base(request), (), held), headers)

    def _new(self, resource_type: ResourceType, request: ScimRequest) -> dict[str, Any]:
        """What a body makes."""
        sent_as = request.header("Content-Type")
        if resource_type.name == "User":
            self.service.ensure_json(sent_as)
            if plain := plain_user(self.service.provider, self.service.decode_body(request.body, sent_as)):
                return plain
        return dump(self.service.read_creation(resource_type, request.body, sent_as), self.service.provider)

    def replace(self, request: ScimRequest) -> ScimResponse:
        """Replace a resource (RFC 7644 §3.5.1); what changes nothing keeps the version."""
        target = self.service.route(request, Operation.replace)
        resource_type = self.service.resource_type_at(cast("str", target.endpoint))
        self.service.authorize(request, target, resource_type)
        parameters = self._parameters(resource_type, request)
        with self.service.provider:
            resource = self.service.read_replacement(resource_type, request.body, request.header("Content-Type"))
            dumped = dump(resource, self.service.provider)
        kind = str(resource_type.name)
        told = members.wanted_of(dumped.get("members", []))
        document = deeds.document_of(dumped)
        with self.storage.writing() as work:
            row = deeds.required(work, kind, str(target.resource_id))
            self.service.read_conditions(request).check(etag(row.version), "PUT")
            changed = deeds.replace(work, self._shape(kind), row, document)
            joined = kind == "Group" and members.replace(
                work, row.id, told, refuse_unknown=self.storage.tenant.refuses_unknown
            )
            if joined and not changed:
                deeds.modified(work, kind, row.id)
            row = deeds.required(work, kind, row.id)
            response = self._answer(work.connection, request, row, self._projection(kind, parameters))
        return self.service.me_response(request, target, response)

    def patch(self, request: ScimRequest) -> ScimResponse:
        """Modify a resource (RFC 7644 §3.5.2)."""
        with self.service.provider:
            target = self.service.route(request, Operation.patch)
            resource_type = self.service.resource_type_at(cast("str", target.endpoint))
            self.service.authorize(request, target, resource_type)
            parameters = self.service.read_response_parameters(resource_type, request.query)
            patch = self.service.read_patch(resource_type, request.body, request.header("Content-Type"))
            kind = str(resource_type.name)
            with self.storage.writing() as work:
                conditions = self.service.read_conditions(request)
                row = self._modifier.modify(work, resource_type, str(target.resource_id), patch, conditions)
                if self.service.answers_patch(kind, parameters, partial(members.size, work, row.id, SMALL)):
                    response = self._answer(work.connection, request, row, self._projection(kind, parameters))
                else:
                    response = ScimResponse(HTTPStatus.NO_CONTENT, None, {"ETag": etag(row.version)})
        return self.service.me_response(request, target, response)

    def patch_resource(
        self, resource_type: ResourceType, resource_id: str, patch_op: PatchOp[Any], conditions: Conditions
    ) -> Resource[Any]:
        """The same within a bulk request, which only asks for the version."""
        with self.storage.writing() as work:
            row = self._modifier.modify(work, resource_type, resource_id, patch_op, conditions)
        model = self.service.get_model(resource_type)
        return model(id=row.id, meta=Meta(resource_type=row.kind, version=etag(row.version)))

    def delete_resource(self, resource_type: ResourceType, resource_id: str, conditions: Conditions) -> None:
        """Delete a resource (RFC 7644 §3.6), unless the tenant refuses and there is a reason.

        Raises:
            ConflictException: the reason.
        """
        kind = str(resource_type.name)
        with self.storage.writing() as work:
            row = deeds.required(work, kind, resource_id)
            conditions.check(etag(row.version), "DELETE")
            if self.storage.tenant.deletes == "refuse" and kind == "User":
                reason = self.may_delete(self.storage.tenant, resource_id)
                if reason is not None:
                    raise ConflictException(detail=reason)
            deeds.remove(work, row)

    # --- bulk -----------------------------------------------------------------------------------------------------

    def bulk(self, request: ScimRequest) -> ScimResponse:
        """Run a bulk request (RFC 7644 §3.7): one transaction, each operation with a savepoint of its own."""
        with self.service.provider:
            self.service.route(request, Operation.bulk)
            read = self.service.read_bulk(request.body, request.header("Content-Type"))
            plan = TwoPassPlan(read.operations, read.fail_on_errors)
            with self.storage.writing():
                for step in plan:
                    result, resource = self.run_bulk_step(request, plan, step)
                    plan.record(step, result, resource)
                for index, operation in plan.second_pass():
                    self._close_circle(plan, index, operation)
            return self.service.bulk_response(plan)

    def _close_circle(self, plan: TwoPassPlan, index: int, operation: BulkOperation[Resource[Any]]) -> None:
        """Put the references in that could not be there when the resource was made; if that fails, it was not made."""
        resource_type = cast("ResourceType", self.service.route_bulk_operation(operation))
        made = plan.created[str(operation.bulk_id)]
        outcome = plan.results[index]
        try:
            with self.storage.operation():
                data = cast("Resource[Any]", plan.closed(operation).data)
                updated = self.storage.update(resource_type, data.model_copy(update={"id": made.id}))
            outcome["version"] = updated.meta.version if updated.meta else None
        except SCIMException as error:
            self.storage.delete(resource_type, str(made.id))
            kept = {name: outcome[name] for name in ("method", "bulk_id")}
            plan.results[index] = self.service.bulk_failure(kept, error)

    # --- parts ----------------------------------------------------------------------------------------------------

    def _shape(self, kind: str) -> Shape:
        return shape_of(self.service.provider, kind)

    def _projection(self, kind: str, parameters: Parameters | None) -> Projection:
        return projection_of(self._shape(kind), parameters)

    def _parameters(self, resource_type: ResourceType, request: ScimRequest) -> Parameters | None:
        """The parameters of §3.9; None when there are none."""
        asked = (request.query.get("attributes"), request.query.get("excludedAttributes"))
        return None if asked == (None, None) else _read_parameters(self.service, str(resource_type.name), *asked)

    def _answer(
        self, connection: Connection, request: ScimRequest, row: Row[Any], projection: Projection
    ) -> ScimResponse:
        (document,) = self._published(connection, request, [row], {row.kind: projection})
        headers = {"Content-Location": location(_base(request), row.kind, row.id), "ETag": etag(row.version)}
        return ScimResponse(HTTPStatus.OK, document, headers)


@lru_cache(maxsize=1024)
def _read_parameters(service: TenantService, kind: str, attributes: str | None, excluded: str | None) -> Parameters:
    query = {"attributes": attributes, "excludedAttributes": excluded}
    said = {name: value for name, value in query.items() if value is not None}
    with service.provider:
        return service.read_response_parameters(service.get_resource_type(kind), said)


def _base(request: ScimRequest) -> str:
    return request.base_url.rstrip("/") + "/"


def _list(resources: list[Any], *, total: int | None, start: int | None = None) -> ScimResponse:
    """A ListResponse (RFC 7644 §3.4.2, RFC 9865 §2)."""
    said = {"totalResults": total, "itemsPerPage": len(resources), "startIndex": start}
    body: dict[str, Any] = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]}
    body |= {name: value for name, value in said.items() if value is not None}
    body["Resources"] = resources
    return ScimResponse(HTTPStatus.OK, body)
