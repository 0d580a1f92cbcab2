"""Rows of a CSV text, one bad row at a time: what cannot be parsed is named, and the rest goes on.

`csv.reader` alone raises at the first huge cell and takes a file cut inside quotes for whole. Which cell means what is
none of this room's business.
"""

from __future__ import annotations

import csv
import re
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_CELL = 10_000
"""Characters of a cell. More is no name, address or group."""
_MAX_LINE = 1 << 24
"""Characters of a physical line that are looked at together; a longer one ends the reading."""
_MAX_LINES = 10_000
"""Physical lines of a row: more is a quote that was never closed."""

_QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*(?:"|\Z)')
"""A quoted cell, closed or open to the end."""


class Fault(NamedTuple):
    """A row that could not be parsed."""

    line: int
    reason: str
    """The second half of a sentence that begins with file, line and column."""
    cells: list[str]
    """What could be made out all the same; cells may be missing or shifted."""
    column: int | None = None


class Rows:
    """The rows of a text; a line with nothing on it is a row of one empty cell, or none.

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
        self._delimiter = delimiter
        self._on_fault = on_fault
        self._readline = partial(text.readline, _MAX_LINE)
        self._row: list[str] = []
        """The physical lines of the row that the parser is at."""
        self._given = ""
        self._ended = False
        self._shortened = False
        self._parser = self._new_parser()
        self._cell = re.compile(rf'"[^"]*(?:""[^"]*)*"|[^{re.escape(delimiter)}"\r\n]+')

    def __iter__(self) -> Iterator[list[str]]:
        """Iterate once.

        Raises:
            UnicodeError: the text is not written in its encoding.
            OSError: it could not be read on.
        """
        delimiter, number, line = self._delimiter, 1, ""
        for line in iter(self._readline, ""):
            self.line = number
            # Without a quote a row is its line, and splitting it is three times as fast as parsing it.
            if '"' not in line and len(line) <= MAX_CELL:
                number += 1
                yield line.rstrip("\r\n").split(delimiter)
                continue
            row = self._parsed(line)
            number += len(self._row)
            line = self._row[-1]  # noqa: PLW2901 - the row may have gone on for several
            self._row.clear()
            if row is not None:
                yield row
            if self._ended:
                break
        self.open_end = bool(line) and not line.endswith(("\n", "\r"))

    def _parsed(self, line: str) -> list[str] | None:
        """The row that begins with a line, taking further lines from the text as its quotes ask for."""
        self._given, self._shortened = line, False
        try:
            row = next(self._parser)
        except csv.Error as error:
            self._pass_over(str(error))
            self._parser = self._new_parser()
            return None
        if not self._shortened and ((len(self._row) == 1 and len(line) <= MAX_CELL) or max(map(len, row)) <= MAX_CELL):
            return row
        column = next((n for n, cell in enumerate(row) if len(cell) > MAX_CELL), None)
        row = [cell if len(cell) <= MAX_CELL else "" for cell in row]
        self._on_fault(Fault(self.line, f"a cell has more than {MAX_CELL:,} characters", row, column))
        return None

    def _new_parser(self) -> Iterator[list[str]]:
        return csv.reader(self._lines(), delimiter=self._delimiter, strict=True)

    def _lines(self) -> Iterator[str]:
        """What the parser asks for: the line it was given, then the next ones of the text."""
        while line := self._given or self._readline():
            self._given = ""
            self._row.append(line)
            if len(line) == _MAX_LINE:
                self._ended = True
                raise csv.Error(f"the line has more than {_MAX_LINE:,} characters")
            if len(self._row) > _MAX_LINES:
                raise csv.Error(f"the row has more than {_MAX_LINES:,} lines")
            yield line if len(line) <= MAX_CELL else self._short(line)
        self._ended = True

    def _short(self, line: str) -> str:
        """A line without the bulk of its huge cells, so that the row can be parsed and its person be named."""
        short = self._cell.sub(_shorten, line)
        if short != line:
            self._shortened = True
            self._row[-1] = short
        return short

    def _pass_over(self, error: str) -> None:
        """Tell of a row that the parser gave up; end here where it is not certain that a new row comes next."""
        cells, closed = self._leniently()
        line, reason = self.line, f"the row cannot be parsed ({error})"
        if self._ended and len(self._row[-1]) < _MAX_LINE:
            line, reason = (
                self._quote_line(last=True),
                "a quote opens here and is never closed: the file was cut, or a quote is missing",
            )
        elif self._ended or len(self._row) > 1 or not closed:
            self._ended = True
            line, reason = (
                self._quote_line(last=False),
                f"{reason}, and nothing after it was read: is a quote missing here?",
            )
        self._on_fault(Fault(line, reason, cells))

    def _leniently(self) -> tuple[list[str], bool]:
        """What a forgiving parser makes of the row, and whether the row ends with its last line."""
        probe = "end"  # becomes a row of its own only if no quote is open before it
        try:
            rows = list(csv.reader([*self._row, probe], delimiter=self._delimiter))
        except csv.Error:
            return [], False
        return rows[0], len(rows) > 1 and rows[-1] == [probe]

    def _quote_line(self, *, last: bool) -> int:
        """The line of the row's last quote that opens a cell, or of the first whose cell goes on over lines."""
        cells = [cell for cell in _QUOTED.finditer("".join(self._row)) if last or "\n" in cell[0]]
        at = cells[-1 if last else 0].start() if cells else 0
        starts = accumulate(map(len, self._row), initial=0)
        return self.line + sum(start <= at for start in starts) - 1


def _shorten(cell: re.Match[str]) -> str:
    if cell.end() - cell.start() <= MAX_CELL:
        return cell[0]
    if cell[0].startswith('"'):
        return f'"{cell[0][1 : MAX_CELL + 100].replace(chr(34), " ")}"' if len(cell[0]) > MAX_CELL + 2 else cell[0]
    return cell[0][: MAX_CELL + 1]
