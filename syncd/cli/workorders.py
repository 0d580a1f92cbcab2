"""workorders: what an admin was asked to do in the portal, and what became of it."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from connectors.fluix.portal.proof import contradiction
from connectors.fluix.portal.words import steps, title
from syncd import work_orders as orders
from syncd.bootstrap import App, actor
from syncd.cli.common import number_of, out, print_json, say, standard
from syncd.errors import Exit, LockedError, UsageError
from syncd.render import counted

_STYLE = {"open": "yellow", "confirmed": "cyan", "done": "green", "withdrawn": "red"}


@click.group()
def workorders() -> None:
    """What an admin is asked to do in the portal, and what became of it."""


@workorders.command("list")
@standard
def list_orders(app: App, *, as_json: bool) -> int:
    """List the work orders, the newest first."""
    portal = orders.portal(app)
    found = portal.book.orders()
    if as_json:
        print_json([orders.summary(order, app.clock()) for order in found])
        return Exit.DONE
    if not found:
        out.print("no work orders yet: `syncd run` makes one when there is something to do")
        return Exit.DONE
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("order", "made (UTC)", "age", "items", "open", "done", "withdrawn", "notice"):
        table.add_column(name, overflow="fold")
    for order in found:
        told = orders.summary(order, app.clock())
        counts = [str(told[name]) for name in ("items", "open", "done", "withdrawn")]
        age = f"{told['age_days']:.1f} days"
        table.add_row(order.name, f"{order.created_at:%Y-%m-%d %H:%M}", age, *counts, order.notice)
    out.print(table)
    return Exit.DONE


@workorders.command("show")
@click.argument("order_id")
@standard
def show_order(app: App, *, as_json: bool, order_id: str) -> int:
    """Show a work order (w3) item by item."""
    portal = orders.portal(app)
    order = orders.order(portal, _number(order_id))
    last = portal.book.last_export()
    known = portal.book.holdings(item.fluix_id for item in order.items if item.fluix_id)
    if as_json:
        items = [orders.document(item, last, known) for item in order.items]
        print_json({**orders.summary(order, app.clock()), "list": items})
        return Exit.DONE
    out.print(f"[bold]work order {order.name}[/], made {order.created_at:%Y-%m-%d %H:%M} UTC")
    if order.notice_text:
        out.print(f"[red]notice[/] {escape(order.notice_text)}", soft_wrap=True)
    for item in order.items:
        state = orders.state(item)
        out.print(f"\n[{_STYLE[state]}]{state:9}[/] {item.place}. {escape(title(item))}", soft_wrap=True)
        out.print(f"          [dim]{escape(item.why.key)}[/]", soft_wrap=True)
        if said := contradiction(item, last, known) if state == "confirmed" else item.withdrawn_why:
            out.print(f"          [red]{escape(said)}[/]", soft_wrap=True)
        if state == "open" and not item.in_import:
            for step in steps(item):
                out.print(f"          - {escape(step)}", soft_wrap=True)
    return Exit.DONE


@workorders.command("export", short_help="Write a work order once more.")
@click.argument("order_id")
@click.option("--out", "folder", type=click.Path(path_type=Path), required=True, help="The folder to write it into.")
@standard
def export_order(app: App, *, as_json: bool, order_id: str, folder: Path) -> int:
    """Write a work order once more, as it stands now: what is done or withdrawn by now is marked, and not imported again."""
    portal = orders.portal(app)
    place = portal.export_order(orders.order(portal, _number(order_id)), folder)
    files = sorted(file.name for file in place.iterdir())
    document = {"order": f"w{number_of(order_id, 'w')}", "folder": str(place), "files": files}
    return say(f"written: {place} and {place.name}.zip", document, as_json=as_json)


@workorders.command("confirm", short_help="Say that items were done.")
@click.argument("order_id")
@click.option(
    "--item", "keys", multiple=True, required=True, metavar="KEY", help="Its number or key; may be given again."
)
@standard
def confirm(app: App, *, as_json: bool, order_id: str, keys: tuple[str, ...]) -> int:
    """Say that items were done. The next export still decides, wherever it can show them."""
    try:
        order, items, closed = orders.confirm(app, _number(order_id), keys, actor())
    except LockedError as error:
        error.cure = "wait until it ends, then do this again"
        raise
    waiting = len(items) - len(closed)
    told = f"confirmed {counted(len(items), 'item')} of {order.name}"
    told += f"; {waiting} to be shown by the next export" if waiting else ""
    document = {
        "order": order.name,
        "confirmed": [item.why.key for item in items],
        "closed": [item.why.key for item in closed],
    }
    return say(told, document, as_json=as_json)


def _number(order_id: str) -> int:
    if not order_id.removeprefix("w").isdigit():
        raise UsageError(f'"{order_id}" is no number of a work order', cure="see `syncd workorders list`")
    return number_of(order_id, "w")
