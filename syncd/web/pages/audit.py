"""The audit: who did what and when, whether the chain is whole, and a file of it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal

import orjson
from flask_babel import gettext as _
from pydantic import Field
from sqlalchemy import Row

from connectors.fluix.csv_files import write_table
from syncd.render_audit import COLUMNS, cells, walk_document
from syncd.store import audit_pages
from syncd.store.audit import walk
from syncd.store.audit_pages import Search
from syncd.web.desk import MOST_ROWS, ROWS, Desk, Document, Download, Query
from syncd.web.errors import RefusedError
from syncd.web.frame import Room
from syncd.web.roles import Role

room = Room()

_MOST = 50_000
"""Rows of one file; who wants more has the command."""
_LONG = 600
"""Signs of a detail that are shown; all of it stands in the file."""


class Looking(Query):
    """What is looked for."""

    subject: Annotated[str, Field(max_length=300, description="How the subject begins: an address, `plan 12`.")] = ""
    actor: Annotated[str, Field(max_length=200, description="Who did it, exactly.")] = ""
    action: Annotated[str, Field(max_length=100, description="As `approve`, exactly.")] = ""
    since: Annotated[date | None, Field(description="From this day on, UTC.")] = None
    until: Annotated[date | None, Field(description="Up to the end of this day, UTC.")] = None

    @property
    def search(self) -> Search:
        """As the store takes it."""
        since = datetime.combine(self.since, time(), UTC) if self.since else None
        until = datetime.combine(self.until, time(), UTC) + timedelta(days=1) if self.until else None
        return Search(self.subject, self.actor, self.action, since, until)


class LookingAt(Looking):
    """The same, page by page."""

    before: Annotated[int | None, Field(ge=1, description="Only rows before this place: `older` of the last page.")] = (
        None
    )
    size: Annotated[int, Field(ge=1, le=MOST_ROWS)] = ROWS


class Wanted(Looking):
    """A file of it."""

    form: Literal["jsonl", "csv"] = "csv"


class AuditLine(Document):
    """One thing that was done."""

    place: int
    at: datetime
    actor: str
    action: str
    subject: str | None
    """None: it was erased."""
    detail: dict[str, Any] | None


class Audit(Document):
    """A page, the newest first."""

    rows: list[AuditLine]
    older: int | None
    """`before` of the next page; None: nothing is older."""


class Chain(Document):
    """What walking the chain came to."""

    rows: int
    whole: bool
    first_broken: int | None
    erased: int
    begins: int
    head: str
    marked: bool | None


@room.page("/audit", "audit.html")
def list_audit(desk: Desk, asked: LookingAt) -> Audit:
    """Who did what and when."""
    found = audit_pages.search(desk.store, asked.search, asked.before, asked.size)
    return Audit(rows=[_line(row) for row in found.rows], older=found.older)


@room.page("/audit/verify", "audit_verify.html", Role.OPERATOR)
def verify_audit(desk: Desk, asked: Query) -> Chain:
    """Walk the whole chain, and find the first row that is not as it was written."""
    del asked
    return Chain(**walk_document(walk(desk.store)))


@room.page("/audit/export", "", Role.OPERATOR)
def export_audit(desk: Desk, asked: Wanted) -> Download:
    """The rows that are looked for, as a file."""
    rows: list[Mapping[str, Any]] = []
    before: int | None = None
    while True:
        found = audit_pages.search(desk.store, asked.search, before, 5000)
        rows += [_plain(row) for row in found.rows]
        if len(rows) > _MOST:
            cure = _("name a shorter time, or write all of it with `syncd audit export`")
            raise RefusedError(_("these are more than %(most)s rows", most=f"{_MOST:,}"), cure=cure)
        if found.older is None:
            break
        before = found.older
    rows.reverse()
    desk.note("export_audit", f"{len(rows)} rows", wanted=asked.model_dump(mode="json", exclude_defaults=True))
    if asked.form == "csv":
        return Download(name="audit.csv", media_type="text/csv; charset=utf-8", content=_csv(rows))
    lines = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    return Download(name="audit.jsonl", media_type="application/jsonl", content=lines)


def _csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    stream = io.StringIO(newline="")
    write_table(COLUMNS, map(cells, rows), stream)
    return stream.getvalue().encode("utf-8-sig")


def _line(row: Row[Any]) -> AuditLine:
    detail = row.detail
    if detail is not None and len(text := orjson.dumps(detail).decode()) > _LONG:
        detail = {"…": f"{text[:_LONG]}…"}
    return AuditLine(place=row.place, at=row.at, actor=row.actor, action=row.action, subject=row.subject, detail=detail)


def _plain(row: Row[Any]) -> dict[str, Any]:
    secret = {
        name: value.hex() if (value := getattr(row, name)) is not None else None for name in ("salt", "seal", "hash")
    }
    plain = {name: getattr(row, name) for name in COLUMNS}
    return {**plain, "at": row.at.isoformat(), **secret}
