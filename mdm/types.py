"""Which types of a property list a product takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from mdm.errors import MdmError
from mdm.model import Value
from mdm.vendors import Types, Vendor

_NAMES = ((bool, "boolean"), (int, "integer"), (float, "real"), (str, "string"), (bytes, "data"), (datetime, "date"))


def type_name(value: Value) -> str:
    """A value's type as it is called in a property list."""
    if isinstance(value, Mapping):
        return "dict"
    if isinstance(value, list | tuple):
        return "array"
    return next((name for python, name in _NAMES if isinstance(value, python)), type(value).__name__)


def not_taken(vendor: Vendor, value: Value, path: str = "") -> Iterator[tuple[str, str]]:
    """Path and type of everything in a dictionary that a product does not take."""
    for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
        here = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}" if path else key
        name = type_name(inner)
        if name not in vendor.types.value:
            yield here, name
        elif name in {"dict", "array"}:
            yield from not_taken(vendor, inner, here)


def require_types(vendor: Vendor, settings: Mapping[str, Value]) -> None:
    """Refuse settings that a product does not take.

    Raises:
        MdmError: names the first.
    """
    for path, name in not_taken(vendor, settings):
        taken = "no lists and no dictionaries" if vendor.types is Types.FLAT else ", ".join(sorted(vendor.types.value))
        cure = (
            f"leave the key out for it, or write it as one of: {taken}"
            if vendor.types is not Types.FLAT
            else f"it takes {taken}"
        )
        raise MdmError(f"{vendor.title} takes no {name}", where=path, cure=cure)
