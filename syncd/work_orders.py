"""The portal's work orders, found and told: for the command and the console."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectors.fluix.portal.book import Item, LastExport, Order
from connectors.fluix.portal.proof import contradiction
from connectors.fluix.portal.words import steps, title
from syncd.bootstrap import App
from syncd.config_target import PortalTargetConfig
from syncd.errors import UsageError
from syncd.sayings import Said
from syncd.store.lock import run_lock

if TYPE_CHECKING:
    from connectors.fluix.portal.target import PortalTarget


def portal(app: App) -> PortalTarget:
    """The portal.

    Raises:
        UsageError: the target is another one.
    """
    target = app.config.target
    if not isinstance(target, PortalTargetConfig):
        raise UsageError(
            Said("this is about the portal, and the target is %(type)s", type=target.type),
            cure=Said("set `target: {type: portal}`; see config.example.yaml"),
        )
    return app.portal(target)


def order(target: PortalTarget, number: int) -> Order:
    """One order that was handed over.

    Raises:
        UsageError: there is none of this number.
    """
    found = target.book.order(number)
    if found is None:
        raise UsageError(
            Said("there is no work order w%(number)s", number=number), cure=Said("see `syncd workorders list`")
        )
    return found


def item_of(of: Order, key: str) -> Item:
    """The open item with this number or key.

    Raises:
        UsageError: there is none, there are several, or it is not open any more.
    """
    found = [item for item in of.items if key in {str(item.place), item.why.key}]
    if not found:
        raise UsageError(
            Said("%(order)s has no item %(key)s", order=of.name, key=key),
            cure=Said("see `syncd workorders show %(order)s`", order=of.name),
        )
    if len(found) > 1:
        raise UsageError(
            Said("%(order)s has several items %(key)s", order=of.name, key=key), cure=Said("give the item's number")
        )
    (item,) = found
    if not item.open:
        raise UsageError(
            Said(
                "%(order)s item %(item)s is %(state)s already", order=of.name, item=item.place, state=Said(state(item))
            ),
            cure=Said("nothing is to be confirmed"),
        )
    return item


def confirm(app: App, number: int, keys: Iterable[str], by: str) -> tuple[Order, list[Item], list[Item]]:
    """A person says that items were done; the next export still decides, wherever it can show them.

    Args:
        app: the program.
        number: of the order.
        keys: numbers or keys of its items.
        by: who says so.

    Returns:
        The order, its items, and those of them that this closes.

    Raises:
        UsageError: there is no such order or item.
        LockedError: a run is under way.
    """
    with run_lock(app.store, "syncd workorders confirm", app.clock()) as store:
        target = portal(app.on(store))
        found = order(target, number)
        items = [item_of(found, key) for key in keys]
        closed = [item for item in items if target.confirm(item, by)]
    return found, items, closed


def state(item: Item) -> str:
    """Open | confirmed | done | withdrawn."""
    if item.withdrawn_at:
        return "withdrawn"
    if item.closed_at:
        return "done"
    return "confirmed" if item.confirmed_at else "open"


def summary(order: Order, now: datetime) -> dict[str, Any]:
    """One order, as `workorders list --json` tells it."""
    states = [state(item) for item in order.items]
    return {
        "order": order.name,
        "created_at": order.created_at.isoformat(),
        "age_days": round((now - order.created_at).total_seconds() / 86_400, 1),
        "items": len(states),
        "open": states.count("open") + states.count("confirmed"),
        "done": states.count("done"),
        "withdrawn": states.count("withdrawn"),
        "stops": [item.why.key for item in order.stops],
        "notice": order.notice,
        "notice_text": order.notice_text,
    }


def document(item: Item, last: LastExport | None, known: Any) -> dict[str, Any]:
    """One item, as `workorders show --json` tells it."""
    return {
        "item": item.place,
        "key": item.why.key,
        "state": state(item),
        "title": title(item),
        "steps": [] if item.in_import else steps(item),
        "in_import": item.in_import,
        "reason": item.why.reason,
        "approved_by": item.why.approved_by or None,
        "ordered_at": item.ordered_at.isoformat(),
        "confirmed_at": item.confirmed_at.isoformat() if item.confirmed_at else None,
        "confirmed_by": item.confirmed_by or None,
        "closed_at": item.closed_at.isoformat() if item.closed_at else None,
        "withdrawn": item.withdrawn_why or None,
        "contradiction": (contradiction(item, last, known) if item.open else "") or None,
    }
