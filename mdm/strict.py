"""The strict walk over a property list: known elements in their places only, while the parser runs.

A target for ElementTree's parser. It refuses at the first offence, so that a hostile file costs nothing after it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from mdm.model import Value
from mdm.values import shown

MAX_DEPTH: Final = 16
MAX_NODES: Final = 2000
APPLE_DTD: Final = ("plist", "-//Apple//DTD PLIST 1.0//EN", "http://www.apple.com/DTDs/PropertyList-1.0.dtd")
PLAIN_FILE: Final = "save it again as a plain XML property list in UTF-8"

_CONTAINERS: Final = frozenset({"plist", "dict", "array"})
_PLAIN: Final = frozenset({"key", "string", "integer", "real", "true", "false", "data", "date"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}").fullmatch
_REAL = re.compile(r"[+-]?([0-9]{1,64}(\.[0-9]{0,64})?|\.[0-9]{1,64})([eE][+-]?[0-9]{1,3})?").fullmatch
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII).fullmatch
_SPACE: Final = " \t\r\n"


class Refused(Exception):  # noqa: N818 - it never leaves `reading`
    """What is wrong, and what to do, without the place."""

    def __init__(self, what: str, cure: str = PLAIN_FILE, line: int = 0) -> None:
        super().__init__(what)
        self.what, self.cure, self.line = what, cure, line


@dataclass(slots=True)
class _Frame:
    tag: str
    line: int
    path: str = ""
    items: Any = None
    key: str | None = None
    text: list[str] = field(default_factory=list)


def _no_line() -> int:
    return 1


class Strict:
    """Builds the values while the parser runs, so that a hostile file costs nothing after its first offence."""

    def __init__(self) -> None:
        self.line: Callable[[], int] = _no_line
        self.fragment = False
        self.lines: dict[str, int] = {}
        self._stack: list[_Frame] = []
        self._nodes = 0
        self._root: Value = None

    def xml_declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        """UTF-8, or nothing said."""
        del version, standalone
        if encoding is not None and encoding.lower() != "utf-8":
            raise Refused(f"it says that its encoding is {shown(encoding)}", "save it in the encoding UTF-8")

    def doctype_declaration(self, name: str, system: str | None, public: str | None, internal: int) -> None:
        """Apple's, or none; and nothing declared inside of it."""
        if internal or (name, public, (system or "").replace("https:", "http:")) != APPLE_DTD:
            cure = "remove the <!DOCTYPE …> line, or write Apple's: -//Apple//DTD PLIST 1.0//EN"
            raise Refused("its document type is not Apple's property list", cure)

    def comment(self, text: str) -> None:
        """Between elements only: some parsers cut a text where it stands."""
        del text
        if self._stack and self._stack[-1].tag in _PLAIN:
            raise Refused(f"a comment stands inside <{self._stack[-1].tag}>", "take it out")

    def pi(self, target: str, data: str | None = None) -> None:
        """None at all."""
        del data
        raise Refused(f"it holds a processing instruction ({shown(target)})", "take it out")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise Refused(f"it has more than {MAX_NODES} elements", "check that this is the right file")
        if len(self._stack) >= MAX_DEPTH:
            raise Refused(f"it is nested deeper than {MAX_DEPTH}", "check that this is the right file")
        if tag not in _CONTAINERS and tag not in _PLAIN:
            raise Refused(f"<{shown(tag)[1:-1]}> is no element of a property list", _known(tag))
        if attributes and not (tag == "plist" and attributes == {"version": "1.0"}):
            raise Refused(f"<{tag}> has an attribute {shown(next(iter(attributes)))}", "remove the attribute")
        self._stack.append(_Frame(tag, self.line(), self._place(tag), _fresh(tag)))

    def _place(self, tag: str) -> str:
        """Check that an element may stand here; the path of what it holds."""
        parent = self._stack[-1] if self._stack else None
        if parent is None:
            if tag not in {"plist", "dict"}:
                raise Refused(f"it begins with <{tag}>, and not with <plist> or <dict>", _AS_DICT)
            self.fragment = tag == "dict"
            return ""
        if tag == "plist":
            raise Refused("<plist> stands inside of it once more", _AS_DICT)
        if parent.tag == "plist":
            if parent.items:
                raise Refused("<plist> holds more than one value", _AS_DICT)
            if tag != "dict":
                raise Refused(f"<plist> holds <{tag}>, and not <dict>", _AS_DICT)
            return ""
        if parent.tag == "dict":
            return self._in_dict(tag, parent)
        if parent.tag == "array":
            if tag == "key":
                raise Refused("a <key> stands in an <array>", "keys belong into a <dict>")
            return f"{parent.path}[{len(parent.items)}]"
        raise Refused(f"<{tag}> stands inside <{parent.tag}>", f"close <{parent.tag}> first")

    def _in_dict(self, tag: str, parent: _Frame) -> str:
        if tag == "key":
            if parent.key is not None:
                raise Refused(f"the key {shown(parent.key)} has no value", "write one after it")
            return parent.path
        if parent.key is None:
            raise Refused(f"<{tag}> has no key before it", "write <key>NAME</key> before it")
        path = f"{parent.path}.{parent.key}" if parent.path else parent.key
        self.lines[path] = self.line()
        return path

    def data(self, text: str) -> None:
        """Text, all of it that stands together."""
        if not self._stack:
            return  # the parser itself refuses text beside the root
        frame = self._stack[-1]
        if frame.tag in _CONTAINERS:
            if text.strip(_SPACE):
                raise Refused(f"the text {shown(text.strip())} stands loose in <{frame.tag}>", "write it as <string>")
        else:
            frame.text.append(text)

    def end(self, tag: str) -> None:
        """An element ends: its value goes into what is around it."""
        frame = self._stack.pop()
        if tag == "key":
            self._take_key("".join(frame.text))
            return
        if frame.key is not None:
            raise Refused(f"the key {shown(frame.key)} has no value", "write one after it")
        if tag == "plist":
            if not frame.items:
                raise Refused("<plist> is empty", _AS_DICT)
            self._root = frame.items[0]
            return
        value = frame.items if tag in _CONTAINERS else _plain(tag, "".join(frame.text))
        if not self._stack:
            self._root = value
            return
        parent = self._stack[-1]
        if parent.tag == "dict":
            parent.items[parent.key] = value
            parent.key = None
        else:
            parent.items.append(value)

    def _take_key(self, key: str) -> None:
        parent = self._stack[-1]
        if key in parent.items:
            raise Refused(f"the key {shown(key)} stands twice in one <dict>", "keep one of them")
        parent.key = key

    def close(self) -> Value:
        """The root's value."""
        return self._root


_AS_DICT: Final = 'a managed app config is one <dict>, bare or in <plist version="1.0">'


def _known(tag: str) -> str:
    lower = tag.lower().rpartition("}")[2]
    if lower in _CONTAINERS | _PLAIN:
        return f"write <{lower}>"
    return "a property list has dict, array, key, string, integer, real, true, false, data and date"


def _fresh(tag: str) -> Any:
    return {} if tag == "dict" else [] if tag in _CONTAINERS else None


def _plain(tag: str, text: str) -> Value:
    match tag:
        case "string":
            return text
        case "true" | "false":
            if text:
                raise Refused(f"<{tag}> holds a text", f"write <{tag}/>")
            return tag == "true"
        case "integer" if _INTEGER(text) and -(2**63) <= int(text) < 2**64:
            return int(text)
        case "real" if _REAL(text):
            return _finite(text)
        case "date" if _DATE(text):
            return _moment(text)
        case "data":
            return _bytes(text)
    raise Refused(f"{shown(text)} is no <{tag}>", f"write a value that is one, or <string>{'…'}</string>")


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise Refused(f"{shown(text)} is too large for <real>", "write a smaller number")
    return number


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - property lists know UTC only
    except ValueError:
        raise Refused(
            f"{shown(text)} is no day of the calendar", "write a real moment, as 2026-11-24T08:00:00Z"
        ) from None


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("<data> is no base64", "encode it again") from None
