"""People: the list, a new one, and the export. One person has a room of his or her own, and so has the import."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Annotated, Any, Literal

from flask_babel import gettext as _
from pydantic import Field

from connectors.fluix.account.admin.lists import Filter, Page
from syncd.store import people_pages
from syncd.store.people_pages import Origin
from syncd.web.by_hand import account_of, changing, read_only
from syncd.web.desk import Desk, Document, Done, Download, Form, Paged, Paging, Query
from syncd.web.frame import Room
from syncd.web.roles import Role

room = Room()

OFFERED = 200
"""So many groups are offered to choose from; the names of others are typed."""


class OriginLine(Document):
    """A record in a source that a person comes from."""

    source: str
    external_id: str
    leaving_since: datetime | None
    gone_since: datetime | None


class PersonLine(Document):
    """One person, as the list shows him or her."""

    person_id: str
    email: str
    name: str
    state: str
    role: str | None
    groups: list[str]
    last_login: datetime | None
    refused: str | None
    origins: list[OriginLine]
    """Empty: made by hand, no source speaks of this person."""


class People(Paged):
    """Users of the target."""

    people: list[PersonLine]
    groups: list[str]
    """The first that there are, to choose from."""
    seats_taken: int | None
    seats: int | None
    """How many there are; None: no limit is known."""
    read_only: str
    """Why nothing can be changed here; empty: it can."""


class Asked(Paging):
    """Which people."""

    search: Annotated[str | None, Field(max_length=200, description="Part of a name or an address.")] = None
    state: Annotated[Literal["invited", "active"] | None, Field(description="Only these.")] = None
    group: Annotated[str | None, Field(max_length=200, description="Only members of this group.")] = None
    last_login: Annotated[
        Literal["day", "month", "never"] | None,
        Field(description="Within 24 hours; not for over a month; never."),
    ] = None
    role: Annotated[str | None, Field(max_length=200, description="A role; `owner`; `none`.")] = None
    refused: Annotated[bool, Field(description="Only those whose address was not accepted.")] = False
    sort: Annotated[Literal["email", "name", "last_login"], Field(description="By what.")] = "email"


class NewUserAsked(Query):
    """Nothing but the page."""


class NewUserPage(Document):
    """What a new user can be given."""

    groups: list[str]
    read_only: str


class NewUser(Form):
    """Somebody new."""

    name: str
    email: str
    groups: tuple[str, ...] = ()


class Export(Form):
    """Whom to export."""

    emails: Annotated[tuple[str, ...], Field(max_length=10_000, description="None: everybody.")] = ()


@room.page("/people", "people.html")
def list_people(desk: Desk, asked: Asked) -> People:
    """Users of the target, with where they come from."""
    if why := read_only(desk):
        return _as_last_read(desk, asked, why)
    account = account_of(desk)
    wanted = Filter(asked.search, asked.state, asked.group, asked.last_login, asked.role, asked.refused)
    found = account.page_of_users(wanted, asked.page, asked.size, asked.sort)
    taken, seats = account.seats() or (None, None)
    return People(
        total=found.total,
        page=asked.page,
        size=asked.size,
        people=person_lines(desk, found),
        groups=account.group_names()[:OFFERED],
        seats_taken=taken,
        seats=seats,
        read_only="",
    )


def person_lines(desk: Desk, found: Page) -> list[PersonLine]:
    """A page of the account's users, with where they come from."""
    behind = people_pages.origins(desk.store, found.ids)
    return [_line(one, user, behind.get(one, [])) for one, user in zip(found.ids, found.users, strict=True)]


def _as_last_read(desk: Desk, asked: Asked, why: str) -> People:
    rows, total = people_pages.known_accounts(desk.store, asked.search or "", asked.size, asked.offset)
    behind = people_pages.origins(desk.store, [row["fluix_id"] for row in rows])
    found = [_line(row["fluix_id"], known(row), behind.get(row["fluix_id"], [])) for row in rows]
    rest: dict[str, Any] = {"groups": [], "seats_taken": None, "seats": None, "read_only": why}
    return People(total=total, page=asked.page, size=asked.size, people=found, **rest)


def known(row: dict[str, Any]) -> dict[str, Any]:
    """A user of another target, with the names that the embedded account has."""
    return {
        "email": row["email"],
        "name": row.get("display_name") or "",
        "state": row.get("state") or "",
        "groups": sorted(row.get("groups") or ()),
    }


def _line(person_id: str, user: dict[str, Any], behind: list[Origin]) -> PersonLine:
    return PersonLine(
        person_id=person_id,
        email=user["email"],
        name=user["name"],
        state=user["state"],
        role="owner" if user.get("owner") else user.get("role"),
        groups=user["groups"],
        last_login=user.get("last_login"),
        refused=user.get("refused"),
        origins=[origin_line(one) for one in behind],
    )


def origin_line(one: Origin) -> OriginLine:
    """A record, without what stands in it."""
    return OriginLine(
        source=one.source, external_id=one.external_id, leaving_since=one.leaving_since, gone_since=one.gone_since
    )


@room.page("/people/new", "person_new.html", Role.OPERATOR)
def new_user(desk: Desk, asked: NewUserAsked) -> NewUserPage:
    """The form for a new user."""
    del asked
    why = read_only(desk)
    return NewUserPage(groups=[] if why else account_of(desk).group_names()[:OFFERED], read_only=why)


@room.deed("/people/add", Role.OPERATOR)
def add_person(desk: Desk, form: NewUser) -> Done:
    """Add a user, who is invited."""
    account = account_of(desk)
    with changing(desk, "users add", form.email, name=form.name, groups=list(form.groups)):
        person_id = account.add_user(form.name, form.email, form.groups)
    return Done(message=_("%(email)s was added and invited.", email=form.email), go=f"/people/{person_id}")


@room.deed("/people/export", Role.OPERATOR)
def export_people(desk: Desk, form: Export) -> Download:
    """Users as CSV in Fluix's layout, safe to open in a spreadsheet: all of them, or those that are named."""
    text = io.StringIO(newline="")
    account = account_of(desk)
    count = account.export_users(text, form.emails)
    desk.note("users export", "users", users=count)
    # The mark at the beginning tells spreadsheets that this is UTF-8.
    content = text.getvalue().encode("utf-8-sig")
    return Download(name="users.csv", media_type="text/csv; charset=utf-8", content=content)
