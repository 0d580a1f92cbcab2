"""Documents: drafts and assigned ones by their users, giving them to somebody else, and deleting them."""

from __future__ import annotations

import io
from typing import Annotated, Literal
from urllib.parse import urlencode

from flask_babel import gettext as _
from pydantic import Field

from connectors.fluix.csv_files import write_table
from connectors.model import normalise_email
from syncd.web.by_hand import account_of, changing, read_only
from syncd.web.desk import Desk, Document, Done, Download, Form, Paged, Paging, Query
from syncd.web.errors import RefusedError
from syncd.web.frame import Room
from syncd.web.roles import Role

room = Room()

HEADER = ("Title", "State", "Email", "User Name")

State = Annotated[Literal["draft", "assigned"] | None, Field(description="Only these.")]


class DocumentLine(Document):
    """One document."""

    title: str
    state: str
    user: str
    """The user's address."""
    name: str
    fluix_id: str


class Documents(Paged):
    """Documents by user, then title."""

    documents: list[DocumentLine]
    read_only: str


class Asked(Paging):
    """Which documents."""

    user: Annotated[str | None, Field(max_length=300, description="Only this user's, by address.")] = None
    state: State = None


class ListAsked(Query):
    """Which documents."""

    user: Annotated[str | None, Field(max_length=300, description="Only this user's, by address.")] = None
    state: State = None


class Reassign(Form):
    """Whose documents go to whom."""

    user: str
    to: str
    state: State = None


class Discard(Form):
    """Whose documents are deleted for good."""

    user: str
    confirm: Annotated[str, Field(description="The user's address, typed again.")]
    state: State = None


@room.page("/documents", "documents.html")
def list_documents(desk: Desk, asked: Asked) -> Documents:
    """Drafts and assigned documents by user."""
    if why := read_only(desk):
        return Documents(total=0, page=asked.page, size=asked.size, documents=[], read_only=why)
    found, total = account_of(desk).page_of_documents(asked.user, asked.state, asked.size, asked.offset)
    lines = [DocumentLine(**one) for one in found]
    return Documents(total=total, page=asked.page, size=asked.size, documents=lines, read_only="")


@room.page("/documents/list.csv", "")
def download_list(desk: Desk, asked: ListAsked) -> Download:
    """The list as CSV: what to download or to give away before somebody is deleted."""
    text = io.StringIO(newline="")
    with account_of(desk).documents(asked.user, asked.state) as stream:
        write_table(HEADER, ((one["title"], one["state"], one["user"], one["name"]) for one in stream), text)
    # The mark at the beginning tells spreadsheets that this is UTF-8.
    content = text.getvalue().encode("utf-8-sig")
    return Download(name="documents.csv", media_type="text/csv; charset=utf-8", content=content)


@room.deed("/documents/reassign", Role.OPERATOR)
def reassign_documents(desk: Desk, form: Reassign) -> Done:
    """Give a user's drafts and assigned documents to somebody else."""
    said = {"state": form.state} if form.state else {}
    with changing(desk, "documents reassign", form.user, to=form.to, **said) as detail:
        detail["documents"] = count = account_of(desk).reassign_documents(form.user, form.to, form.state)
    message = _("%(count)s documents of %(user)s belong to %(to)s now.", count=count, user=form.user, to=form.to)
    return Done(message=message, go=_at(form.to))


@room.deed("/documents/discard", Role.ADMIN)
def discard_documents(desk: Desk, form: Discard) -> Done:
    """Delete a user's drafts and assigned documents for good."""
    if normalise_email(form.confirm) != normalise_email(form.user):
        raise RefusedError(
            _("the address was typed differently"), cure=_("type the user's address again to delete the documents")
        )
    said = {"state": form.state} if form.state else {}
    with changing(desk, "documents discard", form.user, **said) as detail:
        detail["documents"] = count = account_of(desk).discard_documents(form.user, form.state)
    return Done(
        message=_("%(count)s documents of %(user)s were deleted.", count=count, user=form.user), go=_at(form.user)
    )


def _at(user: str) -> str:
    return f"/documents?{urlencode({'user': user})}"
