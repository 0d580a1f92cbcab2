"""What was ordered before and waits for a person: it is taken out of the plan, and said instead.

A plan so holds only what is new: nothing is ordered twice, counted twice by the budgets, or approved twice. What waits and
is not wanted any more, or not at present, is withdrawn, so that nobody deletes somebody who came back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from connectors.model import normalise_email
from connectors.ordering import Ordering, Outstanding, identity
from syncd.comparing import Compared
from syncd.core.change import Change, Decision, Finding
from syncd.sync import Request, Sync

_SHOWN = 3


def without_outstanding(sync: Sync, request: Request, compared: Compared, changes: list[Change]) -> list[Change]:
    """The changes that were not ordered yet. Adds to the findings what waits.

    Args:
        sync: whose target may be one that orders; for every other nothing happens.
        request: for one user alone nothing can be said about everybody else's orders.
        compared: whose findings are completed; those about what waits are taken out.
        changes: wanted.
    """
    target = sync.target
    if not isinstance(target, Ordering):
        return changes
    refused = {key for finding in compared.findings if finding.decision is Decision.REFUSE for key in finding.changes}
    if not request.user:
        wanted = {wish for change in changes if change.key not in refused for wish in _wishes(change)}
        target.withdraw(
            {item.identity: _why(item, changes) for item in target.outstanding() if item.identity not in wanted}
        )
    items = target.outstanding()
    waiting = {item.identity for item in items if not item.withdrawn}
    out = {change.key for change in changes if _wish(change) in waiting}
    compared.findings = [
        finding for finding in compared.findings if not finding.changes or not out.issuperset(finding.changes)
    ]
    # Their deletion was let through already: that they leave is no news for the watch over sizes, either.
    gone = {change.fluix_id for change in changes if change.kind == "delete_user" and change.key in out}
    compared.leavers = [leaver for leaver in compared.leavers if leaver.account.fluix_id not in gone]
    compared.findings += _findings(items, sync.clock())
    compared.findings += [Finding("webhook", Decision.HOLD, trouble) for trouble in target.troubles()]
    return [change for change in changes if change.key not in out]


def _wish(change: Change) -> str:
    """The identity of a change's own step."""
    after = change.after or {}
    values: dict[str, object] = {}
    match change.kind:
        case "create_group":
            values = {"display_name": change.group}
        case "rename_group":
            values = {"display_name": change.group, "new_name": after["display_name"]}
        case "add_member" | "remove_member":
            values = {"group": change.group}
        case "create_user" | "update_user":
            values = {name: after[name] for name in ("email", "display_name") if name in after}
    return identity(change.kind, change.fluix_id, values)


def _wishes(change: Change) -> Iterator[str]:
    """All that a change asks for: a new person's groups may have been ordered one by one, a deletion's steps as well."""
    yield _wish(change)
    if change.kind == "create_user":
        for group in (change.after or {})["groups"]:
            yield identity("add_member", normalise_email(change.user or ""), {"group": group})
    elif change.kind == "delete_user":
        yield identity("leave_workflows", change.fluix_id, {})
        yield identity("reassign_documents", change.fluix_id, {})


def _why(item: Outstanding, changes: Iterable[Change]) -> str:
    if any(change.key == item.key for change in changes):
        return "the directory says otherwise by now, or it is refused"
    return "it is not wanted any more, or not at present"


def _findings(items: Sequence[Outstanding], now: datetime) -> Iterator[Finding]:
    """One finding an order that waits, one for each withdrawal and each contradiction."""
    orders: dict[str, list[Outstanding]] = {}
    for item in items:
        if item.withdrawn:
            message = f"{item.key} was asked for in work order {item.order}, and must not be done any more"
            yield Finding("withdrawn", Decision.PROCEED, message)
        else:
            orders.setdefault(item.order, []).append(item)
        if item.contradiction:
            yield Finding("contradicted", Decision.HOLD, item.contradiction)
    for name, waiting in orders.items():
        days = (now - waiting[0].ordered_at).total_seconds() / 86_400
        keys = ", ".join(item.key for item in waiting[:_SHOWN])
        more = f" and {len(waiting) - _SHOWN} more" if len(waiting) > _SHOWN else ""
        message = f"work order {name} has waited for {days:.1f} days with {len(waiting)} open items: {keys}{more}"
        yield Finding("ordered", Decision.PROCEED, message)
