"""People from CSV files: one file, or a folder of them that are one directory together.

A read goes over the files twice. The first time it keeps eight bytes of each row, finds out who has several rows, and
whether the files can be decoded to their end; the second time it hands people over. So memory holds only those whose rows
are not all read yet, and nothing is handed over of a file that turns out to be unreadable.
"""

from __future__ import annotations

import time
from array import array
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.csv_arrival import arrived, moved, reading
from connectors.csv_format import find_format, undecodable
from connectors.csv_people import BadRowError, Gathered, GroupNames, People, versions
from connectors.csv_rows import Fault, Rows
from connectors.errors import ConnectorError, RetryableError
from connectors.model import Certificate, Known, Problem, Record, nothing_known
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from connectors.csv_format import Format
    from connectors.model import Value

_SHARDS = 256
"""The keys' hashes are compared in so many parts, so that the comparison itself takes little memory."""


@dataclass(slots=True)
class _Read:
    """What one read came to so far."""

    names: GroupNames
    repeated: dict[int, int]
    """Hash of a key that several rows share -> how many of them are still to come. Two people may share a hash: then
    both are gathered, each by the key itself."""
    known: Known
    gathered: dict[str, Gathered] = field(default_factory=dict)
    records: int = 0
    problems: list[Problem] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


class CsvSource:
    """People from a CSV file or a folder of CSV files.

    Fluix's own layouts (`User Name, Email, Group Name` and `Full Name, Email, Groups`, the last column optional) need no
    `columns`. The external id is the `id` column, else the normalised email. Rows with the same one are one person if
    they agree in everything but the groups, which are added up.

    Args:
        name: the source's name in the configuration.
        path: the file, or a folder whose .csv, .tsv and .txt files are read in the order of their names.
        columns: attribute -> header; `email` at least. Attribute names are free but for `id`, `active` and `groups`,
            which are read as such.
        groups_separator: what separates the groups of a cell; None: a cell is one group.
        encoding: the files' encoding; None: UTF-8, or UTF-16 with a byte-order mark.
        delimiter: between cells; None: comma, semicolon or tab, whichever makes the header the wanted one.
        settle_seconds: for how long a file must not have changed before it is read; 10 times that is waited at most.
        marker: a file that the export writes last, relative to the folder (or the file's); it must be there and at
            least as new as every file.
        final_line_break: whether the exporter is known to end its last line. If so, a file that does not end with a line
            ending was cut, and is not certified. Some never write one (Google Sheets): then a file cut inside the last
            cell of a row cannot be told from a whole one. A marker is proof enough, too.
        sleep, clock: seconds; to be replaced in tests.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        columns: Mapping[str, str] | None = None,
        *,
        groups_separator: str | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
        settle_seconds: float = 1.0,
        marker: Path | None = None,
        final_line_break: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self._path = Path(path)
        self._columns = columns
        self._groups_separator = groups_separator or None
        self._encoding = encoding
        self._delimiter = delimiter
        self._settle_seconds = settle_seconds
        self._marker = marker
        self._final_line_break = final_line_break and marker is None
        self._sleep = sleep
        self._clock = clock

    def read(self, known: Known = nothing_known) -> Iterator[Record | Certificate]:
        """Stream every person whose row is not known already, then the certificate.

        Raises:
            PermanentError: the configuration names an encoding, delimiter or columns that cannot be.
            UnreadableError: a file is missing, empty, forbidden, binary, wrongly encoded or without the wanted header.
            RetryableError: a file is still being written, the marker is missing, or the drive did not answer.
        """
        before = arrived(self._path, self._marker, self._settle_seconds, self._sleep, self._clock)
        formats = {file: find_format(file, self._columns, self._encoding, self._delimiter) for file in before}
        state = _Read(GroupNames(self._groups_separator), self._survey(formats), known)
        if changes := moved(before, self._path, self._marker):
            raise RetryableError(changes[0], where=str(self._path), cure="read again when the export has ended")
        for file, layout in formats.items():
            yield from self._people(file, layout, state)
        # Two keys of one hash: the rows of the one that ended first waited for the other's.
        for external_id in list(state.gathered):
            yield from _complete(external_id, state)
        state.reasons.extend(moved(before, self._path, self._marker))
        yield Certificate(state.records, state.names.count, tuple(state.problems), tuple(state.reasons))

    def check(self) -> Iterator[str]:
        """Every reason why a read would fail or not be certified, as sentences; reads everything to find them."""
        try:
            for item in self.read():
                if isinstance(item, Certificate):
                    yield from (problem.message for problem in item.problems)
                    yield from item.reasons
        except ConnectorError as error:
            yield f"{error.what} ({error.where}): {error.cure}"

    @contextmanager
    def _open(
        self, file: Path, layout: Format, on_fault: Callable[[Fault], object]
    ) -> Iterator[tuple[Rows, Iterator[list[str]]]]:
        """The rows after the header, and their reader, which knows the line."""
        try:
            with reading(file), file.open(encoding=layout.encoding, newline="") as text:
                rows = Rows(text, layout.delimiter, on_fault)
                every = iter(rows)
                next((row for row in every if any(map(str.strip, row))), None)
                yield rows, every
        except UnicodeError:
            raise undecodable(file, layout.encoding, declared=self._encoding) from None

    def _survey(self, formats: Mapping[Path, Format]) -> dict[int, int]:
        """How many rows share the hash of a key, for those hashes that more than one row has."""
        shards = [array("q") for _ in range(_SHARDS)]
        for file, layout in formats.items():
            key_of = People(layout, GroupNames(None)).key
            with self._open(file, layout, _ignore) as (_, every):
                for row in every:
                    if key := key_of(row):
                        mark = hash(key)
                        shards[mark % _SHARDS].append(mark)
        repeated: dict[int, int] = {}
        for shard in shards:
            if len(set(shard)) < len(shard):
                repeated.update((mark, count) for mark, count in Counter(shard).items() if count > 1)
        return repeated

    def _people(self, file: Path, layout: Format, state: _Read) -> Iterator[Record]:
        """Hand over the people of one file whose last row is in it."""
        people = People(layout, state.names)
        key_of, attributes_of, repeated = people.key, people.attributes, state.repeated
        version_of = versions(layout, self._groups_separator)
        report = _Report(file, layout, people, state.problems)
        rows_met = False
        with self._open(file, layout, report.fault) as (rows, every):
            for row in every:
                key = key_of(row)
                several = bool(repeated) and hash(key) in repeated
                version = None if several else version_of(row)
                if version is not None and state.known("person", key, version):
                    rows_met = True
                    state.records += 1
                    continue
                try:
                    attributes = attributes_of(row)
                except BadRowError as bad:
                    if not any(map(str.strip, row)):
                        continue
                    attributes = None
                    report.bad_row(rows.line, row, bad)
                rows_met = True
                if several:
                    yield from self._one_of_several(key, attributes, rows.line, report, state)
                elif attributes is not None:
                    state.records += 1
                    yield Record("person", key, attributes, version)
            if rows.open_end and self._final_line_break:
                state.reasons.append(
                    f"{file.name} does not end with a line ending, so its last row may be cut: "
                    "end the file with a line break, or declare that the exporter writes none"
                )
        if not rows_met and not report.faults:
            state.reasons.append(
                f"{file.name} has a header and no rows: an empty directory is never taken for the truth"
            )

    @staticmethod
    def _one_of_several(
        key: str, attributes: dict[str, Value] | None, line: int, report: _Report, state: _Read
    ) -> Iterator[Record]:
        mark = hash(key)
        state.repeated[mark] -= 1
        _gather(key, attributes, line, report, state)
        if not state.repeated[mark]:
            yield from _complete(key, state)


class _Report:
    """Writes the problems of one file."""

    def __init__(self, file: Path, layout: Format, people: People, problems: list[Problem]) -> None:
        self.file = file.name
        self.people = people
        self.faults = 0
        self._layout = layout
        self._problems = problems

    def place(self, line: int) -> str:
        return f"{self.file} line {line}"

    def fault(self, fault: Fault) -> None:
        self.faults += 1
        known = fault.column is not None and fault.column < len(self._layout.headers)
        column = self._layout.headers[fault.column] if known and fault.column is not None else None
        self._add(fault.line, fault.cells, fault.reason, column)

    def bad_row(self, line: int, row: list[str], bad: BadRowError) -> None:
        self._add(line, row, bad.reason, self._layout.header(bad.attribute) if bad.attribute else None)

    def contradiction(self, key: str, person: Gathered, line: int, attributes: list[str]) -> None:
        headers = list(dict.fromkeys(self._layout.header(a) for a in attributes if a in self._layout.columns))
        columns = f"{'column' if len(headers) == 1 else 'columns'} {', '.join(headers)}"
        message = (
            f"{person.place} and {self.place(line)} are about the same person {shown(key)} and differ in {columns}"
        )
        email = None if person.attributes is None else str(person.attributes["email"])
        self._problems.append(Problem(message, line, headers[0] if headers else None, external_id=key, email=email))

    def _add(self, line: int, row: list[str], reason: str, column: str | None) -> None:
        message = f"{self.place(line)}{f', column {column}' if column else ''}: {reason}"
        self._problems.append(
            Problem(message, line, column, external_id=self.people.key(row) or None, email=self.people.email(row))
        )


def _gather(key: str, attributes: dict[str, Value] | None, line: int, report: _Report, state: _Read) -> None:
    """Put one of several rows to the others of its person."""
    person = state.gathered.get(key)
    if person is None:
        person = state.gathered[key] = Gathered()
    if attributes is None:
        person.broken = True
        return
    groups = attributes.pop("groups", None)
    if person.attributes is None:
        person.attributes, person.place = attributes, report.place(line)
    elif attributes != person.attributes and not person.broken:
        differing = report.people.differing(person.attributes, attributes)
        if differing:
            person.broken = True
            report.contradiction(key, person, line, differing)
    if isinstance(groups, tuple) and not person.broken:
        person.add_groups(groups)


def _complete(key: str, state: _Read) -> Iterator[Record]:
    """Hand over a person of several rows."""
    attributes = state.gathered.pop(key).whole(state.names)
    if attributes is not None:
        state.records += 1
        yield Record("person", key, attributes)


def _ignore(_: Fault) -> None:
    """The first time over the files nothing is told: the second time it will be."""
