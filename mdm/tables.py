"""CSV tables for an admin: keys, values and types to type in, and which person gets which file.

A spreadsheet runs a cell that begins with = + - @, a tab or a carriage return as a formula. Such a cell is written with an
apostrophe before it, and one that looks so escaped gets one more, so that every text comes back as it was.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from mdm.errors import MdmError
from mdm.model import Value
from mdm.values import shown

KEYS_HEADER: Final = ("Key", "Value", "Type")
PEOPLE_HEADER: Final = ("Serial Number", "Email", "Configuration File", "SHA-256")
"""One device a row: an admin, or a script, fills in the first column."""

_FORMULA = re.compile(r"'*[=+\-@\t\r]").match
_ESCAPED = re.compile(r"'+[=+\-@\t\r]").match
_TYPES: Final = ((bool, "boolean"), (int, "integer"), (float, "real"), (str, "string"))


def escaped(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if _FORMULA(cell) else cell


def unescaped(cell: str) -> str:
    """The text that was escaped."""
    return cell[1:] if _ESCAPED(cell) else cell


def rows_of(settings: Mapping[str, Value]) -> Iterator[tuple[str, str, str]]:
    """Key, value and type of each setting, sorted.

    Raises:
        MdmError: a value has a type that a table of keys and values cannot hold.
    """
    for key, value in sorted(settings.items()):
        kind = next((name for python, name in _TYPES if isinstance(value, python)), None)
        if kind is None:
            cure = "give this key in the file form, or leave it out"
            raise MdmError(f"a list, a date or data cannot be typed in as one value ({key})", where=key, cure=cure)
        yield key, ("true" if value else "false") if kind == "boolean" else str(value), kind


def keys_table(settings: Mapping[str, Value]) -> bytes:
    """`Key,Value,Type`, UTF-8 with the mark that spreadsheets need.

    Raises:
        MdmError: as `rows_of`, or it did not come back as it was written.
    """
    rows = list(rows_of(settings))
    return table(KEYS_HEADER, rows)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """A whole table, read back.

    Raises:
        MdmError: it did not come back as it was written.
    """
    content = ("\ufeff" + "".join(lines(header, rows))).encode()
    again = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    if [tuple(map(unescaped, row)) for row in again] != [tuple(header), *map(tuple, rows)]:
        raise MdmError("a table that was written does not read back as it should", where=shown(header[0]))
    return content


def lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The same line by line, for tables of any length; without the mark."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow(map(escaped, row))
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    if buffer.getvalue():
        yield buffer.getvalue()
