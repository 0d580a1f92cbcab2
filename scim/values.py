"""Taking a document apart: into the columns and the rows of simple values in which filters and orders look. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final

from scim.shapes import Attribute, Shape

IN_COLUMNS: Final = frozenset({"id", "externalid", "username", "displayname", "active", "meta"})
"""Attributes with a column of their own: they have no rows of values."""

ELSEWHERE: Final = frozenset({"members", "groups"})
"""Attributes that stand in the table of members."""


LOOKED_UP: Final = frozenset(
    {
        "emails.value",
        "phonenumbers.value",
        "name.familyname",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:employeenumber",
    }
)
"""Attributes by which people are looked up, besides those with a column: an index finds them. Each costs a new user one page of
that index more, so the others are compared one after the other."""


def digest(tenant: str, path: str, text: str) -> int:
    """What `eq` looks up: 64 bits, so that an index holds a text of any length."""
    said = f"{tenant}\0{path}\0{text}".encode()
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big", signed=True)


def columns_of(shape: Shape, document: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that repeat parts of a document as they are compared."""
    name = document.get("displayName")
    external = document.get("externalId")
    user = document.get("userName") if shape.kind == "User" else None
    return {
        "user_key": None if user is None else shape.core["username"].compared(user),
        "external_id": None if external is None else shape.core["externalid"].compared(external),
        "display_name": name,
        "display_key": None if name is None else shape.core["displayname"].compared(name),
        "active": document.get("active"),
    }


def rows_of(tenant: str, shape: Shape, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of values of a document, without the resource's number."""
    rows: list[dict[str, Any]] = []
    for attribute, value in _simple(shape, document):
        rows.extend(
            {"path": path, "ordinal": ordinal, "sorts": sorts}
            | {"text": text, "number": number, "digest": digest(tenant, path, text) if path in LOOKED_UP else None}
            for path, ordinal, sorts, text, number in _taken_apart(attribute, value)
        )
    return rows


def _simple(shape: Shape, document: Mapping[str, Any]) -> Iterator[tuple[Attribute, Any]]:
    for name, value in document.items():
        lower = name.lower()
        extension = shape.extensions.get(lower)
        if extension is not None:
            yield from ((extension[1][part.lower()], said) for part, said in value.items())
        elif lower not in IN_COLUMNS and lower not in ELSEWHERE:
            yield shape.core[lower], value


_Row = tuple[str, int, bool, str, float | None]


def _taken_apart(attribute: Attribute, value: Any) -> Iterator[_Row]:
    entries = value if isinstance(value, list) else [value]
    chosen = next((n for n, one in enumerate(entries) if isinstance(one, dict) and one.get("primary")), 0)
    for ordinal, entry in enumerate(entries):
        sorts = ordinal == chosen
        if not isinstance(entry, dict):
            yield _row(attribute, ordinal, sorts, entry)
            continue
        present = any(part not in ("", None) for part in entry.values())
        yield attribute.path, ordinal, sorts, "x" if present else "", None
        for name, part in entry.items():
            yield _row(attribute.subs[name.lower()], ordinal, sorts, part)


def _row(attribute: Attribute, ordinal: int, sorts: bool, value: Any) -> _Row:
    if isinstance(value, bool):
        return attribute.path, ordinal, sorts, "true" if value else "false", None
    if isinstance(value, int | float):
        return attribute.path, ordinal, sorts, repr(value), float(value)
    return attribute.path, ordinal, sorts, attribute.compared(value), None
