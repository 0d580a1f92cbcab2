"""People who come back after they were deleted, and what Fluix support is asked to recover. Pure.

Fluix keeps deleted data for 30 days, and nobody but its support can recover it: a person who returns is a new user, and a
ticket. Nothing here recovers anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from connectors.model import normalise_email
from syncd.core.change import Change, Decision, Finding, RecordKey

KEPT: Final = timedelta(days=30)
"""How long Fluix keeps what was deleted."""

REMIND: Final = timedelta(days=25)
"""After so long a person is reminded that it ends."""

_SHOWN = 5
"""How many people one finding names."""

TicketState = Literal["open", "written", "done"]


@dataclass(frozen=True, slots=True)
class Departure:
    """One user who was deleted, as the ledger has it."""

    number: int
    fluix_id: str
    email: str
    setup: Mapping[str, Any]
    """What the user had; a value that is missing or None is unknown. See `setup_of`."""
    deleted_at: datetime
    records: frozenset[RecordKey] = field(default=frozenset())
    """What the account was made from."""
    plan_id: int | None = None
    """None: deleted by hand."""
    actor: str = ""
    approvers: Sequence[str] = ()
    returned_at: datetime | None = None
    returned_as: str | None = None
    """The email of the new user."""
    returned_id: str | None = None
    ticket: TicketState | None = None

    @property
    def name(self) -> str:
        """The user's name."""
        return str(self.setup.get("display_name") or "")

    def age(self, now: datetime) -> timedelta:
        """How long ago that was; none at all when the clock was set back."""
        return max(now - self.deleted_at, timedelta(0))

    def days_left(self, now: datetime) -> int:
        """For how many days Fluix support can still recover the set-up: begun ones count."""
        return max(0, -((self.age(now) - KEPT) // timedelta(days=1)))


def setup_of(change: Change) -> dict[str, Any]:
    """A user's set-up, as a planned deletion knows it: what the account was rechecked against right before."""
    before, after = change.before or {}, change.after or {}
    names = ("display_name", "state", "role", "owner", "groups", "workflows", "drafts", "assigned")
    return {
        "email": change.user,
        **{name: before.get(name) for name in names},
        "documents_to": after.get("documents"),
        "reason": change.reason,
    }


def joined(begun: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The set-up of a deletion that is tried again: with what an earlier try had taken away already."""
    workflows = [*(begun.get("workflows") or ())]
    workflows += [part for part in now.get("workflows") or () if part not in workflows]
    whole = {**now, "workflows": workflows or now.get("workflows")}
    if not (now.get("drafts") or now.get("assigned")):
        whole |= {name: begun.get(name) for name in ("drafts", "assigned", "documents_to")}
    return whole


def best(departures: Iterable[Departure], email: str, records: Iterable[RecordKey]) -> Departure | None:
    """Whose return this is: the same record before the same address, and the last deletion before earlier ones."""
    address, keys = normalise_email(email), frozenset(records)
    fitting = [one for one in departures if keys & one.records or normalise_email(one.email) == address]
    return max(fitting, key=lambda one: (bool(keys & one.records), one.deleted_at, one.number), default=None)


def welcome(
    changes: Iterable[Change], departures: Sequence[Departure], now: datetime
) -> tuple[list[Change], list[Finding]]:
    """Say of each new user who was deleted not long ago that this is so.

    The reason names the day and not how long ago that is: the same plan made a day later must have the same digest, or its
    approval would be void.

    Args:
        changes: of the plan.
        departures: deletions that can still be recovered, of whoever might be meant.
        now: the present moment.
    """
    if not departures:
        return list(changes), []
    find = _finder(departures)
    told: list[Change] = []
    returning: list[tuple[Change, Departure]] = []
    for change in changes:
        fits = find(change) if change.kind == "create_user" else None
        if fits:
            why = f"{change.reason}; {_was_deleted(fits, change)}: ask Fluix support to recover the set-up: "
            told.append(replace(change, reason=f"{why}syncd restore ticket {change.user}"))
            returning.append((told[-1], fits))
        else:
            told.append(change)
    return told, [_returning(returning, now)] if returning else []


def _finder(departures: Iterable[Departure]) -> Callable[[Change], Departure | None]:
    """`best` over many: a million newcomers are not each compared with everybody who left."""
    at: dict[str | RecordKey, list[Departure]] = {}
    for one in departures:
        for name in _found_by(one.email, one.records):
            at.setdefault(name, []).append(one)

    def find(change: Change) -> Departure | None:
        email = change.user or ""
        near = [one for name in _found_by(email, change.records) for one in at.get(name, ())]
        return best(near, email, change.records)

    return find


def _found_by(email: str, records: Iterable[RecordKey]) -> list[str | RecordKey]:
    return [normalise_email(email), *records]


def _was_deleted(departure: Departure, change: Change) -> str:
    other = normalise_email(departure.email) != normalise_email(change.user or "")
    return f"was deleted on {departure.deleted_at:%Y-%m-%d}" + (f" as {departure.email}" if other else "")


def _returning(returning: Sequence[tuple[Change, Departure]], now: datetime) -> Finding:
    people = [f"{change.user} ({_was_deleted(one, change)}, {_ago(one.age(now))})" for change, one in returning]
    message = (
        f"{_count(len(people), 'new user was', 'new users were')} deleted within the last 30 days: {_few(people)}. If it is the "
        "same person, ask Fluix support to recover the set-up: `syncd restore ticket EMAIL` writes the text"
    )
    return Finding("returning", Decision.PROCEED, message, tuple(change.key for change, _ in returning))


def remind(departures: Iterable[Departure], now: datetime) -> list[Finding]:
    """A word about those whose set-up can be recovered for the last few days."""
    due = [one for one in departures if REMIND <= one.age(now) < KEPT and one.ticket != "done"]
    if not due:
        return []
    due.sort(key=lambda one: (one.deleted_at, one.email))
    left = max(one.days_left(now) for one in due)
    people = [f"{one.email} (until {one.deleted_at + KEPT:%Y-%m-%d})" for one in due]
    message = (
        f"{_count(len(due), 'deleted user', 'deleted users')} can be recovered by Fluix support for "
        f"{_count(left, 'more day', 'more days')} at most: {_few(people)}. See `syncd restore list`"
    )
    return [Finding("last_days", Decision.PROCEED, message)]


def ticket(departure: Departure, account: str, new_user: tuple[str, str] | None, now: datetime) -> str:
    """The text for Fluix support.

    Args:
        departure: whose set-up is to be recovered.
        account: the Fluix account's name.
        new_user: email and id of the user who was created anew; None when there is none yet.
        now: the present moment.
    """
    setup, until = departure.setup, departure.deleted_at + KEPT
    new = f"{new_user[0]} (id {new_user[1]})" if new_user else "not created yet: will be created before you recover"
    lines = [
        f"Subject: Please recover the set-up of a deleted user: {departure.email}",
        "",
        "Hello,",
        "",
        f"a user of our account was deleted on {departure.deleted_at:%Y-%m-%d %H:%M} UTC and comes back as a new user.",
        "Please recover the set-up below for the new user. Deleted data is kept for 30 days: until",
        f"{until:%Y-%m-%d %H:%M} UTC ({_count(departure.days_left(now), 'day', 'days')} from now at most).",
        "",
        f"Account:      {account}",
        f"Deleted user: {departure.email}, {departure.name or 'name unknown'} (id {departure.fluix_id})",
        f"New user:     {new}",
        "",
        f"Role:         {_role(setup)}",
        f"Groups:       {_list(setup.get('groups'))}",
        "Workflows:",
        *_workflows(setup.get("workflows")),
        "Documents:",
        *_documents(setup),
        "",
        "Thank you.",
    ]
    return "\n".join(lines)


def _role(setup: Mapping[str, Any]) -> str:
    if setup.get("owner"):
        return "owner of the account"
    role = setup.get("role")
    return "unknown" if role is None and setup.get("owner") is None else str(role or "none")


def _list(names: Sequence[str] | None) -> str:
    return "unknown" if names is None else ", ".join(names) or "none"


def _workflows(parts: Sequence[Mapping[str, Any]] | None) -> Iterator[str]:
    if not parts:
        yield "  unknown" if parts is None else "  none"
    for part in parts or ():
        yield f"  {part['workflow']}, step {part['step']}" + (" (nobody else was in it)" if part.get("alone") else "")


def _documents(setup: Mapping[str, Any]) -> Iterator[str]:
    drafts, assigned, titles = setup.get("drafts"), setup.get("assigned"), setup.get("documents")
    if drafts is None and assigned is None:
        yield "  unknown"
    elif not (drafts or assigned):
        yield "  none"
    else:
        to = setup.get("documents_to")
        went = f"which went to {to}" if to and to != "discard" else "which were given up"
        others = _count(assigned or 0, "assigned document", "assigned documents")
        yield f"  {_count(drafts or 0, 'draft', 'drafts')} and {others}, {went}"
    for document in titles or ():
        yield f"  {document['title']} ({document['state']})"


def _few(people: Sequence[str]) -> str:
    more = len(people) - _SHOWN
    return ", ".join(people[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _ago(age: timedelta) -> str:
    return "today" if age < timedelta(days=1) else f"{_count(age.days, 'day', 'days')} ago"
