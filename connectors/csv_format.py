"""What kind of CSV a file is: its encoding, its delimiter, and which column holds which attribute.

Everything is found from the beginning of the file or declared, and nothing is guessed: a file that does not say clearly
what it is cannot be read.
"""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from connectors.csv_arrival import reading
from connectors.errors import PermanentError, UnreadableError
from connectors.model import normalise_name
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DELIMITERS = (",", ";", "\t")

_FLUIX = (("User Name", "Group Name"), ("Full Name", "Groups"))
"""Fluix's own two layouts: the name's column and that of the groups, which may be missing. Both have `Email`."""

_HEAD = 65_536
"""Characters within which the header must end."""
_NUL_SHARE = 10
"""One NUL in so many bytes, and it is no text."""
_MAGIC = (
    (b"PK\x03\x04", "an Excel workbook or another ZIP file", "save it as CSV UTF-8"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook", "save it as CSV UTF-8"),
    (b"%PDF", "a PDF", "export it as CSV UTF-8"),
    (b"\x1f\x8b", "compressed with gzip", "unpack it first"),
)
_SAVE_AS_UTF8 = "declare the encoding it was saved in, for example `encoding: cp1252`, or save it as CSV UTF-8"


@dataclass(frozen=True, slots=True)
class Format:
    """How one file is written."""

    encoding: str
    """The codec's name; one that swallows the byte-order mark, where there is one."""
    delimiter: str
    headers: tuple[str, ...]
    """As written, trimmed; empty ones at the end left out."""
    columns: Mapping[str, int]
    """Attribute -> index of its cell; `id` for the external id."""

    def header(self, attribute: str) -> str:
        """The header under which an attribute stands."""
        return self.headers[self.columns[attribute]]


def find_format(path: Path, columns: Mapping[str, str] | None, encoding: str | None, delimiter: str | None) -> Format:
    """Find out how a file is written.

    Args:
        path: the file.
        columns: attribute -> header; None for Fluix's own two layouts.
        encoding: the declared one; None for UTF-8, or UTF-16 with a byte-order mark.
        delimiter: the declared one; None for comma, semicolon or tab.

    Raises:
        PermanentError: what was declared makes no sense.
        UnreadableError: the file is empty, binary, wrongly encoded, or its header is not the wanted one.
        RetryableError: the drive did not answer.
    """
    if columns is not None and "email" not in columns:
        raise PermanentError(
            "no column is mapped to email", where=str(path), cure="name its header: `columns: {email: …}`"
        )
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0'):
        raise PermanentError(f"{delimiter!r} is no delimiter", where=str(path), cure="declare one character")
    codec = _find_encoding(path, encoding)
    try:
        with reading(path), path.open(encoding=codec, newline="") as text:
            head = text.read(_HEAD)
    except UnicodeError:
        raise undecodable(path, codec, declared=encoding) from None
    return _find_columns(path, head, columns, codec, DELIMITERS if delimiter is None else (delimiter,))


def _find_encoding(path: Path, declared: str | None) -> str:
    with reading(path), path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise _empty(path)
    codec = "utf-8" if declared is None else _known(declared, path)
    marked = _byte_order_mark(head)
    if marked is not None:
        encoding = marked.removesuffix("-sig")
        if (declared is not None or marked == "utf-32") and not codec.startswith(encoding):
            raise UnreadableError(
                f"{path.name} begins with the byte-order mark of {encoding.upper()}, not {codec}",
                where=str(path),
                cure=f"declare `encoding: {encoding}`",
            )
        codec = marked
    if not codec.startswith(("utf-16", "utf-32")):
        _refuse_binary(path, head)
    return codec


def _known(declared: str, path: Path) -> str:
    try:
        "a".encode(declared)  # refuses what is no text encoding (hex, zlib), too
        return codecs.lookup(declared).name
    except (LookupError, ValueError):
        raise PermanentError(
            f"there is no encoding {declared!r}", where=str(path), cure="declare one such as utf-8, cp1252 or utf-16"
        ) from None


def _byte_order_mark(head: bytes) -> str | None:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None


def _refuse_binary(path: Path, head: bytes) -> None:
    for magic, what, cure in _MAGIC:
        if head.startswith(magic):
            raise UnreadableError(f"{path.name} is {what}, not a CSV file", where=str(path), cure=cure)
    # A NUL further down is a bad row like any other; here it means that this is no text, or UTF-16 without its mark.
    if b"\0" in head.lstrip().partition(b"\n")[0] or head.count(b"\0") * _NUL_SHARE > len(head):
        raise UnreadableError(
            f"{path.name} is binary (it holds NUL bytes), not a CSV file",
            where=str(path),
            cure="save it as CSV UTF-8; if it is UTF-16 without a byte-order mark, declare `encoding: utf-16-le`",
        )


def _empty(path: Path) -> UnreadableError:
    return UnreadableError(f"{path.name} is empty", where=str(path), cure="have the export written anew")


def undecodable(path: Path, codec: str, *, declared: str | None) -> UnreadableError:
    """The error for a file that is not written in `codec`, naming the byte and the line; reads the file to find them."""
    with reading(path), path.open("rb") as file:
        at = _first_undecodable(file, codec)
    cure = _SAVE_AS_UTF8 if declared is None else "declare the encoding it was really saved in"
    return UnreadableError(f"{path.name} is not {codec.removesuffix('-sig').upper()}{at}", where=str(path), cure=cure)


def _first_undecodable(file: BinaryIO, codec: str) -> str:
    decoder = codecs.getincrementaldecoder(codec)()
    start, line = 0, 1
    try:
        while chunk := file.read(_HEAD):
            before = decoder.getstate()
            try:
                line += decoder.decode(chunk).count("\n")
            except UnicodeDecodeError as error:
                # What was left over from the chunk before counts in the error's own position.
                at = error.start - len(before[0])
                decoder.setstate(before)
                line += decoder.decode(chunk[: max(at, 0)]).count("\n")
                return f": byte {start + at} (line {line}) cannot be decoded"
            start += len(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return f": it ends inside a character (line {line})"
    except UnicodeError:  # codecs that know no positions (idna)
        pass
    return ""


def _find_columns(
    path: Path, head: str, columns: Mapping[str, str] | None, codec: str, delimiters: tuple[str, ...]
) -> Format:
    best: tuple[str, ...] = ()
    why = "it has no header"
    for delimiter in delimiters:
        headers = _headers(head, delimiter)
        placed = _fluix(headers) if columns is None else _place(headers, columns)
        if not isinstance(placed, str):
            return Format(codec, delimiter, headers, placed)
        if len(headers) > len(best):
            best, why = headers, placed
    if not head.strip():
        raise _empty(path)
    found = ", ".join(map(shown, best[:30])) or "none"
    cure = "correct the header or `columns`" if columns else "map its headers with `columns`"
    raise UnreadableError(f"{path.name}: {why}; the headers found are {found}", where=str(path), cure=cure)


def _headers(head: str, delimiter: str) -> tuple[str, ...]:
    try:
        rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter, strict=True)
        row = next((row for row in rows if any(map(str.strip, row))), [])
    except csv.Error:
        return ()
    headers = [cell.strip().strip("\ufeff").strip() for cell in row]
    while headers and not headers[-1]:
        headers.pop()
    return tuple(headers)


def _place(headers: tuple[str, ...], columns: Mapping[str, str]) -> Mapping[str, int] | str:
    """Where each wanted header stands, or what is wrong."""
    known = [normalise_name(header) for header in headers]
    wanted = {attribute: normalise_name(header) for attribute, header in columns.items()}
    missing = [shown(header) for attribute, header in columns.items() if wanted[attribute] not in known]
    if missing:
        return f"there is no column {', '.join(dict.fromkeys(missing))}"
    twice = [shown(header) for attribute, header in columns.items() if known.count(wanted[attribute]) > 1]
    if twice:
        return f"there are several columns {', '.join(dict.fromkeys(twice))}"
    return {attribute: known.index(header) for attribute, header in wanted.items()}


def _fluix(headers: tuple[str, ...]) -> Mapping[str, int] | str:
    known = {normalise_name(header) for header in headers}
    layouts = [layout for layout in _FLUIX if normalise_name(layout[0]) in known]
    if len(layouts) != 1 or "email" not in known:
        return "its header is neither `User Name, Email, Group Name` nor `Full Name, Email, Groups`"
    name, groups = layouts[0]
    columns = {"email": "Email", "display_name": name}
    others = {normalise_name(layout[1]) for layout in _FLUIX if layout[1] != groups}
    if normalise_name(groups) in known:
        columns["groups"] = groups
    elif others & known:
        # Left out quietly, its groups would be missing; taken, it would be a guess.
        return f"its groups' column is not {shown(groups)}, which goes with {shown(name)}"
    return _place(headers, columns)
