"""Writing resources: make, replace, delete and revive. Documents in, rows out; who calls holds the tenant's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import orjson
from scim2_models import NotFoundException, UniquenessException
from sqlalchemy import Row, bindparam, delete, insert, select, union_all, update

from scim import members, rows
from scim.prepared import Prepared
from scim.provider import PROVISIONING
from scim.publishing import ENTERPRISE
from scim.shapes import Shape
from scim.tables import resources, values
from scim.values import columns_of, rows_of
from scim.writing import Writing

_LEFT_OUT: Final = ("id", "meta", "members", "groups", "password", PROVISIONING)
"""Not in the document: columns, other tables, and the password, which nobody here asks for again."""


def document_of(dumped: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored of a resource: as published, but what stands elsewhere, and references made from values."""
    document = {name: value for name, value in dumped.items() if name not in _LEFT_OUT}
    enterprise = document.get(ENTERPRISE)
    if enterprise and (manager := enterprise.get("manager")):
        manager = dict(manager)
        reference = manager.pop("$ref", None)
        if not manager.get("value") and reference:
            manager["value"] = reference.rstrip("/").rpartition("/")[2]
        document[ENTERPRISE] = {**enterprise, "manager": manager}
    return document


_NAMED: Final = select(resources.c.number, resources.c.id, resources.c.deleted_at).where(
    resources.c.tenant == bindparam("tenant"), resources.c.user_key == bindparam("user_key")
)
_HOLDERS: Final = Prepared(
    union_all(_NAMED.where(resources.c.deleted_at.is_(None)), _NAMED.where(resources.c.deleted_at.is_not(None)))
)
"""Who has a userName, and who had it when deleted: each part is answered from an index of its own."""
_INSERT: Final = insert(resources).returning(resources.c.number)
_UPDATE: Final = (
    update(resources)
    .where(resources.c.number == bindparam("which"))
    .values(
        **{name: bindparam(name) for name in ("user_key", "external_id", "display_name", "display_key", "active")},
        document=bindparam("document"),
        changed=bindparam("changed"),
        last_modified=bindparam("last_modified"),
        version=resources.c.version + 1,
    )
)
_REVIVE: Final = _UPDATE.values(created=bindparam("created"), deleted_at=None)
_FORGET_VALUES: Final = delete(values).where(values.c.resource == bindparam("which"))
_ADD_VALUES: Final = Prepared(insert(values), [*values.columns.keys()])


@dataclass(frozen=True, slots=True)
class Made:
    """A resource just made, as a row that need not be read: nothing became of it yet."""

    number: int
    kind: str
    id: str
    created: str
    last_modified: str
    active: bool | None
    display_name: str | None
    document: str
    version: int = 1
    state: None = None
    reason: None = None
    fluix_id: None = None
    invitation: None = None


Taken = tuple[dict[str, Any], list[dict[str, Any]]]


def taken_apart(tenant: str, shape: Shape, document: Mapping[str, Any]) -> Taken:
    """A document's columns and rows of values: work that needs no transaction."""
    return columns_of(shape, document), rows_of(tenant, shape, document)


def create(
    work: Writing,
    shape: Shape,
    document: Mapping[str, Any],
    told: members.Wanted,
    *,
    refuse_unknown: bool,
    taken: Taken | None = None,
) -> Any:
    """Make a resource; the userName of a deleted user brings that user back, with the id it had.

    Args:
        work: the transaction.
        shape: of its kind.
        document: see `document_of`.
        told: a group's members.
        refuse_unknown: whether a member that is not known here is an error.
        taken: the document taken apart, when that is done already.

    Returns:
        Its row.

    Raises:
        UniquenessException: a user who is there has this userName.
    """
    columns, found = taken or taken_apart(work.tenant, shape, document)
    stored = {
        **columns,
        "document": orjson.dumps(document).decode(),
        "created": work.now,
        "last_modified": work.now,
        "changed": work.change,
    }
    number, resource_id, new = _place(work, shape, columns, stored)
    _add_values(work, found, number)
    if told:
        members.add(work, resource_id, told, refuse_unknown=refuse_unknown)
    work.did(shape.kind, resource_id, "create")
    if not new:
        return required(work, shape.kind, resource_id)
    said = (columns["active"], columns["display_name"], stored["document"])
    return Made(number, shape.kind, resource_id, work.now, work.now, *said)


def _place(work: Writing, shape: Shape, columns: Mapping[str, Any], stored: dict[str, Any]) -> tuple[int, str, bool]:
    key = {"tenant": work.tenant, "user_key": columns["user_key"]}
    if columns["user_key"] is not None:
        back = _former(work, key, None)
        if back is not None:
            work.connection.execute(_REVIVE, {**stored, "which": back.number})
            return back.number, back.id, False
    resource_id = str(uuid4())
    new = {**stored, "tenant": work.tenant, "kind": shape.kind, "id": resource_id, "version": 1}
    return int(work.connection.execute(_INSERT, new).scalar_one()), resource_id, True


def _former(work: Writing, key: Mapping[str, Any], own: str | None) -> Row[Any] | None:
    """The deleted user who had this name last; an error, when somebody else has it now."""
    holders = _HOLDERS.all(work.connection, key)
    taken = next((one.id for one in holders if one.deleted_at is None and one.id != own), None)
    if taken is not None:
        raise UniquenessException(detail=f"the userName is taken, by {taken}")
    former: Row[Any] | None = max(holders, key=lambda one: one.deleted_at or "", default=None)
    return former


def _add_values(work: Writing, found: list[dict[str, Any]], number: int) -> None:
    if found:
        for row in found:
            row["resource"] = number
        _ADD_VALUES.many(work.connection, found)


def replace(work: Writing, shape: Shape, row: Row[Any], document: Mapping[str, Any], deed: str = "replace") -> bool:
    """Put a document in the place of a resource's.

    Returns:
        Whether it differed; else nothing was written.

    Raises:
        UniquenessException: another user has this userName.
    """
    text = orjson.dumps(document).decode()
    if text == row.document or _same(document, orjson.loads(row.document)):
        return False
    columns, found = taken_apart(work.tenant, shape, document)
    if columns["user_key"] is not None:
        _former(work, {"tenant": work.tenant, "user_key": columns["user_key"]}, row.id)
    changes = {"document": text, "changed": work.change, "last_modified": work.now, "which": row.number}
    work.connection.execute(_UPDATE, columns | changes)
    work.connection.execute(_FORGET_VALUES, {"which": row.number})
    _add_values(work, found, row.number)
    work.did(shape.kind, row.id, deed)
    if (row.active is False) != (columns["active"] is False):
        work.did(shape.kind, row.id, "deactivate" if columns["active"] is False else "activate")
    return True


def _same(one: Any, other: Any) -> bool:
    """Equal, the order of entries aside (RFC 7643 §2.4)."""
    return bool(_ordered(one) == _ordered(other))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(part) for key, part in value.items()}
    return sorted(map(_ordered, value), key=repr) if isinstance(value, list) else value


def modified(work: Writing, kind: str, resource_id: str) -> None:
    """A group's members changed: raise its version."""
    members.modify(work, kind, [resource_id])
    work.did(kind, resource_id, "patch")


def remove(work: Writing, row: Row[Any]) -> None:
    """Delete a resource: SCIM forgets it, the engine still finds its document. Memberships end."""
    members.leave_all(work, row.id)
    work.connection.execute(_FORGET_VALUES, {"which": row.number})
    gone = update(resources).where(resources.c.number == row.number)
    work.connection.execute(
        gone.values(deleted_at=work.now, changed=work.change, last_modified=work.now, version=resources.c.version + 1)
    )
    work.did(row.kind, row.id, "delete")


def required(work: Writing, kind: str, resource_id: str) -> Any:
    """A resource that is to be written.

    Raises:
        NotFoundException: there is none.
    """
    row = rows.by_id(work.connection, work.tenant, kind, resource_id)
    if row is None:
        raise NotFoundException(detail=f"there is no {kind} {resource_id!r}")
    return row
