"""`attributes` and `excludedAttributes` (RFC 7644 §3.9) on published documents, as scim2 reads them on models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from scim2_models import ResponseParameters

from scim.shapes import Attribute, Shape


@dataclass(frozen=True, slots=True)
class Projection:
    """What an answer keeps of a kind."""

    dropped: frozenset[str]
    """Attributes and extensions, by their names."""
    trimmed: dict[str, frozenset[str]]
    """Of attributes that are kept: the sub-attributes that are not."""
    within: dict[str, Projection]
    """Of extensions that are kept."""

    def keeps(self, name: str) -> bool:
        """Whether an attribute is in the answer."""
        return name not in self.dropped

    def __bool__(self) -> bool:
        return bool(self.dropped or self.trimmed or any(self.within.values()))

    def apply(self, resource: dict[str, Any]) -> dict[str, Any]:
        """The same document, with what the answer keeps."""
        if not self:
            return resource
        self._cut(resource)
        schemas = [
            urn
            for urn in resource["schemas"]
            if urn not in self.dropped and (urn not in self.within or urn in resource)
        ]
        return {**resource, "schemas": schemas}

    def _cut(self, part: dict[str, Any]) -> None:
        for name in self.dropped:
            part.pop(name, None)
        for name, subs in self.trimmed.items():
            value = part.get(name)
            if isinstance(value, list):
                value = [entry for one in value if (entry := _without(one, subs))]
            elif value is not None:
                value = _without(value, subs)
            if value:
                part[name] = value
            else:
                part.pop(name, None)
        for urn, projection in self.within.items():
            extension = part.get(urn)
            if extension is not None:
                projection._cut(extension)  # noqa: SLF001
                if not extension:
                    del part[urn]


WHOLE: Final = Projection(frozenset(), {}, {})
"""All of it: what is never returned is in no document."""


def _without(entry: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}


def projection_of(shape: Shape, parameters: ResponseParameters[Any] | None) -> Projection:
    """What the answer to these parameters keeps; all without them."""
    if parameters is None or not (parameters.attributes or parameters.excluded_attributes):
        return WHOLE
    included = tuple(str(one).lower() for one in parameters.attributes or ())
    excluded = tuple(str(one).lower() for one in parameters.excluded_attributes or ())
    return _projection(shape.kind, _Known(shape), included, excluded)


@dataclass(frozen=True, slots=True)
class _Known:
    """A shape in the key of the cache: by identity."""

    shape: Shape

    def __hash__(self) -> int:
        return id(self.shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and other.shape is self.shape


@lru_cache(maxsize=512)
def _projection(kind: str, known: _Known, included: tuple[str, ...], excluded: tuple[str, ...]) -> Projection:
    del kind
    shape = known.shape
    asked = _Asked(included, excluded)
    whole = _cut_of(shape.core.values(), f"{shape.schema.lower()}:", asked)
    dropped, within = set(whole.dropped), {}
    for lower, (urn, attributes) in shape.extensions.items():
        if asked.keeps("default", lower):
            within[urn] = _cut_of(attributes.values(), f"{lower}:", asked)
        else:
            dropped.add(urn)
    return Projection(frozenset(dropped), whole.trimmed, within)


def _cut_of(attributes: Iterable[Attribute], prefix: str, asked: _Asked) -> Projection:
    dropped, trimmed = set(), {}
    for one in attributes:
        urn = prefix + one.name.lower()
        if one.name != "schemas" and not asked.keeps(one.returned, urn):
            dropped.add(one.name)
            continue
        subs = frozenset(
            sub.name for sub in one.subs.values() if not asked.keeps(sub.returned, f"{urn}.{sub.name.lower()}")
        )
        if subs:
            trimmed[one.name] = subs
    return Projection(frozenset(dropped), trimmed, {})


@dataclass(frozen=True, slots=True)
class _Asked:
    included: tuple[str, ...]
    excluded: tuple[str, ...]

    def keeps(self, returned: str, urn: str) -> bool:
        """Whether an attribute is returned (RFC 7643 §7), judged at its own level."""
        if returned in {"never", "always"}:
            return returned == "always"
        short = urn.rsplit(":", 1)[-1]
        asked = any(_names(one, urn, short) for one in self.included)
        if (returned == "request" or self.included) and not asked:
            return False
        return not any((urn if ":" in one else short) == one for one in self.excluded)


def _names(asked: str, urn: str, short: str) -> bool:
    """Whether a name asks for an attribute, for a part of it, or for the whole that it is a part of."""
    if ":" in asked:
        return urn == asked or asked.startswith((urn + ":", urn + ".")) or urn.startswith((asked + ".", asked + ":"))
    return short == asked or short.startswith(asked + ".") or asked.startswith(short + ".")
