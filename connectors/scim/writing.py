"""What is written to a SCIM endpoint, one resource at a time: PATCH where it is offered (RFC 7644, 3.5.2), else PUT.

Everything here can be repeated: what is so already is done, and a resource that changed between reading and writing (412) is
read again. May not: decide which step comes when.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING
from urllib.parse import quote

from connectors.errors import RetryableError
from connectors.http import LostError
from connectors.model import normalise_email
from connectors.scim.accounts import GROUPS, USERS, address_of, name_of
from connectors.scim.people import BadResourceError, email_of
from connectors.scim.service import CHANGED, CONFLICT, NOT_FOUND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connectors.scim.accounts import Accounts
    from connectors.scim.service import Json, Reply, Service

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_TRIES = 6
_ABSENT = "noTarget"


class NotDoneError(Exception):
    """A step fails; its text says why. Nothing was changed by it."""


class Writer:
    """Writes to one endpoint.

    Args:
        service: the endpoint.
        accounts: reads it.
    """

    def __init__(self, service: Service, accounts: Accounts) -> None:
        self._service = service
        self._accounts = accounts

    def new_user(self, email: str, name: str) -> Json:
        """A user as it is created."""
        return {
            "schemas": [USER],
            "userName": email,
            "displayName": name,
            "name": {"formatted": name},
            "active": True,
            "emails": [{"value": email, "type": "work", "primary": True}],
        }

    def create_user(self, email: str, name: str) -> str:
        """The id of a new user, or of one that an earlier try of the same made.

        Raises:
            NotDoneError: another one has this address, or the endpoint does not take it.
        """
        for _ in range(2):
            try:
                reply = self._service.ask("POST", USERS, body=self.new_user(email, name))
            except LostError:
                # It may have arrived: whoever is there now, just so, is the one that we asked for.
                if (there := self._accounts.find([email])) and (key := same(there, email, name)):
                    return key
                continue
            if reply.status == CONFLICT:
                return self.present(email, name)
            if reply.ok and reply.body is not None and isinstance(reply.body.get("id"), str):
                return str(reply.body["id"])
            if reply.ok:
                return self.present(email, name)
            raise NotDoneError(f"the endpoint does not take {email}: it answered {reply.detail}")
        raise RetryableError(
            f"{self._service.host} did not answer twice when {email} was created",
            where=self._service.host,
            cure="run it again",
        )

    def present(self, email: str, name: str) -> str:
        """The id of the user that is there under this address, just as it would be created.

        Raises:
            NotDoneError: it is another one.
        """
        there = self._accounts.find([email])
        key = same(there, email, name)
        if key is None:
            raise NotDoneError(f"{email} already exists" if there else f"{email} already exists, and is not shown")
        return key

    def update_user(self, key: str, email: str | None, name: str | None) -> None:
        """Give a user another address, another name, or both.

        Raises:
            NotDoneError: there is no such user, another one has the address, or the endpoint does not take it.
        """
        if email is not None and any(other != key for other in self._accounts.find([email])):
            raise NotDoneError(f"{email} already exists")

        def wanted(user: Json) -> Json:
            values: Json = {}
            if name is not None and name != name_of(user):
                values["displayName"] = name
                if isinstance(user.get("name"), dict) and "formatted" in user["name"]:
                    values["name.formatted"] = name
            if email is not None and email != address_of(user):
                values |= _addressed(user, email)
            return values

        self._change(USERS, key, wanted, f"there is no user with the id {key}")

    def delete_user(self, key: str) -> None:
        """Delete a user; one that is gone is deleted.

        Raises:
            NotDoneError: the endpoint does not do it.
        """
        reply = self._service.ask("DELETE", f"{USERS}/{quote(key, safe='')}")
        if not reply.ok and reply.status != NOT_FOUND:
            raise NotDoneError(f"the endpoint does not delete the user {key}: it answered {reply.detail}")

    def create_group(self, name: str) -> bool:
        """Make a group; False where it was there already, or may be.

        Raises:
            NotDoneError: the endpoint does not take it.
        """
        try:
            reply = self._service.ask("POST", GROUPS, body={"schemas": [GROUP], "displayName": name})
        except LostError:
            return False
        if not reply.ok and reply.status != CONFLICT:
            raise NotDoneError(f"the endpoint does not take the group {name}: it answered {reply.detail}")
        return reply.ok

    def rename_group(self, key: str, name: str) -> None:
        """Give a group another name.

        Raises:
            NotDoneError: the endpoint does not do it.
        """
        self._change(
            GROUPS,
            key,
            lambda group: {"displayName": name} if group.get("displayName") != name else {},
            "the group is gone",
        )

    def add_members(self, group: str, users: Sequence[str]) -> None:
        """Put users into a group; who is in it stays.

        Raises:
            NotDoneError: the endpoint does not do it.
        """
        operation = {"op": "add", "path": "members", "value": [{"value": user} for user in users]}
        self._members(group, [operation], lambda there: there | dict.fromkeys(users))

    def remove_members(self, group: str, users: Sequence[str]) -> None:
        """Take users out of a group; who is not in it stays out.

        Raises:
            NotDoneError: the endpoint does not do it.
        """
        operations = [{"op": "remove", "path": f'members[value eq "{_quoted(user)}"]'} for user in users]

        def without(there: dict[str, None]) -> dict[str, None]:
            return {user: None for user in there if user not in users}

        self._members(group, operations, without)

    def _members(
        self, group: str, operations: Sequence[Json], change: Callable[[dict[str, None]], dict[str, None]]
    ) -> None:
        if self._accounts.features.patch:
            reply = self._patch(f"{GROUPS}/{quote(group, safe='')}", operations)
            if reply.ok or (reply.scim_type == _ABSENT and len(operations) == 1):
                return
            raise NotDoneError(f"the endpoint does not change the group's members: it answered {reply.detail}")

        def wanted(there: Json) -> Json:
            members = [one for one in there.get("members") or [] if isinstance(one, dict)]
            before = dict.fromkeys(str(one.get("value")) for one in members)
            after = change(before)
            if after.keys() == before.keys():
                return {}
            kept = [one for one in members if str(one.get("value")) in after]
            return {"members": kept + [{"value": one} for one in after if one not in before]}

        self._change(GROUPS, group, wanted, "the group is gone")

    def _change(self, path: str, key: str, wanted: Callable[[Json], Json], gone: str) -> None:
        """Read, change and write, until nothing else came between."""
        where = f"{path}/{quote(key, safe='')}"
        for _ in range(_TRIES):
            there = self._accounts.resource(path, key)
            if there is None:
                raise NotDoneError(gone)
            values = wanted(there)
            if not values:
                return
            version = there.get("meta", {}).get("version") if self._accounts.features.etag else None
            try:
                if self._accounts.features.patch:
                    operations = [{"op": "replace", "path": name, "value": value} for name, value in values.items()]
                    reply = self._service.ask(
                        "PATCH", where, body={"schemas": [PATCH_OP], "Operations": operations}, if_match=version
                    )
                else:
                    reply = self._service.ask("PUT", where, body=_replaced(there, values), if_match=version)
            except LostError:
                continue  # what is there now tells whether it arrived
            if reply.ok:
                return
            if reply.status != CHANGED:
                raise NotDoneError(f"the endpoint does not take it: it answered {reply.detail}")
        raise NotDoneError(f"it changed {_TRIES} times while it was written")

    def _patch(self, where: str, operations: Sequence[Json]) -> Reply:
        """Members only: twice is the same as once."""
        body: Json = {"schemas": [PATCH_OP], "Operations": list(operations)}
        for number in range(_TRIES):
            try:
                reply = self._service.ask("PATCH", where, body=body)
            except LostError:
                if number + 1 == _TRIES:
                    raise
                continue
            if reply.status != CHANGED:
                return reply
        return reply


def same(there: dict[str, Json], email: str, name: str) -> str | None:
    """The id of the one user that is exactly what would be created; None: there is none, or another one."""
    if len(there) != 1:
        return None
    ((key, user),) = there.items()
    return key if address_of(user) == email and name_of(user) == name else None


def _addressed(user: Json, email: str) -> Json:
    """What makes this the user's address: the user name where it is one, and the entry that holds the present one."""
    values: Json = {}
    name = user.get("userName")
    old = address_of(user)
    if isinstance(name, str) and ("@" in name or not old):
        values["userName"] = email
    there = user.get("emails")
    emails = [deepcopy(entry) for entry in there if isinstance(entry, dict)] if isinstance(there, list) else []
    try:
        shown = normalise_email(email_of(user))
    except BadResourceError:
        shown = ""
    entry = next(
        (one for one in emails if normalise_email(str(one.get("value") or "")) in {shown, normalise_email(old)}), None
    )
    if entry is None:
        emails.append({"value": email, "type": "work", "primary": not emails})
    else:
        entry["value"] = email
    values["emails"] = emails
    return values


def _replaced(there: Json, values: Json) -> Json:
    """The whole resource with other values, and without what only the service sets (RFC 7643, 3.1)."""
    body = {name: value for name, value in deepcopy(there).items() if name not in {"meta", "groups"}}
    for path, value in values.items():
        *above, name = path.split(".")
        inner = body
        for step in above:
            inner = inner.setdefault(step, {})
        inner[name] = value
    return body


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
