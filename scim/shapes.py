"""What a kind of resource can hold: its attributes with their types, by the path under which their values are stored.

A path is the attribute's name in lower case, with that of a sub-attribute after a dot, and with the schema in front when it
is an extension's: `emails.type`, `urn:…:user:manager.value`. A sub-attribute's name stands once, whatever the entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Final
from unicodedata import normalize

from scim2_models import ScimProvider
from scim2_models.path import AttrPath

_NOTHING: Final[Mapping[str, Attribute]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute or sub-attribute."""

    path: str
    name: str
    type: str
    multi: bool = False
    exact: bool = False
    """caseExact: compared as it is (RFC 7643 §2.2)."""
    returned: str = "default"
    subs: Mapping[str, Attribute] = field(default_factory=lambda: _NOTHING, hash=False, compare=False)
    """By lower-case name."""

    def compared(self, value: str) -> str:
        """What stands for a text where texts are compared: NFC, and lower case unless caseExact."""
        if self.exact:
            return value if value.isascii() else normalize("NFC", value)
        return value.lower() if value.isascii() else normalize("NFC", normalize("NFC", value).lower())


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind's attributes."""

    kind: str
    schema: str
    core: Mapping[str, Attribute]
    """Its schema's, and the common ones, by lower-case name."""
    extensions: Mapping[str, tuple[str, Mapping[str, Attribute]]]
    """By lower-case URN: the URN as declared, and its attributes."""

    def find(self, path: AttrPath) -> tuple[Attribute, Attribute | None] | None:
        """The attribute of a path, and its sub-attribute where the path names one; None when it is not declared."""
        attributes = self.core
        if path.uri is not None and path.uri.lower() != self.schema.lower():
            extension = self.extensions.get(path.uri.lower())
            if extension is None:
                return None
            attributes = extension[1]
        head = attributes.get(path.attr.lower())
        if head is None or path.sub_attr is None:
            return None if head is None else (head, None)
        sub = head.subs.get(path.sub_attr.lower())
        return None if sub is None else (head, sub)

    def compared(self, path: AttrPath) -> tuple[Attribute, Attribute | None] | None:
        """The same for a comparison or an order: `emails` stands for `emails.value` (RFC 7644 §3.4.2.2)."""
        found = self.find(path)
        if found and found[1] is None and found[0].multi and "value" in found[0].subs:
            return found[0], found[0].subs["value"]
        return found


def _attribute(declared: Any, prefix: str) -> Attribute:
    name = str(declared.name)
    path = prefix + name.lower()
    kind = str(declared.type.value)
    exact = bool(declared.case_exact) if declared.case_exact is not None else False
    return Attribute(
        path,
        name,
        kind,
        bool(declared.multi_valued),
        exact or kind in {"reference", "binary", "dateTime"},
        str(declared.returned.value) if declared.returned else "default",
        MappingProxyType({str(sub.name).lower(): _attribute(sub, f"{path}.") for sub in declared.sub_attributes or ()}),
    )


def _common() -> Iterable[Attribute]:
    yield Attribute("schemas", "schemas", "reference", multi=True, exact=True, returned="always")
    yield Attribute("id", "id", "string", exact=True, returned="always")
    yield Attribute("externalid", "externalId", "string", exact=True)
    subs = (
        Attribute("meta.resourcetype", "resourceType", "string", exact=True),
        Attribute("meta.created", "created", "dateTime"),
        Attribute("meta.lastmodified", "lastModified", "dateTime"),
        Attribute("meta.location", "location", "reference", exact=True),
        Attribute("meta.version", "version", "string", exact=True),
    )
    yield Attribute("meta", "meta", "complex", subs=MappingProxyType({sub.name.lower(): sub for sub in subs}))


@cache
def shape_of(provider: ScimProvider, kind: str) -> Shape:
    """The shape of `User` or `Group`."""
    declared = next(one for one in provider.resource_types if one.name == kind)
    schemas = {str(schema.id): schema for schema in provider.schemas}
    core = {one.name.lower(): one for one in _common()}
    for attribute in schemas[str(declared.schema_)].attributes or ():
        core[str(attribute.name).lower()] = _attribute(attribute, "")
    extensions = {}
    for extension in declared.schema_extensions or ():
        urn = str(extension.schema_)
        found = [_attribute(one, f"{urn.lower()}:") for one in schemas[urn].attributes or ()]
        extensions[urn.lower()] = (urn, MappingProxyType({one.name.lower(): one for one in found}))
    return Shape(kind, str(declared.schema_), MappingProxyType(core), MappingProxyType(extensions))
