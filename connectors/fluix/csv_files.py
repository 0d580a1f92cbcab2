"""Fluix's CSV files: what its import pages take, and an export of users in the same layout.

A spreadsheet runs a cell that begins with = + - @, a tab or a carriage return as a formula. So such a cell is written with
an apostrophe before it, and one is taken off again when it is read. Cells that look so escaped already get one more, so
that every text comes back as it was.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO

from connectors.csv_source import CsvSource
from connectors.email import email_problem
from connectors.errors import RetryableError
from connectors.model import Certificate, Problem, Record, normalise_email, normalise_name
from connectors.text import shown

HEADER = ("User Name", "Email", "Group Name")
"""The layout of Fluix's import (Documents); the export has it, too."""

Verdict = Literal["new", "exists", "invalid", "duplicate"]

_FORMULA = re.compile(r"'*[=+\-@\t\r]").match
_ESCAPED = re.compile(r"'+[=+\-@\t\r]").match


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One person of an import file, and what would become of him or her."""

    email: str
    """As written; empty where it could not be made out."""
    name: str
    groups: tuple[str, ...]
    """Sorted, each once."""
    verdict: Verdict
    message: str
    """Why the person is not imported, as a sentence; empty for `new`."""


def export_users(users: Iterable[Mapping[str, Any]], stream: TextIO) -> int:
    """Write users as Fluix imports them: a row for each group of a user, and one without a group for who has none.

    How Fluix separates several groups in one cell is not known, so no cell ever holds two.

    Args:
        users: mappings with `email`, `name` and `groups` (a list of names).
        stream: a text opened with `newline=""`; lines end with CRLF.

    Returns:
        How many users were written.
    """
    return write_users(((user["name"], user["email"], user["groups"]) for user in users), stream)


def write_users(users: Iterable[tuple[str, str, Sequence[str]]], stream: TextIO) -> int:
    """The same for a stream of names, emails and groups, of which there can be many."""
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(HEADER)
    count = 0

    def rows() -> Iterator[tuple[str, str, str]]:
        nonlocal count
        safe = _Escaped()
        for name, email, groups in users:
            count += 1
            name, email = escaped(name), escaped(email)  # noqa: PLW2901 - asked a million times
            for group in groups or ("",):
                yield name, email, safe[group]

    writer.writerows(rows())
    return count


def write_table(header: Sequence[str], rows: Iterable[Sequence[str]], stream: TextIO) -> int:
    """Any other table that a person opens in a spreadsheet, with the same care. Returns how many rows it has."""
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(header)
    count = 0
    for row in rows:
        writer.writerow(map(escaped, row))
        count += 1
    return count


class _Escaped(dict[str, str]):
    """Group names as they are written: few, and met again and again."""

    def __missing__(self, cell: str) -> str:
        self[cell] = escaped(cell)
        return self[cell]


def escaped(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if _FORMULA(cell) else cell


def unescaped(cell: str) -> str:
    """What `escaped` made a cell of."""
    return cell[1:] if cell[:1] == "'" and _ESCAPED(cell) else cell


def read_import(path: Path, existing: Container[str]) -> list[ImportRow]:
    """Read an import file in either of Fluix's layouts, without importing anything.

    Args:
        path: the file.
        existing: the emails of the account's users, as they are compared (`normalise_email`).

    Returns:
        The persons in the order of their last rows, then what could not be read. Rows of one email are one person.

    Raises:
        UnreadableError: the file is missing, empty, forbidden, binary, wrongly encoded or has neither header.
        RetryableError: the file changed while it was read.
    """
    rows: list[ImportRow] = []
    met: set[str] = set()
    for item in CsvSource("import", path, settle_seconds=0).read():
        if isinstance(item, Record):
            rows.append(_person(item, existing, met))
        else:
            rows += _unread(item)
            # A file without any row gives a reason as well; there it is nothing to import, and no failure.
            if item.reasons and rows:
                raise RetryableError(item.reasons[0], where=str(path), cure="import it again when it is written")
    return rows


def _person(record: Record, existing: Container[str], met: set[str]) -> ImportRow:
    attributes = record.attributes
    written, listed = str(attributes["email"]), attributes.get("groups", ())
    assert isinstance(listed, tuple)
    email, name = unescaped(written), unescaped(str(attributes["display_name"]))
    verdict, message = _verdict(email, name, existing, met, judged=email == written)
    return ImportRow(email, name, _once(listed), verdict, message)


def _once(listed: tuple[str, ...]) -> tuple[str, ...]:
    """Group names as they are meant, sorted, each once."""
    if len(listed) == 1 and listed[0][:1] != "'":
        return listed
    once: dict[str, str] = {}
    for group in map(unescaped, listed):
        once.setdefault(normalise_name(group), group)
    return tuple(sorted(once.values()))


def _verdict(email: str, name: str, existing: Container[str], met: set[str], *, judged: bool) -> tuple[Verdict, str]:
    address = normalise_email(email)
    # CsvSource judged the escaped texts: `'@b.example` had something before its @, and `'=a@…` was not `=a@…`.
    if not judged and (wrong := email_problem(email)):
        return "invalid", f"{shown(email)} is no email address ({wrong})"
    if address in met:
        return "duplicate", f"several rows are about the same person {shown(email)}"
    met.add(address)
    if address in existing:
        return "exists", f"{email} is in Fluix already"
    if not name:
        return "invalid", f"{email} has no name"
    return "new", ""


def _unread(certificate: Certificate) -> Iterator[ImportRow]:
    for problem in certificate.problems:
        yield ImportRow(unescaped(problem.email or ""), "", (), _kind(problem), problem.message)


def _kind(problem: Problem) -> Verdict:
    return "duplicate" if " are about the same person " in problem.message else "invalid"
