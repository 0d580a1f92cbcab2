"""A new user as it is nearly always sent, understood without building a model. What is not plain is left to scim2-models.

Plain is what needs no judgement: declared names in their own spelling, texts and truths that are neither null nor empty, nothing
that only the server may say. Then what would be stored is what was sent, in the schema's order (RFC 7643 §4.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from scim2_models import ScimProvider

_PLAIN: Final = {"string": str, "boolean": bool}

Fields = Mapping[str, Any]
"""Name -> str or bool, or the fields of a complex attribute; a tuple of one, where there may be several."""


@cache
def _fields_of_users(provider: ScimProvider) -> tuple[str, Fields, Mapping[str, Fields]]:
    """The schema of users, its plain attributes, and those of each extension."""
    declared = next(one for one in provider.resource_types if one.name == "User")
    schemas = {str(schema.id): schema for schema in provider.schemas}
    extensions = {
        str(one.schema_): _fields(schemas[str(one.schema_)].attributes) for one in declared.schema_extensions or ()
    }
    core = {"externalId": str, **_fields(schemas[str(declared.schema_)].attributes)}
    return str(declared.schema_), core, extensions


def _fields(attributes: Any) -> Fields:
    found: dict[str, Any] = {}
    for one in attributes or ():
        settable = one.mutability is None or one.mutability.value == "readWrite"
        if not settable or (one.returned and one.returned.value not in {"default", "always"}):
            continue
        kind = _fields(one.sub_attributes) if one.type.value == "complex" else _PLAIN.get(one.type.value)
        if kind:
            found[str(one.name)] = (kind,) if one.multi_valued else kind
    return found


def plain_user(provider: ScimProvider, body: Any) -> dict[str, Any] | None:
    """The document of a new user; None when it is not plain."""
    schema, core, extensions = _fields_of_users(provider)
    if not isinstance(body, dict):
        return None
    named = body.get("schemas")
    own = {name: value for name, value in body.items() if name in extensions}
    if not isinstance(named, list) or named != [schema, *own] or not body.get("userName"):
        return None
    rest = {name: value for name, value in body.items() if name not in own and name != "schemas"}
    found = _plain(core, rest)
    if found is None:
        return None
    document: dict[str, Any] = {"schemas": named, **found}
    for urn, value in own.items():
        part = _plain(extensions[urn], value)
        if not part:
            return None
        document[urn] = part
    return document


def _plain(fields: Fields, value: Any) -> dict[str, Any] | None:
    """The value in the order of the schema; None when something in it is not plain."""
    if not isinstance(value, dict) or not value or not value.keys() <= fields.keys():
        return None
    found: dict[str, Any] = {}
    for name, kind in fields.items():
        if name in value:
            part = _entries(kind[0], value[name]) if isinstance(kind, tuple) else _one(kind, value[name])
            if part is None or part == "":
                return None
            found[name] = part
    return found


def _one(kind: Any, value: Any) -> Any:
    if isinstance(kind, type):
        return value if type(value) is kind else None
    return _plain(kind, value)


def _entries(kind: Any, value: Any) -> Any:
    if not isinstance(value, list) or not value:
        return None
    found = [_one(kind, entry) for entry in value]
    if any(entry is None or entry == "" for entry in found):
        return None
    # Several primary ones are refused, and what stands there twice is a question of how it is compared.
    primary = sum(isinstance(entry, dict) and entry.get("primary") is True for entry in found)
    return found if primary <= 1 else None
