"""Values as providers write them: truth values, managers, references. Pure."""

from __future__ import annotations

from typing import Any

from scim.dialects.exchange import ENTERPRISE

_TRUTHS = frozenset({"active", "primary"})
"""The attributes of RFC 7643 (sections 4.1.1 and 2.4) that are truth values, in lower case."""


def as_truth(value: Any, name: str) -> Any:
    """The value of the attribute `name`, with real truth values in it at whatever depth."""
    if isinstance(value, dict):
        return {key: as_truth(one, _last(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [as_truth(one, name) for one in value]
    if isinstance(value, str) and name.casefold() in _TRUTHS:
        return {"true": True, "false": False}.get(value.casefold(), value)
    return value


def _last(key: str) -> str:
    """The attribute's own name in `urn:…:User:active` or `emails[type eq "work"].primary`."""
    return key.rpartition(":")[2].rpartition(".")[2]


def is_manager(path: str) -> bool:
    """Whether a path names a person's manager."""
    return path.casefold() in {f"{ENTERPRISE}:manager".casefold(), "manager"}


def as_manager(value: Any) -> dict[str, Any] | None:
    """A manager as RFC 7643, section 4.3 has it; None for nobody. What cannot be understood is kept for the schema to refuse."""
    if isinstance(value, list):
        value = value[0] if value else None
    match value:
        case str() as text:
            return {"value": text} if text.strip() else None
        case {"managerId": str(one)} if "value" not in value:  # the name of SCIM 1.1
            return {("value" if key == "managerId" else key): given for key, given in value.items()} if one else None
        case {"value": None | ""} if len(value) == 1:
            return None
        case dict() as given:
            return given or None
    return None if value is None else {"value": value}


def without_null_refs(value: Any) -> Any:
    """A value, or a list of them, without empty references, and with `value` in lower case."""
    if isinstance(value, list):
        return [without_null_refs(one) for one in value]
    if not isinstance(value, dict):
        return value
    cleaned = {key: one for key, one in value.items() if not (key == "$ref" and one is None)}
    if "Value" in cleaned and "value" not in cleaned:
        cleaned = {("value" if key == "Value" else key): one for key, one in cleaned.items()}
    return cleaned
