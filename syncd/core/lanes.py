"""What of a plan may be done at the same time, and what has to wait for what. Pure.

Kinds come one after the other, as in a plan (a *phase* each). Inside a kind, changes that have anything in common are one *lane*,
in the plan's order: a person (account, address before or after, records), who takes documents, a workflow that is left, the roles
of an account, and of changes of groups the group. Lanes have nothing in common: any number of workers may do them side by side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil

from connectors.model import normalise_email, normalise_name
from syncd.core.change import Change, Kind

Lane = tuple[Change, ...]
Token = tuple[str, ...]

_GROUP_KINDS: frozenset[Kind] = frozenset({"rename_group", "create_group"})


@dataclass(frozen=True, slots=True)
class Phase:
    """The changes of one kind: all of them end before the next kind begins."""

    kind: Kind
    lanes: tuple[Lane, ...]

    @property
    def changes(self) -> list[Change]:
        """All of them, lane by lane."""
        return [change for lane in self.lanes for change in lane]


def phases(changes: Iterable[Change]) -> Iterator[Phase]:
    """The changes of a plan, in its order, kind by kind."""
    for kind, same in groupby(changes, key=lambda change: change.kind):
        yield Phase(kind, tuple(lanes(same)))


def lanes(changes: Iterable[Change]) -> list[Lane]:
    """Changes of one kind, split into what has nothing in common; the lane whose first change comes first stands first."""
    ordered = list(changes)
    above = list(range(len(ordered)))
    """A change -> one of its lane that stands before it, or itself."""

    def first(place: int) -> int:
        while above[place] != place:
            above[place] = above[above[place]]
            place = above[place]
        return place

    seen: dict[Token, int] = {}
    for place, change in enumerate(ordered):
        for token in tokens(change):
            one, other = sorted((first(place), first(seen.setdefault(token, place))))
            above[other] = one
    found: dict[int, list[Change]] = defaultdict(list)
    for place, change in enumerate(ordered):
        found[first(place)].append(change)
    return [tuple(lane) for lane in found.values()]


def tokens(change: Change) -> Iterator[Token]:
    """What a change touches."""
    before, after = change.before or {}, change.after or {}
    if change.fluix_id:
        yield "account", change.fluix_id
    for key in change.records:
        yield "record", *key
    for email in (change.user, before.get("email"), after.get("email"), _receiver(change)):
        if email:
            yield "email", normalise_email(email)
    if change.kind in _GROUP_KINDS:
        for name in (change.group, after.get("display_name")):
            if name:
                yield "group", normalise_name(name)
    if change.kind == "delete_user":
        yield from _left_behind(change)


def _left_behind(change: Change) -> Iterator[Token]:
    """What a deletion looks at beyond its own person: together two of them may take what each alone would leave."""
    before = change.before or {}
    if change.admin or before.get("role") or before.get("owner"):
        yield ("admins",)  # each one counts how many are left
    for part in before.get("workflows") or ():
        yield "workflow", str(part["workflow"])


def _receiver(change: Change) -> str | None:
    to = (change.after or {}).get("documents") if change.kind == "delete_user" else None
    return to if to and to != "discard" else None


def share(changes: int, workers: int, most: int) -> int:
    """How many changes a parcel has, at most `most`.

    Each worker gets as many parcels as the others, so that none has a last one while they wait, and two at least, so that one
    that is slower can be helped.
    """
    for_each = max(2, ceil(changes / (workers * most)))
    return ceil(changes / (workers * for_each))


def parcels(lanes_of_phase: Sequence[Lane], size: int) -> list[Lane]:
    """Whole lanes put together, at least `size` changes each where there are so many; a longer lane is not torn apart."""
    found: list[Lane] = []
    part: list[Change] = []
    for lane in lanes_of_phase:
        part += lane
        if len(part) >= size:
            found.append(tuple(part))
            part = []
    return [*found, tuple(part)] if part else found
