"""What pydantic found in a configuration, in words that a person understands: what is wrong, where, and what to write."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence

from pydantic_core import ErrorDetails

from syncd.config_file import ConfigProblem, Document, Loc, Section, config_keys, path_of, sections_in, shorten, tag_of

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "`true` or `false`",
    "dict_type": "keys of its own (`key: value`)",
    "model_type": "keys of its own (`key: value`)",
    "tuple_type": "a list (`[a, b]`, or lines that begin with `- `)",
    "finite_number": "a number that ends",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def explain(errors: Iterable[ErrorDetails], document: Document, root: type[Section]) -> Iterator[ConfigProblem]:
    """What pydantic found, one problem for each finding, with line, key path and cure."""
    # What YAML already found wrong stands in the data as nothing, and that it is nothing is no second problem.
    known = {problem.key for problem in document.problems}
    for error in errors:
        loc: Loc = tuple(part for part in error["loc"] if not _is_note(part))
        if path_of(loc) in known:
            continue
        if error["type"] == "fault":
            for fault in error["ctx"]["faults"]:
                at = (*loc, *fault.at)
                place = document.places.get(at)
                line = place.text_line + fault.text_line - 1 if place and fault.text_line else None
                yield document.problem(fault.message, at, line=line)
        else:
            place = document.places.get(loc)
            section = _section_at(root, error["loc"][:-1])
            yield document.problem(_message(error, loc, place.text if place else "", root, section), loc)


def _is_note(part: str | int) -> bool:
    """Whether pydantic put it between the keys: `[key]`, or which of several kinds of source it tried (`[csv]`)."""
    return isinstance(part, str) and part.startswith("[") and part.endswith("]")


def _message(error: ErrorDetails, loc: Loc, text: str, root: type[Section], section: type[Section] | None) -> str:
    kind, name = error["type"], _name(loc)
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(loc, root, section)
    if kind == "missing":
        found = section.keys().get(str(loc[-1])) if section else None
        return f"{name} is missing: {found.description if found and found.description else 'give it a value'}"
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"]) or [context["expected"]]
        slip = "; remove the quotes" if text in choices else _did_you_mean(text, choices) if choices[1:] else ""
        return f"{name} is {_given(error['input'], text)}: write {_or(choices)}{slip}"
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"{name} must be {words} {context[key]:g}, but is {shorten(text)}"
    if kind in _EXPECTED:
        return _wrong_type(name, _EXPECTED[kind], error["input"], text)
    return f"{name}: {error['msg']}"


def _wrong_type(name: str, expected: str, value: object, text: str) -> str:
    if value is None:
        return f"{name} has no value: give it {expected}, or remove the line"
    cure = ""
    if expected == "text" and not isinstance(value, list | dict):
        cure = f'; put it in quotes: "{shorten(text)}"'
    elif isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d+(\.\d+)?\s*", value):
        cure = "; remove the quotes"
    return f"{name} expects {expected}, but {_given(value, text)} is given{cure}"


def _given(value: object, text: str) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return f"`{text}` (YAML reads it as {str(value).lower()})"
        case int() | float():
            return f"the number {shorten(text)}"
        case str():
            return f'the text "{shorten(text)}"'
        case list():
            return "a list"
    return "a mapping (`key: value`)"


def _unknown_key(loc: Loc, root: type[Section], section: type[Section] | None) -> str:
    key = str(loc[-1])
    known = list(section.keys()) if section else []
    if hint := _did_you_mean(key, known):
        return f"unknown key `{key}`{hint}"
    elsewhere = [path for path, _ in config_keys(root) if path.rpartition(".")[2] == key]
    if elsewhere:
        return f"unknown key `{key}` here; it is written as {_or(elsewhere[:3])}"
    return f"unknown key `{key}`; known here: {', '.join(known)}"


def _section_at(root: type[Section], loc: Loc) -> type[Section] | None:
    sections: tuple[type[Section], ...] = (root,)
    for part in loc:
        if isinstance(part, str) and _is_note(part):
            sections = tuple(section for section in sections if tag_of(section) == part)
        elif isinstance(part, str) and sections:
            found = sections[0].keys().get(part)
            sections = sections_in(found.annotation) if found else ()
    return sections[0] if sections else None


def _name(loc: Loc) -> str:
    """The key as a message calls it; an item of a list by the list's name."""
    if not loc:
        return "the file"
    return f"`{loc[-1]}`" if isinstance(loc[-1], str) else f"item {loc[-1] + 1} of {_name(loc[:-1])}"


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.7)
    return f"; did you mean `{close[0]}`?" if close else ""


def _or(words: Sequence[str]) -> str:
    quoted = [f"`{word}`" for word in words]
    return " or ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
