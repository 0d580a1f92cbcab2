"""Groups: the list, one of them with its members, and what an admin does with them."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlencode

from flask_babel import gettext as _
from pydantic import Field

from connectors.fluix.account.admin.lists import Filter
from connectors.model import normalise_name
from syncd.store import people_pages
from syncd.web.by_hand import account_of, changing, read_only
from syncd.web.desk import Desk, Document, Done, Form, Paged, Paging
from syncd.web.errors import NotFoundError, RefusedError
from syncd.web.frame import Room
from syncd.web.pages.people import PersonLine, person_lines
from syncd.web.roles import Role

room = Room()


class GroupLine(Document):
    """One group, as it stands in the list."""

    name: str
    members: int
    workflows: list[str]
    """Those that the group gives to its members."""


class Groups(Paged):
    """Groups by name."""

    groups: list[GroupLine]
    read_only: str


class Asked(Paging):
    """Which groups."""

    search: Annotated[str | None, Field(max_length=200, description="Part of a name.")] = None


class OneAsked(Paging):
    """Which group, and which of its members."""

    name: Annotated[str, Field(max_length=200, description="The group's.")]
    search: Annotated[str | None, Field(max_length=200, description="Part of a name or an address.")] = None


class GroupPage(Paged):
    """One group, and a page of its members."""

    name: str
    workflows: list[str]
    members: list[PersonLine]
    ruled_by: str | None
    """The source that puts people into it; None: none does."""


class NewGroup(Form):
    """A new group."""

    name: str


class Rename(Form):
    """Another name."""

    name: str
    new_name: str


class DeleteGroup(Form):
    """Which group goes."""

    name: str
    confirm: Annotated[str, Field(description="The group's name, typed again.")]


class Members(Form):
    """Who joins or leaves a group."""

    name: str
    emails: Annotated[str, Field(max_length=20_000, description="Addresses, with commas or white space between.")]

    @property
    def listed(self) -> list[str]:
        """Each of them."""
        return [one for one in re.split(r"[\s,;]+", self.emails) if one]


@room.page("/groups", "groups.html")
def list_groups(desk: Desk, asked: Asked) -> Groups:
    """Groups by name: how many members, and which workflows a group gives."""
    why = read_only(desk)
    found = [] if why else account_of(desk).list_groups()
    if part := normalise_name(asked.search or ""):
        found = [one for one in found if part in normalise_name(one["name"])]
    shown = [GroupLine(**one) for one in found[asked.offset : asked.offset + asked.size]]
    return Groups(total=len(found), page=asked.page, size=asked.size, groups=shown, read_only=why)


@room.page("/groups/one", "group.html")
def show_group(desk: Desk, asked: OneAsked) -> GroupPage:
    """One group with its members, and whether a source puts people into it."""
    account = account_of(desk)
    wanted = normalise_name(asked.name)
    group = next((one for one in account.list_groups() if normalise_name(one["name"]) == wanted), None)
    if group is None:
        raise NotFoundError(_("there is no group %(name)s", name=asked.name))
    found = account.page_of_users(Filter(asked.search, group=group["name"]), asked.page, asked.size)
    return GroupPage(
        total=found.total,
        page=asked.page,
        size=asked.size,
        name=group["name"],
        workflows=group["workflows"],
        members=person_lines(desk, found),
        ruled_by=people_pages.gives_group(desk.store, group["name"]),
    )


@room.deed("/groups/create", Role.OPERATOR)
def create_group(desk: Desk, form: NewGroup) -> Done:
    """Make a group."""
    with changing(desk, "groups create", form.name):
        made = account_of(desk).create_group(form.name)
    return Done(message=_("The group %(name)s was made.", name=made), go=_at(made))


@room.deed("/groups/rename", Role.OPERATOR)
def rename_group(desk: Desk, form: Rename) -> Done:
    """Give a group another name; its members and workflows stay."""
    with changing(desk, "groups rename", form.name, new_name=form.new_name):
        account_of(desk).rename_group(form.name, form.new_name)
    message = _("%(name)s is called %(new_name)s now.", name=form.name, new_name=form.new_name)
    return Done(message=message, go=_at(form.new_name))


@room.deed("/groups/delete", Role.ADMIN)
def delete_group(desk: Desk, form: DeleteGroup) -> Done:
    """Delete a group; its members stay users, and lose the workflows that only this group gave them."""
    if normalise_name(form.confirm) != normalise_name(form.name):
        raise RefusedError(_("the name was typed differently"), cure=_("type the group's name again to delete it"))
    with changing(desk, "groups delete", form.name) as detail:
        detail["members"] = members = account_of(desk).delete_group(form.name)
    return Done(
        message=_("The group %(name)s was deleted; it had %(count)s members.", name=form.name, count=members),
        go="/groups",
    )


@room.deed("/groups/join", Role.OPERATOR)
def add_members(desk: Desk, form: Members) -> Done:
    """Put users into a group: all of them, or nobody."""
    with changing(desk, "groups add", form.name, users=form.listed):
        there = account_of(desk).add_members(form.name, form.listed)
    message = _("%(people)s: in %(group)s now.", people=", ".join(there), group=form.name)
    return Done(message=message, go=_at(form.name))


@room.deed("/groups/leave", Role.OPERATOR)
def remove_members(desk: Desk, form: Members) -> Done:
    """Take users out of a group: all of them, or nobody."""
    with changing(desk, "groups remove", form.name, users=form.listed):
        gone = account_of(desk).remove_members(form.name, form.listed)
    message = _("%(people)s: not in %(group)s any more.", people=", ".join(gone), group=form.name)
    return Done(message=message, go=_at(form.name))


def _at(name: str) -> str:
    return f"/groups/one?{urlencode({'name': name})}"
