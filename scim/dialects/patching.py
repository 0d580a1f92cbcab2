"""Rules for PATCH operations (RFC 7644, section 3.5.2). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from scim.dialects.exchange import ENTERPRISE, Exchange, Operation, on_operations
from scim.dialects.values import as_manager, as_truth, is_manager, without_null_refs

_LAST = re.compile(r"([A-Za-z$][\w$-]*)$")
_SUB_ATTRIBUTE = re.compile(r"(?<=\]\.)[A-Z]\w*$")
_QUOTED_TRUTH = re.compile(r'\b(primary|active)( +eq +)"(true|false)"', re.IGNORECASE)


def plain_operations(exchange: Exchange) -> Exchange:
    """`operations` becomes `Operations`, and `Add`, `Replace`, `Remove` lose their capitals."""
    body = exchange.body
    if exchange.method == "PATCH" and isinstance(body, dict) and "Operations" not in body and "operations" in body:
        body = {("Operations" if key == "operations" else key): value for key, value in body.items()}
    return _lower_ops(replace(exchange, body=body))


@on_operations
def _lower_ops(operation: Operation, exchange: Exchange) -> Sequence[Operation]:
    del exchange
    op = operation.get("op")
    return [{**operation, "op": op.lower()}] if isinstance(op, str) else [operation]


@on_operations
def plain_paths(operation: Operation, exchange: Exchange) -> Sequence[Operation]:
    """`emails[type eq "work"].Value` becomes `….value`, and `primary eq "True"` compares with a truth value."""
    del exchange
    path = operation.get("path")
    if not isinstance(path, str):
        return [operation]
    path = _SUB_ATTRIBUTE.sub(lambda found: found[0][0].lower() + found[0][1:], path)
    return [{**operation, "path": _QUOTED_TRUTH.sub(lambda found: found[1] + found[2] + found[3].lower(), path)}]


@on_operations
def real_truths(operation: Operation, exchange: Exchange) -> Sequence[Operation]:
    """The texts "True" and "False" become truth values, where the attribute is one."""
    del exchange
    if "value" not in operation:
        return [operation]
    path = operation.get("path")
    last = _LAST.search(path) if isinstance(path, str) else None
    return [{**operation, "value": as_truth(operation["value"], last[1] if last else "")}]


@on_operations
def null_refs_dropped(operation: Operation, exchange: Exchange) -> Sequence[Operation]:
    """`{"$ref": null, "value": …}` loses the empty reference; `Value` is written `value`."""
    del exchange
    return [{**operation, "value": without_null_refs(operation["value"])}] if "value" in operation else [operation]


@on_operations
def members_named(operation: Operation, exchange: Exchange) -> Sequence[Operation]:
    """`remove` of `members` with a value takes just those members: one operation for each, by its `value` alone.

    scim2-models' own tolerance compares all that is said of a member, so that a display name of yesterday removes nobody.
    """
    del exchange
    match operation:
        case {"op": "remove", "path": str(path), "value": list(members)} if path.casefold() == "members" and members:
            ids = [member.get("value") if isinstance(member, dict) else member for member in members]
            if all(isinstance(one, str) and one for one in ids):
                return [
                    {"op": "remove", "path": f"members[value eq {json.dumps(one, ensure_ascii=False)}]"} for one in ids
                ]
    return [operation]


@on_operations
def manager_by_value(operation: Operation, exchange: Exchange) -> Sequence[Operation]:
    """A manager given as a text or in an array becomes `{"value": …}`; an empty one is a `remove`."""
    if exchange.base_schema is None or operation.get("op") not in {"add", "replace"} or "value" not in operation:
        return [operation]
    path, value = operation.get("path"), operation["value"]
    if isinstance(path, str) and path:
        return [_manager(operation)] if is_manager(path) else [operation]
    return _without_path(operation, value) if isinstance(value, dict) else [operation]


def _manager(operation: Operation) -> Operation:
    value = as_manager(operation["value"])
    path = f"{ENTERPRISE}:manager"
    return {**operation, "path": path, "value": value} if value else {"op": "remove", "path": path}


def _without_path(operation: Operation, value: dict[str, Any]) -> Sequence[Operation]:
    """A manager among several attributes gets an operation of its own, since an empty one has to become a `remove`."""
    managers: list[Operation] = []
    rest: dict[str, Any] = {}
    for key, given in value.items():
        if is_manager(key):
            managers.append(_manager({"op": operation["op"], "value": given}))
        elif key.casefold() == ENTERPRISE.casefold() and isinstance(given, dict):
            inner = {name: one for name, one in given.items() if name.casefold() != "manager"}
            managers += [
                _manager({"op": operation["op"], "value": one})
                for name, one in given.items()
                if name.casefold() == "manager"
            ]
            if inner or not given:
                rest[key] = inner
        else:
            rest[key] = given
    kept: list[Operation] = [{**operation, "value": rest}] if rest else []
    return [*kept, *managers] if managers else [operation]


@on_operations
def own_id_dropped(operation: Operation, exchange: Exchange) -> Sequence[Operation]:
    """A pathless `{id, displayName}` loses the id, when it is the one that the path names already."""
    match operation:
        case {"value": {"id": str(one), **rest}} if not operation.get("path") and one == exchange.resource_id and rest:
            return [{**operation, "value": rest}]
    return [operation]
