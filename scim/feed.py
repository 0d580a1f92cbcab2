"""What the engine reads: people and groups as they were pushed, all of them or what changed since. A page at a time, never all.

A tenant's counter orders its changes: who has read up to a counter, and asks for what came after it, misses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, and_, delete, func, or_, select

from scim import writing
from scim.tables import members, provisioning, resources, values

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Change:
    """A user or a group as it is now."""

    id: str
    kind: str
    """User or Group."""
    changed: int
    """The tenant's counter at its last change."""
    gone: bool
    """The identity provider deleted it."""
    active: bool
    """What `active` says; a user who does not say it is active, a group is."""
    document: dict[str, Any]
    """The attributes as they are published, without id, meta, groups and members."""
    created: str
    last_modified: str
    version: int


@contextmanager
def _reading(engine: Engine) -> Iterator[Connection]:
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        yield connection


def newest(engine: Engine, tenant: str) -> int:
    """The tenant's counter: up to here everything can be read. 0: nothing was ever written."""
    with _reading(engine) as connection:
        return writing.newest(connection, tenant)


def latest(engine: Engine, tenant: str) -> int:
    """The counter of the newest change of anybody; what was only told about somebody (`scim.provisioning`) is none."""
    with _reading(engine) as connection:
        query = select(func.max(resources.c.changed)).where(resources.c.tenant == tenant)
        return int(connection.execute(query).scalar() or 0)


def changes(engine: Engine, tenant: str, since: int = 0) -> Iterator[Change]:
    """Who changed after this counter, in the order of the changes; the deleted ones are told as gone.

    Nothing is held open between pages. Who changes again meanwhile comes again, further on.
    """
    after = (since, 0)
    while True:
        beyond = or_(
            resources.c.changed > after[0], and_(resources.c.changed == after[0], resources.c.number > after[1])
        )
        later = beyond if after[1] else resources.c.changed > since
        query = _of(tenant).where(later).order_by(resources.c.changed, resources.c.number).limit(_PAGE)
        with _reading(engine) as connection:
            rows = connection.execute(query).all()
        yield from map(_change, rows)
        if len(rows) < _PAGE:
            return
        after = (rows[-1].changed, rows[-1].number)


def everybody(engine: Engine, tenant: str, kind: str | None = None) -> Iterator[Change]:
    """Everybody who is not deleted, in the order of their arrival.

    Args:
        engine: the store's.
        tenant: whose.
        kind: `User` or `Group`; None: both.
    """
    after = 0
    while True:
        query = _of(tenant).where(resources.c.deleted_at.is_(None), resources.c.number > after)
        if kind is not None:
            query = query.where(resources.c.kind == kind)
        with _reading(engine) as connection:
            rows = connection.execute(query.order_by(resources.c.number).limit(_PAGE)).all()
        yield from map(_change, rows)
        if len(rows) < _PAGE:
            return
        after = rows[-1].number


def some(engine: Engine, tenant: str, ids: Iterable[str]) -> Iterator[Change]:
    """These, as far as they are there; the deleted ones are told as gone."""
    wanted = list(ids)
    for start in range(0, len(wanted), _PAGE):
        with _reading(engine) as connection:
            query = _of(tenant).where(resources.c.id.in_(wanted[start : start + _PAGE])).order_by(resources.c.number)
            rows = connection.execute(query).all()
        yield from map(_change, rows)


def members_of(engine: Engine, tenant: str, group: str) -> Iterator[tuple[str, str]]:
    """A group's members, in the order of their ids: each with its kind. Groups in groups are not opened."""
    after = ""
    while True:
        query = (
            select(members.c.member_id, members.c.kind)
            .where(members.c.tenant == tenant, members.c.group_id == group, members.c.member_id > after)
            .order_by(members.c.member_id)
            .limit(_PAGE)
        )
        with _reading(engine) as connection:
            rows = connection.execute(query).all()
        yield from ((row.member_id, row.kind) for row in rows)
        if len(rows) < _PAGE:
            return
        after = rows[-1].member_id


def groups_of(engine: Engine, tenant: str, member: str) -> list[str]:
    """The groups in which a user or a group is a member itself."""
    with _reading(engine) as connection:
        query = select(members.c.group_id).where(members.c.tenant == tenant, members.c.member_id == member)
        return list(connection.execute(query.order_by(members.c.group_id)).scalars())


def forget(connection: Connection, tenant: str, before: str) -> int:
    """Erase who was deleted before a moment, and all that is known of them; the engine has read that they are gone.

    Args:
        connection: of a writing transaction.
        tenant: whose.
        before: a moment as it is stored, see `scim.moments`.

    Returns:
        How many.
    """
    writing.raise_counter(connection, tenant)
    old = select(resources.c.number, resources.c.id).where(
        resources.c.tenant == tenant, resources.c.deleted_at < before
    )
    rows = connection.execute(old).all()
    for start in range(0, len(rows), _PAGE):
        page = rows[start : start + _PAGE]
        numbers, ids = [row.number for row in page], [row.id for row in page]
        connection.execute(delete(values).where(values.c.resource.in_(numbers)))
        connection.execute(
            delete(provisioning).where(provisioning.c.tenant == tenant, provisioning.c.resource_id.in_(ids))
        )
        connection.execute(delete(resources).where(resources.c.number.in_(numbers)))
    return len(rows)


def _of(tenant: str) -> Any:
    return select(resources).where(resources.c.tenant == tenant)


def _change(row: Any) -> Change:
    return Change(
        row.id,
        row.kind,
        row.changed,
        row.deleted_at is not None,
        row.active is not False,
        orjson.loads(row.document),
        row.created,
        row.last_modified,
        row.version,
    )
