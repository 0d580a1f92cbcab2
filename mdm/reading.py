"""Reading a property list that anybody may have made: an admin's file, a download, an attack.

At most 64 KiB of UTF-8 XML, no entities and no DTD but Apple's, known elements in their places only, no key twice, bounded
depth and number of nodes; then plistlib must read the same. Binary property lists are refused (283 bytes can stand for
2^60 values). Whatever is wrong ends as `MdmError`, with its line.
"""

from __future__ import annotations

import plistlib
from dataclasses import dataclass
from typing import Final

from defusedxml.common import DefusedXmlException, EntitiesForbidden
from defusedxml.ElementTree import ParseError, XMLParser

from mdm.errors import MdmError
from mdm.model import MAX_BYTES, Value, same
from mdm.strict import PLAIN_FILE, Refused, Strict


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds."""

    settings: dict[str, Value]
    fragment: bool
    """Whether it is a bare `<dict>…</dict>`."""
    lines: dict[str, int]
    """The line of each key, by its path (`server.hosts`)."""


def read(content: bytes, where: str = "") -> Document:
    """Take a property list apart whose root is a dictionary.

    Args:
        content: the whole file; at most one byte more than `MAX_BYTES` need be given to have it refused.
        where: the file's name, for messages.

    Raises:
        MdmError: it is not what it should be; nothing was taken from it.
    """
    _require_text(content, where)
    strict = Strict()
    parser = XMLParser(target=strict, encoding="utf-8")
    expat = parser.parser  # the parser forgets it when it is closed
    strict.line = lambda: int(expat.CurrentLineNumber)
    expat.StartDoctypeDeclHandler = strict.doctype_declaration
    expat.XmlDeclHandler = strict.xml_declaration
    try:
        parser.feed(content)
        settings = parser.close()
        _cross_check(content, settings)
    except Refused as refused:
        raise MdmError(refused.what, where=_at(where, refused.line or strict.line()), cure=refused.cure) from None
    except EntitiesForbidden:
        cure = "write the characters themselves; an entity of one's own can stand for millions of them"
        raise MdmError("it declares entities", where=_at(where, strict.line()), cure=cure) from None
    except DefusedXmlException:
        raise MdmError("it refers to another file", where=_at(where, strict.line()), cure=PLAIN_FILE) from None
    except ParseError as error:
        line = error.position[0]
        raise MdmError(f"it is no well-formed XML: {error.msg}", where=_at(where, line), cure=PLAIN_FILE) from None
    except Exception as error:  # noqa: BLE001 - parsers leak many types on hostile input, and one is promised
        what = f"it cannot be read ({type(error).__name__})"
        raise MdmError(what, where=_at(where, strict.line()), cure=PLAIN_FILE) from None
    assert isinstance(settings, dict)
    return Document(settings, strict.fragment, strict.lines)


def _require_text(content: bytes, where: str) -> None:
    """Refuse what is no UTF-8 text, and say what it seems to be."""
    if len(content) > MAX_BYTES:
        cure = "a managed app config is small; check that this is the right file"
        raise MdmError(f"it is larger than {MAX_BYTES // 1024} KiB", where=where, cure=cure)
    if not content.strip():
        raise MdmError("it is empty", where=where, cure=PLAIN_FILE)
    if content.startswith(b"bplist"):
        cure = "convert it: plutil -convert xml1 FILE"
        raise MdmError("it is a binary property list, which is not read here", where=where, cure=cure)
    if content.startswith((b"\x30\x82", b"\x30\x80")):
        what = "it is signed (CMS), as configuration profiles (.mobileconfig) are; " + WHY_NO_PROFILE
        raise MdmError(what, where=where, cure="export the app's configuration itself, as XML")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        kind = "UTF-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\0" in content[:4] else "not UTF-8"
        line = content.count(b"\n", 0, error.start) + 1
        raise MdmError(f"it is {kind}", where=_at(where, line), cure="save it in the encoding UTF-8") from None
    if "\0" in text:
        raise MdmError("it contains NUL characters, as UTF-16 does", where=where, cure="save it in the encoding UTF-8")


WHY_NO_PROFILE: Final = (
    "no payload of a profile carries managed app config: only the MDM that manages the app can give it"
)


def _cross_check(content: bytes, settings: Value) -> None:
    """A second parser must have understood the same."""
    if not same(plistlib.loads(content, fmt=plistlib.FMT_XML), settings):
        raise Refused("two parsers read it differently", "save it again with another program")


def _at(where: str, line: int) -> str:
    return f"{where}:{line}" if where else f"line {line}"
