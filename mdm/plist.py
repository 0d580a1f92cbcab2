"""Writing property lists. Every one is read back by the strict reader, and compared, before it is handed out."""

from __future__ import annotations

import plistlib
from collections.abc import Callable
from typing import Final
from xml.parsers.expat import ParserCreate
from xml.sax.saxutils import escape

from mdm.errors import MdmError
from mdm.model import EMAIL_KEY, AppConfig, Value, same
from mdm.reading import read

_HEAD: Final = 3
"""Lines of a property list before its root: declaration, document type, <plist>."""
_PLACE: Final = "PLACE-OF-THE-EMAIL"


def full_plist(settings: Value, *, in_order: bool = False) -> bytes:
    """A whole property list; the same bytes for the same settings.

    Args:
        settings: the root's.
        in_order: keep the keys' order instead of sorting them.

    Raises:
        MdmError: it did not come back as it was written.
    """
    content = plistlib.dumps(dict(settings), fmt=plistlib.FMT_XML, sort_keys=not in_order)
    require_same(content, settings)
    return content


def fragment(settings: Value, *, in_order: bool = False) -> bytes:
    """The bare `<dict>…</dict>`, for boxes that want nothing around it; arguments as in `full_plist`.

    Raises:
        MdmError: it did not come back as it was written.
    """
    lines = plistlib.dumps(dict(settings), fmt=plistlib.FMT_XML, sort_keys=not in_order).split(b"\n")
    content = b"\n".join(lines[_HEAD:-2]) + b"\n"
    require_same(content, settings)
    return content


def require_same(content: bytes, settings: Value) -> None:
    """Read back what was written.

    Raises:
        MdmError: it is not the same.
    """
    if not same(read(content).settings, settings):
        cure = "do not use it; report this: a file that reads differently must not leave the program"
        raise MdmError("a file that was written does not read back as it should", cure=cure)


def per_person(config: AppConfig) -> Callable[[str], bytes]:
    """A writer of the same config with another email each time: what `full_plist` writes, without its cost.

    The email must have passed `email_problem`. Each file is read back by an XML parser, element by element.

    Raises:
        MdmError: when a file did not come back as it was written.
    """
    whole = full_plist({**config.settings, EMAIL_KEY: _PLACE})
    before, place, after = whole.partition(_PLACE.encode())
    assert place
    assert _PLACE.encode() not in after
    expected = _events(whole)
    at = expected.index(_PLACE)

    def write(email: str) -> bytes:
        content = before + escape(email).encode() + after
        expected[at] = email
        if _events(content) != expected:
            raise MdmError("a file that was written does not read back as it should", where=email)
        return content

    return write


def _events(content: bytes) -> list[str]:
    """Names and texts in their order, as expat tells them."""
    events: list[str] = []
    add = events.append
    parser = ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, _: add(name)
    parser.EndElementHandler = add
    parser.CharacterDataHandler = add
    parser.Parse(content, True)
    return events
