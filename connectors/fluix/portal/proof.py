"""Who is who in an export, and what it shows to be done. Pure.

An export names no ids, so a user's id is the email under which he or she was first met. When a change of email was ordered,
and an export lacks the old address and has the new one, that user goes on under the id he or she had, and so does the link.
A change of email that nobody ordered cannot be told from one person who left and another who came: it is taken for that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from connectors.fluix.portal.book import Closed, Holding, Item, LastExport
from connectors.fluix.portal.export import Row
from connectors.model import normalise_email, normalise_name


def name_users(rows: Mapping[str, Row], before: Mapping[str, str], moves: Mapping[str, str]) -> list[Holding]:
    """Give every user of an export the id that he or she has, or a new one.

    Args:
        rows: address (as compared) -> user.
        before: id -> address in the last export.
        moves: id -> address that was ordered for it.
    """
    ids = {address: fluix_id for fluix_id, address in before.items() if address in rows}
    for fluix_id, address in moves.items():
        if fluix_id in before and before[fluix_id] not in rows and address in rows:
            ids.setdefault(address, fluix_id)
    taken = set(before)
    for address in sorted(rows.keys() - ids.keys()):
        fluix_id, number = address, 1
        while fluix_id in taken:
            number += 1
            fluix_id = f"{address}#{number}"
        taken.add(fluix_id)
        ids[address] = fluix_id
    return [
        Holding(ids[address], row.email, row.display_name, row.groups, row.state, row.role)
        for address, row in rows.items()
    ]


def moves(items: Iterable[Item]) -> dict[str, str]:
    """The changes of email among these items: id -> address that was ordered."""
    return {
        item.fluix_id: normalise_email(str(item.values["email"]))
        for item in items
        if item.verb == "update_user" and item.fluix_id and "email" in item.values
    }


@dataclass(slots=True)
class View:
    """An export, as items are held against it."""

    holdings: Mapping[str, Holding]
    """By id."""
    states_told: bool = False
    by_address: dict[str, Holding] = field(init=False)
    groups: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Index by address, and gather the groups."""
        self.by_address = {normalise_email(holding.email): holding for holding in self.holdings.values()}
        self.groups = frozenset(normalise_name(name) for holding in self.holdings.values() for name in holding.groups)


def closed_by(view: View, items: Iterable[Item]) -> list[Closed]:
    """The items that an export shows to be done."""
    found = []
    for item in items:
        if shows(view, item.verb, item.fluix_id, item.values):
            if item.verb == "create_user":
                holding = view.by_address[normalise_email(str(item.values["email"]))]
                wanted = set(map(normalise_name, item.values["groups"]))
                there = tuple(sorted(name for name in holding.groups if normalise_name(name) in wanted))
                found.append(Closed(item, holding.fluix_id, there))
            else:
                found.append(Closed(item, item.fluix_id))
    return found


def shows(view: View, verb: str, fluix_id: str | None, values: Mapping[str, object]) -> bool | None:
    """Whether an export shows a step to be done; None where no export can tell."""
    if verb == "create_user":
        return normalise_email(str(values["email"])) in view.by_address
    if verb == "create_group":
        return normalise_name(str(values["display_name"])) in view.groups or None
    if verb == "rename_group":
        return _renamed(view, values)
    return _shows_of_user(view, verb, view.holdings.get(fluix_id or ""), values)


def _shows_of_user(view: View, verb: str, user: Holding | None, values: Mapping[str, object]) -> bool | None:
    # Who is gone is in no group and has no documents; what was to become of him or her did not.
    if user is None or verb == "delete_user":
        return user is None and verb not in {"update_user", "add_member", "resend_invite"}
    match verb:
        case "update_user":
            return _is(user, values)
        case "add_member":
            return _member(user, values)
        case "remove_member":
            return not _member(user, values)
    return True if verb == "resend_invite" and view.states_told and user.state == "active" else None


def _is(user: Holding, values: Mapping[str, object]) -> bool:
    email, name = values.get("email"), values.get("display_name")
    return (email is None or normalise_email(str(email)) == normalise_email(user.email)) and (
        name is None or name == user.display_name
    )


def _member(user: Holding, values: Mapping[str, object]) -> bool:
    return normalise_name(str(values["group"])) in map(normalise_name, user.groups)


def _renamed(view: View, values: Mapping[str, object]) -> bool | None:
    old, new = normalise_name(str(values["display_name"])), normalise_name(str(values["new_name"]))
    if old in view.groups and old != new:
        return False
    return new in view.groups or None


def provable(verb: str) -> bool:
    """Whether some export could show such a step; what none can show is closed by a person's word."""
    return verb not in {"create_group", "rename_group", "resend_invite", "reassign_documents", "leave_workflows"}


def contradiction(item: Item, last: LastExport | None, known: Collection[str]) -> str:
    """Why a person's word that an item was done cannot be believed; empty when it can.

    Args:
        item: an open one.
        last: the export that was read last.
        known: ids of its users.
    """
    # A file's date is cut to what its name or its system tells; within the same minute nobody can say which came first.
    if item.confirmed_at is None or last is None or last.dated_at < item.confirmed_at + timedelta(minutes=1):
        return ""
    still = {
        "create_user": "does not have the user",
        "delete_user": "still has the user",
        "update_user": "still has the old values",
        "add_member": "does not have the user in the group",
        "remove_member": "still has the user in the group",
    }.get(item.verb, "does not show it")
    if item.verb in {"update_user", "add_member"} and item.fluix_id not in known:
        still = "does not have the user"
    return (
        f"{item.why.key} was confirmed on {item.confirmed_at:%Y-%m-%d %H:%M} UTC by {item.confirmed_by}, but the export of "
        f"{last.dated_at:%Y-%m-%d %H:%M} UTC {still}"
    )
