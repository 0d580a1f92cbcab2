"""What a PATCH does to one resource (RFC 7644 §3.5.2): memberships as rows, the rest in its document, rarely through models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scim2_models import PatchOp, ResourceType, ScimProvider
from scim2_server.conditions import Conditions
from sqlalchemy import Row

from scim import deeds, patching
from scim.provider import PROVISIONING
from scim.publishing import etag, publish
from scim.shapes import Shape, shape_of
from scim.storage import SqlStorage, dump
from scim.writing import Writing


@dataclass(frozen=True, slots=True)
class Modifier:
    """Modifies resources of one tenant.

    Args:
        provider: the schemas.
        storage: of this request.
    """

    provider: ScimProvider
    storage: SqlStorage

    def modify(
        self, work: Writing, resource_type: ResourceType, resource_id: str, patch: PatchOp[Any], conditions: Conditions
    ) -> Any:
        """Apply a PATCH to a resource; returns its row afterwards.

        Args:
            work: the transaction.
            resource_type: of the resource.
            resource_id: of the resource; one that is not there raises NotFoundException.
            patch: the operations.
            conditions: If-Match and If-None-Match.
        """
        kind = str(resource_type.name)
        shape = shape_of(self.provider, kind)
        row = deeds.required(work, kind, resource_id)
        conditions.check(etag(row.version), "PATCH")
        if kind == "Group":
            split = patching.split(shape, patch)
            if split is None:
                self._patch_whole(resource_type, row, patch)
                return deeds.required(work, kind, row.id)
            joined = patching.apply(
                work, shape, row.id, split.deltas, refuse_unknown=self.storage.tenant.refuses_unknown
            )
            changed = bool(split.rest) and self._patch_document(work, shape, row, patch, split.rest)
            if joined and not changed:
                deeds.modified(work, kind, row.id)
        else:
            self._patch_document(work, shape, row, patch, patch.operations or [])
        return deeds.required(work, kind, row.id)

    def _patch_document(
        self, work: Writing, shape: Shape, row: Row[Any], patch: PatchOp[Any], operations: Sequence[Any]
    ) -> bool:
        model = self.storage.model(publish(row, ""))
        named = patching.names(PROVISIONING, operations)
        if not patch.model_copy(update={"operations": list(operations)}).patch(model) and named is None:
            return False
        document = deeds.document_of(dump(model, self.provider))
        if named is not None:
            others = [urn for urn in document["schemas"] if urn != PROVISIONING]
            document["schemas"] = [*others, PROVISIONING] if named else others
        return deeds.replace(work, shape, row, document, "patch")

    def _patch_whole(self, resource_type: ResourceType, row: Row[Any], patch: PatchOp[Any]) -> None:
        current = self.storage.get(resource_type, row.id)
        if patch.patch(current):
            self.storage.update(resource_type, current)
