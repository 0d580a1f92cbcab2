"""Importing people: a file is shown with a verdict for each row, and then its new ones are added, all or those that are ticked.

Between the two the file lies in the store, so that what was shown is what is imported.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated, Final, Literal

from flask_babel import gettext as _
from pydantic import Field

from connectors.errors import ConnectorError, UnreadableError
from connectors.fluix.csv_files import HEADER, ImportRow, read_import
from connectors.model import normalise_email
from syncd.store import previews
from syncd.store.previews import Preview
from syncd.web.by_hand import account_of, changing, read_only
from syncd.web.desk import Desk, Document, Done, Form, Paged, Paging, Query
from syncd.web.errors import NotFoundError, RefusedError
from syncd.web.frame import Room
from syncd.web.roles import Role

room = Room()

MOST_BYTES: Final = 5 * 1024 * 1024
"""A file is no larger: about 60,000 people."""

Verdict = Literal["new", "exists", "duplicate", "invalid"]


class ImportPage(Document):
    """What can be imported."""

    layouts: list[list[str]]
    """The headers that are understood."""
    most_bytes: int
    read_only: str


class Upload(Form):
    """A file to look at."""

    file: Annotated[bytes, Field(min_length=1, max_length=MOST_BYTES, description="A CSV in one of the layouts.")]


class RowLine(Document):
    """One person of the file."""

    email: str
    name: str
    groups: list[str]
    verdict: Verdict
    message: str


class PreviewPage(Paged):
    """What the file holds, and what would become of each row."""

    preview_id: str
    rows: list[RowLine]
    counts: dict[Verdict, int]
    missing_groups: list[str]
    """Groups of the new ones that are not there yet."""
    free_seats: int | None
    """How many users can still be added; None: no limit is known."""


class Asked(Paging):
    """Which rows."""

    verdict: Annotated[Verdict | None, Field(description="Only these.")] = None


class Import(Form):
    """Which of them."""

    emails: Annotated[tuple[str, ...], Field(max_length=1000, description="These, as they stand in the file.")] = ()
    all_new: Annotated[int | None, Field(ge=1, description="All new ones instead: so many were shown.")] = None
    create_groups: Annotated[bool, Field(description="Make the groups that are missing.")] = False


@room.page("/people/import", "import.html", Role.OPERATOR)
def import_page(desk: Desk, asked: Query) -> ImportPage:
    """The layouts of a file, and where to choose one."""
    del asked
    layouts = [list(HEADER), ["Full Name", "Email", "Groups"]]
    return ImportPage(layouts=layouts, most_bytes=MOST_BYTES, read_only=read_only(desk))


@room.deed("/people/import/read", Role.OPERATOR)
def read_file(desk: Desk, form: Upload) -> Done:
    """Look at a file, without importing anything."""
    rows = _rows(form.file, account_of(desk).addresses())
    number = previews.keep(desk.store, Preview("people.csv", form.file), desk.who.name, desk.now)
    return Done(message=_("%(count)s rows were read; nothing is imported yet.", count=len(rows)), go=_at(number))


@room.page("/people/import/<preview_id>", "import_preview.html", Role.OPERATOR)
def preview(desk: Desk, asked: Asked, preview_id: str) -> PreviewPage:
    """What the file holds, and what would become of each row."""
    account = account_of(desk)
    rows = _rows(_file(desk, preview_id), account.addresses())
    shown = [row for row in rows if asked.verdict in {None, row.verdict}]
    counted = Counter(row.verdict for row in rows)
    return PreviewPage(
        total=len(shown),
        page=asked.page,
        size=asked.size,
        preview_id=preview_id,
        rows=[_line(row) for row in shown[asked.offset : asked.offset + asked.size]],
        counts={"new": counted["new"], **{word: counted[word] for word in ("exists", "duplicate", "invalid")}},
        missing_groups=account.missing_groups(rows),
        free_seats=account.free_seats(),
    )


@room.deed("/people/import/<preview_id>/add", Role.OPERATOR)
def import_rows(desk: Desk, form: Import, preview_id: str) -> Done:
    """Add new ones of the file, who are invited: those that are named, or all; all of them or nobody."""
    account, file = account_of(desk), _file(desk, preview_id)
    ticked = set(map(normalise_email, form.emails))
    shown = form.all_new or len(ticked)
    if not shown:
        raise RefusedError(_("nobody is ticked"), cure=_("tick rows, or import all new ones"))
    with changing(desk, "users import", "people.csv") as detail:
        new = [row for row in _rows(file, account.addresses()) if row.verdict == "new"]
        chosen = new if form.all_new else [row for row in new if normalise_email(row.email) in ticked]
        _require_as_shown(shown, len(chosen))
        detail["added"] = added = account.import_users(chosen, create_groups=form.create_groups)
    if added == len(new):
        previews.forget(desk.store, preview_id)
        return Done(message=_("%(count)s users were added and invited.", count=added), go="/people")
    left = len(new) - added
    message = _(
        "%(count)s users were added and invited; %(left)s new ones of the file are left.", count=added, left=left
    )
    return Done(message=message, go=_at(preview_id))


def _require_as_shown(shown: int, there: int) -> None:
    """Refuse what is not what was shown: somebody else added some of them meanwhile."""
    if there != shown:
        raise RefusedError(
            _("%(shown)s were to be added, and %(there)s of them are new", shown=shown, there=there),
            cure=_("the account was changed meanwhile: look at the list again"),
        )


def _file(desk: Desk, preview_id: str) -> bytes:
    found = previews.find(desk.store, preview_id, desk.who.name, desk.now)
    if found is None:
        raise NotFoundError(_("this file is not kept any more"), cure=_("choose it again"))
    return found.content


def _rows(content: bytes, addresses: set[str]) -> list[ImportRow]:
    """The rows of a file.

    Raises:
        RefusedError: it is none of the layouts, or cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="syncd-import-") as folder:
        path = Path(folder, "people.csv")
        path.write_bytes(content)
        try:
            return read_import(path, addresses)
        except UnreadableError as error:
            raise RefusedError(error.what, cure=_("save it as CSV UTF-8 in one of the layouts")) from error
        except ConnectorError as error:
            raise RefusedError(error.what, cure=error.cure) from error


def _line(row: ImportRow) -> RowLine:
    return RowLine(email=row.email, name=row.name, groups=list(row.groups), verdict=row.verdict, message=row.message)


def _at(number: str) -> str:
    return f"/people/import/{number}"
