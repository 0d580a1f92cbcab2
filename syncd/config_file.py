"""Reading the configuration file: YAML in which every key knows its line, and pydantic's findings in a person's words.

May not: know a single key of the configuration (that is `syncd.config`), or stop at the first problem.

YAML is read narrower than it is defined. Aliases are refused, because a few lines of them can grow to gigabytes; so are
tags, and a key given twice. Dates stay text. A value whose YAML type is a surprise (a group named `no`) is named as such.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, PrivateAttr
from pydantic_core import PydanticCustomError

from syncd.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

Loc = tuple[str | int, ...]

MAX_BYTES = 1 << 20
"""Nobody writes a configuration of more than a mebibyte; whoever names such a file has named the wrong one."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing wrong with the configuration, with its cure in the message."""

    message: str
    line: int | None = None
    """The line in the file, from 1; None where there is none to name (the file is missing)."""
    key: str = ""
    """The key's path, as `sources[0].columns.email`; empty when the whole file is meant."""

    def __str__(self) -> str:
        return f"{self.key}: {self.message}" if self.key else self.message


class ConfigError(UsageError):
    """The configuration cannot be used. Carries every problem at once, in the order of the file."""

    def __init__(self, problems: tuple[ConfigProblem, ...], *, path: Path | None = None) -> None:
        where = str(path or "configuration")
        lines = "\n".join(f"{where}:{p.line}: {p}" if p.line else f"{where}: {p}" for p in problems)
        super().__init__(lines)
        self.problems = problems
        self.path = path


class Section(BaseModel):
    """What every part of the file is: closed to unknown keys, frozen, and strict about types."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        defer_build=True,  # the whole is built once, when a file is read, and not each part of it as well
    )

    written_as: ClassVar[Mapping[str, str | None]] = {}
    """Fields whose key in the file is another one, or (None) that have no key of their own."""

    @classmethod
    def keys(cls) -> dict[str, FieldInfo]:
        """This part's keys as they are written in the file."""
        named = ((cls.written_as.get(name, found.alias or name), found) for name, found in cls.model_fields.items())
        return {key: found for key, found in named if key is not None}


class Located(Section):
    """A part with paths in it: it knows the folder that they are relative to (`base` in the validation's context)."""

    _base: Path = PrivateAttr(default=Path())

    def model_post_init(self, context: Any, /) -> None:
        """Remember the folder."""
        self._base = Path((context or {}).get("base", Path()))


def sections_in(annotation: object) -> tuple[type[Section], ...]:
    """The parts of the configuration that a field of this type may hold, alone or in a list; none for a plain value."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return (annotation,)
    return tuple(found for inner in get_args(annotation) for found in sections_in(inner))


def tag_of(section: type[Section]) -> str:
    """What pydantic puts into a place to say which of several parts it tried: the part's `type`, in brackets."""
    found = section.model_fields.get("type")
    return f"[{get_args(found.annotation)[0]}]" if found else ""


def config_keys(section: type[Section], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key below a part with its path (`sources[].columns`), in the file's order: for the reference and its test.

    Where a part may be of several types, the keys of all of them; what two of them share stands once.
    """
    for key, found in section.keys().items():
        yield prefix + key, found
        below = f"{prefix}{key}{'[]' if _holds_a_list(found.annotation) else ''}."
        met: set[str] = set()
        for inner in sections_in(found.annotation):
            for path, deeper in config_keys(inner, below):
                if path not in met:
                    met.add(path)
                    yield path, deeper


def _holds_a_list(annotation: object) -> bool:
    return get_origin(annotation) is tuple or any(map(_holds_a_list, get_args(annotation)))


class Fault(NamedTuple):
    """What a validator found: the message, where below the validated value, and on which line of a text (from 1)."""

    message: str
    at: Loc = ()
    text_line: int | None = None


def faults(*found: Fault | str) -> PydanticCustomError:
    """The exception with which a validator reports one problem or several, in words that are shown as they are."""
    several = tuple(Fault(each) if isinstance(each, str) else each for each in found)
    return PydanticCustomError("fault", "see ctx", {"faults": several})


class _Place(NamedTuple):
    line: int
    text_line: int
    """Where the value's own text begins: one further than its key for a block (`|`, `>`)."""
    text: str


@dataclass(slots=True)
class Document:
    """The file as plain values, with the place of each."""

    data: object = None
    places: dict[Loc, _Place] = field(default_factory=dict)
    problems: list[ConfigProblem] = field(default_factory=list)

    def lines(self) -> dict[str, int]:
        """The line of every key, by its path: `people.scope`, `groups.map[0]`."""
        return {path_of(loc): place.line for loc, place in self.places.items()}

    def problem(self, message: str, loc: Loc, *, line: int | None = None) -> ConfigProblem:
        """A problem at this place, or where the nearest thing around it stands."""
        around = next((loc[:end] for end in range(len(loc), -1, -1) if loc[:end] in self.places), None)
        nearest = self.places[around].line if around is not None else None
        return ConfigProblem(message, line or nearest, path_of(loc))


def path_of(loc: Loc) -> str:
    """`("sources", 0, "path")` as it is shown: `sources[0].path`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


class _Loader(yaml.SafeLoader):
    """Composes nodes; notes aliases instead of following them; leaves dates, `=` and `<<` as the text they are."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own class attribute
        first: [(tag, regex) for tag, regex in pairs if tag.rpartition(":")[2] in {"bool", "int", "float", "null"}]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.alias_lines: list[int] = []

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if not self.check_event(yaml.AliasEvent):
            return super().compose_node(parent, index)
        event = self.get_event()  # type: ignore[no-untyped-call]
        self.alias_lines.append(event.start_mark.line + 1)
        return yaml.ScalarNode("tag:yaml.org,2002:null", "", event.start_mark, event.end_mark)


def read_document(path: Path) -> Document:
    """Read a file down to values with lines.

    Raises:
        ConfigError: there is no such file, or it is no YAML mapping of ours at all.
    """
    try:
        return _compose(_text(path), path)
    except OSError as error:
        folder = "; name the file in it, not the folder" if isinstance(error, IsADirectoryError) else ""
        missing = "; give its place with --config or SYNCD_CONFIG" if isinstance(error, FileNotFoundError) else ""
        message = f"cannot be read: {error.strerror or error}{folder or missing or '; check the path and its rights'}"
        raise ConfigError((ConfigProblem(message),), path=path) from None


def _text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ConfigError((ConfigProblem("is larger than 1 MiB: that is no configuration; check the path"),), path=path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = ConfigProblem("is not UTF-8 here: save the file with the encoding UTF-8", line)
        raise ConfigError((problem,), path=path) from None


def _compose(text: str, path: Path) -> Document:
    loader = None
    problems = []
    root = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            problems.append(ConfigProblem("is empty: copy config.example.yaml and go on from there", 1))
        elif not isinstance(root, yaml.MappingNode):
            problems.append(ConfigProblem("must be made of `key: value` lines; see config.example.yaml", 1))
    except yaml.reader.ReaderError as error:
        # PyYAML gives the place as a position in the text, and its text is ours.
        line = text.count("\n", 0, error.position) + 1
        problems.append(ConfigProblem("holds a control character, which YAML forbids: remove it", line))
    except yaml.MarkedYAMLError as error:
        problems.append(_syntax_problem(error))
    except RecursionError:
        problems.append(ConfigProblem("is nested too deep: that is no configuration; check the path"))
    problems += [
        ConfigProblem("YAML aliases (`*name`) are refused: write the value out, or quote it if it is text", at)
        for at in (loader.alias_lines if loader else ())
    ]
    if problems or root is None:
        raise ConfigError(tuple(problems), path=path)
    document = Document()
    document.places[()] = _Place(1, 1, "")
    document.data = _value(root, (), document)
    return document


def _syntax_problem(error: yaml.MarkedYAMLError) -> ConfigProblem:
    mark = error.problem_mark or error.context_mark
    problem = str(error.problem or error.context)
    if "single document" in str(error.context):
        cure = "a configuration is one document: remove the line `---` and what belongs to another file"
    elif r"'\t'" in problem:
        cure = "indent with spaces, not with tabs"
    elif problem.startswith(("found character", "could not find expected", "mapping values are not allowed")):
        cure = "a text with special characters (: # @ % * & ! ` { [) goes into quotes; a key needs a colon and a space"
    else:
        cure = "compare the indentation, brackets and quotes here and in the lines above"
    # The problem's own words name characters and tokens, never the text around it, which may be a password.
    words = (
        "this is not valid YAML" if "alias" in problem or "tag" in problem else f"this is not valid YAML ({problem})"
    )
    return ConfigProblem(f"{words}: {cure}", mark.line + 1 if mark else None)


def _value(node: yaml.Node, loc: Loc, document: Document) -> object:
    """The node as a plain value; notes the place of everything below it."""
    if node.tag.removeprefix("tag:yaml.org,2002:") not in {"str", "int", "float", "bool", "null", "seq", "map"}:
        message = "YAML tags (`!name`) are refused: write a plain value, or quote it if it is text"
        document.problems.append(document.problem(message, loc))
        return None
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, loc, document)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            document.places[(*loc, index)] = _place(item.start_mark.line + 1, item)
        return [_value(item, (*loc, index), document) for index, item in enumerate(node.value)]
    try:
        return yaml.constructor.SafeConstructor().construct_object(node)
    except (ValueError, OverflowError, KeyError, yaml.YAMLError):
        message = "is neither a number nor a truth value that can be read: put it in quotes if it is text"
        document.problems.append(document.problem(message, loc))
        return None


def _mapping(node: yaml.MappingNode, loc: Loc, document: Document) -> dict[str, object]:
    values: dict[str, object] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            message = "a list or a mapping cannot be a key: write `key: value`, and put templates into quotes"
            document.problems.append(document.problem(message, loc, line=line))
            continue
        key = key_node.value
        here = (*loc, key)
        if key in values:
            first = document.places[here].line
            message = f"`{key}` is given twice, first in line {first}: keep one of them"
            document.problems.append(document.problem(message, here, line=line))
            continue
        document.places[here] = _place(line, value_node)
        if not key_node.tag.endswith(":str"):
            message = f'the key `{key}` is not text for YAML: put it in quotes, "{key}"'
            document.problems.append(document.problem(message, here))
        values[key] = _value(value_node, here, document)
    return values


def _place(line: int, node: yaml.Node) -> _Place:
    if not isinstance(node, yaml.ScalarNode):
        return _Place(line, line, "")
    start = node.start_mark.line + 1
    return _Place(line, start + (node.style in {"|", ">"}), node.value)


def shorten(text: str) -> str:
    """A text as a message quotes it: one line, not too long."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "..."  # noqa: PLR2004 - a screen's width is no constant of ours
