"""Work orders: what an admin was asked to do in the portal, and what became of it."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated

from flask_babel import gettext as _
from pydantic import Field

from syncd import work_orders
from syncd.config_target import PortalTargetConfig
from syncd.errors import UsageError
from syncd.web.desk import Desk, Document, Done, Download, Form, Paged, Paging, Query
from syncd.web.errors import NotFoundError, RefusedError
from syncd.web.frame import Room
from syncd.web.roles import Role

room = Room()


class OrderLine(Document):
    """One work order."""

    order: str
    created_at: datetime
    age_days: float
    items: int
    open: int
    done: int
    withdrawn: int
    stops: list[str]
    """Keys of earlier orders' items that this one takes back."""
    notice: str
    notice_text: str


class Orders(Paged):
    """Work orders, the newest first."""

    portal: bool
    """Whether the target is the portal: no other makes work orders."""
    orders: list[OrderLine]


class OrderItem(Document):
    """One thing that an admin is asked to do."""

    item: int
    key: str
    state: str
    title: str
    steps: list[str]
    in_import: bool
    reason: str
    approved_by: str | None
    ordered_at: datetime
    confirmed_at: datetime | None
    confirmed_by: str | None
    closed_at: datetime | None
    withdrawn: str | None
    contradiction: str | None
    """What the last export says against it."""


class OrderPage(Paged):
    """One work order, item by item."""

    order: OrderLine
    items: list[OrderItem]


class Confirm(Form):
    """These were done."""

    items: Annotated[tuple[str, ...], Field(min_length=1, max_length=1000, description="Their numbers or keys.")]


@room.page("/workorders", "workorders.html")
def list_orders(desk: Desk, asked: Paging) -> Orders:
    """Work orders, the newest first."""
    portal = isinstance(desk.app.config.target, PortalTargetConfig)
    found = work_orders.portal(desk.app).book.orders() if portal else []
    shown = [
        OrderLine.model_validate(work_orders.summary(order, desk.now))
        for order in found[asked.offset : asked.offset + asked.size]
    ]
    return Orders(total=len(found), page=asked.page, size=asked.size, portal=portal, orders=shown)


@room.page("/workorders/<int:number>", "workorder.html")
def show_order(desk: Desk, asked: Paging, number: int) -> OrderPage:
    """One work order, item by item."""
    try:
        portal = work_orders.portal(desk.app)
        order = work_orders.order(portal, number)
    except UsageError as error:
        raise NotFoundError(error.what, cure=error.cure) from error
    shown = order.items[asked.offset : asked.offset + asked.size]
    last, known = portal.book.last_export(), portal.book.holdings(item.fluix_id for item in shown if item.fluix_id)
    return OrderPage(
        total=len(order.items),
        page=asked.page,
        size=asked.size,
        order=OrderLine.model_validate(work_orders.summary(order, desk.now)),
        items=[OrderItem.model_validate(work_orders.document(item, last, known)) for item in shown],
    )


@room.page("/workorders/<int:number>/export", "", Role.OPERATOR)
def export_order(desk: Desk, asked: Query, number: int) -> Download:
    """The files of a work order as a ZIP, as it stands now: what is done or withdrawn is marked, and not imported again."""
    del asked
    try:
        portal = work_orders.portal(desk.app)
        order = work_orders.order(portal, number)
    except UsageError as error:
        raise NotFoundError(error.what, cure=error.cure) from error
    with tempfile.TemporaryDirectory() as folder:
        place = portal.export_order(order, Path(folder))
        content = place.with_name(f"{place.name}.zip").read_bytes()
    return Download(name=f"{place.name}.zip", media_type="application/zip", content=content)


@room.deed("/workorders/<int:number>/confirm", Role.OPERATOR)
def confirm_items(desk: Desk, form: Confirm, number: int) -> Done:
    """Say that items were done. The next export still decides, wherever it can show them."""
    try:
        _order, items, closed = work_orders.confirm(desk.app, number, form.items, desk.who.name)
    except UsageError as error:
        raise RefusedError(error.what, cure=error.cure) from error
    waiting = len(items) - len(closed)
    said = _("%(count)s confirmed of %(order)s.", count=len(items), order=f"w{number}")
    if waiting:
        said = _("%(said)s The next export shows %(count)s more.", said=said, count=waiting)
    return Done(message=said, go=f"/workorders/{number}")
