"""/Bulk (RFC 7644 §3.7): references in a circle are put in by a second pass, as §3.7.1 allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from scim2_models import BulkOperation, ConflictException, Resource
from scim2_server.bulk import BULK_ID_PREFIX, BulkPlan, BulkStep, resolve_operation

Operation = BulkOperation[Resource[Any]]


class TwoPassPlan(BulkPlan):
    """A plan that makes resources of a circle without the references that close it, and remembers these."""

    def __init__(self, operations: list[Operation], fail_on_errors: int | None) -> None:
        super().__init__(operations, fail_on_errors)
        self.opened: dict[int, Operation] = {}
        """Operations without the references that close a circle, by their place."""

    def operation(self, step: BulkStep) -> Operation:
        """The operation of a step, without what the second pass puts in."""
        return self.opened.get(step.index) or super().operation(step)

    def resolve(self, step: BulkStep) -> Operation:
        """The operation with the ids of what was made; references to what comes later wait for the second pass."""
        operation = super().operation(step)
        later = {
            one
            for one in self.references(operation)
            if one in self.creations and self.creations[one] not in self.results
        }
        if later and operation.method == BulkOperation.Method.post:
            self.opened[step.index] = operation.model_copy(update={"data": without(operation.data, later)})
        return super().resolve(step)

    def second_pass(self) -> Iterator[tuple[int, Operation]]:
        """The operations whose circle is to be closed, as the client sent them."""
        for index in sorted(self.opened):
            if self.results[index]["status"] < 400:  # noqa: PLR2004
                yield index, self.operations[index]

    def closed(self, operation: Operation) -> Operation:
        """The operation with all its references.

        Raises:
            ConflictException: something that it refers to was not made.
        """

        def made(bulk_id: str) -> str:
            if bulk_id not in self.created:
                raise ConflictException(detail=f"no resource was made for the bulkId {bulk_id}")
            return str(self.created[bulk_id].id)

        return resolve_operation(operation, made)


def without(value: Any, bulk_ids: set[str]) -> Any:
    """A value without the objects that refer to these bulkIds; models are copied, not changed."""
    if isinstance(value, list):
        return [without(one, bulk_ids) for one in value if not _refers(one, bulk_ids)]
    if not isinstance(value, BaseModel):
        return value
    updates: dict[str, Any] = {}
    for name in type(value).model_fields:
        part = getattr(value, name)
        if isinstance(part, list | BaseModel):
            updates[name] = None if _refers(part, bulk_ids) else without(part, bulk_ids)
    return value.model_copy(update=updates)


def _refers(value: Any, bulk_ids: set[str]) -> bool:
    said = (getattr(value, "value", None), getattr(value, "ref", None))
    return any(
        isinstance(one, str) and one.removeprefix(BULK_ID_PREFIX) in bulk_ids and one.startswith(BULK_ID_PREFIX)
        for one in said
    )
