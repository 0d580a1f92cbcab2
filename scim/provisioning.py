"""What became of users, as the engine tells it, for identity providers to read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

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
        For how many something was new.
    """
    raise_counter(connection, tenant)
    wanted = {row.resource_id: row for row in rows}
    ids = list(wanted)
    return sum(
        _note(connection, tenant, [wanted[one] for one in ids[n : n + _PAGE]]) for n in range(0, len(ids), _PAGE)
    )


def differing(connection: Connection, tenant: str, rows: Iterable[Provisioning]) -> list[Provisioning]:
    """Those of these rows that say something new: where there are none, there is nothing to write."""
    wanted = {row.resource_id: row for row in rows}
    ids = list(wanted)
    return [
        row
        for start in range(0, len(ids), _PAGE)
        for row in _new(connection, tenant, [wanted[one] for one in ids[start : start + _PAGE]])
    ]


def _new(connection: Connection, tenant: str, rows: list[Provisioning]) -> list[Provisioning]:
    ids = [row.resource_id for row in rows]
    here = (resources.c.tenant == tenant, resources.c.id.in_(ids), resources.c.kind == "User")
    known = set(connection.execute(select(resources.c.id).where(*here)).scalars())
    of_these = (provisioning.c.tenant == tenant, provisioning.c.resource_id.in_(ids))
    before = {row.resource_id: _said(row) for row in connection.execute(select(provisioning).where(*of_these))}
    return [row for row in rows if row.resource_id in known and before.get(row.resource_id) != _said(row)]


def _note(connection: Connection, tenant: str, rows: list[Provisioning]) -> int:
    new = _new(connection, tenant, rows)
    if not new:
        return 0
    changed = [row.resource_id for row in new]
    connection.execute(
        delete(provisioning).where(provisioning.c.tenant == tenant, provisioning.c.resource_id == bindparam("of")),
        [{"of": one} for one in changed],
    )
    connection.execute(insert(provisioning), [{**asdict(row), "tenant": tenant} for row in new])
    raised = update(resources).where(resources.c.tenant == tenant, resources.c.id.in_(changed))
    connection.execute(raised.values(version=resources.c.version + 1))
    return len(new)


def _said(row: Any) -> tuple[Any, ...]:
    return row.state, row.reason, row.fluix_id, row.invitation
