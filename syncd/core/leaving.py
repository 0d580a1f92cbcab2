"""What deleting one person would break, and the way in which it would be done. Pure.

`farewell` turns a wanted deletion and the dossier of its account into the change that is shown, approved and applied: with
everything known of the account in `before`, and in `after` what becomes of its workflows and documents. Unknown is never
safe: it is held.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from connectors.model import Dossier, normalise_email
from syncd.core.change import Change, Decision, Finding


@dataclass(frozen=True, slots=True)
class Farewells:
    """The operator's policy for leavers (`leavers:` in the configuration)."""

    workflows: Literal["hold", "remove_first"] = "hold"
    documents: Literal["hold", "discard", "reassign"] = "hold"
    protected: frozenset[str] = frozenset()
    """Addresses, as compared, that are never deleted."""


def farewell(
    change: Change, dossier: Dossier | None, policy: Farewells, receiver: str | None = None, nobody: str = ""
) -> tuple[Change, list[Finding]]:
    """The deletion as it would be done, and what speaks against it.

    Args:
        change: the wanted deletion.
        dossier: what the target knows; None when it knows nothing.
        policy: see there.
        receiver: the email of the account that would get the documents; None when there is none.
        nobody: why there is none, in half a sentence.
    """
    dossier = dossier or Dossier(change.fluix_id or "")
    documents = (dossier.drafts or 0) + (dossier.assigned or 0)
    after: dict[str, Any] = {}
    if dossier.workflows:
        after["workflows"] = "leave"
    if documents:
        after["documents"] = receiver if policy.documents == "reassign" and receiver else "discard"
    whole = replace(change, before={**(change.before or {}), **known(dossier)}, after=after or None)
    said = [*_standing(whole, dossier, policy), *_workflows(whole, dossier, policy)]
    said += _documents(dossier, policy, receiver, nobody)
    return whole, [Finding(check, decision, f"{change.user} {text}", (whole.key,)) for check, decision, text in said]


def known(dossier: Dossier) -> dict[str, Any]:
    """A dossier as it stands in a deletion's `before`; null is unknown."""
    parts = dossier.workflows
    return {
        "owner": dossier.owner,
        "role": dossier.role,
        "workflows": None
        if parts is None
        else [{"workflow": part.workflow, "step": part.step, "alone": part.alone} for part in parts],
        "drafts": dossier.drafts,
        "assigned": dossier.assigned,
    }


_Said = tuple[str, Decision, str]


def _standing(change: Change, dossier: Dossier, policy: Farewells) -> Iterator[_Said]:
    if normalise_email(change.user or "") in policy.protected:
        yield "protected", Decision.REFUSE, "is on the protected list (leavers.protected)"
    if dossier.owner is None:
        yield "unknown", Decision.HOLD, "may be the owner: the account does not tell"
    elif dossier.owner:
        yield "owner", Decision.REFUSE, "is the owner of the account: only Fluix support can change that"
    if dossier.role is None:
        yield "unknown", Decision.HOLD, "may hold an admin role: the account does not tell"
    elif dossier.role:
        yield "admin", Decision.HOLD, f"holds the admin role {dossier.role}"


def _workflows(change: Change, dossier: Dossier, policy: Farewells) -> Iterator[_Said]:
    del change
    if dossier.workflows is None:
        yield "unknown", Decision.HOLD, "may take part in workflows: the account does not tell"
    elif dossier.workflows:
        alone = [part for part in dossier.workflows if part.alone]
        places = ", ".join(f"{part.workflow} / {part.step}" for part in alone or dossier.workflows)
        if alone:
            text = f"is the only one in {places}: put somebody else there in Fluix first"
            yield "workflow_alone", Decision.REFUSE, text
        elif policy.workflows == "hold":
            yield "workflow", Decision.HOLD, f"takes part in {places} (leavers.workflows: hold)"


def _documents(dossier: Dossier, policy: Farewells, receiver: str | None, nobody: str) -> Iterator[_Said]:
    if dossier.drafts is None or dossier.assigned is None:
        yield "unknown", Decision.HOLD, "may have drafts or assigned documents: the account does not tell"
    elif dossier.drafts or dossier.assigned:
        has = f"has {dossier.drafts} drafts and {dossier.assigned} assigned documents"
        if policy.documents == "hold":
            yield "documents", Decision.HOLD, f"{has}: approving gives them up (leavers.documents: hold)"
        elif policy.documents == "reassign" and receiver is None:
            why = f" ({nobody})" if nobody else ""
            yield "documents", Decision.HOLD, f"{has}, and nobody is known to take them{why}: approving gives them up"


def leaving_admins(changes: Mapping[str, Change], admins: int | None) -> Finding | None:
    """Refuses deletions after which nobody could administer the account.

    Args:
        changes: key -> deletion, with its dossier in `before`.
        admins: how many users hold a role or own the account; None is unknown, and each is then held anyway.
    """
    leaving = [
        change for change in changes.values() if change.before and (change.before["role"] or change.before["owner"])
    ]
    if admins is None or not leaving or len(leaving) < admins:
        return None
    names = ", ".join(str(change.user) for change in leaving)
    message = f"{names}: {len(leaving)} of {admins} admins would leave, and nobody could administer the account"
    return Finding("last_admin", Decision.REFUSE, message, tuple(change.key for change in leaving))
