"""Whose device is which: a CSV file of the operator's, since no MDM protocol tells it."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

from syncd.config_file import shorten
from syncd.config_mdm_push import DevicesConfig
from syncd.errors import UsageError

MAX_BYTES = 256 << 20
_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}").fullmatch


def read_devices(config: DevicesConfig) -> dict[str, str]:
    """Enrollment id -> email, as it is written.

    Raises:
        UsageError: the file cannot be read whole, or is not what it should be: nothing is taken from a part of it.
    """
    path = config.resolved_path
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"the device file has more than {MAX_BYTES >> 20} MiB", where=str(path), cure="look at it")
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return _devices(csv.reader(stream, strict=True), config, path)
    except OSError as error:
        cure = "check its path and its rights"
        raise UsageError(
            f"the device file cannot be read: {error.strerror or error}", where=str(path), cure=cure
        ) from error
    except (csv.Error, UnicodeDecodeError) as error:
        cure = "save it again as CSV in UTF-8, with commas"
        raise UsageError(f"the device file is no CSV in UTF-8: {error}", where=str(path), cure=cure) from error


def _devices(rows: Any, config: DevicesConfig, path: Path) -> dict[str, str]:
    header: list[str] = next(rows, [])
    columns = (config.columns.id, config.columns.email)
    for name in columns:
        if header.count(name) != 1:
            cure = f"its first line has: {', '.join(map(shorten, header)) or 'nothing'}; set `devices.columns`"
            raise UsageError(f'the device file has no column "{name}", or two', where=f"{path}:1", cure=cure)
    id_at, email_at = map(header.index, columns)
    found: dict[str, str] = {}
    for row in rows:
        where = f"{path}:{rows.line_num}"
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            cure = "save it again, with quotes around cells that hold a comma"
            raise UsageError(f"the line has {len(row)} cells, the first has {len(header)}", where=where, cure=cure)
        place, email = row[id_at].strip(), row[email_at].strip()
        if not _ID(place):
            cure = "write the enrollment id: letters, digits, dots, hyphens"
            raise UsageError(f'"{shorten(place)}" is no enrollment id', where=where, cure=cure)
        if place in found:
            raise UsageError(f"the device {place} stands twice", where=where, cure="keep one of the lines")
        found[place] = email
    return found
