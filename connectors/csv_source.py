"""People from CSV files: one file, or a folder of them that are one directory together.

A read goes over the files twice. The first time it keeps nine bytes of each row, asks which rows the reader knows, finds
out who has several rows, and whether the files can be decoded to their end; the second time it hands people over. So memory
holds only those whose rows are not all read yet, and nothing is handed over of a file that turns out to be unreadable.
Where nearly everybody is known, the few rows that are not are kept from the first time, and there is no second; and where
the reader remembers what the last read was made of, even the first is over those lines only that changed (`csv_survey`).
A few people are found without either (`csv_lookup`).
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.csv_arrival import arrived, marker_path, moved, stamps
from connectors.csv_format import find_format
from connectors.csv_lookup import find_people
from connectors.csv_passages import IrregularError
from connectors.csv_people import BadRowError, Gathered, GroupNames, People, versions
from connectors.csv_survey import Survey, open_rows
from connectors.errors import ConnectorError, RetryableError
from connectors.model import Certificate, Known, Problem, Record, nothing_known
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from connectors.csv_arrival import Stamp
    from connectors.csv_format import Format
    from connectors.csv_rows import Fault
    from connectors.csv_survey import Surveyed
    from connectors.model import Value


@dataclass(slots=True)
class _Read:
    """What one read came to so far."""

    names: GroupNames
    repeated: dict[int, int] = field(default_factory=dict)
    """Hash of a key that several rows share -> how many of them are still to come. Two people may share a hash: then
    both are gathered, each by the key itself."""
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
        before, formats = self._arrived()
        state = _Read(GroupNames(self._groups_separator))
        survey = Survey(formats, self._encoding, self._groups_separator, known)
        state.repeated = survey.repeated
        if changes := moved(before, self._path, self._marker):
            raise RetryableError(changes[0], where=str(self._path), cure="read again when the export has ended")
        for file, found in survey.files.items():
            yield from self._people(file, found, state)
        # Two keys of one hash: the rows of the one that ended first waited for the other's.
        for external_id in list(state.gathered):
            yield from _complete(external_id, state)
        if not state.problems and not state.reasons:
            survey.remember()
        state.reasons.extend(moved(before, self._path, self._marker))
        yield Certificate(state.records, state.names.count, tuple(state.problems), tuple(state.reasons))

    def _arrived(self) -> tuple[Mapping[Path, Stamp], dict[Path, Format]]:
        files = arrived(self._path, self._marker, self._settle_seconds, self._sleep, self._clock)
        return files, {file: find_format(file, self._columns, self._encoding, self._delimiter) for file in files}

    def find(self, texts: Collection[str]) -> Sequence[Record] | None:
        """As in `connectors.base.Searchable`; raises what `read` does."""
        before, formats = self._arrived()
        try:
            found = find_people(formats, self._encoding, self._groups_separator, texts)
        except IrregularError:
            return None
        return None if moved(before, self._path, self._marker) else found

    def stamp(self) -> str | None:
        """Of the files' sizes, times and places on the disk, and of the way in which they are read."""
        try:
            files = {
                file: (*stamp, file.stat().st_ctime_ns) for file, stamp in stamps(self._path, self._marker).items()
            }
            marker = marker_path(self._path, self._marker).stat().st_mtime_ns if self._marker else None
        except (ConnectorError, OSError):
            return None
        way = (self._columns, self._groups_separator, self._encoding, self._delimiter, self._final_line_break)
        told = repr((sorted(files.items()), marker, way))
        return hashlib.blake2b(told.encode(errors="surrogatepass"), digest_size=16).hexdigest()

    def check(self) -> Iterator[str]:
        """Every reason why a read would fail or not be certified, as sentences; reads everything to find them."""
        try:
            for item in self.read():
                if isinstance(item, Certificate):
                    yield from (problem.message for problem in item.problems)
                    yield from item.reasons
        except ConnectorError as error:
            yield f"{error.what} ({error.where}): {error.cure}"

    def _to_hand_over(
        self, file: Path, found: Surveyed, repeated: Mapping[int, int], key_of: Callable[[Sequence[str]], str]
    ) -> Iterator[tuple[int, int, list[str]]]:
        """The rows that are not known, and all of a person who has several: whether it is known, its line, its cells."""
        if not repeated and found.kept is not None:
            yield from ((0, line, row) for line, row in found.kept)
            return
        with open_rows(file, found.layout, self._encoding, _ignore) as (rows, every):
            for asked, row in zip(found.asked, every):  # noqa: B905 - a file that grew meanwhile is noticed at the end
                if not asked or (repeated and hash(key_of(row)) in repeated):
                    yield asked, rows.line, row

    def _people(self, file: Path, found: Surveyed, state: _Read) -> Iterator[Record]:
        """Hand over the people of one file whose last row is in it."""
        people = People(found.layout, state.names)
        key_of, attributes_of, repeated = people.key, people.attributes, state.repeated
        version_of = versions(found.layout, self._groups_separator)
        report = _Report(file, found.layout, people, state.problems)
        first = len(state.problems)
        for fault in found.faults:
            report.fault(fault)
        known = found.asked.count(1) + found.met
        rows_met = bool(known)
        state.records += known
        for asked, line, row in self._to_hand_over(file, found, repeated, key_of):
            key = key_of(row)
            several = bool(repeated) and hash(key) in repeated
            try:
                attributes = attributes_of(row)
            except BadRowError as bad:
                if not any(map(str.strip, row)):
                    continue
                attributes = None
                report.bad_row(line, row, bad)
            rows_met = True
            if several:
                state.records -= asked
                yield from self._one_of_several(key, attributes, line, report, state)
            elif attributes is not None:
                state.records += 1
                yield Record("person", key, attributes, version_of(row))
        state.problems[first:] = sorted(state.problems[first:], key=lambda problem: problem.line or 0)
        if found.open_end and self._final_line_break:
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
    """The second time over the files nothing is told: it was the first time."""
