"""PATCH of a group (RFC 7644 §3.5.2): what concerns members becomes rows; all else goes through scim2's PatchOp, in order.

The members that a request does not name are not read. What is too unusual for that is done on the whole group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from scim2_models import PatchOp, PatchOperation
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator

from scim import members
from scim.filters import member_condition
from scim.shapes import Attribute, Shape
from scim.slots import InColumn, Slot, member_parts
from scim.tables import members as table
from scim.writing import Writing

Op = PatchOperation.Op
_NAME: Final = "members"


@dataclass(frozen=True, slots=True)
class Delta:
    """One operation on members."""

    op: PatchOperation.Op
    value: Any = None
    chosen: FilterNode | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """A PATCH in two: what is done on rows, and what on the document."""

    deltas: Sequence[Delta]
    rest: Sequence[PatchOperation[Any]]


def split(shape: Shape, patch: PatchOp[Any]) -> Split | None:
    """Split a PATCH; None when an operation reaches into members in a way that needs them all."""
    deltas: list[Delta] = []
    rest: list[PatchOperation[Any]] = []
    for operation in patch.operations or ():
        path = _short(shape, str(operation.path or ""))
        if path in {"", shape.schema.lower()} and isinstance(operation.value, dict):
            _split_value(shape, operation, deltas, rest)
        elif path == _NAME:
            deltas.append(Delta(operation.op, operation.value))
        elif path.startswith(_NAME + "["):
            delta = _chosen(operation, path)
            if delta is None:
                return None
            deltas.append(delta)
        elif path.startswith(_NAME + "."):
            return None
        else:
            rest.append(operation)
    return Split(deltas, rest)


def names(urn: str, operations: Sequence[PatchOperation[Any]]) -> bool | None:
    """Whether a PATCH ends by naming an extension of which a client can write no part; None: it does not speak of it.

    To name it shows it, empty, until something became of the user; what else it says of it is read-only.
    """
    said = [operation.op != Op.remove for operation in operations if str(operation.path or "").lower() == urn.lower()]
    return said[-1] if said else None


def _short(shape: Shape, path: str) -> str:
    lower = path.lower()
    return lower.removeprefix(shape.schema.lower() + ":")


def _split_value(
    shape: Shape, operation: PatchOperation[Any], deltas: list[Delta], rest: list[PatchOperation[Any]]
) -> None:
    """An operation whose value is a group, or a part of one."""
    other = {}
    said: dict[str, Any] = operation.value or {}
    for name, value in said.items():
        if _short(shape, name) == _NAME:
            deltas.append(Delta(operation.op, value))
        else:
            other[name] = value
    if other or not said:
        rest.append(operation.model_copy(update={"value": other}))


def _chosen(operation: PatchOperation[Any], path: str) -> Delta | None:
    """An operation on the members that a filter in brackets chooses."""
    assert operation.path is not None
    node = operation.path.value_filter
    after = path.rpartition("]")[2]
    if node is None:
        return None
    if operation.op == Op.remove:
        return Delta(Op.remove, None, node) if not after and operation.value is None else None
    ids = named(node)
    if ids is None or len(ids) != 1:
        return None
    if after == ".display" and isinstance(operation.value, str):
        return Delta(Op.add, [{"value": ids[0], "display": operation.value}])
    if not after and isinstance(operation.value, dict):
        said = {str(name).lower(): value for name, value in operation.value.items()}
        if said.get("value", ids[0]) == ids[0]:
            return Delta(Op.add, [{**operation.value, "value": ids[0]}])
    return None


def named(node: FilterNode) -> list[str] | None:
    """The ids, when a filter says nothing but ids: `value eq "…" or value eq "…"`."""
    terms = node.terms if isinstance(node, LogicalExpr) and node.op == LogicalOperator.or_ else (node,)
    ids = [
        term.value
        for term in terms
        if isinstance(term, Comparison)
        and term.op == CompareOperator.eq
        and (term.attr_path.attr.lower(), term.attr_path.sub_attr, term.attr_path.uri) == ("value", None, None)
        and isinstance(term.value, str)
    ]
    return ids if len(ids) == len(terms) else None


def apply(work: Writing, shape: Shape, group: str, deltas: Sequence[Delta], *, refuse_unknown: bool) -> bool:
    """Do what concerns members, in order.

    Returns:
        Whether anything changed.

    Raises:
        InvalidValueException: a value is no list of members, or names one that is not known, and that is to be refused.
    """
    changed = False
    for delta in deltas:
        changed = _apply(work, shape, group, delta, refuse_unknown=refuse_unknown) or changed
    return changed


def _apply(work: Writing, shape: Shape, group: str, delta: Delta, *, refuse_unknown: bool) -> bool:
    if delta.chosen is not None:
        ids = named(delta.chosen)
        if ids is not None:
            return members.remove(work, group, ids)
        parts = member_parts(table)

        def slot(part: Attribute) -> Slot:
            return InColumn(parts[part.path])

        return members.remove_where(work, group, member_condition(shape.core[_NAME], delta.chosen, slot))
    if delta.op == Op.remove:
        return (
            members.remove_where(work, group) if delta.value is None else members.remove(work, group, _ids(delta.value))
        )
    wanted = members.wanted_of(delta.value if delta.value is not None else [])
    how = members.add if delta.op == Op.add else members.replace
    return how(work, group, wanted, refuse_unknown=refuse_unknown)


def _ids(value: Any) -> list[str]:
    return list(members.wanted_of(value))
