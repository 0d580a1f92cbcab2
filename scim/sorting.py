"""The order of a search (RFC 7644 §3.4.2.3): who has no value comes last, or first when descending; then the order of arrival."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from scim2_models.path import AttrPath
from sqlalchemy import ColumnElement, and_, case, null, or_, select

from scim.provider import PROVISIONING
from scim.shapes import Attribute, Shape
from scim.slots import COLUMNS, NEVER_NULL, Condition, Expression, group_parts, member_parts
from scim.tables import members, provisioning, resources, values


@dataclass(frozen=True, slots=True)
class Order:
    """An order: by a value, then by arrival."""

    expression: Expression
    nullable: bool = True
    descending: bool = False
    plain: bool = False
    """By arrival alone."""

    def applied(self, query: Any, *, backwards: bool = False) -> Any:
        """The query in this order, or in its reverse."""
        turned = self.descending != backwards

        def way(column: Any) -> Any:
            return column.desc() if turned else column.asc()

        if self.plain:
            return query.order_by(way(resources.c.number))
        first = [way(case((self.expression.is_(None), 1), else_=0))] if self.nullable else []
        return query.order_by(*first, way(self.expression), way(resources.c.number))

    def beyond(self, anchor: tuple[Any, int], *, backwards: bool = False) -> Condition:
        """Who stands after the anchor, a value and a number; or before it."""
        value, number = anchor
        rising = self.descending == backwards
        number_beyond = resources.c.number > number if rising else resources.c.number < number
        if self.plain:
            return number_beyond
        column = self.expression
        if value is None:
            same = and_(column.is_(None), number_beyond)
            return same if rising else or_(same, column.is_not(None))
        further = column > value if rising else column < value
        found = or_(further, and_(column == value, number_beyond))
        return or_(found, column.is_(None)) if rising and self.nullable else found


BY_ARRIVAL: Final = Order(null(), plain=True)


def attr_path_of(text: str) -> AttrPath:
    """An attribute path in its parts."""
    uri, _, rest = text.rpartition(":")
    attr, _, sub = rest.partition(".")
    return AttrPath(attr, sub or None, uri or None)


def order_by(shapes: Iterable[Shape], sort_by: str, *, descending: bool) -> Order:
    """The order by an attribute, which not every kind need have."""
    path = attr_path_of(sort_by)
    found = {shape.kind: shape.compared(path) for shape in shapes}
    expressions = {kind: _expression(*one) for kind, one in found.items() if one is not None}
    if not expressions:
        return Order(null(), plain=True, descending=descending)
    everywhere = len(expressions) == len(found)
    paths = {(sub or head).path for head, sub in filter(None, found.values())}
    expression: ColumnElement[Any] = next(iter(expressions.values()))
    if not everywhere or len(paths) > 1 or not paths <= COLUMNS.keys():
        whens = [(resources.c.kind == kind, one) for kind, one in expressions.items()]
        expression = case(*whens) if len(found) > 1 else expression
    return Order(expression, nullable=not (everywhere and paths <= NEVER_NULL), descending=descending)


def _expression(head: Attribute, sub: Attribute | None) -> Expression:
    target = sub or head
    if target.path == "active":
        return case((resources.c.active.is_(None), None), (resources.c.active, 1), else_=0)
    if target.path in COLUMNS:
        return COLUMNS[target.path]
    if target.path.startswith(PROVISIONING.lower()):
        column = provisioning.c[{"fluixId": "fluix_id"}.get(target.name, target.name)]
        told = select(column).where(
            provisioning.c.tenant == resources.c.tenant, provisioning.c.resource_id == resources.c.id
        )
        return told.correlate(resources).scalar_subquery()
    if head.path in {"members", "groups"}:
        return _member_expression(head, target)
    one = values.alias()
    column = one.c.number if target.type in {"integer", "decimal"} else one.c.text
    found = select(column).where(one.c.resource == resources.c.number, one.c.path == target.path, one.c.sorts)
    return found.correlate(resources).scalar_subquery()


def _member_expression(head: Attribute, target: Attribute) -> Expression:
    one, group = members.alias(), resources.alias()
    if head.path == "members":
        found = select(member_parts(one)[target.path]).where(one.c.group_id == resources.c.id)
        found = found.order_by(one.c.added, one.c.member_id)
    else:
        joined = and_(group.c.tenant == one.c.tenant, group.c.id == one.c.group_id)
        found = select(group_parts(one, group)[target.path]).join_from(one, group, joined)
        found = found.where(one.c.member_id == resources.c.id).order_by(one.c.group_id)
    return found.where(one.c.tenant == resources.c.tenant).limit(1).correlate(resources).scalar_subquery()
