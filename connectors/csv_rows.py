"""Rows of a CSV text, one bad row at a time: what cannot be parsed is named, and the rest goes on.

`csv.reader` alone raises at the first huge cell and takes a file cut inside quotes for whole. Which cell means what is
none of this room's business.
"""

from __future__ import annotations

import csv
import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_CELL = 10_000
"""Characters of a cell. More is no name, address or group."""
_MAX_LINE = 1 << 24
"""Characters of a physical line that are looked at together; a longer one ends the reading."""
_MAX_LINES = 10_000
"""Physical lines of a row: more is a quote that was never closed."""


class Fault(NamedTuple):
    """A row that could not be parsed."""

    line: int
    reason: str
    """The second half of a sentence that begins with file, line and column."""
    cells: list[str]
    """What could be made out all the same; cells may be missing or shifted."""
    column: int | None = None


class Rows:
    """The rows of a text, wholly empty lines included as empty lists.

    Args:
        text: opened with `newline=""`.
        delimiter: one character.
        on_fault: told of every row that could not be parsed; such rows are not among those iterated.
    """

    def __init__(self, text: TextIO, delimiter: str, on_fault: Callable[[Fault], object]) -> None:
        self.line = 0
        """The physical line, from 1, at which the row handed over last begins."""
        self.open_end = False
        """The last line has no line ending."""
        self._text = text
        self._delimiter = delimiter
        self._on_fault = on_fault
        self._pending: list[str] = []
        self._next_line = 1
        self._ended = False
        self._shortened = False
        self._lost = False
        self._cell = re.compile(rf'"[^"]*(?:""[^"]*)*"|[^{re.escape(delimiter)}"\r\n]+')

    def __iter__(self) -> Iterator[list[str]]:
        """Iterate once.

        Raises:
            UnicodeError: the text is not written in its encoding.
            OSError: it could not be read on.
        """
        pending = self._pending
        while not self._ended:
            reader = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
            try:
                for row in reader:
                    self.line = self._next_line
                    lines = len(pending)
                    self._next_line += lines
                    pending.clear()
                    if (lines > 1 or self._shortened) and self._too_long(row):
                        continue
                    yield row
            except csv.Error as error:
                self._passed_over(str(error))

    def _lines(self) -> Iterator[str]:
        append, pending = self._pending.append, self._pending
        line = ""
        for line in iter(partial(self._text.readline, _MAX_LINE), ""):
            append(line)
            if len(line) <= MAX_CELL and len(pending) <= _MAX_LINES:
                yield line
            else:
                yield self._unusual(line)
        self._ended = True
        self.open_end = bool(line) and not line.endswith(("\n", "\r"))

    def _unusual(self, line: str) -> str:
        """Shorten the huge cells of a line, so that the row can be parsed and its person be named."""
        if len(line) == _MAX_LINE:
            self._lost = True
            raise csv.Error(f"the line has more than {_MAX_LINE:,} characters")
        if len(self._pending) > _MAX_LINES:
            raise csv.Error(f"the row has more than {_MAX_LINES:,} lines")
        short = self._cell.sub(_shorten, line)
        if short != line:
            self._shortened = True
            self._pending[-1] = short
        return short

    def _too_long(self, row: list[str]) -> bool:
        if not self._shortened and max(map(len, row)) <= MAX_CELL:
            return False
        self._shortened = False
        column = next((n for n, cell in enumerate(row) if len(cell) > MAX_CELL), None)
        row = [cell if len(cell) <= MAX_CELL else "" for cell in row]
        self._on_fault(Fault(self.line, f"a cell has more than {MAX_CELL:,} characters", row, column))
        return True

    def _passed_over(self, error: str) -> None:
        """Tell of the row at which the parser gave up, and go on after it where that is certain to be a new row."""
        lines, start = self._pending[:], self._next_line
        self._next_line += len(lines)
        self._pending.clear()
        self._shortened = False
        cells, closed = self._leniently(lines)
        if self._ended:
            reason = "a quote opens here and is never closed: the file was cut, or a quote is missing"
            self._on_fault(Fault(_quote_line(lines, start), reason, cells))
        elif len(lines) == 1 and closed and not self._lost:
            self._on_fault(Fault(start, f"the row cannot be parsed ({error})", cells))
        else:
            self._ended = True
            reason = f"the row cannot be parsed ({error}), and nothing after it was read: is a quote missing here?"
            self._on_fault(Fault(_quote_line(lines, start), reason, cells))

    def _leniently(self, lines: list[str]) -> tuple[list[str], bool]:
        """What a forgiving parser makes of the lines, and whether the row ends with them."""
        probe = "end"  # becomes a row of its own only if no quote is open before it
        try:
            rows = list(csv.reader([*lines, probe], delimiter=self._delimiter))
        except csv.Error:
            return [], False
        closed = len(rows) > 1 and rows[-1] == [probe]
        return rows[0], closed


def _shorten(cell: re.Match[str]) -> str:
    if cell.end() - cell.start() <= MAX_CELL:
        return cell[0]
    if cell[0].startswith('"'):
        return f'"{cell[0][1 : MAX_CELL + 100].replace(chr(34), " ")}"' if len(cell[0]) > MAX_CELL + 2 else cell[0]
    return cell[0][: MAX_CELL + 1]


def _quote_line(lines: list[str], start: int) -> int:
    """The line of the quote that is open at the end, or the first one."""
    opened, inside = start, False
    for number, line in enumerate(lines, start):
        if line.count('"') % 2:
            inside = not inside
            opened = number if inside else opened
    return opened
