"""A plan: an ordered, frozen set of changes with a digest. Pure.

The digest names exactly what would be done; an approval is bound to it. The same changes give the same digest, whenever
they are planned.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.model import normalise_name
from syncd.core.change import KINDS, Change, Kind, RecordKey
from syncd.core.humans import Link


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run would do. Make it with `Plan.of`."""

    changes: tuple[Change, ...]
    """In the order in which they are applied; no two have the same key."""
    links: tuple[Link, ...] = ()
    """Adoptions, written before anything is applied."""
    digest: str = field(default="", compare=False)

    @classmethod
    def of(cls, changes: Iterable[Change], links: Iterable[Link] = ()) -> Plan:
        """Order, freeze and digest. The same change met twice (a group that two people need) stands once.

        Raises:
            ValueError: two changes have the same key, and are not the same.
        """
        unique: dict[str, Change] = {}
        for change in sorted(changes, key=_order):
            # Two spellings of a group are one group.
            key = normalise_name(change.key) if change.kind == "create_group" else change.key
            if unique.setdefault(key, change) != change and change.kind != "create_group":
                raise ValueError(f"two different changes are both called {change.key}")
        ordered = tuple(unique.values())
        adopted = tuple(sorted(links, key=lambda link: link.key))
        return cls(ordered, adopted, _digest(ordered, adopted))

    def counts(self) -> dict[Kind, int]:
        """How many changes of each kind, in the order of kinds, without zeros."""
        counted = Counter(change.kind for change in self.changes)
        return {kind: counted[kind] for kind in KINDS if counted[kind]}

    def of_kind(self, kind: Kind) -> tuple[Change, ...]:
        """The changes of one kind, in order."""
        return tuple(change for change in self.changes if change.kind == kind)

    def removals(self) -> dict[str, list[Change]]:
        """Who is taken out of each group, by the group's name as compared."""
        found: dict[str, list[Change]] = {}
        for change in self.of_kind("remove_member"):
            found.setdefault(normalise_name(change.group or ""), []).append(change)
        return found


_PLACE = {kind: place for place, kind in enumerate(KINDS)}


def _order(change: Change) -> tuple[int, str, str]:
    return _PLACE[change.kind], change.user or "", change.group or ""


def _digest(changes: Iterable[Change], links: Iterable[Link]) -> str:
    hashed = hashlib.blake2b(digest_size=16)
    for change in changes:
        hashed.update(_canonical(change_to_dict(change)))
    for link in links:
        hashed.update(_canonical([link.key, link.fluix_id]))
    return hashed.hexdigest()


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def change_to_dict(change: Change) -> dict[str, Any]:
    """A change as JSON can hold it; `change_from_dict` reads it back."""
    told = {"admin": True} if change.admin else {}
    return told | {
        "kind": change.kind,
        "user": change.user,
        "group": change.group,
        "before": change.before,
        "after": change.after,
        "reason": change.reason,
        "fluix_id": change.fluix_id,
        "records": [list(key) for key in change.records],
    }


def change_from_dict(data: Mapping[str, Any]) -> Change:
    """The change that `change_to_dict` wrote."""
    records = tuple(RecordKey(*key) for key in data["records"])
    return Change(**{**data, "records": records})
