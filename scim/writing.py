"""One writing transaction of a tenant: it raises the tenant's counter before all else, so that writers of a tenant queue.

What is read afterwards cannot be changed by another before the commit: read, change, write never conflicts. Who reads by the
counter (`scim.feed`) never misses a change, since the counters come in the order of the commits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from scim.connections import Store
from scim.moments import Clock, text_of
from scim.tables import tenants


class Changed(Protocol):
    """Is told, inside of the transaction, what it did: `create`, `replace`, `patch`, `delete`, `activate`, `deactivate`."""

    def __call__(self, connection: Connection, tenant: str, kind: str, ids: list[str], deed: str, /) -> None:
        """Take note; what it raises takes the whole transaction back."""
        ...


def nobody_told(connection: Connection, tenant: str, kind: str, ids: list[str], deed: str) -> None:
    """The default: nobody wants to know."""
    del connection, tenant, kind, ids, deed


@dataclass(slots=True)
class Writing:
    """A writing transaction that is open."""

    connection: Connection
    tenant: str
    change: int
    """The tenant's counter: the place of what is written here among all changes."""
    now: str
    deeds: list[tuple[str, str, str]] = field(default_factory=list)
    """Kind, id, deed: what is told at the end."""
    notes: list[str] = field(default_factory=list)
    """Sentences for the audit of the call."""

    def did(self, kind: str, resource_id: str, deed: str) -> None:
        """Keep a deed, to be told before the commit."""
        self.deeds.append((kind, resource_id, deed))


_RAISE: Final = (
    update(tenants)
    .where(tenants.c.name == bindparam("tenant"))
    .values(changes=tenants.c.changes + 1)
    .returning(tenants.c.changes)
)


def raise_counter(connection: Connection, tenant: str) -> int:
    """The tenant's next counter; from here to the commit nobody else writes for this tenant."""
    raised = connection.execute(_RAISE, {"tenant": tenant}).scalar()
    if raised is None:
        try:
            with connection.begin_nested():
                connection.execute(insert(tenants).values(name=tenant, changes=0))
        except IntegrityError:  # another made it between the two statements
            pass
        raised = connection.execute(_RAISE, {"tenant": tenant}).scalar_one()
    return int(raised)


def newest(connection: Connection, tenant: str) -> int:
    """The tenant's counter; 0 when nothing was ever written."""
    return int(connection.execute(select(tenants.c.changes).where(tenants.c.name == tenant)).scalar() or 0)


@contextmanager
def writing(store: Store, tenant: str, clock: Clock, changed: Changed = nobody_told) -> Iterator[Writing]:
    """One transaction: all of it is kept, or nothing."""
    with store.writing() as connection:
        change = raise_counter(connection, tenant)
        work = Writing(connection, tenant, change, text_of(clock()))
        yield work
        tell(work, changed)


def tell(work: Writing, changed: Changed) -> None:
    """Tell the deeds, those of one kind together, in the order in which they began."""
    grouped: dict[tuple[str, str], dict[str, None]] = {}
    for kind, resource_id, deed in work.deeds:
        grouped.setdefault((kind, deed), {})[resource_id] = None
    for (kind, deed), ids in grouped.items():
        changed(work.connection, work.tenant, kind, list(ids), deed)
