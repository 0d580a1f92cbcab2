"""Groups and who is in them: member lists, lists that were left out, groups in groups.

A group is handed over whole or not at all: what its record does not name is taken away from people. A group of which any part is
in doubt, its groups' groups included, is frozen. May not: name anybody who is not a person of this source.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from connectors.keys import NOBODY
from connectors.model import Problem, Record
from connectors.scim.service import NOT_FOUND, OK
from connectors.text import shown, unwanted_character

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from connectors.keys import Keys
    from connectors.scim.service import Json, Service


@dataclass(slots=True)
class Membership:
    """One group while it is read."""

    key: str
    name: str
    rows: array[int] = field(default_factory=lambda: array("I"))
    """Of the persons in it."""
    inside: list[str] = field(default_factory=list)
    """The ids of the groups in it, and of whoever else is no person."""
    why: str = ""
    """Why it was not read whole."""
    listed: bool = True
    """Whether it is one of the groups that are wanted, and not only in one of them."""


class Groups:
    """The groups of one read.

    Args:
        service: who is asked for what the list left out.
        people: everybody of this source.
        nested: whether who is in a group's group is a member.
        acquaint: told ids of members before they are looked for among the people.
    """

    def __init__(
        self,
        service: Service,
        people: Keys,
        *,
        nested: bool,
        acquaint: Callable[[Iterable[str]], None] = lambda _: None,
    ) -> None:
        self._service = service
        self._people = people
        self._nested = nested
        self._acquaint = acquaint
        self._groups: dict[str, Membership] = {}
        self._silent: list[str] = []
        """Groups of which the list showed no members."""
        self._kinds: dict[str, bool] = {}
        """Member's id -> whether it was called a group, of those who are no person."""
        self.claims: Counter[str] = Counter()
        """Group's id -> how many people say that they are in it."""
        self.problems: list[Problem] = []
        self.frozen: dict[str, str] = {}
        """Name -> why."""
        self.notes: list[str] = []
        self.names: set[str] = set()

    def claimed(self, user: Json) -> None:
        """Note which groups a person says to be in (RFC 7643, 4.1.2)."""
        groups = user.get("groups")
        if isinstance(groups, list):
            for group in groups:
                told = group if isinstance(group, dict) else {}
                if isinstance(value := told.get("value"), str) and (self._nested or told.get("type") != "indirect"):
                    self.claims[value] += 1

    def take(self, group: Json, *, listed: bool = True) -> None:
        """Note a group of the list."""
        key, name = str(group["id"]), group.get("displayName")
        name = name.strip() if isinstance(name, str) else ""
        hidden = unwanted_character(name, joiners=True)
        if (not name or hidden) and listed:
            why = f"its displayName {shown(name)} contains {hidden}" if hidden else "it has no displayName"
            self.problems.append(Problem(f"group {shown(key)}: {why}", external_id=key))
            listed = False
        there = Membership(key, name, listed=listed)
        self._groups[key] = there
        if "members" not in group:
            self._silent.append(key)
        else:
            self._fill(there, group["members"])

    def records(self) -> Iterator[Record]:
        """Every group that was read whole.

        Raises:
            ConnectorError: the service could not be asked.
        """
        self._ask_the_silent()
        self._descend()
        self._say_left_out()
        for group in self._groups.values():
            if group.listed:
                yield from self._record(group)

    def _fill(self, group: Membership, members: Any) -> None:
        if members is None:
            return
        if not isinstance(members, list):
            group.why = "its members are no list"
            return
        found = list[tuple[str, bool]]()
        for member in members:
            value = member.get("value") if isinstance(member, dict) else member
            if not isinstance(value, str) or not value:
                group.why = "one of its members has no value"
                return
            found.append((value, _called_group(member)))
        self._acquaint(value for value, _ in found)
        for value, is_group in found:
            row = self._people.row(value)
            if row != NOBODY:
                group.rows.append(row)
            else:
                group.inside.append(value)
                self._kinds[value] = self._kinds.get(value, False) or is_group

    def _ask_the_silent(self) -> None:
        """Empty, or left out of the list: only the group itself tells."""
        silent, self._silent = self._silent, []
        for key in silent:
            group = self._groups[key]
            reply = self._service.ask("GET", f"/Groups/{quote(key, safe='')}")
            if reply.status == OK and reply.body is not None and reply.body.get("id") == key:
                self._fill(group, reply.body.get("members"))
            else:
                group.why = f"it was listed without members, and asked for it the service answered {reply.detail}"
        if silent and not any(group.rows or group.inside for group in self._groups.values()):
            # A service that never tells members looks like one whose groups are all empty.
            for key in silent:
                group = self._groups[key]
                group.why = group.why or "no group of this service shows any member, alone or in the list"

    def _descend(self) -> None:
        """Level by level: groups in groups that are not in the list."""
        asked: set[str] = set()
        while self._nested:
            level = [
                key
                for key, is_group in self._kinds.items()
                if is_group and key not in self._groups and key not in asked
            ]
            if not level:
                return
            for key in level:
                asked.add(key)
                reply = self._service.ask("GET", f"/Groups/{quote(key, safe='')}")
                if reply.status == OK and reply.body is not None and reply.body.get("id") == key:
                    self.take(reply.body, listed=False)
                elif reply.status != NOT_FOUND:
                    self._groups[key] = Membership(key, key, why=f"the service answered {reply.detail}", listed=False)
            self._silent.clear()  # these were asked for one by one: what they do not show is not there

    def _say_left_out(self) -> None:
        strangers = [key for key in self._kinds if key not in self._groups]
        if strangers:
            some = ", ".join(map(shown, sorted(strangers)[:3]))
            self.notes.append(
                f"{len(strangers)} members of groups are nobody of this source, and are left out: {some}"
                + (" and others" if len(strangers) > 3 else "")  # noqa: PLR2004 - those that are named
            )

    def _record(self, group: Membership) -> Iterator[Record]:
        rows: set[int] = set()
        why = ""
        for part in self._reached(group) if self._nested else (group,):
            if part.why:
                why = part.why if part is group else f"in its group {shown(part.name)}, {part.why}"
            rows.update(part.rows)
        if not why and self.claims[group.key] > len(rows):
            why = f"{len(rows):,} members were shown, and {self.claims[group.key]:,} people say that they are in it"
        if why:
            self.frozen[group.name] = why
            self.notes.append(f"group {shown(group.name)} was not read whole, and stays as it is: {why}")
            return
        self.names.add(group.name)
        members = tuple(sorted(map(self._people.key, rows)))
        yield Record("group", group.key, {"display_name": group.name, "members": members})

    def _reached(self, group: Membership) -> Iterator[Membership]:
        """The group and all groups in it, each once, whatever circles they make."""
        waiting, seen = [group], {group.key}
        while waiting:
            one = waiting.pop()
            yield one
            for key in one.inside:
                if key in self._groups and key not in seen:
                    seen.add(key)
                    waiting.append(self._groups[key])


def _called_group(member: Any) -> bool:
    if not isinstance(member, dict):
        return False
    kind, ref = member.get("type"), member.get("$ref")
    return kind == "Group" or (kind is None and isinstance(ref, str) and "/Groups/" in ref)
