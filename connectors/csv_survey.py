"""The first time over the files of a read: which rows the reader knows already, and who has several.

Where the reader remembers the passages of the last read, only those that are new are taken apart. Nothing is judged
here: a row that is not known is kept or read again, and becomes a person, or a problem, the second time.
"""

from __future__ import annotations

import io
from array import array
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from connectors.csv_arrival import reading
from connectors.csv_format import undecodable
from connectors.csv_passages import IrregularError, Passage, by_passage, passages
from connectors.csv_people import GroupNames, People, versions
from connectors.csv_rows import Fault, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from connectors.csv_format import Format
    from connectors.csv_passages import Numbered
    from connectors.model import Known, Passages

KEPT: Final = 1_000
"""So many rows are kept from the first time, and one more for every twenty that are known."""

OPENED: Final = 0.3
"""If more of the files than this share is new, passages save nothing."""

_SHARDS = 256
"""The keys' hashes are compared in so many parts, so that the comparison itself takes little memory."""


@dataclass(slots=True)
class Surveyed:
    """What the first time over one file found."""

    layout: Format
    asked: bytearray = field(default_factory=bytearray)
    """One byte for each row that was taken apart, in order: 1 when the reader knows it."""
    met: int = 0
    """How many persons stand in passages that were not taken apart."""
    kept: list[Numbered] | None = field(default_factory=list)
    """The rows that are not known, as long as there are few; None when there are many."""
    faults: list[Fault] = field(default_factory=list)
    open_end: bool = False

    def keep(self, line: int, row: list[str]) -> None:
        """Keep a row that is not known, unless there are too many of them."""
        if self.kept is not None and len(self.kept) < KEPT + (len(self.asked) + self.met) // 20:
            self.kept.append((line, row))
        else:
            self.kept = None


@contextmanager
def open_rows(
    file: Path, layout: Format, declared: str | None, on_fault: Callable[[Fault], object]
) -> Iterator[tuple[Rows, Iterator[list[str]]]]:
    """The rows after the header, and their reader, which knows the line.

    Raises:
        UnreadableError: the file is not written in its encoding, or could not be read on.
    """
    try:
        with reading(file), file.open(encoding=layout.encoding, newline="") as text:
            rows = Rows(text, layout.delimiter, on_fault)
            every = iter(rows)
            next((row for row in every if any(map(str.strip, row))), None)
            yield rows, every
    except UnicodeError:
        raise undecodable(file, layout.encoding, declared=declared) from None


class Survey:
    """Goes over the files of one read.

    Args:
        formats: the files, in their order.
        declared: the declared encoding, for messages.
        groups_separator: see `CsvSource`.
        known: the reader's.
    """

    def __init__(
        self, formats: Mapping[Path, Format], declared: str | None, groups_separator: str | None, known: Known
    ) -> None:
        self.files = {file: Surveyed(layout) for file, layout in formats.items()}
        self.repeated: dict[int, int] = {}
        """Hash of a key that several rows share -> how many rows. Two people may share a hash."""
        self._formats = formats
        self._declared = declared
        self._separator = groups_separator
        self._known = known
        if not self._by_passages():
            self._whole()

    def _whole(self) -> None:
        """Take every row apart."""
        self.files = {file: Surveyed(layout) for file, layout in self._formats.items()}
        shards = [array("q") for _ in range(_SHARDS)]
        known = self._known
        for file, found in self.files.items():
            key_of = People(found.layout, GroupNames(None)).key
            version_of = versions(found.layout, self._separator)
            asked = found.asked.append
            with open_rows(file, found.layout, self._declared, found.faults.append) as (rows, every):
                for row in every:
                    if key := key_of(row):
                        mark = hash(key)
                        shards[mark % _SHARDS].append(mark)
                        if known("person", key, version_of(row)):
                            asked(1)
                            continue
                    asked(0)
                    if found.kept is not None:
                        found.keep(rows.line, row)
                found.open_end = rows.open_end
        for shard in shards:
            if len(set(shard)) < len(shard):
                self.repeated.update((mark, count) for mark, count in Counter(shard).items() if count > 1)

    def _by_passages(self) -> bool:
        """Take apart only what is new; False where that is not certain, or not worth it."""
        remembered = self._known.passages
        if remembered is None or not remembered.whole:
            return False
        try:
            new = {file: self._new_passages(file, found, remembered) for file, found in self.files.items()}
            remembered.settle()
            keys = set[str]()
            for file, opened in new.items():
                self._take_apart(self.files[file], opened, remembered, keys)
        except (IrregularError, UnicodeError):
            remembered.give_up()
            return False
        if remembered.clash() or any(found.kept is None for found in self.files.values()):
            remembered.give_up()
            return False
        return True

    def _new_passages(self, file: Path, found: Surveyed, remembered: Passages) -> list[Passage]:
        def met(digest: bytes) -> bool:
            records = remembered.met(digest)
            found.met += records or 0
            return records is not None

        new: list[Passage] = []
        size, most = 0, file.stat().st_size * OPENED + (1 << 16)
        with reading(file), file.open("rb") as data:
            for passage in passages(data, found.layout, self._separator, met):
                new.append(passage)
                size += len(passage.data)
                if size > most:
                    raise IrregularError
            data.seek(-1, io.SEEK_END)
            found.open_end = data.read(1) not in b"\r\n"
        return new

    def _take_apart(self, found: Surveyed, new: list[Passage], remembered: Passages, keys: set[str]) -> None:
        text = b"\n".join(passage.data for passage in new).decode(found.layout.encoding.removesuffix("-sig"))
        rows = Rows(io.StringIO(text, newline=""), found.layout.delimiter, _refuse)
        key_of = People(found.layout, GroupNames(None)).key
        version_of = versions(found.layout, self._separator)
        known = self._known
        for passage, inside in by_passage(rows, iter(rows), new, 1):
            records: list[tuple[str, bytes]] = []
            for line, row in inside:
                if key := key_of(row):
                    version = version_of(row)
                    records.append((key, version))
                    if known("person", key, version):
                        found.asked.append(1)
                        continue
                found.asked.append(0)
                found.keep(line, row)
            before = len(keys)
            keys.update(key for key, _ in records)
            if len(keys) - before != len(records):
                raise IrregularError
            remembered.keep(passage.digest, records)

    def remember(self) -> None:
        """Let the reader remember all passages of a read in which nothing was unclear."""
        remembered = self._known.passages
        if remembered is None or remembered.whole or self.repeated:
            return
        try:
            for file, found in self.files.items():
                for digest, records in self._every_passage(file, found.layout):
                    remembered.keep(digest, records)
        except (IrregularError, UnicodeError):
            remembered.give_up()

    def _every_passage(self, file: Path, layout: Format) -> Iterator[tuple[bytes, list[tuple[str, bytes]]]]:
        key_of = People(layout, GroupNames(None)).key
        version_of = versions(layout, self._separator)
        with (
            reading(file),
            file.open("rb") as data,
            open_rows(file, layout, self._declared, _refuse) as (rows, every),
        ):
            for passage, inside in by_passage(rows, every, passages(data, layout, self._separator), 0):
                yield passage.digest, [(key, version_of(row)) for _, row in inside if (key := key_of(row))]


def _refuse(_: Fault) -> None:
    raise IrregularError
