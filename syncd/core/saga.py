"""The steps that a change comes to, and the last look before a deletion. Pure.

Most changes are one verb. A deletion is a saga, whose steps are written down together before the first is done:

    reassign_documents -> leave_workflows -> verify -> delete_user

so that an account is never "no longer ours but still usable". `verify` is our own step: the target is asked, not told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from connectors.model import Dossier, Step, Verb
from syncd.core.change import Change


@dataclass(frozen=True, slots=True)
class Verify:
    """Our own step of a deletion: nothing ties the account to anything any more, and its person is still a leaver."""

    operation_id: str
    fluix_id: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    verb: Literal["verify"] = "verify"


Work = Step | Verify
"""What the journal holds."""


def steps(plan_id: int, change: Change, receiver: str = "", *, verify: bool = True) -> Iterator[tuple[int, Work]]:
    """The steps of a change, each with its place.

    Args:
        plan_id: the plan in which the change stands; part of the operation ids.
        change: see there.
        receiver: the Fluix id of who takes a leaver's documents; an empty string: they are given up.
        verify: whether a deletion has the step `verify` (not where a person does the steps).
    """
    if change.kind == "delete_user":
        yield from _farewell(plan_id, change, receiver, verify=verify)
    else:
        yield 0, as_step(plan_id, change, change.kind, **_values(change))


def _farewell(plan_id: int, change: Change, receiver: str, *, verify: bool) -> Iterator[tuple[int, Work]]:
    after = change.after or {}
    if after.get("documents"):
        yield 0, as_step(plan_id, change, "reassign_documents", to=receiver)
    if after.get("workflows"):
        yield 1, as_step(plan_id, change, "leave_workflows")
    if verify:
        yield 2, Verify(f"{plan_id}:{change.key}:verify", change.fluix_id)
    yield 3, as_step(plan_id, change, "delete_user")


def _values(change: Change) -> dict[str, str | tuple[str, ...]]:
    after, group = change.after or {}, change.group or ""
    match change.kind:
        case "create_user":
            return {**{name: after[name] for name in ("email", "display_name")}, "groups": tuple(after["groups"])}
        case "update_user":
            return {name: after[name] for name in ("email", "display_name") if name in after}
        case "create_group":
            return {"display_name": group}
        case "rename_group":
            return {"display_name": group, "new_name": after["display_name"]}
        case "add_member" | "remove_member":
            return {"group": group}
    return {}


def as_step(plan_id: int, change: Change, verb: Verb, **values: str | tuple[str, ...]) -> Step:
    """One verb of a change, with the operation id that it always has."""
    return Step(f"{plan_id}:{change.key}:{verb}", verb, change.fluix_id, values)


def tied(change: Change, dossier: Dossier, admins: int | None) -> str | None:
    """Why an account must not be deleted yet, seen once more right before; None: nothing ties it to anything.

    Args:
        change: the deletion, with all that was known when it was planned.
        dossier: what the target knows of the account now.
        admins: how many users will hold a role or own the account, before this one is deleted; None is unknown.
    """
    planned = change.before or {}
    if dossier.owner != planned.get("owner") or dossier.role != planned.get("role"):
        return "its role changed while it was being deleted"
    if (dossier.role or dossier.owner) and admins is not None and admins <= 1:
        return "it is the last admin of the account by now"
    if dossier.workflows:
        return "it takes part in a workflow again"
    if dossier.drafts or dossier.assigned:
        return f"it has {dossier.drafts or 0} drafts and {dossier.assigned or 0} assigned documents by now"
    return None
