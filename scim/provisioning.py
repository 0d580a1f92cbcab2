"""What became of users, as the engine tells it, for identity providers to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from scim.tables import provisioning, resources
from scim.writing import raise_counter

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Provisioning:
    """What became of one user."""

    resource_id: str
    state: str
    reason: str | None = None
    fluix_id: str | None = None
    invitation: str | None = None
    at: str = ""
    """The moment, as it is stored: see `scim.moments`."""


def note_provisioning(connection: Connection, tenant: str, rows: Iterable[Provisioning]) -> int:
    """Write what became of users; an identity provider reads it in the extension, under another ETag.

    The counter of what a user says (`changed`) stays: the engine is not told of what it said itself.

    Args:
        connection: of a writing transaction.
        tenant: whose.
        rows: who is not known here is passed over.

    Returns:
        For how many something was new; where that is nobody, nothing is written.
    """
    new = _new(connection, tenant, {row.resource_id: row for row in rows})
    if not new:
        return 0
    raise_counter(connection, tenant)
    for start in range(0, len(new), _PAGE):
        _write(connection, tenant, new[start : start + _PAGE])
    return len(new)


def _new(connection: Connection, tenant: str, wanted: Mapping[str, Provisioning]) -> list[Provisioning]:
    """Those who are known here, and of whom something new is said."""
    ids, new = list(wanted), list[Provisioning]()
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        here = (resources.c.tenant == tenant, resources.c.id.in_(page), resources.c.kind == "User")
        known = connection.execute(select(resources.c.id).where(*here)).scalars().all()
        of_these = (provisioning.c.tenant == tenant, provisioning.c.resource_id.in_(page))
        before = {row.resource_id: _said(row) for row in connection.execute(select(provisioning).where(*of_these))}
        new += [wanted[one] for one in known if before.get(one) != _said(wanted[one])]
    return new


def _write(connection: Connection, tenant: str, rows: list[Provisioning]) -> None:
    ids = [row.resource_id for row in rows]
    of_these = (provisioning.c.tenant == tenant, provisioning.c.resource_id.in_(ids))
    connection.execute(delete(provisioning).where(*of_these))
    connection.execute(insert(provisioning), [{**asdict(row), "tenant": tenant} for row in rows])
    raised = update(resources).where(resources.c.tenant == tenant, resources.c.id.in_(ids))
    connection.execute(raised.values(version=resources.c.version + 1))


def _said(row: Any) -> tuple[Any, ...]:
    return row.state, row.reason, row.fluix_id, row.invitation
