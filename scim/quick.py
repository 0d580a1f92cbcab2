"""Searches that are read without a parser: no filter, `attr eq "value"`, and what Entra asks of an entry's type and value.

What is not understood here is no error: it is read by scim2, which says what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection

from scim.provider import PROVISIONING
from scim.rows import equal_entry_rows, equal_rows
from scim.shapes import Attribute, Shape
from scim.sorting import attr_path_of
from scim.values import IN_COLUMNS, LOOKED_UP, digest

_NAME: Final = r"[A-Za-z][A-Za-z0-9_:.$-]*"
_EQUAL: Final = re.compile(rf'\s*({_NAME})\s+[eE][qQ]\s+"([^"\\\x00-\x1f]*)"\s*')
_ENTRY: Final = re.compile(
    rf'\s*({_NAME})\[type [eE][qQ] "([^"\\\x00-\x1f]*)"\]\.value\s+[eE][qQ]\s+"([^"\\\x00-\x1f]*)"\s*'
)
_INTEGER: Final = re.compile(r"-?[0-9]{1,9}")
_OTHERS: Final = ("sortBy", "sortOrder", "cursor")


@dataclass(frozen=True, slots=True)
class Equal:
    """Resources by a text, and by the type of the entry that holds it."""

    attribute: Attribute
    text: str
    type: Attribute | None = None
    entry: str = ""

    def rows(self, connection: Connection, tenant: str, kind: str, limit: int) -> list[Any]:
        """The first of them."""
        text = self.attribute.compared(self.text)
        asked = {"tenant": tenant, "kind": kind, "text": text, "limit": limit}
        asked["digest"] = digest(tenant, self.attribute.path, text)
        if self.type is None:
            return equal_rows(self.attribute).all(connection, asked)
        asked["entry"] = self.type.compared(self.entry)
        return equal_entry_rows(self.attribute, self.type).all(connection, asked)


@dataclass(frozen=True, slots=True)
class Quick:
    """A search that needs no parser."""

    start: int
    count: int
    equal: Equal | None


def read(shape: Shape, query: Mapping[str, str], page: int, largest: int) -> Quick | None:
    """A search of one kind, when it is one of the simple ones.

    Args:
        shape: of the kind.
        query: the request's parameters.
        page: how many resources a search has that does not say.
        largest: how many an answer has at most.
    """
    if any(name in query for name in _OTHERS) or ("attributes" in query and "excludedAttributes" in query):
        return None
    start, count = query.get("startIndex", "1"), query.get("count", str(page))
    if not _INTEGER.fullmatch(start) or not _INTEGER.fullmatch(count):
        return None
    equal = None
    if "filter" in query:
        equal = _equal(shape, query["filter"])
        if equal is None:
            return None
    return Quick(max(1, int(start)), min(max(0, int(count)), largest), equal)


def _equal(shape: Shape, said: str) -> Equal | None:
    found = _EQUAL.fullmatch(said)
    if found:
        attribute = _indexed(_Key(shape), found[1])
        return None if attribute is None else Equal(attribute, found[2])
    found = _ENTRY.fullmatch(said)
    if found:
        value, kind = _indexed(_Key(shape), found[1] + ".value"), _text(_Key(shape), found[1] + ".type")
        if value and kind:
            return Equal(value, found[3], kind, found[2])
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Key:
    shape: Shape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.shape is self.shape

    def __hash__(self) -> int:
        return id(self.shape)


def _indexed(key: _Key, name: str) -> Attribute | None:
    """The attribute of this name, when a text of it is found by an index."""
    found = _text(key, name)
    return found if found and (found.path in IN_COLUMNS or found.path in LOOKED_UP) else None


@lru_cache(maxsize=1024)
def _text(key: _Key, name: str) -> Attribute | None:
    """The attribute of this name, when it is a text whose values stand where filters look."""
    try:
        found = key.shape.compared(attr_path_of(name))
    except ValueError:
        return None
    if found is None:
        return None
    head, sub = found
    attribute = sub or head
    if attribute.type != "string" or attribute.returned == "never":
        return None
    if head.path in {"members", "groups", "meta"} or attribute.path.startswith(PROVISIONING.lower()):
        return None
    return None if head.path in IN_COLUMNS and sub is not None else attribute
