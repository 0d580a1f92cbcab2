"""The import files of a work order, in one of the two layouts that Fluix describes.

How Fluix separates several groups of one person is not known. So a cell holds two groups only when a separator was
configured; otherwise the person's row names no group, and each membership is asked for by hand.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from connectors.fluix.csv_files import escaped
from connectors.fluix.portal.book import Item
from connectors.fluix.portal.settings import ImportSettings

_HEADERS = {"documents": ("User Name", "Email", "Group Name"), "tasks": ("Full Name", "Email", "Groups")}


def fits(name: str, email: str, settings: ImportSettings) -> bool:
    """Whether a person can stand in an import file; otherwise he or she is added by hand.

    A cell that a spreadsheet takes for a formula would have to be escaped, and nobody knows what Fluix makes of the sign.
    """
    return all(escaped(cell) == cell and _encodes(cell, settings) for cell in (name, email))


def cells_for(groups: Sequence[str], settings: ImportSettings) -> list[str] | None:
    """The group cells of a person's rows; None where the groups cannot be written, and are asked for by hand."""
    if not groups:
        return [""]
    if any(escaped(group) != group or not _encodes(group, settings) for group in groups):
        return None
    separator = settings.groups_separator
    if separator and any(separator in group for group in groups):
        return None
    if len(groups) == 1:
        return [groups[0]]
    if separator:
        return [separator.join(groups)]
    return list(groups) if settings.one_row_per_group else None


def _encodes(cell: str, settings: ImportSettings) -> bool:
    try:
        cell.encode(settings.encoding)
    except UnicodeError:
        return False
    return True


def import_files(items: Sequence[Item], settings: ImportSettings) -> dict[str, bytes]:
    """The files for these new people, by name; none when there is nobody. A person's rows stay in one file."""
    parts: list[list[tuple[str, str, str]]] = []
    for item in items:
        rows = list(_rows(item, settings))
        if not parts or len(parts[-1]) + len(rows) > settings.rows_per_file:
            parts.append([])
        parts[-1] += rows
    return {f"import-{number}.csv": _file(rows, settings) for number, rows in enumerate(parts, 1)}


def _rows(item: Item, settings: ImportSettings) -> Iterator[tuple[str, str, str]]:
    name, email = str(item.values["display_name"]), str(item.values["email"])
    groups = item.values["groups"]
    assert isinstance(groups, tuple)
    for cell in cells_for(groups, settings) or [""]:
        yield name, email, cell


def _file(rows: Sequence[tuple[str, str, str]], settings: ImportSettings) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=settings.delimiter, lineterminator="\r\n")
    writer.writerow(_HEADERS[settings.layout])
    writer.writerows(rows)
    return text.getvalue().encode(settings.encoding)
