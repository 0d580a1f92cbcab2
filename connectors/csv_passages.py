"""Passages: stretches of a CSV file that are compared as they lie there, before any row is taken apart.

From one read to the next nearly all of a file is the same, byte by byte. A passage ends with a line whose checksum says so,
wherever it stands; so a row that comes, goes or changes makes one or two passages new, and not all that follow.
"""

from __future__ import annotations

import hashlib
import re
from binascii import crc32
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from connectors.csv_people import read_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from connectors.csv_format import Format
    from connectors.csv_rows import Rows

ENDS: Final = 15
"""A line ends a passage when these bits of its CRC-32 are all zero: one in sixteen."""
LONGEST: Final = 10
"""Lines after which a passage ends in any case: a row that changed lies in a long one sooner than in a short one, and all of
that passage is taken apart."""

_BUFFER = 1 << 20
LINE_BY_LINE = re.compile(r"utf-8(-sig)?|ascii|cp125\d|iso8859-\d+")
"""Encodings in which the byte of a line feed is a line feed and nothing else."""
_NOTHING = b" \t\r\n,;\"'\xef\xbb\xbf"

Numbered = tuple[int, list[str]]
"""The line at which a row begins, and its cells."""


class IrregularError(Exception):
    """The file cannot be read by passages: it has to be read whole."""


class Passage(NamedTuple):
    """Some whole lines of a file."""

    line: int
    """Its first line, from 1."""
    lines: int
    data: bytes
    digest: bytes
    """16 bytes of the data, and of everything that it is read by."""


def passages(
    file: BinaryIO,
    layout: Format,
    groups_separator: str | None,
    met: Callable[[bytes], bool] = lambda _digest: False,
) -> Iterator[Passage]:
    """The passages after the header.

    Args:
        file: at its beginning.
        layout: of the file.
        groups_separator: see `CsvSource`.
        met: asked with each passage's digest; those that were met before are left out.

    Raises:
        IrregularError: the encoding, or the header, does not allow it.
    """
    if not LINE_BY_LINE.fullmatch(layout.encoding):
        raise IrregularError
    line = pass_header(file)
    blake2b = hashlib.blake2b
    # The cells are compared as text elsewhere; here the same bytes in another encoding or cut otherwise are something else.
    by = f"{layout.encoding} {layout.delimiter} ".encode() + read_by(layout, groups_separator)
    person = blake2b(by, digest_size=blake2b.PERSON_SIZE).digest()
    for lines in _cut(file):
        data = b"\n".join(lines)
        digest = blake2b(data, digest_size=16, person=person).digest()
        if not met(digest):
            yield Passage(line, len(lines), data, digest)
        line += len(lines)


def pass_header(file: BinaryIO) -> int:
    """Read over the header. Returns the number of the line after it.

    Raises:
        IrregularError: it goes on over several lines.
    """
    number = 1
    for line in iter(file.readline, b""):
        number += 1
        if line.strip(_NOTHING):
            if line.count(b'"') % 2 or b"\r" in line.rstrip(b"\r\n"):
                raise IrregularError
            break
    return number


def _cut(file: BinaryIO) -> Iterator[list[bytes]]:
    """The lines of each passage; joined with line feeds they are its bytes, but for the line feed at the end."""
    rest: list[bytes] = []
    last = b""
    while buffer := file.read(_BUFFER):
        *lines, last = (last + buffer).split(b"\n")
        first = len(rest)
        lines = rest + lines
        begin = 0
        for at in [at for at, sum_ in enumerate(map(crc32, lines[first:]), first + 1) if not sum_ & ENDS]:
            while at - begin > LONGEST:
                yield lines[begin : begin + LONGEST]
                begin += LONGEST
            yield lines[begin:at]
            begin = at
        rest = lines[begin:]
        while len(rest) > LONGEST:
            yield rest[:LONGEST]
            rest = rest[LONGEST:]
    if last:
        yield [*rest, last]
    elif rest:
        yield rest


def by_passage(
    rows: Rows, every: Iterator[list[str]], met: Iterable[Passage], first: int
) -> Iterator[tuple[Passage, list[Numbered]]]:
    """The rows of each passage, with the lines of the file.

    Args:
        rows: of a text that holds just these passages, one after the other.
        every: its iterator.
        met: the passages.
        first: the line of the text at which they begin, as `rows` counts; 0: it is the file itself.

    Raises:
        IrregularError: a row goes on from one passage to the next, or a line ends otherwise than with a line feed.
    """
    row = next(every, None)
    for passage in met:
        first = first or passage.line
        if passage.data.count(b"\r") != passage.data.count(b"\r\n") + passage.data.endswith(b"\r"):
            raise IrregularError
        end, inside = first + passage.lines, list[Numbered]()
        if row is not None and rows.line != first:
            raise IrregularError
        while row is not None and rows.line < end:
            inside.append((passage.line + rows.line - first, row))
            row = next(every, None)
        if not inside:  # every line is a row, an empty one, too: here one goes on that began before
            raise IrregularError
        yield passage, inside
        first = end
    if row is not None:
        raise IrregularError
