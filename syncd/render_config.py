"""The configuration as it holds: every key with its value, given or by default, as YAML. Secrets stand there by name only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import make_url

from syncd.config_file import Section
from syncd.secrets import Secret

LineOf = Callable[[str], int | None]


def as_yaml(config: Section, line_of: LineOf) -> Iterator[tuple[str, int | None, bool]]:
    """Line by line: the text, the line of the file on which it is given, and whether it is a value (and no mere heading).

    Args:
        config: the whole, or a part of it.
        line_of: tells on which line of the file a key stands; None where its default holds.
    """
    yield from _mapping(tree(config), line_of, "", "")


def tree(section: Section) -> dict[str, Any]:
    """A part of the configuration as plain values, under the keys of the file."""
    written: Mapping[str, str | None] = section.written_as
    found: dict[str, Any] = {}
    for name, field in type(section).model_fields.items():
        value = _plain(getattr(section, name))
        key = written.get(name, field.alias or name)
        if key is not None:
            found[key] = value
    return found


def _short(section: Section) -> str:
    """The one word that a part is written with, where a word will do: `documents: hold`."""
    words = [getattr(section, name) for name, key in section.written_as.items() if key is None]
    given = [getattr(section, name) for name, key in section.written_as.items() if key is not None]
    return str(words[0]) if words and not any(given) else ""


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return {"env": value.env} if value.env is not None else {"file": value.file}
    if isinstance(value, Section):
        return _short(value) or tree(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, str) and "://" in value and "@" in value:
        return _without_password(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _without_password(address: str) -> str:
    try:
        return make_url(address).render_as_string(hide_password=True)
    except ValueError:
        return address


def _mapping(
    values: Mapping[str, Any], line_of: LineOf, path: str, indent: str
) -> Iterator[tuple[str, int | None, bool]]:
    for key, value in values.items():
        here = f"{path}.{key}" if path else key
        yield from _entry(f"{indent}{key}:", value, line_of, here, indent)


def _entry(head: str, value: Any, line_of: LineOf, path: str, indent: str) -> Iterator[tuple[str, int | None, bool]]:
    line = line_of(path)
    if isinstance(value, dict) and value:
        yield head, line, False
        yield from _mapping(value, line_of, path, f"{indent}  ")
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        yield head, line, False
        for number, one in enumerate(value):
            yield from _entry(f"{indent}  -", one, line_of, f"{path}[{number}]", f"{indent}  ")
    else:
        yield f"{head} {json.dumps(value, ensure_ascii=False)}", line, True
