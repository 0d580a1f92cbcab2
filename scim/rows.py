"""Reading resources as rows: one by its id, those that an attribute names, a page of a search.

A page comes by index (RFC 7644 §3.4.2.4) or by keyset (RFC 9865): then its cost does not depend on how far it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, Final

from scim2_models import InvalidCursorException
from sqlalchemy import Connection, Row, and_, bindparam, func, or_, select

from scim.prepared import Prepared
from scim.shapes import Attribute
from scim.slots import COLUMNS, Condition
from scim.sorting import Order
from scim.tables import provisioning, resources, values

COLUMNS_READ: Final = (
    resources.c.number,
    resources.c.kind,
    resources.c.id,
    resources.c.created,
    resources.c.last_modified,
    resources.c.version,
    resources.c.active,
    resources.c.display_name,
    resources.c.document,
    provisioning.c.state,
    provisioning.c.reason,
    provisioning.c.fluix_id,
    provisioning.c.invitation,
)
_CHUNK: Final = 500
_TOLD: Final = and_(provisioning.c.tenant == resources.c.tenant, provisioning.c.resource_id == resources.c.id)
_ROWS: Final[Any] = select(*COLUMNS_READ).select_from(resources.outerjoin(provisioning, _TOLD))
_LIVE: Final[Any] = _ROWS.where(resources.c.tenant == bindparam("tenant"), resources.c.deleted_at.is_(None))
_BY_ID: Final = Prepared(_LIVE.where(resources.c.kind == bindparam("kind"), resources.c.id == bindparam("id")))


def by_id(connection: Connection, tenant: str, kind: str, resource_id: str) -> Any | None:
    """A resource that is not deleted."""
    return _BY_ID.first(connection, {"tenant": tenant, "kind": kind, "id": resource_id})


@cache
def equal_rows(attribute: Attribute) -> Prepared:
    """The statement that finds resources by a text of this attribute, as compared; `limit` of them."""
    found = _LIVE.where(resources.c.kind == bindparam("kind"))
    if attribute.path in COLUMNS:
        found = found.where(COLUMNS[attribute.path] == bindparam("text"))
    else:
        one = values.alias()
        keys = select(one.c.resource).where(
            one.c.digest == bindparam("digest"), one.c.path == attribute.path, one.c.text == bindparam("text")
        )
        found = found.where(resources.c.number.in_(keys))
    return Prepared(found.order_by(resources.c.number).limit(bindparam("limit")))


@cache
def equal_entry_rows(value: Attribute, kind: Attribute) -> Prepared:
    """The same by two parts of one entry: `emails[type eq "work" and value eq "…"]`."""
    one, two = values.alias(), values.alias()
    keys = (
        select(one.c.resource)
        .join(two, and_(two.c.resource == one.c.resource, two.c.ordinal == one.c.ordinal))
        .where(one.c.digest == bindparam("digest"), one.c.path == value.path, one.c.text == bindparam("text"))
        .where(two.c.path == kind.path, two.c.text == bindparam("entry"))
    )
    found = _LIVE.where(resources.c.kind == bindparam("kind"), resources.c.number.in_(keys))
    return Prepared(found.order_by(resources.c.number).limit(bindparam("limit")))


@dataclass(frozen=True, slots=True)
class Page:
    """A page of rows."""

    total: int | None
    rows: Sequence[Row[Any]]
    next: Any = None
    previous: Any = None


def where(tenant: str, conditions: Mapping[str, Condition | None]) -> Condition:
    """The resources of these kinds that are not deleted and match, each kind by its own condition."""
    kinds = [
        resources.c.kind == kind if condition is None else and_(resources.c.kind == kind, condition)
        for kind, condition in conditions.items()
    ]
    return and_(resources.c.tenant == tenant, resources.c.deleted_at.is_(None), or_(*kinds))


def count_of(connection: Connection, condition: Condition) -> int:
    """How many resources match."""
    return int(connection.execute(select(func.count()).select_from(resources).where(condition)).scalar_one())


def page_by_index(connection: Connection, condition: Condition, order: Order, start: int, count: int | None) -> Page:
    """The page that begins after `start` resources.

    Args:
        connection: to read by.
        condition: see `where`.
        order: see `scim.sorting`.
        start: how many to pass over.
        count: how many at most; None: all.
    """
    if count == 0:
        return Page(count_of(connection, condition), [])
    if start > _LARGEST:
        return Page(count_of(connection, condition), [])
    found = _ROWS.where(condition)
    if start:
        chosen = order.applied(select(resources.c.number).where(condition)).offset(start)
        found = _ROWS.where(resources.c.number.in_(chosen.limit(count) if count else chosen))
    elif count is not None:
        found = found.limit(count)
    rows = connection.execute(order.applied(found)).all()
    whole = start == 0 and (count is None or len(rows) < count)
    return Page(len(rows) if whole else count_of(connection, condition), rows)


_LARGEST: Final = 2**62


def page_by_cursor(
    connection: Connection, condition: Condition, order: Order, position: Any, count: int | None
) -> Page:
    """The page after, or before, a position; the total is counted for the first page only.

    Raises:
        InvalidCursorException: the position is none of ours.
    """
    total = count_of(connection, condition) if position is None else None
    if count == 0:
        return Page(total, [])
    backwards = False
    found = _ROWS.add_columns(order.expression.label("sorted_by")).where(condition)
    if position is not None:
        backwards, anchor = _read(position)
        found = found.where(order.beyond(anchor, backwards=backwards))
    found = order.applied(found, backwards=backwards)
    rows = list(connection.execute(found if count is None else found.limit(count + 1)).all())
    more = count is not None and len(rows) > count
    rows = rows[:count]
    if backwards:
        rows.reverse()
    if not rows:
        return Page(total, [])
    after = more if not backwards else True
    before = more if backwards else position is not None
    return Page(
        total,
        rows,
        {"d": "next", "k": rows[-1].sorted_by, "i": rows[-1].number} if after else None,
        {"d": "previous", "k": rows[0].sorted_by, "i": rows[0].number} if before else None,
    )


def _read(position: Any) -> tuple[bool, tuple[Any, int]]:
    try:
        direction, key, number = position["d"], position["k"], position["i"]
    except (TypeError, KeyError):
        raise InvalidCursorException from None
    if direction not in {"next", "previous"} or not isinstance(number, int):
        raise InvalidCursorException
    return direction == "previous", (key, number)


def chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    """So many at once as a statement takes well."""
    rest = iter(ids)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
