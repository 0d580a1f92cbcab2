"""Rules for whole resources, as POST and PUT carry them, and for filters. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from scim.dialects.exchange import ENTERPRISE, GROUP, USER, Exchange, on_filter, on_resource
from scim.dialects.values import as_manager, as_truth, without_null_refs

_SCIM_1 = {
    "urn:scim:schemas:core:1.0": USER,
    "urn:scim:schemas:core:user:1.0": USER,
    "urn:scim:schemas:core:group:1.0": GROUP,
    "urn:scim:schemas:extension:enterprise:1.0": ENTERPRISE,
}
_MICROSOFT = "http://schemas.microsoft.com/"
_TEXT = r'"(?:[^"\\]|\\.)*"'
_COMPARED = re.compile(rf"{_TEXT}|(?<![\w.:$-])(members|manager)(?= +(?:eq|ne|sw|co|ew) )", re.IGNORECASE)
_QUOTED_TRUTH = re.compile(rf'((?<![\w$-])(?:active|primary) +(?:eq|ne) +)"(true|false)"|{_TEXT}', re.IGNORECASE)
_VALUE_PATHS = {"members": "members.value", "manager": f"{ENTERPRISE}:manager.value"}


@on_resource
def truths_in_bodies(body: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    """`"active": "True"` becomes a truth value, at whatever depth."""
    del exchange
    truths: dict[str, Any] = as_truth(body, "")
    return truths


@on_resource
def members_without_null_refs(body: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    """Members lose an empty `$ref`."""
    del exchange
    return {**body, "members": without_null_refs(body["members"])} if "members" in body else body


@on_resource
def manager_in_bodies(body: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    """A manager given as a text, in an array, or as SCIM 1.1's `managerId` becomes `{"value": …}`; an empty one goes."""
    del exchange
    match body.get(ENTERPRISE):
        case {"manager": given, **rest}:
            manager = as_manager(given)
            return {**body, ENTERPRISE: {**rest, "manager": manager} if manager else rest}
    return body


@on_resource
def microsoft_schemas_dropped(body: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    """Schemas of Microsoft's that nobody declares are dropped, with what stands under them."""
    kept = {key: value for key, value in body.items() if not key.startswith(_MICROSOFT)}
    if isinstance(kept.get("schemas"), list):
        known = [one for one in kept["schemas"] if not (isinstance(one, str) and one.startswith(_MICROSOFT))]
        kept["schemas"] = known or [exchange.base_schema]
    return kept


@on_resource
def scim_1_schemas(body: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    """Schema URNs of SCIM 1.0 and 1.1 become those of 2.0, and a missing base schema is added."""
    body = {_SCIM_1.get(key, key): value for key, value in body.items()}
    given = body.get("schemas")
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        return {**body, "schemas": [exchange.base_schema]} if given is None else body
    base = exchange.base_schema
    known = [base if _SCIM_1.get(one) in {USER, GROUP} else _SCIM_1.get(one, one) for one in given]
    if base not in known:
        known.insert(0, base)
    return {**body, "schemas": list(dict.fromkeys(known))}


@on_resource
def null_id_dropped(body: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    """An `id` or `meta` that a template left empty is not sent on."""
    del exchange
    return {key: value for key, value in body.items() if not (key in {"id", "meta"} and not value)}


@on_filter
def references_by_value(text: str) -> str:
    """`members eq "…"` and `manager eq "…"` ask for the reference's `value`."""
    return _COMPARED.sub(lambda found: _VALUE_PATHS[found[1].casefold()] if found[1] else found[0], text)


@on_filter
def truths_in_filters(text: str) -> str:
    """`active eq "True"` compares with a truth value."""
    return _QUOTED_TRUTH.sub(lambda found: found[1] + found[2].lower() if found[1] else found[0], text)


def flags_dropped(exchange: Exchange) -> Exchange:
    """Entra's own flags in the tenant URL are not for us."""
    flags = {key for key in exchange.query if key.casefold().startswith(("aadopt", "azureadscimpatch"))}
    kept = {key: value for key, value in exchange.query.items() if key not in flags}
    return replace(exchange, query=kept) if flags else exchange
