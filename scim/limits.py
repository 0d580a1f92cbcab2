"""How much a client may ask at once. What goes beyond is a SCIM error, before it costs anything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import orjson
from scim2_models import (
    InvalidFilterException,
    InvalidSyntaxException,
    InvalidValueException,
    PayloadTooLargeException,
    TooManyException,
)
from scim2_models.path import Comparison, FilterNode, LogicalExpr, Not, ValuePath


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a service; all of them per request."""

    body: int = 1 << 20
    """Bytes of a request's body, but of /Bulk."""
    bulk_body: int = 8 << 20
    bulk_operations: int = 1000
    page: int = 1000
    """Resources in an answer."""
    filter_length: int = 4096
    filter_terms: int = 100
    """Comparisons in a filter."""
    filter_depth: int = 16
    patch_operations: int = 1000
    members: int = 10_000
    """Members in one request's body; a larger group is pushed in several."""
    json_depth: int = 16
    text: int = 65_536
    """Characters of any text in a body."""
    key: int = 512
    """Characters of userName, externalId and displayName."""
    entries: int = 1000
    """Entries of a multi-valued attribute, but of members."""


_KEYS: Final = frozenset({"username", "externalid", "displayname"})
_SURROGATE: Final = re.compile(r"[\ud800-\udfff\0]")


def read_json(body: bytes) -> Any:
    """The JSON value of a body.

    Raises:
        InvalidSyntaxException: it is none.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidSyntaxException(detail=f"the body is no JSON: {error}") from error


def check_body(limits: Limits, value: Any) -> None:
    """Refuse a body that is too deep, or holds too long texts, or too many operations or members.

    Raises:
        InvalidValueException: a text is too long, or no database can keep it.
        TooManyException: there are too many of something.
    """
    level: list[tuple[str, Any]] = [("", value)]
    members = 0
    for _ in range(limits.json_depth):
        below: list[tuple[str, Any]] = []
        for name, one in level:
            if isinstance(one, dict):
                for key, part in one.items():
                    _check_text(limits, "", key)
                    below.append((key.lower(), part))
            elif isinstance(one, list):
                members += _check_list(limits, name, one)
                below += [(name, part) for part in one]
            elif isinstance(one, str):
                _check_text(limits, name, one)
        if members > limits.members:
            raise TooManyException(
                detail=f"{members} members are more than {limits.members} in one request: send them in several"
            )
        if not below:
            return
        level = below
    raise InvalidSyntaxException(detail=f"the body is nested more than {limits.json_depth} levels deep")


def _check_list(limits: Limits, name: str, entries: list[Any]) -> int:
    if name == "operations":
        most = max(limits.patch_operations, limits.bulk_operations)
        if len(entries) > most:
            raise PayloadTooLargeException(detail=f"{len(entries)} operations are more than {most}")
        return 0
    if name.rpartition(":")[2] == "members" or name == "value":
        return len(entries)
    if len(entries) > limits.entries:
        raise TooManyException(detail=f"{len(entries)} values of {name[:64]} are more than {limits.entries}")
    return 0


def _check_text(limits: Limits, name: str, text: str) -> None:
    most = limits.key if name.rpartition(":")[2] in _KEYS else limits.text
    if len(text) > most:
        raise InvalidValueException(detail=f"{name or 'a name'} has {len(text)} characters, more than {most}")
    if not text.isascii() or "\0" in text:
        check_characters(text)


def check_characters(text: str) -> None:
    """Refuse a text that is none: with a NUL, or with half of a surrogate pair.

    Raises:
        InvalidValueException: it is one.
    """
    if _SURROGATE.search(text):
        raise InvalidValueException(detail="a text holds a character that is none: NUL, or half of a surrogate pair")


def check_filter_text(limits: Limits, text: str) -> None:
    """Refuse a filter that is too long to be read.

    Raises:
        InvalidFilterException: it is.
    """
    if len(text) > limits.filter_length:
        raise InvalidFilterException(detail=f"the filter has {len(text)} characters, more than {limits.filter_length}")


def check_filter(limits: Limits, node: FilterNode) -> None:
    """Refuse a filter of too many comparisons, or nested too deep.

    Raises:
        InvalidFilterException: it is.
    """
    terms = 0
    stack = [(node, 1)]
    while stack:
        one, depth = stack.pop()
        if depth > limits.filter_depth:
            raise InvalidFilterException(detail=f"the filter is nested more than {limits.filter_depth} levels deep")
        if isinstance(one, LogicalExpr):
            stack += [(term, depth + 1) for term in one.terms]
        elif isinstance(one, Not):
            stack.append((one.expr, depth + 1))
        elif isinstance(one, ValuePath):
            stack.append((one.val_filter, depth + 1))
        else:
            terms += 1
        if isinstance(one, Comparison) and isinstance(one.value, str):
            check_characters(one.value)
    if terms > limits.filter_terms:
        raise InvalidFilterException(detail=f"the filter has {terms} comparisons, more than {limits.filter_terms}")
