"""The Fluix side behind a SCIM endpoint, read: every group, every user, and who is in which group.

What cannot be proven whole is a reason of the certificate; from half an account nothing is planned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from connectors.errors import UnreadableError
from connectors.model import Account, AccountGroup, Certificate, Problem, normalise_email
from connectors.scim.features import features_of
from connectors.scim.listing import Listing
from connectors.scim.pages import read_page
from connectors.scim.people import BadResourceError, email_of
from connectors.scim.service import BAD_REQUEST, NOT_FOUND, NOT_IMPLEMENTED, OK
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connectors.scim.service import Json, Service
    from connectors.scim.settings import TargetSettings

USERS, GROUPS = "/Users", "/Groups"
_TERMS = 20
"""Comparisons in one filter."""
_FEW = 3
"""So many users are asked for one by one."""

Members = dict[str, set[str]]
"""User's id -> names of groups."""


class Accounts:
    """Reads one endpoint.

    Args:
        service: the endpoint.
        settings: page size and paging.
    """

    def __init__(self, service: Service, settings: TargetSettings) -> None:
        self._service = service
        self._settings = settings
        self.features = features_of(service)
        self.has_groups = service.ask("GET", GROUPS, {"count": 1}).status not in {NOT_FOUND, NOT_IMPLEMENTED}
        self.tells_groups: bool | None = None
        """Whether a user shows the groups (`groups`, RFC 7643, 4.1.2) as these show the user; None: not seen yet."""

    def read(self) -> Iterator[AccountGroup | Account | Certificate]:
        """Every group, every user, then the certificate.

        Raises:
            ConnectorError: something could not be read.
        """
        reasons, problems = list[str](), list[Problem]()
        members: Members = {}
        groups = 0
        for group in self.groups(members, reasons):
            groups += 1
            yield group
        users = self._listing(USERS)
        count = 0
        agreed = disagreed = False
        for user in users.resources():
            here = members.get(user["id"], set())
            told = told_groups(user)
            agreed = agreed or bool(told and told == here)
            disagreed = disagreed or told != here
            count += 1
            yield account_of(user, here)
        if users.reason:
            reasons.append(users.reason)
        if agreed or disagreed:
            self.tells_groups = agreed and not disagreed
        yield Certificate(count, groups, tuple(problems), tuple(reasons))

    def groups(self, members: Members | None, reasons: list[str]) -> Iterator[AccountGroup]:
        """Every group.

        Args:
            members: filled with who is in it, where that is wanted.
            reasons: filled with why it is not all.
        """
        if not self.has_groups:
            return
        listing = self._listing(GROUPS, {} if members is not None else {"excludedAttributes": "members"})
        for group in listing.resources():
            name = group.get("displayName")
            if not isinstance(name, str) or not name.strip():
                reasons.append(f"group {shown(group['id'])} has no displayName")
                continue
            if members is not None:
                self._take_members(group, name.strip(), members, reasons)
            yield AccountGroup(group["id"], name.strip())
        if listing.reason:
            reasons.append(listing.reason)

    def first_page(self) -> Iterator[str]:
        """What is wrong with its first users, as sentences.

        Raises:
            ConnectorError: they cannot be read.
        """
        query: dict[str, str | int] = {"count": self._settings.page_size}
        page = read_page(self._service, USERS, self._service.ask("GET", USERS, query), totals=False)
        for user in page.resources:
            if not isinstance(user, dict) or not isinstance(user.get("id"), str):
                yield f"a user of {self._service.host} has no id: nothing could be said of it"

    def get(self, ids: Iterable[str]) -> dict[str, Json]:
        """These users as they are now; who is not there is left out."""
        wanted = [one for one in dict.fromkeys(ids) if one]
        found: dict[str, Json] = {}
        if len(wanted) > _FEW and self.features.filter:
            for user in self._matching("id", wanted):
                found[user["id"]] = user
        for one in wanted:
            # A filter that finds nobody proves nothing: some services compare ids not at all.
            if one not in found and (there := self.user(one)) is not None:
                found[one] = there
        return {one: found[one] for one in wanted if one in found}

    def user(self, key: str) -> Json | None:
        """One user; None when there is none.

        Raises:
            ConnectorError: it cannot be told.
        """
        return self.resource(USERS, key)

    def resource(self, path: str, key: str) -> Json | None:
        """One resource, as it is now; None when there is none.

        Raises:
            ConnectorError: it cannot be told.
        """
        reply = self._service.ask("GET", f"{path}/{quote(key, safe='')}")
        if reply.status == OK and reply.body is not None and reply.body.get("id") == key:
            if reply.etag:
                reply.body.setdefault("meta", {}).setdefault("version", reply.etag)
            return reply.body
        if reply.status in {NOT_FOUND, BAD_REQUEST}:  # a text that can be no id some call bad
            return None
        raise UnreadableError(f"{self._service.host} answered {reply.detail} to GET {path}", where=self._service.host)

    def find(self, emails: Iterable[str]) -> dict[str, Json]:
        """The users with one of these addresses, in whatever spelling, by id."""
        wanted = {normalise_email(email): email.strip() for email in emails}
        found: dict[str, Json] = {}
        if not wanted:
            return found
        asked = list(dict.fromkeys([*wanted.values(), *wanted]))
        for user in self._matching("userName", asked):
            if normalise_email(address_of(user)) in wanted:
                found[user["id"]] = user
        missing = wanted.keys() - {normalise_email(address_of(user)) for user in found.values()}
        for user in self._matching("emails.value", [wanted[one] for one in sorted(missing)], required=False):
            if normalise_email(address_of(user)) in missing:
                found[user["id"]] = user
        return found

    def accounts(self, users: Iterable[Json]) -> dict[str, Account]:
        """Users as accounts, with their groups as they are now."""
        users = list(users)
        if not users or not self.has_groups:
            return {user["id"]: account_of(user, set()) for user in users}
        if self.tells_groups:
            return {user["id"]: account_of(user, told_groups(user) or set()) for user in users}
        members, reasons = Members(), list[str]()
        for _ in self.groups(members, reasons):
            pass
        if reasons:
            raise UnreadableError(f"the groups could not be read whole: {'; '.join(reasons)}", where=self._service.host)
        told = [(told_groups(user), members.get(user["id"], set())) for user in users]
        if self.tells_groups is None and any(here for _, here in told):
            self.tells_groups = all(said == here for said, here in told)
        return {user["id"]: account_of(user, members.get(user["id"], set())) for user in users}

    def _take_members(self, group: Json, name: str, members: Members, reasons: list[str]) -> None:
        there: Any = group.get("members")
        if "members" not in group:
            whole = self.resource(GROUPS, group["id"])
            there = (whole or {}).get("members")
        if there is None:
            return
        if not isinstance(there, list):
            reasons.append(f"the members of group {shown(name)} are no list")
            return
        for member in there:
            value = member.get("value") if isinstance(member, dict) else None
            if not isinstance(value, str):
                reasons.append(f"one member of group {shown(name)} has no value")
                return
            members.setdefault(value, set()).add(name)

    def _matching(self, attribute: str, values: list[str], *, required: bool = True) -> Iterator[Json]:
        for at in range(0, len(values), _TERMS):
            part = values[at : at + _TERMS]
            wanted = " or ".join(f"{attribute} eq {orjson.dumps(value).decode()}" for value in part)
            query: dict[str, str | int] = {"filter": wanted, "count": 2 * _TERMS}
            reply = self._service.ask("GET", USERS, query)
            if reply.status != OK and not required:
                return
            page = read_page(self._service, USERS, reply, totals=False)
            if page.total is not None and page.total > len(page.resources):
                raise UnreadableError(
                    f"{self._service.host} found {page.total:,} users for {len(part)} values of {attribute} and gave "
                    f"{len(page.resources)}",
                    where=self._service.host,
                )
            yield from (one for one in page.resources if isinstance(one, dict) and isinstance(one.get("id"), str))

    def _listing(self, path: str, query: dict[str, str | int] | None = None) -> Listing:
        paging = self._settings.paging
        by_cursor = self.features.cursor if paging == "auto" else paging == "cursor"
        size = min(self._settings.page_size, self.features.largest_page or self._settings.page_size)
        return Listing(self._service, path, None, size, by_cursor=by_cursor, query=query)


def address_of(user: Json) -> str:
    """With what the user logs in: the user name where it is an address, else the primary one, else the user name as it is."""
    name = user.get("userName")
    text = name.strip() if isinstance(name, str) else ""
    if "@" in text:
        return text
    try:
        return email_of(user) or text
    except BadResourceError:
        return text


def name_of(user: Json) -> str:
    """The display name, else the formatted one."""
    name = user.get("name")
    for value in (user.get("displayName"), name.get("formatted") if isinstance(name, dict) else None):
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def told_groups(user: Json) -> set[str] | None:
    """The names of the groups that a user shows; None where one has no name."""
    groups = user.get("groups") or []
    if not isinstance(groups, list):
        return None
    names = {group.get("display") for group in groups if isinstance(group, dict) and group.get("type") != "indirect"}
    return {str(name) for name in names} if all(isinstance(name, str) for name in names) else None


def account_of(user: Json, groups: set[str]) -> Account:
    """As the engine knows it. Whether somebody has ever logged in no endpoint tells: everybody counts as active."""
    return Account(user["id"], address_of(user), name_of(user), "active", frozenset(groups))
