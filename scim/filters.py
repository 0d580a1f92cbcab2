"""A filter (RFC 7644 §3.4.2.2) as one WHERE: the whole grammar, as scim2's own evaluator reads it.

An attribute that a kind does not declare matches none of its resources. There is no filter without a condition.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from scim2_models import InvalidFilterException
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)
from sqlalchemy import ColumnElement, and_, false, func, not_, or_, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from scim.moments import text_of
from scim.shapes import Attribute, Shape
from scim.slots import Condition, Expression, RowEntries, Slot, entries_of, slot_of


class position_of(GenericFunction[int]):  # noqa: N801 - a function's name in SQL
    """Where a text stands in another, from 1; 0: nowhere."""

    inherit_cache = True
    name = "position_of"


@compiles(position_of, "sqlite")
def _instr(element: Any, compiler: Any, **how: Any) -> str:
    return f"instr{compiler.process(element.clause_expr, **how)}"


@compiles(position_of)
def _strpos(element: Any, compiler: Any, **how: Any) -> str:
    return f"strpos{compiler.process(element.clause_expr, **how)}"


def _ends(column: Expression, text: str) -> Condition:
    length = func.length(column)
    return and_(length >= len(text), func.substr(column, length - (len(text) - 1)) == text)


_TESTS: Final[dict[CompareOperator, Callable[[Expression, Any], Condition]]] = {
    CompareOperator.eq: lambda column, value: column == value,
    CompareOperator.co: lambda column, value: position_of(column, value) > 0,
    CompareOperator.sw: lambda column, value: func.substr(column, 1, len(value)) == value,
    CompareOperator.ew: _ends,
    CompareOperator.gt: lambda column, value: column > value,
    CompareOperator.ge: lambda column, value: column >= value,
    CompareOperator.lt: lambda column, value: column < value,
    CompareOperator.le: lambda column, value: column <= value,
}
_NO_TEXTS: Final = frozenset({"boolean", "dateTime", "integer", "decimal"})
_PARTS: Final = {CompareOperator.co, CompareOperator.sw, CompareOperator.ew}


class WhereVisitor(FilterVisitor[ColumnElement[bool]]):
    """Turns a filter's tree into a condition on `scim_resources`.

    Args:
        tenant: whose resources are searched.
        shape: of their kind.
    """

    def __init__(self, tenant: str, shape: Shape) -> None:
        self.tenant = tenant
        self.shape = shape

    def visit_logical_expr(self, node: LogicalExpr) -> Condition:
        """And, or."""
        terms = [self.visit(term) for term in node.terms]
        return and_(*terms) if node.op == LogicalOperator.and_ else or_(*terms)

    def visit_not(self, node: Not) -> Condition:
        """Not."""
        return not_(self.visit(node.expr))

    def visit_present(self, node: Present) -> Condition:
        """There is a value that is not empty."""
        found = self.shape.find(node.attr_path)
        if found is None:
            return false()
        head, sub = found
        if head.path in {"meta", "schemas"} and sub is None:
            return true()
        if head.multi:
            entries = entries_of(self.tenant, head)
            if sub is not None:
                return entries.any(lambda slot: _present(slot(sub), sub))
            return (
                entries.any(lambda slot: _present(slot(head), head))
                if isinstance(entries, RowEntries)
                else entries.any()
            )
        return _present(slot_of(self.tenant, sub or head), sub or head)

    def visit_comparison(self, node: Comparison) -> Condition:
        """A comparison; of a multi-valued attribute: `ne` holds when no value is equal, all else when one value does."""
        found = self.shape.compared(node.attr_path)
        if found is None:
            return false()
        head, sub = found
        target = sub or head
        if not head.multi:
            return compared(slot_of(self.tenant, target), target, node.op, node.value)
        entries = entries_of(self.tenant, head)
        if node.op == CompareOperator.ne:
            return not_(self._one_equals(head, target, node.value))
        if node.op == CompareOperator.eq:
            return self._one_equals(head, target, node.value)
        return entries.any(lambda slot: compared(slot(target), target, node.op, node.value))

    def _one_equals(self, head: Attribute, target: Attribute, value: Any) -> Condition:
        entries = entries_of(self.tenant, head)
        if value is None:
            lacking = entries.any(lambda slot: not_(slot(target).some()))
            return or_(not_(entries.any()), lacking)
        text = operand(target, value)
        if isinstance(entries, RowEntries) and target.type != "complex":
            return slot_of(self.tenant, target).equals(text)
        return entries.any(lambda slot: compared(slot(target), target, CompareOperator.eq, value))

    def visit_value_path(self, node: ValuePath) -> Condition:
        """One entry passes the whole of the filter in brackets."""
        found = self.shape.find(node.attr_path)
        if found is None or found[1] is not None:
            return false()
        head = found[0]
        if not head.multi:
            raise InvalidFilterException(
                detail=f"{node.attr_path} has one value: there is nothing to select with brackets"
            )
        entries = entries_of(self.tenant, head)
        anchor = _anchor(head, node.val_filter)
        if anchor is not None and isinstance(entries, RowEntries):
            return entries.anchored(*anchor, lambda slot: _EntryVisitor(head, slot).visit(node.val_filter))
        return entries.any(lambda slot: _EntryVisitor(head, slot).visit(node.val_filter))


class _EntryVisitor(FilterVisitor[ColumnElement[bool]]):
    """The filter in brackets, on one entry."""

    def __init__(self, head: Attribute, slot: Callable[[Attribute], Slot]) -> None:
        self.head = head
        self.slot = slot

    def _part(self, path: AttrPath) -> Attribute | None:
        if path.uri is not None or path.sub_attr is not None:
            return None
        if not self.head.subs:  # a plain value: `value` names the entry itself
            return self.head if path.attr.lower() == "value" else None
        return self.head.subs.get(path.attr.lower())

    def visit_logical_expr(self, node: LogicalExpr) -> Condition:
        """And, or."""
        terms = [self.visit(term) for term in node.terms]
        return and_(*terms) if node.op == LogicalOperator.and_ else or_(*terms)

    def visit_not(self, node: Not) -> Condition:
        """Not."""
        return not_(self.visit(node.expr))

    def visit_present(self, node: Present) -> Condition:
        """The part has a value."""
        part = self._part(node.attr_path)
        return false() if part is None else _present(self.slot(part), part)

    def visit_comparison(self, node: Comparison) -> Condition:
        """The part compares so."""
        part = self._part(node.attr_path)
        return false() if part is None else compared(self.slot(part), part, node.op, node.value)

    def visit_value_path(self, node: ValuePath) -> Condition:
        """Brackets in brackets: the RFC's errata forbid them."""
        del node
        return false()


def member_condition(head: Attribute, node: FilterNode, slot: Callable[[Attribute], Slot]) -> Condition:
    """A filter in brackets, on one row of members."""
    return _EntryVisitor(head, slot).visit(node)


def _anchor(head: Attribute, node: FilterNode) -> tuple[Attribute, str] | None:
    """The comparison by whose index entries are found: one that must hold, of `value` where there is one."""
    terms = node.terms if isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_ else (node,)
    found = {}
    for term in terms:
        if isinstance(term, Comparison) and term.op == CompareOperator.eq and isinstance(term.value, str):
            part = head.subs.get(term.attr_path.attr.lower())
            if part is not None and part.type in {"string", "reference"} and not term.attr_path.uri:
                found[part.name] = (part, str(operand(part, term.value)))
    return found.get("value") or next(iter(found.values()), None)


def _present(slot: Slot, attribute: Attribute) -> Condition:
    if attribute.type in _NO_TEXTS:
        return slot.some()
    return slot.holds(lambda column: column != "")


def compared(slot: Slot, attribute: Attribute, op: CompareOperator, value: Any) -> Condition:
    """One comparison of one value."""
    if value is None:
        return {CompareOperator.eq: not_(slot.some()), CompareOperator.ne: slot.some()}.get(op, false())
    if attribute.type == "complex":
        return true() if op == CompareOperator.ne else false()
    text = operand(attribute, value, op)
    if op in {CompareOperator.eq, CompareOperator.ne}:
        return slot.equals(text) if op == CompareOperator.eq else not_(slot.equals(text))
    if op in _PARTS and (attribute.type in _NO_TEXTS or not isinstance(text, str)):
        return false()
    return slot.some() if op in _PARTS and not text else slot.holds(lambda column: _TESTS[op](column, text))


_BOOLEAN: Final = TypeAdapter(bool)
_MOMENT: Final = TypeAdapter(datetime)


def operand(attribute: Attribute, value: Any, op: CompareOperator | None = None) -> Any:
    """What a value of a filter is compared as.

    Raises:
        InvalidFilterException: it is no value of this type.
    """
    try:
        if attribute.type == "boolean":
            truth = _BOOLEAN.validate_python(value)
            return truth if attribute.path == "active" else str(truth).lower()
        if attribute.type == "dateTime" and op not in _PARTS:
            moment = _MOMENT.validate_python(value)
            return text_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        if attribute.type in {"integer", "decimal"} and op not in _PARTS:
            return float(value)
        if attribute.type == "binary":
            return b64encode(b64decode(value, validate=True)).decode()
    except (ValidationError, ValueError, TypeError, OverflowError) as error:
        raise InvalidFilterException(detail=f"{value!r} is no {attribute.type}, as {attribute.name} is") from error
    if not isinstance(value, str):
        raise InvalidFilterException(detail=f"{value!r} is no text, as {attribute.name} is")
    return attribute.compared(_relative(value) if attribute.name in {"$ref", "location"} else value)


def _relative(reference: str) -> str:
    """A reference to a resource without the address of the server, as it is compared here."""
    parts = reference.rsplit("/", 2)
    return "/".join(parts[1:]) if len(parts) == 3 and parts[1] in {"Users", "Groups"} else reference  # noqa: PLR2004
