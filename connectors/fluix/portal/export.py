"""Reading one export of all users: which file is the newest, and what stands in it, whole or not at all.

What an export's columns are called, nobody knows beforehand: the headers are configured, and a header too few or too many
is refused with what was found. Whether the export can be believed at all is `guards`' affair.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from connectors.csv_arrival import Stamp, reading, stamps
from connectors.csv_format import find_format
from connectors.csv_source import CsvSource
from connectors.errors import UnreadableError
from connectors.fluix.portal.book import LastExport
from connectors.fluix.portal.settings import ExportSettings
from connectors.model import AccountState, Certificate, Record, normalise_email, normalise_name
from connectors.text import shown

_EXPORT_ANEW = "export all users anew (Users, Export All Users) and put the file into the folder"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One user of an export."""

    email: str
    display_name: str
    groups: frozenset[str]
    state: AccountState
    role: str | None


@dataclass(frozen=True, slots=True)
class Export:
    """A whole export."""

    last: LastExport
    """What is remembered of it."""
    rows: dict[str, Row]
    """By email, as it is compared."""


def read_export(
    settings: ExportSettings,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> Export:
    """Read the newest export.

    Raises:
        UnreadableError: there is none, it cannot be read whole, or its columns are not the configured ones.
        RetryableError: it is still being written.
    """
    file, dated_at = newest(settings)
    _check_headers(file, settings)
    rows: dict[str, Row] = {}
    columns = {name: header for name, header in settings.columns.items() if name != "id"}
    source = CsvSource(
        "export",
        file,
        columns,
        groups_separator=settings.groups_separator,
        encoding=settings.encoding,
        delimiter=settings.delimiter,
        settle_seconds=settings.settle_seconds,
        sleep=sleep,
        clock=clock,
    )
    states = Counter[str]()
    for item in source.read():
        if isinstance(item, Record):
            row = _row(item, settings, states)
            rows[normalise_email(row.email)] = row
        else:
            _require_whole(file, item)
    _require_states(file, states)
    with reading(file):
        content = file.read_bytes()
    last = LastExport(
        file=file.name,
        dated_at=dated_at,
        digest=hashlib.blake2b(content, digest_size=16).digest(),
        users=len(rows),
        # UTF-16 ends a line with the same character, and a NUL before or behind it.
        final_break=content.rstrip(b"\0")[-1:] in {b"\n", b"\r"},
        states_told="state" in settings.columns,
    )
    return Export(last, rows)


def newest(settings: ExportSettings) -> tuple[Path, datetime]:
    """The newest export in the folder, and when it was made.

    Raises:
        UnreadableError: there is none, or it cannot be told which is the newest.
    """
    try:
        found = stamps(settings.folder, None)
    except UnreadableError as error:
        raise UnreadableError(error.what, where=str(settings.folder), cure=_EXPORT_ANEW) from error
    dated = sorted((*_date(file, stamp, settings), file) for file, stamp in found.items())
    dated_at, changed, file = dated[-1]
    if len(dated) > 1 and dated[-2][:2] == (dated_at, changed):
        raise UnreadableError(
            f"{dated[-2][2].name} and {file.name} are equally new",
            where=str(settings.folder),
            cure="remove the older one from the folder",
        )
    return file, dated_at


def _date(file: Path, stamp: Stamp, settings: ExportSettings) -> tuple[datetime, int]:
    if settings.name_format is None:
        return datetime.fromtimestamp(stamp.mtime_ns // 1000 / 1_000_000, UTC), stamp.mtime_ns
    try:
        said = datetime.strptime(file.stem, settings.name_format)  # noqa: DTZ007 - the format may hold %z
    except ValueError:
        raise UnreadableError(
            f"{file.name} does not carry its date as name_format says ({settings.name_format})",
            where=str(file),
            cure="name the file so, or move it out of the folder",
        ) from None
    return said.astimezone(UTC) if said.tzinfo else said.replace(tzinfo=UTC), stamp.mtime_ns


def _check_headers(file: Path, settings: ExportSettings) -> None:
    """Every mapped header is there (`find_format` sees to it), and nothing that nobody knows."""
    layout = find_format(file, settings.columns, settings.encoding, settings.delimiter)
    expected = {normalise_name(header) for header in (*settings.columns.values(), *settings.ignore_columns)}
    unknown = [header for header in layout.headers if normalise_name(header) not in expected]
    if unknown:
        found, known = ", ".join(map(shown, layout.headers)), ", ".join(map(shown, unknown))
        raise UnreadableError(
            f"{file.name} has columns that nobody mapped: {known}; the headers found are {found}",
            where=str(file),
            cure="map them under `target.columns`, or name them under `target.ignore_columns` if they are of no use",
        )


def _row(record: Record, settings: ExportSettings, unknown: Counter[str]) -> Row:
    attributes = record.attributes
    groups = attributes.get("groups", ())
    assert isinstance(groups, tuple)
    state: AccountState = "active"
    if "state" in settings.columns:
        word = str(attributes["state"])
        if normalise_name(word) in map(normalise_name, settings.invited_states):
            state = "invited"
        elif normalise_name(word) not in map(normalise_name, settings.active_states):
            unknown[word] += 1
    role = str(attributes["role"]) if "role" in settings.columns else None
    return Row(str(attributes["email"]), str(attributes["display_name"]), frozenset(groups), state, role)


def _require_whole(file: Path, certificate: Certificate) -> None:
    said = [*certificate.reasons, *(problem.message for problem in certificate.problems)]
    if said:
        more = f"; and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
        raise UnreadableError(
            f"the export was not read whole: {'; '.join(said[:_SHOWN])}{more}", where=str(file), cure=_EXPORT_ANEW
        )


def _require_states(file: Path, unknown: Counter[str]) -> None:
    if unknown:
        words = ", ".join(f"{shown(word)} ({count} users)" for word, count in unknown.most_common(_SHOWN))
        raise UnreadableError(
            f"{file.name} has states that nobody explained: {words}",
            where=str(file),
            cure="name each under `target.active_states` or `target.invited_states`",
        )
