"""Every key of the configuration: its type, its default and what it means, from the models that read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from syncd.config import Config
from syncd.config_file import Section, sections_in, tag_of
from tools.reference.markdown import code, table

_OFTEN = 3
"""A part that stands in so many places has a heading of its own."""
_PLAIN = {bool: "true or false", int: "whole number", float: "number", str: "text"}
_INTRODUCTION = """# Configuration

Every key of the file, from the models that read it. What follows from each, and what goes well together, is told by the tour in
[the example](example.md); `syncd check` names every mistake with its line and its cure. `[]` stands for one entry of a list.
A key without a default and without *required* is off until it is given.
"""


def page() -> str:
    """The page."""
    shared = _shared()
    own = [(key, found) for key, found in Config.keys().items() if not sections_in(found.annotation)]
    parts = [_INTRODUCTION, "## The file itself\n", _keys((key, key, found) for key, found in own)]
    for key, found in Config.keys().items():
        if inner := sections_in(found.annotation):
            parts += _part(key, found, inner, shared)
    for section in shared:
        rows = ((key, key, found) for key, found in section.keys().items())
        parts += [f"## {_title(section)}\n", f"{(section.__doc__ or '').strip()}\n", _keys(rows)]
    return "\n".join(parts)


def _part(key: str, found: FieldInfo, inner: tuple[type[Section], ...], shared: list[type[Section]]) -> Iterator[str]:
    """One key of the file, with all that stands below it; where it may be of several types, each by itself."""
    below = f"{key}[]." if _is_list(found.annotation) else f"{key}."
    yield f"## {code(key)}\n"
    yield f"{found.description}\n"
    for section in inner:
        if len(inner) > 1:
            yield f"### {code(f'type: {tag_of(section)[1:-1]}')}\n"
            yield f"{(section.__doc__ or '').strip()}\n"
        yield _keys(_walk(section, below, shared))


def _walk(section: type[Section], prefix: str, shared: list[type[Section]]) -> Iterator[tuple[str, str, FieldInfo]]:
    for key, found in section.keys().items():
        yield prefix + key, key, found
        deeper = f"{prefix}{key}{'[]' if _is_list(found.annotation) else ''}."
        for inner in sections_in(found.annotation):
            if inner not in shared:
                yield from _walk(inner, deeper, shared)


def _keys(rows: Iterator[tuple[str, str, FieldInfo]] | Any) -> str:
    lines = [(code(path), _kind(found.annotation), _default(found), found.description or "") for path, _, found in rows]
    return table(("key", "value", "default", "meaning"), lines)


def _shared() -> list[type[Section]]:
    met: Counter[type[Section]] = Counter()

    def count(section: type[Section]) -> None:
        for found in section.keys().values():
            for inner in sections_in(found.annotation):
                met[inner] += 1
                if met[inner] == 1:
                    count(inner)

    count(Config)
    return [section for section, times in met.items() if times >= _OFTEN]


def _title(section: type[Section]) -> str:
    """`MemberLimit` is a member limit."""
    name = section.__name__.removesuffix("Config")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip().capitalize()


def _kind(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(code(str(value).lower() if isinstance(value, bool) else str(value)) for value in inner)
    if origin in {Annotated, Union, UnionType}:
        kinds = [inner[0]] if origin is Annotated else [one for one in inner if one is not NoneType]
        return " or ".join(dict.fromkeys(map(_kind, kinds)))
    if origin is tuple:
        return f"list: {_kind(inner[0])}"
    if sections := sections_in(annotation):
        return " or ".join(_title(one).lower() for one in sections)
    return f"name → {_kind(inner[1])}" if origin is not None else _PLAIN.get(annotation, "text")


def _default(found: FieldInfo) -> str:
    value = found.default
    if found.is_required():
        return "*required*"
    if value is None or value is PydanticUndefined or value == () or isinstance(value, Section):
        return ""
    if isinstance(value, tuple):
        return ", ".join(code(str(one)) for one in value)
    return code(str(value).lower() if isinstance(value, bool) else str(value))


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is tuple or any(map(_is_list, get_args(annotation)))
