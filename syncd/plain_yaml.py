"""YAML as plain values, and nothing that YAML can do beyond them: no aliases, no tags, every key once. Pure.

It is built from the parser's events, one by one: a file that nests a hundred thousand lists costs neither the stack (the
C loader of PyYAML dies of one) nor memory, and no alias is ever followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

_DEPTH = 20
"""More than any copy has."""

_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Safe in either form; the C one reads a large account in a fraction of the time."""

_RESOLVER = yaml.SafeLoader("")
_NONE = object()


class PlainYamlError(ValueError):
    """The text is no plain YAML; says why, and in which line."""


def parse(text: str) -> Any:
    """The one document of a text: mappings with texts as keys, lists, texts, truth values, numbers and nothing (null).

    What else a word could mean to YAML (a date, a merge) stays the text that it is.

    Raises:
        PlainYamlError: it is no YAML, or more than plain.
    """
    try:
        return _build(yaml.parse(text, Loader=_PARSER))
    except yaml.MarkedYAMLError as error:
        raise _problem(str(error.problem or error.context), error.problem_mark or error.context_mark) from error
    except yaml.YAMLError as error:
        raise PlainYamlError("it holds a control character, or is cut in the middle of one") from error


def _build(events: Iterator[yaml.Event]) -> Any:
    root: Any = _NONE
    stack: list[tuple[Any, Any]] = []
    """The mappings and lists that are open, and for a mapping the key whose value comes next."""
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent) and root is not _NONE:
            raise _problem("there is a second document", event.start_mark)
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            value = _value(event)
            if not stack:
                root = value
            elif isinstance(stack[-1][0], list):
                stack[-1][0].append(value)
            else:
                stack[-1] = _put(*stack[-1], value, event)
            if isinstance(value, dict | list):
                stack.append((value, _NONE))
            if len(stack) > _DEPTH:
                raise _problem("it is nested too deep", event.start_mark)
    return None if root is _NONE else root


def _put(mapping: dict[str, Any], key: Any, value: Any, event: yaml.Event) -> tuple[dict[str, Any], Any]:
    """Take a key, or the value for it."""
    if key is not _NONE:
        mapping[key] = value
        return mapping, _NONE
    if not isinstance(value, str):
        raise _problem("a key is not a text; put it into quotes", event.start_mark)
    if value in mapping:
        raise _problem(f"the key `{value}` is given twice", event.start_mark)
    return mapping, value


def _value(event: yaml.NodeEvent) -> Any:
    if isinstance(event, yaml.AliasEvent) or event.anchor:
        raise _problem("aliases (`&name`, `*name`) are refused; write the value out", event.start_mark)
    if getattr(event, "tag", None) not in {None, "!"}:
        raise _problem("tags (`!name`) are refused; write a plain value", event.start_mark)
    if isinstance(event, yaml.MappingStartEvent):
        return {}
    if isinstance(event, yaml.SequenceStartEvent):
        return []
    assert isinstance(event, yaml.ScalarEvent)
    implicit = (event.implicit[0], False)
    tag = _RESOLVER.resolve(yaml.ScalarNode, event.value, implicit).rpartition(":")[2]  # type: ignore[no-untyped-call]
    if tag not in {"null", "bool", "int", "float"}:
        return event.value
    try:
        return _RESOLVER.construct_object(yaml.ScalarNode(f"tag:yaml.org,2002:{tag}", event.value))
    except (ValueError, OverflowError):  # a number that is none, or too long for one
        return event.value


def _problem(what: str, mark: Any) -> PlainYamlError:
    return PlainYamlError(f"{what} (line {mark.line + 1})" if mark else what)
