"""The store as scim2-server asks for it: models in, models out. Requests that need no model do without it (`scim.handler`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from scim2_models import (
    Context,
    NotFoundException,
    PreconditionFailedException,
    Resource,
    ResourceType,
    ResponseParameters,
    ScimProvider,
    SearchRequest,
)
from scim2_server.conditions import opaque_tag
from scim2_server.storage import ScimStorage, SearchPage
from sqlalchemy import Connection, Row

from scim import deeds, members, rows
from scim.connections import Store
from scim.filters import WhereVisitor
from scim.moments import Clock, utc_now
from scim.projection import Projection, projection_of
from scim.provider import PROVISIONING
from scim.publishing import etag, publish_all
from scim.shapes import shape_of
from scim.slots import Condition
from scim.sorting import BY_ARRIVAL, order_by
from scim.tenant import Tenant
from scim.writing import Changed, Writing, nobody_told, writing

Model = Resource[Any]


class SqlStorage(ScimStorage):
    """The resources of one tenant, for one request; not shared between threads.

    Args:
        store: where they are.
        tenant: whose.
        provider: what is served.
        clock: for meta.
        changed: told inside of each writing transaction.
        reads: the request only reads: an operation then opens no writing transaction.
    """

    supports_cursors = True

    def __init__(
        self,
        store: Store,
        tenant: Tenant,
        provider: ScimProvider,
        *,
        clock: Clock = utc_now,
        changed: Changed = nobody_told,
        reads: bool = False,
    ) -> None:
        self.store = store
        self.tenant = tenant
        self.provider = provider
        self.clock = clock
        self.changed = changed
        self.reads = reads
        self.notes: list[str] = []
        self._work: Writing | None = None
        self._connection: Connection | None = None

    # --- transactions ---------------------------------------------------------------------------------------------

    @contextmanager
    def operation(self) -> Iterator[None]:
        """One operation: a transaction of its own, or a savepoint in the one that is open."""
        if self.reads:
            with self.reading():
                yield
        elif self._work is None:
            with self.writing():
                yield
        else:
            told = len(self._work.deeds)
            try:
                with self._work.connection.begin_nested():
                    yield
            except BaseException:
                del self._work.deeds[told:]
                raise

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """The transaction that is open, or a new one."""
        if self._work is not None:
            yield self._work
            return
        with writing(self.store, self.tenant.name, self.clock, self.changed) as work:
            work.notes = self.notes
            self._work = work
            try:
                yield work
            finally:
                self._work = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees what this request wrote."""
        if self._work is not None:
            yield self._work.connection
        elif self._connection is not None:
            yield self._connection
        else:
            with self.store.reading() as connection:
                self._connection = connection
                try:
                    yield connection
                finally:
                    self._connection = None

    # --- reading --------------------------------------------------------------------------------------------------

    def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Model:
        """A resource, without the members that the answer does not say."""
        kind = str(resource_type.name)
        with self.reading() as connection:
            row = rows.by_id(connection, self.tenant.name, kind, resource_id)
            if row is None:
                raise NotFoundException(detail=f"there is no {kind} {resource_id!r}")
            return self._models(connection, [row], response_parameters)[0]

    def search(
        self, resource_types: list[ResourceType], search_request: SearchRequest[Any], *, position: Any = None
    ) -> SearchPage:
        """One page of a search."""
        with self.reading() as connection:
            page = self.find(connection, [str(one.name) for one in resource_types], search_request, position)
            return SearchPage(page.total, self._models(connection, page.rows, search_request), page.next, page.previous)

    def find(
        self, connection: Connection, kinds: list[str], request: SearchRequest[Any], position: Any = None
    ) -> rows.Page:
        """One page of a search, as rows."""
        shapes = [shape_of(self.provider, kind) for kind in kinds]
        conditions: dict[str, Condition | None] = {
            shape.kind: WhereVisitor(self.tenant.name, shape).visit(request.filter.ast) if request.filter else None
            for shape in shapes
        }
        descending = request.sort_order == SearchRequest.SortOrder.descending
        order = order_by(shapes, str(request.sort_by), descending=descending) if request.sort_by else BY_ARRIVAL
        condition = rows.where(self.tenant.name, conditions)
        if request.cursor is not None:
            return rows.page_by_cursor(connection, condition, order, position, request.count)
        return rows.page_by_index(connection, condition, order, request.start_index_0 or 0, request.count)

    def _models(self, connection: Connection, found: Any, parameters: ResponseParameters[Any] | None) -> list[Model]:
        kept = {kind: self._projection(kind, parameters) for kind in {row.kind for row in found}}
        documents = publish_all(
            connection,
            self.tenant.name,
            found,
            "",
            groups="User" in kept and kept["User"].keeps("groups"),
            held="Group" in kept and kept["Group"].keeps("members"),
        )
        return [self.model(document) for document in documents]

    def _projection(self, kind: str, parameters: ResponseParameters[Any] | None) -> Projection:
        return projection_of(shape_of(self.provider, kind), parameters)

    def model(self, document: Mapping[str, Any]) -> Model:
        """The model of a document as published with relative references."""
        model: Any = self.provider.model_for(document["meta"]["resourceType"])
        found: Model = model.model_validate(document, scim_provider=self.provider)
        return found

    # --- writing --------------------------------------------------------------------------------------------------

    def create(self, resource_type: ResourceType, resource: Model) -> Model:
        """A new resource."""
        dumped = dump(resource, self.provider)
        with self.writing() as work:
            shape = shape_of(self.provider, str(resource_type.name))
            told = members.wanted_of(dumped.get("members", []))
            document = deeds.document_of(dumped)
            made = deeds.create(work, shape, document, told, refuse_unknown=self.tenant.refuses_unknown)
            return self.get(resource_type, made.id)

    def update(self, resource_type: ResourceType, resource: Model, *, expected_version: str | None = None) -> Model:
        """The new state of a resource."""
        kind = str(resource_type.name)
        dumped = dump(resource, self.provider)
        with self.writing() as work:
            row = deeds.required(work, kind, str(resource.id))
            _expect(row, expected_version)
            changed = deeds.replace(work, shape_of(self.provider, kind), row, deeds.document_of(dumped))
            if kind == "Group":
                wanted = members.wanted_of(dumped.get("members", []))
                joined = members.replace(work, row.id, wanted, refuse_unknown=self.tenant.refuses_unknown)
                if joined and not changed:
                    deeds.modified(work, kind, row.id)
            return self.get(resource_type, row.id)

    def delete(self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None) -> None:
        """Delete a resource."""
        with self.writing() as work:
            row = deeds.required(work, str(resource_type.name), resource_id)
            _expect(row, expected_version)
            deeds.remove(work, row)


def dump(resource: Model, provider: ScimProvider) -> dict[str, Any]:
    """A resource as it is published, without what is never returned; the provisioning extension is only named."""
    dumped = resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, scim_provider=provider)
    extension = type(resource).get_extension_models().get(PROVISIONING)
    schemas = [urn for urn in dumped["schemas"] if urn != PROVISIONING]
    named = extension is not None and resource[extension] is not None
    return {**dumped, "schemas": [*schemas, PROVISIONING] if named else schemas}


def _expect(row: Row[Any], version: str | None) -> None:
    if version is not None and opaque_tag(version) != opaque_tag(etag(row.version)):
        raise PreconditionFailedException
