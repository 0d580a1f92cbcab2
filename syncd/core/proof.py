"""Proof after the deed: which acknowledged changes are read back, and whether the target holds them. Pure.

What a target only says is not yet so. A change that it acknowledged and does not hold is *unproven*: nothing follows from it,
so the next run still sees it and mends it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from connectors.model import Account, normalise_name
from syncd.core.change import Change


@dataclass(frozen=True, slots=True)
class Sampling:
    """How many of the changes that are done together (at most 500, of one kind) are read back (`proof.sample`).

    Neither figure: all. Deletions are all read back in any case, because with them we forget that the account was ours.
    """

    count: int | None = 20
    percent: float | None = None

    def of(self, changes: Collection[Change]) -> list[Change]:
        """Those that are read back: chosen by their keys, so that nobody can tell beforehand, and the same each time."""
        always = [change for change in changes if change.kind == "delete_user"]
        others = [change for change in changes if change.kind != "delete_user"]
        return always + sorted(others, key=_lot)[: self._how_many(len(others))]

    def _how_many(self, of: int) -> int:
        if self.count is not None:
            return self.count
        return of if self.percent is None else -int(-of * self.percent // 100)


EACH_TWENTY = Sampling()


def groups_told(changes: Iterable[Change]) -> bool:
    """Whether the account's groups have to be read to prove these changes."""
    return any(change.kind in {"create_group", "rename_group"} for change in changes)


def unproven(change: Change, account: Account | None, groups: Collection[str] = ()) -> str | None:
    """Why the target does not hold what it acknowledged, in half a sentence; None when it does.

    Args:
        change: done, as the target says.
        account: the user as the target holds it now; None when it is not there.
        groups: the account's groups (as compared), for a change of a group.
    """
    match change.kind:
        case "create_group" | "rename_group":
            return _other_groups(change, groups)
        case "delete_user":
            return f"{account.email} is still there" if account else None
        case "remove_member":
            return f"it is still in {change.group}" if account and _is_in(change.group, account) else None
    return _other_values(change, account) if account else "it is not there"


def _other_values(change: Change, account: Account) -> str | None:
    after, now = change.after or {}, {"email": account.email, "display_name": account.display_name}
    other = [f"it is not in {change.group}"] * (change.kind == "add_member" and not _is_in(change.group, account))
    other += [f'its {name} is "{now[name]}"' for name in now if name in after and now[name] != after[name]]
    if change.kind == "create_user":
        other += [f"it is not in {name}" for name in after["groups"] if not _is_in(name, account)]
    return " and ".join(other) or None


def _other_groups(change: Change, groups: Collection[str]) -> str | None:
    old, new = change.group or "", (change.after or {}).get("display_name", change.group or "")
    if normalise_name(new) not in groups:
        return f"there is no group {new}"
    if normalise_name(old) in groups and normalise_name(old) != normalise_name(new):
        return f"there is still a group {old}"
    return None


def _is_in(group: str | None, account: Account) -> bool:
    return normalise_name(group or "") in map(normalise_name, account.groups)


def _lot(change: Change) -> bytes:
    return hashlib.blake2b(change.key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
