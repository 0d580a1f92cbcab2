"""A few people of a CSV file, without taking it apart: only the lines in which one of some texts stands.

What is found is what a whole read would find; where that is not certain (a row that goes on over lines, one that cannot be
parsed, an encoding in which bytes do not tell), nothing is said.
"""

from __future__ import annotations

import csv
import unicodedata
from typing import TYPE_CHECKING, BinaryIO, Final

from connectors.csv_arrival import reading
from connectors.csv_format import undecodable
from connectors.csv_passages import LINE_BY_LINE, IrregularError, pass_header
from connectors.csv_people import BadRowError, GroupNames, People, versions
from connectors.csv_rows import MAX_CELL
from connectors.model import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from connectors.csv_format import Format

_BUFFER: Final = 1 << 22
MOST: Final = 20_000
"""So many lines are looked at; a text that stands in more of them tells nobody apart."""


def find_people(
    formats: Mapping[Path, Format], declared: str | None, groups_separator: str | None, texts: Collection[str]
) -> list[Record]:
    """Everybody in whose row one of these texts stands, in whatever case.

    Args:
        formats: the files.
        declared: the declared encoding, for messages.
        groups_separator: see `CsvSource`.
        texts: what to look for; none of them empty.

    Raises:
        IrregularError: it takes a whole read to know.
        UnreadableError, RetryableError: as in a whole read.
    """
    names = GroupNames(groups_separator)
    found: dict[str, Record] = {}
    for file, layout in formats.items():
        if not LINE_BY_LINE.fullmatch(layout.encoding):
            raise IrregularError
        people, version_of = People(layout, names), versions(layout, groups_separator)
        for line in _lines_with(file, layout, declared, [_folded(text) for text in texts]):
            try:
                (row,) = csv.reader([line], delimiter=layout.delimiter, strict=True)
                record = Record("person", people.key(row), people.attributes(row), version_of(row))
            except (BadRowError, csv.Error):
                raise IrregularError from None
            if max(map(len, row)) > MAX_CELL or found.setdefault(record.external_id, record) is not record:
                raise IrregularError
    return list(found.values())


def _lines_with(file: Path, layout: Format, declared: str | None, wanted: list[str]) -> Iterator[str]:
    """The lines after the header in which one of these stands, once each."""
    encoding = layout.encoding.removesuffix("-sig")
    sought = [text.encode() for text in wanted]
    left = MOST
    with reading(file), file.open("rb") as data:
        for part in _whole_lines(data):
            try:
                if not _are_rows(part, encoding, layout.delimiter):
                    raise IrregularError
                folded = part.lower() if part.isascii() else _folded(part.decode(encoding)).encode()
            except csv.Error:
                raise IrregularError from None
            except UnicodeError:
                raise undecodable(file, layout.encoding, declared=declared) from None
            numbers = {number for text in sought for number in _numbers(folded, text, left)}
            left -= len(numbers)
            lines = part.split(b"\n") if numbers else []
            for number in sorted(numbers):
                yield lines[number].rstrip(b"\r").decode(encoding)


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """The file after its header, some megabytes at a time, each time to the end of a line."""
    pass_header(file)
    rest = b""
    while buffer := file.read(_BUFFER):
        end = buffer.rfind(b"\n") + 1
        if not end:
            rest += buffer
            continue
        yield rest + buffer[:end]
        rest = buffer[end:]
    if rest:
        yield rest


def _numbers(folded: bytes, text: bytes, most: int) -> Iterator[int]:
    """The lines in which a text stands, from 0."""
    number = begin = 0
    while (at := folded.find(text, begin)) >= 0:
        number += folded.count(b"\n", begin, at)
        yield number
        most -= 1
        if most < 0:
            raise IrregularError
        begin = at + len(text)


def _folded(text: str) -> str:
    """As `normalise_email` compares; a line stays a line."""
    return unicodedata.normalize("NFC", text).casefold()


def _are_rows(part: bytes, encoding: str, delimiter: str) -> bool:
    """Whether each line is a row: none goes on over the end of a line. Only a quote could make it."""
    if b"\r" in part and part.count(b"\r") != part.count(b"\r\n"):
        return False
    if b'"' not in part:
        return True
    quoted = [line for line in part.decode(encoding).split("\n") if '"' in line]
    return sum(1 for _ in csv.reader(quoted, delimiter=delimiter, strict=True)) == len(quoted)
